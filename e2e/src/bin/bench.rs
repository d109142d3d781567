//! What `cargo xtask bench` runs.

use anyhow::Result;
use clap::{Parser, Subcommand};
use e2e::bench::{Options, Part, run};
use e2e::bulk::{Size, kept};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask bench",
    bin_name = "cargo xtask bench",
    about = "Measures the ledger against ceilings of the same machine in the same minute"
)]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
    /// Fewer rounds and shorter ones: under two minutes of measuring
    #[arg(long)]
    quick: bool,
    /// Print one JSON object as the last line
    #[arg(long)]
    json: bool,
    /// Only these parts
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Part>,
    /// Only these numbers of commands in flight, of 1, 16, 64, 256, 2048
    #[arg(long, value_delimiter = ',')]
    in_flight: Vec<usize>,
    /// Rebuild all projections of 10 million events while commands come, and nothing else; makes the log first,
    /// if it is not there
    #[arg(long, conflicts_with_all = ["only", "events"])]
    replay_10m: bool,
    /// Events of the big log; 0: the empty one alone
    #[arg(long, default_value_t = 5_000_000)]
    events: usize,
    /// Accounts of the big log
    #[arg(long, default_value_t = 100_000)]
    accounts: usize,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make a big log and keep it, or say where the kept one is
    Log {
        #[arg(long, default_value_t = 5_000_000)]
        events: usize,
        #[arg(long, default_value_t = 100_000)]
        accounts: usize,
    },
}

fn main() -> Result<()> {
    let say = |words: &str| eprintln!("{words}");
    let mut cli = Cli::parse();
    if cli.replay_10m {
        (cli.only, cli.events) = (vec![Part::Live], 10_000_000);
    }
    if let Some(Task::Log { events, accounts }) = cli.task {
        let kept = kept::ensure(Size { events, accounts }, &say)?;
        println!("{}", kept.display());
        return Ok(());
    }
    let big = Size { events: cli.events, accounts: cli.accounts };
    let findings = run(&Options { quick: cli.quick, only: cli.only, big, in_flight: cli.in_flight }, &say)?;
    println!("{}", findings.table());
    if cli.json {
        println!("{}", findings.json()?);
    }
    Ok(())
}
