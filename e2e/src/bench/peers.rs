//! The same work as others do it, on the same Postgres in the same minutes, direct to Postgres: a top-up,
//! then reserve and commit, over 1 000 accounts.
//!
//! - `for_update`: what the usual bots do: a transaction for each request, SELECT … FOR UPDATE, decide in
//!   the program, write balance, idempotency key and journal line, commit.
//! - `for_update_call`: the same as one plpgsql call: one round trip.
//!
//! - cala-ledger, postgres-es, disintegrate-postgres as published: a program of its own, `e2e/peers`, that
//!   `cargo xtask bench` builds and names in PEERS; without it they are left out.
//!
//! Ours is measured by the same clock over NATS (`append`), and here without it: commands pushed into the
//! queue of a sequencer in this process. Each at its best number in flight.

use std::ffi::OsStr;
use std::fmt::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgPoolOptions};

use super::in_process::InProcess;
use super::stand::Stand;
use super::stats::{Spread, short};
use crate::bulk::Size;

const ACCOUNTS: usize = 1_000;
const IN_FLIGHT: [usize; 3] = [1, 16, 64];
const OURS_IN_FLIGHT: [usize; 5] = [1, 16, 64, 256, 2_048];
const SCHEMA: &str = include_str!("peers.sql");

#[derive(Debug, Serialize)]
pub struct Peer {
    pub name: String,
    /// At its best number in flight.
    pub ops_s: f64,
    pub best_at: usize,
    /// (in flight, operations a second), medians.
    pub rates: Vec<(usize, f64)>,
    /// How many times faster ours is, best against best; of ours itself: 1.
    pub times_ours: f64,
}

#[derive(Debug, Serialize)]
pub struct Peers {
    pub all: Vec<Peer>,
}

