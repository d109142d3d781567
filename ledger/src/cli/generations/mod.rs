//! `ledger generations`.

mod paper;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use proto_events::GenerationId;
use secrecy::ExposeSecret as _;
use service::config::Env;

use super::out::{self, say};
use super::statement::find_account;
use crate::books::generations::{Wanted, generations};
use crate::books::moscow::Day;
use crate::{config, store};

#[derive(Args)]
pub struct Wish {
    /// One generation: g-…
    #[arg(conflicts_with_all = ["account", "day", "model"])]
    id: Option<String>,
    /// Only of this account: a UUID, or telegram:ID.
    #[arg(long)]
    account: Option<String>,
    /// Only of this day of Moscow: 2026-11-21.
    #[arg(long)]
    day: Option<String>,
    /// Only by this model, as the catalog names it.
    #[arg(long)]
    model: Option<String>,
    /// How many to list, the newest.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(0..=100_000))]
    last: i64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let generation = wish.id.as_deref().map(find_generation).transpose()?;
    let day = wish.day.as_deref().map(find_day).transpose()?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let account = match &wish.account {
        Some(account) => Some(find_account(&pool, account).await?),
        None => None,
    };
    let wanted = Wanted { generation, account, day, model: wish.model };
    let limit = if generation.is_some() { 1 } else { wish.last };
    let Some(found) = generations(&pool, &wanted, limit).await? else {
        bail!("the projection `generations` is not there yet; `ledger projections` shows how far it is");
    };
    if let (Some(id), None) = (generation, found.generations.first()) {
        bail!("there is no generation {id} up to position {}", found.position);
    }
    if wish.json {
        say!("{}", serde_json::to_string(&found)?)?;
    } else if generation.is_some() {
        out::text(format_args!("{}", paper::one(&found)))?;
    } else {
        out::text(format_args!("{}", paper::all(&found)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn find_generation(text: &str) -> anyhow::Result<GenerationId> {
    text.parse().with_context(|| format!("{text:?} is no generation: its id begins with g-"))
}

fn find_day(text: &str) -> anyhow::Result<Day> {
    Day::parse(text).with_context(|| format!("{text:?} is no day: write it 2026-11-21"))
}
