//! Follows the log with the live instance of one projection.
//!
//! A step: take what waits in the tail (many at once if it is behind), move the checkpoint, load the rows it
//! needs, fold, write, commit; all in one transaction. Cost: five round trips and two statements a table a
//! step, however many events. The commit is not waited for to be on disk: what a crash of Postgres takes away is
//! folded again.
//!
//! Invariant: a checkpoint moves only from where its step began and only while the instance is live, so two
//! leaders can't both apply the same events, and after a swap the follower goes on with the new instance from
//! its checkpoint. It moves first: of two who come with the same events the second waits for the first, and finds
//! that there is nothing to do, before it has read or written a row.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::registry::{self, Instance, State};
use super::{Definition, Fold, FoldError};
use crate::log::BadRow;
use crate::store;
use crate::tail::{Entry, Tail};

/// Events folded in one transaction: about 100 ms of work.
const STEP_MAX: usize = 20_000;
/// A step takes well under a second; one that takes this long has lost its connection.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(1);
/// How often a projection that stopped at an event looks whether it can go on.
const RETRY_BROKEN: Duration = Duration::from_secs(5);
/// How often to look for an instance to follow, when there is none that this version can.
const LOOK: Duration = Duration::from_millis(500);
/// After a step a follower rests so many times as long as that took, within a bound: on a busy log steps grow
/// until they are cheap for each event, and commands have the machine meanwhile.
const REST: u32 = 3;
const REST_MAX: Duration = Duration::from_millis(250);
/// Events taken before other tasks have a turn: some hundred µs.
const TAKE_MAX: usize = 128;

/// What the followers share.
#[derive(Clone)]
pub struct Live {
    pub pool: PgPool,
    pub tail: Tail,
    /// Steps at once: no more than the pool has connections.
    pub turns: Arc<Semaphore>,
}

#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error("Postgres did not answer")]
    Postgres(#[from] sqlx::Error),
    #[error(transparent)]
    Fold(#[from] FoldError),
}

impl StepError {
    /// How many of a step's events may be good, before the one it failed at.
    fn good_before(&self, position: i64, count: usize) -> usize {
        match self {
            Self::Fold(FoldError::Broken { position: at, .. }) => {
                usize::try_from(at - position - 1).unwrap_or(0)
            }
            // Postgres does not say which row: halve.
            Self::Postgres(_) => count / 2,
        }
    }

    fn what(&self) -> String {
        match self {
            Self::Fold(FoldError::Broken { what, .. }) => what.clone(),
            Self::Postgres(error) => format!("Postgres refuses what it makes of it: {error}"),
        }
    }
}

/// Classes 22, 23 and 42: a value, a constraint, a table that is not as the fold thinks.
fn is_refusal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["22", "23", "42"].iter().any(|class| code.starts_with(class)))
}

/// Why following an instance ended.
enum Ended {
    /// It is no longer the live one.
    Replaced,
    Away(sqlx::Error),
}

