//! What is read: folded from the log by position, rows and checkpoint in one transaction.
//!
//! Each projection runs on its own; one that fails stops at the event it can't fold, says so in
//! its row of `projections`, and the others go on. No side effects.
//!
//! Invariant: a checkpoint moves only from where its fold began (`WHERE position = …`), so two
//! instances can't both apply the same events.

mod balances;
mod commands;

use std::time::Duration;

use proto_events::{AccountId, Position};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::log::{BadRow, COLUMNS, Row};

pub use balances::{Balance, fold as fold_balances};
pub use commands::{CommandRow, fold as fold_commands};

/// Events folded in one transaction.
const STEP_MAX: i64 = 1_000;
/// How often to look when nobody says that the log grew.
const LOOK: Duration = Duration::from_millis(200);
const RETRY: Duration = Duration::from_secs(1);
/// A step of so many events takes well under a second; one that takes this long has lost its
/// connection.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projection {
    Balances,
    Commands,
}

impl Projection {
    pub const ALL: [Self; 2] = [Self::Balances, Self::Commands];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Balances => "balances",
            Self::Commands => "commands",
        }
    }

    /// Raised when the fold changes; the rows of another version are not continued.
    const fn version(self) -> i64 {
        match self {
            Self::Balances | Self::Commands => 1,
        }
    }

    async fn apply(self, tx: &mut PgConnection, rows: &[Row]) -> Result<(), ProjectionError> {
        match self {
            Self::Balances => balances::apply(tx, rows).await,
            Self::Commands => commands::apply(tx, rows).await,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    #[error(transparent)]
    Row(#[from] BadRow),
    #[error("position {position} breaks an invariant: {what}")]
    Broken { position: i64, what: String },
}

/// Follows the log until told to stop.
pub async fn run(
    pool: PgPool,
    projection: Projection,
    mut head: watch::Receiver<Position>,
    stop: CancellationToken,
) {
    loop {
        let stepped = tokio::time::timeout(STEP_TIMEOUT, step(&pool, projection)).await;
        let wait = match stepped.unwrap_or(Err(sqlx::Error::PoolTimedOut.into())) {
            Ok(0) => LOOK,
            Ok(_) => continue,
            Err(ProjectionError::Postgres(error)) if error.as_database_error().is_none() => {
                tracing::warn!(projection = projection.name(), %error, "Postgres did not answer");
                RETRY
            }
            Err(error) => {
                tracing::error!(projection = projection.name(), %error, "stopped at an event it can't fold");
                metrics::counter!("ledger_projection_failures_total", "projection" => projection.name())
                    .increment(1);
                note_failure(&pool, projection, &error).await;
                RETRY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = head.changed() => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Folds the next events; answers how many.
///
/// # Errors
/// Postgres is away, or an event can't be folded.
pub async fn step(pool: &PgPool, projection: Projection) -> Result<usize, ProjectionError> {
    let mut tx = pool.begin().await?;
    let position = checkpoint(&mut tx, projection).await?;
    let sql = format!("SELECT {COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT $2");
    let found = sqlx::query(AssertSqlSafe(sql)).bind(position).bind(STEP_MAX).fetch_all(&mut *tx).await?;
    let rows = found.iter().map(Row::read).collect::<Result<Vec<_>, _>>()?;
    let Some(last) = rows.last() else { return Ok(0) };
    projection.apply(&mut tx, &rows).await?;
    let moved =
        sqlx::query("UPDATE projections SET position = $1, failure = NULL WHERE name = $2 AND position = $3")
            .bind(last.position)
            .bind(projection.name())
            .bind(position)
            .execute(&mut *tx)
            .await?;
    if moved.rows_affected() != 1 {
        tx.rollback().await?;
        return Ok(0);
    }
    fail::fail_point!("ledger.projection.before_commit");
    tx.commit().await?;
    fail::fail_point!("ledger.projection.committed");
    metrics::gauge!("ledger_projection_position", "projection" => projection.name())
        .set(last.position as f64);
    Ok(rows.len())
}

async fn checkpoint(tx: &mut PgConnection, projection: Projection) -> Result<i64, sqlx::Error> {
    sqlx::query(
        "INSERT INTO projections (name, version, position) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
    )
    .bind(projection.name())
    .bind(projection.version())
    .execute(&mut *tx)
    .await?;
    // Locked, so that a second instance waits instead of folding the same events in vain.
    sqlx::query_scalar("SELECT position FROM projections WHERE name = $1 FOR UPDATE")
        .bind(projection.name())
        .fetch_one(tx)
        .await
}

async fn note_failure(pool: &PgPool, projection: Projection, error: &ProjectionError) {
    let noted = sqlx::query("UPDATE projections SET failure = $1 WHERE name = $2")
        .bind(error.to_string())
        .bind(projection.name())
        .execute(pool)
        .await;
    if let Err(error) = noted {
        tracing::warn!(projection = projection.name(), %error, "its failure could not be noted");
    }
}

/// An account's (available, reserved, debt), with the position through which it is known.
pub async fn balance(
    pool: &PgPool,
    account: AccountId,
) -> Result<(i64, Option<(i64, i64, i64)>), sqlx::Error> {
    // One statement, so that checkpoint and row are of one moment.
    let (position, available, reserved, debt): (i64, Option<i64>, Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT coalesce((SELECT position FROM projections WHERE name = 'balances'), 0), \
                b.available, b.reserved, b.debt \
         FROM (SELECT 1) one LEFT JOIN balances b ON b.account_id = $1",
    )
    .bind(account.0)
    .fetch_one(pool)
    .await?;
    Ok((position, available.zip(reserved).zip(debt).map(|((a, r), d)| (a, r, d))))
}
