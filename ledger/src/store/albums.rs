//! Albums on their way: they come photo by photo, and one instance deals with each. Times are the log's, in µs.

use proto_events::AccountId;
use proto_events::commands::{ALBUM_MAX, AlbumPut};
use proto_events::queries::AlbumPart;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

/// What became of a photo of an album.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlbumPutDone {
    Kept,
    /// Nobody has this account.
    Gone,
    /// Another person's album is called so.
    Anothers,
    Full,
}

/// Keeps a part; the album is due at `due` if it is a new one.
pub async fn put_album(
    pool: &PgPool,
    account: AccountId,
    put: AlbumPut,
    due: i64,
) -> Result<AlbumPutDone, sqlx::Error> {
    let AlbumPut { chat, group, message, photo, caption } = put;
    let outcome: String = sqlx::query_scalar("SELECT album_put($1, $2, $3, $4, $5, $6, $7)")
        .bind(account.0)
        .bind(chat)
        .bind(group.as_str())
        .bind(message)
        .bind(Json(AlbumPart { message, photo, caption }))
        .bind(i32::try_from(ALBUM_MAX).unwrap_or(i32::MAX))
        .bind(due)
        .fetch_one(pool)
        .await?;
    Ok(match outcome.as_str() {
        "gone" => AlbumPutDone::Gone,
        "anothers" => AlbumPutDone::Anothers,
        "full" => AlbumPutDone::Full,
        _ => AlbumPutDone::Kept,
    })
}

/// How far a claim of an album got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlbumClaimed {
    Yours {
        account: AccountId,
        lease_until: i64,
        parts: Vec<AlbumPart>,
    },
    Held {
        until: i64,
    },
    /// More photos may come until then.
    Coming {
        until: i64,
    },
    /// It was dealt with, or never came.
    Done,
}

/// Takes the right to deal with an album; the same claimant gets the same grant again.
pub async fn claim_album(
    pool: &PgPool,
    (chat, group): (i64, &str),
    claimant: &str,
    lease_us: i64,
    now: i64,
) -> Result<AlbumClaimed, sqlx::Error> {
    let (outcome, person, until): (String, Option<Uuid>, Option<i64>) =
        sqlx::query_as("SELECT outcome, person, until FROM album_claim($1, $2, $3, $4, $5)")
            .bind(chat)
            .bind(group)
            .bind(claimant)
            .bind(now)
            .bind(lease_us)
            .fetch_one(pool)
            .await?;
    let until = until.unwrap_or_default();
    Ok(match (outcome.as_str(), person) {
        ("held", _) => AlbumClaimed::Held { until },
        ("coming", _) => AlbumClaimed::Coming { until },
        ("yours", Some(account)) => {
            let parts = granted(pool, chat, group).await?;
            AlbumClaimed::Yours { account: AccountId(account), lease_until: until, parts }
        }
        _ => AlbumClaimed::Done,
    })
}

async fn granted(pool: &PgPool, chat: i64, group: &str) -> Result<Vec<AlbumPart>, sqlx::Error> {
    let sql = "SELECT part FROM album_parts WHERE chat = $1 AND name = $2 AND granted AND part IS NOT NULL \
               ORDER BY message";
    let parts: Vec<Json<AlbumPart>> = sqlx::query_scalar(sql).bind(chat).bind(group).fetch_all(pool).await?;
    Ok(parts.into_iter().map(|Json(part)| part).collect())
}

/// The album was dealt with. False: another has it, or it was done with already.
pub async fn finish_album(
    pool: &PgPool,
    (chat, group): (i64, &str),
    claimant: &str,
    now: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT album_done($1, $2, $3, $4)")
        .bind(chat)
        .bind(group)
        .bind(claimant)
        .bind(now)
        .fetch_one(pool)
        .await
}

/// An album whose parts have come and that nobody holds.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DueAlbum {
    pub account_id: Uuid,
    pub chat: i64,
    pub name: String,
}

pub async fn due_albums(pool: &PgPool, limit: i64, now: i64) -> Result<Vec<DueAlbum>, sqlx::Error> {
    let sql = "SELECT account_id, chat, name FROM albums \
               WHERE done_at IS NULL AND due_at <= $2 AND lease_until < $2 ORDER BY due_at LIMIT $1";
    sqlx::query_as(sql).bind(limit).bind(now).fetch_all(pool).await
}

/// Forgets what was done with before a time, and what nobody could deal with since another. How many each.
pub async fn prune_albums(
    pool: &PgPool,
    done_before: i64,
    due_before: i64,
) -> Result<(u64, u64), sqlx::Error> {
    let done = sqlx::query("DELETE FROM albums WHERE done_at < $1").bind(done_before).execute(pool).await?;
    let sql = "DELETE FROM albums WHERE done_at IS NULL AND due_at < $1";
    let stuck = sqlx::query(sql).bind(due_before).execute(pool).await?;
    Ok((done.rows_affected(), stuck.rows_affected()))
}
