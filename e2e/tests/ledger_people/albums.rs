//! Albums: many updates, one thing.

use e2e::Stage;
use serde_json::{Value, json};

use crate::{Desk, photo};

fn put(desk: &Desk<'_>, message: usize, caption: Option<&str>) -> Value {
    let body =
        json!({"chat": 5, "group": "g1", "message": message, "photo": photo(message), "caption": caption});
    desk.done("album_put", 1, body)
}

fn claim(desk: &Desk<'_>, claimant: &str) -> Value {
    desk.send("album_claim", 1, json!({"chat": 5, "group": "g1", "claimant": claimant}))
}

fn code(reply: &Value) -> &str {
    reply["refusal"]["code"].as_str().unwrap_or_else(|| panic!("not refused: {reply}"))
}

/// What is shown as due.
fn due(desk: &Desk<'_>) -> Vec<Value> {
    desk.ask("albums_due", json!({"limit": 10})).as_array().unwrap().clone()
}

/// Time goes by: what has come is due, and what is held is held no more.
fn later(stage: &Stage) {
    stage.sql(sqlx::query("UPDATE albums SET due_at = 0, lease_until = 0").execute(&stage.pool));
}

fn messages(reply: &Value) -> Vec<i64> {
    let parts = reply["result"]["parts"].as_array().unwrap_or_else(|| panic!("not granted: {reply}"));
    parts.iter().map(|part| part["message"].as_i64().unwrap()).collect()
}

fn done(desk: &Desk<'_>, claimant: &str) -> bool {
    let body = json!({"chat": 5, "group": "g1", "claimant": claimant});
    desk.done("album_done", 1, body)["closed"].as_bool().unwrap()
}

#[test]
fn an_album_is_given_to_one_once_its_photos_have_come() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let account = desk.start(1);
    desk.start(2);
    assert_eq!(code(&claim(&desk, "a")), "album_done", "there is none");
    put(&desk, 12, None);
    put(&desk, 11, Some("as a heron"));
    let coming = claim(&desk, "a");
    assert_eq!(code(&coming), "album_coming");
    let due_at = |stage: &Stage| -> i64 {
        stage.sql(sqlx::query_scalar("SELECT due_at FROM albums").fetch_one(&stage.pool))
    };
    assert_eq!(coming["refusal"]["details"]["until"], due_at(&stage));
    assert_eq!(due(&desk), Vec::<Value>::new());
    // A part that comes again moves nothing; a new one does.
    let before = due_at(&stage);
    put(&desk, 12, None);
    assert_eq!(due_at(&stage), before);
    put(&desk, 13, None);
    assert!(due_at(&stage) > before);
    let taken = json!({"chat": 5, "group": "g1", "message": 14, "photo": photo(14)});
    assert_eq!(desk.refused("album_put", 2, taken)["code"], "invalid", "it is another's");

    // By its own time, without help.
    let shown = stage.until("the album to be due", || due(&desk).pop());
    assert_eq!(shown, json!({"account": account, "chat": 5, "group": "g1"}));
    let granted = claim(&desk, "a");
    assert_eq!(messages(&granted), [11, 12, 13]);
    let result = &granted["result"];
    assert_eq!((&result["account"], &result["telegram_user"]), (&json!(account), &json!(1)));
    assert_eq!(result["parts"][0], json!({"message": 11, "photo": photo(11), "caption": "as a heron"}));
    assert_eq!(due(&desk), Vec::<Value>::new(), "it is held");
    let held = claim(&desk, "b");
    assert_eq!(code(&held), "album_held");
    assert_eq!(held["refusal"]["details"]["until"], result["lease_until"]);
    assert_eq!(messages(&claim(&desk, "a")), [11, 12, 13], "the same again");

    // The first dies; another takes it over, and the first's word counts no more.
    later(&stage);
    assert_eq!(messages(&claim(&desk, "b")), [11, 12, 13]);
    assert!(!done(&desk, "a"));
    assert!(done(&desk, "b"));
    assert!(!done(&desk, "b"));
    assert_eq!(code(&claim(&desk, "b")), "album_done");
    // A part that comes again after that is known, and its photo is not kept any more.
    put(&desk, 12, None);
    later(&stage);
    assert_eq!((code(&claim(&desk, "c")), due(&desk)), ("album_done", Vec::new()));
    let left = "SELECT count(part) FROM album_parts";
    assert_eq!(stage.sql(sqlx::query_scalar::<_, i64>(left).fetch_one(&stage.pool)), 0);
}

#[test]
fn a_photo_that_comes_late_is_not_lost() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    desk.start(1);
    put(&desk, 1, Some("as a heron"));
    later(&stage);
    assert_eq!(messages(&claim(&desk, "a")), [1]);
    // While it is dealt with, and once it was.
    put(&desk, 2, None);
    assert_eq!(messages(&claim(&desk, "a")), [1], "the grant is as it was");
    assert!(done(&desk, "a"));
    assert_eq!(code(&claim(&desk, "a")), "album_coming");
    later(&stage);
    assert_eq!(messages(&claim(&desk, "b")), [2]);
    assert!(done(&desk, "b"));
    put(&desk, 3, None);
    later(&stage);
    assert_eq!(messages(&claim(&desk, "c")), [3]);
    assert!(done(&desk, "c"));
    for message in 4..11 {
        put(&desk, message, None);
    }
    let beyond = json!({"chat": 5, "group": "g1", "message": 11, "photo": photo(11)});
    assert_eq!(desk.refused("album_put", 1, beyond)["code"], "invalid", "Telegram's have ten at most");
}

/// Whoever had it may have asked for something with what they were given, and died.
#[test]
fn who_takes_an_album_over_is_given_the_same_and_what_came_since_comes_after_it() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    desk.start(1);
    put(&desk, 1, Some("as a heron"));
    put(&desk, 2, None);
    later(&stage);
    assert_eq!(messages(&claim(&desk, "a")), [1, 2]);
    put(&desk, 3, None);
    for claimant in ["b", "c"] {
        later(&stage);
        assert_eq!(messages(&claim(&desk, claimant)), [1, 2]);
    }
    assert!(done(&desk, "c"));
    later(&stage);
    assert_eq!(messages(&claim(&desk, "d")), [3]);
    assert!(done(&desk, "d"));
    assert_eq!(due(&desk), Vec::<Value>::new());
}

#[test]
fn what_was_done_is_forgotten_after_an_hour_and_what_nobody_can_do_after_a_day() {
    const HOUR: i64 = 3_600_000_000;
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    desk.start(1);
    put(&desk, 1, None);
    later(&stage);
    claim(&desk, "a");
    assert!(done(&desk, "a"));
    let at = |sql: &'static str| -> i64 { stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool)) };
    let tidy = |now: i64| stage.sql(ledger::timers::housekeeping::tidy(&stage.pool, now));
    let done_at = at("SELECT done_at FROM albums");
    tidy(done_at + HOUR);
    assert_eq!(desk.count("albums"), 1);
    tidy(done_at + HOUR + 1);
    assert_eq!((desk.count("albums"), desk.count("album_parts")), (0, 0));
    put(&desk, 2, None);
    let due_at = at("SELECT due_at FROM albums");
    tidy(due_at + 24 * HOUR);
    assert_eq!(desk.count("albums"), 1);
    tidy(due_at + 24 * HOUR + 1);
    assert_eq!((desk.count("albums"), desk.count("album_parts")), (0, 0));
}
