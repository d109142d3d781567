//! Reading from projections: which instance is live, and rows together with the position they are of.
//!
//! Nothing here waits for a lock: a swap changes one row of the registry, and whoever still asks the old
//! instance is told nothing by it and asks the new one.

use std::sync::atomic::{AtomicI32, Ordering};

use proto_events::AccountId;
use sqlx::{AssertSqlSafe, PgPool};

use super::Tables;
use super::registry::{self, State};
use crate::store::BUCKET_BITS;

/// Times that a reader looks anew for the live instance: swaps are minutes apart.
const TRIES: u32 = 3;
/// SQLSTATE of a table that is not there (any more).
const UNDEFINED_TABLE: &str = "42P01";

/// The tables of the live instance, and how far it is. `None`: there is no live one yet. The rows may be newer
/// than the position; a reader who needs both of one moment reads them in one statement.
pub async fn live(pool: &PgPool, name: &str) -> Result<Option<(Tables, i64)>, sqlx::Error> {
    let found = registry::find(pool, name, State::Live).await?;
    Ok(found.map(|instance| (instance.tables(), instance.position)))
}

/// The same of several, in the order of their names as they are given; `position` is the one that is least far.
/// `None`: one of them has no live one yet.
pub async fn live_of<const N: usize>(
    pool: &PgPool,
    names: [&str; N],
) -> Result<Option<([Tables; N], i64)>, sqlx::Error> {
    let sql =
        "SELECT name, instance, position FROM projection_instances WHERE state = 'live' AND name = ANY($1)";
    let found: Vec<(String, i32, i64)> = sqlx::query_as(sql).bind(names.as_slice()).fetch_all(pool).await?;
    if found.len() < N {
        return Ok(None);
    }
    let instance = |name: &str| found.iter().find(|(other, ..)| other == name).map_or(0, |(_, n, _)| *n);
    let least = found.iter().map(|(.., position)| *position).min().unwrap_or_default();
    Ok(Some((names.map(|name| Tables::of(name, instance(name))), least)))
}

/// The instance of balances that was live when last looked. Only a hint: each statement checks it.
static BALANCES: AtomicI32 = AtomicI32::new(1);

/// Further behind the log the events after the projection are looked for by their account, a probe a bucket, not read one by one.
const NEAR: i64 = 4_096;

/// Of an account, by everything that is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// (available, reserved, debt)
    Known(i64, i64, i64),
    /// No such account.
    Nobody,
    /// There is no projection yet.
    Unread,
}

/// The projection's row and the account's events that it has not seen yet, in one statement: of one moment, and never behind
/// the log, however far behind the projection is.
///
/// Cost: a probe, and the events after the projection's checkpoint, as long as they are few ([`NEAR`]); else the account's own
/// in each bucket from there on.
pub async fn balance(pool: &PgPool, account: AccountId) -> Result<Standing, sqlx::Error> {
    balance_near(pool, account, NEAR).await
}

/// The same with another idea of near.
///
/// # Errors
/// Postgres does not answer.
pub async fn balance_near(pool: &PgPool, account: AccountId, near: i64) -> Result<Standing, sqlx::Error> {
    for _ in 0..TRIES {
        let instance = BALANCES.load(Ordering::Relaxed);
        if let Some(found) = balance_in(pool, account, instance, near).await? {
            return Ok(found);
        }
        match registry::find(pool, "balances", State::Live).await? {
            Some(live) => BALANCES.store(live.instance, Ordering::Relaxed),
            None => break,
        }
    }
    Ok(Standing::Unread)
}

#[derive(Debug, sqlx::FromRow)]
struct Found {
    there: bool,
    available: i64,
    reserved: i64,
    debt: i64,
}

/// `None`: that instance is not the live one.
async fn balance_in(
    pool: &PgPool,
    account: AccountId,
    instance: i32,
    near: i64,
) -> Result<Option<Standing>, sqlx::Error> {
    let sql = format!(
        "SELECT b.account_id IS NOT NULL OR e.count > 0 AS there, \
             coalesce(b.available, 0) + e.available AS available, coalesce(b.reserved, 0) + e.reserved AS reserved, \
             coalesce(b.debt, 0) + e.debt AS debt \
         FROM projection_instances i CROSS JOIN log_head h CROSS JOIN LATERAL (SELECT h.position - i.position <= $3 AS near) n \
         LEFT JOIN {} b ON b.account_id = $1 \
         CROSS JOIN LATERAL (SELECT count(*), coalesce(sum(available_delta), 0)::bigint AS available, \
                coalesce(sum(reserved_delta), 0)::bigint AS reserved, coalesce(sum(debt_delta), 0)::bigint AS debt \
             FROM (SELECT available_delta, reserved_delta, debt_delta FROM events \
                   WHERE position > i.position AND position <= CASE WHEN n.near THEN h.position ELSE 0 END AND account_id = $1 \
                   UNION ALL SELECT a.available_delta, a.reserved_delta, a.debt_delta \
                   FROM generate_series(i.position >> {BUCKET_BITS}, CASE WHEN n.near THEN -1 ELSE h.position >> {BUCKET_BITS} END) bucket, \
                   LATERAL (SELECT * FROM events WHERE (position >> {BUCKET_BITS}) = bucket AND account_id = $1 OFFSET 0) a \
                   WHERE a.position > i.position) unseen) e \
         WHERE i.name = 'balances' AND i.instance = $2 AND i.state = 'live'",
        Tables::of("balances", instance).main()
    );
    let asked = sqlx::query_as::<_, Found>(AssertSqlSafe(sql))
        .bind(account.0)
        .bind(instance)
        .bind(near)
        .fetch_optional(pool)
        .await;
    match asked {
        Ok(found) => Ok(found.map(|found| match found {
            Found { there: false, .. } => Standing::Nobody,
            Found { available, reserved, debt, .. } => Standing::Known(available, reserved, debt),
        })),
        Err(error)
            if error.as_database_error().and_then(|e| e.code()).is_some_and(|c| c == UNDEFINED_TABLE) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
