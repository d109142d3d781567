//! Broadcasts and their recipients. Which are sent is in the log; `log_side_change` changes the rows in the append. Times are
//! the log's, in µs.

use proto_events::commands::{BroadcastDraft, BroadcastStart, MessageContent, Segment, SendOutcome};
use proto_events::{AccountId, Micros};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

/// Where who is meant by a segment is looked for: tables of the projections `daily` and `generations`, and how far back.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub people: String,
    pub generations: String,
    /// Of requests that count: their first position, and their time.
    pub from: i64,
    pub from_us: i64,
}

/// What became of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drafted {
    /// It is written down, for so many.
    For(i32),
    /// One of this name is being sent, or was.
    Started,
    /// One of this name is another than the one that was to be replaced.
    Another,
}

/// Forgets the draft that is to be replaced; the same words once more replace themselves. What was started stays, and what is just
/// being started.
async fn drop_draft(pool: &PgPool, draft: &BroadcastDraft) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM broadcasts WHERE broadcast = $1 AND state = 'draft' \
               AND starting_until < clock_timestamp() AND ($2::bigint IS NULL OR drafted_at = $2 OR segment = $3 AND content = $4)";
    sqlx::query(sql)
        .bind(draft.broadcast.as_str())
        .bind(draft.instead_of.map(|at| at.get()))
        .bind(serde_json::to_string(&draft.segment).map_err(encoded)?)
        .bind(serde_json::to_string(&draft.content).map_err(encoded)?)
        .execute(pool)
        .await?;
    Ok(())
}

/// Writes a draft down with its recipients, in place of an earlier one.
pub async fn draft_broadcast(
    pool: &PgPool,
    draft: &BroadcastDraft,
    chosen: &Chosen,
    now: i64,
) -> Result<Drafted, sqlx::Error> {
    drop_draft(pool, draft).await?;
    let written = write_draft(pool, draft, chosen, now).await?;
    if let Some(recipients) = written {
        return Ok(Drafted::For(recipients));
    }
    let sql = "SELECT state = 'draft' FROM broadcasts WHERE broadcast = $1";
    let is_draft = sqlx::query_scalar(sql).bind(draft.broadcast.as_str()).fetch_optional(pool).await?;
    // Gone meanwhile: somebody else is writing it down.
    Ok(if is_draft.unwrap_or(true) { Drafted::Another } else { Drafted::Started })
}

/// `None`: there is one of this name.
async fn write_draft(
    pool: &PgPool,
    draft: &BroadcastDraft,
    chosen: &Chosen,
    now: i64,
) -> Result<Option<i32>, sqlx::Error> {
    let BroadcastDraft { broadcast, segment, content, .. } = draft;
    let asked = format!(
        "EXISTS (SELECT FROM {} g WHERE g.bucket >= ($6::bigint >> 18)::integer AND g.account_id = p.account_id \
            AND g.requested_at >= $7)",
        chosen.generations
    );
    let paid = format!(
        "EXISTS (SELECT FROM {} d WHERE d.account_id = p.account_id AND d.first_paid IS NOT NULL)",
        chosen.people
    );
    let meant = match segment {
        Segment::Everybody => "true".to_owned(),
        Segment::Language(_) => "p.language = $5".to_owned(),
        Segment::Payers => paid,
        Segment::NeverPaid => format!("NOT {paid}"),
        Segment::Active { .. } => asked,
        Segment::Quiet { .. } => format!("NOT {asked}"),
    };
    let sql = format!(
        "WITH chosen AS MATERIALIZED (SELECT p.account_id FROM profiles p JOIN telegram_identities USING (account_id) \
             WHERE p.away_since IS NULL AND NOT p.banned AND {meant} \
                 AND ($5::text IS NOT NULL OR $6::bigint IS NOT NULL OR $7::bigint IS NOT NULL)), \
         made AS (INSERT INTO broadcasts (broadcast, segment, content, recipients, drafted_at) \
             SELECT $1, $2, $3, (SELECT count(*) FROM chosen), $4 ON CONFLICT DO NOTHING \
             RETURNING broadcast, recipients), \
         people AS (INSERT INTO broadcast_recipients (broadcast, account_id) \
             SELECT made.broadcast, chosen.account_id FROM made, chosen) \
         SELECT recipients FROM made"
    );
    let language = match segment {
        Segment::Language(language) => language.as_str(),
        _ => "",
    };
    sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(broadcast.as_str())
        .bind(serde_json::to_string(segment).map_err(encoded)?)
        .bind(serde_json::to_string(content).map_err(encoded)?)
        .bind(now)
        .bind(language)
        .bind(chosen.from)
        .bind(chosen.from_us)
        .fetch_optional(pool)
        .await
}

fn encoded(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Encode(Box::new(error))
}

/// For as long as an append takes, nobody writes down anew what is to be started. False: it is not what was looked at, or is not there.
pub async fn hold_draft(pool: &PgPool, start: &BroadcastStart) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE broadcasts SET starting_until = clock_timestamp() + interval '10 s' \
               WHERE broadcast = $1 AND recipients = $2 AND ($3::bigint IS NULL OR drafted_at = $3)";
    let held = sqlx::query(sql)
        .bind(start.broadcast.as_str())
        .bind(i64::from(start.recipients))
        .bind(start.drafted_at.map(Micros::get))
        .execute(pool);
    Ok(held.await?.rows_affected() == 1)
}

