//! Reading from projections: which instance is live, and rows together with the position they are of.
//!
//! Nothing here waits for a lock: a swap changes one row of the registry, and whoever still asks the old
//! instance is told nothing by it and asks the new one.

use std::sync::atomic::{AtomicI32, Ordering};

use proto_events::AccountId;
use sqlx::{AssertSqlSafe, PgPool};

use super::Tables;
use super::registry::{self, State};

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

/// The instance of balances that was live when last looked. Only a hint: each statement checks it.
static BALANCES: AtomicI32 = AtomicI32::new(1);

/// An account's (available, reserved, debt), with the position through which it is known.
pub async fn balance(
    pool: &PgPool,
    account: AccountId,
) -> Result<(i64, Option<(i64, i64, i64)>), sqlx::Error> {
    for _ in 0..TRIES {
        let instance = BALANCES.load(Ordering::Relaxed);
        if let Some(found) = balance_in(pool, account, instance).await? {
            return Ok(found);
        }
        match registry::find(pool, "balances", State::Live).await? {
            Some(live) => BALANCES.store(live.instance, Ordering::Relaxed),
            None => break,
        }
    }
    Ok((0, None))
}

type Found = (i64, Option<(i64, i64, i64)>);

/// `None`: that instance is not the live one.
async fn balance_in(pool: &PgPool, account: AccountId, instance: i32) -> Result<Option<Found>, sqlx::Error> {
    // One statement, so that checkpoint and row are of one moment.
    let sql = format!(
        "SELECT i.position, b.available, b.reserved, b.debt FROM projection_instances i \
         LEFT JOIN {} b ON b.account_id = $1 \
         WHERE i.name = 'balances' AND i.instance = $2 AND i.state = 'live'",
        Tables::of("balances", instance).main()
    );
    let asked = sqlx::query_as::<_, (i64, Option<i64>, Option<i64>, Option<i64>)>(AssertSqlSafe(sql))
        .bind(account.0)
        .bind(instance)
        .fetch_optional(pool)
        .await;
    match asked {
        Ok(found) => Ok(found.map(|(position, available, reserved, debt)| {
            let row = available.zip(reserved).zip(debt).map(|((a, r), d)| (a, r, d));
            (position, row)
        })),
        Err(error)
            if error.as_database_error().and_then(|e| e.code()).is_some_and(|c| c == UNDEFINED_TABLE) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
