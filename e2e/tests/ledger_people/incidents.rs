//! What administrators are to know: noticed by many, told once.

use e2e::Stage;
use e2e::raw::of;
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

use crate::Desk;

fn send(desk: &Desk<'_>, producer: Producer, verb: &str, body: Value) -> Value {
    desk.raw.send(producer, verb, "incident:1", of(AccountId::OPERATIONS), body)
}

fn report(desk: &Desk<'_>, producer: Producer, incident: &str, open: bool) {
    let reply = send(desk, producer, "incident_report", json!({"incident": incident, "open": open}));
    assert_eq!(reply["status"], "done", "{reply}");
}

/// What there is to tell: which, and whether it is open.
fn claim(desk: &Desk<'_>, claimant: &str) -> Option<(String, bool)> {
    let reply = send(desk, Producer::Telegram, "incident_claim", json!({"claimant": claimant}));
    if reply["refusal"]["code"] == "nothing_to_tell" {
        return None;
    }
    let claimed = &reply["result"];
    assert!(claimed["since"].as_i64() > Some(0), "{reply}");
    Some((claimed["incident"].as_str().unwrap().to_owned(), claimed["open"].as_bool().unwrap()))
}

fn told(desk: &Desk<'_>, incident: &str, open: bool, claimant: &str) -> bool {
    let body = json!({"incident": incident, "open": open, "claimant": claimant});
    send(desk, Producer::Telegram, "incident_told", body)["result"]["closed"].as_bool().unwrap()
}

#[test]
fn an_incident_is_told_once_when_it_begins_and_once_when_it_is_over() {
    const SHUT: &str = "generator_shut";
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let shut = |open| report(&desk, Producer::Generator, SHUT, open);
    let some = |open| Some((SHUT.to_owned(), open));
    shut(false);
    assert_eq!(claim(&desk, "a"), None, "nobody thought that it was");
    // Two generators notice it.
    shut(true);
    shut(true);
    assert_eq!(claim(&desk, "a"), some(true));
    assert_eq!(claim(&desk, "b"), None, "another tells it");
    assert_eq!(claim(&desk, "a"), some(true), "the same again");
    assert!(!told(&desk, SHUT, true, "b"));
    assert!(told(&desk, SHUT, true, "a"));
    shut(true);
    assert_eq!(claim(&desk, "b"), None, "they know");
    shut(false);
    assert_eq!(claim(&desk, "b"), some(false));
    // Who tells it dies, and another does.
    stage.sql(sqlx::query("UPDATE incidents SET lease_until = 0").execute(&stage.pool));
    assert_eq!(claim(&desk, "c"), some(false));
    assert!(!told(&desk, SHUT, false, "b") && told(&desk, SHUT, false, "c"));
    // Over before it was told: nobody is woken up.
    shut(true);
    shut(false);
    assert_eq!(claim(&desk, "a"), None);
    // It begins again while its end is told.
    shut(true);
    assert_eq!(claim(&desk, "a"), some(true));
    shut(false);
    assert!(told(&desk, SHUT, true, "a"));
    assert_eq!(claim(&desk, "a"), some(false));
    assert!(told(&desk, SHUT, false, "a"));
    let not = json!({"incident": SHUT, "open": true});
    assert_eq!(send(&desk, Producer::Payments, "incident_report", not)["refusal"]["code"], "not_allowed");
}

#[test]
fn one_without_an_end_is_told_once_an_hour_however_often_it_is_mentioned() {
    const UP: &str = "tellings_given_up";
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let earlier = |us: i64| {
        let sql = "UPDATE incidents SET seen = seen - $1, since = since - $1, told_at = told_at - $1";
        stage.sql(sqlx::query(sql).bind(us).execute(&stage.pool));
    };
    let given_up = || report(&desk, Producer::Telegram, UP, true);
    given_up();
    assert_eq!(claim(&desk, "a"), Some((UP.to_owned(), true)));
    assert!(told(&desk, UP, true, "a"));
    // Again and again within the hour.
    for _ in 0..3 {
        earlier(1_000_000_000);
        given_up();
        assert_eq!(claim(&desk, "a"), None);
    }
    // The last was mentioned a quarter of an hour ago.
    earlier(900_000_000);
    assert_eq!(claim(&desk, "a"), None, "nobody says anything");
    given_up();
    assert_eq!(claim(&desk, "a"), Some((UP.to_owned(), true)));
    assert!(told(&desk, UP, true, "a"));
    // One of a newer version, older than ours, is in nobody's way.
    let sql = "INSERT INTO incidents (incident, open, since, seen) VALUES ('of_tomorrow', true, 1, 1)";
    stage.sql(sqlx::query(sql).execute(&stage.pool));
    assert_eq!(claim(&desk, "a"), None);
    report(&desk, Producer::Telegram, "broadcast_refused", true);
    assert_eq!(claim(&desk, "a"), Some(("broadcast_refused".to_owned(), true)));
}
