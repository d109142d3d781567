//! Payments: made, read, paid, captured, given up.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    error::ApiError,
    notify, receipt_rules,
    receipts::{self, Of},
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

/// What a payment is made of, checked.
#[derive(Default)]
pub(crate) struct Making<'a> {
    pub(crate) total: i64,
    pub(crate) description: Option<Value>,
    pub(crate) merchant_customer_id: Option<Value>,
    pub(crate) metadata: Option<Value>,
    pub(crate) method: Option<&'a str>,
    pub(crate) receipt: Option<Value>,
    pub(crate) capture: bool,
    pub(crate) return_url: Option<&'a str>,
}

pub(crate) fn create(world: &World, state: &mut State, shop: &Shop, body: &Value) -> Result<Value, ApiError> {
    let said = |field: &str| Some(body[field].clone()).filter(|value| !value.is_null());
    let making = Making {
        total: validate::payment(body)?,
        description: said("description"),
        merchant_customer_id: said("merchant_customer_id"),
        metadata: said("metadata"),
        method: body["payment_method_data"]["type"].as_str(),
        receipt: said("receipt"),
        capture: body["capture"] == true,
        return_url: body["confirmation"]["return_url"].as_str(),
    };
    let id = make(world, state, shop, making);
    let payment = own(state, shop, &id)?;
    payment.object["confirmation"] = confirmation(world, body, &id);
    Ok(payment.object.clone())
}

/// Keeps a pending payment; its id.
pub(crate) fn make(world: &World, state: &mut State, shop: &Shop, making: Making<'_>) -> String {
    let id = new_id();
    let now = world.date_ms();
    let mut object = json!({
        "id": id,
        "status": "pending",
        "amount": money(making.total),
        "created_at": rfc3339(now),
        "paid": false,
        "test": shop.test,
        "refundable": false,
        "recipient": {"account_id": shop.id, "gateway_id": "2000000"},
        "metadata": making.metadata.unwrap_or_else(|| json!({})),
    });
    for (field, value) in
        [("description", making.description), ("merchant_customer_id", making.merchant_customer_id)]
    {
        if let Some(value) = value {
            object[field] = value;
        }
    }
    if let Some(method) = making.method {
        object["payment_method"] = json!({"type": method, "id": id, "saved": false});
    }
    if making.receipt.is_some() {
        object["receipt_registration"] = json!("pending");
    }
    state.yookassa.add_payment(Payment {
        shop: shop.id.clone(),
        object,
        created_ms: now,
        captured_ms: None,
        capture: making.capture,
        return_url: making.return_url.map(str::to_owned),
        receipt: making.receipt,
        deadline_ms: world.clock.now_ms() + PENDING_MS,
    });
    id
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
    found.ok_or_else(absent)
}

fn absent() -> ApiError {
    ApiError {
        parameter: Some("payment_id".to_owned()),
        ..ApiError::new(404, "not_found", "Incorrect payment_id. Payment doesn't exist or access denied")
    }
}

pub(crate) fn get(state: &State, shop: &Shop, id: &str) -> Result<Value, ApiError> {
    let found = state.yookassa.payment(id).filter(|payment| payment.shop == shop.id);
    found.map(|payment| payment.object.clone()).ok_or_else(absent)
}

/// The payer has paid, by the method they chose if the shop did not. `Err` says why not.
pub(crate) fn succeed(
    world: &World,
    state: &mut State,
    id: &str,
    chosen: Option<&str>,
) -> Result<Value, String> {
    let payment = pending(state, id)?;
    if payment.object["payment_method"].is_null() {
        let method = chosen.unwrap_or("bank_card");
        if !validate::METHODS.contains(&method) {
            return Err(format!("`{method}` is none of {}", validate::METHODS.join(", ")));
        }
        payment.object["payment_method"] = json!({"type": method, "id": id, "saved": false});
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
    let object = payment.object.clone();
    state.yookassa.ends_at(id, world.clock.now_ms() + HOLD_MS);
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
    if payment.receipt.is_some() {
        object["receipt_registration"] = json!("succeeded");
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("expires_at");
    }
    let object = object.clone();
    payment.captured_ms = Some(world.date_ms());
    if let Some(receipt) = payment.receipt.clone() {
        let shop = payment.shop.clone();
        receipts::register(world, state, Of { shop: &shop, payment: Some(id), refund: None }, &receipt);
    }
    notify::enqueue(world, state, "payment.succeeded", &object);
    object
}

/// The money was taken so long before; `None` if it was not taken.
pub(crate) fn backdate(state: &mut State, id: &str, ms: i64) -> Option<Value> {
    let payment = state.yookassa.payment_mut(id)?;
    let captured_ms = payment.captured_ms? - ms;
    payment.captured_ms = Some(captured_ms);
    payment.object["captured_at"] = json!(rfc3339(captured_ms));
    Some(payment.object.clone())
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
    if !payment.is_open() {
        return Err(format!("the payment is {} already", payment.status()));
    }
    let object = &mut payment.object;
    object["status"] = json!("canceled");
    object["paid"] = json!(false);
    object["cancellation_details"] = json!({"party": party, "reason": reason});
    if payment.receipt.is_some() {
        object["receipt_registration"] = json!("canceled");
    }
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
        let whole = of(&payment.object["amount"]);
        if part != whole && payment.receipt.is_some() {
            receipt_rules::check(&body["receipt"], part)?;
            payment.receipt = Some(body["receipt"].clone());
        }
        payment.object["amount"] = money(part);
    }
    Ok(settle(world, state, id))
}
