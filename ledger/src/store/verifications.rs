//! Verifications of the log that were asked for at the console. Times are Postgres' own, in µs.

use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

/// Whoever runs one is heard of at least so often, or it is cut off.
const LOST_US: i64 = 60_000_000;
/// Shown, and kept.
const KEPT: i64 = 50;

#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Verification {
    pub id: Uuid,
    pub asked_by: String,
    pub began_at: i64,
    pub ended_at: Option<i64>,
    /// Events.
    pub done: i64,
    pub of: i64,
    pub state: String,
    pub report: Option<Value>,
}

/// The newest first.
pub async fn verifications(pool: &PgPool) -> Result<Vec<Verification>, sqlx::Error> {
    let sql = "SELECT id, asked_by, began_at, ended_at, done, of, report, \
                   CASE WHEN state = 'running' AND beat_at < now_us() - $1 THEN 'cut_off' ELSE state END AS state \
               FROM verifications ORDER BY began_at DESC LIMIT $2";
    sqlx::query_as(sql).bind(LOST_US).bind(KEPT).fetch_all(pool).await
}

/// False: one is running. Old ones are forgotten, and what was cut off is said to be.
pub async fn begin_verification(pool: &PgPool, id: Uuid, asked_by: &str) -> Result<bool, sqlx::Error> {
    let lost = "UPDATE verifications SET state = 'cut_off', ended_at = beat_at \
                WHERE state = 'running' AND beat_at < now_us() - $1";
    sqlx::query(lost).bind(LOST_US).execute(pool).await?;
    let old = "DELETE FROM verifications WHERE id IN \
                   (SELECT id FROM verifications ORDER BY began_at DESC OFFSET $1)";
    sqlx::query(old).bind(KEPT).execute(pool).await?;
    let sql = "INSERT INTO verifications (id, asked_by, began_at, beat_at, state) \
               VALUES ($1, $2, now_us(), now_us(), 'running') ON CONFLICT DO NOTHING";
    Ok(sqlx::query(sql).bind(id).bind(asked_by).execute(pool).await?.rows_affected() == 1)
}

/// It goes on. False: it is to end, or was given up.
pub async fn beat_verification(pool: &PgPool, id: Uuid, done: i64, of: i64) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE verifications SET beat_at = now_us(), done = $2, of = $3 \
               WHERE id = $1 AND state = 'running' RETURNING NOT cancel";
    let goes_on = sqlx::query_scalar(sql).bind(id).bind(done).bind(of).fetch_optional(pool).await?;
    Ok(goes_on.unwrap_or(false))
}

pub async fn cancel_verification(pool: &PgPool, id: Uuid) -> Result<(), sqlx::Error> {
    let sql = "UPDATE verifications SET cancel = true WHERE id = $1 AND state = 'running'";
    sqlx::query(sql).bind(id).execute(pool).await.map(drop)
}

pub async fn end_verification(
    pool: &PgPool,
    id: Uuid,
    state: &str,
    report: Option<&Value>,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE verifications SET state = $2, report = $3, ended_at = now_us(), done = CASE WHEN $3 IS NULL \
               THEN done ELSE of END WHERE id = $1 AND state = 'running'";
    sqlx::query(sql).bind(id).bind(state).bind(report).execute(pool).await.map(drop)
}
