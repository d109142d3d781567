//! What invoices brought, into the ledger: credited once for each charge, or put aside for a person.
//!
//! A charge comes by the message of Telegram, and again by its book of Stars if the message was lost;
//! either way it is one command, named by the charge. What is refused because something disagrees is put
//! into quarantine with everything that was seen; nobody's money is let lie.

mod charge;

use proto_events::commands::{NoticeKeep, PaymentQuarantine, PaymentSettle, RefundOpen};
use proto_events::events::{PaymentProblem, PaymentSeen, ProviderId};
use proto_events::{AccountId, Money, PaymentId, Provider, Rail, SomeMoney, Text};
use service::ledger::SendError;

use crate::desk::Desk;
pub use charge::{Charge, Return, money};

/// What became of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It is credited, now or before.
    Credited,
    /// A person looks into it, in the account of this payment if it is one of ours.
    PutAside(Option<PaymentId>),
    /// The log has it as another's than Telegram says, credited or decided there by a person. It has one place for
    /// it, so that nothing more can be done by itself: only the error and Telegram's words, kept, tell of it.
    Anothers(Option<PaymentId>),
}

impl Came {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credited => "credited",
            Self::PutAside(_) => "quarantined",
            Self::Anothers(_) => "anothers",
        }
    }
}

/// What became of money that went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// The log has it, now or before.
    Known,
    /// A refund of ours is under way for it, and is settled by itself.
    Ours,
    /// The log does not take it; a person looks into it.
    Odd,
    /// Rubles: YooKassa's books have the refund under its own id, and the payments adapter finds it there.
    AtTheProvider,
}

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Till {
    desk: Desk,
    /// Stars of Telegram's test servers.
    pub stars_are_test: bool,
    /// The provider's token is for play.
    pub provider_is_test: bool,
}

impl Till {
    pub fn new(desk: Desk, stars_are_test: bool, provider_is_test: bool) -> Self {
        Self { desk, stars_are_test, provider_is_test }
    }

    /// # Errors
    /// The outcome is not known: the charge is to come again.
    pub async fn take(&self, charge: &Charge) -> Result<Came, SendError> {
        let problems = match self.settle(charge).await {
            Ok(came) => return Ok(came),
            Err(Wrong::Later(error)) => return Err(error),
            Err(Wrong::Problems(problems)) => problems,
        };
        let came = self.put_aside(charge, problems).await?;
        metrics::counter!("telegram_charges_total", "rail" => charge.rail.as_str(), "outcome" => came.as_str())
            .increment(1);
        Ok(came)
    }

    async fn settle(&self, charge: &Charge) -> Result<Came, Wrong> {
        let (payment, amount) = match (charge.payment(), charge.amount) {
            (Some(payment), Some(amount)) if charge.id_is_its_own => (payment, amount),
            (payment, amount) => {
                let mut problems = Vec::new();
                problems.extend(payment.is_none().then_some(PaymentProblem::UnknownPayment));
                problems.extend(amount.is_none().then_some(PaymentProblem::CurrencyDiffers));
                problems.extend((!charge.id_is_its_own).then_some(PaymentProblem::IdDiffers));
                return Err(Wrong::Problems(problems));
            }
        };
        let settle = PaymentSettle {
            payment,
            rail: charge.rail,
            provider_payment_id: charge.id.clone(),
            amount,
            net: None,
            test: self.is_test(charge.rail),
            paid_at: charge.at,
            context: charge.context,
        };
        let settled = self.desk.settle(settle).await;
        let outcome = match &settled {
            Ok(_) => "credited",
            Err(error) => error.code().unwrap_or("unknown"),
        };
        tracing::info!(%payment, charge = %charge.id, rail = charge.rail.as_str(), outcome, "a charge came");
        match settled {
            Ok(_) => {
                fail::fail_point!("telegram.settled");
                metrics::counter!("telegram_charges_total", "rail" => charge.rail.as_str(), "outcome" => "credited")
                    .increment(1);
                Ok(Came::Credited)
            }
            Err(error) => match error.code() {
                None => Err(Wrong::Later(error)),
                // By another report of the same charge; the last: with another view of what is a test.
                Some("payment_settled" | "command_id_reused") => Ok(Came::Credited),
                // Paid once more, or placed by a person: the same payer's either way.
                Some("provider_id_taken") if is_payers(&error, payment) => Ok(Came::Credited),
                Some(code) => Err(Wrong::Problems(vec![problem(code, charge, amount)])),
            },
        }
    }

    const fn is_test(&self, rail: Rail) -> bool {
        match rail {
            Rail::Stars => self.stars_are_test,
            Rail::Yookassa | Rail::TelegramYookassa => self.provider_is_test,
        }
    }

    /// In the payment's account if it can be told, else in the stream that is nobody's.
    async fn put_aside(&self, charge: &Charge, problems: Vec<PaymentProblem>) -> Result<Came, SendError> {
        let seen = PaymentSeen {
            amount: charge.amount,
            status: Text::lossy("paid"),
            test: Some(self.is_test(charge.rail)),
            other_amount: charge.amount.is_none().then(|| Text::lossy(&charge.written)),
            shop: None,
            named: Some(Text::lossy(&charge.payload)),
        };
        let mut quarantine = PaymentQuarantine {
            payment: charge.payment(),
            rail: charge.rail,
            provider_payment_id: charge.id.clone(),
            problems,
            seen,
        };
        let mut put = self.desk.quarantine(quarantine.clone()).await;
        if let Err(error) = &put
            // The last: it is in that stream already, under the same id.
            && matches!(error.code(), Some("payment_not_found" | "account_not_found" | "command_id_reused"))
        {
            quarantine.payment = None;
            put = self.desk.quarantine(quarantine.clone()).await;
        }
        let payment = quarantine.payment;
        match put {
            Ok(()) => {
                fail::fail_point!("telegram.put_aside");
                tracing::error!(charge = %charge.id, rail = charge.rail.as_str(), "money came that can't be credited; a person must look");
                Ok(Came::PutAside(payment))
            }
            Err(error) if error.code() == Some("already_quarantined") && !is_in_place(&error, payment) => {
                tracing::error!(charge = %charge.id, %error, ?payment, "Telegram says whose this money is, and a person placed it in another's account; a person must look");
                Ok(Came::Anothers(payment))
            }
            Err(error) if matches!(error.code(), Some("already_quarantined" | "payment_settled")) => {
                Ok(Came::PutAside(payment))
            }
            // Nothing more can be done by itself: the log of this service and Telegram's books have it.
            Err(error) if error.code().is_some() => {
                tracing::error!(charge = %charge.id, %error, "a charge could not be put aside");
                Ok(Came::PutAside(payment))
            }
            Err(error) => Err(error),
        }
    }

