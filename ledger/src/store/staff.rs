//! People of the console and their sessions. Times are Postgres' own, in µs.

use proto_events::commands::Role;
use sqlx::PgPool;
use uuid::Uuid;

/// Somebody who may sign in to the console, or might once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    pub name: String,
    /// None: they may not.
    pub roles: Vec<Role>,
    pub has_password: bool,
}

/// A session that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Tells it apart from others of the same person; opens nothing.
    pub id: Uuid,
    pub name: String,
    pub roles: Vec<Role>,
    /// The password was given so long ago.
    pub proven_us_ago: i64,
}

impl Session {
    /// Whether it has one of these roles.
    pub fn is_one_of(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }
}

/// From where a session was begun.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Origin {
    pub address: String,
    /// As it says of itself.
    pub browser: String,
}

/// A session as its owner is shown it. Times are µs since 1970.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Seen {
    pub id: Uuid,
    pub began_at: i64,
    pub seen_at: i64,
    #[sqlx(flatten)]
    pub from: Origin,
}

/// What a version before this one does not know is no role.
pub(super) fn roles(words: &[String]) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| words.iter().any(|word| word == role.as_str())).collect()
}

/// Everybody, by name.
pub async fn staff(pool: &PgPool) -> Result<Vec<Staff>, sqlx::Error> {
    let sql = "SELECT name, roles, password_hash IS NOT NULL FROM staff ORDER BY name";
    let all: Vec<(String, Vec<String>, bool)> = sqlx::query_as(sql).fetch_all(pool).await?;
    let one =
        |(name, words, has_password): (_, Vec<_>, _)| Staff { name, roles: roles(&words), has_password };
    Ok(all.into_iter().map(one).collect())
}

/// The hash of the password of somebody who may sign in.
pub async fn password_hash(pool: &PgPool, name: &str) -> Result<Option<String>, sqlx::Error> {
    let sql = "SELECT password_hash FROM staff WHERE name = $1 AND cardinality(roles) > 0";
    let found: Option<Option<String>> = sqlx::query_scalar(sql).bind(name).fetch_optional(pool).await?;
    Ok(found.flatten())
}

/// Those that are over are forgotten with it. The hash is what the password was checked against: false when it is another by
/// now. Not `coded`: false also where a second factor is on.
pub async fn begin_session(
    pool: &PgPool,
    token_hash: &[u8],
    name: &str,
    password_hash: &str,
    coded: bool,
    from: &Origin,
    over_us: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "WITH over AS (DELETE FROM console_sessions WHERE seen_at < now_us() - $4) \
               INSERT INTO console_sessions (token_hash, name, began_at, seen_at, proven_at, address, browser) \
               SELECT $1, name, now_us(), now_us(), now_us(), $5, $6 FROM staff \
               WHERE name = $2 AND password_hash = $3 AND cardinality(roles) > 0 \
               AND ($7 OR NOT EXISTS (SELECT FROM staff_totp t WHERE t.name = staff.name AND t.on_at IS NOT NULL)) \
               FOR SHARE";
    let begun = sqlx::query(sql).bind(token_hash).bind(name).bind(password_hash).bind(over_us);
    let begun = begun.bind(&from.address).bind(&from.browser).bind(coded);
    Ok(begun.execute(pool).await?.rows_affected() == 1)
}

/// The session of this token, which `is_seen` now, or is only asked about. `None`: there is none, or it is over.
pub async fn session(
    pool: &PgPool,
    token_hash: &[u8],
    idle_us: i64,
    life_us: i64,
    is_seen: bool,
) -> Result<Option<Session>, sqlx::Error> {
    // Written once a minute at most.
    let sql = "WITH known AS ( \
                   SELECT c.id, c.token_hash, c.name, s.roles, c.seen_at, now_us() - c.proven_at AS proven \
                   FROM console_sessions c JOIN staff s USING (name) \
                   WHERE c.token_hash = $1 AND c.seen_at > now_us() - $2 AND c.began_at > now_us() - $3), \
               seen AS (UPDATE console_sessions c SET seen_at = now_us() FROM known k \
                   WHERE $4 AND c.token_hash = k.token_hash AND k.seen_at < now_us() - 60000000) \
               SELECT id, name, roles, proven FROM known WHERE cardinality(roles) > 0";
    let asked = sqlx::query_as(sql).bind(token_hash).bind(idle_us).bind(life_us).bind(is_seen);
    let found: Option<(Uuid, String, Vec<String>, i64)> = asked.fetch_optional(pool).await?;
    Ok(found.map(|(id, name, words, proven_us_ago)| Session {
        id,
        name,
        roles: roles(&words),
        proven_us_ago,
    }))
}

/// The password was given once more.
pub async fn prove_session(pool: &PgPool, token_hash: &[u8]) -> Result<(), sqlx::Error> {
    let sql = "UPDATE console_sessions SET proven_at = now_us() WHERE token_hash = $1";
    sqlx::query(sql).bind(token_hash).execute(pool).await.map(drop)
}

pub async fn end_session(pool: &PgPool, token_hash: &[u8]) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM console_sessions WHERE token_hash = $1";
    sqlx::query(sql).bind(token_hash).execute(pool).await.map(drop)
}

/// Of somebody, that are not over, the one that was seen last first; the bound is what a page shows.
pub async fn sessions(
    pool: &PgPool,
    name: &str,
    idle_us: i64,
    life_us: i64,
) -> Result<Vec<Seen>, sqlx::Error> {
    let sql = "SELECT id, began_at, seen_at, address, browser FROM console_sessions \
               WHERE name = $1 AND seen_at > now_us() - $2 AND began_at > now_us() - $3 \
               ORDER BY seen_at DESC, id LIMIT 100";
    sqlx::query_as(sql).bind(name).bind(idle_us).bind(life_us).fetch_all(pool).await
}

/// Whose sessions end.
#[derive(Debug, Clone, Copy)]
pub enum Ended {
    One(Uuid),
    AllBut(Uuid),
    All,
}

/// Ends sessions of somebody; how many there were.
pub async fn end_sessions(pool: &PgPool, name: &str, which: Ended) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM console_sessions WHERE name = $1 AND ($2::uuid IS NULL OR id = $2) \
               AND ($3::uuid IS NULL OR id <> $3)";
    let (one, but) = match which {
        Ended::One(id) => (Some(id), None),
        Ended::AllBut(id) => (None, Some(id)),
        Ended::All => (None, None),
    };
    let done = sqlx::query(sql).bind(name).bind(one).bind(but).execute(pool).await?;
    Ok(done.rows_affected())
}
