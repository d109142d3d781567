//! What says nothing to us, and what a person has decided, is not asked for in every round, nor is anybody called again.

use e2e::Role;
use e2e::shop::{HASTY, Shop};
use serde_json::{Value, json};

use crate::desk::run;

/// Paths of the calls that YooKassa got, oldest first.
fn paths(shop: &Shop, call: &str) -> Vec<String> {
    let arrivals = shop.stage.get(&format!("/arrivals?vendor=yookassa&call={call}&limit=20000"));
    let all = arrivals["arrivals"].as_array().expect("a list of arrivals");
    all.iter().map(|one| one["path"].as_str().expect("a path").to_owned()).collect()
}

/// How often a refund was asked for by its id.
fn asked(shop: &Shop, refund: &str) -> usize {
    paths(shop, "get_refund").iter().filter(|path| path.contains(refund)).count()
}

/// How far back each round's look at refunds went: the day.
fn looks(shop: &Shop) -> Vec<String> {
    let since = |path: &String| Some(path.split_once("created_at.gte=")?.1.chars().take(10).collect());
    paths(shop, "list_refunds").iter().filter_map(since).collect()
}

/// So many more rounds have looked at the refunds; all of them but the last are over.
fn rounds(shop: &Shop, more: usize) {
    let before = looks(shop).len();
    shop.stage.until("rounds", || (looks(shop).len() >= before + more).then_some(()));
}

/// How often a person was called.
fn called(shop: &Shop) -> f64 {
    shop.stage.metric(Role::Payments, "payments_wrong_total").unwrap_or(0.0)
}

#[test]
fn a_dismissed_refund_is_asked_for_no_more_and_calls_a_person_once() {
    let shop = Shop::open().unwrap();
    let (payment, theirs) = shop.sell(1, 0);
    let (code, said) = run(&shop, &["refund", &theirs, "--reason", "the bank", "--already", "cb-7", "--yes"]);
    assert_eq!(code, 0, "{said}");
    // More than is left here, and too old to wait for one of ours.
    let (_, odd) = shop.desk(&theirs, "refund", &json!({"amount": "40.00", "days_ago": 1}));
    let odd = odd["id"].as_str().expect("a refund has an id");
    shop.until_event(odd, "PaymentQuarantined");
    let (code, said) = run(&shop, &["quarantine", "dismiss", odd, "--reason", "the same money", "--yes"]);
    assert_eq!(code, 0, "{said}");
    rounds(&shop, 2);
    let before = asked(&shop, odd);
    rounds(&shop, 3);
    assert_eq!((asked(&shop, odd), called(&shop)), (before, 1.0));
    assert_eq!(shop.balance(payment), (5, 0, 0));
    shop.stage.assert_verified();
}

#[test]
fn a_refund_of_other_software_in_our_shop_is_asked_for_once() {
    let shop = Shop::open_with(&[], &[("YOOKASSA_SHARED_SHOP", "true")]).unwrap();
    let body = json!({
        "amount": {"value": "100.00", "currency": "RUB"}, "capture": true,
        "confirmation": {"type": "redirect", "return_url": "https://shop.example"},
    });
    let url = format!("{}/yookassa/v3/payments", shop.stage.url(Role::Sandbox));
    let made = shop.stage.rt.block_on(async {
        let request = shop.stage.http.post(url).basic_auth("100500", Some("test_secret"));
        let answer = request.header("Idempotence-Key", "not-ours").json(&body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    });
    shop.stage.fault("yookassa", "notification", json!("lost"), 100);
    let theirs = made["id"].as_str().expect("a payment has an id");
    shop.stage.pay(theirs);
    let (_, refund) = shop.desk(theirs, "refund", &json!({}));
    let refund = refund["id"].as_str().expect("a refund has an id");
    shop.stage.until("it to be asked for", || (asked(&shop, refund) > 0).then_some(()));
    rounds(&shop, 4);
    assert_eq!((asked(&shop, refund), called(&shop)), (1, 0.0));
    shop.stage.assert_verified();
}

#[test]
fn a_round_that_fails_does_not_make_the_next_read_the_year_again() {
    let mut shop = Shop::open().unwrap();
    let (payment, theirs) = shop.sell(1, 0);
    shop.stage.kill9(Role::Payments);
    shop.stage.fault("yookassa", "notification", json!("lost"), 100);
    assert_eq!(shop.desk(&theirs, "refund", &json!({"amount": "40.00"})).0, 200);
    let away =
        json!({"vendor": "yookassa", "call": "get_refund", "times": "always", "fault": {"status": 500}});
    assert!(shop.stage.post("/faults", &away).0 < 300);
    let before = looks(&shop).len();
    shop.stage.start(Role::Payments, &HASTY).unwrap();
    rounds(&shop, 5);
    let looks = looks(&shop);
    let far = looks[before..].iter().filter(|day| **day == looks[before]).count();
    assert_eq!(far, 1, "{looks:?}");
    shop.stage.heal();
    shop.until_event(payment, "RefundOpened");
    assert_eq!(shop.balance(payment), (65, 0, 0));
    shop.assert_at_rest();
}
