//! Balances: the sums of the typed effect columns. No JSON is read.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::ProjectionError;
use crate::log::Row;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    pub available: i64,
    pub reserved: i64,
    pub debt: i64,
    pub version: i64,
    pub position: i64,
}

/// Adds an event to the balances. Invariant: none falls below zero.
///
/// # Errors
/// The event would make a part of a balance negative.
pub fn fold(balances: &mut BTreeMap<Uuid, Balance>, row: &Row) -> Result<(), ProjectionError> {
    let balance = balances.entry(row.account_id).or_default();
    balance.available += row.available_delta;
    balance.reserved += row.reserved_delta;
    balance.debt += row.debt_delta;
    (balance.version, balance.position) = (row.version, row.position);
    if balance.available < 0 || balance.reserved < 0 || balance.debt < 0 {
        let what = format!("the balance of {} would be {balance:?}", row.account_id);
        return Err(ProjectionError::Broken { position: row.position, what });
    }
    Ok(())
}

pub(super) async fn apply(tx: &mut PgConnection, rows: &[Row]) -> Result<(), ProjectionError> {
    let ids: Vec<Uuid> = rows.iter().map(|r| r.account_id).collect();
    let known: Vec<(Uuid, i64, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT account_id, available, reserved, debt, version, position FROM balances WHERE account_id = ANY($1)",
    )
    .bind(&ids)
    .fetch_all(&mut *tx)
    .await?;
    let mut balances: BTreeMap<Uuid, Balance> = known
        .into_iter()
        .map(|(id, available, reserved, debt, version, position)| {
            (id, Balance { available, reserved, debt, version, position })
        })
        .collect();
    for row in rows {
        fold(&mut balances, row)?;
    }
    let column = |get: fn(&Balance) -> i64| balances.values().map(get).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO balances (account_id, available, reserved, debt, version, position) \
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) \
         ON CONFLICT (account_id) DO UPDATE SET available = excluded.available, reserved = excluded.reserved, \
            debt = excluded.debt, version = excluded.version, position = excluded.position",
    )
    .bind(balances.keys().copied().collect::<Vec<_>>())
    .bind(column(|b| b.available))
    .bind(column(|b| b.reserved))
    .bind(column(|b| b.debt))
    .bind(column(|b| b.version))
    .bind(column(|b| b.position))
    .execute(tx)
    .await?;
    Ok(())
}
