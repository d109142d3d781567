//! Refunds that YooKassa never lets us make: nobody's credits are taken twice, and a person can end them.

use e2e::raw::of;
use e2e::shop::Shop;
use proto_events::catalog::Catalog;
use proto_events::{PaymentId, Producer, RefundId};
use serde_json::{Value, json};

use crate::desk::run;

/// Calls of YooKassa's that are refused until somebody heals the sandbox.
fn refuse(shop: &Shop, calls: &[&str], fault: &Value) {
    for call in calls {
        let bend = json!({"vendor": "yookassa", "call": call, "times": "always", "fault": fault});
        assert!(shop.stage.post("/faults", &bend).0 < 300);
    }
}

/// A sold payment, and an operator's refund of 40.00 of it that is on its way.
fn going(shop: &Shop, user: i64) -> (PaymentId, String, RefundId) {
    let (payment, theirs) = shop.sell(user, 0);
    let refund = shop.refund(payment, 4_000, &format!("stuck{user}"));
    assert_eq!(shop.balance(payment), (65, 0, 0));
    (payment, theirs, refund)
}

/// Somebody gives 40.00 back in the cabinet, a minute after that.
fn by_hand(shop: &Shop, theirs: &str) -> String {
    shop.stage.post("/clock", &json!({"advance_ms": 60_000}));
    let (status, made) = shop.desk(theirs, "refund", &json!({"amount": "40.00"}));
    assert_eq!(status, 200, "{made}");
    made["id"].as_str().expect("a refund has an id").to_owned()
}

fn tried(shop: &Shop, times: usize) {
    shop.stage.until("tries", || {
        let arrivals = shop.stage.get("/arrivals?vendor=yookassa&call=create_refund&limit=100");
        (arrivals["arrivals"].as_array().map_or(0, Vec::len) >= times).then_some(())
    });
}

fn made(shop: &Shop) -> usize {
    shop.stage.books()["yookassa"]["refunds"].as_array().map_or(0, Vec::len)
}

const CLOCK: [(&str, &str); 1] = [("SANDBOX_DATES", "clock")];

