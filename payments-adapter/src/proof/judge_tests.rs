use PaymentProblem::{AmountDiffers, CurrencyDiffers, IdDiffers, ShopDiffers, TestDiffers, UnknownPayment};
use proto_events::{AccountId, CommandId, Credits, Currency, Micros, Money, Producer, Text};
use serde_json::{Value, json};

use super::*;

const ID: &str = "23d93cac-000f-5000-8000-126628f15141";

fn id() -> ProviderId {
    ProviderId::lossy(ID)
}

fn payment() -> PaymentId {
    PaymentId::derive(AccountId::CATALOG, Producer::Telegram, &CommandId::new("topup:1:2").unwrap())
}

fn ours(state: PaymentState, provider: Option<&str>) -> PaymentView {
    PaymentView {
        position: proto_events::Position::ZERO,
        payment: payment(),
        state,
        rail: Rail::Yookassa,
        package: Text::lossy("rub-100"),
        credits: Credits::new(100).unwrap(),
        price: Money::new(10_000, Currency::Rub).unwrap(),
        provider_payment_id: provider.map(ProviderId::lossy),
        checkout_url: None,
        opened_at: Micros::MIN,
        expires_at: Micros::MAX,
        email: None,
        fee_unknown: false,
        method: None,
        paid: None,
    }
}

fn theirs(status: &str, changes: Value) -> yookassa::Payment {
    let mut payment = json!({
        "id": ID, "status": status, "amount": {"value": "100.00", "currency": "RUB"}, "paid": true, "test": false,
        "income_amount": {"value": "96.50", "currency": "RUB"}, "captured_at": "2026-11-21T07:00:00.000Z",
        "recipient": {"account_id": "100500", "gateway_id": "1"}, "metadata": {"payment_id": payment().to_string()},
        "cancellation_details": {"party": "payment_network", "reason": "a_reason_of_2030"},
    });
    for (name, value) in changes.as_object().unwrap() {
        payment[name] = value.clone();
    }
    serde_json::from_value(payment).unwrap()
}

fn judged(status: &str, changes: Value, ours: &PaymentView) -> Judgement {
    judge(
        &id(),
        &theirs(status, changes),
        ours,
        &Expected { shop_id: "100500".into(), test: false, shared_shop: false },
    )
}

fn settled() -> Judgement {
    Judgement::Tell(Box::new(
        PaymentSettle {
            payment: payment(),
            rail: Rail::Yookassa,
            provider_payment_id: id(),
            amount: Money::new(10_000, Currency::Rub).unwrap(),
            net: Money::new(9_650, Currency::Rub).ok(),
            test: false,
            paid_at: Micros::new(1_795_244_400_000_000).ok(),
            context: None,
        }
        .into(),
    ))
}

#[test]
fn what_is_paid_is_settled_also_before_it_was_registered_and_after_it_was_canceled() {
    use PaymentState::{Canceled, Opened, Registered};
    for (state, provider) in [(Opened, None), (Registered, Some(ID)), (Canceled, None), (Canceled, Some(ID))]
    {
        assert_eq!(judged("succeeded", json!({}), &ours(state, provider)), settled(), "{state:?}");
    }
    let known = ours(PaymentState::Settled, Some(ID));
    assert_eq!(judged("succeeded", json!({}), &known), Judgement::Known);
}

#[test]
fn what_differs_is_never_settled() {
    let registered = ours(PaymentState::Registered, Some(ID));
    let table = [
        (json!({"amount": {"value": "1.00", "currency": "RUB"}}), vec![AmountDiffers]),
        (json!({"amount": {"value": "100.0", "currency": "RUB"}}), vec![AmountDiffers]),
        (json!({"amount": {"value": "100.01", "currency": "RUB"}}), vec![AmountDiffers]),
        (json!({"amount": {"value": "100.00", "currency": "USD"}}), vec![CurrencyDiffers]),
        (json!({"paid": false}), vec![AmountDiffers]),
        (json!({"test": true}), vec![TestDiffers]),
        (json!({"test": null}), vec![TestDiffers]),
        (json!({"recipient": {"account_id": "100501"}}), vec![ShopDiffers]),
        (json!({"recipient": null}), vec![ShopDiffers]),
        (json!({"id": "another"}), vec![IdDiffers]),
        (json!({"metadata": {}}), vec![UnknownPayment]),
        (json!({"test": true, "id": "x"}), vec![TestDiffers, IdDiffers]),
    ];
    for (changes, problems) in table {
        let seen = judged("succeeded", changes.clone(), &registered);
        assert_eq!(seen, Judgement::Wrong(problems), "{changes}");
    }
    let other = ours(PaymentState::Registered, Some("other"));
    assert_eq!(judged("succeeded", json!({}), &other), Judgement::Wrong(vec![IdDiffers]));
    let other = ours(PaymentState::Settled, Some("other"));
    assert_eq!(judged("succeeded", json!({}), &other), Judgement::Wrong(vec![IdDiffers]));
    let stars = PaymentView { rail: Rail::Stars, ..ours(PaymentState::Opened, None) };
    assert_eq!(judged("succeeded", json!({}), &stars), Judgement::Wrong(vec![IdDiffers]));
}

