//! The head of the log: where it ends, who leads, until when.

use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row as _};

use crate::log::{GENESIS, Hash};

/// A leader that has not renewed for this long may be replaced. Standbys look every
/// [`crate::leader::LOOK`]; a cut-off writer's transaction ends after 2 s: together under 5 s.
pub const LEASE_US: i64 = 2_000_000;

/// A jump of Postgres' clock above this pauses expiries and alerts.
pub const JUMP_US: i64 = 60_000_000;
/// For how long after a jump nothing expires: time for somebody to look.
pub const PAUSE_US: i64 = 60_000_000;

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
    /// Nothing expires before this, by Postgres' clock, µs.
    pub expiries_from: i64,
    /// Until then: how far that clock has jumped, µs.
    pub jumped_us: i64,
}

const COLUMNS: &str = "position, hash, recorded_at, epoch, incarnation, lease_until, expiries_from, jumped_us, \
     now_us() AS now";

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
        expiries_from: row.try_get("expiries_from")?,
        jumped_us: row.try_get("jumped_us")?,
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
/// A lease that ends later than any leader makes it was given before Postgres' clock jumped back: it is
/// over, too. Was the clock watched long ago, or later than it is now, that counts as a jump.
/// Waits for a transaction that holds the row, so that what it returns is the end of the log.
pub async fn take_over(executor: impl PgExecutor<'_>) -> Result<Option<Head>, sqlx::Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "UPDATE log_head SET epoch = epoch + 1, lease_until = now_us() + $1, watched_at = now_us(), \
            expiries_from = CASE WHEN watched_at <> 0 AND abs(now_us() - watched_at) > $2 \
                THEN now_us() + $3 ELSE expiries_from END, \
            jumped_us = CASE WHEN watched_at <> 0 AND abs(now_us() - watched_at) > $2 \
                THEN CASE WHEN watched_at < expiries_from THEN jumped_us ELSE 0 END + now_us() - watched_at \
                ELSE jumped_us END \
         WHERE lease_until < now_us() OR lease_until > now_us() + 2 * $1 RETURNING {COLUMNS}"
    ));
    let asked = sqlx::query(sql).bind(LEASE_US).bind(JUMP_US).bind(PAUSE_US);
    asked.fetch_optional(executor).await?.as_ref().map(read).transpose()
}

/// Renews the lease. `expected`: what Postgres' clock should show; if it is far off, expiries pause,
/// also for the next leader. `None`: fenced. Else Postgres' clock, µs.
pub async fn beat(
    executor: impl PgExecutor<'_>,
    epoch: i64,
    expected: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let sql = "UPDATE log_head SET lease_until = now_us() + $1, watched_at = now_us(), \
                  expiries_from = CASE WHEN abs(now_us() - $2) > $3 THEN now_us() + $4 ELSE expiries_from END, \
                  jumped_us = CASE WHEN abs(now_us() - $2) > $3 \
                      THEN CASE WHEN $2 < expiries_from THEN jumped_us ELSE 0 END + now_us() - $2 ELSE jumped_us END \
               WHERE epoch = $5 RETURNING now_us()";
    let asked = sqlx::query_scalar(sql).bind(LEASE_US).bind(expected).bind(JUMP_US).bind(PAUSE_US);
    asked.bind(epoch).fetch_optional(executor).await
}

/// Ends the lease on a clean shutdown, so that a successor need not wait.
pub async fn release(executor: impl PgExecutor<'_>, epoch: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE log_head SET lease_until = 0, watched_at = 0 WHERE epoch = $1")
        .bind(epoch)
        .execute(executor)
        .await?;
    Ok(())
}
