//! `ledger payment`.

mod paper;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use proto_events::PaymentId;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use service::config::Env;
use sqlx::PgPool;

use super::out::{self, say};
use crate::books::moscow::date_time;
use crate::books::payment::{self, Found, Life};
use crate::books::words::{money_text, word};
use crate::config;
use crate::store::{self, Notice, OpenTelling};

#[derive(Args)]
pub struct Wish {
    /// Ours (p-…), a refund's (f-…), or the provider's id of
    /// the payment, the charge or the refund
    #[arg(verbatim_doc_comment)]
    id: String,
    /// Also whose it is in Telegram.
    #[arg(long)]
    person: bool,
    /// Also the kept notifications' own words.
    #[arg(long)]
    bodies: bool,
    /// Print one JSON object, times in µs.
    #[arg(long)]
    json: bool,
}

/// A payment's life with what stands beside the log.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    life: Life,
    #[serde(skip_serializing_if = "Option::is_none")]
    telegram_user: Option<i64>,
    tellings: Vec<OpenTelling>,
    notices: Vec<Notice>,
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let id = wish.id.trim();
    let found = match payment::find(&pool, id).await? {
        Found::Payment(payment) => payment,
        Found::Nobodys { position, recorded_at, seen } => bail!(
            "{id:?} names no payment of ours: in quarantine since {} (position {position}): {}; seen: {}{}",
            date_time(recorded_at),
            seen.problems.iter().map(word).collect::<Vec<_>>().join(", "),
            seen.seen.status,
            seen.seen.amount.map(|money| format!(", {}", money_text(money))).unwrap_or_default()
        ),
        Found::Nothing => bail!("{}", unknown(id)),
    };
    let Some(life) = payment::life(&pool, found).await? else { bail!("{}", unknown(id)) };
    let told = told(&pool, &wish, found, life).await?;
    if wish.json {
        say!("{}", serde_json::to_string(&told)?)?;
    } else {
        out::text(format_args!("{}", paper::paper(&told)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(id: &str) -> String {
    format!(
        "no payment has the id {id:?}; give ours (p-<32 hex>-<16 hex>), a refund's (f-<32 hex>-<16 hex>), or what the \
         provider calls the payment, the charge or the refund (276a9776-000f-5000-a000-179a4d5c6bad)"
    )
}

async fn told(pool: &PgPool, wish: &Wish, payment: PaymentId, life: Life) -> anyhow::Result<Told> {
    let account = life.account;
    let telegram_user = match wish.person {
        true => store::people_of_accounts(pool, &[account]).await?.remove(&account),
        false => None,
    };
    let refunds = life.refunds.iter().map(|refund| refund.refund.to_string());
    let subjects: Vec<String> = std::iter::once(payment.to_string()).chain(refunds).collect();
    let tellings = store::open_tellings(pool, &subjects).await?;
    let doubted = life.quarantine.iter().map(|quarantine| quarantine.provider_payment_id.as_str());
    let returned = life.refunds.iter().filter_map(|refund| refund.provider_refund_id.as_deref());
    let objects: Vec<&str> =
        life.provider_payment_id.as_deref().into_iter().chain(doubted).chain(returned).collect();
    let mut notices = store::notices(pool, &subjects[0], &objects).await?;
    if !wish.bodies {
        notices.iter_mut().for_each(|notice| notice.body.clear());
    }
    Ok(Told { life, telegram_user, tellings, notices })
}