/// How many a broadcast is for, and when it was written down, if there is one.
pub async fn broadcast_written(pool: &PgPool, broadcast: &str) -> Result<Option<(i32, i64)>, sqlx::Error> {
    let sql = "SELECT recipients, drafted_at FROM broadcasts WHERE broadcast = $1";
    sqlx::query_as(sql).bind(broadcast).fetch_optional(pool).await
}

/// How far a claim of a broadcast got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BroadcastClaimed {
    Yours {
        broadcast: String,
        content: MessageContent,
        lease_until: i64,
        /// Account, user of Telegram, language.
        recipients: Vec<(Uuid, i64, String)>,
    },
    /// Another sends it.
    Held {
        until: i64,
    },
    Nothing,
}

/// Takes the right to send some of the broadcast that was started first; the same claimant goes on.
pub async fn claim_broadcast(
    pool: &PgPool,
    claimant: &str,
    limit: i64,
    lease_us: i64,
    now: i64,
) -> Result<BroadcastClaimed, sqlx::Error> {
    let (outcome, claimed, until): (String, Option<String>, Option<i64>) =
        sqlx::query_as("SELECT outcome, claimed, until FROM broadcast_claim($1, $2, $3)")
            .bind(claimant)
            .bind(now)
            .bind(lease_us)
            .fetch_one(pool)
            .await?;
    let until = until.unwrap_or_default();
    let broadcast = match (outcome.as_str(), claimed) {
        ("yours", Some(broadcast)) => broadcast,
        ("held", _) => return Ok(BroadcastClaimed::Held { until }),
        _ => return Ok(BroadcastClaimed::Nothing),
    };
    let sql = "SELECT content::json FROM broadcasts WHERE broadcast = $1";
    let Json(content) = sqlx::query_scalar(sql).bind(&broadcast).fetch_one(pool).await?;
    let sql = "SELECT r.account_id, i.telegram_user_id, p.language FROM broadcast_recipients r \
               JOIN telegram_identities i USING (account_id) JOIN profiles p USING (account_id) \
               WHERE r.broadcast = $1 AND r.outcome IS NULL AND p.away_since IS NULL AND NOT p.banned \
               ORDER BY r.account_id LIMIT $2";
    let recipients = sqlx::query_as(sql).bind(&broadcast).bind(limit).fetch_all(pool).await?;
    Ok(BroadcastClaimed::Yours { broadcast, content, lease_until: until, recipients })
}

/// What came of one recipient. False: another sends it.
pub async fn broadcast_told(
    pool: &PgPool,
    (broadcast, claimant): (&str, &str),
    account: AccountId,
    outcome: SendOutcome,
    lease_us: i64,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let became = match outcome {
        SendOutcome::Sent => "sent",
        SendOutcome::Failed => "failed",
        SendOutcome::Blocked => "blocked",
    };
    sqlx::query_scalar("SELECT broadcast_told($1, $2, $3, $4, $5, $6)")
        .bind(broadcast)
        .bind(claimant)
        .bind(account.0)
        .bind(became)
        .bind(now)
        .bind(lease_us)
        .fetch_one(pool)
        .await
}

/// A broadcast as it is now.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Broadcast {
    pub broadcast: String,
    pub state: String,
    /// Both JSON.
    pub segment: String,
    pub content: String,
    pub recipients: i32,
    pub sent: i32,
    pub failed: i32,
    pub blocked: i32,
    pub drafted_at: i64,
    pub changed: i64,
}

const COLUMNS: &str = "broadcast, state, segment, content, recipients, sent, failed, blocked, drafted_at, changed FROM broadcasts";

/// One by its id, or the newest.
pub async fn broadcasts(pool: &PgPool, one: Option<&str>, limit: i64) -> Result<Vec<Broadcast>, sqlx::Error> {
    let Some(one) = one else {
        let sql = format!("SELECT {COLUMNS} ORDER BY drafted_at DESC, broadcast LIMIT $1");
        return sqlx::query_as(AssertSqlSafe(sql)).bind(limit).fetch_all(pool).await;
    };
    let sql = format!("SELECT {COLUMNS} WHERE broadcast = $1");
    sqlx::query_as(AssertSqlSafe(sql)).bind(one).fetch_all(pool).await
}

/// Running ones of which nobody is left.
pub async fn broadcasts_over(pool: &PgPool) -> Result<Vec<Broadcast>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS} b WHERE state = 'running' AND NOT EXISTS (SELECT FROM broadcast_recipients r \
            WHERE r.broadcast = b.broadcast AND r.outcome IS NULL)"
    );
    sqlx::query_as(AssertSqlSafe(sql)).fetch_all(pool).await
}

/// Forgets drafts that were never started, and of what was finished who was among the recipients.
pub async fn prune_broadcasts(pool: &PgPool, before: i64) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM broadcasts WHERE state = 'draft' AND drafted_at < $1";
    sqlx::query(sql).bind(before).execute(pool).await?;
    let sql = "DELETE FROM broadcast_recipients r USING broadcasts b \
               WHERE b.broadcast = r.broadcast AND b.state = 'finished' AND b.drafted_at < $1";
    sqlx::query(sql).bind(before).execute(pool).await?;
    Ok(())
}
