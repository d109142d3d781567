//! `ledger verify`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::ExposeSecret as _;
use service::config::Env;

use super::progress::Progress;
use crate::proofs::{PublicKey, notes_in};
use crate::verify::{Options, Report};
use crate::{config, store, verify};

/// Connections beside the readers': the snapshot's, and one to spare.
const CONNECTIONS_MORE: u32 = 3;

#[derive(Args)]
pub struct Verify {
    /// The first position; without it the whole log.
    #[arg(long, value_name = "POSITION")]
    from: Option<i64>,
    /// The last; with --file: where it is meant to end.
    #[arg(long, value_name = "POSITION")]
    to: Option<i64>,
    /// An export to check, without Postgres.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Those kept outside: a file, or CHECKPOINT_DIR.
    #[arg(long = "checkpoints", alias = "checkpoint", value_name = "FILE|DIR")]
    checkpoints: Vec<PathBuf>,
    /// The public key of checkpoints (CHECKPOINT_VKEY).
    #[arg(long, value_name = "KEY", env = "CHECKPOINT_VKEY", hide_env = true)]
    vkey: Vec<PublicKey>,
    /// Not the projections, nor snapshots of accounts.
    #[arg(long)]
    log_only: bool,
    /// Readers at once; else one more than cores.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
    /// Say how far it is, without a terminal, too.
    #[arg(long)]
    verbose: bool,
}

pub async fn run(args: Verify) -> anyhow::Result<ExitCode> {
    let outside = args.checkpoints.iter().map(|path| notes_at(path)).collect::<Result<Vec<_>, _>>()?;
    let options = Options {
        from: args.from,
        to: args.to,
        log_only: args.log_only,
        jobs: args.jobs,
        accounts_kept: 0,
        keys: args.vkey,
        outside,
    };
    let mut progress = Progress::new("verifying", args.verbose && !args.json, args.json);
    let report = match &args.file {
        Some(file) => {
            let open = std::fs::File::open(file).with_context(|| format!("can't read {}", file.display()))?;
            let input = std::io::BufReader::with_capacity(1 << 20, open);
            verify::verify_file(input, &options, |done, of| progress.at(done, of))?
        }
        None => {
            let url = config::database_url(Env::from_process())?;
            let connections = u32::try_from(options.readers()).unwrap_or(8) + CONNECTIONS_MORE;
            let pool = store::connect(url.expose_secret(), connections);
            let pool = pool.await.context("can't reach Postgres by DATABASE_URL")?;
            verify::verify_with(&pool, &options, |done, of| progress.at(done, of)).await?
        }
    };
    progress.end();
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report, args.checkpoints.is_empty());
    }
    Ok(if report.verified { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The notes in a file, or in all files of a folder of checkpoints.
pub fn notes_at(path: &Path) -> anyhow::Result<(String, Vec<String>)> {
    let path = if path.is_dir() { path.join(crate::proofs::shelf::HISTORY) } else { path.to_owned() };
    let text = std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    // A single note has no blank line behind it.
    let text = if text.ends_with("\n\n") { text } else { text + "\n" };
    let (notes, _) = notes_in(&text);
    if notes.is_empty() {
        bail!("{} holds no checkpoint", path.display());
    }
    Ok((path.display().to_string(), notes.into_iter().map(str::to_owned).collect()))
}

fn print(report: &Report, only_inside: bool) {
    println!("events       {} (positions {} to {})", report.events, report.from, report.to);
    println!("accounts     {}", report.accounts);
    println!("available    {}", report.available);
    println!("reserved     {}", report.reserved);
    println!("debt         {}", report.debt);
    println!("head         {}", report.head_hash);
    println!("root         {}", report.root);
    match report.projections {
        0 => println!("projections  not compared: only with a whole log in Postgres"),
        count => {
            println!("projections  {count} compared with the fold of the log");
            println!("snapshots    {} of accounts, compared with it, too", report.snapshots);
        }
    }
    match report.checkpoints {
        0 => println!("checkpoints  none of these positions"),
        count => println!("checkpoints  {count} agree, the last at position {}", report.vouched),
    }
    if report.superseded > 0 {
        println!("             {} were given up when a restore was accepted", report.superseded);
    }
    if report.checkpoints > 0 && !report.signatures_checked {
        println!("             their signatures were not checked: give --vkey");
    }
    if only_inside {
        println!("             those outside the database were not looked at: give --checkpoints");
    }
    println!("rate         {:.0} events/s", report.events as f64 / report.seconds.max(1e-9));
    for finding in &report.findings {
        println!("WRONG  {finding}");
    }
    if report.findings_unnamed > 0 {
        println!("WRONG  … and {} more", report.findings_unnamed);
    }
    println!("{}", if report.verified { "All of it is as it should be." } else { "NOT VERIFIED" });
}
