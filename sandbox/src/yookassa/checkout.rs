//! What happens on YooKassa's payment page, in the merchant's cabinet, and at Telegram's support.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{payments, refunds};
use crate::{pages, people::Refused, telegram, vendor::pairs, world::World};

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new().route("/checkout/{id}", get(page)).route("/checkout/{id}/{deed}", post(act))
}

async fn page(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let found = world.read(|state| state.yookassa.payment(&id).cloned());
    let found = found.ok_or_else(|| Refused::absent("there is no such payment"))?;
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cookie = said(header::COOKIE).split(';').find_map(|cookie| cookie.trim().strip_prefix("lang="));
    let language = cookie.unwrap_or_else(|| said(header::ACCEPT_LANGUAGE));
    Ok(pages::checkout(&pages::Shown {
        payment: &found.object,
        receipt: found.receipt.as_ref().unwrap_or(&Value::Null),
        return_url: found.return_url.as_deref(),
        russian: language.starts_with("ru"),
    }))
}

async fn act(
    State(world): State<Arc<World>>,
    Path((id, deed)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let details = details(&headers, &body);
    let text = |field: &str, default: &str| details[field].as_str().unwrap_or(default).to_owned();
    let (payment, refund, stars) = world.read(|state| {
        let yookassa = &state.yookassa;
        (
            yookassa.payment(&id).is_some(),
            yookassa.refund(&id).is_some(),
            state.telegram.charges.iter().any(|charge| charge.is_stars(&id)),
        )
    });
    if !payment && !refund && !stars {
        return Err(Refused::absent("there is no such payment or refund"));
    }
    let done = world.change(|state| match deed.as_str() {
        "refund" if stars => telegram::payments::give_back(&world, state, &id).map_err(str::to_owned),
        _ if stars => Err("Stars can only be refunded".to_owned()),
        "succeed" | "decline" if refund => refunds::finish(&world, state, &id, deed == "succeed"),
        "succeed" => payments::succeed(&world, state, &id, details["method"].as_str())
            .map(|paid| payments::backdate(state, &id, refunds::days_ago_ms(&details)).unwrap_or(paid)),
        "decline" => {
            let (party, reason) = (text("party", "payment_network"), text("reason", "general_decline"));
            payments::give_up(&world, state, &id, &party, &reason)
        }
        "expire" => payments::give_up(&world, state, &id, "yoo_money", "expired_on_confirmation"),
        "refund" => refunds::by_hand(&world, state, &id, &details),
        _ => Err(format!("`{deed}` is none of succeed, decline, expire, refund")),
    });
    let object = done.map_err(Refused::conflict)?;
    // A browser's form goes on to the page, a script has the object.
    if accepts.contains("text/html") {
        return Ok(Redirect::to(&format!("/checkout/{id}")).into_response());
    }
    Ok(Json(json!(object)).into_response())
}

/// A script's JSON or a browser's form.
fn details(headers: &HeaderMap, body: &[u8]) -> Value {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match serde_json::from_slice(body) {
        Ok(details) => details,
        Err(_) if kind.starts_with("application/x-www-form-urlencoded") => {
            pairs(&String::from_utf8_lossy(body))
                .into_iter()
                .map(|(name, value)| (name, json!(value)))
                .collect()
        }
        Err(_) => Value::Null,
    }
}
