//! Whom searches by name at the console have found. What was looked for is not kept.

use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

/// Whom a search has found, by account; in no order.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Search {
    pub accounts: Vec<Uuid>,
    /// There were more.
    pub more: bool,
}

/// Of whom a search finds so many are looked at: a name that thousands have is no name to find somebody by.
const LOOKED_AT_MAX: i64 = 2_000;

/// Looks for people by beginnings of the words of their names, the newest `most` by the column `opened` of the
/// table `people`. `None`: there is no word to look for.
pub async fn search_people(
    pool: &PgPool,
    people: &str,
    words: &str,
    most: usize,
) -> Result<Option<Search>, sqlx::Error> {
    let sql = format!(
        "SELECT f.account_id, q IS NOT NULL FROM (SELECT name_wanted($1)) w(q) \
         LEFT JOIN LATERAL (SELECT n.account_id FROM (SELECT account_id FROM profiles \
                WHERE array_to_tsvector(name_words(name)) @@ w.q LIMIT {LOOKED_AT_MAX}) n \
             LEFT JOIN {people} p USING (account_id) ORDER BY p.opened DESC NULLS FIRST LIMIT $2) f ON true"
    );
    let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let found: Vec<(Option<Uuid>, bool)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(words).bind(limit).fetch_all(pool).await?;
    if found.iter().any(|(_, has_words)| !has_words) {
        return Ok(None);
    }
    let mut accounts: Vec<Uuid> = found.into_iter().filter_map(|(account, _)| account).collect();
    let more = accounts.len() > most;
    accounts.truncate(most);
    Ok(Some(Search { accounts, more }))
}

/// Keeps what was found until the session ends; of this session, what is older than `keep_us` is forgotten. False: the session
/// has ended.
pub async fn keep_search(
    pool: &PgPool,
    name: Uuid,
    token_hash: &[u8],
    found: &Search,
    keep_us: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "WITH over AS (DELETE FROM console_searches WHERE token_hash = $2 AND at < now_us() - $5) \
               INSERT INTO console_searches (search, token_hash, accounts, more, at) \
               SELECT $1, token_hash, $3, $4, now_us() FROM console_sessions WHERE token_hash = $2 FOR KEY SHARE";
    let kept =
        sqlx::query(sql).bind(name).bind(token_hash).bind(&found.accounts).bind(found.more).bind(keep_us);
    Ok(kept.execute(pool).await?.rows_affected() == 1)
}

/// `None`: it is not kept any more.
pub async fn kept_search(pool: &PgPool, name: Uuid) -> Result<Option<Search>, sqlx::Error> {
    let sql = "SELECT accounts, more FROM console_searches WHERE search = $1";
    sqlx::query_as(sql).bind(name).fetch_optional(pool).await
}
