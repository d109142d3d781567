//! Reference photos.

use e2e::Stage;
use e2e::raw::{of, person};
use proto_events::Producer;
use serde_json::{Value, json};

use crate::{Desk, photo};

fn names(view: &Value) -> Vec<String> {
    let photos = view["photos"].as_array().unwrap_or_else(|| panic!("{view}"));
    photos.iter().map(|photo| photo["unique_id"].as_str().unwrap().to_owned()).collect()
}

fn numbered(numbers: impl IntoIterator<Item = usize>) -> Value {
    json!({"photos": numbers.into_iter().map(photo).collect::<Vec<_>>()})
}

#[test]
fn each_photo_is_kept_once_oldest_first_up_to_fourteen() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    desk.start(1);
    desk.start(2);
    let kept = || desk.ask("references", json!({"account": {"telegram": 1}}));
    assert_eq!(names(&kept()), Vec::<String>::new());
    // Twice in one command, and once more in another, under another file id.
    let view = desk.done("references_put", 1, numbered([3, 1, 3, 2]));
    assert_eq!(names(&view), ["u3", "u1", "u2"]);
    let mut again = photo(1);
    again["file_id"] = "file-1-again".into();
    let view = desk.done("references_put", 1, json!({"photos": [again, photo(4)]}));
    assert_eq!(names(&view), ["u3", "u1", "u2", "u4"]);
    assert_eq!(view["photos"][0], photo(3));
    assert_eq!(kept(), view);

    // Eleven more would be fifteen: none is kept. Ten are.
    let refusal = desk.refused("references_put", 1, numbered(5..16));
    assert_eq!(
        (&refusal["code"], &refusal["details"]),
        (&json!("too_many_references"), &json!({"max": 14, "kept": 4}))
    );
    assert_eq!(kept(), view);
    assert_eq!(names(&desk.done("references_put", 1, numbered(5..15))).len(), 14);
    // What is there already takes no room.
    assert_eq!(names(&desk.done("references_put", 1, numbered([7, 8]))).len(), 14);
    assert_eq!(desk.refused("references_put", 1, numbered([99]))["details"]["kept"], 14);

    let left = names(&desk.done("references_remove", 1, json!({"unique_id": "u1"})));
    assert_eq!((left.len(), left.contains(&"u1".to_owned())), (13, false));
    // Once more, and what was never there: nothing changes.
    assert_eq!(names(&desk.done("references_remove", 1, json!({"unique_id": "u1"}))).len(), 13);
    desk.done("references_put", 2, numbered([1]));
    assert_eq!(names(&desk.done("references_remove", 1, json!({}))), Vec::<String>::new());
    assert_eq!(names(&desk.ask("references", json!({"account": {"telegram": 2}}))), ["u1"], "another's stay");
    assert_eq!(desk.refused("references_put", 9, numbered([1]))["code"], "account_not_found");
}

#[test]
fn of_many_who_put_at_once_no_more_are_kept_than_there_is_room_for() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    desk.start(1);
    let raw = &desk.raw;
    for round in 0..4 {
        let puts = (0..10).map(|n| {
            let photos = numbered([1_000 * round + 2 * n, 1_000 * round + 2 * n + 1]);
            let id = format!("references_put:{round}:{n}");
            async move { raw.ask(Producer::Telegram, "references_put", &id, person(1), photos).await }
        });
        let replies = stage.rt.block_on(futures_util::future::join_all(puts));
        let kept = replies.iter().filter(|reply| reply["status"] == "done").count();
        assert_eq!((kept, desk.count("reference_photos")), (7, 14));
        let refused = replies.iter().filter(|reply| reply["refusal"]["details"]["kept"] == 14).count();
        assert_eq!(refused, 3);
        desk.done("references_remove", 1, json!({}));
    }
}

/// An erasure whose append is under way: whoever keeps something waits for it, and then keeps nothing.
#[test]
fn nothing_is_kept_for_who_is_being_erased() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let account = desk.start(1);
    let part = json!({"chat": 1, "group": "a", "message": 1, "photo": photo(1)});
    let puts = [("references_put", numbered([1])), ("album_put", part)];
    let mut erasure = stage.sql(stage.pool.begin());
    let erased = sqlx::query("DELETE FROM profiles WHERE account_id = $1").bind(account.0);
    stage.sql(erased.execute(&mut *erasure));
    let asked = puts.map(|(verb, body)| {
        let raw = desk.raw.clone();
        stage.rt.spawn(async move { raw.ask(Producer::Telegram, verb, verb, of(account), body).await })
    });
    stage.until("both to wait", || {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        let waiting: i64 = stage.sql(sqlx::query_scalar(waiting).fetch_one(&stage.pool));
        (waiting == 2 || asked.iter().any(|put| put.is_finished())).then_some(())
    });
    stage.sql(erasure.commit());
    for put in asked {
        let reply = stage.rt.block_on(put).unwrap();
        assert_eq!(reply["refusal"]["code"], "account_not_found", "{reply}");
    }
    assert_eq!(["reference_photos", "albums", "album_parts"].map(|table| desk.count(table)), [0; 3]);
}
