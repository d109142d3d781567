//! `ledger verify`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use service::config::Env;

use crate::verify::Report;
use crate::{config, store, verify};

pub async fn run(json: bool) -> anyhow::Result<ExitCode> {
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
