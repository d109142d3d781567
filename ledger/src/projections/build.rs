//! One instance being filled: its fold, its open transaction, and how far it is.

use std::sync::Arc;

use sqlx::{Executor as _, PgPool};

use super::registry::{self, Instance};
use super::{BY_KEYS, Definition, Fold, FoldError, Needs};
use crate::log::BadRow;
use crate::store;
use crate::tail::{Entry, scan};

/// Events of one SELECT: about 10 MB with their payloads.
pub(super) const CHUNK: i64 = 10_000;
/// Events between two flushes: rows that change often are written once for all of them. Of folds that
/// see payloads the changed rows are most of what is in memory: about 50 MB.
const FLUSH_MAX: usize = 50_000;
/// Of folds of effects, which keep a row an account.
const FLUSH_EFFECTS_MAX: usize = 1_000_000;
/// Events before other tasks have a turn.
const TAKE_MAX: usize = 256;

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("Postgres did not do it: {0}")]
    Postgres(#[from] sqlx::Error),
    #[error("the log can't be read: {0}")]
    Log(#[from] BadRow),
    #[error("the fold can't go on at {0}")]
    Fold(#[from] FoldError),
    #[error("somebody else has taken the instance")]
    Lost,
    #[error("canceled")]
    Canceled,
}

pub(super) struct Build {
    pub definition: &'static Definition,
    pub instance: Instance,
    pool: PgPool,
    fold: Box<dyn Fold>,
    tx: Option<store::Transaction>,
    /// The checkpoint as it is committed.
    written: i64,
    /// Folded so far.
    position: i64,
}

impl Build {
    pub(super) fn new(pool: PgPool, definition: &'static Definition, instance: Instance) -> Self {
        let fold = (definition.make)(instance.tables());
        let position = instance.position;
        Self { definition, instance, pool, fold, tx: None, written: position, position }
    }

    pub(super) const fn position(&self) -> i64 {
        self.position
    }

    /// Takes the events that follow.
    pub(super) async fn take(&mut self, entries: &[Arc<Entry>]) -> Result<(), BuildError> {
        let Some(last) = entries.last().map(|entry| entry.row.position) else { return Ok(()) };
        let tx = match &mut self.tx {
            Some(tx) => tx,
            none => {
                let tx = none.insert(store::begin(&self.pool).await?);
                tx.execute(BY_KEYS).await?;
                tx
            }
        };
        self.fold.load(tx, entries).await?;
        for some in entries.chunks(TAKE_MAX) {
            for entry in some {
                self.definition.take(self.fold.as_mut(), entry)?;
            }
            tokio::task::yield_now().await;
        }
        self.position = last;
        let max = if self.definition.needs == Needs::Effects { FLUSH_EFFECTS_MAX } else { FLUSH_MAX };
        let waiting = usize::try_from(self.position - self.written).unwrap_or(usize::MAX);
        if waiting >= max { self.flush().await } else { Ok(()) }
    }

    /// Writes what was taken, with the checkpoint.
    pub(super) async fn flush(&mut self) -> Result<(), BuildError> {
        let Some(mut tx) = self.tx.take() else { return Ok(()) };
        self.fold.flush(&mut tx).await?;
        if !registry::move_checkpoint(&mut tx, &self.instance, self.written, self.position).await? {
            return Err(BuildError::Lost);
        }
        fail::fail_point!("ledger.replay.before_commit");
        tx.commit().await?;
        fail::fail_point!("ledger.replay.committed");
        self.written = self.position;
        Ok(())
    }

    /// Reads and folds the log up to `goal`.
    pub(super) async fn catch_up(&mut self, goal: i64) -> Result<(), BuildError> {
        while self.position < goal {
            let through = goal.min(self.position + CHUNK);
            let entries = scan(&self.pool, self.definition.needs, self.position, through).await?;
            let entries: Vec<Arc<Entry>> = entries.into_iter().map(Arc::new).collect();
            self.take(&entries).await?;
        }
        self.flush().await
    }
}
