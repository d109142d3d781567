//! Lists of payments and refunds: filters, newest first, pages by cursor.

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

pub(crate) fn payments(state: &State, shop: &Shop, call: &Call) -> Result<Value, ApiError> {
    let rows = state.yookassa.payments.iter().filter(|payment| payment.shop == shop.id).map(|payment| Row {
        object: &payment.object,
        created_ms: payment.created_ms,
        captured_ms: payment.captured_ms,
    });
    page(rows.collect(), call)
}

pub(crate) fn refunds(state: &State, shop: &Shop, call: &Call) -> Result<Value, ApiError> {
    let rows = state.yookassa.refunds.iter().filter(|refund| refund.shop == shop.id).map(|refund| Row {
        object: &refund.object,
        created_ms: refund.created_ms,
        captured_ms: None,
    });
    page(rows.collect(), call)
}

/// Rows come oldest first. The cursor is the id of the last row shown, so that rows made while
/// paging don't shift the pages.
fn page(mut rows: Vec<Row<'_>>, call: &Call) -> Result<Value, ApiError> {
    let mut limit = LIMIT_DEFAULT;
    let mut cursor = None;
    for (name, value) in call.query() {
        let wrong = |why: &str| ApiError::invalid(&name, why);
        match name.as_str() {
            "limit" => {
                let given = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                limit = given.ok_or_else(|| wrong("1 to 100 is expected"))?;
            }
            "cursor" => cursor = Some(value),
            "status" => rows.retain(|row| row.object["status"] == value.as_str()),
            "payment_method" => rows.retain(|row| row.object["payment_method"]["type"] == value.as_str()),
            "payment_id" => rows.retain(|row| row.object["payment_id"] == value.as_str()),
            _ => match name.split_once('.') {
                Some((field @ ("created_at" | "captured_at"), bound)) => {
                    let at =
                        parse_rfc3339(&value).ok_or_else(|| wrong("An ISO 8601 date-time is expected"))?;
                    let keeps = |ms: i64| match bound {
                        "gte" => Ok(ms >= at),
                        "gt" => Ok(ms > at),
                        "lte" => Ok(ms <= at),
                        "lt" => Ok(ms < at),
                        _ => Err(()),
                    };
                    keeps(0).map_err(|()| wrong("Unknown filter"))?;
                    rows.retain(|row| {
                        let ms = if field == "created_at" { Some(row.created_ms) } else { row.captured_ms };
                        ms.is_some_and(|ms| keeps(ms) == Ok(true))
                    });
                }
                _ => return Err(wrong("Unknown filter")),
            },
        }
    }
    rows.reverse();
    let start = match &cursor {
        None => 0,
        Some(id) => {
            let at = rows.iter().position(|row| row.object["id"] == id.as_str());
            at.ok_or_else(|| ApiError::invalid("cursor", "Incorrect cursor"))? + 1
        }
    };
    let items: Vec<&Value> = rows.iter().skip(start).take(limit).map(|row| row.object).collect();
    let more = rows.len() > start + items.len();
    let mut answer = json!({"type": "list", "items": items});
    if let Some(last) = items.last().filter(|_| more) {
        answer["next_cursor"] = last["id"].clone();
    }
    Ok(answer)
}
