//! What the log has of an account or a command: every search goes through here.
//!
//! The log's indexes lead with a bucket of 2^[`BUCKET_BITS`] positions (docs/adr/0009-local-keys.md), so a
//! search names all buckets it means: one index probe for each. Invariant: no other SQL asks the log for
//! an account or a command.

use std::collections::HashMap;

use ledger_domain::Kept;
use proto_events::{AccountId, CommandId, Credits, Producer};
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use uuid::Uuid;

use crate::log::{BadRow, COLUMNS, Digest, Row};

/// As in `migrations/0004_write_path.sql`.
pub const BUCKET_BITS: u32 = 18;

/// What a command with this id did when it came first.
#[derive(Debug, Clone)]
pub struct FirstAnswer {
    pub digest: Digest,
    pub account: AccountId,
    /// In order.
    pub rows: Vec<Row>,
}

/// All columns, of this table or alias.
pub fn columns_of(alias: &str) -> String {
    format!("{alias}.{}", COLUMNS.replace(", ", &format!(", {alias}.")))
}

/// The rows these commands have left in the log, if they were accepted before.
///
/// Cost: a probe a bucket for each id, and one for each row found.
pub async fn first_answers(
    pool: &PgPool,
    ids: &[(Producer, CommandId)],
) -> Result<HashMap<(Producer, CommandId), FirstAnswer>, BadRow> {
    let producers: Vec<&str> = ids.iter().map(|(p, _)| p.as_str()).collect();
    let commands: Vec<&str> = ids.iter().map(|(_, c)| c.as_str()).collect();
    // DISTINCT: the same command may be asked for more than once. OFFSET 0: probe by probe, never a scan.
    let sql = format!(
        "WITH RECURSIVE found AS ( \
            SELECT e.* FROM (SELECT DISTINCT p, c FROM unnest($1::text[], $2::text[]) AS u(p, c)) asked \
            CROSS JOIN generate_series(0, (SELECT position >> {BUCKET_BITS} FROM log_head)) AS bucket \
            CROSS JOIN LATERAL (SELECT * FROM events WHERE (position >> {BUCKET_BITS}) = bucket \
                AND producer = asked.p AND command_id = asked.c AND ordinal = 0 OFFSET 0) e \
            UNION ALL \
            SELECT e.* FROM found CROSS JOIN LATERAL (SELECT * FROM events WHERE position = found.position + 1 \
                AND producer = found.producer AND command_id = found.command_id OFFSET 0) e \
         ) SELECT {COLUMNS} FROM found ORDER BY position"
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

/// The events of these accounts after a position, each account's by version. Accounts without any are absent.
///
/// Cost: a probe a bucket after the position for each account, and its rows.
pub async fn events_of_accounts(
    pool: &PgPool,
    accounts: &[AccountId],
    after_position: i64,
) -> Result<HashMap<AccountId, Vec<Row>>, BadRow> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.0).collect();
    let sql = format!(
        "SELECT {} FROM (SELECT DISTINCT id FROM unnest($1::uuid[]) AS u(id)) asked \
         CROSS JOIN generate_series($2 >> {BUCKET_BITS}, (SELECT position >> {BUCKET_BITS} FROM log_head)) AS bucket \
         CROSS JOIN LATERAL (SELECT * FROM events WHERE (position >> {BUCKET_BITS}) = bucket \
            AND account_id = asked.id AND position > $2 OFFSET 0) e \
         ORDER BY e.account_id, e.version",
        columns_of("e")
    );
    let mut found: HashMap<AccountId, Vec<Row>> = HashMap::new();
    for row in sqlx::query(AssertSqlSafe(sql)).bind(&ids).bind(after_position).fetch_all(pool).await? {
        let row = Row::read(&row)?;
        found.entry(row.account()).or_default().push(row);
    }
    Ok(found)
}

/// The newest event of an account.
///
/// Cost: a probe a bucket.
pub async fn newest_event(pool: &PgPool, account: AccountId) -> Result<Option<Row>, BadRow> {
    let sql = format!(
        "SELECT {} FROM generate_series(0, (SELECT position >> {BUCKET_BITS} FROM log_head)) AS bucket \
         CROSS JOIN LATERAL (SELECT * FROM events WHERE (position >> {BUCKET_BITS}) = bucket AND account_id = $1 \
            ORDER BY version DESC LIMIT 1) e ORDER BY e.version DESC LIMIT 1",
        columns_of("e")
    );
    let found = sqlx::query(AssertSqlSafe(sql)).bind(account.0).fetch_optional(pool).await?;
    found.as_ref().map(Row::read).transpose()
}

/// What a catalog in force stands in.
pub const CATALOG_PUBLISHED: &str = "CatalogPublished";

/// The newest event of this type of an account.
///
/// Cost: a probe a bucket, and the account's rows after it.
pub async fn newest_of_type(
    pool: &PgPool,
    account: AccountId,
    event_type: &str,
) -> Result<Option<Row>, BadRow> {
    let newest = events_before(pool, account, event_type, i64::MAX, 1).await?;
    Ok(newest.into_iter().next())
}

