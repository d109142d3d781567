//! People: when each account came, and what one looks for people by. No payload is read, and nothing is personal.
//!
//! One row an account, keyed by it. Cost: inserted once; changed when a debt, a payment, a ban or an erasure changes it, and
//! by the first request of a Moscow day.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::copy::Copy;
use super::{Definition, Fold, FoldError, Needs, Rows, TableDef, Tables};
use crate::books::moscow::Day;
use crate::log::Row;
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "people",
    version: 2,
    needs: Needs::Typed,
    pace: Duration::from_millis(500),
    tables: &[TableDef {
        suffix: "",
        // `opened` is a position; `active_day` that of the last request, as days since 1970-01-01.
        columns: "account_id uuid NOT NULL, opened bigint NOT NULL, opened_at bigint NOT NULL, \
            banned boolean NOT NULL, erased boolean NOT NULL, debt bigint NOT NULL CHECK (debt >= 0), \
            payments bigint NOT NULL, active_day bigint, \
            in_debt boolean NOT NULL GENERATED ALWAYS AS (debt > 0) STORED, \
            payer boolean NOT NULL GENERATED ALWAYS AS (payments > 0) STORED",
        key: "account_id",
        indexes: &["opened", "banned, opened", "in_debt, opened", "payer, opened", "erased, opened"],
        fillfactor: 70,
    }],
    make: |tables| Box::new(People { tables, rows: Rows::new(KEPT_MAX) }),
};

/// People that stay in memory; about 100 bytes each.
const KEPT_MAX: usize = 200_000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Person {
    opened: i64,
    opened_at: i64,
    banned: bool,
    erased: bool,
    debt: i64,
    /// Settled ones.
    payments: i64,
    active_day: Option<i64>,
}

struct People {
    tables: Tables,
    rows: Rows<Uuid, Person>,
}

/// Does this change what is said of a person?
fn concerns(row: &Row) -> bool {
    row.account().is_person()
        && (row.version == 1
            || row.debt_delta != 0
            || matches!(
                row.event_type.as_str(),
                "AccountBanned"
                    | "AccountUnbanned"
                    | "AccountErased"
                    | "PaymentSettled"
                    | "GenerationRequested"
            ))
}

impl Fold for People {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let changed = entries.iter().filter(|e| concerns(&e.row) && e.row.version > 1);
            let missing = self.rows.missing(changed.map(|e| e.row.account_id));
            if missing.is_empty() {
                return Ok(());
            }
            let sql = format!(
                "SELECT account_id, opened, opened_at, banned, erased, debt, payments, active_day FROM {} \
                 WHERE account_id = ANY($1)",
                self.tables.main()
            );
            type Found = (Uuid, i64, i64, bool, bool, i64, i64, Option<i64>);
            let found: Vec<Found> = sqlx::query_as(AssertSqlSafe(sql)).bind(missing).fetch_all(tx).await?;
            for (id, opened, opened_at, banned, erased, debt, payments, active_day) in found {
                let person = Person { opened, opened_at, banned, erased, debt, payments, active_day };
                self.rows.loaded(id, person);
            }
            Ok(())
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let row = &entry.row;
        if !concerns(row) {
            return Ok(());
        }
        let broken = |what: &str| FoldError::broken(row.position, format!("{} {what}", row.account_id));
        if row.version == 1 {
            let person = Person { opened: row.position, opened_at: row.recorded_at, ..Person::default() };
            *self.rows.change(&row.account_id, Person::default) = person;
        }
        let day = i64::from(Day::of(row.recorded_at).0);
        if row.event_type == "GenerationRequested"
            && self.rows.get(&row.account_id).is_some_and(|person| person.active_day == Some(day))
        {
            return Ok(());
        }
        let person = self.rows.change_known(&row.account_id).ok_or_else(|| broken("was never opened"))?;
        let debt = person.debt.checked_add(row.debt_delta).filter(|debt| *debt >= 0);
        person.debt = debt.ok_or_else(|| broken("would owe less than nothing"))?;
        match row.event_type.as_str() {
            "AccountBanned" => person.banned = true,
            "AccountUnbanned" => person.banned = false,
            "AccountErased" => person.erased = true,
            "PaymentSettled" => person.payments += 1,
            "GenerationRequested" => person.active_day = Some(day),
            _ => {}
        }
        Ok(())
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let changed = self.rows.changed();
            let mut copy = Copy::new();
            for (account, p) in changed.new {
                copy.row(&[
                    account,
                    &p.opened,
                    &p.opened_at,
                    &p.banned,
                    &p.erased,
                    &p.debt,
                    &p.payments,
                    &p.active_day,
                ]);
            }
            let into = format!(
                "{} (account_id, opened, opened_at, banned, erased, debt, payments, active_day)",
                self.tables.main()
            );
            copy.send(tx, &into).await?;
            let rows = changed.altered;
            if !rows.is_empty() {
                let sql = format!(
                    "UPDATE {} p SET banned = u.banned, erased = u.erased, debt = u.debt, payments = u.payments, \
                        active_day = u.active_day \
                     FROM unnest($1::uuid[], $2::boolean[], $3::boolean[], $4::bigint[], $5::bigint[], $6::bigint[]) \
                        u(account_id, banned, erased, debt, payments, active_day) WHERE p.account_id = u.account_id",
                    self.tables.main()
                );
                sqlx::query(AssertSqlSafe(sql))
                    .bind(rows.iter().map(|(id, _)| **id).collect::<Vec<_>>())
                    .bind(rows.iter().map(|(_, p)| p.banned).collect::<Vec<_>>())
                    .bind(rows.iter().map(|(_, p)| p.erased).collect::<Vec<_>>())
                    .bind(rows.iter().map(|(_, p)| p.debt).collect::<Vec<_>>())
                    .bind(rows.iter().map(|(_, p)| p.payments).collect::<Vec<_>>())
                    .bind(rows.iter().map(|(_, p)| p.active_day).collect::<Vec<_>>())
                    .execute(tx)
                    .await?;
            }
            self.rows.written();
            Ok(())
        })
    }
}
