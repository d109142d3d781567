//! CSV: RFC 4180, UTF-8, times in Moscow as RFC 3339, amounts in units with a point.
//!
//! A text that a spreadsheet would take for a formula gets an apostrophe in front; numbers are ours
//! and are left alone.

use std::io::{self, Write};

use ledger_domain::Asset;
use proto_events::AccountId;
use sqlx::PgPool;

use super::super::progress::Progress;
use super::Range;
use crate::books::moscow::{Day, rfc3339};
use crate::books::words::{currency_of, plain_amount};
use crate::books::{BooksError, postings as stream, revenue, statement, trial_balance};

/// Rows on their way to a file.
pub struct Sheet<'o> {
    out: &'o mut (dyn Write + Send),
    line: String,
}

/// One cell.
pub enum Cell<'c> {
    /// Words of others: guarded.
    Text(&'c str),
    /// Ours: a number, a time, an id.
    Plain(&'c str),
    Number(i64),
    Empty,
}

impl<'o> Sheet<'o> {
    pub fn new(out: &'o mut (dyn Write + Send), bom: bool) -> io::Result<Self> {
        if bom {
            out.write_all("\u{feff}".as_bytes())?;
        }
        Ok(Self { out, line: String::new() })
    }

    pub fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.line.clear();
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.line.push(',');
            }
            match cell {
                Cell::Text(text) => quote(&mut self.line, &guarded(text)),
                Cell::Plain(text) => quote(&mut self.line, text),
                Cell::Number(n) => self.line.push_str(&n.to_string()),
                Cell::Empty => {}
            }
        }
        self.line.push_str("\r\n");
        self.out.write_all(self.line.as_bytes())
    }

    fn head(&mut self, names: &[&str]) -> io::Result<()> {
        let cells: Vec<Cell<'_>> = names.iter().map(|name| Cell::Plain(name)).collect();
        self.row(&cells)
    }
}

/// A text no spreadsheet takes for a formula.
fn guarded(text: &str) -> std::borrow::Cow<'_, str> {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        true => format!("'{text}").into(),
        false => text.into(),
    }
}

