//! Events that a consumer can't get done.

use proto_events::commands::ConsumerStuck;
use sqlx::PgPool;

/// As the consumer last said. Times in µs.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StuckEvent {
    pub consumer: String,
    pub position: i64,
    /// As the log has it.
    pub event_type: Option<String>,
    pub tries: i64,
    /// Empty: it has not said.
    pub error: String,
    pub dropped: bool,
    /// Somebody is still to be told of it.
    pub telling: bool,
    pub first_at: i64,
    pub last_at: i64,
}

const COLUMNS: &str = "s.consumer, s.position, e.type AS event_type, s.tries, s.error, s.dropped, s.first_at, s.last_at, \
    s.consumer = 'telegram' AND (EXISTS (SELECT FROM deliveries d WHERE d.position = s.position) \
        OR EXISTS (SELECT FROM parked_deliveries d WHERE d.position = s.position)) AS telling \
    FROM stuck_events s LEFT JOIN events e ON e.position = s.position";

/// Who tells people.
const TELLER: &str = "telegram";
/// The consumer has done an event when its telling was claimed: that goes on, and this one is still tried.
const NOT_OPEN: &str = "NOT (s.consumer = 'telegram' AND EXISTS \
    (SELECT FROM deliveries d WHERE d.position = s.position AND d.attempt >= 5))";
/// After so many claims, and each time so many more, a telling is one that can't be done: most failures are over by then. As
/// above.
const TELLING_TRIES: i64 = 5;

/// Writes down what a consumer can't get done, unless so many are written down already, or forgets it: whether it was dropped.
pub async fn event_stuck(
    pool: &PgPool,
    stuck: &ConsumerStuck,
    open_max: i64,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let (consumer, position) = (stuck.consumer.as_str(), stuck.position.get());
    let Some(error) = &stuck.error else {
        let sql = format!("DELETE FROM stuck_events s WHERE consumer = $1 AND position = $2 AND {NOT_OPEN}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(consumer).bind(position).execute(pool).await?;
        return Ok(false);
    };
    let error: String = error.chars().filter(|c| *c != '\0').collect();
    keep(pool, consumer, position, i64::from(stuck.tries), Some(error), open_max, now).await
}

/// Writes down a telling that was claimed so often without an end, each [`TELLING_TRIES`] claims: also where its claimant can't say
/// anything any more, and where it was dropped before it came back.
pub async fn telling_tried(
    pool: &PgPool,
    position: i64,
    attempt: i64,
    open_max: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    if attempt % TELLING_TRIES != 0 {
        return Ok(());
    }
    // It may have been ended since it was claimed.
    let again = "UPDATE stuck_events s SET dropped = false \
                 WHERE consumer = $1 AND position = $2 AND dropped \
                    AND EXISTS (SELECT FROM deliveries d WHERE d.position = s.position)";
    sqlx::query(again).bind(TELLER).bind(position).execute(pool).await?;
    keep(pool, TELLER, position, attempt, None, open_max, now).await?;
    Ok(())
}

/// `error`: none is known, and the one before stays. Of a consumer so many are kept.
async fn keep(
    pool: &PgPool,
    consumer: &str,
    position: i64,
    tries: i64,
    error: Option<String>,
    open_max: i64,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "WITH known AS (UPDATE stuck_events SET tries = greatest(tries, $3), \
                   error = coalesce($4, error), last_at = $5 \
                   WHERE consumer = $1 AND position = $2 RETURNING dropped), \
               new AS (INSERT INTO stuck_events (consumer, position, tries, error, first_at, last_at) \
                   SELECT $1, $2, $3, coalesce($4, ''), $5, $5 \
                   WHERE NOT EXISTS (TABLE known) \
                     AND (SELECT count(*) FROM stuck_events WHERE NOT dropped AND consumer = $1) < $6 \
                   ON CONFLICT DO NOTHING) \
               SELECT coalesce((SELECT dropped FROM known), false)";
    sqlx::query_scalar(sql)
        .bind(consumer)
        .bind(position)
        .bind(tries)
        .bind(error)
        .bind(now)
        .bind(open_max)
        .fetch_one(pool)
        .await
}

/// Forgets what was got done, and by whoever did it not told: those before where all is done that nobody has tried since.
pub async fn forget_unstuck(
    pool: &PgPool,
    consumer: &str,
    through: i64,
    tried_before: i64,
) -> Result<(), sqlx::Error> {
    let sql = format!(
        "DELETE FROM stuck_events s \
         WHERE consumer = $1 AND position <= $2 AND NOT dropped AND last_at < $3 AND {NOT_OPEN}"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(consumer)
        .bind(through)
        .bind(tried_before)
        .execute(pool)
        .await?;
    Ok(())
}

/// How many wait for somebody.
pub async fn count_stuck_events(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM stuck_events WHERE NOT dropped").fetch_one(pool).await
}

/// Those that are tried, or were dropped; the newest first.
pub async fn stuck_events(pool: &PgPool, dropped: bool, limit: i64) -> Result<Vec<StuckEvent>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} WHERE s.dropped = $1 ORDER BY s.last_at DESC, s.position LIMIT $2");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(dropped).bind(limit).fetch_all(pool).await
}

pub async fn stuck_event(
    pool: &PgPool,
    consumer: &str,
    position: i64,
) -> Result<Option<StuckEvent>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} WHERE s.consumer = $1 AND s.position = $2");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(consumer).bind(position).fetch_optional(pool).await
}

/// Its consumer is told so when it has tried again. False: it is not stuck any more.
pub async fn drop_stuck_event(pool: &PgPool, consumer: &str, position: i64) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE stuck_events SET dropped = true WHERE consumer = $1 AND position = $2";
    let dropped = sqlx::query(sql).bind(consumer).bind(position).execute(pool).await?;
    Ok(dropped.rows_affected() > 0)
}

/// Those that nobody has tried since.
pub async fn prune_stuck_events(pool: &PgPool, before: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM stuck_events WHERE last_at < $1").bind(before).execute(pool).await?;
    Ok(())
}
