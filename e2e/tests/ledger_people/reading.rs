//! What people and administrators read of the past.

use e2e::Stage;
use e2e::deeds::{Deeds, rubles};
use e2e::raw::person;
use proto_events::{AccountId, Position, Producer};
use serde_json::{Value, json};

use crate::Desk;

/// A query at the end of the log as it is now.
fn ask(desk: &Desk<'_>, query: &str, body: Value) -> Value {
    let head: i64 =
        desk.stage.sql(sqlx::query_scalar("SELECT position FROM log_head").fetch_one(&desk.stage.pool));
    let asked = desk.ledger.ask::<Value>(query, &body, Some(Position::new(head).unwrap()));
    desk.stage.rt.block_on(asked).unwrap_or_else(|error| panic!("{query}: {error:?}"))
}

fn page(user: i64, limit: u16, before: Option<i64>) -> Value {
    json!({"account": {"telegram": user}, "limit": limit, "before": before})
}

fn column<'v>(rows: &'v Value, name: &str) -> Vec<&'v Value> {
    rows.as_array().unwrap_or_else(|| panic!("{rows}")).iter().map(|row| &row[name]).collect()
}

/// Somebody with 105 credits who asked for four things: one delivered, one failed, one canceled, one open.
fn busy(stage: &Stage, desk: &Desk<'_>, deeds: &Deeds) -> AccountId {
    let account = desk.start(1);
    stage.rt.block_on(async {
        let payment = deeds.topup(1, "a").await.unwrap();
        deeds.settle(payment, rubles(100)).await.unwrap();
        let made = deeds.picture(1, 1).await.unwrap();
        deeds.delivered(made).await.unwrap();
        let failed = deeds.request(1, 2).await.unwrap();
        deeds.claim(failed, 1).await.unwrap();
        deeds.fail(failed, 1).await.unwrap();
    });
    let body =
        json!({"kind": "text", "prompt": "why?", "references": [], "context": {"chat": 1, "message": 3}});
    let asked = desk.raw.send(Producer::Telegram, "generation_request", "msg:1:1:3", person(1), body);
    let canceled = json!({"generation": asked["result"]["generation"]});
    desk.raw.done(Producer::Telegram, "generation_cancel", "cancel:1:a", person(1), canceled);
    stage.rt.block_on(deeds.request(1, 4)).unwrap();
    account
}

#[test]
fn a_history_shows_what_was_asked_for_and_what_became_of_it_page_by_page() {
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    busy(&stage, &desk, &deeds);
    desk.start(2);
    let all = ask(&desk, "history", page(1, 10, None));
    assert_eq!(column(&all, "state"), ["open", "canceled", "failed", "delivered"]);
    assert_eq!(column(&all, "kind"), ["picture", "text", "picture", "picture"]);
    assert_eq!(column(&all, "credits"), [&json!(10), &json!(0), &json!(0), &json!(10)]);
    assert_eq!(column(&all, "reason"), [&Value::Null, &Value::Null, &json!("policy"), &Value::Null]);
    assert_eq!(column(&all, "prompt")[1..3], ["why?", "a plantain leaf in the rain"]);
    assert_eq!(column(&all, "file_ids")[3], &json!(["file-1"]));
    // Page by page it is the same.
    let (mut paged, mut before) = (Vec::new(), None);
    while let Some(last) = {
        let one = ask(&desk, "history", page(1, 1, before));
        one.as_array().unwrap().first().cloned()
    } {
        before = last["position"].as_i64();
        paged.push(last);
    }
    assert_eq!(Value::Array(paged), all);
    assert_eq!(ask(&desk, "history", page(2, 10, None)), json!([]));
    assert_eq!(desk.not_answered("history", page(9, 10, None)), "account_not_found");
}

#[test]
fn a_statement_shows_what_was_charged_and_what_came_back() {
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    busy(&stage, &desk, &deeds);
    let grant = json!({"credits": 7, "source": "admin", "reason": "r"});
    desk.raw.operator("credits_grant", "grant:1", person(1), grant);
    desk.raw.operator("credits_revoke", "revoke:1", person(1), json!({"credits": 2, "reason": "r"}));
    let all = ask(&desk, "statement", page(1, 20, None));
    let shown: Vec<(&str, i64, i64)> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (l["kind"].as_str().unwrap(), l["change"].as_i64().unwrap(), l["left"].as_i64().unwrap()))
        .collect();
    let expected = [
        ("revoked", -2, 90),
        ("admin", 7, 92),
        ("picture", -10, 85),
        ("returned", 1, 95),
        ("answer", -1, 94),
        ("returned", 10, 95),
        ("picture", -10, 85),
        ("picture", -10, 95),
        ("purchase", 100, 105),
        ("welcome", 5, 5),
    ];
    assert_eq!(shown, expected);
    // They add up.
    for pair in expected.windows(2) {
        assert_eq!(pair[1].2 + pair[0].1, pair[0].2, "{pair:?}");
    }
    let money = column(&all, "money");
    assert_eq!(money[8], &json!({"amount": 10_000, "currency": "RUB"}));
    assert!(all[6]["generation"].is_string() && all[6]["generation"] == all[5]["generation"]);
    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let some = ask(&desk, "statement", page(1, 3, before));
        let Some(last) = some.as_array().unwrap().last() else { break };
        before = last["position"].as_i64();
        paged.extend(some.as_array().unwrap().clone());
    }
    assert_eq!(Value::Array(paged), all);
    stage.assert_verified();
}

