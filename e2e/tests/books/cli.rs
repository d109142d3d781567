//! `ledger statement`, `ledger trial-balance`.

use ledger::books::{revenue::Standing, statement, trial_balance};
use ledger_domain::Asset;
use proto_events::AccountId;
use serde_json::Value;
use std::fs::File;
use std::process::Stdio;

use crate::office::Office;

fn is_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

/// On one line.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_command_line_tells_statements_and_books() {
    let office = Office::open("cli", 6, 3_000, 2);
    let account = office.history.accounts()[0].to_string();
    let (code, paper) = office.run(&["statement", &account]);
    assert_eq!(code, 0, "{paper}");
    is_narrow(&paper);
    assert!(paper.contains("Opening balance") && paper.contains("Closing balance"), "{paper}");
    println!("{}", paper.lines().take(30).collect::<Vec<_>>().join("\n"));
    let (code, json) = office.run(&["statement", &account, "--at", "1500", "--json"]);
    assert_eq!(code, 0, "{json}");
    let json: Value = serde_json::from_str(&json).unwrap();
    let id: AccountId = account.parse().unwrap();
    let balance = office.stage.rt.block_on(statement::balance(&office.stage.pool, id, 1_500)).unwrap();
    assert_eq!(json["closing"]["available"], balance.available);
    assert_eq!(json["through"], 1_500);

    generations(&office);
    let (code, paper) = office.run(&["trial-balance"]);
    assert_eq!(code, 0);
    is_narrow(&paper);
    println!("{paper}");
    assert!(paper.ends_with("Each asset sums to zero.\n"), "{paper}");
    let (_, json) = office.run(&["trial-balance", "--at", "1500", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["position"], &json["balanced"]), (&1_500.into(), &true.into()));
    let books = office.stage.rt.block_on(trial_balance::trial_balance(&office.stage.pool, 1_500)).unwrap();
    assert_eq!(json["money"][0]["deferred"], Standing::of(&books, Asset::Rub).deferred);

    for (args, wanted) in [
        (vec!["statement", "nobody"], "give a UUID, or telegram:ID"),
        (vec!["statement", "telegram:77"], "nobody with this Telegram id"),
        (vec!["statement", &account, "--at", "999999"], "beyond the end of the log"),
        (vec!["trial-balance", "--at", "yesterday"], "a day in Moscow"),
        (vec!["export", "--xlsx"], "needs a file"),
    ] {
        let (code, said) = office.run(&args);
        assert_eq!(code, 2, "{args:?}: {said}");
        assert!(flat(&said).contains(wanted), "{args:?}: {said}");
    }
}

/// A list whose totals are those of the revenue, and one of it in full.
fn generations(office: &Office) {
    let (code, paper) = office.run(&["generations", "--last", "3"]);
    assert_eq!(code, 0, "{paper}");
    is_narrow(&paper);
    println!("{paper}");
    let (code, json) = office.run(&["generations", "--last", "100000", "--json"]);
    assert_eq!(code, 0, "{json}");
    let json: Value = serde_json::from_str(&json).unwrap();
    let all = json["generations"].as_array().unwrap();
    let sum = |of: &[Value], field: &str| of.iter().map(|one| one[field].as_i64().unwrap()).sum::<i64>();
    let models = json["models"].as_array().unwrap();
    for field in
        ["cost_micro_usd", "estimated_micro_usd", "revenue_kopecks", "revenue_stars", "margin_kopecks"]
    {
        let (lines, totals) = (sum(all, field), sum(models, field));
        // A margin is rounded for each.
        let rounded = if field == "margin_kopecks" { i64::try_from(all.len()).unwrap() } else { 0 };
        assert!((lines - totals).abs() <= rounded, "{field}: {lines}, {totals}");
    }
    assert_eq!(sum(models, "asked"), i64::try_from(all.len()).unwrap());
    let made = all.iter().find(|one| one["state"] == "succeeded").unwrap();
    let id = made["generation"].as_str().unwrap();
    let (code, one) = office.run(&["generations", id]);
    assert_eq!(code, 0, "{one}");
    is_narrow(&one);
    assert!(one.starts_with(id) && one.contains("state        succeeded"), "{one}");
    let account = office.history.accounts()[0].to_string();
    let model = made["model"].as_str().unwrap();
    let (_, some) = office.run(&["generations", "--account", &account, "--model", model, "--json"]);
    let some: Value = serde_json::from_str(&some).unwrap();
    let short = account.replace('-', "");
    let fits = |one: &Value| one["model"] == model && one["generation"].as_str().unwrap().contains(&short);
    assert_eq!(some["models"][0]["asked"], all.iter().filter(|one| fits(one)).count());
    let (_, none) = office.run(&["generations", "--day", "2020-01-01", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&none).unwrap()["models"], serde_json::json!([]));
}

