//! What people have set, keep and were asked. Erased with the account: `store::delete_kept`.

use proto_events::AccountId;
use proto_events::commands::{Photo, ProfileUpdate, REFERENCES_MAX, Setting};
use proto_events::envelope::AccountRef;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

/// A person's settings and what is known of where they are.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Profile {
    pub account_id: Uuid,
    pub language: String,
    /// Where receipts go.
    pub email: Option<String>,
    pub model: Option<String>,
    pub aspect_ratio: Option<String>,
    pub size: Option<String>,
    pub as_file: bool,
    pub conversation: String,
    pub awaits: Option<String>,
    /// µs.
    pub awaits_since: Option<i64>,
    pub away: bool,
    pub banned: bool,
}

/// One round trip, whoever is asked for. `None`: nobody has this account, or none.
pub async fn profile(pool: &PgPool, account: AccountRef) -> Result<Option<Profile>, sqlx::Error> {
    const COLUMNS: &str = "account_id, language, email, model, aspect_ratio, size, as_file, conversation, awaits, \
        awaits_since, away_since IS NOT NULL AS away, banned";
    let by_id = format!("SELECT {COLUMNS} FROM profiles WHERE account_id = $1");
    let by_user = format!(
        "SELECT {COLUMNS} FROM telegram_identities JOIN profiles USING (account_id) WHERE telegram_user_id = $1"
    );
    let asked = match account {
        AccountRef::Id(account) => sqlx::query_as(AssertSqlSafe(by_id)).bind(account.0).fetch_optional(pool),
        AccountRef::Telegram(user) => sqlx::query_as(AssertSqlSafe(by_user)).bind(user).fetch_optional(pool),
    };
    asked.await
}

/// Changes what is given and nothing else. False: nobody has this account.
pub async fn update_profile(
    pool: &PgPool,
    account: AccountId,
    update: &ProfileUpdate,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let (name, value, as_file) = match &update.setting {
        None => (None, None, false),
        Some(Setting::Model(model)) => (Some("model"), model.as_deref(), false),
        Some(Setting::AspectRatio(ratio)) => (Some("aspect_ratio"), ratio.as_deref(), false),
        Some(Setting::Size(size)) => (Some("size"), size.as_deref(), false),
        Some(Setting::AsFile(as_file)) => (Some("as_file"), None, *as_file),
    };
    let sql = "UPDATE profiles SET language = coalesce($2, language), name = coalesce($3, name), \
                  email = coalesce($4, email), conversation = coalesce($5, conversation), \
                  awaits = CASE WHEN $6::text IS NULL THEN awaits ELSE nullif($6, '') END, \
                  awaits_since = CASE WHEN $6 IS NULL THEN awaits_since WHEN $6 = '' THEN NULL ELSE $7 END, \
                  model = CASE WHEN $8 = 'model' THEN $9 ELSE model END, \
                  aspect_ratio = CASE WHEN $8 = 'aspect_ratio' THEN $9 ELSE aspect_ratio END, \
                  size = CASE WHEN $8 = 'size' THEN $9 ELSE size END, \
                  as_file = CASE WHEN $8 = 'as_file' THEN $10 ELSE as_file END \
               WHERE account_id = $1";
    let done = sqlx::query(sql)
        .bind(account.0)
        .bind(update.language.as_deref())
        .bind(update.name.as_deref())
        .bind(update.email.as_deref())
        .bind(update.conversation.as_deref())
        .bind(update.awaits.as_deref())
        .bind(now)
        .bind(name)
        .bind(value)
        .bind(as_file)
        .execute(pool)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// How far photos were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferencesPut {
    Kept,
    /// So many were there, and with all of these there would be too many: none was kept.
    TooMany {
        kept: i32,
    },
    /// Nobody has this account.
    Gone,
}

/// Keeps photos, each once. Of two who put at once the second counts what the first has kept.
pub async fn put_references(
    pool: &PgPool,
    account: AccountId,
    photos: &[Photo],
) -> Result<ReferencesPut, sqlx::Error> {
    let texts = |of: fn(&Photo) -> &str| photos.iter().map(of).collect::<Vec<_>>();
    let sides = |of: fn(&Photo) -> u32| photos.iter().map(|photo| i64::from(of(photo))).collect::<Vec<_>>();
    let sql = "SELECT outcome, coalesce(count, 0) FROM references_put($1, $2, $3, $4, $5, $6)";
    let (outcome, kept): (String, i32) = sqlx::query_as(sql)
        .bind(account.0)
        .bind(texts(|photo| photo.file_id.as_str()))
        .bind(texts(|photo| photo.unique_id.as_str()))
        .bind(sides(|photo| photo.width))
        .bind(sides(|photo| photo.height))
        .bind(i32::try_from(REFERENCES_MAX).unwrap_or(i32::MAX))
        .fetch_one(pool)
        .await?;
    Ok(match outcome.as_str() {
        "kept" => ReferencesPut::Kept,
        "refused" => ReferencesPut::TooMany { kept },
        _ => ReferencesPut::Gone,
    })
}

