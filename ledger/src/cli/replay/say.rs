//! The words of `ledger replay`, within 80 columns.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use tokio_util::sync::CancellationToken;

use super::{Outcome, Wish};
use crate::cli::out::{self, folded, say, tell};
use crate::cli::table::{WIDTH, left};
use crate::projections::{self, Canceled, Diff, Instance, Progress, RowDiff, TableDiff, Way};

/// One line for all: how far the slowest is.
pub(super) fn progress(all: &[Progress], terminal: bool) {
    let Some(slowest) = all.iter().min_by_key(|p| p.done) else { return };
    let percent = if slowest.target == 0 { 100 } else { slowest.done * 100 / slowest.target };
    let left = slowest.left_s.map_or_else(|| "?".to_owned(), duration);
    let line = format!(
        "{} {} of {} events, {percent} %, {} events/s, {left} left ({})",
        slowest.stage,
        grouped(slowest.done),
        grouped(slowest.target),
        grouped(slowest.rate),
        slowest.name
    );
    if terminal {
        let line: String = line.chars().take(79).collect();
        out::drawn(&format!("\r{line:<79}"));
    } else {
        tell!("{line}");
    }
}

pub(super) fn clear() {
    if std::io::stderr().is_terminal() {
        out::drawn(&format!("\r{:<79}\r", ""));
    }
}

fn duration(seconds: i64) -> String {
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) }
}

/// 1 234 567.
pub(in crate::cli) fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    if n < 0 { format!("-{out}") } else { out }
}

pub(super) fn new(name: &str, diff: Option<&Diff>) -> String {
    let rows = match diff {
        Some(diff) if diff.count() == 1 => "1 row differs".to_owned(),
        Some(diff) => format!("{} rows differ", grouped(diff.count())),
        None => "not compared".to_owned(),
    };
    format!("Read the new {name} from now on ({rows})?")
}

pub(super) fn kept(name: &str, way: Way) -> String {
    match way {
        Way::Back => format!("Read the build of {name} before again, brought up to date?"),
        Way::Forward => format!("Read the newer build of {name} again, brought up to date?"),
    }
}

/// Why it is neither gone back nor forward.
pub(super) fn other_way(live: &Instance, kept: &Instance) -> String {
    let (live_name, kept_name) = (live.tables().name().to_owned(), kept.tables().name().to_owned());
    if kept.instance > live.instance {
        format!(
            "nothing was changed: {live_name} is read already, and what is kept, {kept_name}, is newer: --forward reads it"
        )
    } else {
        format!(
            "nothing was changed: {live_name} is the newest, and what is kept, {kept_name}, is older: --back reads it"
        )
    }
}

/// Asks on the terminal.
pub(super) async fn agreed(question: &str, stop: &CancellationToken) -> anyhow::Result<bool> {
    out::drawn(&format!("{question} [y/N] "));
    // A thread of its own: nobody waits for it when the program ends.
    let (said, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = said.send(std::io::stdin().read_line(&mut line).map(|_| line));
    });
    match stop.run_until_cancelled(answer).await {
        Some(line) => Ok(line??.trim().eq_ignore_ascii_case("y")),
        None => Ok(false),
    }
}

pub(super) fn canceled(found: &BTreeMap<&'static str, Canceled>) -> anyhow::Result<()> {
    let of = |what: Canceled| -> String {
        let names: Vec<_> = found.iter().filter(|(_, is)| **is == what).map(|(name, _)| *name).collect();
        if names.len() == projections::ALL.len() { "all of them".to_owned() } else { names.join(", ") }
    };
    if found.values().all(|what| *what == Canceled::Nothing) {
        say!("Nothing is being rebuilt.")?;
    }
    for (what, words) in [
        (Canceled::Gone, "Canceled, nothing is left"),
        (
            Canceled::TooLate,
            "TOO LATE, being swapped in (by the next ledger that leads); `--back` reads the one before again",
        ),
        (Canceled::Asked, "ASKED, but the worker has not stopped yet"),
    ] {
        if found.values().any(|is| *is == what) {
            say!("{}", folded(&format!("{words}: {}.", of(what)), 2))?;
        }
    }
    Ok(())
}

pub(super) fn outcomes(outcomes: &[Outcome], wish: &Wish) -> anyhow::Result<()> {
    for outcome in outcomes {
        one(outcome, wish)?;
    }
    if let Some(first) = outcomes.first().filter(|_| wish.way().is_none()) {
        let events = outcomes.iter().map(|o| o.events).max().unwrap_or(0);
        let rate = (events as f64 / first.seconds.max(0.001)) as i64;
        say!(
            "{} {} folded in {:.1} s ({} events/s, {}).",
            grouped(events),
            if events == 1 { "event" } else { "events" },
            first.seconds,
            grouped(rate),
            if outcomes.len() == 1 {
                "1 projection".to_owned()
            } else {
                format!("{} projections", outcomes.len())
            }
        )?;
    }
    Ok(())
}

