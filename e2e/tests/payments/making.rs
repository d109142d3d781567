//! Making a payment when YooKassa does not say how it went.

use e2e::shop::Shop;
use serde_json::{Value, json};

/// One payment of YooKassa's comes of it, is paid once and credited once.
fn one_comes_of_it(faults: &[(&str, Value)]) {
    let shop = Shop::open().unwrap();
    for (user, (call, fault)) in (1..).zip(faults) {
        shop.stage.fault("yookassa", call, fault.clone(), 1);
        let payment = shop.order(user, 0);
        let theirs = shop.registered(payment);
        assert_eq!(shop.theirs(payment).len(), 1, "{fault}");
        shop.stage.pay(&theirs);
        shop.until_event(payment, "PaymentSettled");
        assert_eq!(shop.balance(payment), (105, 0, 0), "{fault}");
    }
    shop.assert_at_rest();
}

#[test]
fn a_call_that_is_lost_before_or_after_its_effect_makes_one_payment() {
    one_comes_of_it(&[
        ("create_payment", json!(500)),
        ("create_payment", json!({"status": 500, "after_effect": true})),
        ("create_payment", json!({"drop": "before"})),
        ("create_payment", json!({"drop": "after"})),
        ("create_payment", json!("truncated")),
        ("create_payment", json!({"status": 429, "retry_after": 0.5})),
    ]);
}

#[test]
fn a_notification_that_overtakes_the_answer_of_the_create_call_settles_the_payment() {
    let shop = Shop::open().unwrap();
    shop.stage.fault("yookassa", "create_payment", json!({"hold_ms": 60_000}), 1);
    let payment = shop.order(1, 0);
    let theirs = shop.made(payment);
    shop.stage.pay(&theirs);
    shop.until_event(payment, "PaymentSettled");
    assert_eq!(shop.count(payment, "PaymentRegistered"), 0, "the call has not returned");
    shop.stage.heal();
    assert_eq!(shop.balance(payment), (105, 0, 0));
    shop.assert_at_rest();
    assert_eq!(shop.theirs(payment).len(), 1);
}

#[test]
fn a_definite_refusal_closes_the_payment() {
    let shop = Shop::open().unwrap();
    shop.stage.fault("yookassa", "create_payment", json!({"status": 400, "code": "invalid_request"}), 1);
    let payment = shop.order(1, 0);
    shop.until_event(payment, "PaymentCanceled");
    assert_eq!(shop.theirs(payment).len(), 0);
    shop.assert_at_rest();
}

#[test]
fn a_payment_that_nobody_pays_is_closed_with_the_vendors_word_and_one_paid_after_all_is_credited() {
    let shop = Shop::open().unwrap();
    let (expired, declined) = (shop.order(1, 0), shop.order(2, 0));
    let theirs = [expired, declined].map(|payment| shop.registered(payment));
    shop.desk(&theirs[0], "expire", &json!({}));
    shop.desk(&theirs[1], "decline", &json!({"party": "payment_network", "reason": "insufficient_funds"}));
    for payment in [expired, declined] {
        shop.until_event(payment, "PaymentCanceled");
        assert_eq!(shop.balance(payment), (5, 0, 0));
    }
    assert_eq!(shop.count("insufficient_funds", "PaymentCanceled"), 1);
    assert_eq!(shop.count("expired_on_confirmation", "PaymentCanceled"), 1);
    shop.assert_at_rest();
}