impl Peers {
    pub fn print(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nThe same work, direct to Postgres, operations/s by number in flight")?;
        for peer in &self.all {
            let rates: Vec<String> =
                peer.rates.iter().map(|(n, rate)| format!("{n}: {}", short(*rate))).collect();
            writeln!(out, "  {:<22}{:>6.1} ×  {}", peer.name, peer.times_ours, rates.join("  "))?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    ForUpdate,
    Call,
}

/// # Errors
/// A server does not start, or an operation fails.
pub fn measure(quick: bool, say: &dyn Fn(&str)) -> Result<Option<Peers>> {
    let (rounds, seconds) = if quick { (2, 0.8) } else { (5, 3.0) };
    let stand = Stand::new(Size { events: 0, accounts: 0 }, say)?;
    // More threads than the load has elsewhere: here the deciding is done by this process.
    let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let server = stand.log.url().rsplit_once('/').map(|(s, _)| s.to_owned()).context("a URL")?;
    stand.log.postgres.create_database("peers")?;
    let pool = rt.block_on(async {
        let pool = PgPoolOptions::new().max_connections(64).connect(&format!("{server}/peers")).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        let fill = "INSERT INTO peer_balances SELECT n, 0, 0 FROM generate_series(0, $1 - 1) n";
        sqlx::query(fill).bind(i64::try_from(ACCOUNTS)?).execute(&pool).await?;
        anyhow::Ok(pool)
    })?;
    let mut ours = rt.block_on(InProcess::start(&stand, ACCOUNTS))?;
    let mut rates: Vec<(String, usize, f64)> = Vec::new();
    for round in 0..rounds {
        for in_flight in IN_FLIGHT {
            for (name, how) in [("for_update", How::ForUpdate), ("for_update_call", How::Call)] {
                let rate = rt.block_on(operate(&pool, how, in_flight, seconds))?;
                say(&format!("{name} round {}: {in_flight} in flight, {}/s", round + 1, short(rate)));
                rates.push((name.to_owned(), in_flight, rate));
            }
        }
        for in_flight in OURS_IN_FLIGHT {
            let rate = rt.block_on(ours.measure(in_flight, seconds))?;
            say(&format!("plantain round {}: {in_flight} in flight, {}/s", round + 1, short(rate)));
            rates.push(("plantain".to_owned(), in_flight, rate));
        }
        if let Some(program) = std::env::var_os("PEERS") {
            published(&program, &server, seconds, &mut rates)?;
        }
    }
    rt.block_on(ours.stop())?;
    Ok(Some(Peers { all: compare(&rates) }))
}

/// One round of the published ones, each in a database of its own on this server.
fn published(
    program: &OsStr,
    server: &str,
    seconds: f64,
    rates: &mut Vec<(String, usize, f64)>,
) -> Result<()> {
    #[derive(Deserialize)]
    struct Said {
        name: String,
        in_flight: usize,
        ops_s: f64,
    }
    let output = Command::new(program)
        .args([server, &seconds.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .context("the published peers can't be run")?;
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let said: Said = serde_json::from_slice(line).context("the published peers say no JSON")?;
        rates.push((said.name, said.in_flight, said.ops_s));
    }
    Ok(())
}

fn compare(rates: &[(String, usize, f64)]) -> Vec<Peer> {
    let mut names: Vec<&str> = vec!["plantain"];
    for (name, ..) in rates {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut all: Vec<Peer> = names.into_iter().map(|name| best(name, rates)).collect();
    let ours = all[0].ops_s;
    for peer in &mut all {
        peer.times_ours = ours / peer.ops_s.max(1.0);
    }
    all
}

fn best(name: &str, rates: &[(String, usize, f64)]) -> Peer {
    let of = |n: usize| Spread::of(rates.iter().filter(|r| r.0 == name && r.1 == n).map(|r| r.2)).median;
    let mut medians: Vec<(usize, f64)> = OURS_IN_FLIGHT.into_iter().map(|n| (n, of(n))).collect();
    medians.retain(|(_, rate)| *rate > 0.0);
    let (best_at, ops_s) = medians.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
    Peer { name: name.to_owned(), ops_s, best_at, rates: medians, times_ours: 1.0 }
}

static OPERATION: AtomicU64 = AtomicU64::new(0);

/// So many workers, each with a connection, for so long; operations a second.
async fn operate(pool: &PgPool, how: How, in_flight: usize, seconds: f64) -> Result<f64> {
    let begun = Instant::now();
    let mut workers = Vec::new();
    for worker in 0..in_flight {
        let pool = pool.clone();
        workers.push(tokio::spawn(async move {
            let (mut done, mut turn) = (0u64, 0);
            while begun.elapsed().as_secs_f64() < seconds {
                let account = i64::try_from((worker + turn * 97) % ACCOUNTS)?;
                turn += 1;
                // A top-up of 100, then ten times a reservation of 10 and its commit.
                one(&pool, how, account, "topup", 100).await?;
                for _ in 0..10 {
                    one(&pool, how, account, "reserve", 10).await?;
                    one(&pool, how, account, "commit", 10).await?;
                }
                done += 21;
            }
            anyhow::Ok(done)
        }));
    }
    let mut done = 0;
    for worker in workers {
        done += worker.await??;
    }
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}

async fn one(pool: &PgPool, how: How, account: i64, kind: &str, amount: i64) -> Result<()> {
    let n = OPERATION.fetch_add(1, Ordering::Relaxed);
    let key = format!("{kind}:{account}:{n}");
    let payload = format!(r#"{{"credits":{amount},"kind":"{kind}","operation":{n},"reference":"{key}"}}"#);
    if how == How::Call {
        sqlx::query("SELECT peer_operate($1, $2, $3, $4, $5)")
            .bind(&key)
            .bind(account)
            .bind(kind)
            .bind(amount)
            .bind(&payload)
            .execute(pool)
            .await?;
        return Ok(());
    }
    let mut tx = pool.begin().await?;
    let (mut available, mut reserved): (i64, i64) =
        sqlx::query_as("SELECT available, reserved FROM peer_balances WHERE account_id = $1 FOR UPDATE")
            .bind(account)
            .fetch_one(&mut *tx)
            .await?;
    sqlx::query("INSERT INTO peer_operations (key, account_id) VALUES ($1, $2)")
        .bind(&key)
        .bind(account)
        .execute(&mut *tx)
        .await?;
    match kind {
        "topup" => available += amount,
        "reserve" => (available, reserved) = (available - amount, reserved + amount),
        _ => reserved -= amount,
    }
    sqlx::query("UPDATE peer_balances SET available = $2, reserved = $3 WHERE account_id = $1")
        .bind(account)
        .bind(available)
        .bind(reserved)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO peer_journal (account_id, kind, amount, available, reserved, payload) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(account)
    .bind(kind)
    .bind(amount)
    .bind(available)
    .bind(reserved)
    .bind(&payload)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
