//! `ledger trial-balance`.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use ledger_domain::Asset;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use service::config::Env;

use super::out::{self, say};
use super::table::{left, right, rule};
use crate::books::at::{self, At, Moment};
use crate::books::moscow::{date_time, rfc3339};
use crate::books::revenue::Standing;
use crate::books::trial_balance::{Books, trial_balance};
use crate::books::words::{amount, grouped};
use crate::{config, store};

#[derive(Args)]
pub struct Wish {
    /// As of a position, a time (RFC 3339) or a day (2026-11-21).
    #[arg(long)]
    at: Option<At>,
    /// Print one JSON object, amounts in credits and minor units.
    #[arg(long)]
    json: bool,
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let moment = at::until(&pool, wish.at).await?;
    let books = trial_balance(&pool, moment.position).await?;
    if wish.json {
        say!("{}", told(&books, moment))?;
    } else {
        out::text(format_args!("{}", paper(&books, moment)))?;
    }
    Ok(if books.unbalanced().is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

const ASSETS: [Asset; 3] = [Asset::Credit, Asset::Rub, Asset::Xtr];

fn told(books: &Books, moment: Moment) -> Value {
    let lines: Vec<Value> = books
        .lines()
        .map(|l| {
            json!({"asset": l.asset, "account": l.account, "debit": l.debit, "credit": l.credit,
                   "balance": l.balance()})
        })
        .collect();
    let money: Vec<Standing> = [Asset::Rub, Asset::Xtr].map(|asset| Standing::of(books, asset)).to_vec();
    json!({
        "position": moment.position, "as_of": rfc3339(moment.recorded_at), "lines": lines,
        "balanced": books.unbalanced().is_empty(), "money": money,
    })
}

/// The trial balance as it is printed.
fn paper(books: &Books, moment: Moment) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "Trial balance");
    let _ = match moment.position {
        0 => writeln!(out, "before the first event of the log"),
        position => {
            writeln!(
                out,
                "as of position {}, {} Moscow time",
                grouped(position),
                date_time(moment.recorded_at)
            )
        }
    };
    for asset in ASSETS {
        let lines: Vec<_> = books.lines().filter(|l| l.asset == asset).collect();
        if lines.is_empty() {
            continue;
        }
        let row = |name: &str, debit: String, credit: String, balance: String| {
            format!(
                "{} {} {} {}\n",
                left(name, 26),
                right(&debit, 17),
                right(&credit, 17),
                right(&balance, 17)
            )
        };
        out.push('\n');
        out.push_str(&row(asset.code(), "Debit".into(), "Credit".into(), "Balance".into()));
        out.push_str(&rule());
        out.push('\n');
        let of = |n: i64| amount(n, asset);
        for l in &lines {
            out.push_str(&row(l.account, of(l.debit), of(l.credit), of(l.balance())));
        }
        out.push_str(&rule());
        out.push('\n');
        let sum = |get: fn(&crate::books::trial_balance::Line<'_>) -> i64| lines.iter().map(get).sum::<i64>();
        out.push_str(&row("Sum", of(sum(|l| l.debit)), of(sum(|l| l.credit)), of(sum(|l| l.balance()))));
    }
    for asset in [Asset::Rub, Asset::Xtr] {
        let s = Standing::of(books, asset);
        if (s.deferred, s.recognised, s.breakage, s.refunds_open, s.fees) != (0, 0, 0, 0, 0) {
            let _ = writeln!(out, "\n{} so far", asset.code());
            let refunds =
                if s.refunds_open < 0 { "refunded of revenue" } else { "for refunds, not paid yet" };
            for (name, n) in [
                ("deferred (paid, not used yet)", s.deferred),
                ("recognised revenue", s.recognised),
                ("breakage (lapsed)", s.breakage),
                (refunds, s.refunds_open),
                ("fees", s.fees),
            ] {
                let _ = writeln!(out, "  {} {}", left(name, 34), right(&amount(n, asset), 17));
            }
        }
    }
    match books.unbalanced().as_slice() {
        [] => out.push_str("\nEach asset sums to zero.\n"),
        off => {
            for (asset, n) in off {
                let _ = writeln!(out, "\nWRONG  {} is off by {n}: run `ledger verify`.", asset.code());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(deferred: i64) -> Books {
        Books::of(
            [
                ("customer:available", "CREDIT", 0, 100),
                ("issued:purchase", "CREDIT", 100, 0),
                ("clearing:yookassa", "RUB", 123_456_789, 0),
                ("deferred", "RUB", 5, deferred),
                ("revenue", "RUB", 0, 5),
            ]
            .map(|(account, asset, debit, credit)| (account.to_owned(), asset.to_owned(), debit, credit)),
        )
    }

    #[test]
    fn a_trial_balance_fits_its_paper_and_says_that_it_sums_to_zero() {
        let wanted = "\
Trial balance
as of position 1,234, 2026-11-21 23:59:58 Moscow time

CREDIT                                 Debit            Credit           Balance
────────────────────────────────────────────────────────────────────────────────
customer:available                         0               100              -100
issued:purchase                          100                 0               100
────────────────────────────────────────────────────────────────────────────────
Sum                                      100               100                 0

RUB                                    Debit            Credit           Balance
────────────────────────────────────────────────────────────────────────────────
clearing:yookassa               1,234,567.89              0.00      1,234,567.89
deferred                                0.05      1,234,567.89     -1,234,567.84
revenue                                 0.00              0.05             -0.05
────────────────────────────────────────────────────────────────────────────────
Sum                             1,234,567.94      1,234,567.94              0.00

RUB so far
  deferred (paid, not used yet)           1,234,567.84
  recognised revenue                              0.05
  breakage (lapsed)                               0.00
  for refunds, not paid yet                       0.00
  fees                                            0.00

Each asset sums to zero.
";
        let moment = Moment { position: 1_234, recorded_at: 1_795_294_798_000_000 };
        assert_eq!(paper(&books(123_456_789), moment), wanted);
    }

    #[test]
    fn books_that_are_off_say_by_how_much() {
        let moment = Moment { position: 1, recorded_at: 0 };
        assert!(
            paper(&books(123_456_780), moment).ends_with("WRONG  RUB is off by 9: run `ledger verify`.\n")
        );
        assert_eq!(told(&books(1), moment)["balanced"], false);
    }
}