    /// Stars that went back without a word of ours, or with one that is still under way.
    ///
    /// # Errors
    /// The outcome is not known: it is to come again.
    pub async fn give_back(&self, back: &Return) -> Result<Went, SendError> {
        // Telegram's word on rubles has neither the refund's id nor, often, the payment's.
        if back.charge.rail != Rail::Stars {
            tracing::info!(charge = %back.charge.id, "rubles went back; the provider's lists bring the refund");
            return Ok(Went::AtTheProvider);
        }
        let Some(payment) = self.paid_by(&back.charge).await? else {
            tracing::error!(charge = %back.charge.id, "Stars of a charge that the log does not know went back");
            return Ok(Went::Odd);
        };
        let amount = back.charge.amount.and_then(|m| SomeMoney::new(m.minor(), m.currency).ok());
        let Some(amount) = amount else {
            tracing::error!(charge = %back.charge.id, "no amount of Stars went back");
            return Ok(Went::Odd);
        };
        let refund = RefundOpen {
            payment,
            rail: Rail::Stars,
            amount,
            reason: Text::lossy("given back by Telegram"),
            provider_refund_id: Some(back.charge.id.clone()),
            refunded_at: back.at,
            version: None,
        };
        let opened = self.desk.chargeback(refund, &back.charge.id).await;
        fail::fail_point!("telegram.refund_taken");
        let went = match &opened {
            Ok(_) => Went::Known,
            Err(error) => match error.code() {
                None => return Err(SendError::Unknown(error.to_string())),
                Some("refund_id_taken" | "command_id_reused") => Went::Known,
                Some("refund_exceeds_payment") => Went::Ours,
                Some(_) => Went::Odd,
            },
        };
        let outcome = opened.as_ref().err().and_then(SendError::code).unwrap_or("taken");
        tracing::info!(%payment, charge = %back.charge.id, outcome, "Stars went back");
        Ok(went)
    }

    /// The payment of a charge; one whose message was lost is credited first.
    async fn paid_by(&self, charge: &Charge) -> Result<Option<PaymentId>, SendError> {
        for lost in [true, false] {
            let known = self.desk.known(vec![charge.id.clone()], Vec::new()).await?;
            if let Some(known) = known.payments.first() {
                return Ok(Some(known.payment));
            }
            if lost && self.take(charge).await? != Came::Credited {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Keeps Telegram's own words.
    ///
    /// # Errors
    /// The ledger did not answer.
    pub async fn keep(
        &self,
        event: &str,
        words: &str,
        charge: &ProviderId,
        payment: Option<PaymentId>,
        outcome: &str,
    ) -> Result<(), SendError> {
        let notice = NoticeKeep {
            provider: Provider::Telegram,
            event: Text::lossy(event),
            object: charge.clone(),
            payment,
            body: words.to_owned(),
            outcome: Text::lossy(outcome),
        };
        match self.desk.keep_notice(notice).await {
            Err(error) if error.code().is_some() => {
                tracing::error!(%charge, %error, "Telegram's words of a charge were not kept");
                Ok(())
            }
            kept => kept,
        }
    }
}

enum Wrong {
    Later(SendError),
    Problems(Vec<PaymentProblem>),
}

/// What a refusal names.
fn named<T: std::str::FromStr>(error: &SendError, what: &str) -> Option<T> {
    match error {
        SendError::Refused(refused) => refused.details[what].as_str()?.parse().ok(),
        SendError::Unknown(_) => None,
    }
}

/// `provider_id_taken`: the payment that has it is of the same account.
fn is_payers(error: &SendError, payment: PaymentId) -> bool {
    named::<PaymentId>(error, "payment").is_some_and(|taker| taker.account() == payment.account())
}

/// `already_quarantined`: in the account of this payment, if it is one of ours.
fn is_in_place(error: &SendError, payment: Option<PaymentId>) -> bool {
    let holder = named::<AccountId>(error, "account");
    payment.zip(holder).is_none_or(|(payment, holder)| payment.account() == holder)
}

/// What a refusal of the ledger means to who looks into it.
fn problem(code: &str, charge: &Charge, amount: Money) -> PaymentProblem {
    match code {
        "amount_differs" => PaymentProblem::AmountDiffers,
        "account_not_found" => PaymentProblem::AccountUnknown,
        "payment_not_found" => PaymentProblem::UnknownPayment,
        // The bill was in another currency, or by another way to pay.
        "rail_differs" if amount.currency != charge.rail.provider().currency() => {
            PaymentProblem::CurrencyDiffers
        }
        _ => PaymentProblem::IdDiffers,
    }
}

/// An id as the wire has it; what is longer than any provider's is cut.
pub(crate) fn provider_id(id: &str) -> ProviderId {
    Text::lossy(id)
}
