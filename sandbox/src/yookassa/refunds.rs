//! Refunds: through the API, by hand in the cabinet, and those that take their time.

use serde_json::{Value, json};

use super::{
    error::ApiError,
    notify,
    payments::{Shop, new_id, own},
    receipts::{self, Of},
    state::Refund,
    validate::{self, money, of},
};
use crate::{
    calendar::rfc3339,
    world::{State, World},
};

/// YooKassa lists three years.
const DAYS_AGO_MAX: i64 = 3 * 365;

/// What a refund is made of.
struct Plan<'a> {
    payment_id: &'a str,
    total: i64,
    description: Option<&'a str>,
    metadata: Option<Value>,
    receipt: Option<Value>,
    /// `succeeded` unless a fault wants `pending` or `canceled`.
    status: &'a str,
    made_ms: i64,
}

/// Of a payment, what is neither refunded nor about to be.
fn left(state: &State, payment_id: &str) -> i64 {
    let total = state.yookassa.payment(payment_id).map_or(0, |payment| of(&payment.object["amount"]));
    let taken = state.yookassa.refunds_of(payment_id).filter(|refund| refund.object["status"] != "canceled");
    total - taken.map(|refund| of(&refund.object["amount"])).sum::<i64>()
}

pub(crate) fn create(
    world: &World,
    state: &mut State,
    shop: &Shop,
    body: &Value,
    status: Option<&str>,
) -> Result<Value, ApiError> {
    let (payment_id, total) = validate::refund(body)?;
    let left = left(state, &payment_id);
    let payment = own(state, shop, &payment_id)?;
    if payment.status() != "succeeded" {
        return Err(ApiError::invalid("payment_id", "Only a succeeded payment can be refunded"));
    }
    if total > left {
        return Err(ApiError::invalid("amount.value", "The refund is more than what is left of the payment"));
    }
    let partial = total < of(&payment.object["amount"]);
    if partial && payment.receipt.is_some() && body["receipt"].is_null() {
        return Err(ApiError::invalid("receipt", "A partial refund of a payment with a receipt needs one"));
    }
    // Of a whole refund YooKassa makes the receipt itself.
    let receipt =
        if body["receipt"].is_null() { payment.receipt.clone() } else { Some(body["receipt"].clone()) };
    let plan = Plan {
        payment_id: &payment_id,
        total,
        description: body["description"].as_str(),
        metadata: (!body["metadata"].is_null()).then(|| body["metadata"].clone()),
        receipt,
        status: status.unwrap_or("succeeded"),
        made_ms: world.date_ms(),
    };
    Ok(add(world, state, plan))
}

/// Keeps the refund; its amount was checked.
fn add(world: &World, state: &mut State, plan: Plan<'_>) -> Value {
    let shop =
        state.yookassa.payment(plan.payment_id).map_or_else(String::new, |payment| payment.shop.clone());
    let mut object = json!({
        "id": new_id(),
        "status": plan.status,
        "amount": money(plan.total),
        "created_at": rfc3339(plan.made_ms),
        "payment_id": plan.payment_id,
    });
    if let Some(description) = plan.description {
        object["description"] = json!(description);
    }
    if let Some(metadata) = plan.metadata {
        object["metadata"] = metadata;
    }
    if plan.status == "canceled" {
        object["cancellation_details"] = json!({"party": "refund_network", "reason": "rejected_by_payee"});
    }
    if plan.receipt.is_some() {
        object["receipt_registration"] = json!(plan.status);
    }
    let refund = Refund {
        shop,
        object: object.clone(),
        created_ms: plan.made_ms,
        succeeded_ms: None,
        receipt: plan.receipt,
    };
    state.yookassa.add_refund(refund);
    if plan.status == "succeeded" {
        given_back(world, state, &object);
    }
    object
}

