//! Settings, and what a person was asked.

use e2e::Stage;
use serde_json::{Value, json};

use crate::Desk;

fn account(desk: &Desk<'_>, user: i64) -> Value {
    desk.ask("account", json!({"account": {"telegram": user}}))
}

#[test]
fn an_update_changes_what_it_gives_and_nothing_else() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let id = desk.start(1);
    desk.start(2);
    let plain = json!({"model": null, "aspect_ratio": null, "size": null, "as_file": false});
    let fresh = account(&desk, 1);
    assert_eq!((&fresh["settings"], &fresh["conversation"]), (&plain, &json!("")), "{fresh}");
    assert_eq!((&fresh["awaits"], &fresh["away"]), (&Value::Null, &json!(false)));

    let updates = [
        json!({"setting": {"model": "gemini-3"}}),
        json!({"setting": {"aspect_ratio": "16:9"}}),
        json!({"setting": {"size": "2K"}}),
        json!({"setting": {"as_file": true}}),
        json!({"conversation": "talk-2", "language": "en"}),
        json!({"awaits": "prompt"}),
        json!({"email": "ada@example.com"}),
    ];
    for update in updates {
        assert_eq!(desk.done("profile_update", 1, update), Value::Null);
    }
    let set = account(&desk, 1);
    let settings = json!({"model": "gemini-3", "aspect_ratio": "16:9", "size": "2K", "as_file": true});
    assert_eq!(set["settings"], settings);
    assert_eq!([&set["conversation"], &set["language"], &set["email"]], ["talk-2", "en", "ada@example.com"]);
    assert_eq!(set["awaits"]["what"], "prompt");
    let since = set["awaits"]["since"].as_i64().unwrap();
    let now: i64 = stage.sql(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool));
    assert!((now - 60_000_000..=now + 1_000_000).contains(&since), "{since} is not the time now, {now}");

    // One choice is taken back, and what was asked is answered.
    desk.done("profile_update", 1, json!({"setting": {"model": null}}));
    desk.done("profile_update", 1, json!({"awaits": ""}));
    let back = account(&desk, 1);
    assert_eq!(
        back["settings"],
        json!({"model": null, "aspect_ratio": "16:9", "size": "2K", "as_file": true})
    );
    assert_eq!((&back["awaits"], &back["conversation"]), (&Value::Null, &json!("talk-2")));
    // Another person's are as they were.
    assert_eq!(account(&desk, 2)["settings"], plain);

    assert_eq!(desk.refused("profile_update", 9, json!({"awaits": "prompt"}))["code"], "account_not_found");
    desk.erase(1);
    let by_id = e2e::raw::of(id);
    let late = desk.raw.refused(
        proto_events::Producer::Telegram,
        "profile_update",
        "profile:late",
        by_id,
        json!({"conversation": "talk-3"}),
    );
    assert_eq!(late, "account_not_found");
    stage.assert_verified();
}

#[test]
fn who_can_not_be_reached_is_away_until_they_are_back() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    desk.start(1);
    let since = || {
        let since = sqlx::query_scalar::<_, Option<i64>>("SELECT away_since FROM profiles");
        stage.sql(since.fetch_one(&stage.pool))
    };
    desk.done("person_reach", 1, json!({"reachable": false}));
    assert_eq!(account(&desk, 1)["away"], true);
    let first = since();
    desk.done("person_reach", 1, json!({"reachable": false}));
    assert_eq!(since(), first, "since it was found out first");
    // Settings say nothing of it.
    desk.done("profile_update", 1, json!({"language": "en"}));
    assert_eq!(account(&desk, 1)["away"], true);
    desk.done("person_reach", 1, json!({"reachable": true}));
    assert_eq!(account(&desk, 1)["away"], false);
    assert_eq!(desk.refused("person_reach", 2, json!({"reachable": true}))["code"], "account_not_found");
}
