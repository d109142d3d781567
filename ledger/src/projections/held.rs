//! A worker's hold on the instance that it makes or swaps in: a sign of life a second in the registry. Whoever else
//! wants the instance leaves it alone meanwhile, and can ask for it to be given up.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Definition;
use super::build::BuildError;
use super::desk::Desk;
use super::diff::{Diff, diff};
use super::registry::{self, Instance, State, Wish};
use crate::store;

/// How often a worker gives a sign of life: well within [`registry::SILENCE_MAX_US`].
const BEAT: Duration = Duration::from_secs(1);
/// How long a cancel waits for the worker: a few signs of life, or until it is known to be dead.
const CANCEL_PATIENCE: Duration = Duration::from_secs(15);

/// A new instance that is ready, and stays this worker's until it is swapped in or dropped.
#[derive(Debug)]
pub struct Held {
    pub instance: Instance,
    pool: PgPool,
    worker: Uuid,
    desk: Arc<Desk>,
    /// Somebody asked to stop, or has taken it away.
    lost: CancellationToken,
    beat: JoinHandle<()>,
}

impl Held {
    pub(super) fn new(pool: PgPool, instance: Instance, worker: Uuid, desk: Arc<Desk>) -> Self {
        let lost = CancellationToken::new();
        let beat = tokio::spawn({
            let (pool, instance, lost) = (pool.clone(), instance.clone(), lost.clone());
            let desk = Arc::clone(&desk);
            async move {
                beat(&pool, &instance, worker, &desk).await;
                lost.cancel();
            }
        });
        Self { instance, pool, worker, desk, lost, beat }
    }

    /// Takes one that is ready and that nobody works on. `None`: there is none.
    ///
    /// # Errors
    /// Postgres does not answer.
    pub async fn take(pool: &PgPool, definition: &'static Definition) -> Result<Option<Self>, sqlx::Error> {
        let ready = registry::find(pool, definition.name, State::Ready).await?;
        let Some(ready) = ready.filter(|ready| ready.wished_at.is_none()) else { return Ok(None) };
        let worker = Uuid::new_v4();
        if !registry::take(pool, &ready, worker).await? {
            return Ok(None);
        }
        let desk = Desk::new(definition.name);
        desk.enter("ready");
        Ok(Some(Self::new(pool.clone(), ready, worker, Arc::new(desk))))
    }

    /// Brings it level with the live one and says what differs.
    ///
    /// # Errors
    /// Somebody asked to stop, or it could not be brought level.
    pub async fn compare(
        &self,
        definition: &'static Definition,
        stop: &CancellationToken,
    ) -> Result<Option<Diff>, BuildError> {
        self.desk.enter("comparing");
        tokio::select! {
            diff = diff(&self.pool, definition, self.instance.clone()) => diff,
            () = self.lost.cancelled() => Err(BuildError::Canceled),
            () = stop.cancelled() => Err(BuildError::Canceled),
        }
    }

    /// Leaves it as it is.
    ///
    /// # Errors
    /// Postgres does not answer.
    pub async fn let_go(self) -> Result<(), sqlx::Error> {
        registry::let_go(&self.pool, &self.instance, self.worker).await
    }

    /// Asks the leader to make it the live one. `false`: it is not ours any more.
    ///
    /// # Errors
    /// Postgres does not answer.
    pub async fn wish(self) -> Result<bool, sqlx::Error> {
        registry::wish(&self.pool, &self.instance, Some(self.worker)).await
    }

    /// Drops its tables.
    ///
    /// # Errors
    /// Postgres does not answer.
    pub async fn discard(self) -> Result<bool, sqlx::Error> {
        discard(&self.pool, &self.instance).await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

/// Signs of life, until somebody asks to stop.
pub(super) async fn beat(pool: &PgPool, instance: &Instance, worker: Uuid, desk: &Desk) -> BuildError {
    loop {
        tokio::time::sleep(BEAT).await;
        match registry::alive(pool, instance, worker, &desk.progress()).await {
            Ok(Wish::GoOn) => {}
            Ok(Wish::Stop) => return BuildError::Canceled,
            Ok(Wish::Lost) => return BuildError::Lost,
            Err(error) => tracing::warn!(%error, "a sign of life could not be given"),
        }
    }
}

/// Drops an instance that is ready and was not swapped in.
///
/// # Errors
/// Postgres does not answer.
pub async fn discard(pool: &PgPool, instance: &Instance) -> Result<bool, sqlx::Error> {
    let mut tx = store::begin(pool).await?;
    let removed = registry::remove(&mut tx, instance).await?;
    tx.commit().await?;
    Ok(removed)
}

/// What became of a wish to stop a rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Canceled {
    /// There was none.
    Nothing,
    /// Its tables are gone.
    Gone,
    /// The leader is swapping it in.
    TooLate,
    /// Its worker lives and has not stopped yet.
    Asked,
}

/// Asks the worker of a rebuild to stop and waits until its tables are gone; drops what nobody works on, also if it
/// waits to be swapped in.
///
/// # Errors
/// Postgres does not answer.
pub async fn cancel(pool: &PgPool, name: &str) -> Result<Canceled, sqlx::Error> {
    let end = Instant::now() + CANCEL_PATIENCE;
    let mut outcome = Canceled::Nothing;
    while Instant::now() < end {
        let building = registry::find(pool, name, State::Building).await?;
        let found = match building {
            Some(found) => Some(found),
            None => registry::find(pool, name, State::Ready).await?,
        };
        let Some(found) = found else { return Ok(outcome) };
        if found.wished_at.is_some() && !registry::take_back_wish(pool, &found).await? {
            return Ok(Canceled::TooLate);
        }
        outcome = Canceled::Gone;
        if !found.is_worked_on() {
            discard(pool, &found).await?;
            continue;
        }
        registry::ask_to_cancel(pool, &found).await?;
        tokio::time::sleep(BEAT / 4).await;
    }
    Ok(Canceled::Asked)
}
