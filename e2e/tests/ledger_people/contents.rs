//! The bot's texts: known as they are built in, and words in their place.

use std::io::Write as _;
use std::process::Stdio;

use e2e::Stage;
use e2e::raw::of;
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

use crate::Desk;

fn know(desk: &Desk<'_>, texts: &[(&str, &str, &str)]) {
    let texts: Vec<Value> = texts
        .iter()
        .map(|(key, language, text)| json!({"key": key, "language": language, "text": text}))
        .collect();
    let body = json!({"texts": texts});
    let reply = desk.raw.send(Producer::Telegram, "texts_known", "texts", of(AccountId::OPERATIONS), body);
    assert_eq!(reply["status"], "done", "{reply}");
}

fn put(desk: &Desk<'_>, nonce: &str, key: &str, text: Value) -> Value {
    let body = json!({"key": key, "language": "ru", "text": text, "reason": "r"});
    desk.raw.send(
        Producer::Console,
        "content_put",
        &format!("content:{nonce}"),
        of(AccountId::OPERATIONS),
        body,
    )
}

fn after(desk: &Desk<'_>, version: i64) -> (i64, Value) {
    let contents = desk.ask("contents", json!({"after": version}));
    (contents["version"].as_i64().unwrap(), contents["texts"].clone())
}

#[test]
fn words_stand_in_the_place_of_built_in_ones_until_they_are_taken_back() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    know(
        &desk,
        &[("welcome", "ru", "Привет, { $name }!"), ("welcome", "en", "Hi, { $name }!"), ("ok", "ru", "Да")],
    );
    assert_eq!(after(&desk, 0), (0, json!([])));
    let done = put(&desk, "1", "welcome", json!("Здравствуйте, <b>{ $name }</b>."));
    let first = done["position"].as_i64().unwrap_or_else(|| panic!("{done}"));
    assert_eq!(put(&desk, "1", "welcome", json!("Здравствуйте, <b>{ $name }</b>."))["position"], first);
    let own = json!([{"key": "welcome", "language": "ru", "text": "Здравствуйте, <b>{ $name }</b>."}]);
    assert_eq!(after(&desk, 0), (first, own));
    assert_eq!(after(&desk, first), (first, json!([])));
    let second = put(&desk, "2", "ok", json!("Конечно"))["position"].as_i64().unwrap();
    let third = put(&desk, "3", "welcome", Value::Null)["position"].as_i64().unwrap();
    let changed = json!([
        {"key": "ok", "language": "ru", "text": "Конечно"}, {"key": "welcome", "language": "ru", "text": null},
    ]);
    assert_eq!(after(&desk, first), (third, changed));
    assert!(first < second && second < third);
    let acts = "SELECT array_agg(payload::json->>'subject' ORDER BY position) FROM events WHERE type = 'OperatorActed'";
    let acts: Vec<String> = stage.sql(sqlx::query_scalar(acts).fetch_one(&stage.pool));
    assert_eq!(acts, ["ru/welcome", "ru/ok", "ru/welcome"]);

    let refused = |nonce: &str, key: &str, text: &str| put(&desk, nonce, key, json!(text))["refusal"].clone();
    assert_eq!(refused("4", "farewell", "Пока")["code"], "text_unknown");
    let unfit = refused("5", "welcome", "Привет, { $nam }!");
    assert_eq!(unfit["code"], "content_unfit");
    assert!(unfit["message"].as_str().unwrap().contains("$nam"), "{unfit}");
    assert_eq!(refused("6", "welcome", "Привет, { $name")["code"], "content_unfit");
    assert_eq!(after(&desk, third), (third, json!([])));
    stage.assert_verified();
}

#[test]
fn an_owner_reads_and_writes_texts_at_the_command_line() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    know(&desk, &[("welcome", "ru", "Привет, { $name }!"), ("welcome", "en", "Hi, { $name }!")]);
    let run = |args: &[&str]| {
        let out = stage.ledger_command(args).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (out.status.code().unwrap(), text(&out.stdout), text(&out.stderr))
    };
    let (status, out, err) =
        run(&["texts", "set", "welcome", "ru", "Здравствуйте, { $name }", "--yes", "--json"]);
    assert_eq!(status, 0, "{err}");
    assert!(serde_json::from_str::<Value>(&out).unwrap()["position"].is_i64());
    let (_, out, _) = run(&["texts", "show", "welcome"]);
    assert!(
        out.contains("Привет, { $name }!") && out.contains("in its place") && out.contains("Hi, "),
        "{out}"
    );
    let (_, out, _) = run(&["texts", "list", "--own"]);
    assert_eq!(out.lines().count(), 1, "{out}");
    // From a file, and from the standard input.
    let file = stage.dir().join("welcome.txt");
    std::fs::write(&file, "Добрый день,\n\n{ $name }\n").unwrap();
    let (status, _, err) =
        run(&["texts", "set", "welcome", "ru", "--text-file", file.to_str().unwrap(), "--yes"]);
    assert_eq!(status, 0, "{err}");
    let plan = stage.ledger_command_plan(&["texts", "set", "welcome", "en", "-", "--yes"]);
    let mut child = plan.unwrap().stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"Hello, { $name }\n").unwrap();
    assert!(child.wait().unwrap().success());
    let texts = after(&desk, 0).1;
    let words: Vec<&str> = texts.as_array().unwrap().iter().map(|t| t["text"].as_str().unwrap()).collect();
    assert_eq!(words, ["Добрый день,\n\n{ $name }", "Hello, { $name }"]);

    let (status, _, err) = run(&["texts", "reset", "welcome", "ru", "--yes"]);
    assert_eq!(status, 0, "{err}");
    for (bad, why) in [
        (&["texts", "set", "welcome", "de", "x"][..], "no text"),
        (&["texts", "set", "goodbye", "ru", "x"], "no text"),
        (&["texts", "set", "welcome", "ru", "x { $y }"], "$y"),
        (&["texts", "set", "welcome", "ru", "{ $name } {"], "line 1"),
        (&["texts", "reset", "welcome", "ru"], "built-in text already"),
        (&["texts", "show", "goodbye"], "no text"),
    ] {
        let manner: &[&str] = if bad[1] == "show" { &[] } else { &["--yes"] };
        let (status, _, err) = run(&[bad, manner].concat());
        assert!(status == 2 && err.replace("\n  ", " ").contains(why), "{bad:?}: {err}");
    }
    let long = format!("{{ $name }}{}", "x".repeat(4_097));
    let (status, _, err) = run(&["texts", "set", "welcome", "ru", &long, "--yes"]);
    assert!(status == 2 && err.contains("4096"), "{err}");
    stage.assert_verified();
}
