//! What a comparison brought, as the command that puts it into the log.

use proto_events::canonical::to_canonical_json;
use proto_events::commands::{DIFFERENCES_MAX, ReconciliationRecord};
use proto_events::events::{
    DayNumber, DifferenceFound, MoneyMoved, ProviderId, ReconciliationFinished, StatedBy, Tallies, Tally,
};
use proto_events::{CommandId, Money, Provider};
use sha2::{Digest as _, Sha256};

use super::compare::{Difference, Sum};
use super::{Outcome, ReconcileError};
use crate::books::moscow::Day;
use crate::log::hex;

/// `None`: it is of more than one day, and what is recorded is a day's.
pub fn record(outcome: &Outcome) -> Option<ReconciliationRecord> {
    let mut days = outcome.days.iter();
    let day = DayNumber::new(days.next()?.0).filter(|_| days.next().is_none())?;
    let (provider, by, report) = (outcome.provider, outcome.by, &outcome.report);
    let differences = report.differences.iter().take(DIFFERENCES_MAX);
    Some(ReconciliationRecord {
        finished: ReconciliationFinished {
            provider,
            day,
            by,
            payments: tallies(outcome, |kind| kind == MoneyMoved::Payment, amounts),
            refunds: tallies(outcome, |kind| kind == MoneyMoved::Refund, amounts),
            fees: tallies(outcome, |kind| kind == MoneyMoved::Payment, fees),
            matched: small(report.matched),
            differences: small(report.differences.len() as u64),
        },
        differences: differences.filter_map(|found| difference(provider, day, by, found)).collect(),
    })
}

/// `reconcile:<provider>:<day>:<by>:<hash>`: the same finding again is the same command.
///
/// # Errors
/// Never in practice: these types are all plain JSON, and their words short.
pub fn command_id(record: &ReconciliationRecord) -> Result<CommandId, ReconcileError> {
    let hash = hex(&Sha256::digest(to_canonical_json(record)?)[..16]);
    let (provider, day) = (record.finished.provider.as_str(), Day(record.finished.day.get()));
    let by = match record.finished.by {
        StatedBy::Api => "api",
        StatedBy::File => "file",
    };
    Ok(CommandId::new(format!("reconcile:{provider}:{day}:{by}:{hash}"))?)
}

fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn amounts(sum: Sum) -> (u64, i64) {
    (sum.count, sum.amount)
}

fn fees(sum: Sum) -> (u64, i64) {
    (sum.count - sum.fees_unknown, sum.fees)
}

/// In the provider's own currency; anything else is a difference.
fn tallies(outcome: &Outcome, is_of: impl Fn(MoneyMoved) -> bool, get: fn(Sum) -> (u64, i64)) -> Tallies {
    let currency = outcome.provider.currency();
    let line = outcome.report.lines.iter().find(|l| is_of(l.kind) && l.currency == currency);
    let tally = |sum: Sum| {
        let (count, minor) = get(sum);
        Tally { count: small(count), sum: Money::new(minor, currency).unwrap_or_else(|_| most(currency)) }
    };
    Tallies {
        ours: tally(line.map(|l| l.here).unwrap_or_default()),
        theirs: tally(line.map(|l| l.there).unwrap_or_default()),
    }
}

/// No day of a shop comes near it.
fn most(currency: proto_events::Currency) -> Money {
    Money { amount: proto_events::amounts::Minor::MAX, currency }
}

fn difference(
    provider: Provider,
    day: DayNumber,
    by: StatedBy,
    found: &Difference,
) -> Option<DifferenceFound> {
    let ours = found.ours.as_deref();
    Some(DifferenceFound {
        provider,
        day,
        by,
        what: found.what,
        of: found.kind,
        provider_id: ProviderId::new(found.id.as_str()).ok()?,
        payment: ours.and_then(|id| id.parse().ok()),
        refund: ours.and_then(|id| id.parse().ok()),
        ours: found.here,
        theirs: found.there,
    })
}
