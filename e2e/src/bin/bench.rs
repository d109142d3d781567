//! What `cargo xtask bench` runs.

use anyhow::Result;
use clap::{Parser, Subcommand};
use e2e::bulk::{Size, kept};

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures the ledger against ceilings of the same run")]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
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
    match Cli::parse().task {
        Some(Task::Log { events, accounts }) => {
            let kept = kept::ensure(Size { events, accounts }, &say)?;
            println!("{}", kept.display());
        }
        None => {}
    }
    Ok(())
}
