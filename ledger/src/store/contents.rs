//! The bot's texts: those that are built in, and those that stand in their place.

use proto_events::commands::{BuiltInText, TextsKnown};
use sqlx::PgPool;

/// What the adapter has built in. One that is older than pictures takes away nothing of what a newer one has said of them.
pub async fn keep_builtin_texts(pool: &PgPool, known: &TextsKnown, now: i64) -> Result<(), sqlx::Error> {
    let texts = &known.texts;
    let column = |of: fn(&BuiltInText) -> &str| texts.iter().map(of).collect::<Vec<_>>();
    // Names have no spaces.
    let beside = |text: &BuiltInText| {
        let names = text.beside.as_ref()?.iter().map(|name| name.as_str());
        Some(names.collect::<Vec<_>>().join(" "))
    };
    let sql = "INSERT INTO builtin_texts (key, language, text, beside, known_at) \
               SELECT DISTINCT ON (k, l) k, l, t, string_to_array(b, ' '), $5 \
               FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS u(k, l, t, b) \
               ON CONFLICT (key, language) DO UPDATE SET text = excluded.text, known_at = excluded.known_at, \
                   beside = CASE WHEN $6 THEN excluded.beside ELSE coalesce(excluded.beside, builtin_texts.beside) END";
    sqlx::query(sql)
        .bind(column(|text| text.key.as_str()))
        .bind(column(|text| text.language.as_str()))
        .bind(column(|text| text.text.as_str()))
        .bind(texts.iter().map(beside).collect::<Vec<_>>())
        .bind(now)
        .bind(known.pictured)
        .execute(pool)
        .await?;
    Ok(())
}

/// A text of the bot's.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct BotText {
    pub key: String,
    pub language: String,
    pub builtin: String,
    /// In its place.
    pub own: Option<String>,
    /// Of the event that changed it last; 0: none has.
    pub version: i64,
    /// Of a text above which a picture may stand: the others that may stand in its message.
    pub beside: Option<Vec<String>>,
    /// The digest of the picture above it.
    pub picture: Option<String>,
}

/// All, or those of a name, or of a name and a language.
pub async fn bot_texts(
    pool: &PgPool,
    key: Option<&str>,
    language: Option<&str>,
) -> Result<Vec<BotText>, sqlx::Error> {
    let sql = "SELECT key, language, b.text AS builtin, c.text AS own, coalesce(c.version, 0) AS version, b.beside, \
                   p.sha256 AS picture FROM builtin_texts b \
               LEFT JOIN contents c USING (key, language) LEFT JOIN text_pictures p USING (key, language) \
               WHERE ($1::text IS NULL OR key = $1) AND ($2::text IS NULL OR language = $2) ORDER BY key, language";
    sqlx::query_as(sql).bind(key).bind(language).fetch_all(pool).await
}

/// A text that was put in the place of a built-in one, or taken back.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Content {
    pub key: String,
    pub language: String,
    pub text: Option<String>,
    pub version: i64,
}

/// At once: with 4096 characters each they fit a message.
const CONTENTS_MAX: i64 = 60;

/// Changed after this version, oldest first; more may follow.
pub async fn contents(pool: &PgPool, after: i64) -> Result<Vec<Content>, sqlx::Error> {
    let sql =
        "SELECT key, language, text, version FROM contents WHERE version > $1 ORDER BY version LIMIT $2";
    sqlx::query_as(sql).bind(after).bind(CONTENTS_MAX).fetch_all(pool).await
}
