//! `ledger statement`, `ledger trial-balance`.

use ledger::books::{revenue::Standing, statement, trial_balance};
use ledger_domain::Asset;
use proto_events::AccountId;
use serde_json::Value;

use crate::office::Office;

fn is_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
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
        assert!(said.contains(wanted), "{args:?}: {said}");
    }
}
