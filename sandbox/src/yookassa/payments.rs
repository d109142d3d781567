//! Payments: made, read, paid, captured, given up.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    error::ApiError,
    notify,
    state::Payment,
    validate::{self, money, of},
};
use crate::{
    calendar::rfc3339,
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
pub(crate) fn new_id() -> String {
    let id = Uuid::new_v4().simple().to_string();
    format!("{}-{}-5000-{}-{}", &id[..8], &id[8..12], &id[16..20], &id[20..32])
}

pub(crate) fn create(world: &World, state: &mut State, shop: &Shop, body: &Value) -> Result<Value, ApiError> {
    let total = validate::payment(body)?;
    let id = new_id();
    let now = world.date_ms();
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

pub(crate) fn own<'a>(state: &'a mut State, shop: &Shop, id: &str) -> Result<&'a mut Payment, ApiError> {
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
    payment.object["expires_at"] = json!(rfc3339(world.date_ms() + HOLD_MS));
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
    object["captured_at"] = json!(rfc3339(world.date_ms()));
    object["income_amount"] = money(total - (total * FEE_PER_MILLE + 500) / 1000);
    object["refunded_amount"] = money(0);
    if payment.has_receipt {
        object["receipt_registration"] = json!("succeeded");
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("expires_at");
    }
    let object = object.clone();
    payment.captured_ms = Some(world.date_ms());
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
