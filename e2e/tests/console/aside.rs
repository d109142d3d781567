//! Long work from the console: files of the log and its books, and "verify now".

use e2e::Stage;
use reqwest::StatusCode;
use serde_json::Value;

use crate::desk::{PASSWORD, Seat, hires};
use crate::log::with_history;

#[test]
fn a_file_from_the_console_is_that_of_the_command_line() {
    let (stage, history) = with_history();
    hires(&stage, "fin", "finance");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let (last, account) = (history.rows.len(), history.accounts()[1]);
    for (what, args) in [
        ("postings", &["--csv"][..]),
        ("events", &["--csv", "--what", "events"]),
        ("trial-balance", &["--csv", "--what", "trial-balance"]),
        ("statement", &["--csv", "--what", "statement", "--account", &account.to_string()]),
        ("hledger", &["--hledger"]),
        ("ndjson", &["--ndjson"]),
    ] {
        let to = last.to_string();
        let args = [&["export", "--to", &to], args].concat();
        let wanted = stage.ledger_command(&args).unwrap();
        let file = fin.gets(&format!("/exports/file?what={what}&to={to}&account={account}"));
        assert_eq!(file.status, StatusCode::OK, "{what}");
        assert!(file.text.len() > 200 && file.text.as_bytes() == wanted.stdout, "{what} is another file");
        let name = file.headers["content-disposition"].to_str().unwrap();
        assert!(name.starts_with("attachment"), "{name}");
    }
    let book = fin.bytes("/exports/file?what=workbook");
    assert!(book.starts_with(b"PK"), "no workbook");
    for (query, status) in [
        ("what=secrets", StatusCode::UNPROCESSABLE_ENTITY),
        ("what=postings&from=yesterday", StatusCode::UNPROCESSABLE_ENTITY),
        ("what=postings&to=--help", StatusCode::UNPROCESSABLE_ENTITY),
        ("what=statement&account=ann", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(fin.gets(&format!("/exports/file?{query}")).status, status, "{query}");
    }
    // What breaks off is not taken for a whole: here the log ends in a row that can't be read.
    let (stage, path) = (fin.stage, "/exports/file?what=postings");
    spoil(stage, "UPDATE events SET payload = '{\"bad\":1}' WHERE position = 2990");
    assert!(fin.breaks_off(path), "half a file looks like a whole one");
}

/// Past the log's own guards.
fn spoil(stage: &Stage, sql: &'static str) {
    stage.sql(async {
        let mut tx = stage.pool.begin().await?;
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await?;
        sqlx::query(sql).execute(&mut *tx).await?;
        tx.commit().await
    });
}

#[test]
fn the_log_is_verified_while_people_look_on_and_what_is_wrong_is_said() {
    let (stage, _) = with_history();
    hires(&stage, "fin", "finance");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let newest = || fin.reads("/verifications")["verifications"][0].clone();
    let ended = |what: &str| -> Value {
        assert_eq!(fin.posts("/verifications/begin", &[]).to, "/verifications");
        stage.until(what, || Some(newest()).filter(|one| one["state"] != "running"))
    };
    let one = ended("it to be verified");
    assert_eq!((one["state"].as_str(), one["asked_by"].as_str()), (Some("verified"), Some("fin")), "{one:#}");
    assert!(one["report"]["events"].as_i64().unwrap() > 3_000, "{one:#}");
    let page = fin.gets("/verifications");
    assert!(page.text.contains("Каждому числу журнала можно верить"), "{}", page.text);
    // One that runs elsewhere keeps others waiting, is canceled, and is known to be cut off when nobody hears of it.
    let runs = "INSERT INTO verifications (id, asked_by, began_at, beat_at, state) \
                VALUES (gen_random_uuid(), 'ops', now_us(), now_us(), 'running')";
    stage.sql(sqlx::query(runs).execute(&stage.pool));
    assert_eq!(fin.posts("/verifications/begin", &[]).status, StatusCode::CONFLICT);
    let id = newest()["id"].as_str().unwrap().to_owned();
    assert_eq!(fin.posts("/verifications/cancel", &[("id", &id)]).to, "/verifications");
    let wanted: bool = stage.sql(
        sqlx::query_scalar("SELECT cancel FROM verifications WHERE state = 'running'").fetch_one(&stage.pool),
    );
    assert!(wanted);
    stage.sql(
        sqlx::query("UPDATE verifications SET beat_at = beat_at - 61000000 WHERE state = 'running'")
            .execute(&stage.pool),
    );
    assert_eq!(newest()["state"], "cut_off");
    spoil(&stage, "UPDATE events SET available_delta = available_delta + 1 WHERE position = 1000");
    let one = ended("what is wrong to be found");
    assert_eq!(one["state"], "wrong", "{one:#}");
    assert!(one["report"]["findings"].to_string().contains("1000"), "{one:#}");
}
