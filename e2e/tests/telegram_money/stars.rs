//! Stars, from the package to the receipt; and when the notice of them is doubled, late or lost.

use e2e::Role;
use e2e::booth::{Booth, NEVER, OFTEN};
use e2e::people::{Person, said};
use serde_json::json;

#[test]
fn stars_are_paid_credited_and_told() {
    let booth = Booth::open(&[NEVER]).unwrap();
    let ada = Person(8001);
    booth.meet(ada);
    let bill = booth.stars_bill(ada);
    assert_eq!(bill["invoice"]["title"], "100 credits");
    assert_eq!(bill["invoice"]["start_parameter"], "topup");
    let menus = || booth.stage.bot_said(ada).iter().filter(|m| said(m, "Choose a package")).count();
    booth.stage.until("the menu to make place", || (menus() == 0).then_some(()));
    let (status, paid) = booth.pay(ada, &bill);
    assert_eq!(status, 200, "{paid}");
    booth.until_told(ada, "Payment received: 75\u{a0}⭐");
    assert_eq!(booth.stage.balance_of(ada), (105, 0, 0));
    // Telegram's own words are kept.
    let kept = "SELECT count(*) FROM notices WHERE provider = 'telegram' AND event = 'successful_payment' \
                AND payment IS NOT NULL AND body LIKE '%invoice_payload%'";
    booth.stage.until("its words", || (booth.scalar(kept) == 1).then_some(()));
    let metric = "telegram_checkouts_total{outcome=\"ok\"}";
    assert_eq!(booth.stage.metric(Role::Telegram, metric), Some(1.0));
    // A link that a forwarded invoice has leads to the packages.
    booth.stage.write(ada, "/start topup");
    booth.until_told(ada, "Choose a package");
    booth.assert_at_rest();
}

#[test]
fn a_notice_that_is_doubled_or_late_credits_once() {
    let booth = Booth::open(&[NEVER]).unwrap();
    let [doubled, late] = [Person(8002), Person(8003)];
    for (person, fault) in [(doubled, json!({"duplicate": 4})), (late, json!({"late_ms": 1_500}))] {
        booth.meet(person);
        booth.fault("webhook", fault, "successful_payment");
        booth.buy_stars(person);
        booth.until_told(person, "Payment received");
    }
    let delivered = || booth.stage.books()["telegram"]["pending_updates"] == 0;
    booth.stage.until("all notices", || delivered().then_some(()));
    for person in [doubled, late] {
        assert_eq!(booth.stage.balance_of(person), (105, 0, 0));
        assert_eq!(booth.stage.count_of(person, "PaymentSettled"), 1);
    }
    booth.assert_at_rest();
}

#[test]
fn a_payment_whose_notice_is_lost_is_found_in_telegrams_book_and_told() {
    let booth = Booth::open(&[OFTEN]).unwrap();
    let ada = Person(8004);
    booth.meet(ada);
    booth.fault("webhook", json!("lost"), "successful_payment");
    booth.buy_stars(ada);
    booth.until_told(ada, "Payment received");
    assert_eq!(booth.stage.balance_of(ada), (105, 0, 0));
    booth.assert_at_rest();
}

#[test]
fn an_invoice_that_is_paid_twice_by_a_race_is_two_payments() {
    let booth = Booth::open(&[NEVER]).unwrap();
    let ada = Person(8005);
    booth.meet(ada);
    let bill = booth.stars_bill(ada);
    // The second is asked for before the first is known to be paid.
    booth.fault("webhook", json!({"late_ms": 4_000}), "successful_payment");
    for _ in 0..2 {
        let (status, paid) = booth.pay(ada, &bill);
        assert_eq!(status, 200, "{paid}");
    }
    booth.until_count(ada, "PaymentSettled", 2);
    assert_eq!(booth.stage.count_of(ada, "PaymentOpened"), 2);
    assert_eq!(booth.stage.balance_of(ada), (205, 0, 0));
    booth.stage.until("two receipts", || (booth.told(ada, "Payment received") == 2).then_some(()));
    booth.assert_at_rest();
}

/// A notice as Telegram would send it.
fn notice(booth: &Booth, person: Person, payload: &str, stars: i64, charge: &str) {
    let part = json!({"successful_payment": {"currency": "XTR", "total_amount": stars, "invoice_payload": payload,
        "telegram_payment_charge_id": charge, "provider_payment_charge_id": "1_0"}});
    booth.notice(person, &part);
}

#[test]
fn money_that_does_not_fit_its_bill_is_put_aside_and_the_person_is_told() {
    let booth = Booth::open(&[NEVER]).unwrap();
    let [ada, bob] = [Person(8006), Person(8007)];
    for person in [ada, bob] {
        booth.meet(person);
    }
    let bill = booth.stars_bill(ada);
    let ours = booth.payments(ada)[0].to_string();
    let nobodys = format!("p-{}-{}", "1".repeat(32), "2".repeat(16));
    for (person, payload, charge) in [
        (bob, "nonsense", "stxA"),
        (bob, &*nobodys, "stxB"),
        (ada, &*ours, "stxC"),
        (ada, &*ours, "stx/odd+C"),
    ] {
        // Twice: it is put aside once.
        notice(&booth, person, payload, 5, charge);
        notice(&booth, person, payload, 5, charge);
        booth.until_told(person, "doesn't add up");
    }
    let count = |table: &'static str| booth.scalar(table);
    assert_eq!(count("SELECT count(*) FROM events WHERE type = 'PaymentQuarantined'"), 4);
    assert_eq!(booth.stage.count_of(ada, "PaymentQuarantined"), 2, "its account is known");
    assert_eq!(booth.stage.balance_of(ada), (5, 0, 0));
    let kept = "SELECT count(*) FROM notices WHERE outcome = 'quarantined'";
    assert_eq!(count(kept), 4);
    // The bill itself can still be paid.
    assert_eq!(booth.pay(ada, &bill).0, 200);
    booth.until_count(ada, "PaymentSettled", 1);
    booth.assert_at_rest();
}
