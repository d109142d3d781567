//! Tellings: events that people are to be told of, until they have been. `now` is the log's time in µs.
//!
//! A telling is a row of `deliveries` with a lease. Those for the own chats of people who can't be reached wait in
//! `parked_deliveries`, where no sweep sees them, until the person is back. What they asked for in a group is told there.

use proto_events::AccountId;
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

/// Above this a telling's try is called this: the wire's bound, far above any adapter's patience.
pub const TRY_MAX: i64 = 1_000;

/// Of one person's that are shown at once: who has much to be told holds nobody else up.
const A_PERSON_MAX: i64 = 8;
/// Among so many of the oldest it is chosen what is shown.
const LOOKED_THROUGH_MAX: i64 = 2_048;

/// How far a claim of a telling got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryClaimed {
    Yours {
        attempt: i64,
        lease_until: i64,
        account: AccountId,
        event_type: String,
        subject: String,
    },
    Held {
        until: i64,
    },
    /// The person can't be reached: it waits until they can.
    Parked,
    /// It was told, or was never to be.
    Done,
}

/// Takes the right to tell; the same claimant gets the same grant again while it holds. What is for who can't be reached is
/// set aside until they can.
pub async fn claim_delivery(
    pool: &PgPool,
    position: i64,
    claimant: &str,
    lease_us: i64,
    now: i64,
) -> Result<DeliveryClaimed, sqlx::Error> {
    let claimed = sqlx::query(
        "UPDATE deliveries d SET attempt = attempt + (claimant IS DISTINCT FROM $3)::int, claimant = $3, \
            lease_until = $4 + $2 \
         WHERE position = $1 AND (lease_until < $4 OR claimant = $3) AND (type = 'PaymentQuarantined' \
            OR NOT EXISTS (SELECT FROM profiles p WHERE p.account_id = d.account_id AND p.away_since IS NOT NULL) \
            OR told_elsewhere(account_id, subject)) \
         RETURNING attempt::bigint, lease_until, account_id, type, subject",
    )
    .bind(position)
    .bind(lease_us)
    .bind(claimant)
    .bind(now)
    .fetch_optional(pool)
    .await?;
    if let Some(row) = claimed {
        return Ok(DeliveryClaimed::Yours {
            attempt: row.try_get("attempt")?,
            lease_until: row.try_get("lease_until")?,
            account: AccountId(row.try_get("account_id")?),
            event_type: row.try_get("type")?,
            subject: row.try_get("subject")?,
        });
    }
    let sql = "SELECT lease_until FROM deliveries WHERE position = $1";
    let held: Option<i64> = sqlx::query_scalar(sql).bind(position).fetch_optional(pool).await?;
    let Some(until) = held else { return Ok(DeliveryClaimed::Done) };
    let parked = park_delivery(pool, position, now).await?;
    Ok(if parked { DeliveryClaimed::Parked } else { DeliveryClaimed::Held { until } })
}

/// Extends the right to tell. `None`: another try has it, or it is told.
pub async fn renew_delivery(
    pool: &PgPool,
    position: i64,
    attempt: i64,
    lease_us: i64,
    now: i64,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "UPDATE deliveries SET lease_until = greatest(lease_until, $4 + $3) \
         WHERE position = $1 AND least(attempt, $5) = $2 RETURNING lease_until",
    )
    .bind(position)
    .bind(attempt)
    .bind(lease_us)
    .bind(now)
    .bind(TRY_MAX)
    .fetch_optional(pool)
    .await
}

/// Closes a telling of which this is the try. False: another try has it, it was closed already, or is not known.
pub async fn close_delivery(pool: &PgPool, position: i64, attempt: i64) -> Result<bool, sqlx::Error> {
    let sql = "DELETE FROM deliveries WHERE position = $1 AND least(attempt, $3) = $2";
    let closing = sqlx::query(sql).bind(position).bind(attempt).bind(TRY_MAX);
    Ok(closing.execute(pool).await?.rows_affected() == 1)
}

/// A telling that nobody has told yet, also one that waits for its person to be back.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Untold {
    #[sqlx(rename = "type")]
    pub event_type: String,
    pub subject: String,
}

pub async fn untold(pool: &PgPool, position: i64) -> Result<Option<Untold>, sqlx::Error> {
    let sql = "SELECT type, subject FROM deliveries WHERE position = $1 \
               UNION ALL SELECT type, subject FROM parked_deliveries WHERE position = $1 LIMIT 1";
    sqlx::query_as(sql).bind(position).fetch_optional(pool).await
}

/// Nobody is to be told it any more, whoever is at it.
pub async fn end_delivery(pool: &PgPool, position: i64) -> Result<(), sqlx::Error> {
    // It may go from one table to the other in between.
    while untold(pool, position).await?.is_some() {
        sqlx::query("DELETE FROM deliveries WHERE position = $1").bind(position).execute(pool).await?;
        sqlx::query("DELETE FROM parked_deliveries WHERE position = $1").bind(position).execute(pool).await?;
    }
    Ok(())
}

