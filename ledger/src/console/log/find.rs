//! Events that were asked for, the newest first, without ever reading the log from end to end: by an index where there is
//! one, else a bounded stretch at a time.

use proto_events::{AccountId, Producer};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::store::BUCKET_BITS;

pub(super) const PAGE: usize = 50;
/// Events that one look reads where nothing leads to those that are wanted.
const STRETCH: i64 = 20_000;
/// The same of one account's.
const THEIRS: i64 = 2_000;

#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) account: Option<AccountId>,
    /// A type of events, as the log has it.
    pub(super) kind: Option<String>,
    pub(super) command: Option<String>,
    /// Positions, inclusive.
    pub(super) first: i64,
    pub(super) last: i64,
}

#[derive(Debug, Clone, Serialize, JsonSchema, sqlx::FromRow)]
pub(super) struct Line {
    pub(super) position: i64,
    pub(super) recorded_at: i64,
    pub(super) account_id: Uuid,
    pub(super) r#type: String,
    pub(super) available_delta: i64,
    pub(super) reserved_delta: i64,
    pub(super) debt_delta: i64,
    pub(super) producer: String,
    pub(super) actor: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Found {
    /// The newest first, 50 at most.
    #[serde(rename = "events")]
    pub(super) lines: Vec<Line>,
    /// Where to go on: there may be more from here downwards.
    pub(super) next: Option<i64>,
}

const LINE: &str =
    "position, recorded_at, account_id, type, available_delta, reserved_delta, debt_delta, producer, actor";

pub(super) async fn find(pool: &PgPool, wanted: &Wanted) -> Result<Found, sqlx::Error> {
    let (looked, looked_at) = match (&wanted.command, wanted.account) {
        (Some(command), _) => (of_command(pool, command, wanted).await?, None),
        (None, Some(account)) => (of_account(pool, account, wanted).await?, Some(THEIRS)),
        (None, None) if wanted.kind.is_some() => return of_stretch(pool, wanted).await,
        (None, None) => (of_all(pool, wanted).await?, Some(PAGE as i64 + 1)),
    };
    let whole = looked_at.is_some_and(|most| looked.len() as i64 >= most);
    let end = looked.last().map(|line| line.position).filter(|_| whole);
    Ok(page(looked, wanted.kind.as_deref(), end))
}

/// Of what was looked at, those of the type; `end`: the last that was looked at, if there may be more below.
fn page(looked: Vec<Line>, kind: Option<&str>, end: Option<i64>) -> Found {
    let mut lines: Vec<Line> =
        looked.into_iter().filter(|line| kind.is_none_or(|kind| line.r#type == kind)).collect();
    if lines.len() > PAGE {
        lines.truncate(PAGE);
        let next = lines.last().map(|line| line.position - 1);
        return Found { lines, next };
    }
    Found { lines, next: end.map(|position| position - 1).filter(|next| *next > 0) }
}

async fn of_all(pool: &PgPool, wanted: &Wanted) -> Result<Vec<Line>, sqlx::Error> {
    let sql = format!(
        "SELECT {LINE} FROM events WHERE position >= $1 AND position <= $2 ORDER BY position DESC LIMIT $3"
    );
    let most = PAGE as i64 + 1;
    sqlx::query_as(AssertSqlSafe(sql)).bind(wanted.first).bind(wanted.last).bind(most).fetch_all(pool).await
}

/// A stretch at a time: it may hold none of them, and the next may.
async fn of_stretch(pool: &PgPool, wanted: &Wanted) -> Result<Found, sqlx::Error> {
    let first = wanted.first.max(wanted.last.saturating_sub(STRETCH - 1));
    let sql = format!(
        "SELECT {LINE} FROM events WHERE position >= $1 AND position <= $2 AND type = $3 \
         ORDER BY position DESC LIMIT $4"
    );
    let lines: Vec<Line> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(first)
        .bind(wanted.last)
        .bind(&wanted.kind)
        .bind(PAGE as i64 + 1)
        .fetch_all(pool)
        .await?;
    Ok(page(lines, None, (first > wanted.first.max(1)).then_some(first)))
}

/// OFFSET 0: by the account's index; what is left of its events is chosen afterwards, never met with all of that time.
async fn of_account(pool: &PgPool, account: AccountId, wanted: &Wanted) -> Result<Vec<Line>, sqlx::Error> {
    let sql = format!(
        "SELECT e.* FROM generate_series($3::bigint >> {BUCKET_BITS}, $2::bigint >> {BUCKET_BITS}, -1) b(n), LATERAL ( \
             SELECT {LINE} FROM (SELECT {LINE}, version FROM events WHERE (position >> {BUCKET_BITS}) = b.n \
                 AND account_id = $1 ORDER BY version DESC OFFSET 0) theirs \
             WHERE position >= $2 AND position <= $3 ORDER BY version DESC LIMIT $4) e \
         ORDER BY e.position DESC LIMIT $4"
    );
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(account.0)
        .bind(wanted.first)
        .bind(wanted.last)
        .bind(THEIRS)
        .fetch_all(pool)
        .await
}

/// Whoever has sent it: ids are each producer's own. OFFSET 0: probe by probe, then the few events after each that is found.
async fn of_command(pool: &PgPool, command: &str, wanted: &Wanted) -> Result<Vec<Line>, sqlx::Error> {
    let sql = format!(
        "SELECT {LINE} FROM ( \
             SELECT f.* FROM generate_series(0, $4::bigint >> {BUCKET_BITS}) b(n), unnest($2::text[]) p(name), LATERAL ( \
                 SELECT position AS at, producer AS who FROM events WHERE (position >> {BUCKET_BITS}) = b.n \
                     AND producer = p.name AND command_id = $1 AND ordinal = 0 OFFSET 0) f) first, LATERAL ( \
             SELECT {LINE} FROM events WHERE position >= first.at AND position < first.at + 500 \
                 AND command_id = $1 AND producer = first.who OFFSET 0) e \
         WHERE position >= $3 AND position <= $4 ORDER BY position DESC LIMIT 500"
    );
    let producers = Producer::ALL.map(|producer| producer.as_str().to_owned());
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(command)
        .bind(producers.as_slice())
        .bind(wanted.first)
        .bind(wanted.last)
        .fetch_all(pool)
        .await
}
