//! How soon the console's pages answer on a big log, while commands come.
//!
//! Phases: the whole ledger runs on the log, with proofs → an administrator signs in over several connections → every
//! example of every page is asked so many times with other facts, in random order, with a pause between two as people make
//! them; beside it a steady load of commands. The ceiling is the sign-in page of the same run: the same door and frame,
//! and nothing asked of Postgres.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::try_join_all;
use ledger::proofs::SecretKey;
use reqwest::header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use reqwest::{Client, StatusCode};
use serde::Serialize;

use super::load::Load;
use super::stand::Stand;
use super::stats::percentile;
use crate::bulk::{Size, kept};
use crate::dice::Dice;
use crate::pages::{self, Facts};

const PASSWORD: &str = "correct horse battery";
const CEILING: &str = "/sign-in";
/// People at the console at once.
const CONNECTIONS: usize = 4;
/// Between two pages of one of them, at most; half of it on average.
const PAUSE_MS: u64 = 100;
/// What is asked of every page, at p99.
const GOOD_MS: f64 = 100.0;
/// Places of the log that facts come from.
const PLACES: usize = 2_000;
/// Commands beside it: so many at once, each so often.
const COMMANDS: usize = 40;
const EVERY: Duration = Duration::from_millis(200);
const ACCOUNTS: usize = 40;
const IN_FLIGHT: usize = 4;
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug, Serialize)]
pub struct Console {
    pub log_events: i64,
    pub accounts: usize,
    pub connections: usize,
    pub each: usize,
    pub commands_s: f64,
    pub ceiling_p50_ms: f64,
    pub ceiling_p99_ms: f64,
    pub pages: Vec<Line>,
}

#[derive(Debug, Serialize)]
pub struct Line {
    pub asked: String,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// Of the medians.
    pub of_ceiling: f64,
}

/// # Errors
/// A page answers with something else than itself, or the ledger refuses a command.
pub fn measure(size: Size, each: usize, say: &dyn Fn(&str)) -> Result<Console> {
    let mut stand = Stand::on(kept::fresh(size, say)?)?;
    let log_events = stand.head()?;
    let key = stand.folder().join("checkpoint.key");
    std::fs::write(&key, SecretKey::from_seed("plantain/bench", [7; 32])?.reveal())?;
    stand.start_ledger_with(&[
        ("ADMIN_PASSWORD", PASSWORD.to_owned()),
        ("CHECKPOINT_KEY_FILE", key.display().to_string()),
        ("CHECKPOINT_DIR", stand.folder().join("checkpoints").display().to_string()),
        ("CHECKPOINT_EVERY_SECONDS", "1".to_owned()),
    ])?;
    let mut load = Load::new(&stand, ACCOUNTS)?;
    let mut dice = Dice::seeded(11);
    let payments = stand.client("payments")?;
    let facts = stand.rt.block_on(Facts::prepare(&stand.pool, &payments, &mut dice, PLACES))?;
    let in_runtime = stand.rt.enter();
    let all = pages::all(&stand.pool, &stand.client("ledger")?)?;
    drop(in_runtime);
    let visits = visits(&all, each, &facts, &mut dice)?;
    // The pages are asked by a runtime of their own: the load has one that it fills.
    let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let clients = rt.block_on(sign_in(&stand.url()))?;
    say("waiting for the proofs");
    rt.block_on(wait_for_proofs(&stand.url(), &clients[0]))?;
    say(&format!("{} pages are asked", visits.len()));
    let (over, commands, begun) = (AtomicBool::new(false), AtomicUsize::new(0), Instant::now());
    let (stand, load) = (&stand, &mut load);
    let asked = std::thread::scope(|scope| {
        let beside = scope.spawn(|| write_on(stand, load, &over, &commands));
        let asked = rt.block_on(ask_all(&stand.url(), &clients, visits, &mut dice));
        over.store(true, Ordering::Relaxed);
        beside.join().map_err(|_| anyhow::anyhow!("the load panicked"))??;
        asked
    })?;
    let commands_s = commands.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    found(
        Console {
            log_events,
            accounts: size.accounts,
            connections: CONNECTIONS,
            each,
            commands_s,
            ceiling_p50_ms: 0.0,
            ceiling_p99_ms: 0.0,
            pages: Vec::new(),
        },
        asked,
    )
}

/// What is asked, and under which example it counts.
type Visit = (String, String);

/// In random order.
fn visits(all: &[pages::Page], each: usize, facts: &Facts, dice: &mut Dice) -> Result<Vec<Visit>> {
    let mut visits = Vec::new();
    for asked in all.iter().flat_map(|page| &page.asked) {
        for _ in 0..each {
            visits.push((asked.clone(), facts.fill(asked, dice)?));
        }
    }
    ensure!(visits.iter().any(|(asked, _)| asked == CEILING), "{CEILING} is no page any more");
    for last in (1..visits.len()).rev() {
        visits.swap(last, usize::try_from(dice.below(last as u64 + 1))?);
    }
    Ok(visits)
}

fn client() -> Result<Client> {
    Ok(Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build()?)
}

/// Somebody at the console.
struct Seat {
    client: Client,
    session: HeaderValue,
}

