//! What a proof tells the ledger, and what its refusals mean.

use proto_events::{
    AccountId, CommandId, PaymentId, Provider, Rail, Text,
    commands::{Command, NOTICE_BYTES_MAX, NoticeKeep, Operation, PaymentQuarantine},
    envelope::AccountRef,
    events::{PaymentProblem, PaymentSeen, ProviderId},
};
use service::ledger::{Envelope, SendError};

use super::{Away, Outcome, Prover, word};
use crate::yookassa;

/// Refusals that say that it was so already.
const KNOWN: [&str; 4] = ["payment_settled", "payment_closed", "fee_known", "already_quarantined"];

impl Prover {
    pub(super) async fn tell(
        &self,
        payment: PaymentId,
        id: &ProviderId,
        command: Command,
    ) -> Result<Outcome, Away> {
        let (what, rail) = (word_of(&command), command.rail().unwrap_or(Rail::Yookassa));
        let settling = matches!(command, Command::PaymentSettle(_));
        match self.send(payment, &format!("{what}:{}:{id}", rail.as_str()), command).await {
            Ok(()) => {
                tracing::info!(%payment, provider_payment_id = %id, what, "told the ledger");
                metrics::counter!("payments_told_total", "what" => what).increment(1);
                if settling {
                    fail::fail_point!("payments.settled");
                }
                Ok(Outcome::Final)
            }
            Err(SendError::Refused(refused)) => {
                let code = refused.code.as_str();
                if KNOWN.contains(&code) {
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
        self.send_to(payment.account(), id, command).await
    }

    async fn send_to(&self, account: AccountId, id: &str, command: Command) -> Result<(), SendError> {
        // Invariant: a payment's id is 51 bytes and a provider's at most 64, so an id fits its 120.
        let id = CommandId::new(id).map_err(|error| SendError::Unknown(error.to_string()))?;
        let account = AccountRef::Id(account);
        let envelope = Envelope { id, account, command, causation: None, trace_id: None };
        self.ledger.send(envelope).await.map(|_| ())
    }

    /// For a person, with everything that was seen; nothing is credited.
    pub(super) async fn quarantine(
        &self,
        payment: Option<PaymentId>,
        rail: Rail,
        id: &ProviderId,
        theirs: &yookassa::Payment,
        problems: Vec<PaymentProblem>,
    ) -> Result<Outcome, Away> {
        let command = PaymentQuarantine {
            payment,
            rail,
            provider_payment_id: id.clone(),
            problems: problems.clone(),
            seen: seen(theirs),
        };
        self.give_to_a_person(payment, rail, id, command).await
    }

    pub(super) async fn give_to_a_person(
        &self,
        payment: Option<PaymentId>,
        rail: Rail,
        id: &ProviderId,
        command: PaymentQuarantine,
    ) -> Result<Outcome, Away> {
        let problems = command.problems.clone();
        let account = payment.map_or(AccountId::OPERATIONS, |payment| payment.account());
        let command_id = format!("quarantine:{}:{id}", rail.as_str());
        match self.send_to(account, &command_id, command.into()).await {
            // The first answer, or the same again: it may be decided since.
            Ok(()) if self.told.is_news(id, "quarantined") => {
                tracing::error!(?payment, provider_payment_id = %id, ?problems, "not as we asked for it: nothing is credited, a person must look (ledger cases)");
                metrics::counter!("payments_wrong_total").increment(1);
                Ok(Outcome::Quarantined)
            }
            Ok(()) => {
                tracing::info!(?payment, provider_payment_id = %id, ?problems, "not as we asked for it still; a person has been called");
                Ok(Outcome::Quarantined)
            }
            // Quarantined before, perhaps with other words; or it was put right meanwhile.
            Err(SendError::Refused(refused))
                if KNOWN.contains(&refused.code.as_str()) || refused.code.as_str() == "command_id_reused" =>
            {
                Ok(Outcome::Quarantined)
            }
            Err(SendError::Refused(refused)) if !self.told.is_news(id, refused.code.as_str()) => {
                tracing::info!(?payment, provider_payment_id = %id, code = %refused.code, "still not taken into quarantine; a person has been called");
                Ok(Outcome::NotOurs)
            }
            Err(SendError::Refused(refused)) => {
                tracing::error!(?payment, provider_payment_id = %id, code = %refused.code, ?problems, "not as we asked for it, and the ledger does not take it into quarantine; a person must look");
                metrics::counter!("payments_wrong_total").increment(1);
                Ok(Outcome::NotOurs)
            }
            Err(error) => Err(Away::Ledger(error)),
        }
    }

    /// A payment that says it is ours, or that nobody claims: of no account.
    pub(super) async fn stray_quarantine(
        &self,
        id: &ProviderId,
        theirs: &yookassa::Payment,
    ) -> Result<Outcome, Away> {
        // Named by Telegram or by a link: it is not known which.
        let rail = if theirs.named().is_some() { Rail::Yookassa } else { Rail::TelegramYookassa };
        self.quarantine(None, rail, id, theirs, vec![PaymentProblem::UnknownPayment]).await
    }

    /// Keeps YooKassa's words for disputes.
    ///
    /// # Errors
    /// The ledger did not answer.
    pub async fn keep(
        &self,
        event: &str,
        object: &ProviderId,
        payment: Option<PaymentId>,
        body: &str,
        outcome: Outcome,
    ) -> Result<(), Away> {
        let mut body = body.to_owned();
        body.truncate(body.floor_char_boundary(NOTICE_BYTES_MAX));
        let notice = NoticeKeep {
            provider: Provider::Yookassa,
            event: Text::lossy(event),
            object: object.clone(),
            payment,
            body,
            outcome: Text::lossy(outcome.word()),
        };
        let account = payment.map_or(AccountId::OPERATIONS, |payment| payment.account());
        let id = CommandId::new(format!("notice:{object}"))
            .map_err(|e| Away::Ledger(SendError::Unknown(e.to_string())))?;
        let kept = self.ledger.operate(id, AccountRef::Id(account), Operation::NoticeKeep(notice)).await;
        match kept {
            Ok(_) => Ok(()),
            Err(SendError::Refused(refused)) => {
                tracing::error!(%object, code = %refused.code, "a notification's words were not kept");
                Ok(())
            }
            Err(error) => Err(Away::Ledger(error)),
        }
    }
}

/// The first part of a command's id.
const fn word_of(command: &Command) -> &'static str {
    match command {
        Command::PaymentSettle(_) => "settle",
        Command::PaymentFee(_) => "fee",
        _ => "cancel",
    }
}

fn seen(theirs: &yookassa::Payment) -> PaymentSeen {
    let amount = theirs.amount.money();
    let written = || Text::lossy(&format!("{} {}", theirs.amount.value, theirs.amount.currency));
    let shop = theirs.recipient.as_ref().and_then(|recipient| recipient.account_id.as_deref());
    PaymentSeen {
        amount,
        status: Text::lossy(&word(&theirs.status)),
        test: theirs.test,
        other_amount: amount.is_none().then(written),
        shop: shop.map(Text::lossy),
        // Nothing but a name of our form: what others write there is nobody's business.
        named: theirs.ours().map(|payment| Text::lossy(&payment.to_string())),
    }
}
