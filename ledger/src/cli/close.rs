//! `ledger close`: the end, by hand, of a payment or refund that does not end.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use proto_events::commands::{Command, PaymentCancel, RefundFail, RefundSettle};
use proto_events::queries::{PaymentState, PaymentView, RefundState, RefundView};
use proto_events::{AccountId, CommandId, PaymentId, Rail, RefundId, Text};
use secrecy::ExposeSecret as _;
use serde_json::json;
use service::config::Env;
use sqlx::PgPool;

use super::money::agreed;
use super::operator::{self, Manner};
use super::out::{self, say};
use crate::books::moscow::date_time;
use crate::books::words::money_text;
use crate::queries::{payment_now, refund_now};
use crate::{config, store};

#[derive(Args)]
#[command(override_usage = "ledger close ID (--made PROVIDER_ID | --not-made --reason R)")]
pub struct Wish {
    /// Ours: a payment (p-…) or a refund (f-…); see `ledger cases`.
    id: String,
    /// A refund: the provider has made it, under this id.
    #[arg(long, value_name = "PROVIDER_ID", required_unless_present = "not_made")]
    made: Option<String>,
    /// The provider has none: a refund's credits come back,
    /// a payment is over; made all the same, it is found
    #[arg(long, conflicts_with = "made", requires = "reason", verbatim_doc_comment)]
    not_made: bool,
    /// Why; stays in the log, so it must name nobody.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    manner: Manner,
}

/// What is to be told to the ledger, and what a person reads before.
struct Act {
    account: AccountId,
    command: Command,
    paper: String,
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let id = wish.id.trim();
    let act = if let Ok(refund) = id.parse::<RefundId>() {
        of_refund(&pool, refund, &wish).await?
    } else if let Ok(payment) = id.parse::<PaymentId>() {
        of_payment(&pool, payment, &wish).await?
    } else {
        bail!(
            "{id:?} is no id of ours: give a payment's (p-…) or a refund's (f-…), as `ledger cases` shows it"
        )
    };
    if !wish.manner.json {
        out::text(format_args!("{}", act.paper))?;
    }
    if !agreed("This ends it for good.", wish.manner.yes, wish.manner.json)? {
        say!("Nothing was changed.")?;
        return Ok(ExitCode::from(1));
    }
    // Said again, it is the same.
    let command_id = CommandId::new(format!("close:{id}"))?;
    let who = operator::named(wish.manner.operator.as_deref());
    let done = operator::act(&who, command_id, act.account, act.command).await?;
    if wish.manner.json {
        let types: Vec<&str> = done.events.iter().map(|event| event.r#type.as_str()).collect();
        say!("{}", json!({"position": done.position, "events": types}))?;
    } else {
        say!("Closed, at {}.", operator::places(&done))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn of_refund(pool: &PgPool, id: RefundId, wish: &Wish) -> anyhow::Result<Act> {
    let found = refund_now(pool, id).await.context("the log can't be read")?;
    let view = found.with_context(|| format!("there is no refund {id}"))?;
    if view.state != RefundState::Opened {
        bail!("{id} has ended: ledger payment {id} shows how");
    }
    let (command, what): (Command, &str) = match &wish.made {
        Some(made) => {
            may_be_its_id(&view, made)?;
            let provider_refund_id = Text::new(made.as_str()).context("--made is no id")?;
            let (refund, rail, amount) = (id, view.rail, view.amount);
            let settle = RefundSettle { refund, rail, provider_refund_id, amount, refunded_at: None };
            (settle.into(), "The provider has made it: it is settled.")
        }
        None => {
            let fail = RefundFail { refund: id, rail: view.rail, reason: reason(wish)? };
            (fail.into(), "It is given up: what it took comes back. One found there later is taken again.")
        }
    };
    Ok(Act { account: id.account(), command, paper: refund_paper(&view, wish.made.as_deref(), what) })
}

/// A refund of Stars has the id of its charge, one of YooKassa never that of its payment.
fn may_be_its_id(view: &RefundView, made: &str) -> anyhow::Result<()> {
    let payment = view.provider_payment_id.as_ref().map_or("", |id| id.as_str());
    match view.rail {
        Rail::Stars if made != payment => {
            bail!("Telegram's refund has the id of its charge: --made {payment}")
        }
        Rail::Yookassa | Rail::TelegramYookassa if made == payment => {
            bail!(
                "{made} is the payment; --made is the id of the refund itself, as YooKassa's cabinet shows it"
            )
        }
        _ => Ok(()),
    }
}

async fn of_payment(pool: &PgPool, id: PaymentId, wish: &Wish) -> anyhow::Result<Act> {
    let found = payment_now(pool, id).await.context("the log can't be read")?;
    let view = found.with_context(|| format!("there is no payment {id}"))?;
    if ![PaymentState::Opened, PaymentState::Registered].contains(&view.state) {
        bail!("{id} has ended: ledger payment {id} shows how");
    }
    if wish.made.is_some() {
        bail!(
            "money that is there is credited by the provider's own word, or by ledger quarantine settle; \
             --made is for refunds"
        );
    }
    let (party, reason) = (Text::lossy("plantain"), reason(wish)?);
    let cancel = PaymentCancel { payment: id, rail: view.rail, provider_payment_id: None, party, reason };
    Ok(Act { account: id.account(), command: cancel.into(), paper: payment_paper(&view) })
}

fn reason(wish: &Wish) -> anyhow::Result<Text<128>> {
    Text::new(wish.reason.as_deref().unwrap_or_default()).context("--reason is at most 128 characters")
}

fn refund_paper(view: &RefundView, made: Option<&str>, what: &str) -> String {
    let there = view.provider_payment_id.as_ref().map_or("-", |id| id.as_str());
    let made = made.map(|made| format!("  made there as {made}\n")).unwrap_or_default();
    format!(
        "{}\n  {} of {}\n  which {} has as {there}\n  open since {}\n{made}{what}\n",
        view.refund,
        money_text(view.amount),
        view.payment,
        view.rail.provider().as_str(),
        date_time(view.opened_at.get()),
    )
}

fn payment_paper(view: &PaymentView) -> String {
    let there = view.provider_payment_id.as_ref().map_or("not registered", |id| id.as_str());
    format!(
        "{}\n  {} by {}: {there}\n  open since {}\n\
         It is over, and the person is told. Money that comes all the same is credited.\n",
        view.payment,
        money_text(view.price),
        view.rail.as_str(),
        date_time(view.opened_at.get()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn papers_fit_80_columns() {
        let refund: RefundView = serde_json::from_value(json!({
            "position": 9, "refund": format!("f-{}-{}", "0".repeat(32), "1".repeat(16)), "rail": "telegram_yookassa",
            "payment": format!("p-{}-{}", "0".repeat(32), "1".repeat(16)), "state": "opened", "credits": 100,
            "amount": {"amount": 10_000_000_000_i64, "currency": "RUB"}, "by": "operator", "opened_at": 1,
            "provider_payment_id": "216749f7-0016-50be-b000-078d43a63ae4", "telegram_user": null, "email": null,
            "price": {"amount": 10_000_000_000_i64, "currency": "RUB"},
        }))
        .unwrap();
        let what = "It is given up: what it took comes back. One found there later is taken again.";
        let text = refund_paper(&refund, Some("216749f7-0016-50be-b000-078d43a63ae5"), what);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("100,000,000.00 RUB") && text.contains("216749f7"), "{text}");
    }
}
