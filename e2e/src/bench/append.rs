//! Commands over NATS against the ceilings, at a log of one size.
//!
//! Phases: round trips of NATS, while no ledger runs → the whole ledger (relay and projections running;
//! a measurement ends when both have all of it) → the write path alone. In each, rounds of: the ceilings,
//! then every number in flight, so that what is compared was measured within seconds of each other.

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use super::ceiling::{Twin, round_trips};
use super::cpu::Cpu;
use super::load::Load;
use super::stand::Stand;
use super::stats::{Spread, short};
use crate::bulk::Size;

/// As they are compared with other ledgers.
pub const IN_FLIGHT: [usize; 5] = [1, 16, 64, 256, 2_048];
const ACCOUNTS: usize = 1_000;

#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// Commands of a measurement, for each number in flight.
    pub commands: [usize; IN_FLIGHT.len()],
    /// Batches of 1 000 events of a measurement of the ceilings.
    pub batches: usize,
}

impl Effort {
    pub const FULL: Self = Self { rounds: 5, commands: [1_500, 15_000, 30_000, 60_000, 80_000], batches: 60 };
    pub const QUICK: Self = Self { rounds: 2, commands: [400, 3_000, 8_000, 14_000, 26_000], batches: 15 };
}

/// One line of the table: one number in flight at one size of log, whole or the write path alone.
#[derive(Debug, Serialize)]
pub struct Line {
    pub in_flight: usize,
    pub log_events: i64,
    pub whole: bool,
    pub commands_s: f64,
    pub events_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Median over the rounds of events/s ÷ the ceiling of the same round.
    pub of_ceiling: f64,
    pub of_ceiling_min: f64,
    pub of_ceiling_max: f64,
    /// The same against events inserted alone, without their keys and side rows.
    pub of_events_alone: f64,
    /// Processor time of an event, µs: ledger, postgres, nats, load. Unlike rates it hardly depends on who
    /// else uses the machine.
    pub cpu_us: [f64; 4],
}

#[derive(Debug, Serialize)]
pub struct AtSize {
    pub log_events: i64,
    pub ceiling_events_s: f64,
    pub ceiling_min: f64,
    pub ceiling_max: f64,
    pub events_alone_s: f64,
    pub single_ms: f64,
    /// Of Postgres for an event of the ceiling.
    pub ceiling_cpu_us: f64,
    /// From the start of `ledger serve` to its first answer: median.
    pub start_s: f64,
    /// (in flight, round trips a second, p50 ms)
    pub nats: Vec<(usize, f64, f64)>,
    pub commands: Vec<Line>,
}

/// Figures of one measurement.
#[derive(Debug, Clone, Copy)]
struct Figure {
    commands_s: f64,
    events_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    ceiling: f64,
    alone: f64,
    events: i64,
    cpu: Cpu,
}

