//! Broadcasts by hand: composed with a preview, tried on one of us and sent; paused, gone on with, ended.

use e2e::deeds::Deeds;
use e2e::people::{Person, link, said};
use e2e::{Role, Stage};
use serde_json::Value;

use super::hand::{Act, Hand, by_hand, counted, folded};
use crate::desk::{PASSWORD, open};

/// Of a broadcast that everybody gets.
pub const SENT: &[Act] = &[
    ("/broadcasts/compose", ""),
    ("/broadcasts/compose", "broadcast-draft"),
    ("/broadcasts/{broadcast}/try", "broadcast-try"),
    ("/broadcasts/{broadcast}/start", "broadcast-start"),
];

/// Of one that is stopped.
pub const STOPPED: &[Act] = &[
    ("/broadcasts/compose", "broadcast-draft"),
    ("/broadcasts/{broadcast}/start", "broadcast-start"),
    ("/broadcasts/{broadcast}/pause", "broadcast-pause"),
    ("/broadcasts/{broadcast}/finish", "broadcast-finish"),
];

const TESTER: Person = Person(7_501);
const ADA: Person = Person(7_502);

fn state(stage: &Stage, broadcast: &str) -> (String, i32) {
    let sql = "SELECT state, recipients FROM broadcasts WHERE broadcast = $1";
    stage.sql(sqlx::query_as(sql).bind(broadcast.to_owned()).fetch_one(&stage.pool))
}

/// Writes one down for everybody.
fn composes(hand: &Hand<'_>, name: &str, text: &str, button: &str) {
    let fields = [("text", text), ("name", name), ("label", "Try it"), ("url", "https://example.com/?a=1")];
    hand.fills_by("/broadcasts/compose", "", button, &fields);
}

#[test]
fn a_broadcast_is_composed_tried_and_sent_by_hand() {
    let stage = Stage::whole_where(&[(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD)])]).unwrap();
    for person in [TESTER, ADA] {
        stage.write(person, "/start");
        stage.wait_for(person, "the welcome", |_| true);
    }
    by_hand(&stage, "console-hands-broadcasts", SENT, |hand| {
        let stage = hand.stage;
        let (name, words) = (format!("news-{}", hand.lang), format!("hands & feet in {}", hand.lang));
        let got = |person: Person| -> Vec<Value> {
            stage.bot_said(person).into_iter().filter(|message| said(message, &words)).collect()
        };
        hand.is_admin();
        hand.goes("/broadcasts");
        hand.presses("main a[href='/broadcasts/compose']");
        composes(hand, &name, &format!("<b>News</b>: {words}"), "button[value=look]");
        hand.page.sees(".telegram strong", "News");
        hand.page.eval("document.querySelector('.telegram').scrollIntoView({block: 'center'})");
        hand.shot("looked-at");
        hand.fills_by("/broadcasts/compose", "", "button[value=draft]", &[]);
        hand.says("получатели посчитаны", "are counted");
        hand.shot("drafted");
        // As many as the page counts.
        assert_eq!(state(stage, &name), ("draft".to_owned(), 2));
        hand.page.sees("main dd.number", "2");

        let tester = TESTER.0.to_string();
        hand.fills(&format!("/broadcasts/{name}/try"), &[("whom", &tester), ("confirmed", "on")]);
        hand.says("этому одному", "this one person");
        hand.shot("tried");
        let trial = stage.until("the trial", || got(TESTER).first().cloned());
        assert_eq!(link(&trial).as_deref(), Some("https://example.com/?a=1"), "{trial}");
        assert!(got(ADA).is_empty(), "nobody else");
        hand.fills(&format!("/broadcasts/{name}/start"), &[("confirmed", "on")]);
        hand.says("отправляется", "being sent");
        stage.until("its end", || (state(stage, &name).0 == "finished").then_some(()));
        assert_eq!((got(TESTER).len(), got(ADA).len()), (2, 1));
        hand.page.sees("main th code", &name);
        hand.shot("sent");
    });
    stage.judge_bot_requests();
    stage.assert_verified();
}

#[test]
fn a_broadcast_is_paused_gone_on_with_and_ended_by_hand() {
    // Nobody sends it: no bot runs.
    let stage = open();
    let deeds = Deeds::new(&stage);
    for user in 1..=4 {
        stage.rt.block_on(deeds.start(user)).unwrap();
    }
    folded(&stage);
    by_hand(&stage, "console-hands-broadcasts-stopped", STOPPED, |hand| {
        let (stage, name) = (hand.stage, format!("b-{}", hand.lang));
        let acts = |event: &str| {
            let sql = "SELECT count(*) FROM events WHERE actor = 'operator:admin' AND type || (payload::json->>'broadcast') = $1";
            counted(stage, sql, &format!("{event}{name}"))
        };
        hand.is_admin();
        hand.goes("/broadcasts/compose");
        composes(hand, &name, "Hello", "button[value=draft]");
        hand.fills(&format!("/broadcasts/{name}/start"), &[("confirmed", "on")]);
        assert_eq!((state(stage, &name), acts("BroadcastStarted")), (("running".to_owned(), 4), 1));
        hand.shot("running");
        hand.fills(&format!("/broadcasts/{name}/pause"), &[("reason", "a typo")]);
        hand.says("приостановлена", "is paused");
        hand.shot("paused");
        assert_eq!((state(stage, &name).0.as_str(), acts("BroadcastPaused")), ("paused", 1));
        hand.fills(&format!("/broadcasts/{name}/start"), &[("confirmed", "on")]);
        assert_eq!((state(stage, &name).0.as_str(), acts("BroadcastStarted")), ("running", 2));
        hand.fills(&format!("/broadcasts/{name}/finish"), &[("confirmed", "on")]);
        hand.says("завершена", "is finished");
        hand.shot("finished");
        assert_eq!((state(stage, &name).0.as_str(), acts("BroadcastFinished")), ("finished", 1));
    });
    stage.assert_verified();
}
