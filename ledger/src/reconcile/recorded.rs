//! Comparisons that are in the log.

use std::collections::BTreeMap;

use proto_events::events::{DifferenceFound, ReconciliationFinished};
use proto_events::{AccountId, Event};
use sqlx::{AssertSqlSafe, PgPool};

use crate::books::BooksError;
use crate::books::at::{self, At};
use crate::books::moscow::Day;
use crate::log::{BadRow, COLUMNS, Row};
use crate::projections;
use crate::store::{self, columns_of};

#[derive(Debug, Clone)]
pub struct Recorded {
    pub row: Row,
    pub finished: ReconciliationFinished,
}

const KIND: &str = "ReconciliationFinished";

/// Those recorded since a day began, oldest first. A day is compared after it has ended.
///
/// Cost: a probe for each; where they are is known from the acts of operators, and from the log beyond what those have seen.
///
/// # Errors
/// Postgres does not answer, or the log has what this version does not know.
pub async fn since(pool: &PgPool, day: Day) -> Result<Vec<Recorded>, BooksError> {
    let since = at::since(pool, Some(At::Day(day))).await?;
    let mut rows: BTreeMap<i64, Row> = BTreeMap::new();
    let mut seen = since - 1;
    if let Some((acts, through)) = projections::live(pool, "operators").await? {
        let sql = format!(
            "SELECT {} FROM (SELECT position FROM {} WHERE type = $1 AND position >= $2) found \
             CROSS JOIN LATERAL (SELECT * FROM events WHERE position = found.position OFFSET 0) e",
            columns_of("e"),
            acts.main()
        );
        for row in sqlx::query(AssertSqlSafe(sql)).bind(KIND).bind(since).fetch_all(pool).await? {
            let row = Row::read(&row)?;
            rows.insert(row.position, row);
        }
        seen = seen.max(through);
    }
    for row in store::events_of_type(pool, AccountId::OPERATIONS, KIND, seen).await? {
        rows.insert(row.position, row);
    }
    let mut found = Vec::with_capacity(rows.len());
    for row in rows.into_values() {
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
