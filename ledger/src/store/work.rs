//! Operational tables: leases, tellings, contexts, sweeps. Nothing here changes a balance. `now` is the log's time
//! in µs, as in events: leases that claims give are written by it.

use proto_events::events::MediaType;
use proto_events::{AccountId, Event, LotId};
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use uuid::Uuid;

use crate::log::BadRow;

/// Extends a claim's lease. `None`: another attempt has it, it is over, or the job is closed.
pub async fn renew_lease(
    pool: &PgPool,
    generation: &str,
    attempt: i64,
    now: i64,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "UPDATE jobs SET lease_until = greatest(lease_until, $3 + lease_us) \
         WHERE generation = $1 AND attempt = $2 AND lease_us > 0 RETURNING lease_until",
    )
    .bind(generation)
    .bind(attempt)
    .bind(now)
    .fetch_optional(pool)
    .await
}

/// After a take-over: whoever held a job could not renew meanwhile, and holds it still.
pub async fn extend_leases(pool: &PgPool, now: i64) -> Result<(), sqlx::Error> {
    let sql = "UPDATE jobs SET lease_until = greatest(lease_until, $1 + lease_us) WHERE lease_us > 0";
    sqlx::query(sql).bind(now).execute(pool).await?;
    Ok(())
}

/// What a worker needs of a job, with its lease and deadline as they are now.
#[derive(Debug, Clone)]
pub struct JobContent {
    pub generation: String,
    pub prompt: String,
    pub file_refs: Vec<String>,
    pub system: Option<String>,
    pub conversation: Option<String>,
    /// The generation it goes on with, and where Telegram keeps what that made.
    pub follows: Option<String>,
    pub followed_files: Vec<String>,
    /// Earlier attempts that may have been paid and brought nothing.
    pub doubts: i16,
    pub unpaid: i16,
    pub lease_until: i64,
    pub deadline: i64,
    /// The event by which it was asked for.
    pub requested: Event,
}

pub async fn job_contents(pool: &PgPool, generations: &[String]) -> Result<Vec<JobContent>, BadRow> {
    let rows = sqlx::query(
        "SELECT c.generation, c.prompt, c.file_refs, c.system, c.conversation, c.follows, \
                ARRAY(SELECT o.file_id FROM generation_outputs o WHERE o.generation = c.follows \
                    AND o.account_id = c.account_id AND o.file_id IS NOT NULL ORDER BY o.ordinal) AS followed_files, \
                coalesce(j.doubts, 0::smallint) AS doubts, \
                coalesce(j.unpaid, 0::smallint) AS unpaid, coalesce(j.lease_until, 0) AS lease_until, \
                coalesce(j.deadline, 0) AS deadline, e.position, e.type, e.schema_version, e.payload \
         FROM generation_contents c JOIN events e ON e.position = c.position \
         LEFT JOIN jobs j USING (generation) \
         WHERE c.generation = ANY($1)",
    )
    .bind(generations)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let requested =
                Event::decode(row.try_get("type")?, row.try_get("schema_version")?, row.try_get("payload")?);
            let position = row.try_get("position")?;
            Ok(JobContent {
                generation: row.try_get("generation")?,
                prompt: row.try_get("prompt")?,
                file_refs: row.try_get("file_refs")?,
                system: row.try_get("system")?,
                conversation: row.try_get("conversation")?,
                follows: row.try_get("follows")?,
                followed_files: row.try_get("followed_files")?,
                doubts: row.try_get("doubts")?,
                unpaid: row.try_get("unpaid")?,
                lease_until: row.try_get("lease_until")?,
                deadline: row.try_get("deadline")?,
                requested: requested.map_err(|source| BadRow::Event { position, source })?,
            })
        })
        .collect()
}

/// The service's key of this name.
pub async fn service_key(pool: &PgPool, name: &str) -> Result<[u8; 32], sqlx::Error> {
    let key: Vec<u8> =
        sqlx::query_scalar("SELECT key FROM service_keys WHERE name = $1").bind(name).fetch_one(pool).await?;
    key.try_into().map_err(|_| sqlx::Error::RowNotFound)
}

/// A message that shows how a generation or a payment stands.
pub async fn update_context(
    pool: &PgPool,
    account: AccountId,
    subject: &str,
    status: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "WITH generation AS (UPDATE generation_contents SET status_message = $3 \
                   WHERE generation = $1 AND account_id = $2 RETURNING 1), \
               payment AS (UPDATE chat_contexts SET status_message = $3 \
                   WHERE subject = $1 AND account_id = $2 RETURNING 1) \
               SELECT EXISTS (TABLE generation) OR EXISTS (TABLE payment)";
    sqlx::query_scalar(sql).bind(subject).bind(account.0).bind(status).fetch_one(pool).await
}

