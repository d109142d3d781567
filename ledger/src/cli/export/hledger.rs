//! A journal for hledger (<https://hledger.org>): a transaction for each event with postings, its code
//! the position, its date the day in Moscow.
//!
//! An export from the middle of the log begins with a transaction of opening balances, so that
//! `hledger balance` is `ledger trial-balance` whatever the range.

use std::fmt::Write as _;
use std::io::Write;

use ledger_domain::Asset;
use sqlx::PgPool;

use super::super::progress::Progress;
use super::Range;
use crate::books::moscow::{Day, date_time, time_of_day};
use crate::books::trial_balance::trial_balance;
use crate::books::words::plain_amount;
use crate::books::{BooksError, postings, statement};

/// The accounts of the books, and what hledger takes them for: assets, liabilities, equity, revenue,
/// expenses.
const ACCOUNTS: [(&str, char); 23] = [
    ("customer:available", 'L'),
    ("customer:reserved", 'L'),
    ("customer:debt", 'A'),
    ("issued:purchase", 'E'),
    ("issued:welcome", 'E'),
    ("issued:referral", 'E'),
    ("issued:promo", 'E'),
    ("issued:admin", 'E'),
    ("issued:compensation", 'E'),
    ("consumed", 'E'),
    ("expired", 'E'),
    ("revoked", 'E'),
    ("owed", 'E'),
    ("forgiven", 'E'),
    ("clearing:yookassa", 'A'),
    ("clearing:telegram_yookassa", 'A'),
    ("clearing:stars", 'A'),
    ("deferred", 'L'),
    ("revenue", 'R'),
    ("breakage", 'R'),
    ("fees", 'X'),
    ("refunds", 'L'),
    ("given", 'X'),
];

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Books(#[from] BooksError),
    #[error("the output can't be written")]
    Output(#[from] std::io::Error),
}

pub async fn write(
    pool: &PgPool,
    range: Range,
    out: &mut (dyn Write + Send),
    progress: &mut Progress,
) -> anyhow::Result<()> {
    writeln!(
        out,
        "; Plantain: positions {} to {}, recorded until {} Moscow time.",
        range.from,
        range.to.position,
        date_time(range.to.recorded_at)
    )?;
    writeln!(out, "\ndecimal-mark .\ncommodity 1000. CREDIT\ncommodity 1000.00 RUB\ncommodity 1000. XTR\n")?;
    for (account, kind) in ACCOUNTS {
        writeln!(out, "account {account}  ; type: {kind}")?;
    }
    if range.from > 1 && range.from <= range.to.position {
        opening(pool, range.from, out).await?;
    }
    let mut text = String::new();
    postings::each(pool, range.from, range.to.position, |row, event| {
        progress.at(row.position - range.from + 1, range.to.position - range.from + 1);
        let lines = ledger_domain::postings(event);
        if lines.is_empty() {
            return Ok(());
        }
        text.clear();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "\n{} ({}) {}\n    ; event:{}, account:{}, time:{}",
            Day::of(row.recorded_at),
            row.position,
            described(&statement::what(event)),
            row.event_type,
            row.account_id,
            time_of_day(row.recorded_at)
        );
        for posting in &lines {
            line(&mut text, &posting.account, posting.amount, posting.asset);
        }
        out.write_all(text.as_bytes())?;
        Ok::<_, Trouble>(())
    })
    .await?;
    Ok(())
}

/// A description may hold neither a comment nor a payee.
fn described(what: &str) -> String {
    what.replace([';', '|', '\n', '\r'], " ")
}

fn line(text: &mut String, account: &str, amount: i64, asset: Asset) {
    let _ = writeln!(text, "    {account:<28}  {:>18} {}", plain_amount(amount, asset), asset.code());
}

async fn opening(pool: &PgPool, from: i64, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let books = trial_balance(pool, from - 1).await?;
    let first: i64 = sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = $1")
        .bind(from)
        .fetch_one(pool)
        .await?;
    let mut text = format!("\n{} ({}) opening balances\n", Day::of(first), from - 1);
    for l in books.lines().filter(|l| l.balance() != 0) {
        line(&mut text, l.account, l.balance(), l.asset);
    }
    if books.lines().any(|l| l.balance() != 0) {
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}
