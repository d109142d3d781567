//! The words of `ledger replay`, within 80 columns.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};

use tokio_util::sync::CancellationToken;

use super::{Outcome, Wish};
use crate::cli::table::{WIDTH, left};
use crate::projections::{self, Canceled, Diff, Progress, RowDiff, TableDiff};

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
        eprint!("\r{line:<79}");
    } else {
        eprintln!("{line}");
    }
}

pub(super) fn clear() {
    if std::io::stderr().is_terminal() {
        eprint!("\r{:<79}\r", "");
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

/// Asks on the terminal whether to swap.
pub(super) async fn agreed(
    name: &str,
    diff: Option<&Diff>,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let rows = match diff {
        Some(diff) => format!("{} rows differ", grouped(diff.count())),
        None => "not compared".to_owned(),
    };
    eprint!("Read the other {name} from now on ({rows})? [y/N] ");
    std::io::stderr().flush()?;
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

pub(super) fn canceled(found: &BTreeMap<&'static str, Canceled>) {
    let of = |what: Canceled| -> String {
        let names: Vec<_> = found.iter().filter(|(_, is)| **is == what).map(|(name, _)| *name).collect();
        if names.len() == projections::ALL.len() { "all of them".to_owned() } else { names.join(", ") }
    };
    if found.values().all(|what| *what == Canceled::Nothing) {
        println!("Nothing is being rebuilt.");
    }
    for (what, words) in [
        (Canceled::Gone, "Canceled, nothing is left"),
        (Canceled::TooLate, "TOO LATE, being swapped in (by the next ledger that leads); `--back` goes back"),
        (Canceled::Asked, "ASKED, but the worker has not stopped yet"),
    ] {
        if found.values().any(|is| *is == what) {
            println!("{words}: {}.", of(what));
        }
    }
}

pub(super) fn outcomes(outcomes: &[Outcome], wish: &Wish) {
    for outcome in outcomes {
        one(outcome, wish);
    }
    if let Some(first) = outcomes.first().filter(|_| !wish.back && !outcomes.is_empty()) {
        let events = outcomes.iter().map(|o| o.events).max().unwrap_or(0);
        let rate = (events as f64 / first.seconds.max(0.001)) as i64;
        println!(
            "{} events folded in {:.1} s ({} events/s, {}).",
            grouped(events),
            first.seconds,
            grouped(rate),
            if outcomes.len() == 1 {
                "1 projection".to_owned()
            } else {
                format!("{} projections", outcomes.len())
            }
        );
    }
}

fn one(outcome: &Outcome, wish: &Wish) {
    let instance = outcome.instance.as_deref().unwrap_or("");
    if let Some(error) = &outcome.error {
        println!("{:<14} FAILED: {error}", outcome.name);
        return;
    }
    let found = match &outcome.diff {
        None if wish.back => String::new(),
        None => "not compared (nothing live is there); ".to_owned(),
        Some(diff) if diff.count() == 0 => format!("no difference at {}; ", grouped(diff.position)),
        Some(diff) => {
            format!("{} ROWS DIFFER at {}; ", grouped(diff.count()), grouped(diff.position))
        }
    };
    let fate = if outcome.swapped {
        format!("{instance} is read now")
    } else if wish.diff_only {
        "nothing kept".to_owned()
    } else {
        format!("{instance} is ready, not read")
    };
    println!("{:<14} {found}{fate}", outcome.name);
    for table in outcome.diff.iter().flat_map(|diff| &diff.tables) {
        differences(table);
    }
}

fn differences(table: &TableDiff) {
    if !table.not_compared.is_empty() {
        println!("  not compared, only in one of them: {}", table.not_compared.join(", "));
    }
    let TableDiff { only_old, only_new, differing, .. } = table;
    if table.count() == 0 {
        return;
    }
    println!(
        "  {}: {} only in the old, {} only in the new, {} differ",
        table.table.trim_start_matches("projections."),
        grouped(*only_old),
        grouped(*only_new),
        grouped(*differing)
    );
    for row in &table.named {
        println!("    {}", left(&row.key, WIDTH - 4).trim_end());
        difference(row).iter().for_each(|line| println!("      {}", left(line, WIDTH - 6).trim_end()));
    }
    let named = i64::try_from(table.named.len()).unwrap_or(0);
    if table.count() > named {
        println!("    … and {} more", grouped(table.count() - named));
    }
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
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 12, 123, 1_234, 1_234_567, -1_000].map(grouped),
            ["0", "12", "123", "1 234", "1 234 567", "-1 000"]
        );
    }
}