#[test]
fn what_is_pending_waits_whatever_a_notification_said() {
    for state in [PaymentState::Opened, PaymentState::Registered, PaymentState::Canceled] {
        assert_eq!(judged("pending", json!({}), &ours(state, Some(ID))), Judgement::Wait);
    }
}

#[test]
fn what_is_canceled_is_told_once_with_the_vendors_words() {
    let Judgement::Tell(command) = judged("canceled", json!({}), &ours(PaymentState::Registered, Some(ID)))
    else {
        panic!("not told");
    };
    let Command::PaymentCancel(cancel) = *command else { panic!("not a cancel") };
    assert_eq!((cancel.party.as_str(), cancel.reason.as_str()), ("payment_network", "a_reason_of_2030"));
    assert_eq!(cancel.provider_payment_id, Some(id()));
    assert_eq!(judged("canceled", json!({}), &ours(PaymentState::Canceled, Some(ID))), Judgement::Known);
    for strange in [ours(PaymentState::Settled, Some(ID)), ours(PaymentState::Registered, Some("other"))] {
        assert!(matches!(judged("canceled", json!({}), &strange), Judgement::Strange(_)));
    }
    let silent = judged("canceled", json!({"cancellation_details": null}), &ours(PaymentState::Opened, None));
    let Judgement::Tell(command) = silent else { panic!("not told") };
    let Command::PaymentCancel(cancel) = *command else { panic!("not a cancel") };
    assert_eq!((cancel.party.as_str(), cancel.reason.as_str()), ("not_said", "not_said"));
}

#[test]
fn an_unknown_status_changes_nothing() {
    for status in ["A_STATUS_OF_2030", ""] {
        let seen = judged(status, json!({}), &ours(PaymentState::Registered, Some(ID)));
        assert!(matches!(seen, Judgement::Strange(_)), "{status}");
    }
}

#[test]
fn money_that_is_only_held_is_for_a_person() {
    let seen = judged("waiting_for_capture", json!({}), &ours(PaymentState::Registered, Some(ID)));
    assert_eq!(seen, Judgement::Wrong(vec![PaymentProblem::NotCaptured]));
}

#[test]
fn what_telegram_has_told_of_is_known_by_its_id_and_its_fee_is_learned_once() {
    let telegram = PaymentView {
        rail: Rail::TelegramYookassa,
        fee_unknown: true,
        ..ours(PaymentState::Settled, Some(ID))
    };
    let unnamed = json!({"metadata": {}});
    let Judgement::Tell(command) = judged("succeeded", unnamed.clone(), &telegram) else {
        panic!("not told")
    };
    let Command::PaymentFee(fee) = *command else { panic!("not a fee") };
    assert_eq!((fee.net.minor(), fee.rail), (9_650, Rail::TelegramYookassa));
    let told = PaymentView { fee_unknown: false, ..telegram.clone() };
    assert_eq!(judged("succeeded", unnamed.clone(), &told), Judgement::Known);
    // One that Telegram registered and has not settled is settled by YooKassa's own word.
    let open = PaymentView {
        fee_unknown: false,
        ..PaymentView { rail: Rail::TelegramYookassa, ..ours(PaymentState::Registered, Some(ID)) }
    };
    let Judgement::Tell(command) = judged("succeeded", unnamed, &open) else { panic!("not told") };
    assert!(matches!(*command, Command::PaymentSettle(ref settle) if settle.rail == Rail::TelegramYookassa));
    assert_eq!(judged("succeeded", json!({}), &open), Judgement::Wrong(vec![UnknownPayment]));
}
