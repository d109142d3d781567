//! `ledger cases`.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use secrecy::ExposeSecret as _;
use service::config::Env;

use super::out::{self, say};
use super::table::rule;
use crate::books::moscow::date_time;
use crate::books::words::{count, money_text, word};
use crate::cases::{Cases, Late, Quarantined, cases};
use crate::{config, store};

#[derive(Args)]
pub struct Wish {
    /// Print one JSON object, amounts in minor units.
    #[arg(long)]
    json: bool,
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let now: i64 = sqlx::query_scalar("SELECT now_us()").fetch_one(&pool).await?;
    let cases = cases(&pool, now).await.context("the log can't be read")?;
    if wish.json {
        say!("{}", serde_json::to_string(&cases)?)?;
    } else {
        out::text(format_args!("{}", paper(&cases)))?;
    }
    Ok(if cases.count() == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn paper(cases: &Cases) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    if cases.count() == 0 {
        let _ = writeln!(out, "Nothing about money waits for a person.");
        return out;
    }
    if !cases.quarantined.is_empty() {
        let _ = writeln!(
            out,
            "In quarantine: not credited (ledger quarantine settle|dismiss|claim ID)\n{}",
            rule()
        );
        cases.quarantined.iter().for_each(|q| out.push_str(&quarantined(q)));
        out.push('\n');
    }
    late(&mut out, "Payments that don't end", &cases.late_payments);
    late(&mut out, "Refunds that don't end", &cases.late_refunds);
    if !cases.stranded.is_empty() {
        let _ = writeln!(
            out,
            "Credits in erased accounts: their money is to go back (ledger refund)\n{}",
            rule()
        );
        for one in &cases.stranded {
            let _ = writeln!(out, "{}  {}", one.account, count(one.credits, "credit"));
        }
        out.push('\n');
    }
    if !cases.differing.is_empty() {
        let _ = writeln!(out, "Days that differ (ledger reconcile --date DAY)\n{}", rule());
        for day in &cases.differing {
            let (when, whose, count) =
                (&day.day, day.provider.as_str(), count(day.differences.into(), "difference"));
            let _ = writeln!(out, "{when} {whose}: {count}");
            let _ = writeln!(out, "  paid here {}, there {}", money_text(day.ours), money_text(day.theirs));
        }
        out.push('\n');
    }
    for (provider, newest) in &cases.uncompared {
        let newest = newest.as_deref().unwrap_or("none in 60 days");
        let _ = writeln!(
            out,
            "{}: the last day was not compared; the newest that was: {newest}",
            provider.as_str()
        );
    }
    out
}

pub(super) fn quarantined(q: &Quarantined) -> String {
    let problems: Vec<String> = q.problems.iter().map(word).collect();
    let payment = q.payment.map_or("of no payment of ours".to_owned(), |payment| payment.to_string());
    let mut seen = vec![q.seen.status.to_string()];
    seen.extend(q.seen.amount.map(money_text));
    seen.extend(q.seen.other_amount.as_ref().map(ToString::to_string));
    seen.extend(q.seen.shop.as_ref().map(|shop| format!("shop {shop}")));
    seen.extend(q.seen.test.map(|test| if test { "test".to_owned() } else { "not a test".to_owned() }));
    let named =
        q.seen.named.as_ref().filter(|named| q.payment.is_none_or(|p| p.to_string() != named.as_str()));
    let mut out = format!("{}  {}\n", q.provider_payment_id, q.rail.as_str());
    let _ = writeln!(out, "  {payment}");
    let _ = writeln!(out, "  {}: {}", date_time(q.recorded_at), problems.join(", "));
    let _ = writeln!(out, "  seen: {}", seen.join(", "));
    if let Some(named) = named {
        let _ = writeln!(out, "  it names {named}");
    }
    out
}

fn late(out: &mut String, what: &str, all: &[Late]) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "{what} (ledger payment ID; ledger close ID)\n{}", rule());
    for one in all {
        let _ = writeln!(out, "{}  {}", one.id, one.rail);
        let _ = writeln!(out, "  open since {}", date_time(one.opened_at));
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use proto_events::events::{PaymentProblem, PaymentSeen};
    use proto_events::{AccountId, CommandId, Currency, Money, PaymentId, Producer, Provider, Rail, Text};

    use super::*;
    use crate::cases::{Differing, Stranded};

    #[test]
    fn cases_fit_their_paper() {
        let command = CommandId::new("topup:1:2").unwrap();
        let payment = PaymentId::derive(AccountId::CATALOG, Producer::Telegram, &command);
        let rub = |kopecks| Money::new(kopecks, Currency::Rub).unwrap();
        let one = Quarantined {
            position: 1_234_567,
            recorded_at: 1_795_294_798_000_000,
            account: payment.account(),
            payment: Some(payment),
            rail: Rail::TelegramYookassa,
            provider_payment_id: "23d93cac-000f-5000-8000-126628f15141".into(),
            problems: vec![PaymentProblem::AmountDiffers, PaymentProblem::ShopDiffers],
            seen: PaymentSeen {
                amount: Some(rub(100)),
                status: Text::lossy("succeeded"),
                test: Some(true),
                other_amount: None,
                shop: Some(Text::lossy("100501")),
                named: Some(Text::lossy(&payment.to_string())),
            },
        };
        let late = Late { id: payment.to_string(), rail: "stars".into(), opened_at: 1_795_294_798_000_000 };
        let differing = Differing {
            provider: Provider::Yookassa,
            day: "2026-11-21".into(),
            differences: 120,
            position: 7,
            ours: rub(12_345_678_900),
            theirs: rub(12_345_679_000),
        };
        let cases = Cases {
            quarantined: vec![one],
            late_payments: vec![late.clone()],
            late_refunds: vec![late],
            stranded: vec![Stranded { account: AccountId::CATALOG, credits: 100 }],
            differing: vec![differing],
            uncompared: vec![(Provider::Telegram, None)],
        };
        let text = paper(&cases);
        let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
        assert_eq!(wide, Vec::<&str>::new(), "{text}");
        assert!(text.contains("amount_differs, shop_differs") && text.contains("1.00 RUB"), "{text}");
        assert_eq!(paper(&Cases::default()), "Nothing about money waits for a person.\n");
    }
}
