//! The comparison: pure, no IO.
//!
//! Operations are matched by kind and the provider's id, whatever the day. The provider's side is what it states for the
//! days asked; ours is what is matched, and what we date into these days and the provider does not state.
//!
//! Near midnight the two clocks may date one operation into neighbouring days. So one of ours that the provider does not
//! state, within [`MARGIN_US`] of a midnight, is judged only when both days are known: stated on the other day, it is
//! fine; stated on neither, it is missing; the other day not known yet, it waits, and the comparison of that other day
//! judges it. A payment can be paid for an hour after it was made, so registries, which date by the making, may be off
//! by as much.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proto_events::events::{Disagreement, MoneyMoved};
use proto_events::{Currency, Money};
use schemars::JsonSchema;
use serde::Serialize;

use super::operation::{Booked, Key, Operation};
use crate::books::moscow::Day;

/// How far from midnight a day may be in doubt: an hour.
pub const MARGIN_US: i64 = 3_600 * 1_000_000;

/// The provider's side.
#[derive(Debug, Clone, Default)]
pub struct Stated {
    /// Of the days that are asked.
    pub operations: Vec<Operation>,
    /// What is stated completely: of each kind, which days.
    pub known: BTreeSet<(MoneyMoved, Day)>,
    /// What it states for other days.
    pub elsewhere: BTreeSet<Key>,
}

/// For people.
pub const fn words(what: Disagreement) -> &'static str {
    match what {
        Disagreement::MissingHere => "missing here",
        Disagreement::MissingThere => "missing there",
        Disagreement::CurrencyDiffers => "currency differs",
        Disagreement::AmountDiffers => "amount differs",
        Disagreement::FeeDiffers => "fee differs",
        Disagreement::FeeUnknownHere => "fee unknown here",
        Disagreement::TwiceThere => "twice there",
    }
}

/// One operation that is not the same on both sides, or not on both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    pub what: Disagreement,
    pub kind: MoneyMoved,
    /// The provider's.
    pub id: String,
    /// `p-…`, `f-…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// The amount, or the fee if that is what differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub there: Option<Money>,
    /// Our time, else the provider's; µs since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    /// How often the provider states it, if more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sum {
    pub count: u64,
    /// Minor units.
    pub amount: i64,
    /// Fees that are known, minor units.
    pub fees: i64,
    pub fees_unknown: u64,
}

impl Sum {
    fn add(&mut self, amount: Money, net: Option<Money>) {
        self.count += 1;
        self.amount = self.amount.saturating_add(amount.minor());
        match fee(amount, net) {
            Some(fee) => self.fees = self.fees.saturating_add(fee.minor()),
            None => self.fees_unknown += 1,
        }
    }
}

/// Both sides' sums of one kind and currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    pub kind: MoneyMoved,
    pub currency: Currency,
    pub here: Sum,
    pub there: Sum,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// On both sides, by id.
    pub matched: u64,
    pub lines: Vec<Line>,
    /// By kind, then id.
    pub differences: Vec<Difference>,
    /// Of ours, near midnight: whether they are missing there is known when the neighbouring day is.
    pub waiting: Vec<Booked>,
}

impl Report {
    pub fn of(&self, what: Disagreement) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(move |d| d.what == what)
    }
}

