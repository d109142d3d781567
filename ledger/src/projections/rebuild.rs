//! Makes projections anew beside the live ones: new tables, filled from the log, one pass for all.
//!
//! Phases: enter each in the registry with empty tables (one transaction) → one reader sends chunks of the log
//! to all folds, two chunks in the reading at once, parsed where they are read → other indexes → catch up with the
//! live one → ready, and held until it is known what becomes of it. Each fold works in its own task and
//! transactions, so one that fails does not keep the others.
//! Cost: each event is read and parsed once; bounded by the folds' writing.
//!
//! Invariant: nothing of the live instance is touched, and no side effect but the new tables. They are dropped
//! when the rebuild is canceled or fails; those of a worker that died are dropped by the next one.
//! Invariant: a new instance never gets ahead of the live one.

use std::sync::Arc;

use futures_util::StreamExt as _;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::build::{Build, BuildError};
use super::desk::Desk;
use super::held::{Held, beat};
use super::registry::{self, Instance, State};
use super::throttle::Throttle;
use super::{Definition, Needs};
use crate::log::BadRow;
use crate::store;
use crate::tail::{Entry, scan};

type Chunk = Arc<Vec<Arc<Entry>>>;

/// Chunks that are read ahead: two cores.
const READS: usize = 2;
/// Chunks that wait for each fold.
const WAITING_MAX: usize = 2;
/// So near to the live one it is ready: the rest takes some ms.
const NEAR: i64 = 5_000;
/// Rounds of catching up; a log that grows faster than one folds is left to the swap.
const ROUNDS_MAX: u32 = 20;

/// What became of one.
#[derive(Debug)]
pub struct Made {
    pub definition: &'static Definition,
    pub outcome: Result<Held, BuildError>,
}

#[derive(Debug, thiserror::Error)]
pub enum RefusedRebuild {
    #[error("Postgres did not answer")]
    Postgres(#[from] sqlx::Error),
    #[error("{0} is being rebuilt already: see `ledger projections`; `ledger replay {0} --cancel` stops it")]
    UnderWay(String),
    #[error(
        "a new {0} waits to be swapped in: start `ledger serve`, or drop it by `ledger replay {0} --cancel`"
    )]
    Waiting(String),
}

pub struct Rebuild {
    pool: PgPool,
    worker: Uuid,
    max_rate: Option<u32>,
    stop: CancellationToken,
    builds: Vec<(Build, Arc<Desk>)>,
}

