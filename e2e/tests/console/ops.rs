//! The operator walk: a projection is damaged by hand, seen, rebuilt beside live load, compared and swapped, and the damage
//! is gone; canceled and rolled back; each act in the log, with who and why.

use std::collections::BTreeSet;

use e2e::crowd::Crowd;
use e2e::deeds::Deeds;
use e2e::{Role, Stage, judge};
use reqwest::StatusCode;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::desk::{Answer, PASSWORD, Seat, hires};
use crate::log::with_history;

const NAME: &str = "balances";
const PAGE: &str = "/projections/balances";

fn page(seat: &Seat<'_>) -> Value {
    json(seat, "/api/v1/projections/balances")
}

fn json(seat: &Seat<'_>, path: &str) -> Value {
    let answer = seat.gets(path);
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

/// A form of the page as a browser sends it, with the name that the page gave it.
fn does(seat: &Seat<'_>, deed: &str, fields: &[(&str, &str)]) -> Answer {
    let page = seat.gets(PAGE).text;
    let form = page.split(&format!("action=\"{PAGE}/{deed}\"")).nth(1);
    let form = form.unwrap_or_else(|| panic!("{deed} is not offered: {page}"));
    let once = form.split("name=\"once\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    seat.posts(&format!("{PAGE}/{deed}"), &[&[("once", once)], fields].concat())
}

fn done(seat: &Seat<'_>, deed: &str, fields: &[(&str, &str)]) {
    let answer = does(seat, deed, fields);
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{deed}: {}", answer.text);
    assert!(answer.to.starts_with(&format!("{PAGE}?done=")), "{}", answer.to);
    assert!(seat.gets(&answer.to).text.contains("class=\"note good\""), "{deed} says nothing");
}

/// The build in this state, by its number.
fn build(shown: &Value, state: &str) -> Option<i64> {
    let all = shown["instances"].as_array().unwrap().iter();
    all.filter(|line| line["state"] == state).find_map(|line| line["instance"].as_i64())
}

/// What the last work found, once it is over.
fn found(seat: &Seat<'_>, what: &str) -> Value {
    seat.stage.until(what, || {
        let work = page(seat)["work"].clone();
        assert!(work["error"].is_null(), "{what}: {work}");
        (!work["ended_at"].is_null()).then(|| work["diff"].clone())
    })
}

fn is_read(seat: &Seat<'_>, number: i64) {
    seat.stage.until("the exchange", || (build(&page(seat), "live") == Some(number)).then_some(()));
}

/// Credits of somebody of the history, as superuser.
fn damage(stage: &Stage, table: &str, by: i64) -> (String, i64) {
    let sql = format!(
        "UPDATE {table} SET available = available + {by} WHERE account_id = (SELECT min(account_id::text)::uuid \
         FROM {table} WHERE account_id::text LIKE '00000000-%') RETURNING account_id::text, available"
    );
    stage.sql(sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&stage.pool))
}

#[test]
fn damage_is_seen_and_mended_beside_live_load() {
    let (stage, _history) = with_history();
    judge::wait_for_projections(&stage);
    hires(&stage, "ops", "operator");
    hires(&stage, "fin", "finance");
    let (ops, fin) = (Seat::signed_in(&stage, "ops", PASSWORD), Seat::signed_in(&stage, "fin", PASSWORD));
    let deeds = Deeds::new(&stage);
    let crowd = Crowd::start(&stage, &deeds, 2, 1);

    let (account, is) = damage(&stage, "projections.balances_1", 7);
    // Whoever only reads sees it and is offered nothing.
    let seen = fin.gets(PAGE);
    assert!(seen.status == StatusCode::OK && !seen.text.contains("/rebuild\""), "{}", seen.text);
    let once = [("once", "0123456789abcdef0123456789abcdef"), ("reason", "r")];
    assert_eq!(fin.posts(&format!("{PAGE}/rebuild"), &once).status, StatusCode::FORBIDDEN);
    // No reason, no act.
    let refused = does(&ops, "rebuild", &[("reason", " ")]);
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text.contains("напишите причину"));
    assert_eq!(build(&page(&ops), "building"), None);

    done(&ops, "rebuild", &[("reason", "a balance looks wrong")]);
    let diff = found(&ops, "the rebuild");
    let rows = diff["tables"][0]["named"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{diff}");
    assert_eq!(
        (&rows[0]["key"], &rows[0]["old"]["available"], &rows[0]["new"]["available"]),
        (&account.as_str().into(), &is.into(), &(is - 7).into())
    );
    let seen = ops.gets(PAGE).text;
    for words in ["Различается 1 строка", account.as_str(), "<code>available</code>", "готова"]
    {
        assert!(seen.contains(words), "{words} is not on the page: {seen}");
    }
    let english = ops.sends(reqwest::Method::GET, PAGE, &[], &[("accept-language", "en")]).text;
    assert!(english.contains("1 row differs"), "{english}");

    // What people read changes only after somebody has said that they mean it.
    let refused = does(&ops, "swap", &[("reason", "the damage is gone in it")]);
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(build(&page(&ops), "live"), Some(1));
    let mean_it = [("reason", "the damage is gone in it"), ("confirmed", "on")];
    done(&ops, "swap", &mean_it);
    is_read(&ops, 2);

    // Gone: the next build says the same as what is read, now and when it is asked again.
    let once = ops.gets(PAGE).hidden("once");
    let begun = [1, 2].map(|_| {
        let form = [("once", once.as_str()), ("reason", "is it gone?")];
        assert_eq!(ops.posts(&format!("{PAGE}/rebuild"), &form).to, format!("{PAGE}?done=rebuild"));
        assert!(found(&ops, "the second rebuild")["tables"][0]["named"].as_array().unwrap().is_empty());
        page(&ops)["work"]["begun_at"].as_i64().unwrap()
    });
    assert_eq!(begun[0], begun[1], "the same form once more builds nothing");
    assert!(ops.gets(PAGE).text.contains("Различий нет"));
    let (_, _) = damage(&stage, "projections.balances_2", 1);
    done(&ops, "compare", &[]);
    assert_eq!(found(&ops, "the comparison")["tables"][0]["differing"], 1, "damaged again");
    let (_, _) = damage(&stage, "projections.balances_2", -1);
    done(&ops, "cancel", &[("reason", "not needed")]);
    assert_eq!(build(&page(&ops), "ready"), None);

    // Back to the damaged one, which was kept, and forward again.
    done(&ops, "back", &[("reason", "only to see"), ("confirmed", "on")]);
    is_read(&ops, 1);
    done(&ops, "forward", &[("reason", "seen enough"), ("confirmed", "on")]);
    is_read(&ops, 2);
    let crossed = crowd.finish(&stage);
    assert!(!crossed.whole.is_empty(), "nobody came meanwhile");
    println!("meanwhile {} people went the whole way", crossed.whole.len());
    assert_eq!(deeds.witness.not_done(), Vec::<String>::new());

    let acts = [
        ("projection_rebuild", "balances", "a balance looks wrong"),
        ("projection_swap", "balances_2", "the damage is gone in it"),
        ("projection_rebuild", "balances", "is it gone?"),
        ("projection_cancel", "balances_3", "not needed"),
        ("projection_back", "balances_1", "only to see"),
        ("projection_forward", "balances_2", "seen enough"),
    ];
    let sql = "SELECT payload::json->>'act', payload::json->>'subject', payload::json->>'reason' FROM events \
               WHERE type = 'OperatorActed' AND actor = 'operator:ops' ORDER BY position";
    let logged: Vec<(String, String, String)> = stage.sql(sqlx::query_as(sql).fetch_all(&stage.pool));
    let logged: Vec<_> = logged.iter().map(|(a, s, r)| (a.as_str(), s.as_str(), r.as_str())).collect();
    assert_eq!(logged, acts);
    stage.until("the acts on their page", || {
        let page = fin.gets("/acts").text;
        let told = acts.iter().all(|(act, subject, reason)| {
            page.contains(&format!("{act}: {subject}")) && page.contains(reason)
        });
        (told && page.contains("balances: balances_1 to balances_2")).then_some(())
    });
    judge::wait_for_projections(&stage);
    stage.assert_verified();
}

#[test]
fn a_rebuild_is_canceled_is_one_at_a_time_and_is_not_missed_when_its_ledger_dies() {
    let (mut stage, _history) = with_history();
    judge::wait_for_projections(&stage);
    hires(&stage, "ops", "operator");
    let slowly = [("reason", "slowly"), ("max_rate", "1")];
    let tables = |stage: &Stage| -> BTreeSet<String> {
        let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'projections'";
        stage.sql(sqlx::query_scalar(sql).fetch_all(&stage.pool)).into_iter().collect()
    };
    let before = tables(&stage);
    {
        let ops = Seat::signed_in(&stage, "ops", PASSWORD);
        assert_eq!(
            does(&ops, "rebuild", &[("reason", "r"), ("max_rate", "fast")]).status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        done(&ops, "rebuild", &slowly);
        stage.until("a sign of life", || {
            let page = ops.gets(PAGE).text;
            (page.contains("<progress") && page.contains("Читает журнал")).then_some(())
        });
        let all = json(&ops, "/api/v1/projections");
        let working = all["instances"].as_array().unwrap().iter().filter(|line| line["state"] == "building");
        assert_eq!(working.count(), 1, "{all}");
        let once = [("once", "0123456789abcdef0123456789abcdef"), ("reason", "r")];
        for name in ["lots", NAME] {
            let refused = ops.posts(&format!("/projections/{name}/rebuild"), &once);
            assert_eq!(refused.status, StatusCode::CONFLICT, "{name}");
        }
        assert_eq!(ops.posts("/projections/nothing/rebuild", &once).status, StatusCode::NOT_FOUND);
        assert_eq!(ops.posts("/projections/lots/improve", &once).status, StatusCode::NOT_FOUND);
        done(&ops, "cancel", &[("reason", "another time")]);
        assert_eq!(tables(&stage), before, "nothing is left");
        stage.until("the place to be free", || ops.gets(PAGE).text.contains("/rebuild\"").then_some(()));
        done(&ops, "rebuild", &slowly);
    }

    // Its ledger dies in the middle: the next one drops what it was making, and the page says that it came to nothing.
    stage.kill9(Role::Ledger);
    stage.start(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD)]).unwrap();
    let ops = Seat::signed_in(&stage, "ops", PASSWORD);
    stage.until("what the dead left to be dropped", || (tables(&stage) == before).then_some(()));
    assert!(ops.gets(PAGE).text.contains("начните заново"));
    done(&ops, "rebuild", &[("reason", "now")]);
    assert_eq!(found(&ops, "the rebuild")["tables"][0]["named"].as_array().unwrap().len(), 0);
    assert_eq!(build(&page(&ops), "live"), Some(1));
    stage.assert_verified();
}