fn one(outcome: &Outcome, wish: &Wish) -> anyhow::Result<()> {
    let instance = outcome.instance.as_deref().unwrap_or("");
    if let Some(error) = &outcome.error {
        return say!("{}", folded(&format!("{:<14} FAILED: {error}", outcome.name), 15));
    }
    let found = match &outcome.diff {
        None if wish.way().is_some() => String::new(),
        None => "not compared (nothing live is there); ".to_owned(),
        Some(diff) if diff.count() == 0 => format!("no difference at {}; ", grouped(diff.position)),
        Some(diff) => {
            let rows = if diff.count() == 1 { "ROW DIFFERS" } else { "ROWS DIFFER" };
            format!("{} {rows} at {}; ", grouped(diff.count()), grouped(diff.position))
        }
    };
    let fate = if outcome.swapped {
        fate_of(outcome.from.as_deref(), instance, wish.way())
    } else if wish.diff_only {
        "nothing kept".to_owned()
    } else {
        format!("{instance} is ready, not read")
    };
    say!("{}", folded(&format!("{:<14} {found}{fate}", outcome.name), 15))?;
    outcome.diff.iter().flat_map(|diff| &diff.tables).try_for_each(differences)
}

/// From which build to which.
fn fate_of(from: Option<&str>, to: &str, way: Option<Way>) -> String {
    let Some(from) = from else { return format!("{to} is read now") };
    match way {
        None => format!("{to} is read now instead of {from}"),
        Some(Way::Back) => format!("back from {from} to {to}, which is read now"),
        Some(Way::Forward) => format!("forward from {from} to {to}, which is read now"),
    }
}

fn differences(table: &TableDiff) -> anyhow::Result<()> {
    if !table.not_compared.is_empty() {
        let names = table.not_compared.join(", ");
        say!("{}", folded(&format!("  not compared, only in one of them: {names}"), 2))?;
    }
    let TableDiff { only_old, only_new, differing, .. } = table;
    if table.count() == 0 {
        return Ok(());
    }
    say!(
        "  {}: {} only in the old, {} only in the new, {} differ",
        table.table.trim_start_matches("projections."),
        grouped(*only_old),
        grouped(*only_new),
        grouped(*differing)
    )?;
    for row in &table.named {
        say!("    {}", left(&row.key, WIDTH - 4).trim_end())?;
        for line in difference(row) {
            say!("      {}", left(&line, WIDTH - 6).trim_end())?;
        }
    }
    let named = i64::try_from(table.named.len()).unwrap_or(0);
    if table.count() > named {
        say!("    … and {} more", grouped(table.count() - named))?;
    }
    Ok(())
}

/// What is wrong with a row, column by column.
fn difference(row: &RowDiff) -> Vec<String> {
    match (&row.old, &row.new) {
        (Some(_), Some(_)) => row.columns(),
        (Some(_), None) => vec!["only in the old: the log does not make it".to_owned()],
        _ => vec!["only in the new: the log makes it".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn of_a_row_those_columns_are_named_that_differ() {
        let row = |old: Option<Value>, new: Option<Value>| RowDiff { key: "k".into(), old, new };
        let (a, b) = (serde_json::json!({"a": 1, "b": null}), serde_json::json!({"a": 1, "b": "x"}));
        assert_eq!(difference(&row(Some(a.clone()), Some(b))), ["b: null, the log makes \"x\""]);
        assert_eq!(difference(&row(Some(a.clone()), None)), ["only in the old: the log does not make it"]);
        assert_eq!(difference(&row(None, Some(a))), ["only in the new: the log makes it"]);
    }

    #[test]
    fn what_is_read_is_said_from_which_build_to_which() {
        let said = |way| fate_of(Some("lots_2"), "lots_1", way);
        assert_eq!(said(Some(Way::Back)), "back from lots_2 to lots_1, which is read now");
        assert_eq!(said(Some(Way::Forward)), "forward from lots_2 to lots_1, which is read now");
        assert_eq!(said(None), "lots_1 is read now instead of lots_2");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 12, 123, 1_234, 1_234_567, -1_000].map(grouped),
            ["0", "12", "123", "1 234", "1 234 567", "-1 000"]
        );
    }
}