/// The events of this type of an account below a version of its stream, the newest first.
///
/// Cost: a probe a bucket, and so many rows of each.
pub async fn events_before(
    pool: &PgPool,
    account: AccountId,
    event_type: &str,
    before: i64,
    max: i64,
) -> Result<Vec<Row>, BadRow> {
    let sql = format!(
        "SELECT {} FROM generate_series(0, (SELECT position >> {BUCKET_BITS} FROM log_head)) AS bucket \
         CROSS JOIN LATERAL (SELECT * FROM events WHERE (position >> {BUCKET_BITS}) = bucket AND account_id = $1 \
            AND version < $3 AND type = $2 ORDER BY version DESC LIMIT $4) e ORDER BY e.version DESC LIMIT $4",
        columns_of("e")
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(account.0).bind(event_type).bind(before).bind(max);
    query.fetch_all(pool).await?.iter().map(Row::read).collect()
}

/// The catalog of a version, which is not above the one in force.
///
/// Cost: a probe a bucket, and as many rows of its stream: a version stands at its own number there, or behind it by
/// as many as another has agreed to.
pub async fn catalog_of(pool: &PgPool, version: i64) -> Result<Option<Row>, BadRow> {
    let sql = format!(
        "SELECT {} FROM generate_series(0, (SELECT position >> {BUCKET_BITS} FROM log_head)) AS bucket \
         CROSS JOIN LATERAL (SELECT * FROM events WHERE (position >> {BUCKET_BITS}) = bucket AND account_id = $1 \
            AND version BETWEEN $2 AND 2 * $2 AND type = '{CATALOG_PUBLISHED}' \
            AND payload LIKE '%\"version\":' || $2::text || '}}' OFFSET 0) e LIMIT 1",
        columns_of("e")
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(AccountId::CATALOG.0).bind(version);
    query.fetch_optional(pool).await?.as_ref().map(Row::read).transpose()
}

/// The events of one type of an account after a position, by version.
///
/// Cost: a probe a bucket after the position, and the account's rows there; only those of the type are sent.
pub async fn events_of_type(
    pool: &PgPool,
    account: AccountId,
    event_type: &str,
    after_position: i64,
) -> Result<Vec<Row>, BadRow> {
    let sql = format!(
        "SELECT {} FROM generate_series($2 >> {BUCKET_BITS}, (SELECT position >> {BUCKET_BITS} FROM log_head)) bucket \
         CROSS JOIN LATERAL (SELECT * FROM events WHERE (position >> {BUCKET_BITS}) = bucket \
            AND account_id = $1 AND position > $2 AND type = $3 OFFSET 0) e ORDER BY e.version",
        columns_of("e")
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(account.0).bind(after_position).bind(event_type);
    query.fetch_all(pool).await?.iter().map(Row::read).collect()
}

/// Something of an account that its events name, e.g. a payment by its id.
#[derive(Debug, Clone)]
pub struct Thing {
    pub account: AccountId,
    pub id: String,
    /// Only events after this.
    pub after: i64,
}

/// The events that name these things, each thing's by version. Things without any are absent.
///
/// Cost: a probe a bucket after the position for each thing; only what names it is sent.
pub async fn events_about(pool: &PgPool, things: &[Thing]) -> Result<HashMap<String, Vec<Row>>, BadRow> {
    let sql = format!(
        "SELECT asked.thing, {} FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS asked(id, thing, after) \
         CROSS JOIN LATERAL generate_series(asked.after >> {BUCKET_BITS}, \
            (SELECT position >> {BUCKET_BITS} FROM log_head)) AS bucket \
         CROSS JOIN LATERAL (SELECT * FROM events WHERE (position >> {BUCKET_BITS}) = bucket \
            AND account_id = asked.id AND position > asked.after AND strpos(payload, asked.thing) > 0 OFFSET 0) e \
         ORDER BY asked.thing, e.version",
        columns_of("e")
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(things.iter().map(|t| t.account.0).collect::<Vec<_>>())
        .bind(things.iter().map(|t| t.id.as_str()).collect::<Vec<_>>())
        .bind(things.iter().map(|t| t.after).collect::<Vec<_>>());
    let mut found: HashMap<String, Vec<Row>> = HashMap::new();
    for row in query.fetch_all(pool).await? {
        found.entry(row.try_get("thing")?).or_default().push(Row::read(&row)?);
    }
    Ok(found)
}

/// The event at a position.
pub async fn event_at(pool: &PgPool, position: i64) -> Result<Option<Row>, BadRow> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE position = $1");
    let found = sqlx::query(AssertSqlSafe(sql)).bind(position).fetch_optional(pool).await?;
    found.as_ref().map(Row::read).transpose()
}

/// When these events were recorded, µs; those that are not there are absent.
pub async fn times_of(pool: &PgPool, positions: &[i64]) -> Result<HashMap<i64, i64>, sqlx::Error> {
    let sql = "SELECT e.position, e.recorded_at FROM unnest($1::bigint[]) AS asked(p) \
               CROSS JOIN LATERAL (SELECT position, recorded_at FROM events WHERE position = asked.p OFFSET 0) e";
    let found: Vec<(i64, i64)> = sqlx::query_as(sql).bind(positions).fetch_all(pool).await?;
    Ok(found.into_iter().collect())
}

/// Of an account's events how many are looked at for who works on its job.
const WORKER_WITHIN: i64 = 50;

/// Who claimed these generations last: of those whose claim is among the newest events of their account. Others are absent.
///
/// Cost: a probe and so many rows for each, in the newest bucket.
pub async fn workers_of(
    pool: &PgPool,
    jobs: &[(Uuid, String)],
) -> Result<HashMap<String, String>, sqlx::Error> {
    let (accounts, generations): (Vec<Uuid>, Vec<&str>) = jobs.iter().map(|(a, g)| (*a, g.as_str())).unzip();
    let sql = format!(
        "SELECT j.generation, w.worker FROM unnest($1::uuid[], $2::text[]) AS j(account, generation) \
         CROSS JOIN LATERAL (SELECT e.payload::json->>'worker' AS worker FROM ( \
                SELECT type, payload FROM events WHERE account_id = j.account \
                    AND (position >> {BUCKET_BITS}) = (SELECT position >> {BUCKET_BITS} FROM log_head) \
                ORDER BY version DESC LIMIT $3) e \
            WHERE e.type = 'GenerationStarted' AND e.payload::json->>'generation' = j.generation LIMIT 1) w"
    );
    let found: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(accounts)
        .bind(generations)
        .bind(WORKER_WITHIN)
        .fetch_all(pool)
        .await?;
    Ok(found.into_iter().collect())
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

/// The Telegram users whose accounts these are; erased ones are nobody's.
pub async fn people_of_accounts(
    pool: &PgPool,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, i64>, sqlx::Error> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.0).collect();
    let sql = "SELECT account_id, telegram_user_id FROM telegram_identities WHERE account_id = ANY($1)";
    let found: Vec<(Uuid, i64)> = sqlx::query_as(sql).bind(ids).fetch_all(pool).await?;
    Ok(found.into_iter().map(|(account, user)| (AccountId(account), user)).collect())
}

/// What erased accounts of these people left, by fingerprint.
pub async fn kept(pool: &PgPool, fingerprints: &[String]) -> Result<HashMap<String, Kept>, sqlx::Error> {
    let sql = "SELECT fingerprint, debt, banned FROM erased_fingerprints WHERE fingerprint = ANY($1)";
    let found: Vec<(String, i64, bool)> = sqlx::query_as(sql).bind(fingerprints).fetch_all(pool).await?;
    let read = |(fingerprint, debt, banned)| {
        let debt = Credits::new(debt).unwrap_or(Credits::MAX);
        (fingerprint, Kept { debt, banned })
    };
    Ok(found.into_iter().map(read).collect())
}

/// The keys of these accounts' request digests. Streams that are nobody's have none.
pub async fn account_keys(
    pool: &PgPool,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, [u8; 32]>, sqlx::Error> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.0).collect();
    let sql = "SELECT account_id, key FROM account_keys WHERE account_id = ANY($1)";
    let found: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(sql).bind(&ids).fetch_all(pool).await?;
    // Invariant: the table holds keys of 32 bytes only.
    Ok(found.into_iter().filter_map(|(id, key)| Some((AccountId(id), key.try_into().ok()?))).collect())
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

/// The events that brought these natural keys, by the key.
///
/// Cost: two probes for each key.
pub async fn events_of_keys(
    pool: &PgPool,
    kind: &'static str,
    keys: &[String],
) -> Result<HashMap<String, Row>, BadRow> {
    let sql = format!(
        "SELECT n.key, {} FROM natural_keys n JOIN events e ON e.position = n.position \
         WHERE n.kind = $1 AND n.key = ANY($2)",
        columns_of("e")
    );
    let found = sqlx::query(AssertSqlSafe(sql)).bind(kind).bind(keys).fetch_all(pool).await?;
    found.iter().map(|row| Ok((row.try_get("key")?, Row::read(row)?))).collect()
}

/// Until when the last claims of these generations hold, µs. Closed ones are absent.
pub async fn leases(pool: &PgPool, generations: &[String]) -> Result<HashMap<String, i64>, sqlx::Error> {
    let sql = "SELECT generation, lease_until FROM jobs WHERE generation = ANY($1)";
    Ok(sqlx::query_as(sql).bind(generations).fetch_all(pool).await?.into_iter().collect())
}

/// Producer and id of the commands whose first event stands in `(after, until]`.
pub async fn command_ids(
    pool: &PgPool,
    after: i64,
    until: i64,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let sql =
        "SELECT producer, command_id FROM events WHERE position > $1 AND position <= $2 AND ordinal = 0";
    sqlx::query_as(sql).bind(after).bind(until).fetch_all(pool).await
}

/// Natural keys, (kind, key), in order after this one.
pub async fn natural_keys_after(
    pool: &PgPool,
    after: (&str, &str),
    limit: i64,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let sql = "SELECT kind, key FROM natural_keys WHERE (kind, key) > ($1, $2) ORDER BY kind, key LIMIT $3";
    sqlx::query_as(sql).bind(after.0).bind(after.1).bind(limit).fetch_all(pool).await
}
