//! Events that a service can't get done: it goes on with all others, they are seen, mended, or dropped by hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::Stage;
use e2e::deeds::Deeds;
use e2e::raw::{Raw, of};
use proto_events::subjects::CONSUMERS;
use proto_events::{AccountId, Producer, PublishedEvent};
use reqwest::StatusCode;
use serde_json::{Value, json};
use service::consumer::{self, Options, Verdict};
use tokio_util::sync::CancellationToken;

use crate::desk::{PASSWORD, Seat, hires, open};

/// What a telegram adapter makes of its events, one of which it refuses and one of which breaks it.
#[derive(Clone, Default)]
struct Broken(Arc<Mutex<Hands>>);

#[derive(Default)]
struct Hands {
    refuses: Option<i64>,
    breaks: Option<i64>,
    mended: bool,
    /// How often each was shown.
    shown: BTreeMap<i64, usize>,
}

impl Broken {
    fn start(&self, stage: &Stage) -> CancellationToken {
        let (hands, stop) = (self.clone(), CancellationToken::new());
        let handler = move |event: PublishedEvent| std::future::ready(hands.take(event.position.get()));
        let options = Options { in_flight_max: 8, ack_wait: Duration::from_secs(30) };
        let (client, ledger) = (stage.client("telegram"), stage.ledger_as(Producer::Telegram));
        stage.rt.spawn(consumer::run(client, Producer::Telegram, ledger, options, stop.clone(), handler));
        stop
    }

    fn take(&self, position: i64) -> Verdict {
        let mut hands = self.0.lock().unwrap();
        *hands.shown.entry(position).or_default() += 1;
        if Some(position) == hands.refuses {
            return Verdict::Failed { why: "no such <chat>".to_owned(), again: Duration::from_millis(50) };
        }
        let breaks = Some(position) == hands.breaks && !hands.mended;
        // A poisoned lock would break all others.
        drop(hands);
        assert!(!breaks, "a planted fault");
        Verdict::Done
    }

    fn shown(&self, position: i64) -> usize {
        self.0.lock().unwrap().shown.get(&position).copied().unwrap_or_default()
    }
}

fn for_telegram(stage: &Stage) -> Vec<i64> {
    let (_, types) = CONSUMERS.iter().find(|(producer, _)| *producer == Producer::Telegram).unwrap();
    let sql = "SELECT position FROM events WHERE type = ANY($1) ORDER BY position";
    stage.sql(sqlx::query_scalar(sql).bind(types).fetch_all(&stage.pool))
}

fn done_through(stage: &Stage) -> i64 {
    let sql = "SELECT coalesce(max(done_through), 0) FROM consumers WHERE consumer = 'telegram'";
    stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
}

fn stuck(seat: &Seat<'_>) -> Vec<Value> {
    seat.reads("/dead-letters")["stuck"].as_array().unwrap().clone()
}

#[test]
fn an_event_that_can_not_be_done_holds_up_no_other_and_is_mended_or_dropped() {
    let stage = open();
    hires(&stage, "ops", "operator");
    let ops = Seat::signed_in(&stage, "ops", PASSWORD);
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(deeds.whole_way(1)).unwrap();
    let all = for_telegram(&stage);
    let [refused, breaking, .., last] = all[..] else { panic!("too few events: {all:?}") };
    let broken = Broken::default();
    (broken.0.lock().unwrap().refuses, broken.0.lock().unwrap().breaks) = (Some(refused), Some(breaking));
    let stop = broken.start(&stage);

    let both = stage.until("both to be told", || Some(stuck(&ops)).filter(|stuck| stuck.len() == 2));
    let of_position = |position: i64| both.iter().find(|one| one["position"] == position).unwrap();
    assert_eq!(of_position(refused)["error"], "no such <chat>");
    assert_eq!(of_position(breaking)["error"], "its handler panicked");
    assert!(both.iter().all(|one| one["tries"].as_u64().unwrap() >= 5 && one["consumer"] == "telegram"));
    for position in &all[2..] {
        stage.until("all others", || (broken.shown(*position) == 1).then_some(()));
    }
    assert_eq!(done_through(&stage), 0, "what is published again begins at what is not done");

    let page = format!("/dead-letters/events/telegram/{refused}");
    let told = ops.gets(&page);
    assert!(told.text.contains("no such &lt;chat&gt;") && told.text.contains(&format!("/log/{refused}\"")));
    let overview = "2 события застряли";
    assert!(ops.gets("/").text.contains(overview) && ops.gets("/services").text.contains(overview));
    for nothing in ["telegram/999999", "generator/1", "%27/1"] {
        let nowhere = ops.gets(&format!("/dead-letters/events/{nothing}"));
        assert_eq!(nowhere.status, StatusCode::NOT_FOUND, "{nothing}");
    }

    // Only with a reason, and once.
    let drop_it = format!("{page}/drop");
    let once = told.hidden("once");
    let acts = || -> i64 {
        let sql = "SELECT count(*) FROM events WHERE type = 'OperatorActed' \
                   AND payload::json->>'act' = 'event_dropped' AND payload::json->>'subject' = $1";
        stage.sql(sqlx::query_scalar(sql).bind(format!("telegram/{refused}")).fetch_one(&stage.pool))
    };
    let unfit = ops.posts(&drop_it, &[("once", &once), ("reason", " ")]);
    assert_eq!((unfit.status, acts()), (StatusCode::UNPROCESSABLE_ENTITY, 0));
    for _ in 0..2 {
        let dropped = ops.posts(&drop_it, &[("once", &once), ("reason", "the chat is gone")]);
        assert_eq!(dropped.to, format!("{page}?done=letter-drop"), "{}", dropped.text);
    }
    assert_eq!(acts(), 1);
    assert_eq!(stuck(&ops).len(), 1);
    assert_eq!(ops.reads("/dead-letters")["stuck_dropped"][0]["position"], refused);
    // The other is mended, and leaves the page by itself.
    broken.0.lock().unwrap().mended = true;
    stage.until("that nothing is stuck", || stuck(&ops).is_empty().then_some(()));
    stage.until("that all is done", || (done_through(&stage) >= last).then_some(()));
    let shown = broken.shown(refused);
    stage.rt.block_on(deeds.whole_way(2)).unwrap();
    let newest = *for_telegram(&stage).last().unwrap();
    stage.until("what is newer", || (done_through(&stage) >= newest).then_some(()));
    assert_eq!(broken.shown(refused), shown, "what was dropped is not shown again");
    stop.cancel();

    // Done after it was dropped: it is forgotten, and there is nothing to drop.
    let raw = Raw::new(&stage);
    let tells = |error: Option<&str>| {
        let mut body = json!({"consumer": "telegram", "position": last, "tries": 5});
        if let Some(error) = error {
            body["error"] = json!(error);
        }
        raw.send(Producer::Telegram, "consumer_stuck", "stuck:last", of(AccountId::OPERATIONS), body)["result"].clone()
    };
    let drops = || stage.sql(ledger::store::drop_stuck_event(&stage.pool, "telegram", last));
    assert_eq!(tells(Some("x")), json!({"dropped": false}));
    assert!(drops());
    assert_eq!(tells(Some("x")), json!({"dropped": true}));
    tells(None);
    assert!(!drops());

    // A consumer speaks for itself alone.
    let body = json!({"consumer": "telegram", "position": 1, "tries": 5, "error": "x"});
    let code = raw.refused(Producer::Payments, "consumer_stuck", "stuck:1", of(AccountId::OPERATIONS), body);
    assert_eq!(code, "not_allowed");
    stage.assert_verified();
}
