//! What each projection costs an event, followed live from the tail and rebuilt, in µs of processor time of the folds
//! and of Postgres: `cargo run --profile measured -p e2e --example folds [EVENTS [ACCOUNTS]]`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use e2e::Stage;
use e2e::bench::cpu::{self, Cpu, Pids};
use e2e::bulk::{Size, write};
use futures_util::TryStreamExt as _;
use ledger::projections::{self, Definition, Rebuild};
use ledger::tail::Tail;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often to look whether the followers are there: what a rate is exact to.
const LOOK: Duration = Duration::from_millis(5);

struct Machine {
    pids: Pids,
    events: i64,
}

impl Machine {
    async fn measure(&self, what: &str, work: impl Future<Output = Result<()>>) -> Result<()> {
        let (before, begun) = (cpu::now(self.pids), Instant::now());
        work.await?;
        let (took, used): (_, Cpu) = (begun.elapsed(), cpu::now(self.pids) - before);
        let events = self.events as f64;
        println!(
            "{what:<24} {:>9.0} events/s   {:>6.2} µs here {:>6.2} µs in Postgres",
            events / took.as_secs_f64(),
            used.load * 1e6 / events,
            used.postgres * 1e6 / events
        );
        Ok(())
    }
}

fn main() -> Result<()> {
    let number = |n: usize, or: usize| std::env::args().nth(n).and_then(|n| n.parse().ok()).unwrap_or(or);
    let size = Size { events: number(1, 300_000), accounts: number(2, 1_000) };
    let mut stage = Stage::new()?;
    let url = stage.database_url();
    let events = stage.rt.block_on(write::write(&url, size, |_| ()))?;
    let postmaster = stage.postgres.process().context("Postgres does not run")?.pid();
    let machine = Machine { pids: Pids { ledger: 0, postmaster, nats: 0 }, events };
    stage.rt.block_on(async {
        let pool = projections::connect(&url).await?;
        let patient = projections::connect_patient(&url).await?;
        machine.measure("bare fetch of effects", bare(&stage.pool)).await?;
        for definition in projections::ALL {
            machine
                .measure(&format!("follow {}", definition.name), follow(&pool, &[definition], events))
                .await?;
        }
        sqlx::query("UPDATE projection_instances SET state = 'old'").execute(&stage.pool).await?;
        machine.measure("follow all", follow(&pool, &projections::ALL, events)).await?;
        for definition in projections::ALL {
            machine
                .measure(&format!("rebuild {}", definition.name), rebuild(&patient, &[definition]))
                .await?;
        }
        machine.measure("rebuild all", rebuild(&patient, &projections::ALL)).await
    })
}

async fn bare(pool: &PgPool) -> Result<()> {
    let sql = "SELECT position, account_id, version, available_delta, reserved_delta, debt_delta FROM events \
               ORDER BY position";
    let mut rows = sqlx::query(sql).fetch(pool);
    while rows.try_next().await?.is_some() {}
    Ok(())
}

/// As a leader does, from the beginning of the log.
async fn follow(pool: &PgPool, definitions: &[&'static Definition], events: i64) -> Result<()> {
    let (_committed, seen) = watch::channel(events.try_into()?);
    let tail = Tail::new(pool.clone(), seen);
    let mut followers = JoinSet::new();
    for (follower, definition) in projections::followers(pool, &tail).into_iter().zip(projections::ALL) {
        if definitions.iter().any(|d| d.name == definition.name) {
            followers.spawn(follower);
        }
    }
    let sql =
        "SELECT count(*) FROM projection_instances WHERE state = 'live' AND position = $1 AND name = ANY($2)";
    let names: Vec<&str> = definitions.iter().map(|d| d.name).collect();
    loop {
        let there: i64 = sqlx::query_scalar(sql).bind(events).bind(&names).fetch_one(pool).await?;
        if there == i64::try_from(definitions.len()).unwrap_or(0) {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn rebuild(pool: &PgPool, definitions: &[&'static Definition]) -> Result<()> {
    let rebuild = Rebuild::begin(pool.clone(), definitions, None, CancellationToken::new()).await?;
    for made in rebuild.run().await {
        made.outcome?.discard().await?;
    }
    Ok(())
}
