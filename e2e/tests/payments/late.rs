//! Refunds that nobody told of and that no list of the last days shows: they took weeks, or were there before their
//! payment was settled here.

use e2e::Role;
use e2e::raw::of;
use e2e::shop::{CAUGHT_UP, HASTY, Shop};
use proto_events::{PaymentId, Producer};
use serde_json::{Value, json};

/// A refund in the cabinet; its id.
fn cabinet(shop: &Shop, theirs: &str, refund: &Value) -> String {
    let (status, made) = shop.desk(theirs, "refund", refund);
    assert_eq!(status, 200, "{made}");
    made["id"].as_str().expect("a refund has an id").to_owned()
}

fn calls(shop: &Shop, call: &str) -> usize {
    let arrivals = shop.stage.get(&format!("/arrivals?vendor=yookassa&call={call}&limit=20000"));
    let all = arrivals["arrivals"].as_array().expect("a list of arrivals");
    all.iter().filter(|one| one["status"] == 200).count()
}

/// The adapter is started anew and has looked at its lists once.
fn restart(shop: &mut Shop) {
    shop.stage.kill9(Role::Payments);
    let before = calls(shop, "list_refunds");
    shop.stage.start(Role::Payments, &HASTY).unwrap();
    // The second look begins when the first round is over.
    shop.stage.until("two looks", || (calls(shop, "list_refunds") >= before + 2).then_some(()));
}

#[test]
fn a_cabinet_refund_that_takes_weeks_is_followed_to_its_end() {
    let mut shop = Shop::open().unwrap();
    let sold = [1, 2, 3].map(|user| shop.sell(user, 0));
    let slow = json!({"amount": "40.00", "pending": true, "days_ago": 40});
    let refunds = [0, 1, 2].map(|n| cabinet(&shop, &sold[n].1, &slow));
    shop.stage.fault("yookassa", "notification", json!("lost"), 100);
    restart(&mut shop);
    assert_eq!(
        sold.each_ref().map(|(payment, _)| shop.count(payment, "RefundOpened")),
        [0; 3],
        "nothing is sure"
    );
    // It ends while somebody follows it, well or not; and while nobody runs.
    shop.desk(&refunds[0], "succeed", &json!({}));
    shop.until_event(sold[0].0, "RefundOpened");
    shop.desk(&refunds[1], "decline", &json!({}));
    shop.stage.kill9(Role::Payments);
    shop.desk(&refunds[2], "succeed", &json!({}));
    shop.stage.start(Role::Payments, &HASTY).unwrap();
    shop.until_event(sold[2].0, "RefundOpened");
    assert_eq!(sold.map(|(payment, _)| shop.balance(payment)), [(65, 0, 0), (105, 0, 0), (65, 0, 0)]);
    shop.assert_at_rest();
}

#[test]
fn days_on_which_nobody_ran_are_made_up_for_before_they_are_compared() {
    let mut shop = Shop::open().unwrap();
    let payments = [1, 2].map(|user| shop.order(user, 0));
    let theirs = payments.map(|payment| shop.registered(payment));
    shop.stage.kill9(Role::Payments);
    shop.stage.fault("yookassa", "notification", json!("lost"), 100);
    // Given up here and paid after all, eight days ago, and nobody told; of one a part went back.
    for (payment, theirs) in payments.iter().zip(&theirs) {
        let gone = json!({"payment": payment, "rail": "yookassa", "party": "plantain", "reason": "expired"});
        let id = format!("cancel:{payment}");
        shop.raw.done(Producer::Payments, "payment_cancel", &id, of(payment.account()), gone);
        assert_eq!(shop.desk(theirs, "succeed", &json!({"days_ago": 8})).0, 200);
    }
    cabinet(&shop, &theirs[0], &json!({"amount": "40.00", "days_ago": 8}));
    let ten_days_ago = "UPDATE provider_days SET day = day - 10";
    shop.stage.rt.block_on(sqlx::query(ten_days_ago).execute(&shop.stage.pool)).unwrap();
    shop.stage.start(Role::Payments, &HASTY).unwrap();
    let compared = "SELECT count(*) FROM provider_days WHERE compared_at IS NOT NULL";
    shop.stage.until("ten days", || {
        let counting = sqlx::query_scalar::<_, i64>(compared).fetch_one(&shop.stage.pool);
        (shop.stage.rt.block_on(counting).unwrap() >= 11).then_some(())
    });
    assert_eq!(payments.map(|payment| shop.balance(payment)), [(65, 0, 0), (105, 0, 0)]);
    assert_eq!(shop.count("missing_here", "DifferenceFound"), 0);
    shop.assert_at_rest();
}

