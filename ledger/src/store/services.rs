//! How services say that they are. Times are Postgres' own, in µs.

use proto_events::Producer;
use proto_events::commands::ServiceReport;
use sqlx::PgPool;
use sqlx::types::Json;

/// One that was not heard of for so long is forgotten.
const FORGOTTEN_US: i64 = 24 * 3_600_000_000;

/// An instance of a service, as it said last.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Service {
    pub producer: String,
    pub instance: String,
    pub version: String,
    pub needs: Json<Vec<proto_events::commands::ServiceNeed>>,
    pub ended: bool,
    /// µs since it was heard of first, and last.
    pub age_us: i64,
    pub silent_us: i64,
}

/// So it is now.
pub async fn report_service(
    pool: &PgPool,
    producer: Producer,
    report: &ServiceReport,
) -> Result<(), sqlx::Error> {
    let sql = "WITH old AS (DELETE FROM services WHERE producer = $1 AND instance <> $2 AND seen_at < now_us() - $6) \
               INSERT INTO services (producer, instance, version, needs, ended, began_at, seen_at) \
               VALUES ($1, $2, $3, $4, $5, now_us(), now_us()) ON CONFLICT (producer, instance) DO UPDATE \
               SET version = EXCLUDED.version, needs = EXCLUDED.needs, ended = EXCLUDED.ended, seen_at = EXCLUDED.seen_at";
    let needs = serde_json::to_string(&report.needs).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query(sql)
        .bind(producer.as_str())
        .bind(report.instance.as_str())
        .bind(report.version.as_str())
        .bind(needs)
        .bind(report.ends)
        .bind(FORGOTTEN_US)
        .execute(pool)
        .await
        .map(drop)
}

/// Those that were heard of in the last day, of each kind the newest.
pub async fn services(pool: &PgPool, limit: i64) -> Result<Vec<Service>, sqlx::Error> {
    let sql = "SELECT producer, instance, version, needs::json AS needs, ended, now_us() - began_at AS age_us, \
                   now_us() - seen_at AS silent_us FROM services WHERE seen_at > now_us() - $1 \
               ORDER BY producer, seen_at DESC LIMIT $2";
    sqlx::query_as(sql).bind(FORGOTTEN_US).bind(limit).fetch_all(pool).await
}

/// What Postgres says of itself.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct PostgresSays {
    pub version: String,
    pub bytes: i64,
    pub connections: i64,
    pub connections_max: i64,
    /// How many transactions have begun since the oldest that still runs.
    pub oldest_transactions: i64,
    /// µs for which it has run; nothing where the service's role may not see it.
    pub oldest_us: Option<i64>,
}

pub async fn postgres_says(pool: &PgPool) -> Result<PostgresSays, sqlx::Error> {
    let sql = "SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes, \
                   count(*) FILTER (WHERE backend_type = 'client backend' OR backend_type IS NULL) AS connections, \
                   current_setting('max_connections')::bigint AS connections_max, \
                   (SELECT pg_snapshot_xmax(s)::text::bigint - pg_snapshot_xmin(s)::text::bigint \
                       FROM pg_current_snapshot() s) AS oldest_transactions, \
                   (extract(epoch FROM clock_timestamp() - min(xact_start) FILTER (WHERE pid <> pg_backend_pid())) \
                       * 1000000)::bigint AS oldest_us \
               FROM pg_stat_activity WHERE datname = current_database()";
    sqlx::query_as(sql).fetch_one(pool).await
}
