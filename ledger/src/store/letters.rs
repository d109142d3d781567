//! Dead letters: commands that were refused and should not have been.

use sqlx::PgPool;
use uuid::Uuid;

/// As it was refused. Times in µs.
#[derive(Debug, Clone)]
pub struct NewLetter {
    pub letter: String,
    pub producer: &'static str,
    pub verb: String,
    pub command_id: Option<String>,
    pub whose: Whose,
    pub code: String,
    pub message: String,
    pub body: Option<String>,
}

/// Whom its command names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// It can't be read, or it is the service's own.
    Nobodys,
    Account(Uuid),
    /// Somebody who has no account, or none any more.
    NotKnown,
}

/// How many may be open.
#[derive(Debug, Clone, Copy)]
pub struct OpenMax {
    pub all: i64,
    /// Of one producer, verb and code.
    pub alike: i64,
}

/// As it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DeadLetter {
    pub letter: String,
    pub producer: String,
    pub verb: String,
    pub command_id: Option<String>,
    pub account_id: Option<Uuid>,
    pub code: String,
    pub state: String,
    pub times: i64,
    pub first_at: i64,
    pub last_at: i64,
    pub answer: Option<String>,
    pub answered_position: Option<i64>,
    pub answered_at: Option<i64>,
    /// Its content is still there.
    pub whole: bool,
}

const COLUMNS: &str = "letter, producer, verb, command_id, account_id, code, state, times, first_at, last_at, answer, \
    answered_position, answered_at, body IS NOT NULL AS whole";

/// Keeps one, or counts it once more: what was done before is open again, what was dropped stays so. What it says is not kept of
/// whoever is erased or was never here. False: as many as may be are open, and this is none of them.
pub async fn keep_letter(
    pool: &PgPool,
    new: &NewLetter,
    open_max: OpenMax,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let (account, nobodys) = match new.whose {
        Whose::Nobodys => (None, true),
        Whose::Account(account) => (Some(account), false),
        Whose::NotKnown => (None, false),
    };
    // The lock makes an erasure wait, so that it finds what is kept here.
    let sql = "WITH theirs AS (SELECT FROM account_keys WHERE account_id = $5 FOR KEY SHARE) \
               UPDATE dead_letters SET times = times + 1, last_at = $2, \
                   message = CASE WHEN $6 OR EXISTS (TABLE theirs) THEN $3 END, \
                   body = CASE WHEN $6 OR EXISTS (TABLE theirs) THEN $4 END, \
                   account_id = coalesce($5, account_id), state = CASE state WHEN 'done' THEN 'open' ELSE state END \
               WHERE letter = $1";
    let again = sqlx::query(sql)
        .bind(&new.letter)
        .bind(now)
        .bind(&new.message)
        .bind(&new.body)
        .bind(account)
        .bind(nobodys)
        .execute(pool)
        .await?;
    if again.rows_affected() > 0 {
        return Ok(true);
    }
    let sql = "WITH theirs AS (SELECT FROM account_keys WHERE account_id = $5 FOR KEY SHARE) \
               INSERT INTO dead_letters (letter, producer, verb, command_id, account_id, code, message, body, first_at, last_at) \
               SELECT $1, $2, $3, $4, $5, $6, CASE WHEN $10 OR EXISTS (TABLE theirs) THEN $7 END, \
                   CASE WHEN $10 OR EXISTS (TABLE theirs) THEN $8 END, $9, $9 \
               FROM (SELECT count(*) AS many, \
                         count(*) FILTER (WHERE producer = $2 AND verb = $3 AND code = $6) AS alike \
                     FROM dead_letters WHERE state = 'open') AS waiting \
               WHERE many < $11 AND alike < $12 ON CONFLICT DO NOTHING";
    let kept = sqlx::query(sql)
        .bind(&new.letter)
        .bind(new.producer)
        .bind(&new.verb)
        .bind(&new.command_id)
        .bind(account)
        .bind(&new.code)
        .bind(&new.message)
        .bind(&new.body)
        .bind(now)
        .bind(nobodys)
        .bind(open_max.all)
        .bind(open_max.alike)
        .execute(pool)
        .await?;
    Ok(kept.rows_affected() > 0)
}

/// How many wait for somebody.
pub async fn open_letters(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM dead_letters WHERE state = 'open'").fetch_one(pool).await
}

/// Of one state, the newest first.
pub async fn letters(pool: &PgPool, state: &str, limit: i64) -> Result<Vec<DeadLetter>, sqlx::Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM dead_letters WHERE state = $1 ORDER BY last_at DESC, letter LIMIT $2");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(state).bind(limit).fetch_all(pool).await
}

pub async fn letter(pool: &PgPool, letter: &str) -> Result<Option<DeadLetter>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM dead_letters WHERE letter = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(letter).fetch_optional(pool).await
}

/// Its message and its body: what may be personal.
pub async fn letter_content(
    pool: &PgPool,
    letter: &str,
) -> Result<Option<(Option<String>, Option<String>)>, sqlx::Error> {
    let sql = "SELECT message, body FROM dead_letters WHERE letter = $1";
    sqlx::query_as(sql).bind(letter).fetch_optional(pool).await
}

/// What a try by hand was answered. Only what was `done` is no longer open.
pub async fn letter_answered(
    pool: &PgPool,
    letter: &str,
    answer: &str,
    position: Option<i64>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE dead_letters SET answer = $2, answered_position = $3, answered_at = $4, \
                   state = CASE WHEN $2 = 'done' THEN 'done' ELSE state END WHERE letter = $1";
    sqlx::query(sql).bind(letter).bind(answer).bind(position).bind(now).execute(pool).await?;
    Ok(())
}

/// False: it is not open.
pub async fn drop_letter(pool: &PgPool, letter: &str) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE dead_letters SET state = 'dropped' WHERE letter = $1 AND state = 'open'";
    Ok(sqlx::query(sql).bind(letter).execute(pool).await?.rows_affected() > 0)
}

/// Forgets those that were last refused before this, with what they said: nobody has seen to it by then, and nobody will.
pub async fn prune_letters(pool: &PgPool, before: i64) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM dead_letters WHERE state IN ('open', 'done', 'dropped') AND last_at < $1";
    sqlx::query(sql).bind(before).execute(pool).await?;
    Ok(())
}
