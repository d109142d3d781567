//! The proof of a payment: ask YooKassa, ask the ledger, judge, tell.
//!
//! GET the payment by its id → our payment (by its metadata, or by the id where Telegram made it) → the
//! ledger's view of it → [`judge`] → payment_settle, payment_cancel, payment_fee, or payment_quarantine for a
//! person. Whoever brings the id (a notification, the poll, a list) is not believed. Refunds: [`refund`].

mod judge;
mod refund;
mod standing;
mod tell;
mod told;

use proto_events::{
    PaymentId, Provider,
    events::ProviderId,
    queries::{PaymentQuery, PaymentState, PaymentView, ProviderQuery},
};
use service::ledger::{Ledger, SendError};

pub use self::{
    judge::{Expected, Judgement, judge},
    standing::open_refunds,
    told::Told,
};
use crate::{
    clock,
    yookassa::{self, YooKassa},
};

/// How a proof ended when everyone answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The ledger has it, from us or from before.
    Final,
    /// YooKassa has not decided yet.
    Waiting,
    /// Something disagrees: a person has it to decide.
    Quarantined,
    /// Nothing that we can act on; it is in the log with its identifiers.
    NotOurs,
    /// YooKassa knows nothing of it.
    Unknown,
}

impl Outcome {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::Waiting => "waiting",
            Self::Quarantined => "quarantined",
            Self::NotOurs => "not_ours",
            Self::Unknown => "unknown",
        }
    }
}

/// What a proof found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    pub outcome: Outcome,
    /// Ours, as far as there is one.
    pub payment: Option<PaymentId>,
}

impl Proof {
    const fn of(payment: PaymentId, outcome: Outcome) -> Self {
        Self { outcome, payment: Some(payment) }
    }

    const fn nobodys(outcome: Outcome) -> Self {
        Self { outcome, payment: None }
    }
}

/// Someone did not answer: the proof must be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Away {
    #[error("YooKassa did not show it")]
    YooKassa(#[source] yookassa::Error),
    #[error("the ledger did not answer: {0}")]
    Ledger(SendError),
    /// It can't be told before something else has ended.
    #[error("{0}")]
    TooEarly(&'static str),
}

pub struct Prover {
    pub ledger: Ledger,
    pub yookassa: YooKassa,
    pub expected: Expected,
    pub told: Told,
}

/// How long somebody else's word on a payment that names none of ours is waited for: Telegram's.
const STRAY_AFTER_MS: i64 = 30 * 60_000;

impl Prover {
    /// # Errors
    /// YooKassa or the ledger did not answer; nothing is lost by trying again.
    pub async fn prove(&self, id: &ProviderId) -> Result<Proof, Away> {
        let theirs = match self.yookassa.get(id).await {
            Ok(payment) => payment,
            Err(yookassa::Error::NotFound) => {
                tracing::warn!(provider_payment_id = %id, "YooKassa has no such payment");
                metrics::counter!("payments_unknown_total").increment(1);
                return Ok(Proof::nobodys(Outcome::Unknown));
            }
            Err(error) => return Err(Away::YooKassa(error)),
        };
        let Some(ours) = self.find(id, &theirs).await? else {
            return self.stray(id, &theirs).await.map(Proof::nobodys);
        };
        fail::fail_point!("payments.proved");
        let payment = ours.payment;
        let outcome = match judge(id, &theirs, &ours, &self.expected) {
            Judgement::Tell(command) => self.tell(payment, id, *command).await?,
            Judgement::Known => Outcome::Final,
            Judgement::Wait => Outcome::Waiting,
            Judgement::Strange(what) => {
                tracing::warn!(%payment, provider_payment_id = %id, status = %word(&theirs.status), what, "nothing is done");
                Outcome::NotOurs
            }
            Judgement::Wrong(problems) => {
                self.quarantine(Some(payment), ours.rail, id, &theirs, problems).await?
            }
        };
        Ok(Proof::of(payment, outcome))
    }

    /// Our payment: the one it names, or the one that is known by this id because Telegram told of it, or because a
    /// person settled it: a link that was paid twice names the first.
    async fn find(&self, id: &ProviderId, theirs: &yookassa::Payment) -> Result<Option<PaymentView>, Away> {
        let Some(payment) = theirs.ours() else { return self.known_by(id).await.map_err(Away::Ledger) };
        let named = self.view(payment).await.map_err(Away::Ledger)?;
        if named
            .as_ref()
            .is_some_and(|ours| ours.provider_payment_id.as_ref().is_none_or(|known| known == id))
        {
            return Ok(named);
        }
        let known = self.known_by(id).await.map_err(Away::Ledger)?;
        let settled = |ours: &PaymentView| {
            ours.state == PaymentState::Settled && ours.provider_payment_id.as_ref() == Some(id)
        };
        Ok(known.filter(settled).or(named))
    }

    /// The payment of ours that the ledger knows by this id of YooKassa's.
    ///
    /// # Errors
    /// The ledger did not answer.
    pub async fn known_by(&self, id: &ProviderId) -> Result<Option<PaymentView>, SendError> {
        let query = ProviderQuery { provider: Provider::Yookassa, id: id.clone() };
        found(self.ledger.ask::<PaymentView>("payment_of", &query, None).await)
    }

    /// The ledger's view; `None` when it knows no such payment.
    ///
    /// # Errors
    /// The ledger did not answer.
    pub async fn view(&self, payment: PaymentId) -> Result<Option<PaymentView>, SendError> {
        let view = found(self.ledger.ask::<PaymentView>("payment", &PaymentQuery { payment }, None).await)?;
        if view.is_none() {
            tracing::info!(%payment, "the ledger shows no such payment");
        }
        Ok(view)
    }

    /// Money in our shop that is no payment of ours: quarantined when it says it is, or when nobody has
    /// claimed it for long, since Telegram may have taken it for us and its word may be lost.
    async fn stray(&self, id: &ProviderId, theirs: &yookassa::Payment) -> Result<Outcome, Away> {
        let status = word(&theirs.status);
        let taken = theirs.status == "succeeded";
        let old = theirs.captured().is_some_and(|at| clock::now() > at.plus_ms(STRAY_AFTER_MS));
        // Other software writes names of its own there.
        let claimed =
            if self.expected.shared_shop { theirs.ours().is_some() } else { theirs.named().is_some() };
        if taken && (claimed || (old && !self.expected.shared_shop)) {
            return self.stray_quarantine(id, theirs).await;
        }
        tracing::info!(provider_payment_id = %id, status, "a payment of this shop, but none of ours so far");
        metrics::counter!("payments_unknown_total").increment(1);
        Ok(Outcome::NotOurs)
    }
}

fn found<T>(asked: Result<T, SendError>) -> Result<Option<T>, SendError> {
    match asked {
        Ok(view) => Ok(Some(view)),
        Err(SendError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(40).collect()
}
