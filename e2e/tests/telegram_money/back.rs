//! Stars that go back: by an operator, at Telegram's side, in doubt, or not at all.

use e2e::Role;
use e2e::booth::{Booth, NEVER, OFTEN};
use e2e::people::Person;
use e2e::raw::person;
use serde_json::{Value, json};

fn is_back(booth: &Booth, charge: &str) -> bool {
    let books = booth.stage.books();
    let all = books["telegram"]["charges"].as_array().cloned().unwrap_or_default();
    all.iter().any(|c| c["telegram_payment_charge_id"] == charge && !c["refunded_at"].is_null())
}

#[test]
fn an_operators_refund_goes_back_once_whatever_the_line_does() {
    let booth = Booth::open(&[NEVER]).unwrap();
    let faults = [
        Value::Null,
        json!(500),
        json!({"status": 500, "after_effect": true}),
        json!({"drop": "after"}),
        json!({"drop": "before"}),
        json!({"status": 429, "retry_after": 1}),
    ];
    for (user, fault) in (8201..).zip(faults) {
        let ada = Person(user);
        booth.meet(ada);
        let charge = booth.buy_stars(ada);
        if !fault.is_null() {
            booth.stage.fault("telegram", "refundStarPayment", fault.clone(), 1);
        }
        booth.give_back(booth.payments(ada)[0], &user.to_string());
        assert_eq!(booth.stage.balance_of(ada), (5, 0, 0), "taken before the Stars go");
        booth.until_count(ada, "RefundSettled", 1);
        booth.until_told(ada, "Refund: 75\u{a0}⭐");
        assert!(is_back(&booth, &charge), "{fault}");
        assert_eq!(
            booth.stage.count_of(ada, "RefundOpened"),
            1,
            "Telegram's notice is not one more: {fault}"
        );
    }
    booth.assert_at_rest();
}

#[test]
fn stars_that_telegram_gives_back_take_their_credits_along_and_spent_ones_are_owed() {
    let mut booth = Booth::open(&[OFTEN]).unwrap();
    let [told, lost] = [Person(8211), Person(8212)];
    for ada in [told, lost] {
        booth.meet(ada);
        let charge = booth.buy_stars(ada);
        // Of 105, the 5 of the welcome first.
        booth.spend(ada, 7);
        if ada == lost {
            booth.fault("webhook", json!("lost"), "refunded_payment");
        }
        let (status, answer) = booth.stage.post(&format!("/checkout/{charge}/refund"), &json!({}));
        assert_eq!(status, 200, "{answer}");
        booth.until_count(ada, "RefundSettled", 1);
        booth.until_told(ada, "Owed after a refunded payment: 65 credits");
        assert_eq!(booth.stage.count_of(ada, "RefundOpened"), 1);
        assert_eq!(booth.stage.balance_of(ada), (0, 0, 65));
    }
    booth.assert_at_rest();
}

#[test]
fn a_refund_that_telegram_will_not_make_gives_the_credits_back_and_says_so() {
    let booth = Booth::open(&[NEVER]).unwrap();
    let ada = Person(8221);
    booth.meet(ada);
    let charge = booth.buy_stars(ada);
    let no = json!({"status": 400, "description": "Bad Request: CHARGE_NOT_FOUND"});
    booth.stage.fault("telegram", "refundStarPayment", no, 1);
    booth.give_back(booth.payments(ada)[0], "never");
    booth.until_count(ada, "RefundFailed", 1);
    booth.until_told(ada, "didn't go through");
    assert_eq!(booth.stage.balance_of(ada), (105, 0, 0));
    assert!(!is_back(&booth, &charge));
    booth.assert_at_rest();
}

#[test]
fn whose_account_is_erased_gets_the_stars_back_by_telegrams_book() {
    let mut booth = Booth::open(&[NEVER]).unwrap();
    let [ada, bob] = [Person(8231), Person(8232)];
    for person in [ada, bob] {
        booth.meet(person);
    }
    let charge = booth.buy_stars(ada);
    booth.buy_stars(bob);
    let payment = booth.payments(ada)[0];
    booth.without_bot(|booth| {
        booth.raw.operator("account_erase", "erase:1", person(ada.0), json!({"forfeit": true}));
        booth.give_back(payment, "erased");
    });
    booth.stage.until("the Stars to be back", || is_back(&booth, &charge).then_some(()));
    let settled = "SELECT count(*) FROM events WHERE type = 'RefundSettled'";
    booth.stage.until("that to be recorded", || (booth.scalar(settled) == 1).then_some(()));
    booth.assert_at_rest();
}