/// The person can't be reached: the telling waits, and they are away. False as with [`close_delivery`].
pub async fn delivery_blocked(
    pool: &PgPool,
    position: i64,
    attempt: i64,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "SELECT delivery_blocked($1, $2::integer, $3::integer, $4)";
    sqlx::query_scalar(sql).bind(position).bind(attempt).bind(TRY_MAX).bind(now).fetch_one(pool).await
}

/// Sets a telling aside that nobody holds and whose person is away. False: it is not so.
async fn park_delivery(pool: &PgPool, position: i64, now: i64) -> Result<bool, sqlx::Error> {
    let sql = "SELECT delivery_park($1, $2)";
    sqlx::query_scalar(sql).bind(position).bind(now).fetch_one(pool).await
}

/// Sets those aside that no claim has found: how many.
pub async fn park_deliveries(pool: &PgPool, limit: i64, now: i64) -> Result<u64, sqlx::Error> {
    let sql = "SELECT position FROM deliveries d WHERE lease_until < $1 AND type <> 'PaymentQuarantined' \
               AND (SELECT p.away_since FROM profiles p WHERE p.account_id = d.account_id) IS NOT NULL \
               AND NOT told_elsewhere(account_id, subject) LIMIT $2";
    let mut parked = 0;
    for position in sqlx::query_scalar(sql).bind(now).bind(limit).fetch_all(pool).await? {
        parked += u64::from(park_delivery(pool, position, now).await?);
    }
    Ok(parked)
}

/// Whether the person can be reached; who is back is told what waited. False: nobody has this account.
pub async fn set_reach(
    pool: &PgPool,
    account: AccountId,
    reachable: bool,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "SELECT person_reach($1, $2, $3)";
    sqlx::query_scalar(sql).bind(account.0).bind(reachable).bind(now).fetch_one(pool).await
}

/// Tellings that nobody holds and that can be told, oldest first, some of each person's: (position, account, type).
pub async fn open_deliveries(
    pool: &PgPool,
    limit: i64,
    now: i64,
) -> Result<Vec<(i64, Uuid, String)>, sqlx::Error> {
    // Row by row, never by reading all profiles.
    let sql = "WITH oldest AS (SELECT position, account_id, type FROM deliveries d WHERE lease_until < $2 \
                   AND (type = 'PaymentQuarantined' \
                       OR (SELECT p.away_since FROM profiles p WHERE p.account_id = d.account_id) IS NULL \
                       OR told_elsewhere(account_id, subject)) \
                   ORDER BY position LIMIT $3), \
               of_each AS (SELECT *, row_number() OVER (PARTITION BY account_id ORDER BY position) AS nth FROM oldest) \
               SELECT position, account_id, type FROM of_each WHERE nth <= $4 ORDER BY position LIMIT $1";
    let open = sqlx::query_as(sql).bind(limit).bind(now).bind(LOOKED_THROUGH_MAX).bind(A_PERSON_MAX);
    open.fetch_all(pool).await
}

/// Where and in which language to tell a person about a payment or a generation.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Whereabouts {
    pub chat: i64,
    pub message: i64,
    pub status_message: Option<i64>,
    pub language: String,
}

pub async fn whereabouts(pool: &PgPool, subject: &str) -> Result<Option<Whereabouts>, sqlx::Error> {
    sqlx::query_as(
        "SELECT c.chat, c.message, c.status_message, coalesce(p.language, 'en') AS language \
         FROM (SELECT account_id, chat, message, status_message FROM generation_contents WHERE generation = $1 \
               UNION ALL \
               SELECT account_id, chat, message, status_message FROM chat_contexts WHERE subject = $1) c \
         LEFT JOIN profiles p USING (account_id)",
    )
    .bind(subject)
    .fetch_optional(pool)
    .await
}

/// Where to tell a person of what is asked for nowhere: their own chat, which Telegram calls as it calls them.
pub async fn own_chat(pool: &PgPool, account: AccountId) -> Result<Option<(i64, String)>, sqlx::Error> {
    let sql = "SELECT telegram_user_id, language FROM telegram_identities JOIN profiles USING (account_id) \
               WHERE account_id = $1";
    sqlx::query_as(sql).bind(account.0).fetch_optional(pool).await
}

/// What we write to a person, by the position of its MessageRequested: JSON.
pub async fn message_content(pool: &PgPool, position: i64) -> Result<Option<String>, sqlx::Error> {
    let sql = "SELECT content FROM message_contents WHERE position = $1";
    sqlx::query_scalar(sql).bind(position).fetch_optional(pool).await
}
