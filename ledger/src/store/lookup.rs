//! What a batch needs to know before it decides: one round trip for each kind of question.

use std::collections::HashMap;

use proto_events::{AccountId, CommandId, Producer};
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use uuid::Uuid;

use crate::log::{BadRow, COLUMNS, Digest, Row};

/// What a command with this id did when it came first.
#[derive(Debug, Clone)]
pub struct FirstAnswer {
    pub digest: Digest,
    pub account: AccountId,
    /// In order.
    pub rows: Vec<Row>,
}

/// The rows these commands have left in the log, if they were accepted before.
pub async fn first_answers(
    pool: &PgPool,
    ids: &[(Producer, CommandId)],
) -> Result<HashMap<(Producer, CommandId), FirstAnswer>, BadRow> {
    let producers: Vec<&str> = ids.iter().map(|(p, _)| p.as_str()).collect();
    let commands: Vec<&str> = ids.iter().map(|(_, c)| c.as_str()).collect();
    let columns = COLUMNS.replace(", ", ", e.");
    // DISTINCT: the same command may stand in a batch more than once.
    let sql = format!(
        "SELECT e.{columns} FROM (SELECT DISTINCT p, c FROM unnest($1::text[], $2::text[]) AS u(p, c)) asked \
         JOIN events e ON e.producer = asked.p AND e.command_id = asked.c ORDER BY e.position"
    );
    let found = sqlx::query(AssertSqlSafe(sql)).bind(producers).bind(commands).fetch_all(pool).await?;
    let mut answers: HashMap<(Producer, CommandId), FirstAnswer> = HashMap::new();
    for row in &found {
        let row = Row::read(row)?;
        let (Ok(producer), Ok(command)) = (row.producer.parse(), CommandId::new(row.command_id.as_str()))
        else {
            return Err(BadRow::Form { position: row.position, what: "a command id" });
        };
        answers
            .entry((producer, command))
            .or_insert_with(|| FirstAnswer {
                digest: row.request_digest,
                account: row.account(),
                rows: Vec::new(),
            })
            .rows
            .push(row);
    }
    Ok(answers)
}

/// The accounts of Telegram users who are known.
pub async fn accounts_of_people(
    pool: &PgPool,
    users: &[i64],
) -> Result<HashMap<i64, AccountId>, sqlx::Error> {
    let sql = "SELECT telegram_user_id, account_id FROM telegram_identities WHERE telegram_user_id = ANY($1)";
    let found: Vec<(i64, Uuid)> = sqlx::query_as(sql).bind(users).fetch_all(pool).await?;
    Ok(found.into_iter().map(|(user, account)| (user, AccountId(account))).collect())
}

/// An account as the log has it.
#[derive(Debug, Clone, Default)]
pub struct StoredAccount {
    /// All events, by version.
    pub rows: Vec<Row>,
    /// Key of its request digests; zeros for streams that are nobody's.
    pub key: [u8; 32],
}

pub async fn load_accounts(
    pool: &PgPool,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, StoredAccount>, BadRow> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.0).collect();
    let mut loaded: HashMap<AccountId, StoredAccount> =
        accounts.iter().map(|a| (*a, StoredAccount::default())).collect();
    let keys: Vec<(Uuid, Vec<u8>)> =
        sqlx::query_as("SELECT account_id, key FROM account_keys WHERE account_id = ANY($1)")
            .bind(&ids)
            .fetch_all(pool)
            .await?;
    for (id, key) in keys {
        if let (Some(account), Ok(key)) = (loaded.get_mut(&AccountId(id)), key.try_into()) {
            account.key = key;
        }
    }
    let sql = format!("SELECT {COLUMNS} FROM events WHERE account_id = ANY($1) ORDER BY account_id, version");
    for row in sqlx::query(AssertSqlSafe(sql)).bind(&ids).fetch_all(pool).await? {
        let row = Row::read(&row)?;
        if let Some(account) = loaded.get_mut(&row.account()) {
            account.rows.push(row);
        }
    }
    Ok(loaded)
}

/// Who owns these natural keys: (kind, key) → the subject, e.g. a payment id.
pub async fn owners_of_keys(
    pool: &PgPool,
    keys: &[(&'static str, String)],
) -> Result<HashMap<(String, String), String>, sqlx::Error> {
    let kinds: Vec<&str> = keys.iter().map(|(kind, _)| *kind).collect();
    let names: Vec<&str> = keys.iter().map(|(_, key)| key.as_str()).collect();
    let sql = "SELECT n.kind, n.key, n.subject FROM (SELECT DISTINCT kind, key FROM unnest($1::text[], $2::text[]) AS u(kind, key)) asked \
               JOIN natural_keys n ON n.kind = asked.kind AND n.key = asked.key";
    let found = sqlx::query(sql).bind(kinds).bind(names).fetch_all(pool).await?;
    found
        .iter()
        .map(|row| Ok(((row.try_get("kind")?, row.try_get("key")?), row.try_get("subject")?)))
        .collect()
}

/// Until when the last claims of these generations hold, µs. Closed ones are absent.
pub async fn leases(pool: &PgPool, generations: &[String]) -> Result<HashMap<String, i64>, sqlx::Error> {
    let sql = "SELECT generation, lease_until FROM jobs WHERE generation = ANY($1)";
    Ok(sqlx::query_as(sql).bind(generations).fetch_all(pool).await?.into_iter().collect())
}
