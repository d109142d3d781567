//! `ledger quarantine claim`: money that named no payment of ours turns out to be one's.
//!
//! Telegram makes YooKassa's payment of an invoice and writes no name of ours into it; if its word on the payment is
//! lost, only the person who paid can say whose it is. The payment's account takes the quarantine over: from then
//! on it is settled or dismissed there, and no other account can have it. So the bill is shown beside the money, and
//! one that this money can't have paid is refused.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use proto_events::commands::PaymentQuarantine;
use proto_events::queries::{PaymentState, PaymentView};
use proto_events::{AccountId, CommandId, PaymentId, Text};
use serde_json::json;
use sqlx::PgPool;

use super::money::agreed;
use super::operator::{self, Manner};
use super::out::{self, say};
use super::{cases, quarantine};
use crate::books::moscow::date_time;
use crate::books::words::{money_text, word};
use crate::cases::Quarantined;
use crate::queries::payment_now;

#[derive(Args)]
#[command(
    override_usage = "ledger quarantine claim ID --payment p-…",
    after_help = "Once for all: nothing takes it back, and what is dismissed there can't be\n\
                  claimed again, only be credited by Telegram's word if that comes and agrees."
)]
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
    let bill = bill(pool, wish.payment, &found).await?;
    if !wish.manner.json {
        out::text(format_args!("{}{}", cases::quarantined(&found), paper(&bill, &found)))?;
    }
    if !agreed("It is for that payment from now on, for good.", wish.manner.yes, wish.manner.json)? {
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
        say!("It is that payment's, at {}.", operator::places(&done))?;
        say!("Next: ledger quarantine settle {}", found.provider_payment_id)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One that this money can have paid.
async fn bill(pool: &PgPool, id: PaymentId, found: &Quarantined) -> anyhow::Result<PaymentView> {
    let view = payment_now(pool, id).await.context("the log can't be read")?;
    let view = view.with_context(|| format!("there is no payment {id}"))?;
    if let Some(why) = misfit(&view, found) {
        bail!("{id} is not what this money paid: {why}");
    }
    Ok(view)
}

fn misfit(view: &PaymentView, found: &Quarantined) -> Option<String> {
    let (asked, came) = (view.rail.provider(), found.provider());
    if asked != came {
        return Some(format!("that is paid to {}, this came to {}", asked.as_str(), came.as_str()));
    }
    let seen = found.seen.amount.filter(|seen| seen.currency != view.price.currency)?;
    Some(format!("that costs {}, this is {}", money_text(view.price), money_text(seen)))
}

fn paper(view: &PaymentView, found: &Quarantined) -> String {
    let paid = view.paid.map_or(String::new(), |paid| format!(", {} paid", money_text(paid)));
    let mut paper = format!(
        "is to be claimed for\n{}\n  {} by {}: {}{paid}\n  open since {}\n",
        view.payment,
        money_text(view.price),
        view.rail.as_str(),
        word(&view.state),
        date_time(view.opened_at.get()),
    );
    if view.state == PaymentState::Settled {
        paper.push_str("  It has its money: settled, this makes one more payment of it.\n");
    }
    if found.seen.amount.is_some_and(|seen| seen != view.price) {
        paper.push_str("  It costs another amount than was seen.\n");
    }
    paper
}

#[cfg(test)]
mod tests {
    use proto_events::events::{PaymentProblem, PaymentSeen};
    use proto_events::{Currency, Money, Rail};
    use serde_json::Value;

    use super::*;

    fn view(rail: &str, currency: &str, state: &str, paid: Value) -> PaymentView {
        let price = json!({"amount": 10_000_000_000_i64, "currency": currency});
        serde_json::from_value(json!({
            "position": 9, "payment": format!("p-{}-{}", "0".repeat(32), "1".repeat(16)), "state": state,
            "rail": rail, "package": "rub-100", "credits": 100, "price": price, "paid": paid,
            "provider_payment_id": null, "checkout_url": null, "opened_at": 1, "expires_at": 2, "method": null,
            "email": null,
        }))
        .unwrap()
    }

    fn seen(minor: i64, currency: Currency) -> Quarantined {
        Quarantined {
            position: 1,
            recorded_at: 1,
            account: AccountId::OPERATIONS,
            payment: None,
            rail: Rail::TelegramYookassa,
            provider_payment_id: "216749f7-0016-50be-b000-078d43a63ae4".into(),
            problems: vec![PaymentProblem::UnknownPayment],
            seen: PaymentSeen {
                amount: Money::new(minor, currency).ok(),
                status: Text::lossy("succeeded"),
                test: Some(false),
                other_amount: None,
                shop: None,
                named: None,
            },
        }
    }

    #[test]
    fn the_bill_stands_beside_the_money_and_fits_80_columns() {
        let found = seen(9_000, Currency::Rub);
        let paid = json!({"amount": 10_000_000_000_i64, "currency": "RUB"});
        let text = paper(&view("telegram_yookassa", "RUB", "settled", paid), &found);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        for wanted in ["100,000,000.00 RUB by telegram_yookassa: settled", "one more", "another amount"] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        let text =
            paper(&view("yookassa", "RUB", "canceled", Value::Null), &seen(10_000_000_000, Currency::Rub));
        assert!(text.contains("by yookassa: canceled\n  open since"), "{text}");
        assert!(!text.contains("one more") && !text.contains("another amount"), "{text}");
    }

    #[test]
    fn a_bill_of_another_provider_or_in_another_currency_is_not_what_it_paid() {
        let rubles = seen(10_000, Currency::Rub);
        assert_eq!(misfit(&view("yookassa", "RUB", "opened", Value::Null), &rubles), None);
        let why = misfit(&view("stars", "XTR", "opened", Value::Null), &rubles).unwrap();
        assert_eq!(why, "that is paid to telegram, this came to yookassa");
        let why = misfit(&view("yookassa", "RUB", "opened", Value::Null), &seen(75, Currency::Xtr)).unwrap();
        assert_eq!(why, "that costs 100,000,000.00 RUB, this is 75 XTR");
    }
}
