//! `ledger quarantine claim`: money that named no payment of ours turns out to be one's.
//!
//! Telegram makes YooKassa's payment of an invoice and writes no name of ours into it; if its word on the payment is
//! lost, only the person who paid can say whose it is. The payment's account takes the quarantine over: from then
//! on it is settled or dismissed there.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use proto_events::commands::PaymentQuarantine;
use proto_events::{AccountId, CommandId, PaymentId, Text};
use serde_json::json;
use sqlx::PgPool;

use super::money::agreed;
use super::operator::{self, Manner};
use super::out::{self, say};
use super::{cases, quarantine};

#[derive(Args)]
#[command(override_usage = "ledger quarantine claim ID --payment p-…")]
pub struct Claim {
    /// The provider's id; see `ledger cases`.
    pub id: String,
    /// The bill it paid, also one whose time is over.
    #[arg(long, value_name = "p-…")]
    payment: PaymentId,
    #[command(flatten)]
    manner: Manner,
}

pub async fn run(pool: &PgPool, wish: &Claim) -> anyhow::Result<ExitCode> {
    let found = quarantine::find(pool, &wish.id).await?;
    if found.account != AccountId::OPERATIONS {
        bail!("this is known to be of a payment of ours: settle or dismiss it");
    }
    if !wish.manner.json {
        out::text(format_args!("{}", cases::quarantined(&found)))?;
    }
    let question = format!("From now on it is for {} to be settled.", wish.payment);
    if !agreed(&question, wish.manner.yes, wish.manner.json)? {
        say!("Nothing was changed.")?;
        return Ok(ExitCode::from(1));
    }
    let id = CommandId::new(format!("quarantine_claim:{}:{}", found.position, wish.payment))?;
    let command = PaymentQuarantine {
        payment: Some(wish.payment),
        rail: found.rail,
        provider_payment_id: Text::lossy(&found.provider_payment_id),
        problems: found.problems,
        seen: found.seen,
    };
    let who = operator::named(wish.manner.operator.as_deref());
    let done = operator::act(&who, id, wish.payment.account(), command).await?;
    if wish.manner.json {
        let types: Vec<&str> = done.events.iter().map(|event| event.r#type.as_str()).collect();
        say!("{}", json!({"position": done.position, "events": types}))?;
    } else {
        say!("It is that payment's, at position {}.", done.position)?;
        say!("Next: ledger quarantine settle {}", found.provider_payment_id)?;
    }
    Ok(ExitCode::SUCCESS)
}