fn quote(line: &mut String, text: &str) {
    if !text.contains([',', '"', '\r', '\n']) {
        return line.push_str(text);
    }
    line.push('"');
    line.push_str(&text.replace('"', "\"\""));
    line.push('"');
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Books(#[from] BooksError),
    #[error("the output can't be written")]
    Output(#[from] io::Error),
}

pub async fn postings(
    pool: &PgPool,
    range: Range,
    sheet: &mut Sheet<'_>,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    use Cell::{Number, Plain, Text};
    sheet.head(&["position", "time", "event", "account_id", "book", "asset", "debit", "credit", "what"])?;
    stream::each(pool, range.from, range.to.position, |row, event| {
        progress.at(row.position - range.from + 1, range.to.position - range.from + 1);
        let (time, account) = (rfc3339(row.recorded_at), row.account_id.to_string());
        let what = statement::what(event);
        for posting in ledger_domain::postings(event) {
            let shown = plain_amount(posting.amount.abs(), posting.asset);
            let (debit, credit) =
                if posting.amount > 0 { (shown.as_str(), "") } else { ("", shown.as_str()) };
            sheet.row(&[
                Number(row.position),
                Plain(&time),
                Text(&row.event_type),
                Plain(&account),
                Text(&posting.account),
                Plain(posting.asset.code()),
                Plain(debit),
                Plain(credit),
                Text(&what),
            ])?;
        }
        Ok::<_, Trouble>(())
    })
    .await?;
    Ok(())
}

pub async fn events(
    pool: &PgPool,
    range: Range,
    sheet: &mut Sheet<'_>,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    use Cell::{Empty, Number, Plain, Text};
    sheet.head(&[
        "position",
        "time",
        "event",
        "account_id",
        "version",
        "available",
        "reserved",
        "debt",
        "producer",
        "command_id",
        "actor",
        "causation",
        "payload",
    ])?;
    stream::each(pool, range.from, range.to.position, |row, _| {
        progress.at(row.position - range.from + 1, range.to.position - range.from + 1);
        sheet.row(&[
            Number(row.position),
            Plain(&rfc3339(row.recorded_at)),
            Text(&row.event_type),
            Plain(&row.account_id.to_string()),
            Number(row.version),
            Number(row.available_delta),
            Number(row.reserved_delta),
            Number(row.debt_delta),
            Text(&row.producer),
            Text(&row.command_id),
            Text(&row.actor),
            row.causation.map_or(Empty, Number),
            Text(&row.payload),
        ])?;
        Ok::<_, Trouble>(())
    })
    .await?;
    Ok(())
}

pub async fn trial_balance(pool: &PgPool, range: Range, sheet: &mut Sheet<'_>) -> anyhow::Result<()> {
    use Cell::{Plain, Text};
    let books = trial_balance::trial_balance(pool, range.to.position).await?;
    sheet.head(&["asset", "book", "debit", "credit", "balance"])?;
    for line in books.lines() {
        let shown = |n: i64| plain_amount(n, line.asset);
        sheet.row(&[
            Plain(line.asset.code()),
            Text(line.account),
            Plain(&shown(line.debit)),
            Plain(&shown(line.credit)),
            Plain(&shown(line.balance())),
        ])?;
    }
    Ok(())
}

pub async fn revenue(pool: &PgPool, range: Range, sheet: &mut Sheet<'_>) -> anyhow::Result<()> {
    use Cell::{Plain, Text};
    sheet.head(&[
        "day",
        "currency",
        "origin",
        "paid",
        "fees",
        "recognised",
        "breakage",
        "refunded",
        "restored",
        "paid_back",
    ])?;
    for line in revenue_days(pool, range).await? {
        let asset = Asset::from(currency_of(&line.currency));
        let shown = |n: i64| plain_amount(n, asset);
        sheet.row(&[
            Plain(&line.day),
            Plain(&line.currency),
            Text(&line.origin),
            Plain(&shown(line.paid)),
            Plain(&shown(line.fees)),
            Plain(&shown(line.recognised)),
            Plain(&shown(line.breakage)),
            Plain(&shown(line.refunded)),
            Plain(&shown(line.restored)),
            Plain(&shown(line.paid_back)),
        ])?;
    }
    Ok(())
}

/// The whole days that the range touches.
pub async fn revenue_days(pool: &PgPool, range: Range) -> anyhow::Result<Vec<revenue::DayLine>> {
    let first: Option<i64> = sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = $1")
        .bind(range.from)
        .fetch_optional(pool)
        .await?;
    let Some(first) = first.filter(|_| range.from <= range.to.position) else { return Ok(Vec::new()) };
    let (_, lines) = revenue::by_day(pool, Day::of(first), Day::of(range.to.recorded_at)).await?;
    Ok(lines)
}

pub async fn statement(
    pool: &PgPool,
    account: AccountId,
    range: Range,
    sheet: &mut Sheet<'_>,
) -> anyhow::Result<()> {
    use Cell::{Empty, Number, Plain, Text};
    let statement = statement::statement(pool, account, range.from, range.to.position).await?;
    sheet.head(&[
        "position",
        "time",
        "event",
        "what",
        "available_change",
        "held_change",
        "debt_change",
        "available",
        "held",
        "debt",
        "money",
        "currency",
        "actor",
    ])?;
    for line in &statement.lines {
        let money = line.money_minor.zip(line.currency);
        let money = money.map(|(minor, code)| plain_amount(minor, Asset::from(currency_of(code))));
        sheet.row(&[
            Number(line.position),
            Plain(&rfc3339(line.recorded_at)),
            Text(&line.r#type),
            Text(&line.what),
            Number(line.available_delta),
            Number(line.reserved_delta),
            Number(line.debt_delta),
            Number(line.after.available),
            Number(line.after.reserved),
            Number(line.after.debt),
            money.as_deref().map_or(Empty, Plain),
            line.currency.map_or(Empty, Plain),
            Text(&line.actor),
        ])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bom: bool, cells: &[Cell<'_>]) -> String {
        let mut out: Vec<u8> = Vec::new();
        Sheet::new(&mut out, bom).unwrap().row(cells).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_cell_is_quoted_when_it_must_be() {
        let row =
            written(false, &[Cell::Text("a"), Cell::Text("b,c"), Cell::Text("say \"no\"\n"), Cell::Empty]);
        assert_eq!(row, "a,\"b,c\",\"say \"\"no\"\"\n\",\r\n");
        assert!(written(true, &[Cell::Number(-1)]).starts_with('\u{feff}'));
    }

    #[test]
    fn no_text_of_others_becomes_a_formula_and_no_number_of_ours_is_touched() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"] {
            assert!(written(false, &[Cell::Text(bad)]).trim_matches('"').starts_with('\''), "{bad:?}");
        }
        assert_eq!(written(false, &[Cell::Number(-5), Cell::Plain("-0.05")]), "-5,-0.05\r\n");
    }
}
