//! `ledger reconcile`.

mod files;
mod paper;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};
use proto_events::{AccountId, Provider};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use service::config::Env;
use sqlx::PgPool;

use super::operator;
use super::out::{self, say};
use crate::books::moscow::{Day, rfc3339};
use crate::reconcile::{self, Booked, Outcome};
use crate::{config, store};

#[derive(Args)]
#[command(group(ArgGroup::new("what").args(["date", "file"]).required(true).multiple(true)))]
pub struct Wish {
    /// A day of Moscow (2026-11-21), by what the adapter
    /// has uploaded of it. With --file: of which day the
    /// file is, where it does not say so itself
    #[arg(long, value_parser = day, verbatim_doc_comment)]
    date: Option<Day>,
    /// YooKassa's registry, CSV or XLSX: of payments,
    /// of refunds, of one day or several
    #[arg(long, num_args = 1.., value_name = "FILE", verbatim_doc_comment)]
    file: Vec<PathBuf>,
    /// yookassa or telegram (Stars).
    #[arg(long, value_name = "WHOSE", default_value = "yookassa", value_parser = provider)]
    provider: Provider,
    /// Put nothing into the log.
    #[arg(long)]
    dry_run: bool,
    /// Who compares: is named in the log; else this user.
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Print one JSON object, amounts in minor units.
    #[arg(long)]
    json: bool,
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "a day is written 2026-11-21".to_owned())
}

fn provider(text: &str) -> Result<Provider, String> {
    text.parse().map_err(|()| "a provider is yookassa or telegram".to_owned())
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    if wish.provider == Provider::Telegram && !wish.file.is_empty() {
        bail!("Telegram has no registry files: compare Stars by --date");
    }
    // Before anything is connected: most of what is wrong with a file is said at once.
    let stated = files::stated(&wish.file, wish.date)?;
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let outcomes = compared(&pool, &wish, stated).await?;
    if !wish.json {
        for outcome in &outcomes {
            out::text(format_args!("{}\n", paper::paper(outcome)))?;
        }
    }
    let recorded = if wish.dry_run { Ok(Vec::new()) } else { record(&wish, &outcomes).await };
    let positions = recorded.as_deref().unwrap_or_default();
    if wish.json {
        say!("{}", told(&outcomes, positions))?;
    } else {
        let periods = outcomes.iter().any(|outcome| outcome.days.len() > 1);
        say!("{}", paper::ending(positions, periods && !wish.dry_run))?;
    }
    recorded.context("the comparison is not in the log; say it again, or say --dry-run")?;
    let differ = outcomes.iter().any(|outcome| !outcome.report.differences.is_empty());
    Ok(if differ { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

async fn compared(pool: &PgPool, wish: &Wish, stated: Vec<files::Group>) -> anyhow::Result<Vec<Outcome>> {
    if let (Some(day), true) = (wish.date, wish.file.is_empty()) {
        return Ok(vec![reconcile::day(pool, wish.provider, day).await?]);
    }
    let mut outcomes = Vec::new();
    for (days, stated) in stated {
        let by = proto_events::events::StatedBy::File;
        outcomes.push(reconcile::against(pool, wish.provider, days, stated, by).await?);
    }
    Ok(outcomes)
}

/// The positions of what was recorded: one for each comparison of a day.
async fn record(wish: &Wish, outcomes: &[Outcome]) -> anyhow::Result<Vec<i64>> {
    let who = operator::named(wish.operator.as_deref());
    let mut positions = Vec::new();
    for record in outcomes.iter().filter_map(reconcile::record) {
        let id = reconcile::command_id(&record)?;
        let done = operator::act(&who, id, AccountId::OPERATIONS, record).await?;
        positions.push(done.position.get());
    }
    Ok(positions)
}

fn told(outcomes: &[Outcome], recorded: &[i64]) -> Value {
    let waiting = |b: &Booked| {
        json!({"kind": b.kind, "id": b.id, "ours": b.ours, "position": b.position, "amount": b.amount,
               "at": rfc3339(b.at)})
    };
    let one = |outcome: &Outcome| {
        let report = &outcome.report;
        json!({
            "provider": outcome.provider,
            "days": outcome.days.iter().map(Day::to_string).collect::<Vec<_>>(),
            "by": outcome.by,
            "through": outcome.through,
            "covered": outcome.covered,
            "matched": report.matched,
            "sums": report.lines,
            "differences": report.differences,
            "waiting": report.waiting.iter().map(waiting).collect::<Vec<_>>(),
        })
    };
    json!({
        "differ": outcomes.iter().any(|outcome| !outcome.report.differences.is_empty()),
        "comparisons": outcomes.iter().map(one).collect::<Vec<_>>(),
        "recorded": recorded,
    })
}
