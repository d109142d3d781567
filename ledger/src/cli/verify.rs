//! `ledger verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use secrecy::ExposeSecret as _;
use service::config::Env;

use super::out::{folded, say};
use super::progress::Progress;
use super::vouchers;
use crate::proofs::PublicKey;
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
    /// Those kept outside; without it and --vkey those
    /// in CHECKPOINT_DIR
    #[arg(long = "checkpoints", alias = "checkpoint", value_name = "FILE|DIR", verbatim_doc_comment)]
    checkpoints: Vec<PathBuf>,
    /// The public key of checkpoints (CHECKPOINT_VKEY);
    /// else that of CHECKPOINT_KEY_FILE
    #[arg(long, value_name = "KEY", env = "CHECKPOINT_VKEY", hide_env = true, verbatim_doc_comment)]
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
    let outside = vouchers::checkpoints(&args.checkpoints, &args.vkey)?;
    let options = Options {
        from: args.from,
        to: args.to,
        log_only: args.log_only,
        jobs: args.jobs,
        accounts_kept: 0,
        keys: vouchers::keys(args.vkey)?,
        outside,
    };
    let mut progress = Progress::new("verifying", args.verbose, args.json);
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
        say!("{}", serde_json::to_string(&report)?)?;
    } else {
        let outside: Vec<&str> = options.outside.iter().map(|(place, _)| place.as_str()).collect();
        print(&report, args.file.is_some(), &outside)?;
    }
    Ok(if report.verified { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print(report: &Report, in_file: bool, outside: &[&str]) -> anyhow::Result<()> {
    say!("events       {} (positions {} to {})", report.events, report.from, report.to)?;
    say!("accounts     {}", report.accounts)?;
    say!("available    {}", report.available)?;
    say!("reserved     {}", report.reserved)?;
    say!("debt         {}", report.debt)?;
    say!("head         {}", report.head_hash)?;
    say!("root         {}", report.root)?;
    match report.projections {
        0 => say!("projections  not compared: only with a whole log in Postgres")?,
        count => {
            say!("projections  {count} compared with the fold of the log")?;
            say!("snapshots    {} of accounts, compared with it, too", report.snapshots)?;
        }
    }
    match report.checkpoints {
        0 => say!("checkpoints  none of these positions")?,
        1 => say!("checkpoints  1 agrees, at position {}", report.vouched)?,
        count => say!("checkpoints  {count} agree, the last at position {}", report.vouched)?,
    }
    if report.superseded > 0 {
        let were = if report.superseded == 1 { "was" } else { "were" };
        say!("             {} {were} given up when a restore was accepted", report.superseded)?;
    }
    vouched(report, in_file, outside)?;
    say!("rate         {:.0} events/s", report.events as f64 / report.seconds.max(1e-9))?;
    let label = if report.ends_early { "SHORT  " } else { "WRONG  " };
    for finding in &report.findings {
        say!("{}", folded(&format!("{label}{finding}"), label.len()))?;
    }
    if report.findings_unnamed > 0 {
        say!("WRONG  … and {} more", report.findings_unnamed)?;
    }
    say!("{}", folded(&verdict(report, in_file), 0))
}

/// Who vouches for it, and where more of them are.
fn vouched(report: &Report, in_file: bool, outside: &[&str]) -> anyhow::Result<()> {
    let below = |words: &str| say!("{}", folded(&format!("{:13}{words}", ""), 0));
    if report.checkpoints > 0 && !report.signatures_checked {
        below(
            "their signatures were not checked: give --vkey KEY, which `ledger checkpoint-key FILE` prints where the log is kept",
        )?;
    }
    if outside.is_empty() {
        let place = if in_file { "file" } else { "database" };
        below(&format!(
            "those outside the {place} were not looked at: give --checkpoints DIR, a copy of the folder CHECKPOINT_DIR of \
             `ledger serve`"
        ))?;
    }
    outside.iter().try_for_each(|place| below(&format!("also looked at: {place}")))
}

fn verdict(report: &Report, in_file: bool) -> String {
    let Report { to, known, .. } = report;
    if report.ends_early {
        return format!(
            "NOT VERIFIED: nothing contradicts the file, but it ends at position {to}, and checkpoints know the log up to \
             {known}.{}\nIf it is meant to end there, as an older export does, say so: --to {to}.\nIf not, its end was cut off.",
            behind_the_last(report)
        );
    }
    if !report.verified {
        return "NOT VERIFIED".to_owned();
    }
    if in_file && i64::try_from(*known).is_ok_and(|known| known > *to) {
        return format!(
            "All of it is as it should be. It ends at position {to}; the log goes on, checkpoints know it up to {known}.{}",
            behind_the_last(report)
        );
    }
    "All of it is as it should be.".to_owned()
}

/// Of a file that ends between two checkpoints: what the earlier one can't tell, and the later one does not see.
fn behind_the_last(report: &Report) -> String {
    match report.vouched {
        0 => " None of them lies in it: the whole could have been written anew.".to_owned(),
        vouched if i64::try_from(vouched) == Ok(report.to) => String::new(),
        vouched => format!(
            " They vouch for it through position {vouched}: what follows could have been written anew."
        ),
    }
}