#[test]
fn totals_and_referrals_tell_a_life_in_figures() {
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    let account = busy(&stage, &desk, &deeds);
    for (user, name) in [(2, "  вера"), (3, "Bo")] {
        let body = json!({"language": "ru", "name": name, "inviter": account});
        desk.raw.done(Producer::Telegram, "account_open", &format!("start:1:{user}:1"), person(user), body);
    }
    let far = 4_000_000_000_000_000_i64;
    for (n, ends) in [(2, far), (3, far), (4, far + 1)] {
        let body = json!({"credits": n, "source": "promo", "reason": "r", "expires_at": ends});
        desk.raw.operator("credits_grant", &format!("grant:{n}"), person(1), body);
    }
    let mine = json!({"account": {"telegram": 1}});
    let earned = stage.until("both bonuses", || {
        let referrals = ask(&desk, "referrals", mine.clone());
        (referrals["earned"] == 10).then_some(referrals)
    });
    assert_eq!(earned["invited"], 2);
    assert_eq!(
        (column(&earned["newest"], "initial"), column(&earned["newest"], "credits")),
        (vec![&json!("B"), &json!("В")], vec![&json!(5); 2])
    );
    let totals = ask(&desk, "totals", mine);
    let opened: i64 = stage.sql(
        sqlx::query_scalar("SELECT recorded_at FROM events WHERE account_id = $1 AND version = 1")
            .bind(account.0)
            .fetch_one(&stage.pool),
    );
    let expected = json!({
        "opened_at": opened, "spent": 10, "bought": 100, "given": 5 + 10 + 9, "pictures": 1, "answers": 0,
        "invited": 2, "earned_by_invites": 10, "ends": {"credits": 5, "at": far},
    });
    assert_eq!(totals, expected);
}

#[test]
fn administrators_find_people_and_see_the_days() {
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    let account = busy(&stage, &desk, &deeds);
    desk.start(2);
    for (user, name) in [(1, "Ёлка Петрова"), (2, "петров 100%")] {
        desk.done("profile_update", user, json!({"name": name}));
    }
    desk.done("person_reach", 2, json!({"reachable": false}));
    let found = |find: &str| -> Vec<i64> {
        let people = ask(&desk, "people", json!({"find": find}));
        people.as_array().unwrap().iter().map(|p| p["telegram_user"].as_i64().unwrap()).collect()
    };
    assert_eq!(found("ёлка"), [1]);
    assert_eq!(found("ПЕТРОВ"), [2, 1], "the shorter name first");
    assert_eq!(found("100%"), [2]);
    assert_eq!((found("%"), found("@ёЛк")), (vec![2], vec![1]));
    assert_eq!((found("2"), found(&account.to_string())), (vec![2], vec![1]));
    assert_eq!((found("nobody"), found("  ")), (vec![], vec![]));
    let one = ask(&desk, "people", json!({"find": "1"}))[0].clone();
    assert_eq!(one["balance"]["available"], 85);
    assert_eq!(
        (&one["totals"]["spent"], &one["banned"], &one["away"]),
        (&json!(10), &json!(false), &json!(false))
    );
    assert_eq!(one["paid"], json!([{"amount": 10_000, "currency": "RUB"}]));

    let statistics = ask(&desk, "statistics", json!({"days": 2}));
    assert_eq!((&statistics["people"], &statistics["away"]), (&json!(2), &json!(1)));
    assert_eq!(statistics["days"].as_array().unwrap().len(), 2);
    let sum = |name: &str| -> i64 {
        column(&statistics["days"], name).into_iter().map(|n| n.as_i64().unwrap()).sum()
    };
    // Of both days: it may be midnight in Moscow.
    assert_eq!(
        ["new_people", "pictures", "answers", "failed", "payments", "spent"].map(sum),
        [2, 1, 0, 1, 1, 10]
    );
    let paid: Vec<&Value> =
        column(&statistics["days"], "paid").into_iter().flat_map(|p| p.as_array().unwrap()).collect();
    assert_eq!(paid, [&json!({"amount": 10_000, "currency": "RUB"})]);
}