impl Rebuild {
    /// Enters the new instances in the registry, all or none.
    ///
    /// # Errors
    /// One of them is being rebuilt by somebody else.
    pub async fn begin(
        pool: PgPool,
        definitions: &[&'static Definition],
        max_rate: Option<u32>,
        stop: CancellationToken,
    ) -> Result<Self, RefusedRebuild> {
        let worker = Uuid::new_v4();
        let mut tx = store::begin(&pool).await?;
        let mut builds = Vec::new();
        for definition in definitions {
            let refused = || RefusedRebuild::UnderWay(definition.name.to_owned());
            for state in [State::Building, State::Ready] {
                match registry::find(&mut *tx, definition.name, state).await? {
                    Some(other) if other.is_worked_on() => return Err(refused()),
                    Some(other) if other.wished_at.is_some() => {
                        return Err(RefusedRebuild::Waiting(definition.name.to_owned()));
                    }
                    // Left over: by a worker that died, or by an earlier rebuild that was not swapped in.
                    Some(other) => {
                        registry::remove(&mut tx, &other).await?;
                    }
                    None => {}
                }
            }
            let made = registry::create(&mut tx, definition, State::Building).await?.ok_or_else(refused)?;
            registry::take(&mut *tx, &made, worker).await?;
            let build = Build::new(pool.clone(), definition, made);
            builds.push((build, Arc::new(Desk::new(definition.name))));
        }
        fail::fail_point!("ledger.replay.entering");
        tx.commit().await?;
        fail::fail_point!("ledger.replay.entered");
        Ok(Self { pool, worker, max_rate, stop, builds })
    }

    /// What is being made.
    pub fn instances(&self) -> Vec<Instance> {
        self.builds.iter().map(|(build, _)| build.instance.clone()).collect()
    }

    /// Where to see how far each is.
    pub fn desks(&self) -> Vec<Arc<Desk>> {
        self.builds.iter().map(|(_, desk)| Arc::clone(desk)).collect()
    }

    /// Fills the new instances. Those that could not be filled are gone when it returns.
    pub async fn run(self) -> Vec<Made> {
        let needs = self.builds.iter().map(|(b, _)| b.definition.needs).max().unwrap_or(Needs::Effects);
        let (mut goal, mut lines, mut tasks) = (0, Vec::new(), JoinSet::new());
        for (build, desk) in self.builds {
            let (sender, receiver) = mpsc::channel(WAITING_MAX);
            let target = goal_of(&self.pool, build.definition).await.unwrap_or(0);
            goal = goal.max(target);
            desk.aim(target);
            lines.push(sender);
            let (pool, worker, stop) = (self.pool.clone(), self.worker, self.stop.clone());
            tasks.spawn(make(pool, worker, stop, build, desk, receiver));
        }
        let throttle = Throttle::new(self.pool.clone(), self.max_rate);
        let chunk = Throttle::chunk(self.max_rate);
        let pool = self.pool.clone();
        // Of its own: whoever is canceled does not wait until the throttle lets the next chunk come.
        let feeding = tokio::spawn(async move {
            if let Err(error) = feed(pool, needs, (goal, chunk), lines, throttle).await {
                // Each fold comes to the same row once more, and says so.
                tracing::error!(%error, "the log can't be read to its end");
            }
        });
        let mut made: Vec<Made> = Vec::new();
        while let Some(done) = tasks.join_next().await {
            made.extend(done);
        }
        feeding.abort();
        made.sort_by_key(|made| made.definition.name);
        made
    }
}

/// How far the new instance is to come: to the live one, or to the head of the log.
pub(super) async fn goal_of(pool: &PgPool, definition: &Definition) -> Result<i64, sqlx::Error> {
    let sql = "SELECT coalesce((SELECT position FROM projection_instances WHERE name = $1 AND state = 'live'), \
                               (SELECT position FROM log_head))";
    sqlx::query_scalar(sql).bind(definition.name).fetch_one(pool).await
}

/// Sends the log up to `goal` to all who still listen.
async fn feed(
    pool: PgPool,
    needs: Needs,
    (goal, chunk): (i64, i64),
    lines: Vec<mpsc::Sender<Chunk>>,
    mut throttle: Throttle,
) -> Result<(), BadRow> {
    let starts = (0..goal).step_by(usize::try_from(chunk).unwrap_or(1));
    let read = move |after: i64| {
        let pool = pool.clone();
        let read = tokio::spawn(async move {
            let entries = scan(&pool, needs, after, goal.min(after + chunk)).await?;
            if needs == Needs::Payload {
                // Here, since two chunks are read at once; the folds then find it done.
                entries.iter().for_each(|entry| {
                    let _ = entry.event();
                });
            }
            Ok::<_, BadRow>(entries.into_iter().map(Arc::new).collect::<Vec<_>>())
        });
        async move { read.await.unwrap_or(Err(BadRow::Column(sqlx::Error::WorkerCrashed))) }
    };
    let mut chunks = std::pin::pin!(futures_util::stream::iter(starts).map(read).buffered(READS));
    while let Some(chunk) = chunks.next().await {
        let chunk = Arc::new(chunk?);
        let mut heard = false;
        for line in &lines {
            heard |= line.send(Arc::clone(&chunk)).await.is_ok();
        }
        if !heard {
            return Ok(());
        }
        throttle.sent(chunk.len()).await;
    }
    Ok(())
}

async fn make(
    pool: PgPool,
    worker: Uuid,
    stop: CancellationToken,
    mut build: Build,
    desk: Arc<Desk>,
    chunks: mpsc::Receiver<Chunk>,
) -> Made {
    let (definition, instance) = (build.definition, build.instance.clone());
    let worked = tokio::select! {
        done = fill(&pool, &mut build, &desk, chunks) => done,
        ended = beat(&pool, &instance, worker, &desk) => Err(ended),
        () = stop.cancelled() => Err(BuildError::Canceled),
    };
    // Gives the connection back, with what was not committed.
    drop(build);
    let outcome = match worked {
        Ok(()) => ready(&pool, &instance, worker, &desk).await,
        Err(BuildError::Lost) => Err(BuildError::Lost),
        Err(error) => Err(clean_up(&pool, &instance, error).await),
    };
    if outcome.is_err() {
        desk.enter("stopped");
    }
    Made { definition, outcome }
}

async fn fill(
    pool: &PgPool,
    build: &mut Build,
    desk: &Desk,
    mut chunks: mpsc::Receiver<Chunk>,
) -> Result<(), BuildError> {
    desk.enter("reading");
    let target = desk.progress().target;
    while let Some(chunk) = chunks.recv().await {
        let wanted = chunk.partition_point(|entry| entry.row.position <= target);
        build.take(&chunk[..wanted]).await?;
        desk.reach(build.position());
    }
    build.flush().await?;
    desk.enter("indexing");
    for sql in registry::create_indexes(&build.instance.tables(), build.definition) {
        sqlx::query(AssertSqlSafe(sql)).execute(pool).await?;
    }
    for table in build.definition.tables {
        let sql = format!("ANALYZE {}", build.instance.tables().table(table.suffix));
        sqlx::query(AssertSqlSafe(sql)).execute(pool).await?;
    }
    fail::fail_point!("ledger.replay.indexed");
    desk.enter("catching up");
    for _ in 0..ROUNDS_MAX {
        let goal = goal_of(pool, build.definition).await?;
        desk.aim(goal);
        build.catch_up(goal.max(target)).await?;
        desk.reach(build.position());
        if goal_of(pool, build.definition).await? - build.position() < NEAR {
            break;
        }
    }
    Ok(())
}

async fn ready(
    pool: &PgPool,
    instance: &Instance,
    worker: Uuid,
    desk: &Arc<Desk>,
) -> Result<Held, BuildError> {
    if !registry::make_ready(pool, instance, worker).await? {
        return Err(BuildError::Lost);
    }
    fail::fail_point!("ledger.replay.ready");
    desk.enter("ready");
    let found = registry::find(pool, &instance.name, State::Ready).await?;
    let ours = found.filter(|found| found.instance == instance.instance).ok_or(BuildError::Lost)?;
    Ok(Held::new(pool.clone(), ours, worker, Arc::clone(desk)))
}

/// Nothing stays of what failed.
async fn clean_up(pool: &PgPool, instance: &Instance, error: BuildError) -> BuildError {
    let removed = async {
        let mut tx = store::begin(pool).await?;
        registry::remove(&mut tx, instance).await?;
        tx.commit().await
    };
    if let Err(error) = removed.await {
        tracing::warn!(%error, "its tables stay until the next rebuild");
    }
    error
}
