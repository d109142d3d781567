//! The legacy Imagen call, `:predict`: one prompt, some pictures, no usage figures.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{books, error::ApiError, long::Longs, make};
use crate::{
    calendar::rfc3339,
    clock::wall_ms,
    faults::{Effect, Format},
    reply::Reply,
    world::World,
};

pub(crate) const MODELS: [&str; 3] =
    ["imagen-4.0-generate-001", "imagen-4.0-fast-generate-001", "imagen-4.0-ultra-generate-001"];

const SAMPLES_MAX: u64 = 4;
/// Micro-dollars a picture.
const PRICE_MICRO_USD: i64 = 40_000;
const RATIOS: [(&str, (u32, u32)); 5] = [
    ("1:1", (1024, 1024)),
    ("3:4", (896, 1280)),
    ("4:3", (1280, 896)),
    ("9:16", (768, 1408)),
    ("16:9", (1408, 768)),
];

pub(crate) fn is_known(model: &str) -> bool {
    MODELS.contains(&model)
}

struct Asked {
    prompt: String,
    count: u64,
    pixels: (u32, u32),
    format: Format,
}

fn read(body: &Bytes) -> Result<Asked, ApiError> {
    let asked: Value = serde_json::from_slice(body).map_err(|error| {
        ApiError::invalid(format!("Invalid JSON payload received. Unable to parse: {error}"))
    })?;
    let prompt = asked["instances"][0]["prompt"].as_str().filter(|prompt| !prompt.is_empty());
    let prompt = prompt.ok_or_else(|| ApiError::invalid("Prompt is required."))?.to_owned();
    let parameters = &asked["parameters"];
    let count = parameters["sampleCount"].as_u64().unwrap_or(1);
    if !(1..=SAMPLES_MAX).contains(&count) {
        return Err(ApiError::invalid("sampleCount must be between 1 and 4."));
    }
    let ratio = parameters["aspectRatio"].as_str().unwrap_or("1:1");
    let pixels = RATIOS.into_iter().find(|(name, _)| *name == ratio).map(|(_, pixels)| pixels);
    let pixels = pixels.ok_or_else(|| ApiError::invalid(format!("aspectRatio {ratio} is not supported.")))?;
    let mime = parameters["outputOptions"]["mimeType"].as_str().unwrap_or("image/png");
    let format = Format::of_mime(mime)
        .ok_or_else(|| ApiError::invalid(format!("Output MIME type {mime} is not supported.")))?;
    Ok(Asked { prompt, count, pixels, format })
}

pub(crate) async fn run(
    world: &Arc<World>,
    model: &str,
    key: &str,
    body: &Bytes,
    effect: &Effect,
) -> Result<Reply, ApiError> {
    let asked = read(body)?;
    let id = books::new_id();
    let latency = world.change(|state| {
        state.gemini.add(books::Call {
            prompt: asked.prompt.clone(),
            fault: effect.name(),
            ..books::Call::begun(&id, "predict", model, key)
        });
        state.settings.gemini_latency_ms
    });
    tokio::time::sleep(Duration::from_millis(latency)).await;
    // A filtered prompt is answered with nothing.
    let filtered = effect.no_image || effect.empty || effect.prompt_blocked.is_some();
    let count = if filtered { 0 } else { asked.count };
    let look = (asked.pixels, asked.format);
    let works = make::predicted(world, (&asked.prompt, &id), look, count, effect).await?;
    world.change(|state| {
        state.gemini.finish(&id, |call| {
            call.outcome = if works.is_empty() { "no_image" } else { "picture" }.to_owned();
            call.status = Some(200);
            call.billed = !works.is_empty();
            call.cost_micro_usd = PRICE_MICRO_USD * i64::try_from(works.len()).unwrap_or(0);
            call.picture = works.last().map(|work| work.shown.clone());
            if works.len() > 1 {
                call.pictures = works.iter().map(|work| work.shown.clone()).collect();
            }
            call.finished_at = Some(rfc3339(wall_ms()));
        });
    });
    let mut longs = Longs::new();
    let predictions: Vec<Value> = works
        .iter()
        .map(|work| json!({"mimeType": work.mime, "bytesBase64Encoded": longs.put(work.base64.clone())}))
        .collect();
    let answer = if predictions.is_empty() { json!({}) } else { json!({"predictions": predictions}) };
    let mut reply = Reply::bytes(200, "application/json", Bytes::new());
    reply.chunks = longs.pieces(&answer).into_iter().map(|piece| piece.bytes).collect();
    reply.watch = Some(books::watch(world, id));
    Ok(reply)
}
