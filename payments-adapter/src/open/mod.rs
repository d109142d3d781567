//! Makes the payment at YooKassa for one that was opened here, and tells the ledger its id and link.
//!
//! POST /payments under Idempotence-Key = our payment id, always in the same words, so that a repeat
//! within 24 h finds the first one. A definite refusal cancels the payment and the person hears of it.
//! After the payment has expired here, or near the end of those 24 h, nothing is made before a look
//! through YooKassa's list: the answer to an earlier call may have been lost.

mod find;
mod plan;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proto_events::{
    Rail, Text,
    commands::{PaymentCancel, PaymentRegister},
    queries::{PaymentState, PaymentView},
};
use service::ledger::SendError;

use self::plan::Plan;
use crate::{
    clock,
    proof::Prover,
    receipt::{self, Terms},
    yookassa::{self, Amount, Error, METADATA_PAYMENT, NewMethod, NewPayment},
};

/// While our access is refused a person must act; asking more often only fills the log.
const ACCESS_AGAIN: Duration = Duration::from_secs(60);
/// Something is wrong that time hardly heals.
const ODD_AGAIN: Duration = Duration::from_secs(300);

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// The ledger has the provider's id, or the payment is closed.
    Done,
    /// The outcome is not known, or nobody answered: the same again, soon.
    Again,
    /// The same again, not before this.
    After(Duration),
}

pub struct Opener {
    pub prover: Arc<Prover>,
    pub return_url: String,
    /// Where the shop gives receipts.
    pub receipts: Option<Terms>,
}

impl Opener {
    /// One try. Safe to repeat at any time, also by several processes at once.
    pub async fn open(&self, ours: &PaymentView) -> Opened {
        if ours.rail != Rail::Yookassa
            || ours.state != PaymentState::Opened
            || ours.provider_payment_id.is_some()
        {
            return Opened::Done;
        }
        match plan::plan(ours, clock::now()) {
            Plan::Create => self.create(ours).await,
            Plan::FindFirst => self.find_first(ours).await,
            Plan::FindOrCancel => self.find_or_cancel(ours, "plantain", "expired").await,
        }
    }

    async fn create(&self, ours: &PaymentView) -> Opened {
        let payment = ours.payment;
        let Some(body) = body(ours, &self.return_url, self.receipts.as_ref()) else {
            tracing::error!(%payment, price = %ours.price, "YooKassa takes rubles only");
            return self.cancel(ours, "plantain", "currency").await;
        };
        fail::fail_point!("payments.before_create");
        match self.prover.yookassa.create(payment, &body).await {
            Ok(theirs) => {
                fail::fail_point!("payments.created");
                metrics::counter!("payments_created_total").increment(1);
                self.register(ours, &theirs).await
            }
            // The key was used with other words (our return address changed): what they made is there.
            Err(Error::Refused { parameter: Some(parameter), .. })
                if parameter.eq_ignore_ascii_case("Idempotence-Key") =>
            {
                self.find_or_cancel(ours, "yookassa", "idempotence_key").await
            }
            Err(Error::Refused { code, parameter }) => {
                let reason = parameter.map_or(code.clone(), |parameter| format!("{code}: {parameter}"));
                tracing::error!(%payment, reason, "YooKassa refused to make a payment");
                metrics::counter!("payments_refused_total").increment(1);
                self.cancel(ours, "yookassa", &reason).await
            }
            Err(error) => later(ours, &error),
        }
    }

    /// So late that a repeat could be a second payment: it is looked for first.
    async fn find_first(&self, ours: &PaymentView) -> Opened {
        match self.find(ours).await {
            Ok(Some(theirs)) => self.register(ours, &theirs).await,
            Ok(None) => self.create(ours).await,
            Err(error) => later(ours, &error),
        }
    }

    async fn find_or_cancel(&self, ours: &PaymentView, party: &str, reason: &str) -> Opened {
        match self.find(ours).await {
            Ok(Some(theirs)) => self.register(ours, &theirs).await,
            Ok(None) => self.cancel(ours, party, reason).await,
            Err(error) => later(ours, &error),
        }
    }

    async fn find(&self, ours: &PaymentView) -> Result<Option<yookassa::Payment>, Error> {
        find::find(&self.prover.yookassa, ours.payment, ours.opened_at, clock::now()).await
    }

    async fn register(&self, ours: &PaymentView, theirs: &yookassa::Payment) -> Opened {
        let payment = ours.payment;
        let Some(id) = yookassa::provider_id(&theirs.id) else {
            tracing::error!(%payment, "YooKassa's id of a payment has an unknown form");
            return Opened::After(ODD_AGAIN);
        };
        let command = PaymentRegister {
            payment,
            rail: Rail::Yookassa,
            provider_payment_id: id.clone(),
            checkout_url: theirs.checkout_url().and_then(|url| Text::new(url).ok()),
        };
        match self.prover.send(payment, &format!("register:{payment}"), command.into()).await {
            Ok(()) => {
                tracing::info!(%payment, provider_payment_id = %id, "made at YooKassa and registered");
                fail::fail_point!("payments.registered");
                Opened::Done
            }
            Err(error) => told(ours, &error, "register"),
        }
    }

