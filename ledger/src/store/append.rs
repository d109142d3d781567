//! The append: one transaction a batch, fenced by the head, on a connection of the writer's own.
//!
//! Two ways, both of the functions in `migrations/0011_side_rows.sql`:
//! - [`Writer::append`], when little waits: both halves in one statement, one round trip, durable when it
//!   answers.
//! - [`Writer::insert`] and then [`Writer::finish`], when much waits: the first half (inserts) runs while
//!   the batch before commits on another connection, the second (changes of side rows, fence, COMMIT) after.
//!
//! Why the head is last: its row lock is what a successor waits for, so it is held shortest.
//! Why no pings: a dead connection shows at the next answer that does not come (`answered`); what it was
//! doing is then in doubt, and [`resolve`] finds out.

use sqlx::postgres::{PgArguments, PgDatabaseError, PgPool, PgSeverity};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Postgres};
use uuid::Uuid;

use super::composite::composite;
use super::head::LEASE_US;
use super::pool::{self, answered};
use super::side::Side;
use crate::log::{Row, hex};

/// SQLSTATE of `log_finish` when the head is not where the batch began.
const FENCED: &str = "LG001";

/// A row of `natural_keys`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Encode)]
pub struct NaturalKey {
    pub kind: &'static str,
    pub key: String,
    pub account_id: Uuid,
    /// What owns the key, e.g. a payment id.
    pub subject: String,
    pub position: i64,
}

/// What one append writes. Invariant: `rows` is not empty and continues the head gaplessly.
#[derive(Debug)]
pub struct Batch<'a> {
    pub prev_position: i64,
    pub epoch: i64,
    pub rows: &'a [Row],
    pub keys: &'a [NaturalKey],
    pub side: &'a Side,
}

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Someone else leads: nothing was written.
    #[error("another leader has the log")]
    Fenced,
    /// The database refuses a row: nothing was written.
    #[error("the database refuses a row ({})", constraint.as_deref().unwrap_or("no constraint named"))]
    Rejected {
        constraint: Option<String>,
        #[source]
        source: sqlx::Error,
    },
    /// It failed before it could be committed: nothing was written.
    #[error("the append did not reach its commit")]
    NotCommitted(#[source] sqlx::Error),
    /// The connection failed while a COMMIT may have been under way.
    #[error("the commit's outcome is in doubt")]
    InDoubt(#[source] sqlx::Error),
}

impl AppendError {
    fn before_commit(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(db) if db.code().as_deref() == Some(FENCED) => Self::Fenced,
            // Classes 22 and 23: a value or a constraint that this row violates.
            Some(db) if db.code().is_some_and(|c| c.starts_with("22") || c.starts_with("23")) => {
                Self::Rejected { constraint: db.constraint().map(str::to_owned), source: error }
            }
            _ => Self::NotCommitted(error),
        }
    }

    /// Of a statement that commits: an ERROR undid it; a backend that was ended (FATAL) may have
    /// committed before, as may one that no longer answers.
    fn in_commit(error: sqlx::Error) -> Self {
        let undone = error
            .as_database_error()
            .and_then(|db| db.try_downcast_ref::<PgDatabaseError>())
            .is_some_and(|db| db.severity() == PgSeverity::Error);
        if undone { Self::before_commit(error) } else { Self::InDoubt(error) }
    }
}

/// A connection that only appends. Opened at the first use, and again after a failure.
#[derive(Debug)]
pub struct Writer {
    pool: PgPool,
    connection: Option<PgConnection>,
}

