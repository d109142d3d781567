//! Second factors of people of the console. Times are Postgres' own, in µs.

use sqlx::PgPool;
use uuid::Uuid;

/// What codes are checked against.
#[derive(sqlx::FromRow)]
pub struct Totp {
    /// Of the secret.
    pub id: Uuid,
    pub secret: Vec<u8>,
    pub is_on: bool,
    /// Postgres' clock when it was read.
    pub now_us: i64,
}

pub async fn totp(pool: &PgPool, name: &str) -> Result<Option<Totp>, sqlx::Error> {
    let sql =
        "SELECT id, secret, on_at IS NOT NULL AS is_on, now_us() AS now_us FROM staff_totp WHERE name = $1";
    sqlx::query_as(sql).bind(name).fetch_optional(pool).await
}

/// Those who have one that is on.
pub async fn names_with_totp(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT name FROM staff_totp WHERE on_at IS NOT NULL").fetch_all(pool).await
}

/// A new secret, in the place of one that was never confirmed. False: one is on.
pub async fn begin_totp(pool: &PgPool, name: &str, id: Uuid, secret: &[u8]) -> Result<bool, sqlx::Error> {
    let sql = "INSERT INTO staff_totp (name, id, secret, begun_at) VALUES ($1, $2, $3, now_us()) \
               ON CONFLICT (name) DO UPDATE SET id = EXCLUDED.id, secret = EXCLUDED.secret, begun_at = EXCLUDED.begun_at \
               WHERE staff_totp.on_at IS NULL";
    let begun = sqlx::query(sql).bind(name).bind(id).bind(secret).execute(pool).await?;
    Ok(begun.rows_affected() == 1)
}

/// From now on its codes are asked for; this step's is spent, and all sessions but this one end, which were begun without it.
/// False: it is another secret by now, or was on before.
pub async fn turn_totp_on(
    pool: &PgPool,
    name: &str,
    id: Uuid,
    step: i64,
    recovery_hashes: &[Vec<u8>],
    session: Uuid,
) -> Result<bool, sqlx::Error> {
    let sql = "WITH turned AS (UPDATE staff_totp SET on_at = now_us(), last_step = $3 \
                   WHERE name = $1 AND id = $2 AND on_at IS NULL RETURNING name), \
               ended AS (DELETE FROM console_sessions c USING turned t WHERE c.name = t.name AND c.id <> $5), \
               codes AS (INSERT INTO staff_recovery_codes (name, hash) SELECT t.name, h FROM turned t, unnest($4::bytea[]) h) \
               SELECT count(*) FROM turned";
    let turned: i64 = sqlx::query_scalar(sql)
        .bind(name)
        .bind(id)
        .bind(step)
        .bind(recovery_hashes)
        .bind(session)
        .fetch_one(pool)
        .await?;
    Ok(turned == 1)
}

/// Takes the code of this step, once: false when it or a later one was taken before, or the secret is another by now.
pub async fn spend_step(pool: &PgPool, name: &str, id: Uuid, step: i64) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE staff_totp SET last_step = $3 WHERE name = $1 AND id = $2 AND on_at IS NOT NULL AND last_step < $3";
    let spent = sqlx::query(sql).bind(name).bind(id).bind(step).execute(pool).await?;
    Ok(spent.rows_affected() == 1)
}

/// Takes a recovery code, once.
pub async fn spend_recovery_code(pool: &PgPool, name: &str, hash: &[u8]) -> Result<bool, sqlx::Error> {
    let sql = "DELETE FROM staff_recovery_codes WHERE name = $1 AND hash = $2";
    let spent = sqlx::query(sql).bind(name).bind(hash).execute(pool).await?;
    Ok(spent.rows_affected() == 1)
}

pub async fn recovery_codes_left(pool: &PgPool, name: &str) -> Result<i64, sqlx::Error> {
    let sql = "SELECT count(*) FROM staff_recovery_codes WHERE name = $1";
    sqlx::query_scalar(sql).bind(name).fetch_one(pool).await
}

/// No codes of this secret are asked for any more, and none is known.
pub async fn forget_totp(pool: &PgPool, name: &str, id: Uuid) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM staff_totp WHERE name = $1 AND id = $2";
    sqlx::query(sql).bind(name).bind(id).execute(pool).await.map(drop)
}

/// The password was right; those whose time is over are forgotten with it.
pub async fn begin_sign_in(
    pool: &PgPool,
    token_hash: &[u8],
    name: &str,
    password_hash: &str,
    life_us: i64,
) -> Result<(), sqlx::Error> {
    let sql = "WITH over AS (DELETE FROM console_sign_ins WHERE began_at < now_us() - $4) \
               INSERT INTO console_sign_ins (token_hash, name, password_hash, began_at) VALUES ($1, $2, $3, now_us())";
    let begun = sqlx::query(sql).bind(token_hash).bind(name).bind(password_hash).bind(life_us);
    begun.execute(pool).await.map(drop)
}

/// Who is about to give a code, and what their password was checked against; the try is counted. `None`: nobody, too late, or
/// too often.
pub async fn try_sign_in(
    pool: &PgPool,
    token_hash: &[u8],
    life_us: i64,
    tries_max: i16,
) -> Result<Option<(String, String)>, sqlx::Error> {
    let sql = "UPDATE console_sign_ins SET tries = tries + 1 \
               WHERE token_hash = $1 AND began_at > now_us() - $2 AND tries < $3 RETURNING name, password_hash";
    sqlx::query_as(sql).bind(token_hash).bind(life_us).bind(tries_max).fetch_optional(pool).await
}

pub async fn end_sign_in(pool: &PgPool, token_hash: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM console_sign_ins WHERE token_hash = $1")
        .bind(token_hash)
        .execute(pool)
        .await
        .map(drop)
}
