//! The append: one transaction a batch, fenced by the head.
//!
//! Phases: BEGIN; one INSERT of all rows (UNNEST); natural keys; side rows; the head moves only if
//! it still is where this batch started and the epoch is ours; COMMIT. Five round trips, more only
//! when there are side rows.
//! Why the head is last: its row lock is what a successor waits for, so it is held shortest.

use sqlx::{Connection as _, PgConnection, PgPool};
use uuid::Uuid;

use super::head::LEASE_US;
use super::pool::answered;
use super::side::{self, SideWrite};
use crate::log::{Hash, Row};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NaturalKey {
    pub kind: &'static str,
    pub key: String,
    pub account_id: Uuid,
    /// What owns the key, e.g. a payment id.
    pub subject: String,
    pub position: i64,
}

/// What one append writes. Invariant: `rows` is not empty and continues the head gaplessly.
#[derive(Debug)]
pub struct Batch<'a> {
    pub prev_position: i64,
    pub epoch: i64,
    pub rows: &'a [Row],
    pub keys: &'a [NaturalKey],
    pub side: &'a [SideWrite],
}

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Someone else leads: nothing was written.
    #[error("another leader has the log")]
    Fenced,
    /// The database refuses a row: nothing was written.
    #[error("the database refuses a row ({})", constraint.as_deref().unwrap_or("no constraint named"))]
    Rejected {
        constraint: Option<String>,
        #[source]
        source: sqlx::Error,
    },
    /// The connection failed before COMMIT was sent: nothing was written.
    #[error("the append did not reach its commit")]
    NotCommitted(#[source] sqlx::Error),
    /// The connection failed while COMMIT was under way.
    #[error("the commit's outcome is in doubt")]
    InDoubt(#[source] sqlx::Error),
}

impl AppendError {
    fn before_commit(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            // Classes 22 and 23: a value or a constraint that this row violates.
            Some(db) if db.code().is_some_and(|c| c.starts_with("22") || c.starts_with("23")) => {
                Self::Rejected { constraint: db.constraint().map(str::to_owned), source: error }
            }
            _ => Self::NotCommitted(error),
        }
    }
}

/// Appends a batch, durably when it returns.
///
/// # Errors
/// See [`AppendError`]: only `InDoubt` leaves open whether the batch is in the log.
pub async fn append(pool: &PgPool, batch: &Batch<'_>) -> Result<(), AppendError> {
    let mut connection = pool.acquire().await.map_err(AppendError::NotCommitted)?;
    let mut tx = answered(connection.begin()).await.map_err(AppendError::NotCommitted)?;
    answered(insert_rows(&mut tx, batch.rows)).await.map_err(AppendError::before_commit)?;
    fail::fail_point!("ledger.append.inserted");
    if !batch.keys.is_empty() {
        answered(insert_keys(&mut tx, batch.keys)).await.map_err(AppendError::before_commit)?;
    }
    answered(side::write(&mut tx, batch.side)).await.map_err(AppendError::before_commit)?;
    if !answered(move_head(&mut tx, batch)).await.map_err(AppendError::NotCommitted)? {
        return Err(AppendError::Fenced);
    }
    fail::fail_point!("ledger.append.before_commit");
    answered(tx.commit()).await.map_err(AppendError::InDoubt)?;
    fail::fail_point!("ledger.append.committed");
    Ok(())
}

/// Resolves a commit in doubt: waits for the old backend by locking the head, then looks whether
/// the head is the batch's last row. `None`: someone else leads now.
pub async fn was_committed(
    pool: &PgPool,
    epoch: i64,
    prev_position: i64,
    last: &Row,
) -> Result<Option<bool>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let (position, hash, now_epoch): (i64, Vec<u8>, i64) =
        sqlx::query_as("SELECT position, hash, epoch FROM log_head FOR UPDATE").fetch_one(&mut *tx).await?;
    tx.rollback().await?;
    if position == last.position && hash == last.hash {
        return Ok(Some(true));
    }
    if now_epoch == epoch && position == prev_position {
        return Ok(Some(false));
    }
    Ok(None)
}

async fn insert_rows(tx: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    fn column<'a, T>(rows: &'a [Row], get: impl Fn(&'a Row) -> T) -> Vec<T> {
        rows.iter().map(get).collect()
    }
    sqlx::query(
        "INSERT INTO events (position, account_id, version, type, schema_version, available_delta, reserved_delta, \
            debt_delta, payload, producer, command_id, ordinal, request_digest, actor, causation, trace_id, \
            recorded_at, prev_hash, hash) \
         SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::smallint[], $6::bigint[], \
            $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::smallint[], $13::bytea[], \
            $14::text[], $15::bigint[], $16::bytea[], $17::bigint[], $18::bytea[], $19::bytea[])",
    )
    .bind(column(rows, |r| r.position))
    .bind(column(rows, |r| r.account_id))
    .bind(column(rows, |r| r.version))
    .bind(column(rows, |r| r.event_type.as_str()))
    .bind(column(rows, |r| r.schema_version))
    .bind(column(rows, |r| r.available_delta))
    .bind(column(rows, |r| r.reserved_delta))
    .bind(column(rows, |r| r.debt_delta))
    .bind(column(rows, |r| r.payload.as_str()))
    .bind(column(rows, |r| r.producer.as_str()))
    .bind(column(rows, |r| r.command_id.as_str()))
    .bind(column(rows, |r| r.ordinal))
    .bind(column(rows, |r| r.request_digest.as_slice()))
    .bind(column(rows, |r| r.actor.as_str()))
    .bind(column(rows, |r| r.causation))
    .bind(column(rows, |r| r.trace_id.as_ref().map(<[u8; 16]>::as_slice)))
    .bind(column(rows, |r| r.recorded_at))
    .bind(column(rows, |r| r.prev_hash.as_slice()))
    .bind(column(rows, |r| r.hash.as_slice()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_keys(tx: &mut PgConnection, keys: &[NaturalKey]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO natural_keys (kind, key, account_id, subject, position) \
         SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::bigint[])",
    )
    .bind(keys.iter().map(|k| k.kind).collect::<Vec<_>>())
    .bind(keys.iter().map(|k| k.key.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|k| k.account_id).collect::<Vec<_>>())
    .bind(keys.iter().map(|k| k.subject.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|k| k.position).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

async fn move_head(tx: &mut PgConnection, batch: &Batch<'_>) -> Result<bool, sqlx::Error> {
    let Some(last) = batch.rows.last() else { return Ok(false) };
    let (position, hash, recorded_at): (i64, &Hash, i64) = (last.position, &last.hash, last.recorded_at);
    let moved = sqlx::query(
        "UPDATE log_head SET position = $1, hash = $2, recorded_at = $3, lease_until = now_us() + $4 \
         WHERE position = $5 AND epoch = $6",
    )
    .bind(position)
    .bind(hash.as_slice())
    .bind(recorded_at)
    .bind(LEASE_US)
    .bind(batch.prev_position)
    .bind(batch.epoch)
    .execute(tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}