/// 50 Stars for a bill of 75, which are put aside; their charge.
fn put_aside(booth: &mut Booth, ada: Person) -> String {
    booth.stars_bill(ada);
    let mut charge = None;
    booth.without_bot(|booth| charge = Some(booth.pay_oddly(ada)));
    booth.until_told(ada, "doesn't add up");
    charge.expect("it is paid")
}

#[test]
fn what_a_person_settles_after_its_stars_went_back_is_taken_back() {
    let mut booth = Booth::open(&[OFTEN]).unwrap();
    let ada = Person(8241);
    booth.meet(ada);
    let charge = put_aside(&mut booth, ada);
    let (status, answer) = booth.stage.post(&format!("/checkout/{charge}/refund"), &json!({}));
    assert_eq!(status, 200, "{answer}");
    let odd = "SELECT count(*) FROM notices WHERE event = 'refunded_payment' AND outcome = 'odd'";
    booth.stage.until("the notice of it", || (booth.scalar(odd) == 1).then_some(()));
    // Telegram's book was compared, and this row found odd.
    let rounds = || booth.stage.metric(Role::Telegram, "telegram_star_rounds_total{outcome=\"done\"}");
    let before = rounds().unwrap_or(0.0);
    booth.stage.until("two rounds more", || rounds().filter(|now| *now >= before + 2.0));
    booth.settle_by_a_person(&charge);
    booth.until_count(ada, "RefundSettled", 1);
    booth.until_told(ada, "Refund: 50\u{a0}⭐");
    assert_eq!(booth.stage.count_of(ada, "RefundOpened"), 1);
    assert_eq!(booth.stage.balance_of(ada), (5, 0, 0));
    booth.assert_at_rest();
}

#[test]
fn money_that_came_or_went_long_ago_is_found_in_telegrams_book_all_the_same() {
    let dir = std::env::temp_dir().join(format!("plantain-long-ago-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("sandbox.json");
    let state = file.display().to_string();
    let mut booth = Booth::open_with(&[("SANDBOX_STATE", &state)], &[], &[NEVER]).unwrap();
    let [ada, bob] = [Person(8251), Person(8252)];
    for person in [ada, bob] {
        booth.meet(person);
    }
    let charge = put_aside(&mut booth, ada);
    assert_eq!(booth.stage.post(&format!("/checkout/{charge}/refund"), &json!({})).0, 200);
    let odd = "SELECT count(*) FROM notices WHERE event = 'refunded_payment' AND outcome = 'odd'";
    booth.stage.until("the notice of it", || (booth.scalar(odd) == 1).then_some(()));
    // Bob's payment is never told of.
    let bill = booth.stars_bill(bob);
    booth.fault("webhook", json!("lost"), "successful_payment");
    assert_eq!(booth.pay(bob, &bill).0, 200);
    booth.stage.until("its notice to be lost", || (booth.pending() == 0).then_some(()));
    assert!(booth.stage.stop(Role::Telegram) && booth.stage.stop(Role::Sandbox));
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for charge in kept["telegram"]["charges"].as_array_mut().unwrap() {
        for field in ["date", "refunded_at"] {
            if let Some(at) = charge[field].as_i64() {
                charge[field] = (at - 40 * 24 * 3600).into();
            }
        }
    }
    std::fs::write(&file, kept.to_string()).unwrap();
    booth.stage.start(Role::Sandbox, &[("SANDBOX_STATE", &state)]).unwrap();
    booth.settle_by_a_person(&charge);
    assert_eq!(booth.stage.balance_of(ada), (65, 0, 0));
    booth.stage.start(Role::Telegram, &[OFTEN]).unwrap();
    booth.until_count(ada, "RefundSettled", 1);
    booth.until_count(bob, "PaymentSettled", 1);
    booth.until_told(bob, "Payment received");
    assert_eq!([ada, bob].map(|person| booth.stage.balance_of(person)), [(5, 0, 0), (105, 0, 0)]);
    booth.assert_at_rest();
    std::fs::remove_dir_all(dir).unwrap();
}
