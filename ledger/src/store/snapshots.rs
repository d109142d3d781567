//! Accounts as folded through a position (`ledger/src/snapshots`).

use std::collections::HashMap;

use ledger_domain::Account;
use proto_events::AccountId;
use sqlx::{Executor as _, PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use super::begin;

/// Snapshots in one statement: far below what a message to Postgres may hold.
const CHUNK: usize = 1_000;

/// One account's state, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub account: AccountId,
    pub version: i64,
    /// Of its last event.
    pub position: i64,
    pub state: String,
}

/// Through which position snapshots are complete; 0 when there are none of this version's form.
pub async fn snapshots_through(executor: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    let sql = "SELECT coalesce((SELECT position FROM snapshots_through WHERE format = $1), 0)";
    sqlx::query_scalar(sql).bind(Account::FORMAT).fetch_one(executor).await
}

/// The snapshots of these accounts, and through which position they are complete: an account without one
/// has no event up to there.
pub async fn snapshots_of(
    pool: &PgPool,
    accounts: &[AccountId],
) -> Result<(i64, HashMap<AccountId, Snapshot>), sqlx::Error> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.0).collect();
    // One statement, so that position and states are of one moment.
    type Found = (i64, Option<Uuid>, Option<i64>, Option<i64>, Option<String>);
    let found: Vec<Found> = sqlx::query_as(
        "SELECT t.position, s.account_id, s.version, s.position, s.state FROM snapshots_through t \
         LEFT JOIN account_snapshots s ON s.account_id = ANY($1) AND s.format = t.format WHERE t.format = $2",
    )
    .bind(&ids)
    .bind(Account::FORMAT)
    .fetch_all(pool)
    .await?;
    let through = found.first().map_or(0, |row| row.0);
    let snapshots = found.into_iter().filter_map(|(_, id, version, position, state)| {
        let account = AccountId(id?);
        Some((account, Snapshot { account, version: version?, position: position?, state: state? }))
    });
    Ok((through, snapshots.collect()))
}

/// Writes what changed and moves on from `from`. False: somebody else has moved it; nothing was written.
pub async fn write_snapshots(
    pool: &PgPool,
    from: i64,
    through: i64,
    changed: &[Snapshot],
) -> Result<bool, sqlx::Error> {
    let mut tx = begin(pool).await?;
    let_it_take(&mut tx).await?;
    let moved = sqlx::query("UPDATE snapshots_through SET position = $1 WHERE position = $2 AND format = $3")
        .bind(through)
        .bind(from)
        .bind(Account::FORMAT)
        .execute(&mut *tx)
        .await?;
    if moved.rows_affected() != 1 {
        tx.rollback().await?;
        return Ok(false);
    }
    for changed in changed.chunks(CHUNK) {
        insert(&mut tx, changed).await?;
    }
    tx.commit().await?;
    Ok(true)
}

async fn insert(tx: &mut PgConnection, changed: &[Snapshot]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO account_snapshots (account_id, version, position, format, state) \
         SELECT id, version, position, $5, state \
         FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[]) AS u(id, version, position, state) \
         ON CONFLICT (account_id) DO UPDATE SET version = excluded.version, position = excluded.position, \
            format = excluded.format, state = excluded.state",
    )
    .bind(changed.iter().map(|s| s.account.0).collect::<Vec<_>>())
    .bind(changed.iter().map(|s| s.version).collect::<Vec<_>>())
    .bind(changed.iter().map(|s| s.position).collect::<Vec<_>>())
    .bind(changed.iter().map(|s| s.state.as_str()).collect::<Vec<_>>())
    .bind(Account::FORMAT)
    .execute(tx)
    .await?;
    Ok(())
}

/// Given up halfway, it would be begun again, and be too long again.
async fn let_it_take(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    tx.execute("SET LOCAL statement_timeout = 0").await?;
    Ok(())
}

/// Begins anew: snapshots of another form, or of a log longer than this one, are of no use.
pub async fn reset_snapshots(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut tx = begin(pool).await?;
    let_it_take(&mut tx).await?;
    sqlx::query("DELETE FROM account_snapshots").execute(&mut *tx).await?;
    sqlx::query("DELETE FROM snapshots_through").execute(&mut *tx).await?;
    sqlx::query("INSERT INTO snapshots_through (position, format) VALUES (0, $1)")
        .bind(Account::FORMAT)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}