/// Compares the two sides for these days. `booked`: of ours at least what is dated into these days and [`MARGIN_US`]
/// around them, and whatever has an id that the provider states; more does no harm.
pub fn compare(days: &BTreeSet<Day>, booked: &[Booked], stated: &Stated) -> Report {
    let here: HashMap<Key, &Booked> = booked.iter().map(|b| (b.key(), b)).collect();
    let mut there: BTreeMap<Key, (&Operation, u64)> = BTreeMap::new();
    let mut sums: BTreeMap<(MoneyMoved, &'static str), Line> = BTreeMap::new();
    for operation in &stated.operations {
        there.entry(operation.key()).or_insert((operation, 0)).1 += 1;
        line(&mut sums, operation.kind, operation.amount.currency).there.add(operation.amount, operation.net);
    }
    let mut report = Report { matched: 0, lines: Vec::new(), differences: Vec::new(), waiting: Vec::new() };
    for (key, (operation, times)) in &there {
        let ours = here.get(key).copied();
        if let Some(ours) = ours {
            report.matched += 1;
            line(&mut sums, ours.kind, ours.amount.currency).here.add(ours.amount, ours.net);
        }
        differences(operation, *times, ours, &mut report.differences);
    }
    for ours in booked.iter().filter(|b| !there.contains_key(&b.key())) {
        match fate(days, ours, stated) {
            Fate::Elsewhere => {}
            Fate::Waits => report.waiting.push(ours.clone()),
            Fate::Missing => {
                line(&mut sums, ours.kind, ours.amount.currency).here.add(ours.amount, ours.net);
                report.differences.push(missing_there(ours));
            }
        }
    }
    report.lines = sums.into_values().collect();
    report.differences.sort_by(|a, b| (a.kind, &a.id, a.what).cmp(&(b.kind, &b.id, b.what)));
    report.waiting.sort_by_key(|b| b.position);
    report
}

fn line<'s>(
    sums: &'s mut BTreeMap<(MoneyMoved, &'static str), Line>,
    kind: MoneyMoved,
    currency: Currency,
) -> &'s mut Line {
    let empty = Line { kind, currency, here: Sum::default(), there: Sum::default() };
    sums.entry((kind, currency.code())).or_insert(empty)
}

/// What the provider kept; `None`: it is not known.
pub fn fee(amount: Money, net: Option<Money>) -> Option<Money> {
    let net = net.filter(|net| net.currency == amount.currency)?;
    Money::new(amount.minor() - net.minor(), amount.currency).ok()
}

fn differences(there: &Operation, times: u64, here: Option<&Booked>, found: &mut Vec<Difference>) {
    let base = Difference {
        what: Disagreement::MissingHere,
        kind: there.kind,
        id: there.id.clone(),
        ours: here.map(|b| b.ours.clone()),
        position: here.map(|b| b.position),
        here: here.map(|b| b.amount),
        there: Some(there.amount),
        at: here.map(|b| b.at).or(there.at),
        times: None,
    };
    if times > 1 {
        found.push(Difference { what: Disagreement::TwiceThere, times: Some(times), ..base.clone() });
    }
    let Some(here) = here else {
        found.push(base);
        return;
    };
    // The fee follows from the amount: where that differs, it is not told as well.
    if here.amount.currency != there.amount.currency {
        found.push(Difference { what: Disagreement::CurrencyDiffers, ..base });
    } else if here.amount != there.amount {
        found.push(Difference { what: Disagreement::AmountDiffers, ..base });
    } else if let Some(theirs) = fee(there.amount, there.net) {
        let ours = fee(here.amount, here.net);
        let what = if ours.is_none() { Disagreement::FeeUnknownHere } else { Disagreement::FeeDiffers };
        if ours != Some(theirs) {
            found.push(Difference { what, here: ours, there: Some(theirs), ..base });
        }
    }
}

fn missing_there(ours: &Booked) -> Difference {
    Difference {
        what: Disagreement::MissingThere,
        kind: ours.kind,
        id: ours.id.clone(),
        ours: Some(ours.ours.clone()),
        position: Some(ours.position),
        here: Some(ours.amount),
        there: None,
        at: Some(ours.at),
        times: None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Missing,
    /// It is another day's, or not of what is stated.
    Elsewhere,
    /// The neighbouring day is not known yet.
    Waits,
}

/// What it means that the provider does not state this one for these days.
fn fate(days: &BTreeSet<Day>, ours: &Booked, stated: &Stated) -> Fate {
    if stated.elsewhere.contains(&ours.key()) {
        return Fate::Elsewhere;
    }
    let day = Day::of(ours.at);
    let is_known = |day: Day| stated.known.contains(&(ours.kind, day));
    let is_asked = |day: Day| days.contains(&day) && is_known(day);
    let neighbour = match ours.at {
        at if at < day.start_us() + MARGIN_US => Some(Day(day.0 - 1)),
        at if at > day.end_us() - MARGIN_US => Some(Day(day.0 + 1)),
        _ => None,
    };
    match neighbour {
        None if is_asked(day) => Fate::Missing,
        Some(other) if is_asked(day) && is_known(other) => Fate::Missing,
        Some(_) if is_asked(day) => Fate::Waits,
        // The last hour of the day before: it waited then, and is judged now.
        Some(other) if day < other && is_asked(other) && is_known(day) => Fate::Missing,
        _ => Fate::Elsewhere,
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
