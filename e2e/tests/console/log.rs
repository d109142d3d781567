//! The log as finance reads it: what is looked for is found, and nothing else; an event's proof is checked without the ledger.

use e2e::dice::Dice;
use e2e::history::{self, History};
use e2e::raw::{Raw, person};
use e2e::{Role, Stage};
use ledger::books::moscow::rfc3339;
use proto_events::Producer;
use reqwest::StatusCode;
use serde_json::json;

use crate::desk::{PASSWORD, Seat, hires, open};

/// The positions that a page lists.
pub fn listed(page: &str) -> Vec<i64> {
    let links = page.split("<td class=\"number\"><a href=\"/log/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

/// All pages of a filter, the newest first.
fn all(seat: &Seat<'_>, query: &str) -> Vec<i64> {
    let (mut found, mut path) = (Vec::new(), format!("/log?{query}"));
    for _ in 0..1_000 {
        let answer = seat.gets(&path);
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        found.extend(listed(&answer.text));
        let next = answer.text.split("href=\"/log?").skip(1).map(|rest| rest.split('"').next().unwrap());
        let Some(next) = next.filter(|link| link.contains("next=")).last() else { return found };
        path = format!("/log?{}", next.replace("&amp;", "&"));
    }
    panic!("{query} has no end");
}

/// A ledger over a random history, which its projections need not have folded.
pub fn with_history() -> (Stage, History) {
    let mut stage = Stage::new().unwrap();
    let mut dice = Dice::new("the log's pages");
    let history = History::new(dice.fork(), 6, 3_000);
    stage.rt.block_on(history::append(&stage.pool, &history.rows)).unwrap();
    // Its bonuses are in it.
    let followed = "UPDATE follow_ups SET position = (SELECT position FROM log_head)";
    stage.sql(sqlx::query(followed).execute(&stage.pool));
    stage.start(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD)]).unwrap();
    stage.until("the first administrator", || {
        let there = sqlx::query_scalar("SELECT count(*) FROM staff").fetch_one(&stage.pool);
        (stage.sql::<i64>(there) == 1).then_some(())
    });
    (stage, history)
}

#[test]
fn what_is_looked_for_is_found_and_nothing_else() {
    let (stage, history) = with_history();
    hires(&stage, "fin", "finance");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let wanted = |so: &dyn Fn(&ledger::log::Row) -> bool| -> Vec<i64> {
        history.rows.iter().rev().filter(|row| so(row)).map(|row| row.position).collect()
    };
    let last = history.rows.len();
    let account = history.accounts()[2];
    let kind = "GenerationSucceeded";
    let command = history.rows[last / 2].command_id.clone();
    let (from, to) = (500, 1_700);
    assert_eq!(all(&fin, &format!("to={last}")), wanted(&|_| true));
    assert_eq!(all(&fin, &format!("account={account}&to={last}")), wanted(&|row| row.account() == account));
    assert_eq!(all(&fin, &format!("type={kind}&to={last}")), wanted(&|row| row.event_type == kind));
    assert_eq!(
        all(&fin, &format!("account={account}&type={kind}&to={last}")),
        wanted(&|row| row.account() == account && row.event_type == kind)
    );
    assert_eq!(all(&fin, &format!("command={command}&to={last}")), wanted(&|row| row.command_id == command));
    assert_eq!(
        all(&fin, &format!("from={from}&to={to}&type={kind}")),
        wanted(&|row| (from..=to).contains(&row.position) && row.event_type == kind)
    );
    // A time means all that was recorded by then, to the microsecond.
    let theirs: Vec<i64> =
        history.rows.iter().filter(|row| row.account() == account).map(|row| row.recorded_at).collect();
    let at = theirs[theirs.len() / 2];
    for at in [at, at - 1] {
        let query = format!("account={account}&to={}", rfc3339(at).replace('+', "%2B"));
        let by_then = wanted(&|row| row.account() == account && row.recorded_at <= at);
        assert_eq!(all(&fin, &query), by_then, "{query}");
    }
    for (query, words) in [
        ("account=ann", "не номер счёта"),
        ("type=Nothing", "такого типа не бывает"),
        ("from=yesterday", "Такого момента"),
        ("to=99999999", "Такого момента"),
        ("account=%27%22%3Cscript%3E", "не номер счёта"),
    ] {
        let answer = fin.gets(&format!("/log?{query}"));
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(answer.text.contains(words) && !answer.text.contains("<script>"), "{query}");
    }
    for path in ["/log/0", "/log/-1", "/log/99999999", "/log/x", "/log/99999999/proof"] {
        assert_eq!(fin.gets(path).status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn an_event_is_shown_with_its_postings_and_proved_without_the_ledger() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let welcome = json!({"language": "ru", "name": "Ada"});
    let raw = Raw::new(&stage);
    raw.done(Producer::Telegram, "account_open", "open:7", person(7), welcome);
    let gift = json!({"credits": 25, "source": "admin", "reason": "a test"});
    raw.operator("credits_grant", "grant:7", person(7), gift);
    let sql = "SELECT position FROM events WHERE type = 'CreditsGranted' ORDER BY position DESC LIMIT 1";
    let position: i64 = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
    let page = fin.gets(&format!("/log/{position}")).text;
    for words in ["CreditsGranted", "customer:available", "+25", "Дебет"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    proves(&fin, position);
}

/// Takes the event's proof from its page, and checks it without a database and without a network.
pub fn proves(seat: &Seat<'_>, position: i64) {
    let stage = seat.stage;
    let proof = stage.until("a checkpoint over it", || {
        let answer = seat.gets(&format!("/log/{position}/proof"));
        (answer.status == StatusCode::OK).then_some(answer.text)
    });
    let check = |text: &str| {
        let file = stage.dir().join("proof.json");
        std::fs::write(&file, text).unwrap();
        let (file, vkey) = (file.display().to_string(), Stage::vkey().to_string());
        let away = [("DATABASE_URL", ""), ("NATS_URL", "")];
        let output = stage.ledger_command_with(&["prove", "check", &file, "--vkey", &vkey], &away).unwrap();
        output.status.code().unwrap()
    };
    assert_eq!(check(&proof), 0);
    let digit = proof.find("\"hash\":\"").unwrap() + 8;
    let (other, is) = (if &proof[digit..=digit] == "0" { "1" } else { "0" }, &proof[digit + 1..]);
    assert_ne!(check(&format!("{}{other}{is}", &proof[..digit])), 0, "another event is proved");
}
