//! `ledger refund`: money goes back, its credits first.
//!
//! What it would take is decided here by the same core, on the account as it is now, and shown before anybody agrees:
//! what is left at once, what is reserved when it comes back, what is spent as a debt.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use ledger_domain::{Account, Facts, decide, evolve};
use proto_events::commands::{Command, RefundOpen};
use proto_events::events::RefundOpened;
use proto_events::queries::{PaymentState, PaymentView, RefundAccepted};
use proto_events::{CommandId, Event, Micros, PaymentId, Producer, Provider, RefundId, SomeMoney, Text};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use service::config::Env;
use sqlx::PgPool;

use super::money::{agreed, minor};
use super::operator;
use super::out::{self, say};
use crate::books::words::{grouped, money_text};
use crate::queries::{payment_now, payment_of_provider};
use crate::{config, snapshots, store};

#[derive(Args)]
pub struct Wish {
    /// Ours (p-…), or the provider's payment or charge id.
    payment: String,
    /// So much of it (50.00); the whole rest if left out.
    #[arg(long)]
    amount: Option<String>,
    /// Why; stays in the log, so it must name nobody.
    #[arg(long)]
    reason: String,
    /// The provider has given it back already, under this
    /// id (a chargeback): it is not asked any more
    #[arg(long, value_name = "ID", verbatim_doc_comment)]
    already: Option<String>,
    /// A refund of the same amount is there: this is one more.
    #[arg(long)]
    another: bool,
    /// Who gives it back: is named in the log; else this user.
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Show what it would take, and change nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object, amounts in minor units; needs
    /// --yes or --dry-run
    #[arg(long, verbatim_doc_comment)]
    json: bool,
}

