//! Rebuilds and comparisons for whoever asks and goes: one at a time in a process.
//!
//! Phases of a rebuild: `rebuild` fills the new instance → compared with what is read → written down (`works`) and let
//! go: it is ready, and waits to be swapped in or dropped. A process that dies leaves what a dead `ledger replay`
//! leaves: tables that the leader drops, or an instance that is ready and was not compared.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::build::BuildError;
use super::held::Held;
use super::rebuild::{Made, Rebuild, RefusedRebuild};
use super::works::{self, Kind};
use super::{Definition, Diff};

/// Where the work is done; a clone is the same place.
#[derive(Debug, Clone)]
pub struct Bench {
    pool: PgPool,
    stop: CancellationToken,
    place: Arc<Semaphore>,
}

/// Why a work was not begun.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    #[error("another projection is being worked on")]
    Busy,
    #[error("nothing is ready to be compared")]
    NothingReady,
    #[error(transparent)]
    Refused(#[from] RefusedRebuild),
    #[error("Postgres did not answer")]
    Postgres(#[from] sqlx::Error),
}

impl Bench {
    /// With connections for long work; ends it when told to stop.
    pub fn new(pool: PgPool, stop: CancellationToken) -> Self {
        Self { pool, stop, place: Arc::new(Semaphore::new(1)) }
    }

    /// For acts that are not long: wishes and cancellations.
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub fn is_free(&self) -> bool {
        self.place.available_permits() > 0
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, NotBegun> {
        Arc::clone(&self.place).try_acquire_owned().map_err(|_| NotBegun::Busy)
    }

    /// Begins to make a new instance beside the live one; at most so many events a second. `act`: the position of the act that
    /// asks for it.
    ///
    /// # Errors
    /// This process is at another one, or somebody makes this one.
    pub async fn rebuild(
        &self,
        definition: &'static Definition,
        max_rate: Option<u32>,
        actor: &str,
        act: i64,
    ) -> Result<(), NotBegun> {
        let place = self.place()?;
        let (pool, stop) = (self.pool.clone(), self.stop.clone());
        let rebuild = Rebuild::begin(pool.clone(), &[definition], max_rate, stop.clone()).await?;
        let instances = rebuild.instances();
        for instance in &instances {
            works::begin(&pool, Kind::Rebuild, instance, actor, Some(act)).await?;
        }
        tokio::spawn(async move {
            let _place = place;
            for (Made { definition, outcome }, instance) in rebuild.run().await.into_iter().zip(instances) {
                let outcome = match outcome {
                    Ok(held) => compare(definition, held, &stop).await,
                    Err(error) => Err(error),
                };
                write_down(&pool, (definition.name, instance.instance), outcome).await;
            }
        });
        Ok(())
    }

    /// Begins to compare the instance that is ready with the live one.
    ///
    /// # Errors
    /// This process is at another one, or nothing is ready.
    pub async fn compare(&self, definition: &'static Definition, actor: &str) -> Result<(), NotBegun> {
        let place = self.place()?;
        let (pool, stop) = (self.pool.clone(), self.stop.clone());
        let held = Held::take(&pool, definition).await?.ok_or(NotBegun::NothingReady)?;
        works::begin(&pool, Kind::Compare, &held.instance, actor, None).await?;
        tokio::spawn(async move {
            let _place = place;
            let instance = held.instance.instance;
            let outcome = compare(definition, held, &stop).await;
            write_down(&pool, (definition.name, instance), outcome).await;
        });
        Ok(())
    }
}

/// What was asked to be given up is gone after it; what could not be compared, or not now, is kept.
async fn compare(
    definition: &'static Definition,
    held: Held,
    stop: &CancellationToken,
) -> Result<Option<Diff>, BuildError> {
    let compared = held.compare(definition, stop).await;
    if matches!(compared, Err(BuildError::Canceled)) && !stop.is_cancelled() {
        held.discard().await?;
    } else {
        held.let_go().await?;
    }
    compared
}

async fn write_down(pool: &PgPool, work: (&str, i32), outcome: Result<Option<Diff>, BuildError>) {
    if let Err(error) = &outcome {
        tracing::warn!(projection = work.0, %error, "work on a projection came to nothing");
    }
    let outcome = outcome.as_ref().map(Option::as_ref).map_err(ToString::to_string);
    if let Err(error) = works::end(pool, work, outcome).await {
        tracing::warn!(projection = work.0, %error, "what came of it could not be written down");
    }
}
