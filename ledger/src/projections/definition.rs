//! What a projection is: a name, a version, tables, and a fold that fills them from the log.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::PgConnection;

use crate::tail::Entry;

/// What a fold reads of an event. In a rebuild it gets no more: columns are several times cheaper to read than
/// payloads.
pub use crate::tail::Columns as Needs;

/// A projection as the code knows it.
#[derive(Debug)]
pub struct Definition {
    /// `[a-z_]`, at most 40 characters; also the beginning of its tables' names.
    pub name: &'static str,
    /// Raised when fold or tables change: the rows of another version are rebuilt, never continued.
    pub version: i64,
    pub needs: Needs,
    /// The least time between two steps of the live one. Longer means fewer, larger steps: rows that
    /// change often are written less often. What people wait for has a short one.
    pub pace: Duration,
    /// The first is the one that [`Tables::main`] names.
    pub tables: &'static [TableDef],
    pub make: fn(Tables) -> Box<dyn Fold>,
}

impl Definition {
    /// Takes the next event. Whoever reads payloads stops at a type or schema version that is unknown here, also if it
    /// would not read that one: nobody here can say whom it concerns.
    pub(crate) fn take(&self, fold: &mut dyn Fold, entry: &Entry) -> Result<(), FoldError> {
        if self.needs == Needs::Payload && !entry.is_known() {
            return Err(FoldError::unreadable(entry));
        }
        fold.take(entry)
    }
}

/// One table of a projection.
#[derive(Debug)]
pub struct TableDef {
    /// Empty for the main table, else what is added to the instance's name: `days`.
    pub suffix: &'static str,
    /// As in CREATE TABLE, without the primary key.
    pub columns: &'static str,
    /// The primary key: it tells rows apart when two instances are compared. Let it grow with the
    /// log (a position), so that new rows go to the end of the index.
    pub key: &'static str,
    /// What else is indexed, each the inside of the parentheses: `account_id, position`. Made after a
    /// rebuild has loaded the rows.
    pub indexes: &'static [&'static str],
    /// Per cent of a page that new rows fill. Below 100 where rows change: a changed row that fits into
    /// its page leaves the indexes alone.
    pub fillfactor: u8,
}

/// The tables of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    schema: &'static str,
    stem: String,
}

impl Tables {
    /// Those of `<name>_<instance>` in the schema `projections`.
    pub fn of(name: &str, instance: i32) -> Self {
        Self { schema: "projections", stem: format!("{name}_{instance}") }
    }

    /// In the session's temporary schema: for a look at what the rows should be.
    pub(crate) fn temporary(name: &str) -> Self {
        Self { schema: "pg_temp", stem: name.to_owned() }
    }

    /// The main table, qualified.
    pub fn main(&self) -> String {
        self.table("")
    }

    /// A table by its suffix, qualified.
    pub fn table(&self, suffix: &str) -> String {
        format!("{}.{}", self.schema, self.bare(suffix))
    }

    /// A table's name without its schema.
    pub(crate) fn bare(&self, suffix: &str) -> String {
        let joint = if suffix.is_empty() { "" } else { "_" };
        format!("{}{joint}{suffix}", self.stem)
    }

    /// The instance's own name, as in ProjectionSwapped.
    pub fn name(&self) -> &str {
        &self.stem
    }
}

#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The fold can't take this event: its projection stops before it.
    #[error("position {position}: {what}")]
    Broken { position: i64, what: String },
}

impl FoldError {
    pub fn broken(position: i64, what: impl Into<String>) -> Self {
        Self::Broken { position, what: what.into() }
    }

    /// For an event that this version can't read.
    pub fn unreadable(entry: &Entry) -> Self {
        let what = match entry.event() {
            Ok(_) => "can't be taken".to_owned(),
            Err(error) => error.in_full(),
        };
        Self::broken(entry.row.position, what)
    }
}

/// Fills one instance's tables. A step is: `load`, `take` for each event in order, `flush`; all in one
/// transaction with the checkpoint. After an error the fold is thrown away and a new one made.
///
/// Invariant: between two steps the rows in the tables and what the fold keeps in memory agree, and nobody
/// else writes these tables. So a fold may keep rows that it has written, bounded by a named limit.
pub trait Fold: Send {
    /// Reads the rows that these events will change and that are not in memory.
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        let _ = (tx, entries);
        Box::pin(async { Ok(()) })
    }

    /// Takes the next event, in memory.
    ///
    /// # Errors
    /// The event breaks an invariant, or can't be understood.
    fn take(&mut self, entry: &Entry) -> Result<(), FoldError>;

    /// Writes what has changed since the last flush, in few statements, each for a set of rows.
    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>>;
}
