//! The legacy Imagen call, `:predict`: one prompt, some pictures, no usage figures.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{books, error::ApiError, paint};
use crate::{
    blobs::sha256_hex, calendar::rfc3339, clock::wall_ms, faults::Effect, reply::Reply, world::World,
};

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
    matches!(
        model,
        "imagen-4.0-generate-001" | "imagen-4.0-fast-generate-001" | "imagen-4.0-ultra-generate-001"
    )
}

pub(crate) async fn run(
    world: &Arc<World>,
    model: &str,
    key: String,
    body: &Bytes,
    effect: &Effect,
) -> Result<Reply, ApiError> {
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
    let id = uuid::Uuid::new_v4().simple().to_string()[..22].to_owned();
    world.change(|state| {
        state.gemini.add(books::Call {
            id: id.clone(),
            method: "predict".to_owned(),
            model: model.to_owned(),
            prompt: prompt.clone(),
            outcome: "open".to_owned(),
            key,
            usage: json!({}),
            at: rfc3339(wall_ms()),
            ..books::Call::default()
        });
    });
    // A filtered prompt is answered with nothing.
    let filtered = effect.no_image || effect.empty || effect.prompt_blocked.is_some();
    let mut predictions = Vec::new();
    let mut first = None;
    for sample in 0..if filtered { 0 } else { count } {
        let seed = paint::seed(&prompt, &format!("{id} {sample}"));
        let painted = tokio::task::spawn_blocking(move || paint::paint(seed, pixels, &[], false)).await;
        let failed = || ApiError::new(500, "INTERNAL", "An internal error has occurred.");
        let painted = painted.map_err(|_| failed())?.map_err(|_| failed())?;
        predictions
            .push(json!({"mimeType": painted.mime, "bytesBase64Encoded": STANDARD.encode(&painted.bytes)}));
        first.get_or_insert(json!({
            "sha256": sha256_hex(&painted.bytes),
            "bytes": painted.bytes.len(),
            "mime": painted.mime,
            "width": painted.width,
            "height": painted.height,
        }));
    }
    let made = predictions.len();
    world.change(|state| {
        state.gemini.finish(&id, |call| {
            call.outcome = if made > 0 { "picture" } else { "no_image" }.to_owned();
            call.status = Some(200);
            call.billed = made > 0;
            call.cost_micro_usd = PRICE_MICRO_USD * i64::try_from(made).unwrap_or(0);
            call.picture = first;
            call.finished_at = Some(rfc3339(wall_ms()));
        });
    });
    Ok(Reply::json(200, &if made > 0 { json!({"predictions": predictions}) } else { json!({}) }))
}
