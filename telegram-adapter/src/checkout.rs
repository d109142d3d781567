//! Pre-checkout queries: the last moment before Telegram takes a person's money.
//!
//! Telegram waits 10 s for the answer, so it has a way of its own: no turn, no queue, no client that others
//! use. The account and the payment are asked for side by side, the answer is sent at once, and if the
//! ledger is away the person is told to try in a minute. Yes is said only while the bill can be paid by
//! this very person for just this money; what slips through between yes and the money is credited all
//! the same, by its charge.

use std::sync::Arc;
use std::time::Duration;

use proto_events::queries::{AccountView, PaymentState, PaymentView};
use proto_events::{Currency, Micros, PaymentId, Rail};
use service::ledger::SendError;
use tokio::time::Instant;

use crate::clock;
use crate::desk::Desk;
use crate::inbound::Checkout;
use crate::outbound::{Express, Refusal};
use crate::texts::{Lang, Say, Texts};
use crate::till::money;

/// For the ledger's answers; a take-over may take longer, and then it is no.
const ASK_TIME: Duration = Duration::from_millis(2_800);
/// For all of it: half of what Telegram gives.
const TIME_MAX: Duration = Duration::from_secs(5);

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Cashier {
    desk: Desk,
    express: Express,
    texts: Arc<Texts>,
}

impl Cashier {
    pub fn new(desk: &Desk, express: Express, texts: Arc<Texts>) -> Self {
        Self { desk: desk.within(ASK_TIME), express, texts }
    }

    /// Whether Telegram has the answer; else it may ask again.
    pub async fn answer(&self, query: &Checkout) -> bool {
        let began = Instant::now();
        let asked = tokio::time::timeout(ASK_TIME, self.look(query)).await;
        let (lang, verdict) = match asked {
            Ok(Ok((account, payment))) => {
                let lang = account.as_ref().map(|account| Lang::of(Some(&account.language)));
                (lang, judge(query, account.as_ref(), payment.as_ref(), clock::now()))
            }
            Ok(Err(_)) | Err(_) => (None, Err(No::Away)),
        };
        let lang = lang.unwrap_or_else(|| Lang::of(query.from.language.as_deref()));
        let why = verdict.err().map(|no| self.texts.say(lang, no.say()));
        let answered = self.express.answer(&query.id, why.as_ref(), began + TIME_MAX).await;
        fail::fail_point!("telegram.checkout_answered");
        let outcome = verdict.err().map_or("ok", No::word);
        metrics::counter!("telegram_checkouts_total", "outcome" => outcome).increment(1);
        metrics::histogram!("telegram_checkout_seconds").record(began.elapsed().as_secs_f64());
        let took_ms = began.elapsed().as_millis();
        match &answered {
            Ok(()) => tracing::info!(outcome, took_ms, "a pre-checkout query was answered"),
            // Another try's answer was there before this one's, or Telegram's time was over: the person sees which.
            Err(error) if error.refusal() == Some(Refusal::TapTooOld) => {
                tracing::warn!(outcome, took_ms, "a pre-checkout query is answered already, or too old");
            }
            Err(error) => {
                tracing::error!(%error, outcome, took_ms, "a pre-checkout query could not be answered");
            }
        }
        !answered.is_err_and(|error| error.is_passing())
    }

    async fn look(&self, query: &Checkout) -> Result<(Option<AccountView>, Option<PaymentView>), SendError> {
        let payment = async {
            let Ok(payment) = query.payload.parse::<PaymentId>() else { return Ok(None) };
            match self.desk.payment(payment, None).await {
                Err(error) if error.code().is_some() => Ok(None),
                view => view.map(Some),
            }
        };
        tokio::try_join!(self.desk.account(query.from.id), payment)
    }
}

/// Why it can't be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum No {
    /// The ledger can't be asked.
    Away,
    /// No bill of ours.
    Unknown,
    /// Somebody else's bill.
    Stranger,
    Banned,
    Paid,
    Over,
    /// Another way to pay, currency or amount.
    Differs,
}

impl No {
    const fn word(self) -> &'static str {
        match self {
            Self::Away => "ledger_away",
            Self::Unknown => "unknown",
            Self::Stranger => "stranger",
            Self::Banned => "banned",
            Self::Paid => "paid",
            Self::Over => "over",
            Self::Differs => "differs",
        }
    }

    const fn say(self) -> Say<'static> {
        match self {
            Self::Away => Say::CheckoutAway,
            Self::Unknown | Self::Differs => Say::CheckoutRefused,
            Self::Stranger => Say::CheckoutStranger,
            Self::Banned => Say::Banned,
            Self::Paid => Say::CheckoutPaid,
            Self::Over => Say::CheckoutOver,
        }
    }
}