async fn sign_in(url: &str) -> Result<Vec<Seat>> {
    let mut seats = Vec::new();
    let end = Instant::now() + PATIENCE;
    while seats.len() < CONNECTIONS {
        let client = client()?;
        let form = [("name", "admin"), ("password", PASSWORD), ("to", "/")];
        let answer =
            client.post(format!("{url}/sign-in")).form(&form).header("sec-fetch-site", "same-origin");
        let answer = answer.send().await?;
        let cookie = answer.headers().get(SET_COOKIE).filter(|_| answer.headers().contains_key(LOCATION));
        match cookie.and_then(|cookie| cookie.to_str().ok()?.split(';').next()) {
            Some(cookie) => seats.push(Seat { client, session: HeaderValue::from_str(cookie)? }),
            // The first administrator is let in a moment after the start.
            None if Instant::now() < end => tokio::time::sleep(Duration::from_millis(200)).await,
            None => bail!("nobody could sign in: {}", answer.status()),
        }
    }
    Ok(seats)
}

/// The first start on a big log makes its tree.
async fn wait_for_proofs(url: &str, seat: &Seat) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while ask(url, seat, "/log/1/proof").await?.1 != StatusCode::OK {
        ensure!(Instant::now() < end, "there is no checkpoint");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// How long it took until the whole answer was there, ms.
async fn ask(url: &str, seat: &Seat, address: &str) -> Result<(f64, StatusCode)> {
    let mut request = seat.client.get(format!("{url}{address}"));
    // Who is signed in is sent on from there.
    if address != CEILING {
        request = request.header(COOKIE, seat.session.clone());
    }
    let begun = Instant::now();
    let answer = request.send().await?;
    let status = answer.status();
    answer.bytes().await?;
    Ok((begun.elapsed().as_secs_f64() * 1e3, status))
}

async fn ask_all(
    url: &str,
    seats: &[Seat],
    visits: Vec<Visit>,
    dice: &mut Dice,
) -> Result<Vec<(String, f64)>> {
    let share = visits.len().div_ceil(seats.len());
    let walks = seats.iter().zip(visits.chunks(share)).map(|(seat, visits)| {
        let mut dice = dice.fork();
        async move {
            let mut times = Vec::with_capacity(visits.len());
            for (asked, address) in visits {
                let (ms, status) = ask(url, seat, address).await.with_context(|| address.clone())?;
                ensure!(status == StatusCode::OK || status.is_redirection(), "{address}: {status}");
                times.push((asked.clone(), ms));
                tokio::time::sleep(Duration::from_millis(dice.below(PAUSE_MS))).await;
            }
            anyhow::Ok(times)
        }
    });
    Ok(try_join_all(walks).await?.concat())
}

/// Commands at a steady pace, until it is over.
fn write_on(stand: &Stand, load: &mut Load, over: &AtomicBool, commands: &AtomicUsize) -> Result<()> {
    while !over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        commands.fetch_add(load.measure(stand, IN_FLIGHT, COMMANDS)?.total, Ordering::Relaxed);
        std::thread::sleep(EVERY.saturating_sub(begun.elapsed()));
    }
    Ok(())
}

fn found(mut console: Console, asked: Vec<(String, f64)>) -> Result<Console> {
    let mut by_page: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (asked, ms) in asked {
        by_page.entry(asked).or_default().push(ms);
    }
    for times in by_page.values_mut() {
        times.sort_by(f64::total_cmp);
    }
    let ceiling = by_page.remove(CEILING).context("the ceiling was not measured")?;
    let p50 = percentile(&ceiling, 0.5);
    (console.ceiling_p50_ms, console.ceiling_p99_ms) = (p50, percentile(&ceiling, 0.99));
    console.pages = by_page
        .into_iter()
        .map(|(asked, times)| Line {
            asked,
            p50_ms: percentile(&times, 0.5),
            p99_ms: percentile(&times, 0.99),
            max_ms: times.last().copied().unwrap_or_default(),
            of_ceiling: percentile(&times, 0.5) / p50,
        })
        .collect();
    Ok(console)
}

impl Console {
    pub fn print(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "\nThe console on a log of {} events and {} accounts; {} people, {:.0} commands/s",
            self.log_events, self.accounts, self.connections, self.commands_s
        )?;
        writeln!(
            out,
            "  each asked {} times; ceiling {CEILING}: p50 {:.1} ms, p99 {:.1} ms",
            self.each, self.ceiling_p50_ms, self.ceiling_p99_ms
        )?;
        writeln!(out, "  {:<42}{:>8}{:>8}{:>8}  of ceiling", "page, ms", "p50", "p99", "max")?;
        for line in &self.pages {
            let mark = if line.p99_ms > GOOD_MS { " slow" } else { "" };
            writeln!(
                out,
                "  {:<42}{:>8.1}{:>8.1}{:>8.0}{:>7.1}{mark}",
                short_of(&line.asked),
                line.p50_ms,
                line.p99_ms,
                line.max_ms,
                line.of_ceiling
            )?;
        }
        let slow = self.pages.iter().filter(|line| line.p99_ms > GOOD_MS).count();
        writeln!(out, "  {slow} of {} over {GOOD_MS:.0} ms at p99", self.pages.len())
    }
}

/// As much as there is room for.
fn short_of(asked: &str) -> String {
    const ROOM: usize = 41;
    if asked.chars().count() <= ROOM {
        asked.to_owned()
    } else {
        asked.chars().take(ROOM - 1).chain(['…']).collect()
    }
}