/// Paid, in quarantine, and a part went back long ago.
fn odd(shop: &Shop, user: i64) -> (PaymentId, String) {
    let payment = shop.order(user, 0);
    let theirs = shop.registered(payment);
    let bend = json!({"vendor": "yookassa", "call": "get_payment", "times": "always", "fault": {"patch": {"test": false}}});
    assert!(shop.stage.post("/faults", &bend).0 < 300);
    shop.stage.pay(&theirs);
    shop.until_event(payment, "PaymentQuarantined");
    shop.stage.fault("yookassa", "notification", json!("lost"), 100);
    cabinet(shop, &theirs, &json!({"amount": "40.00", "days_ago": 40}));
    (payment, theirs)
}

fn settle_by_hand(shop: &Shop, payment: PaymentId, theirs: &str) {
    let verdict =
        json!({"settle": {"amount": {"amount": 10_000, "currency": "RUB"}, "credits": 100, "test": true}});
    let body =
        json!({"rail": "yookassa", "provider_payment_id": theirs, "verdict": verdict, "reason": "asked"});
    let id = format!("quarantine_resolve:{payment}");
    let made = shop.raw.operator("quarantine_resolve", &id, of(payment.account()), body);
    assert_eq!(made, ["QuarantineResolved", "PaymentSettled", "CreditsGranted"]);
}

#[test]
fn what_went_back_before_a_person_settled_the_payment_is_applied_and_its_fee_told() {
    // The lists were read when nothing was there.
    let shop = Shop::open_with(&[], &[("PAYMENTS_RECONCILE_SECONDS", "86400")]).unwrap();
    shop.stage.until("the first look", || (calls(&shop, "list_refunds") > 0).then_some(()));
    let (payment, theirs) = odd(&shop, 1);
    settle_by_hand(&shop, payment, &theirs);
    shop.until_event(payment, "RefundOpened");
    shop.until_event(payment, "PaymentFeeRecorded");
    assert_eq!(shop.balance(payment), (65, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn an_adapter_that_dies_between_such_refunds_and_the_fee_does_both_again() {
    let mut shop = Shop::open().unwrap();
    let (payment, theirs) = odd(&shop, 1);
    shop.stage.kill9(Role::Payments);
    let point = CAUGHT_UP;
    let crashes = shop.stage.dir().join("crashes");
    let armed = format!("{point}:1");
    let arming = [("CRASH_AT", armed.as_str()), ("CRASH_LOG", crashes.to_str().unwrap())];
    shop.stage.spawn(Role::Payments, &[&HASTY[..], &arming].concat()).unwrap();
    settle_by_hand(&shop, payment, &theirs);
    let dead = || std::fs::read_to_string(&crashes).is_ok_and(|text| text.lines().any(|line| line == point));
    shop.stage.until("its death", || dead().then_some(()));
    // Its fee may have come another way meanwhile, by a notification that was repeated.
    assert_eq!(shop.count(payment, "RefundOpened"), 1);
    shop.stage.start(Role::Payments, &HASTY).unwrap();
    shop.until_event(payment, "PaymentFeeRecorded");
    assert_eq!(shop.balance(payment), (65, 0, 0));
    shop.assert_at_rest();
}