#[test]
fn one_made_by_hand_in_its_place_is_that_one_and_not_one_more() {
    let shop = Shop::open_with(&CLOCK, &[]).unwrap();
    refuse(&shop, &["create_refund"], &json!({"status": 403}));
    let (payment, theirs, refund) = going(&shop, 1);
    tried(&shop, 1);
    by_hand(&shop, &theirs);
    shop.until_event(refund, "RefundSettled");
    assert_eq!(shop.balance(payment), (65, 0, 0));
    // The next of the same amount is one more.
    by_hand(&shop, &theirs);
    shop.stage.until("the next", || (shop.count(payment, "RefundOpened") == 2).then_some(()));
    assert_eq!(shop.balance(payment), (25, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn ours_is_not_made_any_more_once_it_could_be_when_somebody_has_made_it() {
    // Nobody looks at the lists, and no notification comes: only who tries to make ours can see it.
    let seldom = [("PAYMENTS_RECONCILE_SECONDS", "86400")];
    let shop = Shop::open_with(&CLOCK, &seldom).unwrap();
    refuse(&shop, &["create_refund"], &json!(500));
    let (payment, theirs, refund) = going(&shop, 1);
    tried(&shop, 2);
    shop.stage.fault("yookassa", "notification", json!("lost"), 1);
    by_hand(&shop, &theirs);
    shop.stage.heal();
    shop.until_event(refund, "RefundSettled");
    assert_eq!((made(&shop), shop.balance(payment)), (1, (65, 0, 0)));
    shop.assert_at_rest();
}

#[test]
fn one_made_by_hand_stands_for_one_of_ours_only() {
    let shop = Shop::open_with(&CLOCK, &[]).unwrap();
    refuse(&shop, &["create_refund"], &json!(500));
    let (payment, theirs, first) = going(&shop, 1);
    let second = shop.refund(payment, 4_000, "second");
    tried(&shop, 3);
    by_hand(&shop, &theirs);
    let settled = || [first, second].map(|refund| shop.count(refund, "RefundSettled"));
    shop.stage.until("one of them", || (settled().iter().sum::<i64>() == 1).then_some(()));
    shop.stage.heal();
    shop.stage.until("the other", || (settled() == [1, 1]).then_some(()));
    assert_eq!((made(&shop), shop.balance(payment)), (2, (25, 0, 0)));
    shop.assert_at_rest();
}

#[test]
fn a_person_says_that_it_was_made_or_that_it_will_not_be() {
    let shop = Shop::open_with(&CLOCK, &[]).unwrap();
    let away = ["create_refund", "get_refund", "list_refunds"];
    refuse(&shop, &away, &json!({"status": 403}));
    let (payment, theirs, refund) = going(&shop, 1);
    let name = refund.to_string();
    tried(&shop, 1);
    let made = by_hand(&shop, &theirs);
    let (code, said) = run(&shop, &["close", &name, "--yes"]);
    assert!(code == 2 && said.contains("--made"), "{code} {said}");
    let (code, said) = run(&shop, &["close", &name, "--made", &theirs, "--yes"]);
    assert!(code == 2 && said.contains("is the payment"), "{code} {said}");
    let (code, said) = run(&shop, &["close", &name, "--made", &made]);
    assert!(code == 2 && said.contains("40.00 RUB") && said.contains(&made), "{code} {said}");
    let (code, said) = run(&shop, &["close", &name, "--made", &made, "--yes"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = run(&shop, &["close", &name, "--made", &made, "--yes"]);
    assert!(code == 2 && said.contains("has ended"), "{code} {said}");
    shop.stage.heal();
    shop.assert_at_rest();
    assert_eq!((shop.balance(payment), shop.count(payment, "RefundOpened")), ((65, 0, 0), 1));

    refuse(&shop, &away, &json!({"status": 403}));
    let (other, theirs, refund) = going(&shop, 2);
    let (code, said) =
        run(&shop, &["close", &refund.to_string(), "--not-made", "--reason", "never mind", "--yes"]);
    assert_eq!((code, shop.balance(other)), (0, (105, 0, 0)), "{said}");
    // And then it is made all the same.
    by_hand(&shop, &theirs);
    shop.stage.heal();
    shop.stage.until("the cabinet's", || (shop.count(other, "RefundOpened") == 2).then_some(()));
    assert_eq!(shop.balance(other), (65, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn ours_that_was_made_after_all_is_one_more_when_a_person_settled_it_by_another() {
    let shop = Shop::open_with(&CLOCK, &[]).unwrap();
    let (payment, theirs) = shop.sell(1, 0);
    for (call, fault) in [
        ("create_refund", json!({"status": 500, "after_effect": true})),
        ("list_refunds", json!(500)),
        ("notification", json!("lost")),
    ] {
        shop.stage.fault("yookassa", call, fault, 100);
    }
    let refund = shop.refund(payment, 4_000, "doubt");
    shop.stage.until("ours", || (made(&shop) == 1).then_some(()));
    let other = by_hand(&shop, &theirs);
    let (code, said) = run(&shop, &["close", &refund.to_string(), "--made", &other, "--yes"]);
    assert_eq!((code, shop.balance(payment)), (0, (65, 0, 0)), "{said}");
    shop.stage.heal();
    shop.stage.until("ours", || (shop.count(payment, "RefundOpened") == 2).then_some(()));
    assert_eq!(shop.balance(payment), (25, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn a_payment_is_closed_by_hand_past_its_end_and_credited_if_it_is_paid_after_all() {
    let catalog = std::env::temp_dir().join(format!("plantain-short-bills-{}.json", std::process::id()));
    let mut short = Catalog::default_catalog().unwrap();
    short.limits.payment_ms = 8_000;
    std::fs::write(&catalog, serde_json::to_string(&short).unwrap()).unwrap();
    let catalog = catalog.display().to_string();
    let shop = Shop::open_as(&[], &[("CATALOG_FILE", &catalog)], &[]).unwrap();
    let payment = shop.order(1, 0);
    let theirs = shop.registered(payment);
    let ours = payment.to_string();
    let close = ["close", &ours, "--not-made", "--reason", "gone at the provider", "--yes"];
    let (code, said) = run(&shop, &close);
    assert!(code == 2 && said.contains("deadline"), "{code} {said}");
    let (code, said) = run(&shop, &["close", &ours, "--made", &theirs, "--yes"]);
    assert!(code == 2 && said.contains("quarantine settle"), "{code} {said}");
    let past = "SELECT EXISTS (SELECT FROM open_payments WHERE expires_at <= now_us())";
    shop.stage.until("its end", || {
        let past = sqlx::query_scalar::<_, bool>(past).fetch_one(&shop.stage.pool);
        shop.stage.rt.block_on(past).unwrap().then_some(())
    });
    let (code, said) = run(&shop, &close);
    assert_eq!((code, shop.count(payment, "PaymentCanceled")), (0, 1), "{said}");
    let (code, said) = run(&shop, &close);
    assert!(code == 2 && said.contains("has ended"), "{code} {said}");
    shop.stage.pay(&theirs);
    shop.until_event(payment, "PaymentSettled");
    assert_eq!(shop.balance(payment), (105, 0, 0));
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
