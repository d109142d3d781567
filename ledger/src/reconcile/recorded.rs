//! Comparisons that are in the log.

use proto_events::events::{DifferenceFound, ReconciliationFinished};
use proto_events::{AccountId, Event};
use sqlx::{AssertSqlSafe, PgPool};

use crate::books::BooksError;
use crate::books::at::{self, At};
use crate::books::moscow::Day;
use crate::log::{BadRow, COLUMNS, Row};
use crate::store;

#[derive(Debug, Clone)]
pub struct Recorded {
    pub row: Row,
    pub finished: ReconciliationFinished,
}

/// Those recorded since a day began, oldest first. A day is compared after it has ended.
///
/// # Errors
/// Postgres does not answer, or the log has what this version does not know.
pub async fn since(pool: &PgPool, day: Day) -> Result<Vec<Recorded>, BooksError> {
    let since = at::since(pool, Some(At::Day(day))).await?;
    let mut found = Vec::new();
    for row in store::events_of_type(pool, AccountId::OPERATIONS, "ReconciliationFinished", since - 1).await?
    {
        if let Event::ReconciliationFinished(finished) = row.event()? {
            found.push(Recorded { row, finished });
        }
    }
    Ok(found)
}

/// What disagreed in one, each with its position: the events of the same command before its `ReconciliationFinished`.
///
/// # Errors
/// As [`since`].
pub async fn differences(pool: &PgPool, finished: &Row) -> Result<Vec<(i64, DifferenceFound)>, BadRow> {
    let sql =
        format!("SELECT {COLUMNS} FROM events WHERE position >= $1 AND position < $2 ORDER BY position");
    let first = finished.position - i64::from(finished.ordinal);
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(first).bind(finished.position).fetch_all(pool).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let row = Row::read(row)?;
        if let Event::DifferenceFound(difference) = row.event()? {
            found.push((row.position, difference));
        }
    }
    Ok(found)
}
