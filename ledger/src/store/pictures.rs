//! Pictures above the bot's texts: their bytes by digest, and which stands where.

use sqlx::PgPool;

/// That were brought and stand nowhere; of more the oldest go: nobody looks at so many at once.
const WAITING_MAX: i64 = 50;
/// At once: the bot has fewer texts.
const CHANGED_MAX: i64 = 500;

/// A picture, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ShopPicture {
    pub sha256: String,
    /// png or jpeg
    pub media_type: String,
    pub width: i32,
    pub height: i32,
    /// How many bytes it has.
    pub size: i32,
}

/// Keeps a picture that is looked at, for a day unless it is put above a text by then.
pub async fn keep_picture(pool: &PgPool, picture: &ShopPicture, bytes: &[u8]) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO shop_pictures (sha256, media_type, width, height, bytes, at) \
               VALUES ($1, $2, $3, $4, $5, now_us()) ON CONFLICT (sha256) DO UPDATE SET at = excluded.at";
    sqlx::query(sql)
        .bind(&picture.sha256)
        .bind(&picture.media_type)
        .bind(picture.width)
        .bind(picture.height)
        .bind(bytes)
        .execute(pool)
        .await?;
    let sql = "DELETE FROM shop_pictures WHERE sha256 IN (SELECT s.sha256 FROM shop_pictures s WHERE NOT EXISTS \
               (SELECT FROM text_pictures t WHERE t.sha256 = s.sha256) ORDER BY s.at DESC OFFSET $1 FOR UPDATE SKIP LOCKED)";
    sqlx::query(sql).bind(WAITING_MAX).execute(pool).await?;
    Ok(())
}

/// Forgets those that stand nowhere and were brought, or taken back, before this.
pub async fn prune_pictures(pool: &PgPool, before: i64) -> Result<(), sqlx::Error> {
    // What is just being put is locked, and stays.
    let sql = "DELETE FROM shop_pictures WHERE sha256 IN (SELECT s.sha256 FROM shop_pictures s WHERE at < $1 AND NOT EXISTS \
               (SELECT FROM text_pictures t WHERE t.sha256 = s.sha256) FOR UPDATE SKIP LOCKED)";
    sqlx::query(sql).bind(before).execute(pool).await?;
    Ok(())
}

pub async fn shop_picture(pool: &PgPool, sha256: &str) -> Result<Option<ShopPicture>, sqlx::Error> {
    let sql = "SELECT sha256, media_type, width, height, length(bytes) AS size FROM shop_pictures \
               WHERE sha256 = $1";
    sqlx::query_as(sql).bind(sha256).fetch_optional(pool).await
}

/// How many bytes it has, and so many of them from one on.
pub async fn picture_bytes(
    pool: &PgPool,
    sha256: &str,
    from: i32,
    most: i32,
) -> Result<Option<(i32, Vec<u8>)>, sqlx::Error> {
    let sql =
        "SELECT length(bytes), substring(bytes FROM $2 + 1 FOR $3) FROM shop_pictures WHERE sha256 = $1";
    sqlx::query_as(sql).bind(sha256).bind(from).bind(most).fetch_optional(pool).await
}

/// Its media type and all of its bytes.
pub async fn whole_picture(pool: &PgPool, sha256: &str) -> Result<Option<(String, Vec<u8>)>, sqlx::Error> {
    let sql = "SELECT media_type, bytes FROM shop_pictures WHERE sha256 = $1";
    sqlx::query_as(sql).bind(sha256).fetch_optional(pool).await
}

/// What stands above a text, or does no more.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PictureAbove {
    pub key: String,
    pub language: String,
    pub sha256: Option<String>,
    pub media_type: Option<String>,
    pub size: Option<i32>,
    pub version: i64,
}

/// Changed after this version, oldest first; more may follow.
pub async fn changed_pictures(pool: &PgPool, after: i64) -> Result<Vec<PictureAbove>, sqlx::Error> {
    let sql = "SELECT key, language, sha256, media_type, length(bytes) AS size, version FROM text_pictures \
               LEFT JOIN shop_pictures USING (sha256) WHERE version > $1 ORDER BY version LIMIT $2";
    sqlx::query_as(sql).bind(after).bind(CHANGED_MAX).fetch_all(pool).await
}
