//! A workbook: what it is, the trial balance, revenue by day, and all postings, on as many sheets as
//! they need. Cells are typed, first rows stand still.
//!
//! Rows of postings go to a temporary file as they come, so that memory stays small. A spreadsheet's
//! numbers are doubles: exact here, since amounts have at most 15 digits.

use std::io::{Seek, Write};

use anyhow::Context as _;
use ledger_domain::Asset;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet, XlsxError};
use sqlx::PgPool;

use super::super::progress::Progress;
use super::Range;
use super::csv::revenue_days;
use super::output::Output;
use crate::books::moscow::{DAY_US, Day, OFFSET_US, rfc3339};
use crate::books::trial_balance::{Books, trial_balance};
use crate::books::words::currency_of;
use crate::books::{BooksError, postings, revenue, statement};

/// Rows a sheet can hold, without its head.
const ROWS_MAX: u32 = 1_048_575;
/// Days from the beginning of Excel's calendar to 1970-01-01.
const EPOCH: f64 = 25_569.0;

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Books(#[from] BooksError),
    #[error("the workbook can't be written")]
    Sheet(#[from] XlsxError),
}

struct Forms {
    head: Format,
    units: Format,
    rubles: Format,
    time: Format,
    day: Format,
    bold: Format,
}

impl Forms {
    fn new() -> Self {
        Self {
            head: Format::new().set_bold().set_background_color("E7E6E6"),
            units: Format::new().set_num_format("#,##0"),
            rubles: Format::new().set_num_format("#,##0.00"),
            time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            bold: Format::new().set_bold(),
        }
    }

    fn of(&self, asset: Asset) -> &Format {
        if asset == Asset::Rub { &self.rubles } else { &self.units }
    }
}

pub async fn write(
    pool: &PgPool,
    range: Range,
    output: &mut Output,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let file = output.seekable().context("a workbook needs a file")?;
    let mut book = Workbook::new();
    let forms = Forms::new();
    about(book.add_worksheet(), range, &forms)?;
    let books = trial_balance(pool, range.to.position).await?;
    sums(book.add_worksheet(), &books, &forms)?;
    days(book.add_worksheet(), &revenue_days(pool, range).await?, &forms)?;
    lines(pool, range, &mut book, &forms, progress).await?;
    save(&mut book, file)
}

fn save(book: &mut Workbook, file: &mut (impl Write + Seek + Send)) -> anyhow::Result<()> {
    book.save_to_writer(file).context("the workbook can't be written")
}

/// A number in units of its asset.
#[allow(clippy::cast_precision_loss, reason = "below 10^15: exact")]
fn units(minor: i64, asset: Asset) -> f64 {
    if asset == Asset::Rub { minor as f64 / 100.0 } else { minor as f64 }
}

#[allow(clippy::cast_precision_loss, reason = "days and µs of this age are exact to far below a second")]
fn moment(us: i64) -> Result<ExcelDateTime, XlsxError> {
    ExcelDateTime::from_serial_datetime(EPOCH + (us + OFFSET_US) as f64 / DAY_US as f64)
}

fn head(sheet: &mut Worksheet, forms: &Forms, names: &[(&str, f64)]) -> Result<(), XlsxError> {
    for (column, (name, width)) in (0u16..).zip(names) {
        sheet.set_column_width(column, *width)?;
        sheet.write_with_format(0, column, *name, &forms.head)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

fn about(sheet: &mut Worksheet, range: Range, forms: &Forms) -> Result<(), XlsxError> {
    sheet.set_name("About")?;
    sheet.set_column_width(0, 24)?;
    sheet.set_column_width(1, 60)?;
    sheet.write_with_format(0, 0, "Plantain: the ledger's books", &forms.bold)?;
    let rows = [
        ("From position", range.from.to_string()),
        ("Through position", range.to.position.to_string()),
        ("Recorded until", rfc3339(range.to.recorded_at)),
        ("Times and days", "Moscow".to_owned()),
        ("Trial balance", "all events through the last position".to_owned()),
        ("Revenue", "whole days; paid, earned and paid back".to_owned()),
        ("Postings", "each event's lines; debit and credit of an event are equal per asset".to_owned()),
    ];
    for (row, (name, value)) in (2u32..).zip(rows) {
        sheet.write(row, 0, name)?;
        sheet.write(row, 1, value)?;
    }
    Ok(())
}

fn sums(sheet: &mut Worksheet, books: &Books, forms: &Forms) -> Result<(), XlsxError> {
    sheet.set_name("Trial balance")?;
    head(
        sheet,
        forms,
        &[("Asset", 10.0), ("Book", 30.0), ("Debit", 20.0), ("Credit", 20.0), ("Balance", 20.0)],
    )?;
    let mut row = 1;
    for asset in [Asset::Credit, Asset::Rub, Asset::Xtr] {
        let (first, form) = (row, forms.of(asset));
        for line in books.lines().filter(|l| l.asset == asset) {
            sheet.write(row, 0, asset.code())?;
            sheet.write(row, 1, line.account)?;
            for (column, n) in [(2, line.debit), (3, line.credit), (4, line.balance())] {
                sheet.write_with_format(row, column, units(n, asset), form)?;
            }
            row += 1;
        }
        if row == first {
            continue;
        }
        let of = |get: fn(&crate::books::trial_balance::Line<'_>) -> i64| -> i64 {
            books.lines().filter(|l| l.asset == asset).map(|l| get(&l)).sum()
        };
        sheet.write_with_format(row, 1, "Sum", &forms.bold)?;
        let totals = [('C', of(|l| l.debit)), ('D', of(|l| l.credit)), ('E', of(|l| l.balance()))];
        for (column, (letter, n)) in (2u16..).zip(totals) {
            let sum = Formula::new(format!("=SUM({letter}{}:{letter}{row})", first + 1));
            let sum = sum.set_result(units(n, asset).to_string());
            sheet.write_formula_with_format(row, column, sum, form)?;
        }
        row += 2;
    }
    Ok(())
}

fn days(sheet: &mut Worksheet, lines: &[revenue::DayLine], forms: &Forms) -> Result<(), XlsxError> {
    sheet.set_name("Revenue")?;
    let names = ["Paid", "Fees", "Recognised", "Breakage", "Refunded", "Restored", "Paid back"];
    let columns: Vec<(&str, f64)> = [("Day", 12.0), ("Currency", 10.0), ("Origin", 20.0)]
        .into_iter()
        .chain(names.into_iter().map(|name| (name, 14.0)))
        .collect();
    head(sheet, forms, &columns)?;
    for (row, line) in (1u32..).zip(lines) {
        let asset = Asset::from(currency_of(&line.currency));
        let day = moment(Day(line.day_number).start_us())?;
        sheet.write_datetime_with_format(row, 0, day, &forms.day)?;
        sheet.write(row, 1, line.currency.as_str())?;
        sheet.write(row, 2, line.origin.as_str())?;
        let amounts = [
            line.paid,
            line.fees,
            line.recognised,
            line.breakage,
            line.refunded,
            line.restored,
            line.paid_back,
        ];
        for (column, n) in (3u16..).zip(amounts) {
            sheet.write_with_format(row, column, units(n, asset), forms.of(asset))?;
        }
    }
    Ok(())
}

const LINES: [(&str, f64); 9] = [
    ("Position", 12.0),
    ("Time (Moscow)", 20.0),
    ("Event", 24.0),
    ("Account", 38.0),
    ("Book", 26.0),
    ("Asset", 9.0),
    ("Debit", 16.0),
    ("Credit", 16.0),
    ("What", 40.0),
];

async fn lines(
    pool: &PgPool,
    range: Range,
    book: &mut Workbook,
    forms: &Forms,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let (mut number, mut row) = (1, 0);
    let mut sheet = begin(book, number, forms)?;
    postings::each(pool, range.from, range.to.position, |event_row, event| {
        progress.at(event_row.position - range.from + 1, range.to.position - range.from + 1);
        let (time, what) = (moment(event_row.recorded_at)?, statement::what(event));
        for posting in ledger_domain::postings(event) {
            if row == ROWS_MAX {
                (number, row) = (number + 1, 0);
                let next = begin(book, number, forms)?;
                sheet = next;
            }
            row += 1;
            let sheet = book.worksheet_from_index(sheet)?;
            let (asset, column) = (posting.asset, if posting.amount > 0 { 6 } else { 7 });
            sheet.write_with_format(row, 0, units(event_row.position, Asset::Credit), &forms.units)?;
            sheet.write_datetime_with_format(row, 1, &time, &forms.time)?;
            sheet.write_string(row, 2, event_row.event_type.as_str())?;
            sheet.write_string(row, 3, event_row.account_id.to_string())?;
            sheet.write_string(row, 4, posting.account)?;
            sheet.write_string(row, 5, asset.code())?;
            sheet.write_with_format(row, column, units(posting.amount.abs(), asset), forms.of(asset))?;
            sheet.write_string(row, 8, what.as_str())?;
        }
        Ok::<_, Trouble>(())
    })
    .await?;
    Ok(())
}

/// A sheet of postings; its number among the book's.
fn begin(book: &mut Workbook, number: u32, forms: &Forms) -> Result<usize, XlsxError> {
    let sheet = book.add_worksheet_with_constant_memory()?;
    sheet.set_name(if number == 1 { "Postings".to_owned() } else { format!("Postings {number}") })?;
    head(sheet, forms, &LINES)?;
    Ok(book.worksheets().len() - 1)
}
