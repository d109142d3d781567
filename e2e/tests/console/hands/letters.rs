//! Dead letters by hand: looked at, sent again too early and in time, dropped; events that are stuck, dropped.

use e2e::Stage;
use e2e::deeds::{Deeds, rubles};
use e2e::raw::{Raw, of};
use proto_events::Producer;
use serde_json::json;

use super::hand::{Act, by_hand, counted, noted};
use crate::desk::open;
use crate::letters::payment_to_come;

pub const ACTS: &[Act] = &[
    ("/dead-letters/{letter}/look", ""),
    ("/dead-letters/{letter}/retry", ""),
    ("/dead-letters/{letter}/retry", "letter-retry"),
    ("/dead-letters/{letter}/drop", "letter-drop"),
    ("/dead-letters/events/{consumer}/{position}/drop", "letter-drop"),
];

/// The one open letter with this code, once it is kept.
fn kept(stage: &Stage, code: &'static str) -> String {
    stage.until("the letter", || {
        let sql = "SELECT letter FROM dead_letters WHERE code = $1 AND state = 'open'";
        stage.sql(sqlx::query_scalar(sql).bind(code).fetch_optional(&stage.pool))
    })
}

#[test]
fn dead_letters_are_looked_at_sent_again_and_dropped_by_hand() {
    let stage = open();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    by_hand(&stage, "console-hands-letters", ACTS, |hand| {
        let stage = hand.stage;
        let (user, nonce) = if hand.lang == "ru" { (1, "n1") } else { (2, "n2") };
        let account = stage.rt.block_on(deeds.start(user)).unwrap();
        let payment = payment_to_come(stage, account, nonce);
        stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap_err();
        let early = kept(stage, "payment_not_found");
        hand.is_admin();
        hand.goes("/dead-letters");
        hand.shot("letters");
        hand.presses(&format!("main a[href='/dead-letters/{early}']"));
        hand.shot("letter");
        hand.fills(&format!("/dead-letters/{early}/look"), &[]);
        hand.page.sees("main pre", &payment.to_string());
        hand.shot("looked-at");
        let subject = account.to_string();
        let why = format!("what a refused command said: {early}");
        assert_eq!(noted(stage, "personal_data_seen", &subject, &why), 1);

        // What it waits for has not come: the form is there again, with what was typed.
        let retry = format!("/dead-letters/{early}/retry");
        hand.fills(&retry, &[("reason", "does it work now?")]);
        hand.sees("main .bad", "Снова отказ", "refused again");
        hand.shot("refused-again");
        let paid = "SELECT count(*) FROM events WHERE type = 'PaymentSettled' AND account_id::text = $1";
        assert_eq!(counted(stage, paid, &subject), 0);
        assert_eq!(stage.rt.block_on(deeds.topup(user, nonce)).unwrap(), payment);
        hand.fills(&retry, &[("reason", "it is there")]);
        hand.says("Теперь выполнена", "It is done now");
        hand.shot("done");
        assert_eq!(counted(stage, paid, &subject), 1);
        for reason in ["does it work now?", "it is there"] {
            assert_eq!(noted(stage, "letter_retried", &early, reason), 1, "{reason}");
        }

        let id = format!("settle:{}", hand.lang);
        let body = json!({"payment": payment, "rail": "yookassa"});
        let code = raw.refused(Producer::Payments, "payment_settle", &id, of(account), body);
        assert_eq!(code, "invalid");
        let bad = kept(stage, "invalid");
        hand.goes(&format!("/dead-letters/{bad}"));
        hand.fills(&format!("/dead-letters/{bad}/drop"), &[("reason", "an old adapter")]);
        hand.says("Отложено насовсем", "It is dropped");
        hand.shot("dropped");
        assert_eq!(noted(stage, "letter_dropped", &bad, "an old adapter"), 1);
        let state = "SELECT count(*) FROM dead_letters WHERE letter = $1 AND state = 'dropped'";
        assert_eq!(counted(stage, state, &bad), 1);
        hand.goes("/dead-letters");
        hand.shot("no-letters");

        // An event that a service can't get done.
        let at = if hand.lang == "ru" { 3 } else { 4 };
        let stuck = "INSERT INTO stuck_events (consumer, position, tries, error, first_at, last_at) \
                     VALUES ('payments', $1, 5, 'the provider says no', now_us(), now_us())";
        stage.sql(sqlx::query(stuck).bind(at).execute(&stage.pool));
        let event = format!("/dead-letters/events/payments/{at}");
        hand.goes("/dead-letters");
        hand.presses(&format!("main a[href='{event}']"));
        hand.page.sees("main pre", "the provider says no");
        hand.fills(&format!("{event}/drop"), &[("reason", "done by hand")]);
        hand.says("Отложено насовсем", "It is dropped");
        hand.shot("event-dropped");
        assert_eq!(noted(stage, "event_dropped", &format!("payments/{at}"), "done by hand"), 1);
        let dropped = "SELECT count(*) FROM stuck_events WHERE dropped AND position::text = $1";
        assert_eq!(counted(stage, dropped, &at.to_string()), 1);
    });
    stage.assert_verified();
}