    async fn cancel(&self, ours: &PaymentView, party: &str, reason: &str) -> Opened {
        let payment = ours.payment;
        let command = PaymentCancel {
            payment,
            rail: Rail::Yookassa,
            provider_payment_id: None,
            party: Text::lossy(party),
            reason: Text::lossy(reason),
        };
        match self.prover.send(payment, &format!("cancel:yookassa:{payment}"), command.into()).await {
            Ok(()) => {
                tracing::info!(%payment, party, reason, "canceled: YooKassa has no payment for it");
                Opened::Done
            }
            Err(error) => told(ours, &error, "cancel"),
        }
    }
}

/// What the ledger's refusal means.
fn told(ours: &PaymentView, error: &SendError, what: &'static str) -> Opened {
    let payment = ours.payment;
    match error.code() {
        Some("already_registered" | "payment_closed" | "payment_settled") => {
            tracing::info!(%payment, what, %error, "the ledger has moved on");
            Opened::Done
        }
        Some(code) => {
            tracing::error!(%payment, what, code, "the ledger refused; a person must look");
            metrics::counter!("payments_wrong_total").increment(1);
            Opened::After(ODD_AGAIN)
        }
        None => {
            tracing::warn!(%payment, what, %error, "the ledger did not answer");
            Opened::Again
        }
    }
}

fn later(ours: &PaymentView, error: &Error) -> Opened {
    let payment = ours.payment;
    match error {
        Error::Access { .. } | Error::NotFound => {
            tracing::error!(%payment, %error, "YooKassa does not let us in: check YOOKASSA_SHOP_ID, YOOKASSA_SECRET_KEY and YOOKASSA_API_URL");
            metrics::counter!("payments_access_refused_total").increment(1);
            Opened::After(ACCESS_AGAIN)
        }
        Error::TooMany { after } => {
            tracing::warn!(%payment, "YooKassa asks for patience");
            after.map_or(Opened::Again, Opened::After)
        }
        Error::Unknown { .. } | Error::Refused { .. } => {
            tracing::warn!(%payment, %error, "YooKassa did not answer; the same again");
            Opened::Again
        }
    }
}

/// The same for the same payment, whenever and by whomever it is built.
fn body(ours: &PaymentView, return_url: &str, receipts: Option<&Terms>) -> Option<NewPayment> {
    let receipt = match (receipts, &ours.email) {
        (Some(terms), Some(email)) => Some(terms.receipt(email, ours.credits, ours.price)?),
        _ => None,
    };
    Some(NewPayment {
        amount: Amount {
            value: yookassa::amount::format(ours.price)?,
            currency: ours.price.currency.code().to_owned(),
        },
        capture: true,
        confirmation: yookassa::NewConfirmation { r#type: "redirect", return_url: return_url.to_owned() },
        description: receipt::line(ours.credits),
        payment_method_data: ours.method.map(|method| NewMethod { r#type: method.as_str() }),
        receipt,
        metadata: BTreeMap::from([(METADATA_PAYMENT, ours.payment.to_string())]),
    })
}

#[cfg(test)]
mod tests {
    use proto_events::{
        AccountId, CommandId, Credits, Currency, Micros, Money, PaymentId, Producer, events::PayMethod,
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn the_words_are_exact_and_always_the_same() {
        let command = CommandId::new("topup:1:2").unwrap();
        let payment = PaymentId::derive(AccountId::CATALOG, Producer::Telegram, &command);
        let mut ours = PaymentView {
            position: proto_events::Position::ZERO,
            payment,
            state: PaymentState::Opened,
            rail: Rail::Yookassa,
            package: Text::lossy("rub-100"),
            credits: Credits::new(1_000_000_000).unwrap(),
            price: Money::new(10_005, Currency::Rub).unwrap(),
            provider_payment_id: None,
            checkout_url: None,
            opened_at: Micros::MIN,
            expires_at: Micros::MAX,
            email: None,
            fee_unknown: false,
            method: None,
            paid: None,
        };
        let words = serde_json::to_value(body(&ours, "https://t.me/bot", None)).unwrap();
        assert_eq!(
            words,
            json!({
                "amount": {"value": "100.05", "currency": "RUB"}, "capture": true,
                "confirmation": {"type": "redirect", "return_url": "https://t.me/bot"},
                "description": "Plantain: кредиты × 1000000000", "metadata": {"payment_id": payment.to_string()},
            })
        );
        assert!(payment.to_string().len() <= 64, "an Idempotence-Key");
        let terms = Terms {
            vat_code: 1,
            payment_subject: "service".into(),
            payment_mode: "full_prepayment".into(),
            tax_system_code: Some(2),
        };
        ours.method = Some(PayMethod::Sbp);
        let without = serde_json::to_value(body(&ours, "https://t.me/bot", Some(&terms))).unwrap();
        assert_eq!(without["payment_method_data"], json!({"type": "sbp"}));
        assert_eq!(without["receipt"], json!(null), "nobody's address is known");
        ours.email = Some(Text::lossy("ada@example.org"));
        let with = serde_json::to_value(body(&ours, "https://t.me/bot", Some(&terms))).unwrap();
        assert_eq!(
            with["receipt"],
            json!({
                "customer": {"email": "ada@example.org"}, "tax_system_code": 2,
                "items": [{
                    "description": "Plantain: кредиты × 1000000000", "quantity": 1,
                    "amount": {"value": "100.05", "currency": "RUB"}, "vat_code": 1,
                    "payment_subject": "service", "payment_mode": "full_prepayment",
                }],
            })
        );
        ours.price = Money::new(75, Currency::Xtr).unwrap();
        assert_eq!(body(&ours, "x", None), None);
    }
}
