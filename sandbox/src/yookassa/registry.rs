//! The registry of a day: the file YooKassa mails every morning with what succeeded the day before,
//! by Moscow time. Its columns are in README.md.
//!
//! Payments and refunds are files of their own in CSV and sheets of one book in XLSX. A payment stands
//! in the file of the day it succeeded, with the time it was made, which may be the day before.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State as Shared},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use serde::Deserialize;
use serde_json::Value;

use super::validate::{money, of};
use crate::{
    calendar::{parse_rfc3339, rfc3339},
    people::Refused,
    world::{State, World},
};

const DAY_MS: i64 = 86_400_000;
const MOSCOW_MS: i64 = 3 * 3_600_000;
/// VAT on the fee, in per cent; the fee itself includes it.
const VAT_PERCENT: i64 = 22;

const PAYMENTS: [&str; 13] = [
    "Идентификатор платежа",
    "Сумма платежа",
    "Валюта платежа",
    "Сумма за вычетом комиссии и НДС",
    "Сумма комиссии без НДС",
    "Время платежа",
    "Идентификатор платежного средства",
    "Описание",
    "Тип платежа",
    "Имя плательщика",
    "Адрес плательщика",
    "ИНН плательщика",
    "НДС с комиссии",
];
const REFUNDS: [&str; 7] = [
    "Идентификатор возврата",
    "Идентификатор платежа",
    "Сумма возврата",
    "Валюта возврата",
    "Время возврата",
    "Описание",
    "Тип платежа",
];

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new().route("/registry", get(file))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    date: String,
    kind: Kind,
    format: Form,
    /// The only shop there is, unless one is named.
    shop: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Payments,
    Refunds,
    /// Both, as sheets of one book.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Csv,
    Xlsx,
}

async fn file(Shared(world): Shared<Arc<World>>, Query(wanted): Query<Wanted>) -> Result<Response, Refused> {
    let from = day(&wanted.date).ok_or_else(|| Refused::bad("`date` is a day as 2026-11-21"))?;
    let shop = wanted.shop.clone().unwrap_or_else(|| world.options.yookassa_shop_id.clone());
    let sheets = world.read(|state| {
        let payments = || payments(state, &shop, &wanted.date, from);
        let refunds = || refunds(state, &shop, &wanted.date, from);
        match wanted.kind {
            Kind::Payments => vec![payments()],
            Kind::Refunds => vec![refunds()],
            Kind::All => vec![payments(), refunds()],
        }
    });
    let (kind, bytes) = match (wanted.format, sheets.as_slice()) {
        (Form::Csv, [sheet]) => ("text/csv; charset=utf-8", sheet.csv().into_bytes()),
        (Form::Csv, _) => return Err(Refused::bad("CSV has payments or refunds, not both in one file")),
        (Form::Xlsx, sheets) => (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            book(sheets).map_err(|error| Refused::conflict(error.to_string()))?,
        ),
    };
    let name = match wanted.kind {
        Kind::Payments => "payments-",
        Kind::Refunds => "refunds-",
        Kind::All => "",
    };
    let suffix = if wanted.format == Form::Csv { "csv" } else { "xlsx" };
    let name = format!("attachment; filename=\"yoomoney-{name}{shop}-{}.{suffix}\"", wanted.date);
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, bytes).into_response())
}

/// The first millisecond of a Moscow day.
fn day(date: &str) -> Option<i64> {
    let from = parse_rfc3339(&format!("{date}T00:00:00+03:00"))?;
    // 2026-02-31 would be a day of March.
    rfc3339(from + MOSCOW_MS).starts_with(&format!("{date}T")).then_some(from)
}

/// `21.11.2026 12:37:07` by Moscow time.
fn moscow(ms: i64) -> String {
    let text = rfc3339(ms + MOSCOW_MS);
    format!("{}.{}.{} {}", &text[8..10], &text[5..7], &text[..4], &text[11..19])
}

enum Cell {
    Text(String),
    Sum(i64),
}

struct Sheet {
    name: &'static str,
    /// Whose registry it is, and of which day.
    top: [String; 2],
    columns: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
    totals: Vec<String>,
}

fn text(value: &Value) -> Cell {
    Cell::Text(value.as_str().unwrap_or_default().to_owned())
}

fn sum(kopecks: i64) -> String {
    money(kopecks)["value"].as_str().unwrap_or_default().to_owned()
}

/// YooKassa's own short codes; a kind without one stands as it is.
fn code(kind: &str) -> &str {
    match kind {
        "bank_card" => "AC",
        "yoo_money" => "PC",
        "sberbank" => "SB",
        "tinkoff_bank" => "TB",
        "sbp" => "SBP",
        other => other,
    }
}

