//! Fiscal receipts: those that come with payments and refunds, and those a shop sends by itself.
//! The register takes each at once.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    error::ApiError,
    payments::{Shop, own},
    receipt_rules,
    state::Receipt,
    validate::of,
};
use crate::{
    calendar::rfc3339,
    world::{State, World},
};

/// What a receipt is of: the payment, and the refund when money went back.
#[derive(Clone, Copy)]
pub(crate) struct Of<'a> {
    pub(crate) shop: &'a str,
    pub(crate) payment: Option<&'a str>,
    pub(crate) refund: Option<&'a str>,
}

/// Puts a checked receipt into the books.
pub(crate) fn register(world: &World, state: &mut State, whose: Of<'_>, receipt: &Value) -> Value {
    let now = world.date_ms();
    let number = state.yookassa.receipts.len() + 1;
    let items: Vec<Value> = receipt["items"].as_array().into_iter().flatten().map(shown).collect();
    let total: i64 = receipt["items"].as_array().into_iter().flatten().map(item_total).sum();
    let settled = json!([{"type": "cashless", "amount": super::validate::money(total)}]);
    let mut object = json!({
        "id": format!("rt-{}", Uuid::new_v4()),
        "type": if whose.refund.is_some() { "refund" } else { "payment" },
        "status": "succeeded",
        "fiscal_document_number": format!("{number}"),
        "fiscal_storage_number": "9288000100115785",
        "fiscal_attribute": format!("{}", 2_000_000_000 + number),
        "registered_at": rfc3339(now),
        "fiscal_provider_id": Uuid::new_v4().to_string(),
        "items": items,
        "settlements": if receipt["settlements"].is_array() { receipt["settlements"].clone() } else { settled },
    });
    for (field, id) in [("payment_id", whose.payment), ("refund_id", whose.refund)] {
        if let Some(id) = id {
            object[field] = json!(id);
        }
    }
    if !receipt["tax_system_code"].is_null() {
        object["tax_system_code"] = receipt["tax_system_code"].clone();
    }
    let kept = Receipt {
        shop: whose.shop.to_owned(),
        object: object.clone(),
        customer: receipt["customer"].clone(),
        created_ms: now,
    };
    state.yookassa.receipts.push(kept);
    object
}

/// Quantities are numbers in answers, whatever the shop sent.
fn shown(item: &Value) -> Value {
    let mut item = item.clone();
    if let Some(text) = item["quantity"].as_str() {
        item["quantity"] = text.parse::<f64>().map_or(Value::Null, Value::from);
    }
    item
}

fn item_total(item: &Value) -> i64 {
    (of(&item["amount"]) * receipt_rules::quantity(&item["quantity"]).unwrap_or(0) + 500) / 1000
}

pub(crate) fn create(world: &World, state: &mut State, shop: &Shop, body: &Value) -> Result<Value, ApiError> {
    receipt_rules::check_own(body)?;
    let (payment, refund) = match body["type"].as_str() {
        Some("payment") => (Some(named(body, "payment_id")?), None),
        Some("refund") if body["refund_id"].is_null() => (Some(named(body, "payment_id")?), None),
        Some("refund") => (None, Some(named(body, "refund_id")?)),
        _ => return Err(ApiError::invalid("type", "payment or refund is expected")),
    };
    if let Some(payment) = payment {
        own(state, shop, payment)?;
    }
    let of_shop = |id| state.yookassa.refund(id).is_some_and(|refund| refund.shop == shop.id);
    if refund.is_some_and(|id| !of_shop(id)) {
        return Err(ApiError::invalid("refund_id", "There is no such refund"));
    }
    let mut object = register(world, state, Of { shop: &shop.id, payment, refund }, body);
    object["type"] = body["type"].clone();
    if let Some(kept) = state.yookassa.receipts.last_mut() {
        kept.object = object.clone();
    }
    Ok(object)
}

fn named<'a>(body: &'a Value, field: &str) -> Result<&'a str, ApiError> {
    body[field].as_str().ok_or_else(|| ApiError::invalid(field, "The id is missing"))
}

pub(crate) fn get(state: &State, shop: &Shop, id: &str) -> Result<Value, ApiError> {
    let mut all = state.yookassa.receipts.iter();
    let found = all.find(|receipt| receipt.shop == shop.id && receipt.object["id"] == id);
    found.map(|receipt| receipt.object.clone()).ok_or_else(|| ApiError::of_status(404))
}
