//! What the ledger and the vendors' books say about the person, each from its own source.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::way::Way;
use crate::{
    machine::{Keys, http, process},
    settings::Settings,
    up::{
        layout::{Layout, Secrets},
        ledger_command, psql_command,
        state::State,
    },
};

const BOOKS_TIMEOUT: Duration = Duration::from_secs(10);
/// The bot confirms a delivery after the picture is in the chat.
const DELIVERED_TIMEOUT: Duration = Duration::from_secs(20);

/// A row of `events`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Row {
    pub position: u64,
    #[serde(rename = "type")]
    pub kind: String,
    pub available_delta: i64,
    pub reserved_delta: i64,
    pub debt_delta: i64,
    pub payload: Value,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Event {
    pub position: u64,
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Balance {
    pub available: i64,
    pub reserved: i64,
    pub debt: i64,
}

impl Row {
    pub(super) fn event(&self) -> Event {
        Event { position: self.position, kind: self.kind.clone() }
    }
}

/// The ledger's database, and its program for proofs.
pub(super) struct Ledger {
    psql: Command,
    verify: Command,
}

impl Ledger {
    pub(super) fn open(layout: &Layout, state: &State) -> Result<Self> {
        // This shell may be told other things than the one that started the system: what was started counts.
        let mut settings = Settings { ports: state.ports.clone(), ..Settings::read()? };
        if state.own_postgres {
            settings.database_url = None;
        }
        let secrets = Secrets::open(layout)?;
        let keys = Keys::open(&layout.keys())?;
        let mut psql = psql_command(layout, state)?;
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        let mut verify = ledger_command(&settings, layout, &secrets, &keys);
        verify.args(["verify", "--json"]);
        Ok(Self { psql, verify })
    }

    /// The account's events once the delivery is among them; as they are if that does not come.
    pub(super) fn events_when_delivered(&self, person: i64) -> Result<Vec<Row>> {
        let mut rows = self.events(person);
        process::until(DELIVERED_TIMEOUT, || {
            rows = self.events(person);
            rows.as_ref()
                .map_or(Some(()), |rows| rows.iter().any(|r| r.kind == "GenerationDelivered").then_some(()))
        });
        rows
    }

    fn events(&self, person: i64) -> Result<Vec<Row>> {
        let sql = format!(
            "SELECT coalesce(json_agg(e ORDER BY position), '[]') FROM (SELECT position, type, available_delta, \
             reserved_delta, debt_delta, payload::json AS payload FROM events WHERE account_id = \
             (SELECT account_id FROM telegram_identities WHERE telegram_user_id = {person})) e"
        );
        let mut psql = again(&self.psql);
        let output = psql.args(["-c", &sql]).output().context("cannot run psql")?;
        if !output.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        serde_json::from_slice(&output.stdout)
            .context("the rows of `events` are not what they were meant to be")
    }

    /// `ledger verify --json`; an error is its own words, which name the position.
    pub(super) fn verify(&self) -> Result<String> {
        let output = again(&self.verify).output().context("cannot run `ledger verify`")?;
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            return Ok(said.trim().to_owned());
        }
        let words = findings(&said).into_iter().chain([complained.trim().to_owned()]);
        let words: Vec<String> = words.filter(|words| !words.is_empty()).collect();
        Err(anyhow!("`ledger verify` ended with {}: {}", output.status, words.join("; ")))
    }
}

/// The findings in verify's report, the position first; what is no report is passed on as it is.
fn findings(said: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(said).unwrap_or_default();
    let Some(list) = report["findings"].as_array() else { return vec![said.trim().to_owned()] };
    let words = |finding: &Value| {
        let what = finding["what"].as_str().unwrap_or_default();
        match finding["position"].as_u64() {
            None | Some(0) => what.to_owned(),
            Some(position) => format!("position {position}: {what}"),
        }
    };
    list.iter().map(words).collect()
}

/// A command can be run once; this is the same again.
fn again(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => copy.env(name, value),
            None => copy.env_remove(name),
        };
    }
    copy
}

pub(super) fn balance(rows: &[Row]) -> Balance {
    Balance {
        available: rows.iter().map(|row| row.available_delta).sum(),
        reserved: rows.iter().map(|row| row.reserved_delta).sum(),
        debt: rows.iter().map(|row| row.debt_delta).sum(),
    }
}

/// What such a way must leave in the log, whatever the prices are.
pub(super) fn expectations(rows: &[Row]) -> Vec<String> {
    const ONCE: [&str; 7] = [
        "AccountOpened",
        "PaymentOpened",
        "PaymentSettled",
        "GenerationRequested",
        "ReservationCommitted",
        "GenerationSucceeded",
        "GenerationDelivered",
    ];
    let count = |kind: &str| rows.iter().filter(|row| row.kind == kind).count();
    let wrong = ONCE.iter().map(|kind| (kind, count(kind))).filter(|(_, n)| *n != 1);
    let mut problems: Vec<String> = wrong
        .map(|(kind, n)| format!("the log has {kind} {n} times for this person, expected once"))
        .collect();
    let balance = balance(rows);
    if balance.reserved != 0 {
        problems.push(format!("{} credits are still reserved", balance.reserved));
    }
    problems
}

/// The sandbox' books beside the log: what differs.
pub(super) fn books(port: u16, rows: &[Row], way: &Way, prompt: &str) -> Vec<String> {
    match http::get(port, "/books", BOOKS_TIMEOUT).and_then(|answer| answer.json()) {
        Ok(books) => {
            let mut problems = payment_problems(&books, rows, &way.provider_payment_id);
            problems.extend(call_problems(&books, prompt, &way.picture.sha256));
            problems
        }
        Err(error) => vec![format!("they cannot be read: {error:#}")],
    }
}