/// In this order: whose it is before how it stands, so that strangers learn nothing of a bill.
fn judge(
    query: &Checkout,
    account: Option<&AccountView>,
    payment: Option<&PaymentView>,
    now: Micros,
) -> Result<(), No> {
    let payment = payment.ok_or(No::Unknown)?;
    let account =
        account.filter(|account| account.account == payment.payment.account()).ok_or(No::Stranger)?;
    if account.banned {
        return Err(No::Banned);
    }
    match payment.state {
        PaymentState::Settled => return Err(No::Paid),
        PaymentState::Canceled => return Err(No::Over),
        PaymentState::Opened | PaymentState::Registered => {}
    }
    if payment.expires_at <= now {
        return Err(No::Over);
    }
    let rail = match payment.price.currency {
        Currency::Xtr => Rail::Stars,
        Currency::Rub => Rail::TelegramYookassa,
    };
    if payment.rail != rail || money(&query.currency, query.amount) != Some(payment.price) {
        return Err(No::Differs);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proto_events::AccountId;
    use serde_json::{Value, json};

    use super::*;
    use crate::inbound::Person;

    const ACCOUNT: &str = "11111111-1111-4111-8111-111111111111";

    fn query(currency: &str, amount: i64) -> Checkout {
        let from = Person { id: 42, name: String::new(), language: None };
        Checkout { id: "9".to_owned(), from, currency: currency.to_owned(), amount, payload: String::new() }
    }

    fn account(id: &str, banned: bool) -> AccountView {
        serde_json::from_value(json!({"account": id, "language": "en", "banned": banned, "email": null}))
            .unwrap()
    }

    fn payment(changes: Value) -> PaymentView {
        let mut view = json!({
            "payment": format!("p-{}-{}", ACCOUNT.replace('-', ""), "2".repeat(16)),
            "state": "opened", "rail": "stars", "package": "xtr-100", "credits": 100,
            "price": {"amount": 75, "currency": "XTR"}, "provider_payment_id": null, "checkout_url": null,
            "opened_at": 1, "expires_at": 100, "position": 3, "method": null, "paid": null, "fee_unknown": false,
            "email": null,
        });
        view.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        serde_json::from_value(view).unwrap()
    }

    fn at(us: i64) -> Micros {
        Micros::new(us).unwrap()
    }

    #[test]
    fn only_this_persons_open_bill_for_just_its_price_is_let_through() {
        let mine = account(ACCOUNT, false);
        let good = query("XTR", 75);
        let view = payment(json!({}));
        assert_eq!(judge(&good, Some(&mine), Some(&view), at(99)), Ok(()));
        let no = |query: &Checkout, changes: Value| {
            judge(query, Some(&mine), Some(&payment(changes)), at(99)).unwrap_err()
        };
        assert_eq!(no(&query("XTR", 76), json!({})), No::Differs);
        assert_eq!(no(&query("RUB", 75), json!({})), No::Differs);
        assert_eq!(no(&query("XTR", -1), json!({})), No::Differs);
        assert_eq!(no(&good, json!({"rail": "yookassa"})), No::Differs);
        assert_eq!(no(&good, json!({"state": "settled"})), No::Paid);
        assert_eq!(no(&good, json!({"state": "canceled"})), No::Over);
        assert_eq!(judge(&good, Some(&mine), Some(&view), at(100)), Err(No::Over));
        assert_eq!(judge(&good, Some(&mine), None, at(99)), Err(No::Unknown));
        assert_eq!(judge(&good, Some(&account(ACCOUNT, true)), Some(&view), at(99)), Err(No::Banned));
    }

    #[test]
    fn strangers_learn_nothing_of_a_bill() {
        let other = account(&AccountId::random().0.to_string(), false);
        for state in ["opened", "settled", "canceled"] {
            let view = payment(json!({"state": state}));
            assert_eq!(judge(&query("XTR", 75), Some(&other), Some(&view), at(99)), Err(No::Stranger));
            assert_eq!(judge(&query("XTR", 75), None, Some(&view), at(99)), Err(No::Stranger));
        }
    }

    #[test]
    fn rubles_are_paid_by_the_providers_token_only() {
        let mine = account(ACCOUNT, false);
        let price = json!({"amount": 10_000, "currency": "RUB"});
        let view = |rail: &str| payment(json!({"rail": rail, "price": price}));
        let verdict = |rail| judge(&query("RUB", 10_000), Some(&mine), Some(&view(rail)), at(99));
        assert_eq!((verdict("telegram_yookassa"), verdict("yookassa")), (Ok(()), Err(No::Differs)));
    }
}
