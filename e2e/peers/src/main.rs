//! What others' published ledgers and event stores do with the bench's work, on the bench's Postgres: a
//! top-up of 100, then ten times a reservation of 10 and its commit, over 1 000 accounts.
//!
//! `peers SERVER SECONDS`: for each peer a database of its own on the server, then each number in flight
//! for so long; a line of JSON a figure. A peer that can't run here says so on stderr, and has no lines.

mod cala;
mod disintegrate_pg;
mod postgres_es_pg;

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sqlx::postgres::{PgPool, PgPoolOptions};

const ACCOUNTS: usize = 1_000;
const IN_FLIGHT: [usize; 3] = [1, 16, 64];
/// Connections of a peer: as many as work at once.
const CONNECTIONS: u32 = 64;
/// Pictures of ten credits that a top-up pays.
const PICTURES: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Topup,
    Reserve,
    Commit,
}

impl Operation {
    pub fn credits(self) -> i64 {
        if self == Self::Topup { 100 } else { 10 }
    }

    /// What an account does in its n-th step.
    pub fn of_step(n: usize) -> Self {
        match n % (1 + 2 * PICTURES) {
            0 => Self::Topup,
            step if step % 2 == 1 => Self::Reserve,
            _ => Self::Commit,
        }
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().context("peers SERVER SECONDS")?;
    let time = Duration::from_secs_f64(arguments.next().context("peers SERVER SECONDS")?.parse()?);
    say("cala-ledger", cala::measure(database(&server, "peer_cala").await?, time).await);
    say("postgres-es", postgres_es_pg::measure(database(&server, "peer_postgres_es").await?, time).await);
    say(
        "disintegrate-postgres",
        disintegrate_pg::measure(database(&server, "peer_disintegrate").await?, time).await,
    );
    Ok(())
}

/// (in flight, operations a second): the best of the peer's modes.
pub type Rates = Vec<(usize, f64)>;

fn say(name: &str, rates: Result<Rates>) {
    match rates {
        Ok(rates) => {
            for (in_flight, ops_s) in rates {
                println!("{}", serde_json::json!({"name": name, "in_flight": in_flight, "ops_s": ops_s}));
            }
        }
        Err(error) => eprintln!("{name} can't be measured: {error:#}"),
    }
}

/// An empty database of this name.
async fn database(server: &str, name: &str) -> Result<PgPool> {
    let admin = PgPool::connect(&format!("{server}/postgres")).await?;
    sqlx::raw_sql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).execute(&admin).await?;
    sqlx::raw_sql(&format!("CREATE DATABASE {name}")).execute(&admin).await?;
    Ok(PgPoolOptions::new().max_connections(CONNECTIONS).connect(&format!("{server}/{name}")).await?)
}

/// So many workers, each with accounts of its own, for so long. `work` does an account's next steps from
/// the n-th on and answers how many it did.
pub async fn workers<W, F>(in_flight: usize, time: Duration, progress: &mut [usize], work: W) -> Result<f64>
where
    W: Fn(usize, usize) -> F + Clone + Send + 'static,
    F: Future<Output = Result<usize>> + Send,
{
    let begun = Instant::now();
    let mut running = Vec::new();
    for worker in 0..in_flight {
        let work = work.clone();
        let mut own: Vec<(usize, usize)> =
            (worker..ACCOUNTS).step_by(in_flight).map(|account| (account, progress[account])).collect();
        running.push(tokio::spawn(async move {
            let (mut done, mut turn) = (0, 0);
            while begun.elapsed() < time {
                let index = turn % own.len();
                let (account, step) = &mut own[index];
                let steps = work(*account, *step).await?;
                *step += steps;
                done += steps;
                turn += 1;
            }
            anyhow::Ok((done, own))
        }));
    }
    let mut all = 0;
    for worker in running {
        let (done, own) = worker.await??;
        all += done;
        for (account, step) in own {
            progress[account] = step;
        }
    }
    Ok(all as f64 / begun.elapsed().as_secs_f64())
}
