//! Money that goes back: by an operator, in YooKassa's cabinet, in parts, in doubt.

use e2e::shop::Shop;
use serde_json::json;

#[test]
fn an_operators_refund_takes_the_credits_first_and_goes_back_once_whatever_the_line_does() {
    let shop = Shop::open().unwrap();
    let faults = [
        json!(500),
        json!({"status": 500, "after_effect": true}),
        json!({"drop": "after"}),
        json!({"drop": "before"}),
        json!({"status": 429, "retry_after": 0.2}),
    ];
    for (user, fault) in (1..).zip(faults) {
        let (payment, _) = shop.sell(user, 0);
        shop.stage.fault("yookassa", "create_refund", fault.clone(), 1);
        let refund = shop.refund(payment, 10_000, &format!("whole{user}"));
        assert_eq!(shop.balance(payment), (5, 0, 0), "taken before the money goes");
        shop.until_event(refund, "RefundSettled");
        assert_eq!(shop.balance(payment), (5, 0, 0), "{fault}");
    }
    shop.assert_at_rest();
}

#[test]
fn parts_add_up_and_no_more_than_was_paid_goes_back() {
    let shop = Shop::open().unwrap();
    let (payment, theirs) = shop.sell(1, 0);
    let first = shop.refund(payment, 3_333, "a");
    shop.until_event(first, "RefundSettled");
    assert_eq!(shop.balance(payment), (105 - 33, 0, 0));
    // In the cabinet, told by a notification, or not.
    shop.desk(&theirs, "refund", &json!({"amount": "33.33"}));
    shop.stage.until("the cabinet's refund", || (shop.balance(payment) == (105 - 66, 0, 0)).then_some(()));
    shop.stage.fault("yookassa", "notification", json!("lost"), 1);
    let third = shop.refund(payment, 3_333, "b");
    shop.until_event(third, "RefundSettled");
    assert_eq!(shop.balance(payment), (105 - 99, 0, 0));
    assert_eq!(shop.ask_refund(payment, 2, "c")["refusal"]["code"], "refund_exceeds_payment");
    let (status, _) = shop.desk(&theirs, "refund", &json!({"amount": "0.02"}));
    assert_eq!(status, 409, "YooKassa has no more of it either");
    let last = shop.refund(payment, 1, "d");
    shop.until_event(last, "RefundSettled");
    assert_eq!(shop.balance(payment), (5, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn a_refund_that_the_provider_refuses_or_cancels_gives_the_credits_back() {
    let shop = Shop::open().unwrap();
    let (refused, _) = shop.sell(1, 0);
    shop.stage.fault("yookassa", "create_refund", json!({"status": 400, "code": "invalid_request"}), 1);
    let refund = shop.refund(refused, 10_000, "refused");
    shop.until_event(refund, "RefundFailed");
    assert_eq!(shop.balance(refused), (105, 0, 0));

    let (canceled, _) = shop.sell(2, 0);
    shop.stage.fault("yookassa", "create_refund", json!({"refund_status": "pending"}), 1);
    let refund = shop.refund(canceled, 10_000, "canceled");
    let theirs = pending(&shop);
    assert_eq!(shop.balance(canceled), (5, 0, 0));
    shop.desk(&theirs, "decline", &json!({}));
    // Nobody is told of it: it is asked for.
    shop.until_event(refund, "RefundFailed");
    assert_eq!(shop.balance(canceled), (105, 0, 0));

    let (slow, _) = shop.sell(3, 0);
    shop.stage.fault("yookassa", "create_refund", json!({"refund_status": "pending"}), 1);
    shop.stage.fault("yookassa", "notification", json!("lost"), 1);
    let refund = shop.refund(slow, 10_000, "slow");
    let theirs = pending(&shop);
    shop.desk(&theirs, "succeed", &json!({}));
    shop.until_event(refund, "RefundSettled");
    assert_eq!(shop.balance(slow), (5, 0, 0));
    shop.assert_at_rest();
}

/// The id of the refund that is pending at YooKassa.
fn pending(shop: &Shop) -> String {
    shop.stage.until("a pending refund", || {
        let books = shop.stage.books();
        let mut all = books["yookassa"]["refunds"].as_array()?.iter();
        all.find(|refund| refund["status"] == "pending")?["id"].as_str().map(str::to_owned)
    })
}

#[test]
fn what_is_spent_is_owed_and_the_next_topup_pays_it() {
    let shop = Shop::open().unwrap();
    let (payment, theirs) = shop.sell(1, 0);
    shop.spend(1, 3);
    assert_eq!(shop.balance(payment), (75, 0, 0));
    shop.desk(&theirs, "refund", &json!({}));
    shop.stage.until("the refund", || (shop.count(payment, "RefundOpened") == 1).then_some(()));
    // Welcome credits go first, then 25 of the paid ones: so many are owed.
    assert_eq!(shop.balance(payment), (0, 0, 25));
    let (_, _) = shop.sell(1, 1);
    assert_eq!(shop.balance(payment), (75, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn an_operators_refund_of_what_the_cabinet_gave_back_meanwhile_fails_and_the_cabinets_counts() {
    let shop = Shop::open().unwrap();
    let (payment, theirs) = shop.sell(1, 0);
    shop.stage.fault("yookassa", "create_refund", json!({"delay_ms": 2_000}), 1);
    let ours = shop.refund(payment, 10_000, "late");
    let (status, answer) = shop.desk(&theirs, "refund", &json!({}));
    assert_eq!(status, 200, "{answer}");
    shop.until_event(ours, "RefundFailed");
    shop.stage.until("the cabinet's refund", || (shop.count(payment, "RefundOpened") == 2).then_some(()));
    assert_eq!(shop.balance(payment), (5, 0, 0));
    shop.assert_at_rest();
}
