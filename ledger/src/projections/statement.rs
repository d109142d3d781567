//! Statement lines: what moved a person's credits or money, with the balance after it.
//!
//! One narrow row an event that has an effect on the balance or carries money, never changed after.
//! The only index leads with a bucket of the position, so that inserts touch its hot end; who reads
//! one account gives all buckets.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use proto_events::{AccountId, Currency, Event, Money};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::copy::Copy;
use super::{Definition, Fold, FoldError, Needs, Rows, TableDef, Tables};
use crate::log::Row;
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "statement",
    version: 1,
    needs: Needs::Payload,
    pace: Duration::from_millis(250),
    tables: &[TableDef {
        suffix: "",
        columns: "position bigint NOT NULL, account_id uuid NOT NULL, recorded_at bigint NOT NULL, \
            type text NOT NULL, available bigint NOT NULL, reserved bigint NOT NULL, debt bigint NOT NULL, \
            money_minor bigint, currency text, \
            bucket integer NOT NULL GENERATED ALWAYS AS ((position >> 18)::integer) STORED",
        key: "bucket, account_id, position",
        indexes: &[],
        fillfactor: 100,
    }],
    make: |tables| Box::new(Statement { tables, running: Rows::new(KEPT_MAX), lines: Vec::new() }),
};

/// Accounts whose running balances stay in memory; about 100 bytes each.
const KEPT_MAX: usize = 200_000;

/// A balance while it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Running {
    pub available: i64,
    pub reserved: i64,
    pub debt: i64,
}

impl Running {
    /// After the row's effect; `None`: a part falls below zero.
    pub fn after(self, row: &Row) -> Option<Self> {
        let sum = |a: i64, b: i64| a.checked_add(b).filter(|n| *n >= 0);
        Some(Self {
            available: sum(self.available, row.available_delta)?,
            reserved: sum(self.reserved, row.reserved_delta)?,
            debt: sum(self.debt, row.debt_delta)?,
        })
    }
}

/// Money that came in by this event, or went out when negative, in minor units.
pub fn money(event: &Event) -> Option<(i64, Currency)> {
    let of = |m: &Money, sign: i64| (sign * m.minor(), m.currency);
    match event {
        Event::PaymentSettled(e) => Some(of(&e.amount, 1)),
        Event::RefundSettled(e) => Some(of(&e.amount, -1)),
        _ => None,
    }
}

/// Does this row make a line? Told without its payload.
pub fn is_line(row: &Row) -> bool {
    AccountId(row.account_id).is_person()
        && ((row.available_delta, row.reserved_delta, row.debt_delta) != (0, 0, 0)
            || carries_money(&row.event_type))
}

fn carries_money(event_type: &str) -> bool {
    matches!(event_type, "PaymentSettled" | "RefundSettled")
}

struct Line {
    position: i64,
    account_id: Uuid,
    recorded_at: i64,
    event_type: String,
    after: Running,
    money: Option<(i64, Currency)>,
}

struct Statement {
    tables: Tables,
    /// Nothing of it is written: the lines hold it.
    running: Rows<Uuid, Running>,
    lines: Vec<Line>,
}

impl Fold for Statement {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            // An account whose first event is among these has no line yet.
            let fresh: std::collections::HashSet<Uuid> =
                entries.iter().filter(|e| e.row.version == 1).map(|e| e.row.account_id).collect();
            let asked = entries.iter().filter(|e| is_line(&e.row) && !fresh.contains(&e.row.account_id));
            let missing = self.running.missing(asked.map(|e| e.row.account_id));
            let Some(first) = entries.first().filter(|_| !missing.is_empty()) else { return Ok(()) };
            // The newest line of each: one look into each bucket of its index.
            let sql = format!(
                "SELECT a.id, l.available, l.reserved, l.debt FROM unnest($1::uuid[]) a(id), LATERAL ( \
                    SELECT x.* FROM generate_series(0, $2) b(n), LATERAL ( \
                        SELECT available, reserved, debt, position FROM {} \
                        WHERE bucket = b.n AND account_id = a.id ORDER BY position DESC LIMIT 1) x \
                    ORDER BY x.position DESC LIMIT 1) l",
                self.tables.main()
            );
            let bucket = i32::try_from(first.row.position >> 18).unwrap_or(i32::MAX);
            let found: Vec<(Uuid, i64, i64, i64)> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(missing).bind(bucket).fetch_all(tx).await?;
            for (id, available, reserved, debt) in found {
                self.running.loaded(id, Running { available, reserved, debt });
            }
            Ok(())
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let row = &entry.row;
        if !is_line(row) {
            return Ok(());
        }
        let running = self.running.change(&row.account_id, Running::default);
        let after = running.after(row).ok_or_else(|| {
            let what = format!("a part of the balance of {} would fall below zero", row.account_id);
            FoldError::broken(row.position, what)
        })?;
        *running = after;
        let money = match carries_money(&row.event_type) {
            true => money(entry.event().map_err(|_| FoldError::unreadable(entry))?),
            false => None,
        };
        self.lines.push(Line {
            position: row.position,
            account_id: row.account_id,
            recorded_at: row.recorded_at,
            event_type: row.event_type.clone(),
            after,
            money,
        });
        Ok(())
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let mut copy = Copy::new();
            for l in &self.lines {
                let (minor, currency) = (l.money.map(|(minor, _)| minor), l.money.map(|(_, c)| c.code()));
                let Running { available, reserved, debt } = &l.after;
                copy.row(&[
                    &l.position,
                    &l.account_id,
                    &l.recorded_at,
                    &l.event_type,
                    available,
                    reserved,
                    debt,
                    &minor,
                    &currency,
                ]);
            }
            let into = format!(
                "{} (position, account_id, recorded_at, type, available, reserved, debt, money_minor, currency)",
                self.tables.main()
            );
            copy.send(tx, &into).await?;
            self.lines.clear();
            self.running.written();
            Ok(())
        })
    }
}