fn payments(state: &State, shop: &str, date: &str, from: i64) -> Sheet {
    let (mut gross, mut net) = (0, 0);
    let mut rows = Vec::new();
    for payment in state.yookassa.payments.iter().filter(|payment| payment.shop == shop) {
        let Some(_) = payment.captured_ms.filter(|at| (from..from + DAY_MS).contains(at)) else { continue };
        let object = &payment.object;
        let (amount, income) = (of(&object["amount"]), of(&object["income_amount"]));
        let fee = amount - income;
        let bare = (fee * 100 + (100 + VAT_PERCENT) / 2) / (100 + VAT_PERCENT);
        gross += amount;
        net += income;
        rows.push(vec![
            text(&object["id"]),
            Cell::Sum(amount),
            text(&object["amount"]["currency"]),
            Cell::Sum(income),
            Cell::Sum(bare),
            Cell::Text(moscow(payment.created_ms)),
            text(&object["payment_method"]["id"]),
            text(&object["description"]),
            Cell::Text(code(object["payment_method"]["type"].as_str().unwrap_or_default()).to_owned()),
            Cell::Text(String::new()),
            Cell::Text(String::new()),
            Cell::Text(String::new()),
            Cell::Sum(fee - bare),
        ]);
    }
    Sheet {
        name: "Платежи",
        top: [
            format!("РЕЕСТР ПЛАТЕЖЕЙ ПО ДОГОВОРУ НЭК.000000.01 ({shop})"),
            format!("Дата платежей: {date}"),
        ],
        columns: &PAYMENTS,
        totals: vec![
            format!("Сумма принятых платежей: {} RUB", sum(gross)),
            format!("Сумма принятых платежей за вычетом комиссии и НДС: {} RUB", sum(net)),
            format!("Число платежей: {}", rows.len()),
        ],
        rows,
    }
}

fn refunds(state: &State, shop: &str, date: &str, from: i64) -> Sheet {
    let mut total = 0;
    let mut rows = Vec::new();
    for refund in state.yookassa.refunds.iter().filter(|refund| refund.shop == shop) {
        let Some(at) = refund.succeeded_ms.filter(|at| (from..from + DAY_MS).contains(at)) else { continue };
        let object = &refund.object;
        let paid = state.yookassa.payment(object["payment_id"].as_str().unwrap_or_default());
        let method = paid.and_then(|payment| payment.object["payment_method"]["type"].as_str());
        total += of(&object["amount"]);
        rows.push(vec![
            text(&object["id"]),
            text(&object["payment_id"]),
            Cell::Sum(of(&object["amount"])),
            text(&object["amount"]["currency"]),
            Cell::Text(moscow(at)),
            text(&object["description"]),
            Cell::Text(code(method.unwrap_or_default()).to_owned()),
        ]);
    }
    Sheet {
        name: "Возвраты",
        top: [
            format!("РЕЕСТР ВОЗВРАТОВ ПО ДОГОВОРУ НЭК.000000.01 ({shop})"),
            format!("Дата возвратов: {date}"),
        ],
        columns: &REFUNDS,
        totals: vec![
            format!("Сумма возвратов: {} RUB", sum(total)),
            format!("Число возвратов: {}", rows.len()),
        ],
        rows,
    }
}

impl Sheet {
    /// UTF-8 with its mark, semicolons, quotes where RFC 4180 wants them.
    fn csv(&self) -> String {
        let mut out = format!("\u{feff}{}\n{}\n{}\n", self.top[0], self.top[1], self.columns.join(";"));
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(quoted).collect();
            out.push_str(&cells.join(";"));
            out.push('\n');
        }
        out.push('\n');
        for line in &self.totals {
            out.push_str(line);
            out.push('\n');
        }
        out
    }
}

fn quoted(cell: &Cell) -> String {
    match cell {
        Cell::Sum(kopecks) => sum(*kopecks),
        Cell::Text(text) if text.contains([';', '"', '\n', '\r']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Cell::Text(text) => text.clone(),
    }
}

/// The same lines cell by cell; sums are numbers.
fn book(sheets: &[Sheet]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let (bold, sums) = (Format::new().set_bold(), Format::new().set_num_format("0.00"));
    for one in sheets {
        let sheet = book.add_worksheet().set_name(one.name)?;
        let mut line = 0_u32;
        for top in &one.top {
            sheet.write(line, 0, top)?;
            line += 1;
        }
        for (column, name) in (0_u16..).zip(one.columns) {
            sheet.write_with_format(line, column, *name, &bold)?;
            sheet.set_column_width(column, 22)?;
        }
        for row in &one.rows {
            line += 1;
            for (column, cell) in (0_u16..).zip(row) {
                match cell {
                    Cell::Text(text) => sheet.write(line, column, text)?,
                    Cell::Sum(kopecks) => {
                        sheet.write_with_format(line, column, *kopecks as f64 / 100.0, &sums)?
                    }
                };
            }
        }
        line += 1;
        for total in &one.totals {
            line += 1;
            sheet.write(line, 0, total)?;
        }
    }
    book.save_to_buffer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moscow_day_begins_three_hours_before_greenwichs() {
        assert_eq!(day("2026-11-21").map(rfc3339).as_deref(), Some("2026-11-20T21:00:00.000Z"));
        assert_eq!(moscow(day("2026-11-21").unwrap()), "21.11.2026 00:00:00");
        for bad in ["", "2026-02-31", "2026-11-21T00:00:00Z", "21.11.2026", "today"] {
            assert_eq!(day(bad), None, "{bad}");
        }
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let text = |text: &str| quoted(&Cell::Text(text.to_owned()));
        assert_eq!(text("100 кредитов"), "100 кредитов");
        assert_eq!(text("a;\"b\""), "\"a;\"\"b\"\"\"");
        assert_eq!(quoted(&Cell::Sum(9_905)), "99.05");
    }
}