impl Writer {
    /// Connects as the pool does, when it is first used.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, connection: None }
    }

    async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => answered(pool::connect_alone(&self.pool)).await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Appends a batch, durably when it returns.
    ///
    /// # Errors
    /// See [`AppendError`]: only `InDoubt` leaves open whether the batch is in the log.
    pub async fn append(&mut self, batch: &Batch<'_>) -> Result<(), AppendError> {
        let connection = self.connection().await.map_err(AppendError::NotCommitted)?;
        let query = bind(APPEND, batch).bind(batch.prev_position).bind(batch.epoch).bind(LEASE_US);
        fail::fail_point!("ledger.append.before_commit");
        let done = answered(query.execute(connection)).await;
        done.map_err(|error| self.failed(AppendError::in_commit(error)))?;
        fail::fail_point!("ledger.append.committed");
        Ok(())
    }

    /// First half: opens a transaction and inserts. Invariant: [`Writer::finish`] or [`Writer::undo`] follows.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn insert(&mut self, batch: &Batch<'_>) -> Result<(), AppendError> {
        let connection = self.connection().await.map_err(AppendError::NotCommitted)?;
        let begun = answered(connection.execute("BEGIN")).await;
        begun.map_err(|error| self.failed(AppendError::NotCommitted(error)))?;
        let connection = self.connection().await.map_err(AppendError::NotCommitted)?;
        let done = answered(bind(INSERT, batch).execute(connection)).await;
        done.map_err(|error| self.failed(AppendError::before_commit(error)))?;
        fail::fail_point!("ledger.append.inserted");
        Ok(())
    }

    /// Second half, after the batch before has committed: durable when it returns.
    ///
    /// # Errors
    /// See [`AppendError`]: only `InDoubt` leaves open whether the batch is in the log.
    pub async fn finish(&mut self, batch: &Batch<'_>) -> Result<(), AppendError> {
        let Some(last) = batch.rows.last() else { return Ok(()) };
        let Some(connection) = &mut self.connection else {
            return Err(AppendError::NotCommitted(sqlx::Error::PoolClosed));
        };
        // One message and so one round trip; it can't have parameters, and these are numbers and hex.
        let sql = format!(
            "SELECT log_finish({}, {}, {}, '\\x{}', {}, {LEASE_US}, \
                current_setting('plantain.changes')::side_changes); COMMIT",
            batch.prev_position,
            batch.epoch,
            last.position,
            hex(&last.hash),
            last.recorded_at
        );
        fail::fail_point!("ledger.append.before_commit");
        let done = answered(sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection)).await;
        done.map_err(|error| self.failed(AppendError::in_commit(error)))?;
        fail::fail_point!("ledger.append.committed");
        Ok(())
    }

    /// Takes the first half back.
    pub async fn undo(&mut self) {
        if let Some(connection) = &mut self.connection
            && answered(connection.execute("ROLLBACK")).await.is_err()
        {
            self.connection = None;
        }
    }

    /// After an error the connection is kept only if it certainly has no transaction open.
    fn failed(&mut self, error: AppendError) -> AppendError {
        self.connection = None;
        error
    }

    /// Says farewell, so that Postgres frees the session at once.
    pub async fn close(self) {
        if let Some(connection) = self.connection {
            // It may be dead.
            let _ = answered(connection.close()).await;
        }
    }
}

/// What became of an append in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// It is in the log. The leader goes on under this epoch.
    Committed { epoch: i64 },
    /// It is not, and never will be. The leader goes on under this epoch.
    Absent { epoch: i64 },
    /// Someone else leads.
    Fenced,
}

/// Resolves a commit in doubt: raises the leader's own epoch, which waits for a backend that holds the
/// head and fences a statement that is still on its way; then looks whether the head is the batch's last row.
///
/// # Errors
/// Postgres is away: still in doubt.
pub async fn resolve(pool: &PgPool, batch: &Batch<'_>) -> Result<Resolved, sqlx::Error> {
    let found: Option<(i64, Vec<u8>, i64)> = sqlx::query_as(
        "UPDATE log_head SET epoch = epoch + 1 WHERE epoch = $1 RETURNING position, hash, epoch",
    )
    .bind(batch.epoch)
    .fetch_optional(pool)
    .await?;
    let Some((position, hash, epoch)) = found else { return Ok(Resolved::Fenced) };
    Ok(match batch.rows.last() {
        Some(last) if position == last.position && hash == last.hash => Resolved::Committed { epoch },
        _ if position == batch.prev_position => Resolved::Absent { epoch },
        _ => Resolved::Fenced,
    })
}

const APPEND: &str = "SELECT log_append($1, $2, $3, $4, $5, $6, $7)";
/// What `finish` needs goes along, for the transaction.
const INSERT: &str = "SELECT log_insert($1, $2, $3), set_config('plantain.changes', $4::text, true)";

composite!(Row, "events");
composite!(NaturalKey, "natural_keys");

/// Rows, natural keys and side rows: the first four parameters of both.
fn bind<'q>(sql: &'static str, batch: &'q Batch<'_>) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(sql).bind(batch.rows).bind(batch.keys).bind(&batch.side.inserts).bind(&batch.side.changes)
}