/// How far a consumer says it is done; never further than the log goes.
pub async fn consumer_done(pool: &PgPool, consumer: &str, position: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO consumers SELECT $1, least($2, position) FROM log_head ON CONFLICT (consumer) \
         DO UPDATE SET done_through = greatest(consumers.done_through, excluded.done_through)",
    )
    .bind(consumer)
    .bind(position)
    .execute(pool)
    .await?;
    Ok(())
}

/// Jobs past their reservation's deadline: (generation, account).
pub async fn due_jobs(pool: &PgPool, now: i64, limit: i64) -> Result<Vec<(String, AccountId)>, sqlx::Error> {
    let sql = "SELECT generation, account_id FROM jobs WHERE deadline <= $1 ORDER BY deadline LIMIT $2";
    let due: Vec<(String, Uuid)> = sqlx::query_as(sql).bind(now).bind(limit).fetch_all(pool).await?;
    Ok(due.into_iter().map(|(generation, account)| (generation, AccountId(account))).collect())
}

/// A lot whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueLot {
    pub account: AccountId,
    pub lot: LotId,
    /// µs.
    pub expires_at: i64,
}

pub async fn due_lots(pool: &PgPool, now: i64, limit: i64) -> Result<Vec<DueLot>, sqlx::Error> {
    let sql = "SELECT account_id, lot, expires_at FROM expiring_lots WHERE expires_at <= $1 \
               ORDER BY expires_at LIMIT $2";
    let due: Vec<(Uuid, i64, i64)> = sqlx::query_as(sql).bind(now).bind(limit).fetch_all(pool).await?;
    let read = |(account, lot, expires_at)| {
        Some(DueLot { account: AccountId(account), lot: LotId::new(lot).ok()?, expires_at })
    };
    Ok(due.into_iter().filter_map(read).collect())
}

/// There is nothing left of these to expire.
pub async fn forget_lots(pool: &PgPool, lots: &[DueLot]) -> Result<(), sqlx::Error> {
    let accounts: Vec<Uuid> = lots.iter().map(|l| l.account.0).collect();
    let ids: Vec<i64> = lots.iter().map(|l| l.lot.get()).collect();
    let ends: Vec<i64> = lots.iter().map(|l| l.expires_at).collect();
    let sql = "DELETE FROM expiring_lots l USING unnest($1::bigint[], $2::uuid[], $3::bigint[]) AS x(ends, account, lot) \
               WHERE l.expires_at = x.ends AND l.account_id = x.account AND l.lot = x.lot";
    sqlx::query(sql).bind(ends).bind(accounts).bind(ids).execute(pool).await?;
    Ok(())
}

/// These are due so many µs later.
pub async fn postpone_lots(pool: &PgPool, lots: &[DueLot], later_us: i64) -> Result<(), sqlx::Error> {
    let accounts: Vec<Uuid> = lots.iter().map(|l| l.account.0).collect();
    let ids: Vec<i64> = lots.iter().map(|l| l.lot.get()).collect();
    let ends: Vec<i64> = lots.iter().map(|l| l.expires_at).collect();
    let sql = "WITH moved AS (DELETE FROM expiring_lots l \
                   USING unnest($1::bigint[], $2::uuid[], $3::bigint[]) AS x(ends, account, lot) \
                   WHERE l.expires_at = x.ends AND l.account_id = x.account AND l.lot = x.lot RETURNING l.*) \
               INSERT INTO expiring_lots (account_id, lot, expires_at) \
                   SELECT account_id, lot, expires_at + $4 FROM moved";
    sqlx::query(sql).bind(ends).bind(accounts).bind(ids).bind(later_us).execute(pool).await?;
    Ok(())
}

/// A job that nobody holds.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FreeJob {
    pub generation: String,
    pub position: i64,
    /// The last one.
    pub attempt: i64,
    pub kind: String,
    pub model: String,
}

/// A job, and what is held for it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenJob {
    pub generation: String,
    pub account_id: Uuid,
    /// Of its GenerationRequested.
    pub position: i64,
    pub kind: String,
    pub model: String,
    /// The last one.
    pub attempt: i16,
    pub doubts: i16,
    /// Whether somebody holds it until then, or it rests until it is tried again; µs.
    pub is_claimed: bool,
    pub lease_until: i64,
    /// When its reservation expires; µs.
    pub deadline: i64,
}

