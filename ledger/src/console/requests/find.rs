//! Requests that were asked for, the newest first: a person's by their key, all by position, and where a filter is given a bounded
//! stretch of them at a time.

use proto_events::{AccountId, GenerationId};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::projections;
use crate::store::BUCKET_BITS;

/// Requests that one look reads for those that a filter wants.
const STRETCH: i64 = 5_000;

#[derive(Debug, Default)]
pub(in crate::console) struct Wanted {
    pub(super) account: Option<AccountId>,
    pub(super) kind: Option<String>,
    pub(super) state: Option<String>,
    /// From this position downwards.
    pub(super) next: Option<i64>,
}

/// A request as it stands.
#[derive(Debug, Serialize, JsonSchema, sqlx::FromRow)]
pub(in crate::console) struct Line {
    pub(super) generation: String,
    pub(super) account: Uuid,
    pub(super) position: i64,
    pub(super) requested_at: i64,
    /// text, picture or edit
    pub(super) kind: String,
    pub(super) model: String,
    /// open, succeeded, failed or canceled
    pub(super) state: String,
    /// Why it brought nothing.
    pub(super) reason: Option<String>,
    /// Its price, and what was charged.
    pub(super) credits: i64,
    pub(super) charged: i64,
    pub(super) attempts: i16,
    pub(super) outputs: i16,
    /// Of all attempts; and apart what no bill came for.
    pub(super) cost_micro_usd: i64,
    pub(super) estimated_micro_usd: i64,
    /// Of the vendor, of all attempts.
    pub(super) latency_ms: i64,
    pub(super) closed_at: Option<i64>,
    pub(super) delivered_at: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct Found {
    /// The newest first, 50 at most.
    #[serde(rename = "requests")]
    pub(in crate::console) lines: Vec<Line>,
    /// Where to go on: there may be more from here downwards.
    pub(super) next: Option<i64>,
}

const COLUMNS: &str = "'g-' || replace(account_id::text, '-', '') || '-' || lpad(to_hex(tail), 16, '0') AS generation, \
    account_id AS account, position, requested_at, kind, model, state, reason, credits, charged, attempts, outputs, \
    cost_micro_usd, estimated_micro_usd, latency_ms, closed_at, delivered_at";

pub(in crate::console) async fn find(
    pool: &PgPool,
    wanted: &Wanted,
    most: usize,
) -> Result<Found, sqlx::Error> {
    let Some((tables, position)) = projections::live(pool, "generations").await? else {
        return Ok(Found { lines: Vec::new(), next: None });
    };
    let (table, last) = (tables.main(), wanted.next.unwrap_or(i64::MAX));
    let limit = if wanted.is_filtered() { STRETCH } else { i64::try_from(most).unwrap_or(i64::MAX) + 1 };
    // Of each bucket no more than are wanted.
    let looked = match wanted.account {
        Some(_) => format!(
            "SELECT g.* FROM generate_series($3::bigint >> {BUCKET_BITS}, 0, -1) b(n), LATERAL ( \
                SELECT * FROM {table} WHERE bucket = b.n AND account_id = $4 AND position <= $1 \
                ORDER BY position DESC LIMIT $2) g ORDER BY g.position DESC LIMIT $2"
        ),
        None => format!("SELECT * FROM {table} WHERE position <= $1 ORDER BY position DESC LIMIT $2"),
    };
    let sql = format!(
        "WITH looked AS MATERIALIZED ({looked}) SELECT {COLUMNS} FROM looked \
         WHERE ($5::text IS NULL OR kind = $5) AND ($6::text IS NULL OR state = $6) ORDER BY position DESC LIMIT $7"
    );
    let mut lines: Vec<Line> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(last)
        .bind(limit)
        .bind(position)
        .bind(wanted.account.map(|account| account.0))
        .bind(&wanted.kind)
        .bind(&wanted.state)
        .bind(i64::try_from(most).unwrap_or(i64::MAX) + 1)
        .fetch_all(pool)
        .await?;
    if lines.len() > most {
        lines.truncate(most);
        let next = lines.last().map(|line| line.position - 1);
        return Ok(Found { lines, next });
    }
    if !wanted.is_filtered() {
        return Ok(Found { lines, next: None });
    }
    // Where the stretch ended, whatever was wanted of it.
    let sql = format!("SELECT CASE WHEN count(*) >= $2 THEN min(position) - 1 END FROM ({looked}) l");
    let next = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(last)
        .bind(limit)
        .bind(position)
        .bind(wanted.account.map(|account| account.0))
        .fetch_one(pool)
        .await?;
    Ok(Found { lines, next })
}

impl Wanted {
    /// Everything of a person.
    pub(in crate::console) fn of(account: AccountId) -> Self {
        Self { account: Some(account), ..Self::default() }
    }

    const fn is_filtered(&self) -> bool {
        self.kind.is_some() || self.state.is_some()
    }
}

/// One of them.
pub(super) async fn one(pool: &PgPool, generation: GenerationId) -> Result<Option<Line>, sqlx::Error> {
    let Some((tables, position)) = projections::live(pool, "generations").await? else { return Ok(None) };
    let sql = format!(
        "SELECT {COLUMNS} FROM generate_series(0, $3::bigint >> {BUCKET_BITS}) b(n), LATERAL ( \
            SELECT * FROM {} WHERE bucket = b.n AND account_id = $1 AND tail = $2 OFFSET 0) g LIMIT 1",
        tables.main()
    );
    let asked = sqlx::query_as(AssertSqlSafe(sql)).bind(generation.account().0);
    asked.bind(generation.tail().cast_signed()).bind(position).fetch_optional(pool).await
}
