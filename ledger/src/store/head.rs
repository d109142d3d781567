//! The head of the log: where it ends, who leads, until when.

use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row as _};

use crate::log::{GENESIS, Hash};

/// A leader that has not renewed for this long may be replaced. Standbys look every
/// [`crate::leader::LOOK`]; a cut-off writer's transaction ends after 2 s: together under 5 s.
pub const LEASE_US: i64 = 2_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub position: i64,
    pub hash: Hash,
    /// µs.
    pub recorded_at: i64,
    pub epoch: i64,
    pub incarnation: i64,
    /// Postgres' clock at the time of reading, µs.
    pub now: i64,
    /// µs.
    pub lease_until: i64,
}

const COLUMNS: &str = "position, hash, recorded_at, epoch, incarnation, lease_until, now_us() AS now";

fn read(row: &PgRow) -> Result<Head, sqlx::Error> {
    let hash: &[u8] = row.try_get("hash")?;
    Ok(Head {
        position: row.try_get("position")?,
        // Invariant: only `append` writes the hash, always 32 bytes; a damaged one matches no chain.
        hash: hash.try_into().unwrap_or(GENESIS),
        recorded_at: row.try_get("recorded_at")?,
        epoch: row.try_get("epoch")?,
        incarnation: row.try_get("incarnation")?,
        now: row.try_get("now")?,
        lease_until: row.try_get("lease_until")?,
    })
}

pub async fn head(executor: impl PgExecutor<'_>) -> Result<Head, sqlx::Error> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM log_head"));
    read(&sqlx::query(sql).fetch_one(executor).await?)
}

pub async fn incarnation(executor: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT incarnation FROM log_head").fetch_one(executor).await
}

/// Raises the epoch if the last leader's lease is over. `None`: somebody leads.
///
/// Waits for a transaction that holds the row, so that what it returns is the end of the log.
pub async fn take_over(executor: impl PgExecutor<'_>) -> Result<Option<Head>, sqlx::Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "UPDATE log_head SET epoch = epoch + 1, lease_until = now_us() + $1 WHERE lease_until < now_us() \
         RETURNING {COLUMNS}"
    ));
    sqlx::query(sql).bind(LEASE_US).fetch_optional(executor).await?.as_ref().map(read).transpose()
}

/// Renews the lease. `None`: fenced. Else Postgres' clock, µs.
pub async fn beat(executor: impl PgExecutor<'_>, epoch: i64) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("UPDATE log_head SET lease_until = now_us() + $1 WHERE epoch = $2 RETURNING now_us()")
        .bind(LEASE_US)
        .bind(epoch)
        .fetch_optional(executor)
        .await
}

/// Ends the lease on a clean shutdown, so that a successor need not wait.
pub async fn release(executor: impl PgExecutor<'_>, epoch: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE log_head SET lease_until = 0 WHERE epoch = $1").bind(epoch).execute(executor).await?;
    Ok(())
}