/// Jobs, those with the nearest deadlines first, from this one on.
pub async fn all_jobs(
    pool: &PgPool,
    (deadline, generation): (i64, &str),
    limit: i64,
) -> Result<Vec<OpenJob>, sqlx::Error> {
    let sql = "SELECT generation, account_id, position, kind, model, attempt, doubts, lease_us > 0 AS is_claimed, \
                   lease_until, deadline FROM jobs WHERE deadline >= $1 AND (deadline, generation) >= ($1, $2) \
               ORDER BY deadline, generation LIMIT $3";
    sqlx::query_as(sql).bind(deadline).bind(generation).bind(limit).fetch_all(pool).await
}

/// Open jobs that a sweep looks at, those with the nearest deadlines: it is one every 2 s from each worker.
const LOOKED_AT_MAX: i64 = 4_096;

/// The turns of open jobs: $1 now, $2 how many of a person's are worked on at once, $3 models that rest, $4 how many are looked at.
const TURNS: &str = "near AS (SELECT * FROM jobs WHERE lease_until >= $1 OR model <> ALL($3) ORDER BY deadline LIMIT $4), \
    turns AS (SELECT *, \
        count(*) FILTER (WHERE lease_until >= $1 AND lease_us > 0) OVER person AS working, \
        count(*) FILTER (WHERE lease_until < $1) OVER (person ORDER BY position) AS turn \
        FROM near WINDOW person AS (PARTITION BY account_id))";

/// Jobs that nobody holds, of people of whose jobs fewer than this are worked on. Everybody's first come before
/// anybody's second, of these the oldest first. Those of resting models are left out before they are counted.
pub async fn open_jobs(
    pool: &PgPool,
    limit: i64,
    working_max: i64,
    now: i64,
    resting: &[String],
) -> Result<Vec<FreeJob>, sqlx::Error> {
    let sql = format!(
        "WITH {TURNS} SELECT generation, position, attempt::bigint, kind, model FROM turns \
         WHERE lease_until < $1 AND working < $2 ORDER BY working + turn, position LIMIT $5"
    );
    let asked = sqlx::query_as(AssertSqlSafe(sql)).bind(now).bind(working_max).bind(resting);
    asked.bind(LOOKED_AT_MAX).bind(limit).fetch_all(pool).await
}

/// How many jobs that nobody holds a sweep shows before this one. `None`: it does not wait.
pub async fn jobs_before(
    pool: &PgPool,
    generation: &str,
    working_max: i64,
    now: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let sql = format!(
        "WITH {TURNS}, free AS (SELECT working + turn AS place, position FROM turns \
             WHERE lease_until < $1 AND working < $2) \
         SELECT CASE WHEN mine.generation IS NULL THEN $4 ELSE (SELECT count(*) FROM free \
             WHERE (free.place, free.position) < (mine.working + mine.turn, mine.position)) END \
         FROM jobs LEFT JOIN turns mine USING (generation) WHERE jobs.generation = $5 AND jobs.lease_until < $1"
    );
    let none: &[String] = &[];
    let asked = sqlx::query_scalar(AssertSqlSafe(sql)).bind(now).bind(working_max).bind(none);
    asked.bind(LOOKED_AT_MAX).bind(generation).fetch_optional(pool).await
}

pub async fn prompt(pool: &PgPool, generation: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT prompt FROM generation_contents WHERE generation = $1")
        .bind(generation)
        .fetch_optional(pool)
        .await
}

/// A made thing and where it is.
#[derive(Debug, Clone)]
pub struct OutputRow {
    pub object: String,
    pub sha256: String,
    pub media_type: MediaType,
    pub bytes: i64,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub file_id: Option<String>,
}

pub async fn outputs(pool: &PgPool, generation: &str) -> Result<Vec<OutputRow>, sqlx::Error> {
    let sql = "SELECT * FROM generation_outputs WHERE generation = $1 ORDER BY ordinal";
    let rows = sqlx::query(sql).bind(generation).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let media_type: String = row.try_get("media_type")?;
            let media_type = serde_json::from_value(serde_json::Value::String(media_type))
                .map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
            Ok(OutputRow {
                object: row.try_get("object")?,
                sha256: row.try_get("sha256")?,
                media_type,
                bytes: row.try_get("bytes")?,
                width: row.try_get("width")?,
                height: row.try_get("height")?,
                file_id: row.try_get("file_id")?,
            })
        })
        .collect()
}
