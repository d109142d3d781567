//! All projections rebuilt from the log while commands come: what the rebuild takes from them.
//!
//! Phases: the whole ledger runs and is loaded as fast as it answers → `ledger replay --all --diff-only`
//! beside it, the load going on until that ends.

use std::fmt::Write;
use std::process::Child;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;

use super::load::Load;
use super::stand::Stand;
use super::stats::{Spread, short};
use crate::bulk::Size;

const ACCOUNTS: usize = 1_000;
const IN_FLIGHT: usize = 256;
/// A second or two of commands.
const COMMANDS: usize = 16_000;
/// Before the rebuild: first so many until relay and projections have as much to do as they will have.
const WARM_UP: usize = 6;
const ROUNDS: usize = 10;

#[derive(Debug, Serialize)]
pub struct Live {
    pub log_events: i64,
    pub in_flight: usize,
    /// Medians.
    pub before_commands_s: f64,
    pub during_commands_s: f64,
    pub during_min_commands_s: f64,
    pub of_before: f64,
    pub p99_before_ms: f64,
    pub p99_during_ms: f64,
    pub rebuild_seconds: f64,
    pub rebuild_events_s: f64,
}

/// # Errors
/// A command is refused, or the rebuild fails.
pub fn measure(size: Size, say: &dyn Fn(&str)) -> Result<Live> {
    let mut stand = Stand::new(size, say)?;
    let log_events = stand.head()?;
    stand.start_ledger(false)?;
    let mut load = Load::new(&stand, ACCOUNTS)?;
    let (mut before, mut during) = (Vec::new(), Vec::new());
    for _ in 0..WARM_UP {
        load.measure(&stand, IN_FLIGHT, COMMANDS)?;
    }
    for _ in 0..ROUNDS {
        let measured = load.measure(&stand, IN_FLIGHT, COMMANDS)?;
        say(&format!("{}/s before it", short(measured.commands as f64 / measured.seconds)));
        before.push(measured);
    }
    say(&format!("rebuilding all of {log_events} events under load"));
    let mut replay = stand.start_command(&["replay", "--all", "--diff-only", "--json"])?;
    while replay.try_wait()?.is_none() {
        let measured = load.measure(&stand, IN_FLIGHT, COMMANDS)?;
        say(&format!("{}/s beside the rebuild", short(measured.commands as f64 / measured.seconds)));
        during.push(measured);
    }
    // The last one went on after the rebuild had ended.
    during.pop();
    if during.is_empty() {
        bail!("the rebuild ended within one measurement: take a bigger log (--events)");
    }
    let (rebuild_events_s, rebuild_seconds) = told(replay)?;
    stand.stop_ledger()?;
    let rates = |all: &[super::load::Measured]| Spread::of(all.iter().map(|m| m.commands as f64 / m.seconds));
    let slowest = |all: &[super::load::Measured]| Spread::of(all.iter().map(|m| m.p99_ms)).median;
    let (was, is) = (rates(&before), rates(&during));
    Ok(Live {
        log_events,
        in_flight: IN_FLIGHT,
        before_commands_s: was.median,
        during_commands_s: is.median,
        during_min_commands_s: is.min,
        of_before: is.median / was.median,
        p99_before_ms: slowest(&before),
        p99_during_ms: slowest(&during),
        rebuild_seconds,
        rebuild_events_s,
    })
}

/// Events a second and seconds, as the rebuild says itself.
fn told(replay: Child) -> Result<(f64, f64)> {
    let output = replay.wait_with_output()?;
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value =
        serde_json::from_slice(&output.stdout).with_context(|| format!("replay says no JSON: {}", said()))?;
    let projections = report["projections"].as_array().context("no projections")?;
    if let Some(failed) = projections.iter().find(|p| !p["error"].is_null()) {
        bail!("the rebuild failed: {failed}");
    }
    // All were made in one pass over the log.
    let first = projections.first().context("no projection")?;
    let number = |name: &str| first[name].as_f64().with_context(|| format!("no {name}"));
    Ok((number("events_s")?, number("seconds")?))
}

impl Live {
    pub fn print(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nAll projections rebuilt from {} events while commands come", self.log_events)?;
        writeln!(
            out,
            "  commands/s, {} in flight  {} before, {} during ({} at least): {:.0} % kept",
            self.in_flight,
            short(self.before_commands_s),
            short(self.during_commands_s),
            short(self.during_min_commands_s),
            self.of_before * 100.0
        )?;
        writeln!(
            out,
            "  p99 {:.0} ms before, {:.0} ms during;  the rebuild {} events/s, {:.0} s",
            self.p99_before_ms,
            self.p99_during_ms,
            short(self.rebuild_events_s),
            self.rebuild_seconds
        )
    }
}
