//! The test desk: faults, arrivals, books, settings, the clock, health.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    calendar::rfc3339,
    clock::wall_ms,
    faults::Plan,
    people::{Refused, Said},
    vendor::Vendor,
    world::{Settings, World},
};

const ARRIVALS_DEFAULT: usize = 20_000;

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/health", get(|| async { "ok" }))
        .route("/ready", get(|| async { "ready" }))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", axum::routing::delete(remove_fault))
        .route("/arrivals", get(arrivals))
        .route("/books", get(books))
        .route("/settings", get(settings).put(set_settings))
        .route("/clock", get(clock).post(push_clock))
}

#[derive(Debug, Deserialize)]
struct OfVendor {
    vendor: Option<Vendor>,
}

async fn faults(State(world): State<Arc<World>>) -> Json<Value> {
    Json(json!({"faults": world.faults.list()}))
}

async fn add_fault(State(world): State<Arc<World>>, Said(plan): Said<Plan>) -> Result<Response, Refused> {
    let fault = world.faults.add(plan).map_err(|error| Refused::bad(error.to_string()))?;
    Ok((StatusCode::CREATED, Json(fault)).into_response())
}

async fn clear_faults(State(world): State<Arc<World>>, Query(of): Query<OfVendor>) -> Json<Value> {
    world.faults.clear(of.vendor);
    Json(json!({"faults": world.faults.list()}))
}

async fn remove_fault(State(world): State<Arc<World>>, Path(id): Path<u64>) -> Result<Json<Value>, Refused> {
    if !world.faults.remove(id) {
        return Err(Refused::absent("there is no such fault"));
    }
    Ok(Json(json!({"faults": world.faults.list()})))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    vendor: Option<Vendor>,
    call: Option<String>,
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

async fn arrivals(State(world): State<Arc<World>>, Query(wanted): Query<Wanted>) -> Json<Value> {
    let limit = wanted.limit.unwrap_or(ARRIVALS_DEFAULT);
    let (last, found) = world.arrivals.list(wanted.vendor, wanted.call.as_deref(), wanted.after, limit);
    Json(json!({"arrivals": found, "last": last}))
}

async fn books(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.read(|state| {
        json!({
            "telegram": crate::telegram::books(&state.telegram),
            "yookassa": crate::yookassa::books(&state.yookassa),
            "gemini": state.gemini,
        })
    }))
}

async fn settings(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.read(|state| json!(state.settings)))
}

/// Fields that are left out keep their value.
async fn set_settings(
    State(world): State<Arc<World>>,
    Said(new): Said<Value>,
) -> Result<Json<Value>, Refused> {
    world.change(|state| {
        let mut whole = json!(state.settings);
        crate::reply::merge_patch(&mut whole, &new);
        let settings: Settings =
            serde_json::from_value(whole).map_err(|error| Refused::bad(error.to_string()))?;
        if let Some(url) = &settings.yookassa_notify_url {
            reqwest::Url::parse(url)
                .map_err(|error| Refused::bad(format!("yookassa_notify_url: {error}")))?;
        }
        state.settings = settings.clone();
        Ok(Json(json!(settings)))
    })
}

async fn clock(State(world): State<Arc<World>>) -> Json<Value> {
    Json(shown(&world))
}

fn shown(world: &World) -> Value {
    json!({"now": rfc3339(wall_ms()), "clock": rfc3339(world.clock.now_ms()), "speed": world.options.clock_speed})
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    advance_ms: i64,
}

/// Deadlines, redelivery and expiry move by this much; what is shown as a date only when dates follow the clock.
async fn push_clock(State(world): State<Arc<World>>, Said(push): Said<Push>) -> Result<Json<Value>, Refused> {
    if !(0..=366 * 86_400_000).contains(&push.advance_ms) {
        return Err(Refused::bad("advance_ms is between 0 and a year"));
    }
    world.clock.push(push.advance_ms);
    // Deliveries and expiries look again.
    world.change(|_| ());
    Ok(Json(shown(&world)))
}
