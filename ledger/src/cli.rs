//! `ledger migrate | serve | verify`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks on its streams")]

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use secrecy::ExposeSecret as _;
use service::config::Env;

use crate::verify::Report;
use crate::{config, serve, store, verify};

/// The ledger of Plantain: every change of a balance is an event in one log.
#[derive(Parser)]
#[command(name = "ledger", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Apply the migrations that are not applied yet (DATABASE_URL).
    Migrate,
    /// Take commands, append to the log, publish it, keep its projections.
    Serve {
        /// Migrate first.
        #[arg(long)]
        migrate: bool,
    },
    /// Check the log and every projection; exit with 1 if anything is wrong.
    Verify {
        /// Print the report as one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command line; exit codes: 0 done, 1 the log is not as it should be, 2 it could not be done.
pub async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Migrate => migrate().await.map(|()| ExitCode::SUCCESS),
        Command::Serve { migrate } => serve(migrate).await.map(|()| ExitCode::SUCCESS),
        Command::Verify { json } => verify(json).await,
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("ledger: {error:#}");
        ExitCode::from(2)
    })
}

async fn migrate() -> anyhow::Result<()> {
    let url = config::database_url(Env::from_process())?;
    store::migrate(url.expose_secret()).await?;
    println!("The database is up to date.");
    Ok(())
}

async fn serve(migrate: bool) -> anyhow::Result<()> {
    let config = config::Config::read(Env::from_process())?;
    service::telemetry::init("ledger");
    if migrate {
        store::migrate(config.database_url.expose_secret()).await?;
    }
    serve::run(config, service::shutdown::token()).await
}

async fn verify(json: bool) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let bar = std::io::stderr().is_terminal() && !json;
    let report = verify::verify(&pool, |done, of| {
        if bar {
            let percent = if of == 0 { 100 } else { done * 100 / of };
            eprint!("\rverifying {done} of {of} events, {percent} %");
        }
    })
    .await?;
    if bar {
        eprintln!();
    }
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(if report.verified { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print(report: &Report) {
    println!("events     {}", report.events);
    println!("accounts   {}", report.accounts);
    println!("available  {}", report.available);
    println!("reserved   {}", report.reserved);
    println!("debt       {}", report.debt);
    println!("head       {}", report.head_hash);
    for finding in &report.findings {
        match finding.position {
            0 => println!("WRONG  {}", finding.what),
            position => println!("WRONG  position {position}: {}", finding.what),
        }
    }
    if report.findings_count > report.findings.len() {
        println!("WRONG  … and {} more", report.findings_count - report.findings.len());
    }
    println!(
        "{}",
        if report.verified { "The log is whole and every projection agrees." } else { "NOT VERIFIED" }
    );
}
