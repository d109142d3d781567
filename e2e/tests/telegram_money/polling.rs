//! Long polling, for a bot without a public address: the same money, nothing lost and nothing twice.

use e2e::Role;
use e2e::booth::{Booth, NEVER};
use e2e::people::{Person, said};
use serde_json::json;

/// No webhook.
const POLLING: (&str, &str) = ("TELEGRAM_WEBHOOK_URL", "");

fn open() -> Booth {
    Booth::open(&[NEVER, POLLING]).unwrap()
}

fn until_acknowledged(booth: &Booth) {
    booth.stage.until("all updates to be acknowledged", || (booth.pending() == 0).then_some(()));
}

/// A message of this person's that the bot is not done with until the faults are gone, or 15 s later.
fn hold_up(booth: &Booth, person: Person) {
    booth.fault("sendMessage", json!({"delay_ms": 60_000}), &person.0.to_string());
    booth.stage.write(person, "/balance");
    let held = || booth.stage.get("/faults")["faults"][0]["fired"] == 1;
    booth.stage.until("the message to be held up", || held().then_some(()));
}

#[test]
fn stars_are_paid_credited_and_told_without_a_webhook() {
    let booth = open();
    let ada = Person(8701);
    booth.meet(ada);
    booth.buy_stars(ada);
    booth.until_told(ada, "Payment received: 75\u{a0}⭐");
    assert_eq!(booth.stage.balance_of(ada), (105, 0, 0));
    until_acknowledged(&booth);
    let calls = |call: &str| {
        let arrivals = booth.stage.get(&format!("/arrivals?vendor=telegram&call={call}&limit=10"));
        arrivals["arrivals"].as_array().map_or(0, Vec::len)
    };
    assert!(calls("setWebhook") == 0 && calls("getUpdates") > 0);
    booth.assert_at_rest();
}

#[test]
fn a_query_is_answered_while_an_earlier_update_is_held_up() {
    let booth = open();
    let [ada, bob] = [Person(8711), Person(8712)];
    for person in [ada, bob] {
        booth.meet(person);
    }
    let bill = booth.stars_bill(ada);
    until_acknowledged(&booth);
    hold_up(&booth, bob);
    assert_eq!(booth.pay(ada, &bill).0, 200);
    assert_eq!(booth.told(bob, "You have"), 0);
    booth.stage.heal();
    booth.until_told(bob, "You have 5 credits");
    booth.until_count(ada, "PaymentSettled", 1);
    until_acknowledged(&booth);
    let answered = "telegram_checkouts_total{outcome=\"ok\"}";
    assert_eq!(booth.stage.metric(Role::Telegram, answered), Some(1.0), "answered ahead, and not again");
    booth.assert_at_rest();
}

#[test]
fn an_answer_given_ahead_that_telegram_did_not_get_is_given_again() {
    let booth = open();
    let [ada, bob] = [Person(8721), Person(8722)];
    for person in [ada, bob] {
        booth.meet(person);
    }
    let bill = booth.stars_bill(ada);
    until_acknowledged(&booth);
    hold_up(&booth, bob);
    let away =
        json!({"vendor": "telegram", "call": "answerPreCheckoutQuery", "fault": 500, "times": "always"});
    assert!(booth.stage.post("/faults", &away).0 < 300);
    let paying = booth.paying(ada, &bill);
    let later = "telegram_updates_total{kind=\"pre_checkout_query\",outcome=\"later\"}";
    booth.stage.until("the answer to be given up for now", || {
        booth.stage.metric(Role::Telegram, later).filter(|count| *count >= 1.0)
    });
    booth.stage.heal();
    let (status, paid) = booth.stage.rt.block_on(paying).unwrap();
    assert_eq!(status, 200, "{paid}");
    booth.until_count(ada, "PaymentSettled", 1);
    booth.assert_at_rest();
}

#[test]
fn what_the_ledger_has_not_answered_is_not_acknowledged_and_a_restart_loses_nothing() {
    let mut booth = open();
    for (user, point, settled) in [(8731, "telegram.update_received:2", 0), (8732, "telegram.settled:1", 1)] {
        let ada = Person(user);
        booth.meet(ada);
        let bill = booth.stars_bill(ada);
        until_acknowledged(&booth);
        assert!(booth.stage.stop(Role::Telegram));
        let noted = booth.stage.dir().join(format!("{user}.crashes")).display().to_string();
        let arming = [NEVER, POLLING, ("CRASH_AT", point), ("CRASH_LOG", &noted)];
        booth.stage.start(Role::Telegram, &arming).unwrap();
        // The query is the first update, the money the second.
        assert_eq!(booth.pay(ada, &bill).0, 200);
        booth.stage.wait_ended(Role::Telegram);
        assert_eq!(booth.stage.count_of(ada, "PaymentSettled"), settled, "{point}");
        assert!(booth.pending() > 0, "{point}: it was acknowledged before it was dealt with");
        if settled == 0 {
            assert!(booth.stage.stop(Role::Ledger));
            booth.stage.spawn(Role::Telegram, &[NEVER, POLLING]).unwrap();
            let later = "telegram_updates_total{kind=\"successful_payment\",outcome=\"later\"}";
            // Not let go after the first try either.
            booth.stage.until("the money to wait", || {
                booth.stage.metric(Role::Telegram, later).filter(|tries| *tries >= 2.0)
            });
            assert!(booth.pending() > 0, "it was acknowledged without the ledger");
            booth.stage.kill9(Role::Telegram);
            booth.stage.start(Role::Ledger, &[]).unwrap();
        }
        booth.stage.start(Role::Telegram, &[NEVER, POLLING]).unwrap();
        until_acknowledged(&booth);
        assert_eq!(booth.stage.count_of(ada, "PaymentSettled"), 1, "{point}");
        assert_eq!(booth.stage.balance_of(ada), (105, 0, 0), "{point}");
        booth.until_told(ada, "Payment received");
        let told = booth.stage.bot_said(ada).iter().filter(|m| said(m, "Payment received")).count();
        assert_eq!(told, 1, "{point}");
    }
    booth.assert_at_rest();
}
