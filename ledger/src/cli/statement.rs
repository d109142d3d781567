//! `ledger statement`.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use proto_events::AccountId;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use service::config::Env;
use sqlx::PgPool;

use super::out::{self, say};
use super::table::{WIDTH, left, right, rule, wrapped};
use crate::books::at::{self, At};
use crate::books::moscow::{Day, date_time, rfc3339, time_of_day};
use crate::books::statement::{Line, Statement, statement};
use crate::books::words::grouped;
use crate::projections::Running;
use crate::{config, store};

/// Columns for what happened; what is longer goes on below.
const WHAT_WIDTH: usize = 31;

/// Before a person's id, where one is asked for by it.
const TELEGRAM: &str = "telegram:";

#[derive(Args)]
pub struct Wish {
    /// A UUID, or telegram:ID.
    account: String,
    /// As of a position, a time (RFC 3339) or a day (2026-11-21).
    #[arg(long, conflicts_with = "to")]
    at: Option<At>,
    /// Lines from a position, a time or a day of Moscow on.
    #[arg(long)]
    from: Option<At>,
    /// Lines up to a position, a time or the end of a day.
    #[arg(long)]
    to: Option<At>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told<'s> {
    #[serde(flatten)]
    statement: &'s Statement,
    /// When its last position was recorded.
    as_of: String,
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let account = find_account(&pool, &wish.account).await?;
    let (from, until) = at::part(&pool, wish.from, wish.at.or(wish.to)).await?;
    let statement = statement(&pool, account, from, until.position).await?;
    if wish.json {
        let told = Told { statement: &statement, as_of: rfc3339(until.recorded_at) };
        say!("{}", serde_json::to_string(&told)?)?;
    } else {
        // As it was asked for, if not by its own id.
        let asked = Some(wish.account.as_str()).filter(|asked| asked.starts_with(TELEGRAM));
        out::text(format_args!("{}", paper(&statement, asked, until.recorded_at)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// # Errors
/// It is neither a UUID nor the Telegram id of somebody known.
pub async fn find_account(pool: &PgPool, text: &str) -> anyhow::Result<AccountId> {
    let Some(user) = text.strip_prefix(TELEGRAM) else {
        let account = text.parse().ok();
        return account.with_context(|| format!("{text:?} is no account: give a UUID, or telegram:ID"));
    };
    let id: Option<i64> = user.parse().ok().filter(|id| *id > 0);
    let user =
        id.with_context(|| format!("{user:?} is no Telegram id, which is a number: telegram:123456"))?;
    match store::accounts_of_people(pool, &[user]).await?.get(&user) {
        Some(account) => Ok(*account),
        None => bail!("nobody with this Telegram id has an account (an erased account is found by its UUID)"),
    }
}

/// The statement as it is printed.
fn paper(statement: &Statement, asked: Option<&str>, recorded_at: i64) -> String {
    let mut out = String::new();
    let through = grouped(statement.through);
    // Writing to a String cannot fail.
    let asked = asked.map(|asked| format!(" ({asked})")).unwrap_or_default();
    let _ = writeln!(out, "Statement of {}{asked}", statement.account);
    let _ = writeln!(out, "as of position {through}, {} Moscow time\n", date_time(recorded_at));
    let _ = writeln!(
        out,
        "{} {} {} {} {} {}",
        left("Time", 8),
        right("Position", 10),
        left("What", WHAT_WIDTH),
        right("Available", 10),
        right("Held", 8),
        right("Debt", 8)
    );
    out.push_str(&rule());
    out.push('\n');
    out.push_str(&balance("Opening balance", &statement.opening));
    let mut day = None;
    for line in &statement.lines {
        let today = Day::of(line.recorded_at);
        if day != Some(today) {
            let _ = writeln!(out, "{today}");
            day = Some(today);
        }
        out.push_str(&entry(line));
    }
    out.push_str(&rule());
    out.push('\n');
    out.push_str(&balance("Closing balance", &statement.closing));
    debug_assert!(out.lines().all(|line| line.chars().count() <= WIDTH));
    out
}

fn entry(line: &Line) -> String {
    let what = wrapped(&line.what, WHAT_WIDTH);
    let mut out = format!(
        "{} {} {} {} {} {}\n",
        time_of_day(line.recorded_at),
        right(&grouped(line.position), 10),
        left(&what[0], WHAT_WIDTH),
        right(&grouped(line.after.available), 10),
        right(&grouped(line.after.reserved), 8),
        right(&grouped(line.after.debt), 8)
    );
    for more in &what[1..] {
        let _ = writeln!(out, "{:20}{more}", "");
    }
    out
}

fn balance(name: &str, running: &Running) -> String {
    format!(
        "{} {} {} {}\n",
        left(name, 51),
        right(&grouped(running.available), 10),
        right(&grouped(running.reserved), 8),
        right(&grouped(running.debt), 8)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(position: i64, seconds: i64, what: &str, after: [i64; 3]) -> Line {
        let [available, reserved, debt] = after;
        Line {
            position,
            // 2026-11-21, 23:59:58 in Moscow, and on.
            recorded_at: 1_795_294_798_000_000 + seconds * 1_000_000,
            r#type: "CreditsGranted".into(),
            what: what.into(),
            available_delta: 0,
            reserved_delta: 0,
            debt_delta: 0,
            after: Running { available, reserved, debt },
            money_minor: None,
            currency: None,
            actor: "person".into(),
        }
    }

    #[test]
    fn a_statement_fits_its_paper() {
        let running = |available, reserved, debt| Running { available, reserved, debt };
        let statement = Statement {
            account: AccountId::OPERATIONS,
            from: 1_000,
            through: 12_345_678,
            opening: running(5, 0, 0),
            lines: vec![
                line(1_234_567, 0, "100,000.00 RUB by telegram_yookassa", [5, 0, 0]),
                line(1_234_568, 0, "100,000 bought", [100_005, 0, 0]),
                line(12_345_678, 3, "10 held", [99_995, 10, 0]),
            ],
            closing: running(99_995, 10, 0),
        };
        let wanted = "\
Statement of 00000000-0000-8000-8000-000000000002 (telegram:4503599627370495)
as of position 12,345,678, 2026-11-22 00:00:01 Moscow time

Time       Position What                             Available     Held     Debt
────────────────────────────────────────────────────────────────────────────────
Opening balance                                              5        0        0
2026-11-21
23:59:58  1,234,567 100,000.00 RUB by                        5        0        0
                    telegram_yookassa
23:59:58  1,234,568 100,000 bought                     100,005        0        0
2026-11-22
00:00:01 12,345,678 10 held                             99,995       10        0
────────────────────────────────────────────────────────────────────────────────
Closing balance                                         99,995       10        0
";
        let asked = Some("telegram:4503599627370495");
        assert_eq!(paper(&statement, asked, 1_795_294_801_000_000), wanted);
    }
}
