//! Balances: the sums of the typed effect columns. No JSON is read.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::copy::Copy;
use super::{Definition, Fold, FoldError, Needs, Rows, TableDef, Tables};
use crate::log::Row;
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "balances",
    version: 2,
    needs: Needs::Effects,
    // Nobody waits for it: readers add the events that it has not seen.
    pace: Duration::from_millis(250),
    tables: &[TableDef {
        suffix: "",
        columns: "account_id uuid NOT NULL, available bigint NOT NULL CHECK (available >= 0), \
            reserved bigint NOT NULL CHECK (reserved >= 0), debt bigint NOT NULL CHECK (debt >= 0), \
            position bigint NOT NULL",
        key: "account_id",
        indexes: &[],
        fillfactor: 60,
    }],
    make: |tables| Box::new(Balances { tables, rows: Rows::new(KEPT_MAX) }),
};

/// Accounts whose balances stay in memory; about 100 bytes each.
const KEPT_MAX: usize = 200_000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    pub available: i64,
    pub reserved: i64,
    pub debt: i64,
    /// Of the event that changed it last.
    pub position: i64,
}

impl Balance {
    /// Invariant: no part of a balance falls below zero.
    ///
    /// # Errors
    /// The event would make one negative.
    pub fn add(&mut self, row: &Row) -> Result<(), FoldError> {
        let parts = [
            (&mut self.available, row.available_delta),
            (&mut self.reserved, row.reserved_delta),
            (&mut self.debt, row.debt_delta),
        ];
        for (part, delta) in parts {
            *part = part.checked_add(delta).filter(|sum| *sum >= 0).ok_or_else(|| {
                let what = format!("a part of the balance of {} would fall below zero", row.account_id);
                FoldError::broken(row.position, what)
            })?;
        }
        self.position = row.position;
        Ok(())
    }

    /// Does the event change a balance? An account's first event makes one of zeros.
    pub const fn is_changed_by(row: &Row) -> bool {
        row.version == 1 || row.available_delta != 0 || row.reserved_delta != 0 || row.debt_delta != 0
    }
}

struct Balances {
    tables: Tables,
    rows: Rows<Uuid, Balance>,
}

impl Fold for Balances {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let changed = entries.iter().filter(|e| Balance::is_changed_by(&e.row));
            let missing = self.rows.missing(changed.map(|e| e.row.account_id));
            if missing.is_empty() {
                return Ok(());
            }
            let sql = format!(
                "SELECT account_id, available, reserved, debt, position FROM {} WHERE account_id = ANY($1)",
                self.tables.main()
            );
            let found: Vec<(Uuid, i64, i64, i64, i64)> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(missing).fetch_all(tx).await?;
            for (id, available, reserved, debt, position) in found {
                self.rows.loaded(id, Balance { available, reserved, debt, position });
            }
            Ok(())
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        if !Balance::is_changed_by(&entry.row) {
            return Ok(());
        }
        self.rows.change(&entry.row.account_id, Balance::default).add(&entry.row)
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let changed = self.rows.changed();
            let mut copy = Copy::new();
            for (account, b) in changed.new {
                copy.row(&[account, &b.available, &b.reserved, &b.debt, &b.position]);
            }
            let into = format!("{} (account_id, available, reserved, debt, position)", self.tables.main());
            copy.send(tx, &into).await?;
            let rows = changed.altered;
            if !rows.is_empty() {
                let sql = format!(
                    "UPDATE {} b SET available = u.available, reserved = u.reserved, debt = u.debt, position = u.position \
                     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) \
                        u(account_id, available, reserved, debt, position) WHERE b.account_id = u.account_id",
                    self.tables.main()
                );
                let column = |get: fn(&Balance) -> i64| rows.iter().map(|(_, b)| get(b)).collect::<Vec<_>>();
                sqlx::query(AssertSqlSafe(sql))
                    .bind(rows.iter().map(|(id, _)| **id).collect::<Vec<_>>())
                    .bind(column(|b| b.available))
                    .bind(column(|b| b.reserved))
                    .bind(column(|b| b.debt))
                    .bind(column(|b| b.position))
                    .execute(tx)
                    .await?;
            }
            self.rows.written();
            Ok(())
        })
    }
}
