//! The command line of `cargo xtask`.

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Plantain on this machine")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Start the whole system, installing what it needs
    Up(xtask::up::UpArgs),
    /// Play a top-up and a picture through it, and show what the ledger wrote
    Demo(xtask::demo::DemoArgs),
    /// Stop it
    Down,
    /// Show what runs
    Status,
    /// Open psql on its database
    Psql {
        /// Passed to psql
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        extra: Vec<String>,
    },
    /// Run the ledger's own commands on it; `--help` lists them
    #[command(disable_help_flag = true)]
    Ledger {
        /// Passed to the ledger
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        extra: Vec<String>,
    },
    /// Run every test, on servers and ports of its own (also while `up` runs)
    Test {
        /// Passed to `cargo test`: test names, `-p package`, `-- --nocapture`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        extra: Vec<String>,
    },
    /// Measure the ledger or the generator against ceilings of the same run, optimised
    Bench {
        /// `--quick`, `--json`, `--only append,peers,replay,verify`, `--generator`, `--bot`; `--help` shows more
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        extra: Vec<String>,
    },
    /// Check format, lints, licences and house rules
    Check,
    /// Run the long tests: the model, planted bugs, rounds of faults
    Chaos(xtask::chaos::ChaosArgs),
    /// Let the vendors' official SDKs judge the sandbox and what our adapters send
    Conformance(xtask::conformance::ConformanceArgs),
    /// What `up --detach` leaves in the background
    #[command(hide = true)]
    Supervise,
}

fn main() -> std::process::ExitCode {
    let task = Cli::parse().task;
    if let Task::Chaos(args) = &task {
        return xtask::chaos::chaos(args);
    }
    if let Task::Conformance(args) = &task {
        return xtask::conformance::conformance(args);
    }
    match run(task) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("{}", xtask::words::folded(&format!("error: {error:#}")));
            }
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Up(args) => xtask::up::up(&args),
        Task::Demo(args) => xtask::demo::demo(&args),
        Task::Down => xtask::up::down(),
        Task::Status => xtask::up::status(),
        Task::Psql { extra } => xtask::up::psql(&extra),
        Task::Ledger { extra } => xtask::up::ledger(&extra),
        Task::Test { extra } => xtask::test::test(&extra),
        Task::Bench { extra } => xtask::bench::bench(&extra),
        Task::Check => xtask::check::check(),
        // Have exit statuses of their own.
        Task::Chaos(_) | Task::Conformance(_) => Ok(()),
        Task::Supervise => xtask::up::supervise(),
    }
}