/// What it takes, in credits.
#[derive(Debug, Serialize)]
struct Preview {
    payment: PaymentId,
    amount_minor: i64,
    currency: &'static str,
    /// Of this payment's credits.
    credits: i64,
    taken_now: i64,
    /// Reserved: taken when they come back, owed if they are spent.
    held: i64,
    /// Spent: owed instead.
    debt: i64,
    /// Of that, what other credits of this person pay at once.
    debt_paid: i64,
    available_after: i64,
    debt_after: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<RefundId>,
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let view = find(&pool, &wish.payment).await?;
    if view.state != PaymentState::Settled {
        bail!("{} is not paid: there is nothing to give back", view.payment);
    }
    let account = view.payment.account();
    let state = snapshots::load(&pool, &[account]).await?.remove(&account).unwrap_or_default();
    let command = command(&wish, &view, &state)?;
    // Said again, it is the same refund, until the payment has another.
    let id = CommandId::new(format!("refund:{}:{}", view.payment, state.version()))?;
    let mut preview = preview(&pool, &state, &view, &id, &command).await?;
    if !wish.json {
        out::text(format_args!("{}", paper(&preview, &view, wish.already.as_deref())))?;
    }
    if wish.dry_run || !agreed("The credits are taken at once.", wish.yes, wish.json)? {
        return ended(&wish, &preview);
    }
    let who = operator::named(wish.operator.as_deref());
    let done = operator::act(&who, id, account, command).await?;
    preview.refund = Some(done.result::<RefundAccepted>()?.refund);
    if wish.json {
        say!("{}", serde_json::to_string(&preview)?)?;
    } else if wish.already.is_some() {
        say!("Applied, at {}.", operator::places(&done))?;
    } else {
        let refund = preview.refund.map(|refund| refund.to_string()).unwrap_or_default();
        say!(
            "Opened, at {}; the provider is asked now. How it goes:\n  ledger payment {refund}",
            operator::places(&done)
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn ended(wish: &Wish, preview: &Preview) -> anyhow::Result<ExitCode> {
    if wish.json {
        say!("{}", serde_json::to_string(preview)?)?;
    } else {
        say!("Nothing was changed.")?;
    }
    Ok(if wish.dry_run { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn find(pool: &PgPool, text: &str) -> anyhow::Result<PaymentView> {
    if let Ok(payment) = text.parse::<PaymentId>() {
        let found = payment_now(pool, payment).await.context("the log can't be read")?;
        return found.with_context(|| format!("there is no payment {text}"));
    }
    for provider in Provider::ALL {
        let found = payment_of_provider(pool, provider, text).await.context("the log can't be read")?;
        if let Some(view) = found {
            return Ok(view);
        }
    }
    bail!("{text:?} is no payment: give ours (p-…), or the id that YooKassa or Telegram has for it")
}

fn command(wish: &Wish, view: &PaymentView, state: &Account) -> anyhow::Result<Command> {
    let paid = view.paid.unwrap_or(view.price);
    let left = paid.minor() - state.refunded(view.payment);
    let minor = match &wish.amount {
        Some(text) => minor(text, paid.currency)?,
        None => left,
    };
    if minor > left || left == 0 {
        let left = proto_events::Money::new(left, paid.currency)?;
        match left.minor() {
            0 => bail!("nothing is left to give back of {}", money_text(paid)),
            _ => bail!(
                "--amount is more than is left to give back: {} of {}",
                money_text(left),
                money_text(paid)
            ),
        }
    }
    let same = state.refunds_of(view.payment).into_iter().find(|(_, amount, _)| amount.minor() == minor);
    if let Some((refund, _, open)) = same.filter(|_| !wish.another && wish.already.is_none()) {
        let how = if open { "is under way" } else { "was given back" };
        bail!("so much of it {how} already, as {refund}: say --another if this is one more");
    }
    Ok(RefundOpen {
        payment: view.payment,
        rail: view.rail,
        amount: SomeMoney::new(minor, paid.currency)?,
        reason: Text::new(wish.reason.as_str()).context("--reason is at most 500 characters")?,
        provider_refund_id: wish
            .already
            .as_deref()
            .map(Text::new)
            .transpose()
            .context("--already is no id")?,
        refunded_at: None,
        // Who said yes without looking has agreed to whatever it takes.
        version: (!wish.yes).then_some(state.version()),
    }
    .into())
}

async fn preview(
    pool: &PgPool,
    state: &Account,
    view: &PaymentView,
    id: &CommandId,
    command: &Command,
) -> anyhow::Result<Preview> {
    let now: i64 = sqlx::query_scalar("SELECT now_us()").fetch_one(pool).await?;
    let now = Micros::new(now).unwrap_or_default();
    let facts = Facts::new(now, view.payment.account(), Producer::Console, id);
    let events = decide(state, command, &facts).map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
    let after = events.iter().fold(state.clone(), evolve).balance();
    let opened = events.iter().find_map(|event| match event {
        Event::RefundOpened(e) => Some(e),
        _ => None,
    });
    let RefundOpened { amount, credits, .. } = opened.context("a refund begins with its opening")?;
    let taken_now = sum(&events, |event| match event {
        Event::CreditsRevoked(e) => e.taken.iter().map(|part| part.credits.get()).sum(),
        _ => 0,
    });
    let debt = sum(&events, |event| match event {
        Event::DebtIncurred(e) => e.credits.get(),
        _ => 0,
    });
    let debt_paid = sum(&events, |event| match event {
        Event::DebtPaid(e) => e.credits.get(),
        _ => 0,
    });
    Ok(Preview {
        payment: view.payment,
        amount_minor: amount.minor(),
        currency: amount.currency.code(),
        credits: credits.get(),
        taken_now,
        held: credits.get() - taken_now - debt,
        debt,
        debt_paid,
        available_after: after.available.get(),
        debt_after: after.debt.get(),
        refund: None,
    })
}

fn sum(events: &[Event], of: impl Fn(&Event) -> i64) -> i64 {
    events.iter().map(of).sum()
}

fn paper(preview: &Preview, view: &PaymentView, already: Option<&str>) -> String {
    let paid = view.paid.unwrap_or(view.price);
    let back = proto_events::Money::new(preview.amount_minor, paid.currency).unwrap_or(paid);
    let line = |name: &str, n: i64| format!("  {name:<46} {:>12}\n", grouped(n));
    let mut out = format!("{}\n", preview.payment);
    out.push_str(&format!(
        "Paid {} by {}; goes back: {}\n",
        money_text(paid),
        view.rail.as_str(),
        money_text(back)
    ));
    if let Some(already) = already {
        out.push_str(&format!("The provider has given it back as {already}.\n"));
    }
    out.push_str(&line("credits that this takes", preview.credits));
    out.push_str(&line("of them left, and taken at once", preview.taken_now));
    out.push_str(&line("held for what is being made, taken later", preview.held));
    out.push_str(&line("spent: owed instead", preview.debt));
    if preview.debt_paid > 0 {
        out.push_str(&line("of that, paid by other credits at once", preview.debt_paid));
    }
    out.push_str(&line("available after that", preview.available_after));
    out.push_str(&line("owed after that, for the next credits to pay", preview.debt_after));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_takes_fits_its_paper() {
        let view: PaymentView = serde_json::from_value(serde_json::json!({
            "payment": format!("p-{}-{}", "0".repeat(32), "1".repeat(16)), "state": "settled",
            "rail": "telegram_yookassa", "package": "rub-100", "credits": 100,
            "price": {"amount": 10_000_000_000_i64, "currency": "RUB"}, "provider_payment_id": "x",
            "checkout_url": null, "opened_at": 1, "expires_at": 2, "position": 3, "method": null, "paid": null,
            "email": null,
        }))
        .unwrap();
        let preview = Preview {
            payment: view.payment,
            amount_minor: 10_000_000_000,
            currency: "RUB",
            credits: 1_000_000_000,
            taken_now: 999_999_999,
            held: 0,
            debt: 1,
            debt_paid: 1,
            available_after: 0,
            debt_after: 1,
            refund: None,
        };
        let text = paper(&preview, &view, Some("216749f7-0016-50be-b000-078d43a63ae4"));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("100,000,000.00 RUB"), "{text}");
    }
}
