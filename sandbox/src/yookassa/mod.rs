//! The stand-in for api.yookassa.ru: `/yookassa/v3`.

pub(crate) mod checkout;
mod error;
pub(crate) mod expiry;
mod index;
mod list;
pub(crate) mod notify;
mod payments;
mod receipt_rules;
mod receipts;
mod refunds;
pub(crate) mod registry;
pub(crate) mod state;
pub(crate) mod telegram;
pub(crate) mod validate;

use std::sync::Arc;

use axum::http::Method;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use self::{error::ApiError, payments::Shop, state::Remembered};
use crate::{
    blobs::sha256_hex,
    faults::Effect,
    reply::Reply,
    vendor::{Call, StandIn, Vendor},
    world::{State, World},
};

/// Keys are remembered for a day; the same key later makes a new object.
const KEY_KEPT_MS: i64 = 24 * 3_600_000;
const KEY_CHARS_MAX: usize = 64;

pub(crate) struct YooKassaStandIn;

/// The call and the id in its path.
fn route(call: &Call) -> (&'static str, String) {
    let path = call.uri.path().strip_prefix("/yookassa/v3/").unwrap_or_default();
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let id = parts.get(1).map_or_else(String::new, |id| (*id).to_owned());
    let name = match (&call.method, parts.as_slice()) {
        (&Method::POST, ["payments"]) => "create_payment",
        (&Method::GET, ["payments"]) => "list_payments",
        (&Method::GET, ["payments", _]) => "get_payment",
        (&Method::POST, ["payments", _, "cancel"]) => "cancel_payment",
        (&Method::POST, ["payments", _, "capture"]) => "capture_payment",
        (&Method::POST, ["refunds"]) => "create_refund",
        (&Method::GET, ["refunds"]) => "list_refunds",
        (&Method::GET, ["refunds", _]) => "get_refund",
        (&Method::POST, ["receipts"]) => "create_receipt",
        (&Method::GET, ["receipts"]) => "list_receipts",
        (&Method::GET, ["receipts", _]) => "get_receipt",
        (&Method::GET, ["me"]) => "me",
        (_, ["payments" | "refunds" | "receipts" | "me", ..]) => "wrong_method",
        _ => "unknown",
    };
    (name, id)
}

impl StandIn for YooKassaStandIn {
    const VENDOR: Vendor = Vendor::YooKassa;
    const BODY_BYTES_MAX: usize = 1024 * 1024;

    fn name(call: &Call) -> String {
        route(call).0.to_owned()
    }

    async fn answer(world: Arc<World>, call: Call, effect: Effect) -> Reply {
        match run(&world, &call, &effect) {
            Ok(object) => Reply::json(200, &object),
            Err(error) => error.reply(),
        }
    }

    fn error(effect: &Effect, status: u16) -> Reply {
        let mut error = ApiError::of_status(status);
        if let Some(code) = &effect.code {
            error.code.clone_from(code);
        }
        if let Some(description) = &effect.description {
            error.description.clone_from(description);
        }
        error.retry_after_ms = effect.retry_after.map(|seconds| (seconds * 1000.0) as u64);
        error.reply()
    }
}

fn run(world: &World, call: &Call, effect: &Effect) -> Result<Value, ApiError> {
    let shop = shop(world, call)?;
    match route(call).0 {
        "wrong_method" => Err(ApiError::of_status(405)),
        "unknown" => Err(ApiError::of_status(404)),
        _ if call.method == Method::POST => world.change(|state| keyed(world, state, &shop, call, effect)),
        _ => world.read(|state| look(world, state, &shop, call, effect)),
    }
}

/// GETs change nothing, so nobody is woken by them.
fn look(world: &World, state: &State, shop: &Shop, call: &Call, effect: &Effect) -> Result<Value, ApiError> {
    let (name, id) = route(call);
    let newest =
        (effect.behind_ms > 0).then(|| world.date_ms() - i64::try_from(effect.behind_ms).unwrap_or(i64::MAX));
    match name {
        "get_payment" => payments::get(state, shop, &id),
        "list_payments" => list::payments(state, shop, call, newest),
        "get_refund" => refunds::get(state, shop, &id),
        "list_refunds" => list::refunds(state, shop, call, newest),
        "get_receipt" => receipts::get(state, shop, &id),
        "list_receipts" => list::receipts(state, shop, call, newest),
        _ => Ok(json!({
            "account_id": shop.id,
            "status": "enabled",
            "test": shop.test,
            "fiscalization_enabled": true,
            "payment_methods": ["bank_card", "yoo_money", "sberbank", "tinkoff_bank", "sbp"],
        })),
    }
}

