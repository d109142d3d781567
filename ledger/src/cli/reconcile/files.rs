//! Registry files as what the provider states: by day, or together where one is for a period.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use proto_events::events::MoneyMoved;

use crate::books::moscow::Day;
use crate::reconcile::operation::Key;
use crate::reconcile::registry::{self, BYTES_MAX, Part};
use crate::reconcile::{Operation, Stated};

/// Days that are compared at once, and what is stated for them.
pub type Group = (BTreeSet<Day>, Stated);

/// # Errors
/// A file can't be read, or does not say of which day it is.
pub fn stated(paths: &[PathBuf], date: Option<Day>) -> anyhow::Result<Vec<Group>> {
    let mut parts: Vec<(MoneyMoved, BTreeSet<Day>, Vec<Operation>)> = Vec::new();
    let mut seen: Vec<(&PathBuf, Vec<u8>)> = Vec::new();
    for path in paths {
        let bytes = bytes_of(path)?;
        if let Some((same, _)) = seen.iter().find(|(_, known)| *known == bytes) {
            bail!("{} and {} are the same file", same.display(), path.display());
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let registry = registry::read(&name, &bytes)?;
        let mut operations = registry.operations.into_iter();
        for part in registry.parts {
            let days = days_of(&name, &part, date)?;
            let rows = usize::try_from(part.rows).unwrap_or(usize::MAX);
            parts.push((part.kind, days, operations.by_ref().take(rows).collect()));
        }
        seen.push((path, bytes));
    }
    Ok(grouped(parts))
}

fn bytes_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One more than is read: so that a larger one is refused for what it is.
    let file = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
    file.with_context(|| format!("can't read {}", path.display()))?;
    Ok(bytes)
}

fn days_of(name: &str, part: &Part, date: Option<Day>) -> anyhow::Result<BTreeSet<Day>> {
    let (first, last) = (part.days.first(), part.days.last());
    match (first, last, date) {
        (Some(first), Some(last), Some(date)) if *first != date || *last != date => {
            bail!("{name} is of {first} to {last}, not of {date}: leave out --date, or give that day's file")
        }
        (Some(_), ..) => Ok(part.days.clone()),
        (None, _, Some(date)) => Ok(BTreeSet::from([date])),
        // Of more than one day it may be, since payments are dated by when they were made.
        (None, ..) if part.made.len() == 1 => Ok(part.made.clone()),
        (None, ..) => bail!("{name} does not say of which day it is: give --date"),
    }
}

/// By day, if each part is of one.
fn grouped(parts: Vec<(MoneyMoved, BTreeSet<Day>, Vec<Operation>)>) -> Vec<Group> {
    let known: BTreeSet<(MoneyMoved, Day)> =
        parts.iter().flat_map(|(kind, days, _)| days.iter().map(|day| (*kind, *day))).collect();
    let by_day = parts.iter().all(|(_, days, _)| days.len() == 1);
    let all: BTreeSet<Day> = known.iter().map(|(_, day)| *day).collect();
    let mut groups: BTreeMap<Option<Day>, Vec<Operation>> = BTreeMap::new();
    for (_, days, operations) in parts {
        let group = days.first().copied().filter(|_| by_day);
        groups.entry(group).or_default().extend(operations);
    }
    let keys = |operations: &[Operation]| operations.iter().map(Operation::key).collect::<BTreeSet<Key>>();
    let keys: BTreeMap<Option<Day>, BTreeSet<Key>> =
        groups.iter().map(|(group, operations)| (*group, keys(operations))).collect();
    let others = |group: &Option<Day>| {
        keys.iter().filter(|(other, _)| *other != group).flat_map(|(_, keys)| keys.clone()).collect()
    };
    let one = |(group, operations): (Option<Day>, Vec<Operation>)| {
        let days = group.map_or_else(|| all.clone(), |day| BTreeSet::from([day]));
        (days, Stated { operations, known: known.clone(), elsewhere: others(&group) })
    };
    groups.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: MoneyMoved, days: &[i32]) -> (MoneyMoved, BTreeSet<Day>, Vec<Operation>) {
        (kind, days.iter().copied().map(Day).collect(), Vec::new())
    }

    #[test]
    fn files_of_days_are_compared_by_day_and_one_for_a_period_with_all() {
        let days = |groups: Vec<Group>| groups.into_iter().map(|(days, _)| days.len()).collect::<Vec<_>>();
        let (payment, refund) = (MoneyMoved::Payment, MoneyMoved::Refund);
        assert_eq!(days(grouped(vec![part(payment, &[1]), part(refund, &[1]), part(payment, &[2])])), [1, 1]);
        assert_eq!(days(grouped(vec![part(payment, &[1, 2]), part(refund, &[3])])), [3]);
        assert_eq!(days(grouped(Vec::new())), Vec::<usize>::new());
    }

    #[test]
    fn a_file_that_does_not_say_its_day_is_of_its_rows_day_or_of_the_one_given() {
        let part = |days: &[i32], made: &[i32]| Part {
            kind: MoneyMoved::Payment,
            days: days.iter().copied().map(Day).collect(),
            rows: 0,
            made: made.iter().copied().map(Day).collect(),
        };
        let of = |part: &Part, date| days_of("f.csv", part, date).map_err(|e| e.to_string());
        assert_eq!(of(&part(&[5], &[4, 5]), None), Ok(BTreeSet::from([Day(5)])));
        assert_eq!(of(&part(&[], &[4]), None), Ok(BTreeSet::from([Day(4)])));
        assert_eq!(of(&part(&[], &[4, 5]), Some(Day(5))), Ok(BTreeSet::from([Day(5)])));
        assert!(of(&part(&[], &[4, 5]), None).unwrap_err().contains("give --date"));
        assert!(of(&part(&[], &[]), None).unwrap_err().contains("give --date"));
        assert!(of(&part(&[5], &[5]), Some(Day(6))).unwrap_err().contains("not of 1970-01-07"));
    }
}