fn payment_problems(books: &Value, rows: &[Row], provider_payment_id: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let of_kind = |kind: &str| rows.iter().find(|row| row.kind == kind).map(|row| &row.payload);
    for kind in ["PaymentRegistered", "PaymentSettled"] {
        let id = of_kind(kind).and_then(|payload| payload["provider_payment_id"].as_str());
        if id != Some(provider_payment_id) {
            problems.push(format!(
                "{kind} in the log names {}, the chat {provider_payment_id}",
                id.unwrap_or("nothing")
            ));
        }
    }
    let there: Vec<&Value> = books["yookassa"]["payments"].as_array().into_iter().flatten().collect();
    let there = there.into_iter().find(|payment| payment["id"] == provider_payment_id);
    let Some(there) = there else {
        problems.push(format!("YooKassa knows no payment {provider_payment_id}"));
        return problems;
    };
    if there["status"] != "succeeded" {
        problems.push(format!("YooKassa has {provider_payment_id} as {}", there["status"]));
    }
    let paid = minor_units(there["amount"]["value"].as_str().unwrap_or_default());
    for (kind, field) in [("PaymentOpened", "price"), ("PaymentSettled", "amount")] {
        let here = of_kind(kind).and_then(|payload| payload[field]["amount"].as_i64());
        if here.is_none() || here != paid {
            problems.push(format!("{kind} is of {here:?} kopecks, YooKassa's books of {paid:?}"));
        }
    }
    problems
}

/// "100.00" → 10000.
fn minor_units(value: &str) -> Option<i64> {
    let (whole, part) = value.split_once('.')?;
    (part.len() == 2).then(|| format!("{whole}{part}").parse().ok())?
}

/// One call with this prompt, which painted the very picture that was delivered.
fn call_problems(books: &Value, prompt: &str, sha256: &str) -> Vec<String> {
    let all = books["gemini"]["calls"].as_array().into_iter().flatten();
    let asked: Vec<&Value> =
        all.filter(|call| call["prompt"].as_str().is_some_and(|text| text.contains(prompt))).collect();
    let [call] = asked.as_slice() else {
        return vec![format!("Gemini has {} calls with this prompt, expected one", asked.len())];
    };
    let mut problems = Vec::new();
    if call["outcome"] != "picture" {
        problems.push(format!("Gemini's call ended as {}, expected a picture", call["outcome"]));
    }
    if call["picture"]["sha256"] != sha256 {
        problems.push(format!("Gemini painted {}, but {sha256} was delivered", call["picture"]["sha256"]));
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(position: u64, kind: &str, deltas: [i64; 3], payload: Value) -> Row {
        let [available_delta, reserved_delta, debt_delta] = deltas;
        Row { position, kind: kind.to_owned(), available_delta, reserved_delta, debt_delta, payload }
    }

    fn rows() -> Vec<Row> {
        vec![
            row(1, "PaymentOpened", [0, 0, 0], json!({"price": {"amount": 10000, "currency": "RUB"}})),
            row(2, "PaymentRegistered", [0, 0, 0], json!({"provider_payment_id": "y1"})),
            row(
                3,
                "PaymentSettled",
                [0, 0, 0],
                json!({"provider_payment_id": "y1", "amount": {"amount": 10000}}),
            ),
            row(4, "CreditsGranted", [100, 0, 0], json!({})),
            row(5, "CreditsReserved", [-10, 10, 0], json!({})),
        ]
    }

    #[test]
    fn the_balance_is_the_sum_of_the_deltas() {
        assert_eq!(balance(&rows()), Balance { available: 90, reserved: 10, debt: 0 });
        assert!(expectations(&rows()).iter().any(|problem| problem.contains("still reserved")));
    }

    #[test]
    fn books_that_agree_leave_no_problem() {
        let books = json!({"yookassa": {"payments": [{"id": "y1", "status": "succeeded", "amount": {"value": "100.00"}}]}});
        assert_eq!(payment_problems(&books, &rows(), "y1"), Vec::<String>::new());
    }

    #[test]
    fn what_verify_finds_is_told_with_its_position() {
        let report = r#"{"verified":false,"findings":[{"position":7,"what":"the hash differs"},{"position":0,"what":"x"}]}"#;
        assert_eq!(findings(report), ["position 7: the hash differs", "x"]);
        assert_eq!(findings("no JSON"), ["no JSON"]);
    }

    #[test]
    fn another_amount_state_or_payment_is_found() {
        let books = |status: &str, value: &str| json!({"yookassa": {"payments": [{"id": "y1", "status": status, "amount": {"value": value}}]}});
        assert_eq!(payment_problems(&books("pending", "100.00"), &rows(), "y1").len(), 1);
        assert_eq!(payment_problems(&books("succeeded", "100.01"), &rows(), "y1").len(), 2);
        assert_eq!(payment_problems(&books("succeeded", "100.00"), &rows(), "y2").len(), 3);
    }

    #[test]
    fn exactly_one_call_that_painted_what_was_delivered_is_right() {
        let call = |outcome: &str| json!({"prompt": "a fox, number 7", "outcome": outcome, "picture": {"sha256": "5a"}});
        let problems = |calls: &[Value], sha256: &str| {
            call_problems(&json!({"gemini": {"calls": calls}}), "a fox, number 7", sha256).len()
        };
        assert_eq!(problems(&[call("picture")], "5a"), 0);
        assert_eq!(problems(&[call("picture")], "5b"), 1);
        assert_eq!(problems(&[call("no_image")], "5a"), 1);
        assert_eq!(problems(&[call("error"), call("picture")], "5a"), 1);
        assert_eq!(problems(&[], "5a"), 1);
    }
}
