//! `ledger quarantine`: what a person decides of a payment that was not as it should be.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use proto_events::commands::{QuarantineResolve, QuarantineVerdict};
use proto_events::{AccountId, CommandId, SomeCredits, SomeMoney, Text};
use secrecy::ExposeSecret as _;
use serde_json::json;
use service::config::Env;
use sqlx::PgPool;

use super::cases;
use super::money::{agreed, minor};
use super::operator::{self, Manner};
use super::out::{self, say};
use super::quarantine_claim::{self, Claim};
use crate::cases::{Quarantined, find_quarantined};
use crate::{config, store};

#[derive(Subcommand)]
pub enum Quarantine {
    /// The money is there: credit it for what it is worth.
    Settle(Settle),
    /// Nobody here is owed anything for it.
    Dismiss(Dismiss),
    /// It is this payment of ours after all.
    Claim(Claim),
}

#[derive(Args)]
#[command(override_usage = "ledger quarantine settle ID --amount A --credits N --reason R")]
pub struct Settle {
    /// The provider's id, or ours (p-…); see `ledger cases`.
    id: String,
    /// What was paid: 100.00 rubles, or 75 Stars.
    #[arg(long)]
    amount: String,
    /// Credits to give for it.
    #[arg(long)]
    credits: i64,
    /// It was paid in a test shop.
    #[arg(long)]
    test: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
pub struct Dismiss {
    /// The provider's id, or ours (p-…); see `ledger cases`.
    id: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Common {
    /// Why; stays in the log, so it must name nobody.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    manner: Manner,
}

pub async fn run(what: Quarantine) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let (id, common, settle) = match &what {
        Quarantine::Settle(wish) => (&wish.id, &wish.common, Some(wish)),
        Quarantine::Dismiss(wish) => (&wish.id, &wish.common, None),
        Quarantine::Claim(wish) => return quarantine_claim::run(&pool, wish).await,
    };
    let found = find(&pool, id).await?;
    let verdict = match settle {
        None => QuarantineVerdict::Dismiss,
        Some(wish) => {
            if found.account == AccountId::OPERATIONS {
                bail!(
                    "this money names no payment of ours: claim it for the one it is, or give it back at the \
                     provider and dismiss it"
                );
            }
            let currency = found.provider().currency();
            let amount =
                SomeMoney::new(minor(&wish.amount, currency)?, currency).context("--amount is too much")?;
            let credits = SomeCredits::new(wish.credits).context("--credits is out of its bounds")?;
            QuarantineVerdict::Settle { amount, credits, test: wish.test }
        }
    };
    if !common.manner.json {
        out::text(format_args!("{}", cases::quarantined(&found)))?;
    }
    if !agreed("This decides it for good.", common.manner.yes, common.manner.json)? {
        say!("Nothing was changed.")?;
        return Ok(ExitCode::from(1));
    }
    decide(&found, verdict, common).await
}

pub(super) async fn find(pool: &PgPool, id: &str) -> anyhow::Result<Quarantined> {
    let found = find_quarantined(pool, id).await.context("the log can't be read")?;
    if found.len() > 1 {
        bail!(
            "{} things of this payment are in quarantine: say the provider's id of one (ledger cases)",
            found.len()
        );
    }
    found
        .into_iter()
        .next()
        .with_context(|| format!("nothing in quarantine is called {id:?}; `ledger cases` shows what is"))
}

async fn decide(
    found: &Quarantined,
    verdict: QuarantineVerdict,
    common: &Common,
) -> anyhow::Result<ExitCode> {
    // One decision of one quarantine: said again, it is the same.
    let id = CommandId::new(format!("quarantine_resolve:{}", found.position))?;
    let command = QuarantineResolve {
        rail: found.rail,
        provider_payment_id: Text::lossy(&found.provider_payment_id),
        verdict,
        reason: Text::new(common.reason.as_str()).context("--reason is at most 500 characters")?,
    };
    let who = operator::named(common.manner.operator.as_deref());
    let done = operator::act(&who, id, found.account, command).await?;
    if common.manner.json {
        let types: Vec<&str> = done.events.iter().map(|event| event.r#type.as_str()).collect();
        say!("{}", json!({"position": done.position, "events": types}))?;
    } else {
        say!("Decided, at {}.", operator::places(&done))?;
    }
    Ok(ExitCode::SUCCESS)
}
