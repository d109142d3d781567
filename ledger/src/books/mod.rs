//! The books as finance reads them: of any position or time, exact, from the log.
//!
//! - `at`: a position, a time or a day, found in the log.
//! - `statement`: one account's lines and balance; reads that account's events only.
//! - `trial_balance`: sums of all postings; reads a chunk's totals and at most 2^10 events.
//! - `revenue`: earned and still deferred, as of a moment and by day.
//! - `generations`: what each cost and earned, and all of a model; from the projection.
//! - `payment`: one payment's whole life.
//! - `postings`: every event's lines in the books, as a stream, for exports.

pub mod at;
pub mod generations;
pub mod moscow;
pub mod payment;
pub mod postings;
pub mod revenue;
pub mod statement;
pub mod trial_balance;
pub mod words;

use proto_events::AccountId;
use sqlx::PgPool;

use crate::log::{BadRow, Row};
use crate::store;

#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    #[error("Postgres did not answer")]
    Postgres(#[from] sqlx::Error),
    #[error("the log can't be read")]
    Row(#[from] BadRow),
    #[error("position {asked} is beyond the end of the log, which is {head}")]
    Beyond { asked: i64, head: i64 },
    #[error("--from is after --to")]
    Backwards,
    #[error("account {account} has no event up to position {through}")]
    UnknownAccount { account: AccountId, through: i64 },
    #[error("position {position} takes a balance below zero: run `ledger verify`")]
    BelowZero { position: i64 },
    #[error("position {position} does not fit into the books: run `ledger verify`")]
    Unbalanced { position: i64 },
    #[error("the position {wanted} is missing from the log: run `ledger verify`")]
    Gap { wanted: i64 },
}

/// An account's rows through a position, by version.
async fn account_rows(pool: &PgPool, account: AccountId, through: i64) -> Result<Vec<Row>, BooksError> {
    let mut found = store::events_of_accounts(pool, &[account], 0).await?;
    let mut rows = found.remove(&account).unwrap_or_default();
    rows.retain(|row| row.position <= through);
    Ok(rows)
}
