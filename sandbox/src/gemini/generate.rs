//! generateContent and its streamed sister: read, think, paint or write, bill.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    answer,
    books::{self, Usage},
    error::ApiError,
    models::Model,
    paint,
    request::{self, Asked, SIGNATURE_MARK},
};
use crate::{
    blobs::sha256_hex, calendar::rfc3339, clock::wall_ms, faults::Effect, reply::Reply, world::World,
};

const SIGNATURE_BYTES: usize = 96;
/// Two of about 1.1 MB each were seen in one answer.
const HUGE_SIGNATURE_BYTES: usize = 825_000;
const REFERENCE_TOKENS: i64 = 560;
const THOUGHT_TOKENS: i64 = 174;
const STREAM_PAUSE_MS: u64 = 30;

/// What the model came up with.
struct Made {
    parts: Vec<Value>,
    finish: Option<String>,
    finish_message: Option<String>,
    blocked: Option<String>,
    outcome: &'static str,
    usage: Usage,
    picture: Option<Value>,
}

pub(crate) async fn run(
    world: &Arc<World>,
    model: &Model,
    key: &str,
    body: &Bytes,
    effect: &Effect,
    stream: bool,
) -> Result<Reply, ApiError> {
    let asked = request::read(body, model)?;
    let id = uuid::Uuid::new_v4().simple().to_string()[..22].to_owned();
    let latency = world.change(|state| {
        state.gemini.add(books::Call {
            id: id.clone(),
            method: if stream { "streamGenerateContent" } else { "generateContent" }.to_owned(),
            model: model.name.to_owned(),
            prompt: asked.prompt.clone(),
            references: asked.references.iter().map(|reference| reference.sha256.clone()).collect(),
            outcome: "open".to_owned(),
            key: last_four(key),
            at: rfc3339(wall_ms()),
            usage: json!({}),
            ..books::Call::default()
        });
        state.settings.gemini_latency_ms
    });
    tokio::time::sleep(Duration::from_millis(latency)).await;
    let made = make(model, &asked, effect, &id).await?;
    let billed = made.blocked.is_none();
    let cost_micro_usd = if billed { made.usage.cost_micro_usd(model) } else { 0 };
    world.change(|state| {
        state.gemini.finish(&id, |call| {
            call.outcome = made.outcome.to_owned();
            call.finish_reason.clone_from(&made.finish);
            call.status = Some(200);
            call.billed = billed;
            call.usage = made.usage.shown();
            call.cost_micro_usd = cost_micro_usd;
            call.picture.clone_from(&made.picture);
            call.finished_at = Some(rfc3339(wall_ms()));
        });
    });
    Ok(if stream { streamed(model, &id, made, effect) } else { whole(model, &id, made) })
}

/// A call that a fault refused before anything was made.
pub(crate) fn note_refused(world: &World, model: &str, method: &str, key: &str, prompt: String, status: u16) {
    world.change(|state| {
        state.gemini.add(books::Call {
            id: uuid::Uuid::new_v4().simple().to_string()[..22].to_owned(),
            method: method.to_owned(),
            model: model.to_owned(),
            prompt,
            outcome: "error".to_owned(),
            status: Some(status),
            key: last_four(key),
            usage: json!({}),
            at: rfc3339(wall_ms()),
            finished_at: Some(rfc3339(wall_ms())),
            ..books::Call::default()
        });
    });
}

pub(crate) fn last_four(key: &str) -> String {
    key.char_indices().rev().nth(3).map_or(key, |(at, _)| &key[at..]).to_owned()
}

async fn make(model: &Model, asked: &Asked, effect: &Effect, id: &str) -> Result<Made, ApiError> {
    let references = i64::try_from(asked.references.len()).unwrap_or(0);
    let usage = Usage {
        prompt_text: answer::tokens(&asked.prompt),
        prompt_image: references * REFERENCE_TOKENS,
        thoughts: if model.pro { THOUGHT_TOKENS } else { 0 },
        ..Usage::default()
    };
    let mut made = Made {
        parts: Vec::new(),
        finish: Some("STOP".to_owned()),
        finish_message: None,
        blocked: None,
        outcome: "text",
        usage,
        picture: None,
    };
    if let Some(reason) = &effect.prompt_blocked {
        made.blocked = Some(reason.clone());
        made.finish = None;
        made.outcome = "blocked";
        made.usage = Usage { thoughts: 0, ..usage };
    } else if let Some(reason) = &effect.finish {
        made.finish = Some(reason.clone());
        made.finish_message = Some(format!("The sandbox was asked to finish with {reason}."));
        made.outcome = "finished";
    } else if effect.no_image {
        made.finish = Some("NO_IMAGE".to_owned());
        made.outcome = "no_image";
    } else if effect.empty {
        made.outcome = "empty";
    } else if let Some(text) = &effect.text_instead {
        made.parts.push(json!({"text": text}));
        made.usage.text = answer::tokens(text);
    } else if asked.picture {
        picture(model, asked, effect, id, &mut made).await?;
    } else {
        written(asked, &mut made);
    }
    Ok(made)
}

fn written(asked: &Asked, made: &mut Made) {
    let mut text = answer::text(&asked.prompt, asked.turns, asked.references.len());
    if let Some(max) = asked.output_tokens_max.filter(|max| answer::tokens(&text) > *max) {
        text = text.chars().take(usize::try_from(max * 4).unwrap_or(0)).collect();
        made.finish = Some("MAX_TOKENS".to_owned());
    }
    made.usage.text = answer::tokens(&text);
    made.parts.push(json!({"text": text}));
}

