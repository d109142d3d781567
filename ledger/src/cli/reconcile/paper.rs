//! A comparison on paper.

use std::fmt::Write as _;

use ledger_domain::Asset;
use proto_events::Money;
use proto_events::events::{Disagreement, MoneyMoved, StatedBy};

use crate::books::moscow::{Day, date_time};
use crate::books::words::{amount, grouped, money_text};
use crate::cli::out::folded;
use crate::cli::table::{left, right, rule};
use crate::reconcile::compare::{Difference, Line, Sum, words};
use crate::reconcile::operation::{KINDS, plural};
use crate::reconcile::{Booked, Outcome};

pub fn paper(outcome: &Outcome) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "Reconciliation with {}, {}", outcome.provider.as_str(), days(outcome));
    let by = match outcome.by {
        StatedBy::Api => "what its API lists",
        StatedBy::File => "its registry file",
    };
    let _ = writeln!(out, "{by} and the log through position {}\n", grouped(outcome.through));
    sums(&mut out, &outcome.report.lines);
    for kind in KINDS.into_iter().filter(|kind| !outcome.covered.contains(kind)) {
        let _ = writeln!(out, "No {} are stated here: they are not compared.", plural(kind));
    }
    let report = &outcome.report;
    let _ = writeln!(out, "\nOn both sides by id: {}", grouped(report.matched.cast_signed()));
    if !report.waiting.is_empty() {
        let _ = writeln!(
            out,
            "{}",
            folded(
                "Near midnight, and not stated for this day: the neighbouring day decides. It is not known here; compare \
                 that day too.",
                0
            )
        );
        report.waiting.iter().for_each(|waiting| out.push_str(&waiter(waiting)));
    }
    match report.differences.as_slice() {
        [] => out.push_str("Nothing differs.\n"),
        found => {
            let _ =
                writeln!(out, "\nDifferences: {}", grouped(i64::try_from(found.len()).unwrap_or(i64::MAX)));
            out.push_str(&rule());
            out.push('\n');
            found.iter().for_each(|difference| out.push_str(&entry(difference)));
        }
    }
    out
}

/// What is said last.
pub fn ending(recorded: &[i64], periods: bool) -> String {
    match recorded {
        [] if periods => folded(
            "Not recorded: what is recorded is a day's, and this is of a period. Give the files of its days.",
            0,
        ),
        [] => "Not recorded.".to_owned(),
        positions => {
            let positions: Vec<String> = positions.iter().map(|position| grouped(*position)).collect();
            folded(&format!("Recorded: position {}.", positions.join(", ")), 0)
        }
    }
}

fn days(outcome: &Outcome) -> String {
    match (outcome.days.first(), outcome.days.last()) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (first, _) => first.map(Day::to_string).unwrap_or_default(),
    }
}

fn sums(out: &mut String, lines: &[Line]) {
    let row = |name: &str, [a, b, c, d]: [&str; 4]| {
        format!("{} {} {} {} {}\n", left(name, 23), right(a, 8), right(b, 18), right(c, 8), right(d, 18))
    };
    out.push_str(&row("", ["", "Provider", "", "Log"]));
    out.push_str(&rule());
    out.push('\n');
    if lines.is_empty() {
        out.push_str("Nothing was paid or paid back on either side.\n");
    }
    for line in lines {
        let asset = Asset::from(line.currency);
        let cells = |sum: Sum| (grouped(sum.count.cast_signed()), amount(sum.amount, asset));
        let ((a, b), (c, d)) = (cells(line.there), cells(line.here));
        let name = format!("{} {}", title(line.kind), asset.code());
        out.push_str(&row(&name, [&a, &b, &c, &d]));
        if line.kind == MoneyMoved::Payment {
            let fees = |s: Sum| (grouped((s.count - s.fees_unknown).cast_signed()), amount(s.fees, asset));
            let ((a, b), (c, d)) = (fees(line.there), fees(line.here));
            out.push_str(&row("  fees known", [&a, &b, &c, &d]));
        }
    }
}

fn title(kind: MoneyMoved) -> &'static str {
    match kind {
        MoneyMoved::Payment => "Payments",
        MoneyMoved::Refund => "Refunds",
    }
}

fn name(kind: MoneyMoved) -> &'static str {
    match kind {
        MoneyMoved::Payment => "payment",
        MoneyMoved::Refund => "refund",
    }
}

/// One difference: what, of what, both amounts, and where it stands here.
fn entry(d: &Difference) -> String {
    let mut out = format!("{} {} {}\n", left(words(d.what), 16), left(name(d.kind), 7), d.id);
    let (what, none) = match d.what {
        Disagreement::FeeDiffers | Disagreement::FeeUnknownHere => ("a fee of ", "not known"),
        _ => ("", "nothing"),
    };
    let side =
        |money: Option<Money>| money.map_or(none.to_owned(), |money| format!("{what}{}", money_text(money)));
    let times = d.times.map(|times| format!(", {times} times")).unwrap_or_default();
    let _ = write!(out, "{:17}there {}{times}; here {}", "", side(d.there), side(d.here));
    match (d.position, d.at) {
        (None, Some(at)) => {
            let _ = write!(out, "; {}", date_time(at));
        }
        (Some(position), Some(at)) => {
            let ours = d.ours.as_deref().unwrap_or_default();
            let _ =
                write!(out, "\n{:17}{ours}\n{:17}position {}, {}", "", "", grouped(position), date_time(at));
        }
        _ => {}
    }
    out.push('\n');
    out
}

fn waiter(b: &Booked) -> String {
    let (kind, money, at) = (name(b.kind), money_text(b.amount), date_time(b.at));
    format!("  {kind} {}\n    {}\n    {money}, {at}\n", b.id, b.ours)
}

#[cfg(test)]
#[path = "paper_tests.rs"]
mod tests;
