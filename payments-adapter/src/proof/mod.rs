//! The proof of a payment: ask YooKassa, ask the ledger, judge, tell.
//!
//! GET the payment by its id → our id from its metadata → the ledger's view of it → [`judge`] →
//! payment_settle or payment_cancel. Whoever brings the id (a notification, the poll) is not believed.

mod judge;

use proto_events::{
    CommandId, PaymentId,
    commands::Command,
    envelope::AccountRef,
    events::ProviderId,
    queries::{PaymentQuery, PaymentView},
};
use service::ledger::{Envelope, Ledger, SendError};

pub use self::judge::{Expected, Judgement, judge};
use crate::yookassa::{self, YooKassa};

/// How a proof ended when everyone answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The ledger has it, from us or from before.
    Final,
    /// YooKassa has not decided yet.
    Waiting,
    /// Nothing that we can act on; it is in the log with its identifiers.
    NotOurs,
}

/// Someone did not answer: the proof must be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Away {
    #[error("YooKassa did not show the payment")]
    YooKassa(#[source] yookassa::Error),
    #[error("the ledger did not answer: {0}")]
    Ledger(SendError),
}

pub struct Prover {
    pub ledger: Ledger,
    pub yookassa: YooKassa,
    pub expected: Expected,
}

impl Prover {
    /// # Errors
    /// YooKassa or the ledger did not answer; nothing is lost by trying again.
    pub async fn prove(&self, id: &ProviderId) -> Result<Outcome, Away> {
        let theirs = match self.yookassa.get(id).await {
            Ok(payment) => payment,
            Err(yookassa::Error::NotFound | yookassa::Error::Refused { .. }) => {
                tracing::warn!(provider_payment_id = %id, "YooKassa has no such payment");
                metrics::counter!("payments_unknown_total").increment(1);
                return Ok(Outcome::NotOurs);
            }
            Err(error) => return Err(Away::YooKassa(error)),
        };
        let Some(payment) = theirs.ours() else {
            tracing::warn!(provider_payment_id = %id, status = %word(&theirs.status), "a payment of this shop, but not one of ours");
            return Ok(Outcome::NotOurs);
        };
        let Some(ours) = self.view(payment).await.map_err(Away::Ledger)? else {
            return Ok(unknown_to_us(id, payment, &theirs));
        };
        fail::fail_point!("payments.proved");
        match judge(id, &theirs, &ours, &self.expected) {
            Judgement::Tell(command) => self.tell(payment, id, *command).await,
            Judgement::Known => Ok(Outcome::Final),
            Judgement::Wait => Ok(Outcome::Waiting),
            Judgement::Strange(what) => {
                tracing::warn!(%payment, provider_payment_id = %id, status = %word(&theirs.status), what, "nothing is done");
                Ok(Outcome::NotOurs)
            }
            Judgement::Wrong(problems) => {
                tracing::error!(%payment, provider_payment_id = %id, ?problems, "paid, but not what we asked for: not credited, a person must look");
                metrics::counter!("payments_wrong_total").increment(1);
                Ok(Outcome::NotOurs)
            }
        }
    }

    /// The ledger's view; `None` when it knows no such payment.
    ///
    /// # Errors
    /// The ledger did not answer.
    pub async fn view(&self, payment: PaymentId) -> Result<Option<PaymentView>, SendError> {
        match self.ledger.ask::<PaymentView>("payment", &PaymentQuery { payment }, None).await {
            Ok(view) => Ok(Some(view)),
            Err(SendError::Refused(refused)) => {
                tracing::info!(%payment, code = %refused.code, "the ledger shows no such payment");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn tell(&self, payment: PaymentId, id: &ProviderId, command: Command) -> Result<Outcome, Away> {
        let settling = matches!(command, Command::PaymentSettle(_));
        let what = if settling { "settle" } else { "cancel" };
        match self.send(payment, &format!("{what}:yookassa:{id}"), command).await {
            Ok(_) => {
                tracing::info!(%payment, provider_payment_id = %id, what, "told the ledger");
                metrics::counter!("payments_told_total", "what" => what).increment(1);
                if settling {
                    fail::fail_point!("payments.settled");
                }
                Ok(Outcome::Final)
            }
            Err(SendError::Refused(refused)) => {
                let code = refused.code.as_str();
                if matches!(code, "payment_settled" | "payment_closed") {
                    tracing::info!(%payment, provider_payment_id = %id, what, code, "the ledger has it already");
                    return Ok(Outcome::Final);
                }
                tracing::error!(%payment, provider_payment_id = %id, what, code, message = refused.message, "the ledger refused; a person must look");
                metrics::counter!("payments_wrong_total").increment(1);
                Ok(Outcome::NotOurs)
            }
            Err(error) => Err(Away::Ledger(error)),
        }
    }

    /// A command about this payment under this id.
    ///
    /// # Errors
    /// Refused, or its outcome is not known.
    pub async fn send(&self, payment: PaymentId, id: &str, command: Command) -> Result<(), SendError> {
        // Invariant: a payment's id is 51 bytes and a provider's at most 64, so an id fits its 120.
        let id = CommandId::new(id).map_err(|error| SendError::Unknown(error.to_string()))?;
        let account = AccountRef::Id(payment.account());
        let envelope = Envelope { id, account, command, causation: None, trace_id: None };
        self.ledger.send(envelope).await.map(|_| ())
    }
}

/// YooKassa has a payment under an id of our form that the ledger does not have.
fn unknown_to_us(id: &ProviderId, payment: PaymentId, theirs: &yookassa::Payment) -> Outcome {
    let status = word(&theirs.status);
    if theirs.status == "succeeded" {
        tracing::error!(%payment, provider_payment_id = %id, status, "paid under an id the ledger does not know: not credited, a person must look");
        metrics::counter!("payments_wrong_total").increment(1);
    } else {
        tracing::warn!(%payment, provider_payment_id = %id, status, "the ledger does not know this payment");
    }
    metrics::counter!("payments_unknown_total").increment(1);
    Outcome::NotOurs
}

fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(40).collect()
}
