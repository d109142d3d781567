//! Tokens of programs that read the console's API. Times are Postgres' own, in µs.

use proto_events::commands::Role;
use sqlx::PgPool;

use super::staff::roles;

/// Without the token, which nobody has but its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    pub name: String,
    pub roles: Vec<Role>,
    pub made_by: String,
    pub made_at: i64,
    pub expires_at: i64,
    pub seen_at: Option<i64>,
}

/// Also those that are over, by name.
pub async fn api_tokens(pool: &PgPool) -> Result<Vec<ApiToken>, sqlx::Error> {
    let sql =
        "SELECT name, roles, made_by, made_at, expires_at, seen_at FROM api_tokens ORDER BY name LIMIT 1000";
    type Found = (String, Vec<String>, String, i64, i64, Option<i64>);
    let all: Vec<Found> = sqlx::query_as(sql).fetch_all(pool).await?;
    let one = |(name, words, made_by, made_at, expires_at, seen_at): Found| ApiToken {
        name,
        roles: roles(&words),
        made_by,
        made_at,
        expires_at,
        seen_at,
    };
    Ok(all.into_iter().map(one).collect())
}

/// The name and roles of a token that is not over, and whose maker is still an administrator. It is seen now, written
/// once a minute at most.
pub async fn api_token(pool: &PgPool, hash: &[u8]) -> Result<Option<(String, Vec<Role>)>, sqlx::Error> {
    let sql = "WITH known AS ( \
                   SELECT t.name, t.roles, t.seen_at FROM api_tokens t JOIN staff s ON s.name = t.made_by \
                   WHERE t.token_hash = $1 AND t.expires_at > now_us() AND 'administrator' = ANY (s.roles)), \
               seen AS (UPDATE api_tokens t SET seen_at = now_us() FROM known k \
                   WHERE t.name = k.name AND coalesce(k.seen_at, 0) < now_us() - 60000000) \
               SELECT name, roles FROM known";
    let found: Option<(String, Vec<String>)> = sqlx::query_as(sql).bind(hash).fetch_optional(pool).await?;
    Ok(found.map(|(name, words)| (name, roles(&words))))
}

/// False: there is one of that name, or this form has made one before.
pub async fn put_api_token(
    pool: &PgPool,
    once: &str,
    name: &str,
    hash: &[u8],
    roles: &[Role],
    made_by: &str,
    lives_us: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "WITH first AS (INSERT INTO api_token_forms (once) VALUES ($6) ON CONFLICT DO NOTHING RETURNING once) \
               INSERT INTO api_tokens (name, token_hash, roles, made_by, made_at, expires_at) \
               SELECT $1, $2, $3, $4, now_us(), now_us() + $5 FROM first ON CONFLICT (name) DO NOTHING";
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    let put = sqlx::query(sql).bind(name).bind(hash).bind(roles).bind(made_by).bind(lives_us).bind(once);
    Ok(put.execute(pool).await?.rows_affected() == 1)
}

pub async fn end_api_token(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM api_tokens WHERE name = $1").bind(name).execute(pool).await.map(drop)
}
