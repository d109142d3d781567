//! `cargo xtask chaos`: the long runs behind the tests, with their counts and seeds.
//!
//! Each run is a test of the repository under a larger number: what fails here fails in
//! `cargo xtask test` with the same words, only more seldom. Exit status 0: nothing was found; 1:
//! something was; 2: a run could not be done.

mod model;
mod planted;
mod rounds;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use serde::Serialize;

#[derive(Debug, Clone, clap::Args)]
pub struct ChaosArgs {
    /// Play random sequences of commands against the independent model of the core
    #[arg(long)]
    model: bool,
    /// How many sequences, each of 100 commands or more
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    sequences: u64,
    /// The seed of the first sequence, or of rounds: a run prints its own
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Plant each known bug, and show what catches it
    #[arg(long)]
    planted: bool,
    /// Two ledgers, the leader killed, stopped or cut off, this many times
    #[arg(long, value_name = "ROUNDS")]
    leaders: Option<u32>,
    /// The event stream wiped, rolled back, written by two relays, this many times each
    #[arg(long, value_name = "ROUNDS")]
    evt: Option<u32>,
    /// The database full, dead, its backends killed, this many times each
    #[arg(long, value_name = "ROUNDS")]
    database: Option<u32>,
    /// So many random payments under faults, kills and restarts
    #[arg(long, value_name = "PAYMENTS", num_args = 0..=1, default_missing_value = "10000")]
    payments: Option<u32>,
    /// So many random jobs while two generators die at every named step
    #[arg(long, value_name = "JOBS", num_args = 0..=1, default_missing_value = "200")]
    generator: Option<u32>,
    /// The last line of the output is one JSON object
    #[arg(long)]
    json: bool,
}

/// What one run found.
#[derive(Debug, Serialize)]
struct Found {
    run: &'static str,
    ok: bool,
    seconds: f64,
    /// What the run counted; of its own form.
    counts: serde_json::Value,
}

/// Runs what was asked for, one after the other, also after one has failed.
pub fn chaos(args: &ChaosArgs) -> ExitCode {
    match run(args) {
        Ok(found) if found.iter().all(|run| run.ok) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::from(2)
        }
    }
}

fn run(args: &ChaosArgs) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    if args.model {
        found.push(timed("model", || model::run(args.sequences, args.seed))?);
    }
    if args.planted {
        found.push(timed("planted", || planted::run(args.seed))?);
    }
    for (name, wanted, tests) in [
        ("leaders", args.leaders, rounds::LEADERS),
        ("evt", args.evt, rounds::EVT),
        ("database", args.database, rounds::DATABASE),
        ("payments", args.payments, rounds::PAYMENTS),
        ("generator", args.generator, rounds::GENERATOR),
    ] {
        if let Some(wanted) = wanted {
            found.push(timed(name, || rounds::run(tests, wanted, args.seed))?);
        }
    }
    if found.is_empty() {
        bail!(
            "say what to run: --model, --planted, --leaders N, --evt N, --database N, --payments or --generator"
        );
    }
    println!();
    for run in &found {
        let verdict = if run.ok { "nothing found" } else { "SOMETHING IS WRONG, see above" };
        println!("{:<10} {:>8.1} s   {verdict}", run.run, run.seconds);
    }
    if args.json {
        println!("{}", serde_json::json!({ "runs": found }));
    }
    Ok(found)
}

/// `(nothing was found, counts)` with how long it took.
fn timed(name: &'static str, run: impl FnOnce() -> Result<(bool, serde_json::Value)>) -> Result<Found> {
    let begun = Instant::now();
    let (ok, counts) = run()?;
    Ok(Found { run: name, ok, seconds: begun.elapsed().as_secs_f64(), counts })
}
