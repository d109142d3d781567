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

use super::out::{folded, say};
use super::progress::Progress;
use super::statement::find_account;
use crate::books::at::{self, At, Moment};
use crate::{config, store};

use output::Output;

#[derive(Args)]
pub struct Wish {
    #[command(flatten)]
    form: Form,
    /// What a CSV file holds: postings (if nothing is said),
    /// events, trial-balance, revenue or statement
    #[arg(long, value_enum)]
    #[arg(hide_possible_values = true, verbatim_doc_comment)]
    what: Option<What>,
    /// Whose statement (--what statement): a UUID, telegram:ID.
    #[arg(long, value_name = "WHO")]
    account: Option<String>,
    /// Begin a CSV file with a byte order mark, for old Excel.
    #[arg(long)]
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

const WHOSE: &str = "whose statement? add --account";

impl Wish {
    fn what(&self) -> What {
        self.what.unwrap_or(What::Postings)
    }

    /// Refuses what the form would pass over. By hand: clap drops `requires` when what is required conflicts with what
    /// is there.
    fn check(&self) -> anyhow::Result<()> {
        let (csv, what) = (self.form.csv, self.what());
        let of_statement = csv && what == What::Statement;
        let unused = [
            ("--what", self.what.is_some() && !csv, "--csv"),
            ("--bom", self.bom && !csv, "--csv"),
            ("--account", self.account.is_some() && !of_statement, "--csv --what statement"),
        ];
        if let Some((option, _, only)) = unused.into_iter().find(|(_, unused, _)| *unused) {
            bail!("{option} is not for this export, only for {only}: leave it out");
        }
        if csv && what == What::TrialBalance && self.from.is_some() {
            bail!("a trial balance holds all events through --to: leave --from out");
        }
        if of_statement && self.account.is_none() {
            bail!(WHOSE);
        }
        if self.form.xlsx && self.output.is_none() {
            bail!("a workbook needs a file: add -o FILE.xlsx");
        }
        Ok(())
    }
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    wish.check()?;
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let (from, to) = at::part(&pool, wish.from, wish.to).await?;
    let range = Range { from, to };
    let mut output = Output::open(wish.output.clone())?;
    let mut progress = Progress::new("exporting", wish.verbose, wish.json);
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
        say!("{}", serde_json::json!({"file": file.to_string(), "from": from, "to": to, "bytes": bytes}))?;
    } else {
        say!("{}", folded(&format!("Wrote {file}: positions {from} to {to}, {bytes} bytes."), 2))?;
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
    match wish.what() {
        What::Postings => csv::postings(pool, range, &mut sheet, progress).await,
        What::Events => csv::events(pool, range, &mut sheet, progress).await,
        What::TrialBalance => csv::trial_balance(pool, range, &mut sheet).await,
        What::Revenue => csv::revenue(pool, range, &mut sheet).await,
        What::Statement => {
            let account = wish.account.as_deref().context(WHOSE)?;
            let account = find_account(pool, account).await?;
            csv::statement(pool, account, range, &mut sheet).await
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        wish: Wish,
    }

    #[test]
    fn an_option_that_the_form_does_not_use_is_refused() {
        let refused = |words: &str| {
            let line = Line::try_parse_from(words.split(' ')).unwrap_or_else(|error| panic!("{error}"));
            line.wish.check().err().map(|error| error.to_string()).unwrap_or_default()
        };
        for (words, wanted) in [
            ("export --ndjson --bom", "--bom is not for this export, only for --csv"),
            ("export --hledger --what events", "--what is not"),
            ("export --hledger --what postings", "--what is not"),
            ("export --xlsx -o x --account telegram:1", "--account is not"),
            ("export --csv --account telegram:1", "only for --csv --what statement"),
            ("export --csv --what events --account telegram:1", "--account is not"),
            ("export --csv --what trial-balance --from 5", "leave --from out"),
            ("export --csv --what statement", "whose statement?"),
            ("export --xlsx", "needs a file"),
        ] {
            assert!(refused(words).contains(wanted), "{words}: {:?}", refused(words));
        }
        for words in [
            "export --csv --bom --what events --from 5",
            "export --csv --what statement --account telegram:1 --from 5",
            "export --csv --what revenue --from 5",
            "export --csv --what trial-balance --to 5",
            "export --xlsx -o x --from 5",
            "export --hledger --from 5 --to 7",
            "export --ndjson --from 5 -o x --json --verbose",
        ] {
            assert_eq!(refused(words), "", "{words}");
        }
    }
}