/// What every command says goes to a pipe that nobody reads, then to a disk that is full.
#[test]
fn a_closed_pipe_ends_a_command_quietly_and_a_full_disk_in_words() {
    let office = Office::open("pipes", 4, 600, 1);
    let account = office.history.accounts()[0].to_string();
    let [file, key] =
        ["pipes.csv", "pipes.key"].map(|name| office.stage.dir().join(name).display().to_string());
    let registry = office.stage.dir().join("registry.csv").display().to_string();
    std::fs::write(
        &registry,
        "Payment ID;Payment amount;Payment currency;Payment time\na;1;RUB;21.11.2026 12:00\n",
    )
    .unwrap();
    let commands: [&[&str]; 25] = [
        &["--help"],
        &["--version"],
        &["help", "replay"],
        &["statement", "--help"],
        &["checkpoint-key", &key],
        &["migrate"],
        &["statement", &account],
        &["statement", &account, "--json"],
        &["trial-balance"],
        &["trial-balance", "--json"],
        &["generations"],
        &["generations", "--json"],
        &["projections"],
        &["projections", "--json"],
        &["verify"],
        &["verify", "--log-only", "--json"],
        &["export", "--csv"],
        &["export", "--csv", "-o", &file],
        &["export", "--hledger"],
        &["export", "--ndjson"],
        &["replay", "lots", "--diff-only"],
        &["replay", "lots", "--cancel"],
        &["republish", "--from", "1"],
        &["reconcile", "--file", &registry, "--dry-run"],
        &["reconcile", "--file", &registry, "--dry-run", "--json"],
    ];
    for args in commands {
        let into = |out: Stdio| {
            let mut command = office.stage.ledger_command_plan(args).unwrap();
            let ended = command.stdout(out).output().unwrap();
            (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
        };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(into(writer.into()), (Some(141), String::new()), "{args:?}: nobody reads");
        let (code, said) = into(File::create("/dev/full").unwrap().into());
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert!(said.starts_with("ledger: ") && said.contains("No space left on device"), "{args:?}: {said}");
    }
    // Nor does it matter who reads what went wrong.
    for args in [&["statement", "nobody"][..], &["statement"], &["replay", "lots", "--diff-only", "-v"]] {
        let mut command = office.stage.ledger_command_plan(args).unwrap();
        let wanted = if args.len() > 2 { 0 } else { 2 };
        let status =
            command.stdout(Stdio::null()).stderr(File::create("/dev/full").unwrap()).status().unwrap();
        assert_eq!(status.code(), Some(wanted), "{args:?}");
    }
}

#[test]
fn what_is_refused_is_said_in_80_columns() {
    let office = Office::open("refused", 2, 300, 1);
    let (head, file) = (office.head() + 2, "Cargo.toml");
    let beyond = head.to_string();
    let refused = [
        "statement x --at 2026-11-21T14:30",
        "statement nobody",
        "statement telegram:x",
        "statement telegram:77",
        "statement 6f1d3c1e-0000-4000-8000-000000000000",
        "statement x --from 5 --to 2",
        "trial-balance --at tomorrow",
        "trial-balance --at BEYOND",
        "generations g-1",
        "generations --day tomorrow",
        "generations --account nobody",
        "generations --last -1",
        "generations g-00000000000080008000000000000001-0000000000000000",
        "projections all",
        "prove inclusion BEYOND",
        "prove consistency --from BEYOND",
        "prove check FILE",
        "prove check nowhere --vkey no+key",
        "replay nothing",
        "replay lots --swap --diff-only",
        "replay lots --swap",
        "replay lots --max-rate 0",
        "republish --from BEYOND",
        "republish --from 1 --json",
        "verify --from 7 --to 3",
        "verify --file FILE",
        "verify --file nowhere --vkey no+key",
        "verify --checkpoints nowhere",
        "export",
        "export --csv --xlsx",
        "export --csv --what everything",
        "export --csv --from 9 --to 3",
        "export --csv --json",
        "checkpoint-key FILE",
        "checkpoint-key nowhere/key",
        "serve --accept-restore",
        "payment",
        "payment p-1",
        "reconcile",
        "reconcile --date tomorrow",
        "reconcile --date 2026-11-21",
        "reconcile --file FILE",
        "reconcile --file nowhere",
    ];
    for words in refused {
        let words = words.replace("BEYOND", &beyond).replace("FILE", file);
        let args: Vec<&str> = words.split(' ').collect();
        let (code, said) = office.run(&args);
        assert_eq!(code, 2, "{words}: {said}");
        is_narrow(&said);
        assert!(said.starts_with("ledger: ") || said.starts_with("error: "), "{words}: {said}");
    }
}