/// The payment's own figures, and the notification: only success has one.
fn given_back(world: &World, state: &mut State, refund: &Value) {
    let payment_id = refund["payment_id"].as_str().unwrap_or_default();
    if let Some(kept) = state.yookassa.refund_mut(refund["id"].as_str().unwrap_or_default()) {
        kept.succeeded_ms = Some(world.date_ms());
        if let Some(receipt) = kept.receipt.clone() {
            let (shop, id) = (kept.shop.clone(), refund["id"].as_str());
            receipts::register(
                world,
                state,
                Of { shop: &shop, payment: Some(payment_id), refund: id },
                &receipt,
            );
        }
    }
    if let Some(payment) = state.yookassa.payment_mut(payment_id) {
        let refunded = of(&payment.object["refunded_amount"]) + of(&refund["amount"]);
        payment.object["refunded_amount"] = money(refunded);
        payment.object["refundable"] = json!(refunded < of(&payment.object["amount"]));
    }
    notify::enqueue(world, state, "refund.succeeded", refund);
}

/// How long ago the desk wants a thing to have happened: `days_ago`.
pub(crate) fn days_ago_ms(details: &Value) -> i64 {
    details["days_ago"].as_i64().unwrap_or(0).clamp(0, DAYS_AGO_MAX) * 24 * 3_600_000
}

/// A refund made by hand in the merchant's cabinet: all that is left or the `amount` of `details`; with `pending`
/// it takes its time; with `days_ago` it was made then.
pub(crate) fn by_hand(world: &World, state: &mut State, id: &str, details: &Value) -> Result<Value, String> {
    let payment = state.yookassa.payment(id).ok_or("there is no such payment")?;
    if payment.status() != "succeeded" {
        return Err(format!("the payment is {}, not succeeded", payment.status()));
    }
    let (left, whole) = (left(state, id), of(&payment.object["amount"]));
    let total = match details.get("amount") {
        None => left,
        Some(part) => {
            let full =
                if part.is_string() { json!({"value": part, "currency": "RUB"}) } else { part.clone() };
            validate::amount(&full, "amount").map_err(|error| error.description)?
        }
    };
    if total == 0 || total > left {
        return Err(format!("{} is left to refund", money(left)["value"].as_str().unwrap_or_default()));
    }
    // The cabinet asks its user which items go back; here it is one line of the first.
    let paid = state.yookassa.payment(id).and_then(|payment| payment.receipt.clone());
    let receipt = paid.map(|mut receipt| {
        if total != whole {
            let mut item = receipt["items"][0].clone();
            item["quantity"] = json!(1);
            item["amount"] = money(total);
            receipt["items"] = json!([item]);
        }
        receipt
    });
    let description = Some("Made in the merchant's cabinet");
    let status = if details["pending"] == true { "pending" } else { "succeeded" };
    let made_ms = world.date_ms() - days_ago_ms(details);
    let plan = Plan { payment_id: id, total, description, metadata: None, receipt, status, made_ms };
    Ok(add(world, state, plan))
}

/// A pending refund ends: it succeeds, or it is canceled.
pub(crate) fn finish(world: &World, state: &mut State, id: &str, succeeds: bool) -> Result<Value, String> {
    let refund = state.yookassa.refund_mut(id).ok_or("there is no such refund")?;
    if refund.object["status"] != "pending" {
        return Err(format!(
            "the refund is {} already",
            refund.object["status"].as_str().unwrap_or_default()
        ));
    }
    let status = if succeeds { "succeeded" } else { "canceled" };
    refund.object["status"] = json!(status);
    if refund.receipt.is_some() {
        refund.object["receipt_registration"] = json!(status);
    }
    if !succeeds {
        refund.object["cancellation_details"] =
            json!({"party": "refund_network", "reason": "rejected_by_payee"});
    }
    let object = refund.object.clone();
    if succeeds {
        given_back(world, state, &object);
    }
    Ok(object)
}

pub(crate) fn get(state: &State, shop: &Shop, id: &str) -> Result<Value, ApiError> {
    let found = state.yookassa.refund(id).filter(|refund| refund.shop == shop.id);
    found.map(|refund| refund.object.clone()).ok_or_else(|| ApiError::of_status(404))
}
