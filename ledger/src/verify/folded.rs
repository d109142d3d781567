//! Projections against the fold of the log, each at its own checkpoint.
//!
//! The log is folded once more by the projections' own folds, into temporary tables of this session, and
//! Postgres compares them with the live ones, as it does after a rebuild. So memory is bounded whatever a projection holds, a new
//! projection is compared without a line here, and nothing is left behind.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

use super::accounts::Accounts;
use super::finding::{Findings, Kind};
use crate::projections::{self, BY_KEYS, Fold, FoldError, Instance, RowDiff, State, TableDiff, Tables};
use crate::tail::Entry;

/// Rows named for each table that differs; the others are counted.
const NAMED_MAX: usize = 10;
/// Of what is said about one row.
const ROW_CHARS_MAX: usize = 300;
/// Events between two writings: rows that change often are written once for all of them.
const FLUSH_MAX: i64 = 50_000;
/// Pages of temporary tables in memory: most folds' rows fit.
const TEMP_BUFFERS: &str = "64MB";

/// What is kept beside the log and must be its fold.
pub enum Comparison {
    Projection(Box<Projection>),
    /// Stored states of accounts.
    Accounts(Box<Accounts>),
}

impl Comparison {
    /// The next events, in order.
    pub async fn take(&mut self, tx: &mut PgConnection, entries: &[Arc<Entry>]) -> Result<(), sqlx::Error> {
        match self {
            Self::Projection(projection) => projection.fold(tx, entries).await,
            Self::Accounts(accounts) => accounts.fold(tx, entries).await,
        }
    }

    /// Names what differs, after the last event.
    pub async fn compare(
        &mut self,
        tx: &mut PgConnection,
        findings: &mut Findings,
    ) -> Result<(), sqlx::Error> {
        match self {
            Self::Projection(projection) => projection.look(tx, findings).await,
            Self::Accounts(accounts) => accounts.look(tx, findings).await,
        }
    }
}

/// Every projection as of the transaction's snapshot; what this version's folds do not speak for is left out.
pub async fn all(tx: &mut PgConnection) -> Result<Vec<Comparison>, sqlx::Error> {
    tx.execute(AssertSqlSafe(format!("SET LOCAL temp_buffers = '{TEMP_BUFFERS}'; {BY_KEYS}"))).await?;
    let mut found = Vec::new();
    for instance in projections::instances(&mut *tx).await? {
        let definition = projections::find(&instance.name).filter(|d| d.version == instance.version);
        let (Some(definition), State::Live) = (definition, instance.state) else { continue };
        let tables = Tables::temporary(definition.name);
        for table in definition.tables {
            let sql = format!(
                "CREATE TEMPORARY TABLE {} ({}, PRIMARY KEY ({}))",
                tables.bare(table.suffix),
                table.columns,
                table.key
            );
            tx.execute(AssertSqlSafe(sql)).await?;
        }
        let fold = Some((definition.make)(tables.clone()));
        let projection =
            Projection { definition, instance, tables, fold, reached: 0, written: 0, broken: None };
        found.push(Comparison::Projection(Box::new(projection)));
    }
    Ok(found)
}

pub struct Projection {
    definition: &'static projections::Definition,
    instance: Instance,
    tables: Tables,
    /// None after an event that it can't take.
    fold: Option<Box<dyn Fold>>,
    reached: i64,
    written: i64,
    broken: Option<FoldError>,
}

impl Projection {
    async fn fold(&mut self, tx: &mut PgConnection, entries: &[Arc<Entry>]) -> Result<(), sqlx::Error> {
        let through = entries.partition_point(|e| e.row.position <= self.instance.position);
        let entries = &entries[..through];
        let (Some(fold), Some(last)) = (&mut self.fold, entries.last()) else { return Ok(()) };
        fold.load(tx, entries).await?;
        let definition = self.definition;
        if let Some(error) = entries.iter().find_map(|entry| definition.take(fold.as_mut(), entry).err()) {
            (self.broken, self.fold) = (Some(error), None);
            return Ok(());
        }
        self.reached = last.row.position;
        if self.reached - self.written >= FLUSH_MAX {
            fold.flush(tx).await?;
            self.written = self.reached;
        }
        Ok(())
    }

    async fn look(&mut self, tx: &mut PgConnection, findings: &mut Findings) -> Result<(), sqlx::Error> {
        let (name, checkpoint) = (self.definition.name, self.instance.position);
        if let Some(fold) = &mut self.fold {
            fold.flush(tx).await?;
        }
        if let Some(FoldError::Broken { position, what }) = &self.broken {
            findings.find(*position, Kind::Projection, format!("projection {name} can't take it: {what}"));
            return Ok(());
        }
        if self.reached < checkpoint {
            let what = format!("projection {name} claims position {checkpoint}, which the log has not");
            findings.find(0, Kind::Projection, what);
            return Ok(());
        }
        let (stored, wanted) = (self.instance.tables(), &self.tables);
        let tables = projections::diff_all(tx, self.definition, &stored, wanted).await?;
        for (def, table) in self.definition.tables.iter().zip(&tables) {
            let place = [name, def.suffix].join(if def.suffix.is_empty() { "" } else { "." });
            differences(&place, table, findings);
        }
        Ok(())
    }
}

fn differences(place: &str, table: &TableDiff, findings: &mut Findings) {
    if !table.not_compared.is_empty() {
        let what = format!("projection {place} has other columns: {}", table.not_compared.join(", "));
        findings.find(0, Kind::Projection, what);
    }
    let row = |row: &RowDiff| match (&row.old, &row.new) {
        (Some(_), Some(_)) => {
            let columns: String = row.columns().join("; ").chars().take(ROW_CHARS_MAX).collect();
            format!("projection {place}, row {}: {columns}", row.key)
        }
        (None, _) => format!("projection {place} lacks row {}", row.key),
        _ => format!("projection {place} has row {}, which the log does not make", row.key),
    };
    let count = usize::try_from(table.count()).unwrap_or(0);
    let named = table.named.iter().take(NAMED_MAX).map(row);
    findings.find_rows(Kind::Projection, count, named, |more| {
        format!("projection {place}: {more} more of its rows differ")
    });
}
