//! Reconciliation: is the provider's money ours, and ours theirs, day by day of Moscow.
//!
//! - `operation`: one movement of money, as either side has it.
//! - `compare`: both sides of some days, and every difference by name. Pure.
//! - `ours`: our side, from the log.
//! - `theirs`: the provider's, as its adapter has uploaded it; `registry`: as its files have it.
//! - `record`: what was found, as a command; `recorded`: what the log says was found.

pub mod compare;
pub mod operation;
mod ours;
mod record;
pub mod recorded;
pub mod registry;
mod theirs;

use std::collections::BTreeSet;

use proto_events::Provider;
use proto_events::canonical::NotCanonical;
use proto_events::events::{MoneyMoved, StatedBy};
use proto_events::ids::BadId;
use sqlx::PgPool;

pub use compare::{Difference, Report, Stated, compare};
pub use operation::{Booked, Operation};
pub use record::{command_id, record};

use crate::books::BooksError;
use crate::books::moscow::Day;
use crate::log::BadRow;
use operation::Key;

#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error("Postgres did not answer")]
    Postgres(#[from] sqlx::Error),
    #[error("the log can't be read")]
    Row(#[from] BadRow),
    #[error(transparent)]
    Books(#[from] BooksError),
    #[error("what was found can't be written down")]
    Canonical(#[from] NotCanonical),
    #[error("what was found has no name")]
    Name(#[from] BadId),
    #[error(
        "what {} says of {day} is not here as a whole (the newest whole day: {}): its adapter uploads a day some time after \
         its end, from the day on which it first ran; wait for a later day, compare an earlier one with the registry file \
         by --file", provider.as_str(),
        newest.map_or("none".to_owned(), |day| day.to_string())
    )]
    NotWhole { provider: Provider, day: Day, newest: Option<Day> },
}

/// A comparison that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub provider: Provider,
    pub days: BTreeSet<Day>,
    pub by: StatedBy,
    /// The end of the log that was compared.
    pub through: i64,
    /// What the provider states here: both kinds, or one file's.
    pub covered: BTreeSet<MoneyMoved>,
    pub report: Report,
}

/// Compares a day with what the provider's adapter has uploaded of it.
///
/// # Errors
/// That day is not whole; Postgres does not answer, or the log can't be read.
pub async fn day(pool: &PgPool, provider: Provider, day: Day) -> Result<Outcome, ReconcileError> {
    let known = theirs::whole(pool, provider, &[day]).await?;
    if known.is_empty() {
        let newest = theirs::newest(pool, provider).await?;
        return Err(ReconcileError::NotWhole { provider, day, newest });
    }
    let operations = theirs::operations(pool, provider, day).await?;
    let stated = Stated { operations, known, elsewhere: BTreeSet::new() };
    against(pool, provider, BTreeSet::from([day]), stated, StatedBy::Api).await
}

/// Compares days with what the provider is known to state for them; what else it has uploaded decides near midnight.
///
/// # Errors
/// Postgres does not answer, or the log can't be read.
pub async fn against(
    pool: &PgPool,
    provider: Provider,
    days: BTreeSet<Day>,
    mut stated: Stated,
    by: StatedBy,
) -> Result<Outcome, ReconcileError> {
    let ids: BTreeSet<Key> = stated.operations.iter().map(Operation::key).collect();
    let ours = ours::read(pool, provider, &days, &ids).await?;
    let around: Vec<Day> = days.iter().flat_map(|day| [Day(day.0 - 1), Day(day.0 + 1)]).collect();
    let around: Vec<Day> = around.into_iter().filter(|day| !days.contains(day)).collect();
    stated.known.extend(theirs::whole(pool, provider, &around).await?);
    let unmatched: Vec<Key> = ours.booked.iter().map(Booked::key).filter(|key| !ids.contains(key)).collect();
    stated.elsewhere.extend(theirs::elsewhere(pool, provider, &unmatched, &days).await?);
    let covered = stated.known.iter().filter(|(_, day)| days.contains(day)).map(|(kind, _)| *kind).collect();
    let report = compare(&days, &ours.booked, &stated);
    Ok(Outcome { provider, days, by, through: ours.through, covered, report })
}
