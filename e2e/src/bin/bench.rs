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
    /// Fewer rounds and shorter ones, commands on the empty log alone: under two minutes
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
    /// Jobs of the generator: a second, overhead, memory, first words; and nothing else
    #[arg(long, conflicts_with_all = ["only", "replay_10m"])]
    generator: bool,
    /// The bot with 1 000 people: how soon it answers, bursts, what gets lost; and nothing else
    #[arg(long, conflicts_with_all = ["only", "replay_10m", "generator"])]
    bot: bool,
    /// Pages of the console, while commands come, on 10 million events and 100 000 accounts (with --quick 1 million), made
    /// for this run; and nothing else
    #[arg(long, conflicts_with_all = ["only", "replay_10m", "generator", "bot"])]
    console: bool,
    /// With --bot: only its memory, at 300 updates/s for so long
    #[arg(long, requires = "bot", value_parser = clap::value_parser!(u32).range(1..=600))]
    minutes: Option<u32>,
    /// Events of the big log [default: 5 million, with --quick 200 000]; 0: the empty one alone
    #[arg(long)]
    events: Option<usize>,
    /// Accounts of the big log [default: one for each 50 events]
    #[arg(long)]
    accounts: Option<usize>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make a big log and keep it, or say where the kept one is
    Log {
        #[arg(long, default_value_t = BIG)]
        events: usize,
        /// [default: one for each 50 events]
        #[arg(long)]
        accounts: Option<usize>,
    },
}

/// Events.
const BIG: usize = 5_000_000;
const QUICK: usize = 200_000;
const CONSOLE: usize = 10_000_000;
const CONSOLE_QUICK: usize = 1_000_000;

fn size(events: usize, accounts: Option<usize>) -> Size {
    Size { events, accounts: accounts.unwrap_or(events / 50) }
}

fn main() -> Result<()> {
    let say = |words: &str| eprintln!("{words}");
    let mut cli = Cli::parse();
    if let Some(Task::Log { events, accounts }) = cli.task {
        let kept = kept::ensure(size(events, accounts), &say)?;
        println!("{}", kept.display());
        return Ok(());
    }
    if cli.replay_10m {
        (cli.only, cli.events) = (vec![Part::Live], Some(10_000_000));
    }
    if cli.generator {
        cli.only = vec![Part::Generator];
    }
    if cli.bot {
        cli.only = vec![Part::Bot];
    }
    if cli.console {
        cli.only = vec![Part::Console];
        cli.events = cli.events.or(Some(if cli.quick { CONSOLE_QUICK } else { CONSOLE }));
        cli.accounts = cli.accounts.or(Some(100_000));
    }
    let events = cli.events.unwrap_or(if cli.quick { QUICK } else { BIG });
    let options = Options {
        quick: cli.quick,
        only: cli.only,
        big: size(events, cli.accounts),
        empty_alone: cli.quick && cli.events.is_none(),
        in_flight: cli.in_flight,
        minutes: cli.minutes,
    };
    let findings = run(&options, &say)?;
    println!("{}", findings.table());
    if cli.json {
        println!("{}", findings.json()?);
    }
    Ok(())
}
