//! Refunds that YooKassa never lets us make: nobody's credits are taken twice, and a person can end them.

use e2e::raw::of;
use e2e::shop::Shop;
use proto_events::{PaymentId, Producer, RefundId};
use serde_json::json;

use crate::desk::run;

/// A sold payment, and an operator's refund of 40.00 of it that YooKassa does not let us make.
fn stuck(shop: &Shop, user: i64) -> (PaymentId, String, RefundId) {
    let (payment, theirs) = shop.sell(user, 0);
    let bend =
        json!({"vendor": "yookassa", "call": "create_refund", "times": "always", "fault": {"status": 403}});
    shop.stage.post("/faults", &bend);
    let refund = shop.refund(payment, 4_000, &format!("stuck{user}"));
    assert_eq!(shop.balance(payment), (65, 0, 0));
    (payment, theirs, refund)
}

fn asked(shop: &Shop) -> usize {
    let arrivals = shop.stage.get("/arrivals?vendor=yookassa&call=create_refund&limit=100");
    arrivals["arrivals"].as_array().map_or(0, Vec::len)
}

#[test]
fn one_made_by_hand_in_its_place_long_after_is_that_one_and_not_one_more() {
    let shop = Shop::open_with(&[("SANDBOX_DATES", "clock")], &[]).unwrap();
    let (payment, theirs, refund) = stuck(&shop, 1);
    shop.stage.until("a try", || (asked(&shop) > 0).then_some(()));
    shop.stage.post("/clock", &json!({"advance_ms": 20 * 60_000}));
    assert_eq!(shop.desk(&theirs, "refund", &json!({"amount": "40.00"})).0, 200);
    shop.until_event(refund, "RefundSettled");
    // One more of the same amount is one more.
    assert_eq!(shop.desk(&theirs, "refund", &json!({"amount": "40.00"})).0, 200);
    shop.stage.until("the next", || (shop.count(payment, "RefundOpened") == 2).then_some(()));
    assert_eq!(shop.balance(payment), (25, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn a_person_says_that_it_was_made_or_that_it_will_not_be() {
    let shop = Shop::open().unwrap();
    let (payment, theirs, refund) = stuck(&shop, 1);
    let name = refund.to_string();
    // Made by hand at once: which of the two it is, only a person knows.
    let (_, made) = shop.desk(&theirs, "refund", &json!({"amount": "40.00"}));
    let made = made["id"].as_str().unwrap().to_owned();
    let (code, said) = run(&shop, &["close", &name, "--yes"]);
    assert!(code == 2 && said.contains("--made"), "{code} {said}");
    let (code, said) = run(&shop, &["close", &name, "--made", &made]);
    assert!(code == 2 && said.contains("40.00 RUB") && said.contains("--yes"), "{code} {said}");
    let (code, said) = run(&shop, &["close", &name, "--made", &made, "--yes"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = run(&shop, &["close", &name, "--made", &made, "--yes"]);
    assert!(code == 2 && said.contains("has ended"), "{code} {said}");
    assert_eq!((shop.balance(payment), shop.count(payment, "RefundOpened")), ((65, 0, 0), 1));

    let (other, theirs, refund) = stuck(&shop, 2);
    let (code, said) =
        run(&shop, &["close", &refund.to_string(), "--not-made", "--reason", "never mind", "--yes"]);
    assert_eq!((code, shop.balance(other)), (0, (105, 0, 0)), "{said}");
    // And then it is made all the same.
    assert_eq!(shop.desk(&theirs, "refund", &json!({"amount": "40.00"})).0, 200);
    shop.stage.until("the cabinet's", || (shop.count(other, "RefundOpened") == 2).then_some(()));
    assert_eq!(shop.balance(other), (65, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn ours_that_was_made_after_all_is_one_more_when_a_person_settled_it_by_another() {
    let shop = Shop::open().unwrap();
    let (payment, theirs) = shop.sell(1, 0);
    for (call, fault) in [
        ("create_refund", json!({"status": 500, "after_effect": true})),
        ("list_refunds", json!(500)),
        ("notification", json!("lost")),
    ] {
        shop.stage.fault("yookassa", call, fault, 100);
    }
    let refund = shop.refund(payment, 4_000, "doubt");
    let back = || shop.stage.books()["yookassa"]["refunds"].as_array().map_or(0, Vec::len);
    shop.stage.until("ours", || (back() == 1).then_some(()));
    let (_, made) = shop.desk(&theirs, "refund", &json!({"amount": "40.00"}));
    let made = made["id"].as_str().unwrap();
    let (code, said) = run(&shop, &["close", &refund.to_string(), "--made", made, "--yes"]);
    assert_eq!((code, shop.balance(payment)), (0, (65, 0, 0)), "{said}");
    shop.stage.heal();
    shop.stage.until("ours", || (shop.count(payment, "RefundOpened") == 2).then_some(()));
    assert_eq!(shop.balance(payment), (25, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn a_payment_is_closed_by_hand_only_past_its_end() {
    let shop = Shop::open().unwrap();
    let payment = shop.order(1, 0);
    let theirs = shop.registered(payment);
    let ours = payment.to_string();
    let close = ["close", &ours, "--not-made", "--reason", "gone at the provider", "--yes"];
    let (code, said) = run(&shop, &close);
    assert!(code == 2 && said.contains("deadline"), "{code} {said}");
    let (code, said) = run(&shop, &["close", &ours, "--made", &theirs, "--yes"]);
    assert!(code == 2 && said.contains("quarantine settle"), "{code} {said}");
    shop.stage.pay(&theirs);
    shop.until_event(payment, "PaymentSettled");
    assert_eq!(run(&shop, &close).0, 2);
    shop.assert_at_rest();
}

#[test]
fn a_refund_agreed_to_on_another_account_than_it_is_now_is_refused() {
    let shop = Shop::open().unwrap();
    let (payment, _) = shop.sell(1, 0);
    let version = "SELECT max(version) FROM events WHERE account_id = $1";
    let version: i64 = shop
        .stage
        .rt
        .block_on(sqlx::query_scalar(version).bind(payment.account().0).fetch_one(&shop.stage.pool))
        .unwrap();
    let wish = |version: i64| {
        json!({"payment": payment, "rail": "yookassa", "reason": "asked for", "version": version,
            "amount": {"amount": 4_000, "currency": "RUB"}})
    };
    let account = of(payment.account());
    let code =
        shop.raw.refused(Producer::Console, "refund_open", "refund:a", account.clone(), wish(version - 1));
    assert_eq!((code.as_str(), shop.balance(payment)), ("account_changed", (105, 0, 0)));
    shop.raw.operator("refund_open", "refund:b", account, wish(version));
    assert_eq!(shop.balance(payment), (65, 0, 0));
    shop.assert_at_rest();
}
