//! Payments and refunds: made, read, listed, captured, canceled.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    error::ApiError,
    notify,
    state::{Payment, Refund},
    validate::{self, money, of},
};
use crate::{
    calendar::rfc3339,
    clock::wall_ms,
    world::{State, World},
};

/// A payment nobody pays is given up after an hour, a hold after two.
pub(crate) const PENDING_MS: i64 = 3_600_000;
const HOLD_MS: i64 = 2 * 3_600_000;
/// YooKassa's fee of 3.5 %, for `income_amount`.
const FEE_PER_MILLE: i64 = 35;

pub(crate) struct Shop {
    pub(crate) id: String,
    pub(crate) test: bool,
}

/// Ids look like YooKassa's.
fn new_id() -> String {
    let id = Uuid::new_v4().simple().to_string();
    format!("{}-{}-5000-{}-{}", &id[..8], &id[8..12], &id[16..20], &id[20..32])
}

pub(crate) fn create(world: &World, state: &mut State, shop: &Shop, body: &Value) -> Result<Value, ApiError> {
    let total = validate::payment(body)?;
    let id = new_id();
    let now = wall_ms();
    let mut object = json!({
        "id": id,
        "status": "pending",
        "amount": money(total),
        "created_at": rfc3339(now),
        "paid": false,
        "test": shop.test,
        "refundable": false,
        "recipient": {"account_id": shop.id, "gateway_id": "2000000"},
        "metadata": if body["metadata"].is_null() { json!({}) } else { body["metadata"].clone() },
        "confirmation": confirmation(world, body, &id),
    });
    for field in ["description", "merchant_customer_id"] {
        if !body[field].is_null() {
            object[field] = body[field].clone();
        }
    }
    if let Some(method) = body["payment_method_data"]["type"].as_str() {
        object["payment_method"] = json!({"type": method, "id": id, "saved": false});
    }
    let payment = Payment {
        shop: shop.id.clone(),
        object: object.clone(),
        created_ms: now,
        captured_ms: None,
        capture: body["capture"] == true,
        return_url: body["confirmation"]["return_url"].as_str().map(str::to_owned),
        has_receipt: !body["receipt"].is_null(),
        deadline_ms: world.clock.now_ms() + PENDING_MS,
    };
    state.yookassa.payments.push(payment);
    Ok(object)
}

fn confirmation(world: &World, body: &Value, id: &str) -> Value {
    let page = format!("{}/checkout/{id}", world.base_url);
    match body["confirmation"]["type"].as_str() {
        Some("embedded") => json!({"type": "embedded", "confirmation_token": format!("ct-{id}")}),
        Some("qr") => json!({"type": "qr", "confirmation_data": page}),
        Some("external") => json!({"type": "external"}),
        Some("mobile_application") => json!({"type": "mobile_application", "confirmation_url": page}),
        _ => json!({"type": "redirect", "confirmation_url": page}),
    }
}

fn own<'a>(state: &'a mut State, shop: &Shop, id: &str) -> Result<&'a mut Payment, ApiError> {
    let found = state.yookassa.payment_mut(id).filter(|payment| payment.shop == shop.id);
    found.ok_or_else(|| ApiError {
        parameter: Some("payment_id".to_owned()),
        ..ApiError::new(404, "not_found", "Incorrect payment_id. Payment doesn't exist or access denied")
    })
}

pub(crate) fn get(state: &mut State, shop: &Shop, id: &str) -> Result<Value, ApiError> {
    own(state, shop, id).map(|payment| payment.object.clone())
}

/// The payer has paid. `Err` says why not.
pub(crate) fn succeed(world: &World, state: &mut State, id: &str) -> Result<Value, String> {
    let payment = pending(state, id)?;
    if payment.object["payment_method"].is_null() {
        payment.object["payment_method"] = json!({"type": "bank_card", "id": id, "saved": false});
    }
    if payment.object["payment_method"]["type"] == "bank_card" {
        payment.object["payment_method"]["title"] = json!("Bank card *4477");
        payment.object["payment_method"]["card"] = json!({
            "first6": "555555", "last4": "4477", "expiry_year": "2030", "expiry_month": "12",
            "card_type": "MasterCard", "issuer_country": "RU",
        });
    }
    payment.object["paid"] = json!(true);
    if let Some(fields) = payment.object.as_object_mut() {
        fields.remove("confirmation");
    }
    if payment.capture {
        return Ok(settle(world, state, id));
    }
    payment.object["status"] = json!("waiting_for_capture");
    payment.object["expires_at"] = json!(rfc3339(wall_ms() + HOLD_MS));
    payment.deadline_ms = world.clock.now_ms() + HOLD_MS;
    let object = payment.object.clone();
    notify::enqueue(world, state, "payment.waiting_for_capture", &object);
    Ok(object)
}

fn pending<'a>(state: &'a mut State, id: &str) -> Result<&'a mut Payment, String> {
    let payment = state.yookassa.payment_mut(id).ok_or("there is no such payment")?;
    if payment.status() != "pending" {
        return Err(format!("the payment is {} already", payment.status()));
    }
    Ok(payment)
}

/// Money is taken.
fn settle(world: &World, state: &mut State, id: &str) -> Value {
    let Some(payment) = state.yookassa.payment_mut(id) else { return Value::Null };
    let total = of(&payment.object["amount"]);
    let object = &mut payment.object;
    object["status"] = json!("succeeded");
    object["paid"] = json!(true);
    object["refundable"] = json!(true);
    object["captured_at"] = json!(rfc3339(wall_ms()));
    object["income_amount"] = money(total - (total * FEE_PER_MILLE + 500) / 1000);
    object["refunded_amount"] = money(0);
    if payment.has_receipt {
        object["receipt_registration"] = json!("succeeded");
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("expires_at");
    }
    let object = object.clone();
    payment.captured_ms = Some(wall_ms());
    notify::enqueue(world, state, "payment.succeeded", &object);
    object
}

