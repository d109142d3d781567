//! `ledger export`: the log and its books as files for other programs; one file a form.
//!
//! Every form streams: memory does not grow with the log, but for a workbook's table of contents. A
//! file is written beside its place and renamed when it is whole, so a broken export leaves the old one.

mod csv;
mod hledger;
mod ndjson;
mod output;
mod xlsx;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use secrecy::ExposeSecret as _;
use service::config::Env;
use sqlx::PgPool;

use super::progress::Progress;
use super::statement::find_account;
use crate::books::at::{self, At, Moment};
use crate::{config, store};

use output::Output;

#[derive(Args)]
pub struct Wish {
    #[command(flatten)]
    form: Form,
    /// What a CSV file holds: postings, events, trial-balance,
    /// revenue or statement
    #[arg(long, value_enum, default_value_t = What::Postings, requires = "csv")]
    #[arg(hide_possible_values = true, verbatim_doc_comment)]
    what: What,
    /// Whose statement (--what statement): a UUID, telegram:ID.
    #[arg(long, value_name = "WHO", requires = "csv")]
    account: Option<String>,
    /// Begin a CSV file with a byte order mark, for old Excel.
    #[arg(long, requires = "csv")]
    bom: bool,
    /// From a position, a time (RFC 3339) or a day (2026-11-21).
    #[arg(long)]
    from: Option<At>,
    /// Up to a position, a time or the end of a day of Moscow.
    #[arg(long)]
    to: Option<At>,
    /// The file to write; else standard output (no workbook).
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Say how it goes, also where stderr is no terminal.
    #[arg(short, long)]
    verbose: bool,
    /// Say what was written as one JSON object; needs -o.
    #[arg(long, requires = "output")]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Form {
    /// Comma-separated values (RFC 4180, UTF-8).
    #[arg(long)]
    csv: bool,
    /// A workbook: trial balance, revenue by day, postings.
    #[arg(long)]
    xlsx: bool,
    /// A journal for hledger: a transaction for each event.
    #[arg(long)]
    hledger: bool,
    /// The log itself, a line of JSON an event (docs/PROOFS.md).
    #[arg(long)]
    ndjson: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Each event's lines in the books.
    Postings,
    /// The log itself, without hashes.
    Events,
    /// Debits and credits of each account, as of --to.
    TrialBalance,
    /// Money by day and origin; whole days of Moscow.
    Revenue,
    /// One account's lines.
    Statement,
}

/// Which part of the log.
#[derive(Debug, Clone, Copy)]
struct Range {
    /// Position, inclusive.
    from: i64,
    /// The last event.
    to: Moment,
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    if wish.form.xlsx && wish.output.is_none() {
        bail!("a workbook needs a file: add -o FILE.xlsx");
    }
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let (from, to) = at::part(&pool, wish.from, wish.to).await?;
    let range = Range { from, to };
    let mut output = Output::open(wish.output.clone())?;
    let mut progress = Progress::new("exporting", wish.verbose && !wish.json, wish.json);
    match &wish.form {
        Form { xlsx: true, .. } => xlsx::write(&pool, range, &mut output, &mut progress).await?,
        Form { ndjson: true, .. } => ndjson::write(&pool, range, &mut output, &mut progress).await?,
        Form { hledger: true, .. } => hledger::write(&pool, range, &mut output, &mut progress).await?,
        _ => write_csv(&pool, &wish, range, &mut output, &mut progress).await?,
    }
    progress.end();
    output.finish()?;
    if let Some(file) = &wish.output {
        say(file, range, wish.json)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What was written. Without a file the standard output holds it, and nothing else.
fn say(file: &Path, Range { from, to }: Range, json: bool) -> anyhow::Result<()> {
    let bytes = std::fs::metadata(file).with_context(|| format!("can't read {}", file.display()))?.len();
    let (file, to) = (file.display(), to.position);
    if json {
        println!("{}", serde_json::json!({"file": file.to_string(), "from": from, "to": to, "bytes": bytes}));
    } else {
        println!("Wrote {file}: positions {from} to {to}, {bytes} bytes.");
    }
    Ok(())
}

async fn write_csv(
    pool: &PgPool,
    wish: &Wish,
    range: Range,
    output: &mut Output,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let mut sheet = csv::Sheet::new(output, wish.bom)?;
    match wish.what {
        What::Postings => csv::postings(pool, range, &mut sheet, progress).await,
        What::Events => csv::events(pool, range, &mut sheet, progress).await,
        What::TrialBalance => csv::trial_balance(pool, range, &mut sheet).await,
        What::Revenue => csv::revenue(pool, range, &mut sheet).await,
        What::Statement => {
            let account = wish.account.as_deref().context("whose statement? add --account")?;
            let account = find_account(pool, account).await?;
            csv::statement(pool, account, range, &mut sheet).await
        }
    }
}
