//! How far the follow-ups are, and what an erasure deletes after its event.

use sqlx::PgPool;
use uuid::Uuid;

use super::begin;

pub async fn followed_through(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT position FROM follow_ups").fetch_one(pool).await
}

/// Never back: an old leader that wakes up may say less.
pub async fn set_followed_through(pool: &PgPool, position: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE follow_ups SET position = $1 WHERE position < $1")
        .bind(position)
        .execute(pool)
        .await?;
    Ok(())
}

/// Something of an erased account that content belongs to: a payment or a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedSubject {
    pub id: String,
    /// Of a generation.
    pub attempts: i16,
}

/// What a person wrote and was sent, by the ids of what it belongs to; tellings that wait are called off. What of it
/// lies in MEDIA is written down for deletion. Their positions in the log stay.
/// `objects`: the providers' ids of their payments and refunds.
pub async fn delete_content(
    pool: &PgPool,
    account: Uuid,
    subjects: &[ErasedSubject],
    objects: &[String],
) -> Result<(), sqlx::Error> {
    // Files lie under the SHA-256 of their id: `proto_events::media::file_object`.
    const DOOMED: [&str; 3] = [
        "INSERT INTO erased_media (kind, name) \
            SELECT 'object', object FROM generation_outputs WHERE generation = ANY($1) AND account_id = $2 \
            ON CONFLICT DO NOTHING",
        "INSERT INTO erased_media (kind, name) \
            SELECT DISTINCT 'object', 'files/' || encode(sha256(convert_to(file, 'UTF8')), 'hex') \
            FROM generation_contents, unnest(file_refs) AS file WHERE generation = ANY($1) AND account_id = $2 \
            ON CONFLICT DO NOTHING",
        "INSERT INTO erased_media (kind, name) \
            SELECT DISTINCT 'object', 'files/' || encode(sha256(convert_to(file_id, 'UTF8')), 'hex') \
            FROM generation_outputs WHERE generation = ANY($1) AND account_id = $2 AND file_id IS NOT NULL \
            ON CONFLICT DO NOTHING",
    ];
    const DELETES: [&str; 6] = [
        "DELETE FROM chat_contexts WHERE subject = ANY($1) AND account_id = $2",
        "DELETE FROM payment_links WHERE payment = ANY($1) AND account_id = $2",
        "DELETE FROM generation_contents WHERE generation = ANY($1) AND account_id = $2",
        "DELETE FROM generation_outputs WHERE generation = ANY($1) AND account_id = $2",
        "DELETE FROM notices WHERE payment = ANY($1) AND account_id = $2",
        "DELETE FROM deliveries WHERE subject = ANY($1) AND account_id = $2",
    ];
    let worked_on = "INSERT INTO erased_media (kind, name, attempts) \
        SELECT 'generation', x.id, x.attempts FROM unnest($1::text[], $2::smallint[]) AS x(id, attempts) \
        WHERE x.attempts > 0 ON CONFLICT DO NOTHING";
    let attempts: Vec<i16> = subjects.iter().map(|subject| subject.attempts).collect();
    let subjects: Vec<&str> = subjects.iter().map(|subject| subject.id.as_str()).collect();
    let mut transaction = begin(pool).await?;
    sqlx::query(worked_on).bind(&subjects).bind(attempts).execute(&mut *transaction).await?;
    for sql in DOOMED.into_iter().chain(DELETES) {
        sqlx::query(sql).bind(&subjects).bind(account).execute(&mut *transaction).await?;
    }
    // Words that came before it was known whose they are.
    let words = "DELETE FROM notices WHERE object = ANY($1) AND account_id IS NULL";
    sqlx::query(words).bind(objects).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// What is kept by account. Nothing is added any more: whoever adds something locks the profile first, which is gone.
pub async fn delete_kept(pool: &PgPool, account: Uuid) -> Result<(), sqlx::Error> {
    // Files lie under the SHA-256 of their id: `proto_events::media::file_object`.
    const DOOMED: &str = "INSERT INTO erased_media (kind, name) \
        SELECT DISTINCT 'object', 'files/' || encode(sha256(convert_to(file_id, 'UTF8')), 'hex') FROM ( \
            SELECT file_id FROM reference_photos WHERE account_id = $1 \
            UNION ALL \
            SELECT part->'photo'->>'file_id' FROM album_parts JOIN albums USING (chat, name) \
                WHERE account_id = $1 AND part IS NOT NULL) AS files \
        ON CONFLICT DO NOTHING";
    const DELETES: [&str; 7] = [
        "DELETE FROM reference_photos WHERE account_id = $1",
        "DELETE FROM albums WHERE account_id = $1",
        "DELETE FROM message_contents WHERE account_id = $1",
        "DELETE FROM support_notes WHERE account_id = $1",
        "DELETE FROM broadcast_recipients WHERE account_id = $1",
        "DELETE FROM parked_deliveries WHERE account_id = $1",
        "UPDATE dead_letters SET body = NULL, message = NULL WHERE account_id = $1",
    ];
    let mut transaction = begin(pool).await?;
    for sql in std::iter::once(DOOMED).chain(DELETES) {
        sqlx::query(sql).bind(account).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// What a line of `erased_media` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MediaKind {
    Object,
    Generation,
    Sessions,
}

/// Something in MEDIA that is to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ErasedMedia {
    pub kind: MediaKind,
    pub name: String,
    /// Of a generation.
    pub attempts: i16,
}

/// All conversations of an account are to be deleted.
pub async fn doom_sessions(pool: &PgPool, account: Uuid) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO erased_media (kind, name) VALUES ('sessions', $1) ON CONFLICT DO NOTHING";
    sqlx::query(sql).bind(account.to_string()).execute(pool).await?;
    Ok(())
}

/// In an order of their own, those after this one.
pub async fn erased_media(
    pool: &PgPool,
    after: Option<&ErasedMedia>,
    limit: i64,
) -> Result<Vec<ErasedMedia>, sqlx::Error> {
    let sql = "SELECT kind, name, attempts FROM erased_media \
        WHERE $1 IS NULL OR (kind, name) > ($1, $2) ORDER BY kind, name LIMIT $3";
    let (kind, name) = after.map(|line| (line.kind, line.name.as_str())).unzip();
    sqlx::query_as(sql).bind(kind).bind(name).bind(limit).fetch_all(pool).await
}

pub async fn media_is_erased(pool: &PgPool, line: &ErasedMedia) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM erased_media WHERE kind = $1 AND name = $2";
    sqlx::query(sql).bind(line.kind).bind(&line.name).execute(pool).await?;
    Ok(())
}