async fn picture(
    model: &Model,
    asked: &Asked,
    effect: &Effect,
    id: &str,
    made: &mut Made,
) -> Result<(), ApiError> {
    let pixels = asked.pixels(model);
    let seed = paint::seed(&asked.prompt, id);
    let references: Vec<Bytes> = asked.references.iter().map(|reference| reference.bytes.clone()).collect();
    let jpeg = model.pro;
    let painted = tokio::task::spawn_blocking(move || paint::paint(seed, pixels, &references, jpeg)).await;
    let failed = || ApiError::new(500, "INTERNAL", "An internal error has occurred.");
    let mut painted = painted.map_err(|_| failed())?.map_err(|_| failed())?;
    if effect.not_a_picture {
        painted.bytes = Bytes::from_static(b"this is not a picture, whatever its type says");
    }
    let sha256 = sha256_hex(&painted.bytes);
    made.picture = Some(json!({
        "sha256": sha256,
        "bytes": painted.bytes.len(),
        "mime": painted.mime,
        "width": painted.width,
        "height": painted.height,
    }));
    made.outcome = "picture";
    made.usage.image = asked.size.tokens(model);
    if asked.text {
        let text = "Here is your picture.";
        made.usage.text = answer::tokens(text);
        made.parts.push(signed(json!({"text": text}), model, effect));
    }
    let data = json!({"inlineData": {"mimeType": painted.mime, "data": STANDARD.encode(&painted.bytes)}});
    if effect.image_in_thought {
        // First a draft, then the final picture, both as thoughts.
        let draft = tokio::task::spawn_blocking(move || paint::paint(seed ^ 1, (512, 512), &[], jpeg)).await;
        let draft = draft.map_err(|_| failed())?.map_err(|_| failed())?;
        let data = json!({"mimeType": draft.mime, "data": STANDARD.encode(&draft.bytes)});
        made.parts.push(json!({"inlineData": data, "thought": true}));
    }
    let mut last = signed(data, model, effect);
    if effect.image_in_thought {
        last["thought"] = json!(true);
    }
    made.parts.push(last);
    Ok(())
}

/// Pro models sign their parts; the signature must come back with a part that is sent again.
fn signed(mut part: Value, model: &Model, effect: &Effect) -> Value {
    if model.pro || effect.huge_signature {
        let length = if effect.huge_signature { HUGE_SIGNATURE_BYTES } else { SIGNATURE_BYTES };
        let mut bytes = SIGNATURE_MARK.as_bytes().to_vec();
        while bytes.len() < length {
            bytes.extend(uuid::Uuid::new_v4().into_bytes());
        }
        part["thoughtSignature"] = json!(STANDARD.encode(&bytes));
    }
    part
}

fn candidate(parts: Vec<Value>, made: &Made, last: bool) -> Value {
    let mut candidate = json!({"index": 0});
    if parts.is_empty() {
        candidate["content"] = json!({});
    } else {
        candidate["content"] = json!({"parts": parts, "role": "model"});
    }
    if last {
        candidate["finishReason"] = json!(made.finish);
        if let Some(message) = &made.finish_message {
            candidate["finishMessage"] = json!(message);
        }
    }
    candidate
}

fn frame(model: &Model, id: &str, made: &Made, candidate: Option<Value>) -> Value {
    let mut frame = json!({
        "usageMetadata": made.usage.shown(),
        "modelVersion": model.name,
        "responseId": id,
    });
    if let Some(reason) = &made.blocked {
        frame["promptFeedback"] = json!({"blockReason": reason});
    }
    if let Some(candidate) = candidate {
        frame["candidates"] = json!([candidate]);
    }
    frame
}

fn whole(model: &Model, id: &str, made: Made) -> Reply {
    let shown = made.blocked.is_none().then(|| candidate(made.parts.clone(), &made, true));
    Reply::json(200, &frame(model, id, &made, shown))
}

/// Server-sent events without a terminator; the last one carries the finishReason.
fn streamed(model: &Model, id: &str, made: Made, effect: &Effect) -> Reply {
    let mut frames = Vec::new();
    for part in &made.parts {
        match part["text"].as_str().filter(|_| part.get("thoughtSignature").is_none()) {
            Some(text) => {
                frames.extend(answer::pieces(text).into_iter().map(|piece| vec![json!({"text": piece})]))
            }
            None => frames.push(vec![part.clone()]),
        }
    }
    let mut chunks: Vec<Bytes> = Vec::new();
    let mut push = |value: &Value| chunks.push(Bytes::from(format!("data: {value}\r\n\r\n")));
    if made.blocked.is_some() {
        push(&frame(model, id, &made, None));
    }
    let half = frames.len().div_ceil(2);
    for (at, parts) in frames.into_iter().enumerate() {
        if effect.mid_stream_error && at == half {
            break;
        }
        push(&frame(model, id, &made, Some(candidate(parts, &made, false))));
    }
    if effect.mid_stream_error {
        let error = ApiError::of_effect(&Effect::default(), 503).body();
        chunks.push(Bytes::from(error.to_string()));
    } else if made.blocked.is_none() && !effect.no_finish {
        let last = candidate(vec![json!({"text": ""})], &made, true);
        push(&frame(model, id, &made, Some(last)));
    }
    let mut reply = Reply::bytes(200, "text/event-stream", Bytes::new());
    reply.chunks = chunks;
    reply.pause_ms = STREAM_PAUSE_MS;
    reply
}
