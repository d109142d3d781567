//! The stand-in for generativelanguage.googleapis.com: `/gemini/v1beta/models/…`.

mod answer;
pub(crate) mod books;
mod contents;
mod error;
mod generate;
pub(crate) mod limits;
mod long;
mod make;
mod metadata;
mod models;
mod paint;
mod predict;
mod render;
mod request;
mod signature;
pub(crate) mod studio;

use std::sync::Arc;

use axum::http::Method;

use self::error::ApiError;
use crate::{
    faults::Effect,
    reply::Reply,
    vendor::{Call, StandIn, Vendor},
    world::World,
};

/// Calls that make something.
const GENERATING: [&str; 3] = ["generateContent", "streamGenerateContent", "predict"];

pub(crate) struct GeminiStandIn;

/// The call's name and the model in the path.
fn route(call: &Call) -> (&'static str, String) {
    let path = call.uri.path().replace("%3A", ":").replace("%3a", ":");
    let Some(rest) = path.strip_prefix("/gemini/v1beta/models") else { return ("unknown", String::new()) };
    let rest = rest.trim_start_matches('/');
    let (model, verb) = rest.split_once(':').unwrap_or((rest, ""));
    let name = match (&call.method, model, verb) {
        (&Method::GET, "", "") => "listModels",
        (&Method::GET, _, "") => "getModel",
        (&Method::POST, _, "generateContent") => "generateContent",
        (&Method::POST, _, "streamGenerateContent") => "streamGenerateContent",
        (&Method::POST, _, "predict") => "predict",
        _ => "unknown",
    };
    (name, model.to_owned())
}

impl StandIn for GeminiStandIn {
    const VENDOR: Vendor = Vendor::Gemini;
    // Google takes requests up to 100 MB with inline data.
    const BODY_BYTES_MAX: usize = 100 * 1024 * 1024;

    fn name(call: &Call) -> String {
        route(call).0.to_owned()
    }

    async fn answer(world: Arc<World>, call: Call, effect: Effect) -> Reply {
        run(&world, &call, &effect).await.unwrap_or_else(|error| error.reply())
    }

    fn error(effect: &Effect, status: u16) -> Reply {
        let reply = ApiError::of_effect(effect, status).reply();
        match effect.retry_after {
            Some(seconds) => reply.header("retry-after", format!("{}", seconds.ceil())),
            None => reply,
        }
    }

    fn refused(world: &World, call: &Call, status: u16) {
        let (method, model) = route(call);
        if GENERATING.contains(&method) {
            note_refused(world, call, method, &model, status);
        }
    }
}

/// A call that was refused before anything was made is in the books too.
fn note_refused(world: &World, call: &Call, method: &str, model: &str, status: u16) {
    let asked = models::find(model).and_then(|model| request::read(&call.body, &model).ok());
    let prompt = asked.map_or_else(String::new, |asked| asked.prompt);
    let key = call.header("x-goog-api-key").unwrap_or_default();
    let refused = books::Call::begun(&books::new_id(), method, model, key).refused(prompt, status);
    world.change(|state| state.gemini.add(refused));
}

fn key(call: &Call) -> Result<String, ApiError> {
    let key = call.header("x-goog-api-key").filter(|key| !key.is_empty()).ok_or_else(ApiError::no_key)?;
    if key.to_ascii_lowercase().starts_with("invalid") {
        return Err(ApiError::bad_key());
    }
    Ok(key.to_owned())
}

async fn run(world: &Arc<World>, call: &Call, effect: &Effect) -> Result<Reply, ApiError> {
    let key = key(call)?;
    let (name, asked) = route(call);
    match name {
        "listModels" => return models::list(&call.query()).map(|list| Reply::json(200, &list)),
        "unknown" => return Err(ApiError::new(404, "NOT_FOUND", "Requested entity was not found.")),
        "getModel" if predict::is_known(&asked) => {
            return Ok(Reply::json(200, &models::shown_predict(&asked)));
        }
        "predict" if predict::is_known(&asked) => {
            within_quota(world, call, name, &key, &asked)?;
            return predict::run(world, &asked, &key, &call.body, effect).await;
        }
        _ => {}
    }
    let model = models::find(&asked).filter(|_| name != "predict").ok_or_else(|| {
        ApiError::new(
            404,
            "NOT_FOUND",
            format!(
                "models/{asked} is not found for API version v1beta, or is not supported for {name}. Call ListModels to \
                 see the list of available models and their supported methods."
            ),
        )
    })?;
    if name == "getModel" {
        return Ok(Reply::json(200, &models::shown(&model)));
    }
    let stream = name == "streamGenerateContent";
    if stream && !call.query().iter().any(|(name, value)| name == "alt" && value == "sse") {
        return Err(ApiError::invalid("The sandbox streams with alt=sse only."));
    }
    within_quota(world, call, name, &key, &asked)?;
    generate::run(world, &model, &key, &call.body, effect, stream).await
}

/// Counts the call, or refuses it and says so in the books.
fn within_quota(world: &World, call: &Call, method: &str, key: &str, model: &str) -> Result<(), ApiError> {
    let limits = world.read(|state| state.settings.gemini_limits);
    let now = (world.clock.now_ms(), world.clock.speed());
    world.quotas.take(key, model, limits, now).inspect_err(|error| {
        note_refused(world, call, method, model, error.code);
    })
}