/// Basic auth: any shop, but a shop keeps the key it first came with.
fn shop(world: &World, call: &Call) -> Result<Shop, ApiError> {
    let refused = || ApiError { parameter: Some("Authorization".to_owned()), ..ApiError::of_status(401) };
    let header = call.header("authorization").ok_or_else(refused)?;
    let encoded = header.strip_prefix("Basic ").ok_or_else(refused)?;
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or_else(refused)?;
    let (id, key) = decoded.split_once(':').ok_or_else(refused)?;
    if id.is_empty() || key.is_empty() {
        return Err(refused());
    }
    let known = world.read(|state| state.yookassa.shops.get(id).map(|first| first == key));
    let fits = known.unwrap_or_else(|| {
        world.change(|state| {
            state.yookassa.shops.entry(id.to_owned()).or_insert_with(|| key.to_owned()) == key
        })
    });
    if !fits {
        return Err(refused());
    }
    Ok(Shop { id: id.to_owned(), test: key.starts_with("test_") })
}

/// POSTs: once per Idempotence-Key.
fn keyed(
    world: &World,
    state: &mut State,
    shop: &Shop,
    call: &Call,
    effect: &Effect,
) -> Result<Value, ApiError> {
    let (name, id) = route(call);
    let key = call.header("idempotence-key").unwrap_or_default().to_owned();
    if key.is_empty() {
        return Err(ApiError::invalid("Idempotence-Key", "Idempotence key is missing"));
    }
    if key.chars().count() > KEY_CHARS_MAX {
        return Err(ApiError::invalid("Idempotence-Key", "Idempotence key is longer than 64 characters"));
    }
    let body = body(call)?;
    let now = world.clock.now_ms();
    state.yookassa.forget_keys(now - KEY_KEPT_MS);
    let slot = format!("{} {key}", shop.id);
    // The same key means the same request: where it goes and what it says.
    let body_sha256 = sha256_hex(format!("{} {body}", call.uri.path()).as_bytes());
    if let Some(first) = state.yookassa.remembered.get(&slot) {
        if first.body_sha256 == body_sha256 {
            return Ok(first.answer.clone());
        }
        return Err(ApiError::invalid(
            "Idempotence-Key",
            "Idempotence key duplicated: the request differs from the first",
        ));
    }
    let answer = match name {
        "create_payment" => payments::create(world, state, shop, &body),
        "capture_payment" => payments::capture(world, state, shop, &id, &body),
        "cancel_payment" => payments::cancel(world, state, shop, &id),
        "create_receipt" => receipts::create(world, state, shop, &body),
        _ => refunds::create(world, state, shop, &body, effect.refund_status.as_deref()),
    }?;
    state.yookassa.remember(slot, Remembered { body_sha256, answer: answer.clone(), at_ms: now });
    Ok(answer)
}

fn body(call: &Call) -> Result<Value, ApiError> {
    if call.body.is_empty() {
        return Ok(json!({}));
    }
    let kind = call.header("content-type").unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/json") {
        return Err(ApiError::of_status(415));
    }
    let value: Value = serde_json::from_slice(&call.body)
        .map_err(|_| ApiError::new(400, "invalid_request", "The request's body is not JSON"))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(ApiError::new(400, "invalid_request", "A JSON object is expected"))
    }
}

/// YooKassa's own books.
pub(crate) fn books(yookassa: &state::YooKassa) -> Value {
    let payments: Vec<&Value> = yookassa.payments.iter().map(|payment| &payment.object).collect();
    let refunds: Vec<&Value> = yookassa.refunds.iter().map(|refund| &refund.object).collect();
    let waiting: Vec<Value> = yookassa
        .notifications
        .iter()
        .map(|one| {
            json!({
                "event": one.event,
                "object_id": one.object_id,
                "attempts": one.attempts,
                "status": one.last_status,
                "outcome": "waiting",
            })
        })
        .collect();
    let notifications: Vec<Value> = yookassa.settled.iter().cloned().chain(waiting).collect();
    let receipts: Vec<Value> = yookassa
        .receipts
        .iter()
        .map(|receipt| {
            let mut shown = receipt.object.clone();
            shown["customer"] = receipt.customer.clone();
            shown
        })
        .collect();
    json!({"payments": payments, "refunds": refunds, "receipts": receipts, "notifications": notifications})
}
