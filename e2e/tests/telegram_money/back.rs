//! Stars that go back: by an operator, at Telegram's side, in doubt, or not at all.

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
    booth.stage.assert_verified();
}