/// # Errors
/// A server does not start, or a command is refused.
pub fn measure(size: Size, effort: Effort, wanted: &[usize], say: &dyn Fn(&str)) -> Result<AtSize> {
    let mut stand = Stand::new(size, say)?;
    let log_events = stand.head()?;
    let mut nats = Vec::new();
    let levels: Vec<(usize, usize)> = IN_FLIGHT.into_iter().zip(effort.commands).collect();
    let levels: Vec<(usize, usize)> =
        levels.into_iter().filter(|(n, _)| wanted.is_empty() || wanted.contains(n)).collect();
    for (in_flight, commands) in levels.iter().copied() {
        let (rate, p50) = round_trips(&stand, in_flight, commands)?;
        nats.push((in_flight, rate, p50));
    }
    let mut twin = Twin::new(&stand, ACCOUNTS)?;
    let (mut full, mut alone, mut singles, mut costs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut lines, mut starts) = (Vec::new(), Vec::new());
    for whole in [true, false] {
        starts.push(stand.start_ledger(!whole)?.as_secs_f64());
        let mut load = Load::new(&stand, ACCOUNTS)?;
        let mut figures: Vec<Vec<Figure>> = vec![Vec::new(); levels.len()];
        for round in 0..effort.rounds {
            if whole {
                stand.drain()?;
            }
            let (ceiling, cost) = twin.batches(&mut stand, effort.batches, true)?;
            let (events_alone, _) = twin.batches(&mut stand, effort.batches, false)?;
            full.push(ceiling);
            alone.push(events_alone);
            costs.push(cost);
            singles.push(twin.single_ms(&stand)?);
            for (n, (in_flight, commands)) in levels.iter().copied().enumerate() {
                let mut figure = one(&mut stand, &mut load, in_flight, commands, whole)?;
                (figure.ceiling, figure.alone) = (ceiling, events_alone);
                say(&format!(
                    "{} round {} at {log_events}: {in_flight} in flight, {} commands/s, {} events/s, {:.2} of {}",
                    if whole { "whole" } else { "write path" },
                    round + 1,
                    short(figure.commands_s),
                    short(figure.events_s),
                    figure.events_s / ceiling,
                    short(ceiling),
                ));
                figures[n].push(figure);
            }
        }
        stand.stop_ledger()?;
        lines.extend(levels.iter().zip(&figures).map(|((n, _), f)| line(*n, log_events, whole, f)));
    }
    let ceiling = Spread::of(full);
    Ok(AtSize {
        log_events,
        ceiling_events_s: ceiling.median,
        ceiling_min: ceiling.min,
        ceiling_max: ceiling.max,
        events_alone_s: Spread::of(alone).median,
        single_ms: Spread::of(singles).median,
        ceiling_cpu_us: Spread::of(costs).median,
        start_s: Spread::of(starts).median,
        nats,
        commands: lines,
    })
}

fn one(stand: &mut Stand, load: &mut Load, in_flight: usize, commands: usize, whole: bool) -> Result<Figure> {
    let (before, cpu) = (stand.head()?, stand.cpu());
    let begun = Instant::now();
    let measured = load.measure(stand, in_flight, commands)?;
    let events = stand.head()? - before;
    let mut seconds = measured.seconds;
    let mut commands = measured.commands;
    if whole {
        stand.drain()?;
        // All commands, until relay and projections have drained; what building the messages took is not counted.
        seconds = begun.elapsed().as_secs_f64() - measured.built_seconds;
        commands = measured.total;
    }
    let commands_s = commands as f64 / seconds;
    Ok(Figure {
        commands_s,
        events_s: commands_s * events as f64 / measured.total as f64,
        p50_ms: measured.p50_ms,
        p99_ms: measured.p99_ms,
        ceiling: 0.0,
        alone: 0.0,
        events,
        cpu: stand.cpu() - cpu,
    })
}

fn line(in_flight: usize, log_events: i64, whole: bool, figures: &[Figure]) -> Line {
    let median = |get: fn(&Figure) -> f64| Spread::of(figures.iter().map(get)).median;
    let of_ceiling = Spread::of(figures.iter().map(|f| f.events_s / f.ceiling));
    let cpu = figures.iter().fold(Cpu::default(), |sum, f| sum + f.cpu);
    let events = figures.iter().map(|f| f.events).sum::<i64>().max(1) as f64;
    let of_event = |seconds: f64| seconds / events * 1e6;
    Line {
        in_flight,
        log_events,
        whole,
        commands_s: median(|f| f.commands_s),
        events_s: median(|f| f.events_s),
        p50_ms: median(|f| f.p50_ms),
        p99_ms: median(|f| f.p99_ms),
        of_ceiling: of_ceiling.median,
        of_ceiling_min: of_ceiling.min,
        of_ceiling_max: of_ceiling.max,
        of_events_alone: median(|f| f.events_s / f.alone),
        cpu_us: [cpu.ledger, cpu.postgres, cpu.nats, cpu.load].map(of_event),
    }
}

impl AtSize {
    /// Without the commands' lines.
    pub fn ceilings(&self) -> serde_json::Value {
        serde_json::json!({
            "log_events": self.log_events, "ceiling_events_s": self.ceiling_events_s, "min": self.ceiling_min,
            "max": self.ceiling_max, "postgres_us": self.ceiling_cpu_us, "start_s": self.start_s, "events_alone_s": self.events_alone_s, "single_insert_ms": self.single_ms,
            "nats": self.nats,
        })
    }
}
