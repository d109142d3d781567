//! The core against an independent model, over random lives of three people and a catalog.
//!
//! Each life is 130 steps or more: commands right and wrong, late, repeated and out of order,
//! catalogs that change, time that passes, amounts at the bounds of their types. After every command
//! the core and the model must agree on the answer, every balance, every lot and every line of the
//! books, and the invariants must hold of the events alone (`audit`).
//!
//! `cargo test -p ledger-domain` plays a few hundred lives; `cargo xtask chaos --model` as many as it
//! is told. Variables: `PLANTAIN_MODEL_SEQUENCES`, `PLANTAIN_MODEL_SEED` (of the first life; the next
//! ones count up), `PLANTAIN_MODEL_REPORT` (a file for the counts as JSON).

#![allow(clippy::print_stdout, clippy::print_stderr)] // figures and progress

mod audit;
mod desk;
mod dice;
mod opinion;
#[cfg(feature = "planted-bugs")]
mod planted;
mod play;
mod shop;
mod steps;
mod tally;
mod torn;
mod write;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use play::Failure;
use proto_events::commands::Command;
use tally::Tally;

/// Lives when nobody says how many: a few seconds without optimisation.
const FEW: u64 = 150;

/// From this many on, everything must have been come across.
const MANY: u64 = 20_000;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|n| n.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {n}")))
}

fn any_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_millis()).unwrap()
}

/// Plays `count` lives on all cores; the first failure ends it.
fn play_all(first: u64, count: u64) -> (Tally, Option<Failure>) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, whole, failure) = (AtomicU64::new(0), Mutex::new(Tally::default()), Mutex::new(None));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let mut tally = Tally::default();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        break;
                    }
                    if let Err(found) = play::play_seed(first.wrapping_add(n), &mut tally) {
                        next.store(count, Ordering::Relaxed);
                        failure.lock().unwrap().get_or_insert(*found);
                    }
                    if n > 0 && n.is_multiple_of(10_000) {
                        eprintln!("{n} of {count} lives in {:.0} s", begun.elapsed().as_secs_f64());
                    }
                }
                whole.lock().unwrap().add(&tally);
            });
        }
    });
    (whole.into_inner().unwrap(), failure.into_inner().unwrap())
}

/// Commands that were never accepted, and refusals of the contract that were never met.
fn never(tally: &Tally) -> Vec<String> {
    let mut never = Vec::new();
    for verb in Command::VERBS {
        if !tally.accepted.contains_key(verb) {
            never.push(format!("{verb} was never accepted"));
        }
        for code in documented(verb) {
            if !tally.refused.contains_key(&(*verb, code)) {
                never.push(format!("{verb} was never refused with {code}"));
            }
        }
    }
    never
}

const CONTRACT: &str = include_str!("../../../../docs/EVENTS.md");

/// The refusals that docs/EVENTS.md lists for a verb.
fn documented(verb: &str) -> Vec<&'static str> {
    let row = CONTRACT.lines().find(|line| line.starts_with(&format!("| {verb} |")));
    // A bar within a cell is written with a backslash; before the first cell stands nothing.
    let cells: Vec<&str> = row.unwrap_or_default().split("\\|").flat_map(|part| part.split('|')).collect();
    let refusals = cells.len().checked_sub(3).map_or("", |last_but_one| cells[last_but_one]);
    refusals.split(',').map(str::trim).filter(|code| !code.is_empty()).collect()
}

fn write_report(report: &serde_json::Value) {
    if let Some(path) = std::env::var_os("PLANTAIN_MODEL_REPORT") {
        std::fs::write(path, report.to_string()).expect("a place for the report");
    }
}

#[test]
fn the_core_does_what_the_model_says() {
    let count = number("PLANTAIN_MODEL_SEQUENCES").unwrap_or(FEW);
    let first = number("PLANTAIN_MODEL_SEED").unwrap_or_else(any_seed);
    println!("{count} lives from seed {first} (PLANTAIN_MODEL_SEED plays them again)");
    play::hush_panics();
    let begun = Instant::now();
    let (tally, failure) = play_all(first, count);
    let seconds = begun.elapsed().as_secs_f64();
    println!("{} lives, {} commands in {seconds:.1} s", tally.sequences, tally.commands);
    println!("{}", tally.words());
    let never = if count >= MANY { never(&tally) } else { Vec::new() };
    let mut report = tally.to_json();
    report["seed"] = first.into();
    report["never"] = never.clone().into();
    report["failure"] = failure.as_ref().map(ToString::to_string).into();
    write_report(&report);
    if let Some(failure) = failure {
        panic!("{failure}");
    }
    assert_eq!(never, Vec::<String>::new(), "such a run proves nothing about these");
}

#[test]
fn every_command_can_be_played() {
    for verb in Command::VERBS {
        assert!(steps::WEIGHTS.iter().any(|(name, _)| name == verb), "{verb} has no line in steps::WEIGHTS");
    }
}
