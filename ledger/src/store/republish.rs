//! What operators ask of the event stream, kept until the leader has done it.

use sqlx::PgPool;

/// A fresh stream from a position on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Republish {
    pub request: i64,
    /// The stream's first event.
    pub from: i64,
    /// Also what the consumers have done is shown to them again.
    pub again: bool,
}

/// Asks for it; answers the request's number.
pub async fn ask_republish(pool: &PgPool, from: i64, again: bool) -> Result<i64, sqlx::Error> {
    let sql = "INSERT INTO republish_requests (from_position, again) VALUES ($1, $2) RETURNING request";
    sqlx::query_scalar(sql).bind(from).bind(again).fetch_one(pool).await
}

/// The newest that is not done; those before it are done with it.
pub async fn open_republish(pool: &PgPool) -> Result<Option<Republish>, sqlx::Error> {
    let sql = "SELECT request, from_position, again FROM republish_requests WHERE done_at IS NULL \
               ORDER BY request DESC LIMIT 1";
    let found: Option<(i64, i64, bool)> = sqlx::query_as(sql).fetch_optional(pool).await?;
    Ok(found.map(|(request, from, again)| Republish { request, from, again }))
}

/// The number of the newest request, or of the newest that is done; 0: there was none.
pub async fn last_republish(pool: &PgPool, done: bool) -> Result<i64, sqlx::Error> {
    let sql = "SELECT coalesce(max(request), 0) FROM republish_requests WHERE done_at IS NOT NULL OR NOT $1";
    sqlx::query_scalar(sql).bind(done).fetch_one(pool).await
}

/// What the consumers have done counts as not done from `from` on.
pub async fn rewind_consumers(pool: &PgPool, from: i64) -> Result<(), sqlx::Error> {
    let sql = "UPDATE consumers SET done_through = $1 - 1 WHERE done_through >= $1";
    sqlx::query(sql).bind(from).execute(pool).await?;
    Ok(())
}

pub async fn republish_done(pool: &PgPool, request: i64) -> Result<(), sqlx::Error> {
    let sql = "UPDATE republish_requests SET done_at = now_us() WHERE request <= $1 AND done_at IS NULL";
    sqlx::query(sql).bind(request).execute(pool).await?;
    Ok(())
}

pub async fn is_republish_done(pool: &PgPool, request: i64) -> Result<bool, sqlx::Error> {
    let sql = "SELECT done_at IS NOT NULL FROM republish_requests WHERE request = $1";
    sqlx::query_scalar(sql).bind(request).fetch_one(pool).await
}

/// How far each consumer of the stream has done everything: (consumer, position).
pub async fn done_through(pool: &PgPool) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as("SELECT consumer, done_through FROM consumers").fetch_all(pool).await
}
