//! Lists of payments, refunds and receipts: filters, newest first, pages by cursor.

use serde_json::{Value, json};

use super::{error::ApiError, payments::Shop};
use crate::{calendar::parse_rfc3339, vendor::Call, world::State};

const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 100;

struct Row<'a> {
    object: &'a Value,
    created_ms: i64,
    captured_ms: Option<i64>,
}

pub(crate) fn payments(state: &State, shop: &Shop, call: &Call, from: Newest) -> Result<Value, ApiError> {
    let rows = state.yookassa.payments.iter().filter(|payment| payment.shop == shop.id).map(|payment| Row {
        object: &payment.object,
        created_ms: payment.created_ms,
        captured_ms: payment.captured_ms,
    });
    page(rows, call, from, &["status", "payment_method", "captured_at"])
}

pub(crate) fn refunds(state: &State, shop: &Shop, call: &Call, from: Newest) -> Result<Value, ApiError> {
    let rows = state.yookassa.refunds.iter().filter(|refund| refund.shop == shop.id).map(|refund| Row {
        object: &refund.object,
        created_ms: refund.created_ms,
        captured_ms: None,
    });
    page(rows, call, from, &["status", "payment_id"])
}

pub(crate) fn receipts(state: &State, shop: &Shop, call: &Call, from: Newest) -> Result<Value, ApiError> {
    let rows = state.yookassa.receipts.iter().filter(|receipt| receipt.shop == shop.id).map(|receipt| Row {
        object: &receipt.object,
        created_ms: receipt.created_ms,
        captured_ms: None,
    });
    page(rows, call, from, &["status", "payment_id", "refund_id"])
}

/// The newest row a list shows, in milliseconds of dates; later ones are there but not listed yet.
pub(crate) type Newest = Option<i64>;

/// Rows come oldest first. The cursor is the id of the last row shown: rows made while paging don't
/// shift the pages, nor do rows that leave a filter meanwhile.
fn page<'a>(
    rows: impl Iterator<Item = Row<'a>>,
    call: &Call,
    newest: Newest,
    filters: &[&str],
) -> Result<Value, ApiError> {
    let mut rows: Vec<Row<'_>> =
        rows.filter(|row| newest.is_none_or(|newest| row.created_ms <= newest)).collect();
    rows.reverse();
    let (query, mut limit) = (call.query(), LIMIT_DEFAULT);
    if let Some((_, id)) = query.iter().find(|(name, _)| name == "cursor") {
        let at = rows.iter().position(|row| row.object["id"] == id.as_str());
        rows.drain(..=at.ok_or_else(|| ApiError::invalid("cursor", "Incorrect cursor"))?);
    }
    for (name, value) in query.iter().filter(|(name, _)| name != "cursor") {
        let wrong = |why: &str| ApiError::invalid(name, why);
        let known = |field: &str| filters.contains(&field);
        match name.split_once('.') {
            None if name == "limit" => {
                let given = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                limit = given.ok_or_else(|| wrong("1 to 100 is expected"))?;
            }
            None if name == "payment_method" && known(name) => {
                rows.retain(|row| row.object["payment_method"]["type"] == value.as_str());
            }
            None if known(name) => rows.retain(|row| row.object[name.as_str()] == value.as_str()),
            Some((field, bound)) if field == "created_at" || field == "captured_at" && known(field) => {
                let at = parse_rfc3339(value).ok_or_else(|| wrong("An ISO 8601 date-time is expected"))?;
                let keeps: fn(&i64, &i64) -> bool = match bound {
                    "gte" => i64::ge,
                    "gt" => i64::gt,
                    "lte" => i64::le,
                    "lt" => i64::lt,
                    _ => return Err(wrong("Unknown filter")),
                };
                rows.retain(|row| {
                    let ms = if field == "created_at" { Some(row.created_ms) } else { row.captured_ms };
                    ms.is_some_and(|ms| keeps(&ms, &at))
                });
            }
            _ => return Err(wrong("Unknown filter")),
        }
    }
    let items: Vec<&Value> = rows.iter().take(limit).map(|row| row.object).collect();
    let mut answer = json!({"type": "list", "items": items});
    if let Some(last) = items.last().filter(|_| rows.len() > items.len()) {
        answer["next_cursor"] = last["id"].clone();
    }
    Ok(answer)
}