impl Live {
    /// Follows until dropped.
    pub async fn follow(self, definition: &'static Definition) {
        loop {
            match registry::find(&self.pool, definition.name, State::Live).await {
                Ok(Some(instance)) if instance.version == definition.version => {
                    let ended = self.follow_instance(definition, instance).await;
                    if let Ended::Away(error) = ended {
                        tracing::warn!(projection = definition.name, %error, "Postgres did not answer");
                        tokio::time::sleep(RETRY).await;
                    }
                }
                Ok(None) => {
                    if let Err(error) = self.create(definition).await {
                        tracing::warn!(projection = definition.name, %error, "its tables could not be made");
                        tokio::time::sleep(RETRY).await;
                    }
                }
                // Another version's rows are read until they are made anew, but not continued.
                Ok(Some(_)) => tokio::time::sleep(LOOK).await,
                Err(error) => {
                    tracing::warn!(projection = definition.name, %error, "can't look for its instance");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// The first instance.
    async fn create(&self, definition: &Definition) -> Result<(), sqlx::Error> {
        let mut tx = store::begin(&self.pool).await?;
        let made = registry::create(&mut tx, definition, State::Live).await?;
        if let Some(instance) = &made {
            for sql in registry::create_indexes(&instance.tables(), definition) {
                sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
            }
        }
        tx.commit().await
    }

    async fn follow_instance(&self, definition: &Definition, instance: Instance) -> Ended {
        tracing::info!(instance = instance.tables().name(), position = instance.position, "following");
        let mut fold = (definition.make)(instance.tables());
        let (mut position, mut step_max) = (instance.position, STEP_MAX);
        loop {
            self.show(definition, position);
            let entries = match self.tail.after(position, step_max).await {
                Ok(entries) => entries,
                Err(BadRow::Column(error)) => return Ended::Away(error),
                Err(error) => {
                    if !self.stands_still(&instance, position + 1, &error.in_full()).await {
                        return Ended::Replaced;
                    }
                    continue;
                }
            };
            let Some(last) = entries.last().map(|entry| entry.row.position) else {
                self.tail.wait_beyond(position).await;
                continue;
            };
            let Ok(turn) = self.turns.acquire().await else { return Ended::Replaced };
            let begun = Instant::now();
            let step = self.step((definition, &instance), fold.as_mut(), position, &entries);
            let stepped = tokio::time::timeout(STEP_TIMEOUT, step).await;
            drop(turn);
            match stepped.unwrap_or(Err(sqlx::Error::PoolTimedOut.into())) {
                Ok(true) => {
                    position = last;
                    step_max = step_max.saturating_mul(2).min(STEP_MAX);
                }
                Ok(false) => return Ended::Replaced,
                Err(StepError::Postgres(error)) if !is_refusal(&error) => return Ended::Away(error),
                Err(error) => {
                    // What comes before the event that can't be taken is taken first.
                    fold = (definition.make)(instance.tables());
                    step_max = error.good_before(position, entries.len());
                    if step_max == 0 {
                        if !self.stands_still(&instance, position + 1, &error.what()).await {
                            return Ended::Replaced;
                        }
                        step_max = 1;
                    }
                    continue;
                }
            }
            if entries.len() < STEP_MAX / 2 {
                let worked = begun.elapsed();
                let rest = definition.pace.saturating_sub(worked).max((worked * REST).min(REST_MAX));
                self.tail.gather(position, rest).await;
            }
        }
    }

    /// Folds these events and moves the checkpoint. `false`: the instance is not live any more, or somebody
    /// else follows it.
    async fn step(
        &self,
        (definition, instance): (&Definition, &Instance),
        fold: &mut dyn Fold,
        position: i64,
        entries: &[Arc<Entry>],
    ) -> Result<bool, StepError> {
        let Some(last) = entries.last().map(|entry| entry.row.position) else { return Ok(true) };
        let mut tx = store::begin(&self.pool).await?;
        if !registry::move_checkpoint(&mut tx, instance, position, last).await? {
            tx.rollback().await?;
            return Ok(false);
        }
        fold.load(&mut tx, entries).await?;
        for some in entries.chunks(TAKE_MAX) {
            for entry in some {
                definition.take(fold, entry)?;
            }
            tokio::task::yield_now().await;
        }
        fold.flush(&mut tx).await?;
        fail::fail_point!("ledger.projection.before_commit");
        tx.commit().await?;
        fail::fail_point!("ledger.projection.committed");
        Ok(true)
    }

    /// Says where it stands, and waits. `false`: the instance is not there any more, since somebody else has moved it
    /// or it was exchanged.
    async fn stands_still(&self, instance: &Instance, position: i64, what: &str) -> bool {
        match registry::note_failure(&self.pool, instance, position, what).await {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                tracing::warn!(projection = instance.name, %error, "its failure could not be noted");
            }
        }
        tracing::error!(projection = instance.name, position, what, "stopped at an event it can't take");
        metrics::counter!("ledger_projection_failures_total", "projection" => instance.name.clone())
            .increment(1);
        tokio::time::sleep(RETRY_BROKEN).await;
        true
    }

    fn show(&self, definition: &Definition, position: i64) {
        metrics::gauge!("ledger_projection_position", "projection" => definition.name).set(position as f64);
        let lag = (self.tail.head() - position).max(0);
        metrics::gauge!("ledger_projection_lag", "projection" => definition.name).set(lag as f64);
    }
}