/// The payment is given up, for a party's reason.
pub(crate) fn give_up(
    world: &World,
    state: &mut State,
    id: &str,
    party: &str,
    reason: &str,
) -> Result<Value, String> {
    let payment = state.yookassa.payment_mut(id).ok_or("there is no such payment")?;
    if !matches!(payment.status(), "pending" | "waiting_for_capture") {
        return Err(format!("the payment is {} already", payment.status()));
    }
    let object = &mut payment.object;
    object["status"] = json!("canceled");
    object["paid"] = json!(false);
    object["cancellation_details"] = json!({"party": party, "reason": reason});
    if let Some(fields) = object.as_object_mut() {
        fields.remove("confirmation");
        fields.remove("expires_at");
    }
    let object = object.clone();
    notify::enqueue(world, state, "payment.canceled", &object);
    Ok(object)
}

pub(crate) fn cancel(world: &World, state: &mut State, shop: &Shop, id: &str) -> Result<Value, ApiError> {
    let status = own(state, shop, id)?.status().to_owned();
    if status != "waiting_for_capture" {
        return Err(ApiError::invalid(
            "payment_id",
            &format!("A payment that is {status} can't be canceled"),
        ));
    }
    give_up(world, state, id, "merchant", "canceled_by_merchant")
        .map_err(|why| ApiError::invalid("payment_id", &why))
}

pub(crate) fn capture(
    world: &World,
    state: &mut State,
    shop: &Shop,
    id: &str,
    body: &Value,
) -> Result<Value, ApiError> {
    let payment = own(state, shop, id)?;
    if payment.status() != "waiting_for_capture" {
        let why = format!("A payment that is {} can't be captured", payment.status());
        return Err(ApiError::invalid("payment_id", &why));
    }
    if !body["amount"].is_null() {
        let part = validate::amount(&body["amount"], "amount")?;
        if part > of(&payment.object["amount"]) {
            return Err(ApiError::invalid("amount.value", "More than was held"));
        }
        payment.object["amount"] = money(part);
    }
    Ok(settle(world, state, id))
}

pub(crate) fn create_refund(
    world: &World,
    state: &mut State,
    shop: &Shop,
    body: &Value,
) -> Result<Value, ApiError> {
    let (id, total) = validate::refund(body)?;
    let payment = own(state, shop, &id)?;
    let left = of(&payment.object["amount"]) - of(&payment.object["refunded_amount"]);
    if payment.status() != "succeeded" {
        return Err(ApiError::invalid("payment_id", "Only a succeeded payment can be refunded"));
    }
    if total > left {
        return Err(ApiError::invalid("amount.value", "The refund is more than what is left of the payment"));
    }
    let partial = total < of(&payment.object["amount"]);
    if partial && payment.has_receipt && body["receipt"].is_null() {
        return Err(ApiError::invalid("receipt", "A partial refund of a payment with a receipt needs one"));
    }
    let description = body["description"].as_str();
    let metadata = (!body["metadata"].is_null()).then(|| body["metadata"].clone());
    Ok(refund(world, state, &id, total, description, metadata))
}

/// Gives money back; the amount was checked.
fn refund(
    world: &World,
    state: &mut State,
    payment_id: &str,
    total: i64,
    description: Option<&str>,
    metadata: Option<Value>,
) -> Value {
    let Some(payment) = state.yookassa.payment_mut(payment_id) else { return Value::Null };
    let refunded = of(&payment.object["refunded_amount"]) + total;
    payment.object["refunded_amount"] = money(refunded);
    payment.object["refundable"] = json!(refunded < of(&payment.object["amount"]));
    let shop = payment.shop.clone();
    let mut object = json!({
        "id": new_id(),
        "status": "succeeded",
        "amount": money(total),
        "created_at": rfc3339(wall_ms()),
        "payment_id": payment_id,
    });
    if let Some(description) = description {
        object["description"] = json!(description);
    }
    if let Some(metadata) = metadata {
        object["metadata"] = metadata;
    }
    state.yookassa.refunds.push(Refund { shop, object: object.clone(), created_ms: wall_ms() });
    notify::enqueue(world, state, "refund.succeeded", &object);
    object
}

/// A refund made by hand in the merchant's cabinet: all that is left, or `part`.
pub(crate) fn cabinet_refund(
    world: &World,
    state: &mut State,
    id: &str,
    part: Option<&Value>,
) -> Result<Value, String> {
    let payment = state.yookassa.payment(id).ok_or("there is no such payment")?;
    if payment.status() != "succeeded" {
        return Err(format!("the payment is {}, not succeeded", payment.status()));
    }
    let left = of(&payment.object["amount"]) - of(&payment.object["refunded_amount"]);
    let total = match part {
        None => left,
        Some(part) => {
            let full =
                if part.is_string() { json!({"value": part, "currency": "RUB"}) } else { part.clone() };
            validate::amount(&full, "amount").map_err(|error| error.description)?
        }
    };
    if total == 0 || total > left {
        return Err(format!("{} is left to refund", left as f64 / 100.0));
    }
    Ok(refund(world, state, id, total, Some("Made in the merchant's cabinet"), None))
}

pub(crate) fn get_refund(state: &State, shop: &Shop, id: &str) -> Result<Value, ApiError> {
    let found =
        state.yookassa.refunds.iter().find(|refund| refund.shop == shop.id && refund.object["id"] == id);
    found.map(|refund| refund.object.clone()).ok_or_else(|| ApiError::of_status(404))
}