/// Forgets one, or all.
pub async fn remove_references(
    pool: &PgPool,
    account: AccountId,
    unique_id: Option<&str>,
) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM reference_photos WHERE account_id = $1 AND ($2::text IS NULL OR unique_id = $2)";
    sqlx::query(sql).bind(account.0).bind(unique_id).execute(pool).await?;
    Ok(())
}

/// A photo that is kept for a person.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptPhoto {
    pub file_id: String,
    pub unique_id: String,
    pub width: i64,
    pub height: i64,
}

/// Oldest first.
pub async fn references(pool: &PgPool, account: AccountId) -> Result<Vec<KeptPhoto>, sqlx::Error> {
    let sql = "SELECT file_id, unique_id, width, height FROM reference_photos WHERE account_id = $1 ORDER BY ordinal";
    sqlx::query_as(sql).bind(account.0).fetch_all(pool).await
}

/// This message in an administrator's chat stands for the person. False: nobody has this account.
pub async fn put_support_note(
    pool: &PgPool,
    account: AccountId,
    (chat, message): (i64, i64),
    now: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "WITH there AS (SELECT account_id FROM profiles WHERE account_id = $1 FOR KEY SHARE) \
               INSERT INTO support_notes (chat, message, account_id, noted_at) SELECT $2, $3, account_id, $4 FROM there \
               ON CONFLICT (chat, message) DO UPDATE SET account_id = excluded.account_id, noted_at = excluded.noted_at";
    let done = sqlx::query(sql).bind(account.0).bind(chat).bind(message).bind(now).execute(pool).await?;
    Ok(done.rows_affected() == 1)
}

/// For whom a message in an administrator's chat stands: account, user of Telegram, language.
pub async fn support_note(
    pool: &PgPool,
    chat: i64,
    message: i64,
) -> Result<Option<(Uuid, i64, String)>, sqlx::Error> {
    let sql = "SELECT account_id, telegram_user_id, language FROM support_notes \
               JOIN telegram_identities USING (account_id) JOIN profiles USING (account_id) \
               WHERE chat = $1 AND message = $2";
    sqlx::query_as(sql).bind(chat).bind(message).fetch_optional(pool).await
}

pub async fn prune_support_notes(pool: &PgPool, before: i64) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM support_notes WHERE noted_at < $1";
    Ok(sqlx::query(sql).bind(before).execute(pool).await?.rows_affected())
}

/// What a person could not pay, JSON; absent: nothing. False: nobody has this account.
pub async fn keep_wish(
    pool: &PgPool,
    account: AccountId,
    wish: Option<&str>,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE profiles SET wish = $2, wish_at = CASE WHEN $2::text IS NULL THEN NULL ELSE $3 END \
               WHERE account_id = $1";
    let done = sqlx::query(sql).bind(account.0).bind(wish).bind(now).execute(pool).await?;
    Ok(done.rows_affected() == 1)
}

/// What a person could not pay, and when; µs.
pub async fn wish(pool: &PgPool, account: AccountId) -> Result<Option<(String, i64)>, sqlx::Error> {
    let sql = "SELECT wish, wish_at FROM profiles WHERE account_id = $1 AND wish IS NOT NULL";
    sqlx::query_as(sql).bind(account.0).fetch_optional(pool).await
}

/// The newest generation of the account that made this file.
pub async fn generation_of_file(
    pool: &PgPool,
    account: AccountId,
    unique_id: &str,
) -> Result<Option<String>, sqlx::Error> {
    let sql = "SELECT generation FROM generation_outputs JOIN generation_contents c USING (generation) \
               WHERE unique_id = $2 AND c.account_id = $1 ORDER BY c.position DESC LIMIT 1";
    sqlx::query_scalar(sql).bind(account.0).bind(unique_id).fetch_optional(pool).await
}
