//! What was made, as the answer of generateContent or as the events of its streamed sister, whole or
//! broken off where a fault wants it.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{answer, books::Usage, error::ApiError, long::Piece, make::Made};
use crate::{
    faults::{Cut, Effect},
    reply::Reply,
};

const STREAM_PAUSE_MS: u64 = 30;

pub(crate) fn reply(made: &Made, id: &str, effect: &Effect, stream: bool) -> Reply {
    let kind = if stream { "text/event-stream" } else { "application/json" };
    let mut reply = Reply::bytes(200, kind, Bytes::new());
    let events = if stream { events(made, id, effect) } else { vec![whole(made, id)] };
    let cut = match effect.cut {
        // There is nothing between the events of one.
        Some(Cut::Sse) if !stream => Some(Cut::Json),
        cut => cut,
    };
    let pieces = match cut {
        None => events.concat(),
        Some(Cut::Sse) => events[..events.len().div_ceil(2)].concat(),
        Some(Cut::Json) => {
            let at = events.len() / 2;
            [&events[..at], &[in_its_json(&events[at])]].concat().concat()
        }
        Some(Cut::Base64) => in_a_picture(events.concat()),
    };
    reply.chunks = pieces.into_iter().map(|piece| piece.bytes).filter(|bytes| !bytes.is_empty()).collect();
    reply.broken = cut.is_some() && !effect.clean;
    if stream {
        reply.pause_ms = STREAM_PAUSE_MS;
    }
    if effect.drip_bytes > 0 {
        reply = reply.dripped(effect.drip_bytes, effect.drip_ms);
    }
    reply
}

/// Up to the middle of the last JSON of these.
fn in_its_json(pieces: &[Piece]) -> Vec<Piece> {
    let mut pieces = pieces.to_vec();
    if let Some(last) = pieces.last_mut() {
        last.bytes.truncate(last.bytes.len() / 2);
    }
    pieces
}

/// Up to the middle of the longest string; without one, of the answer.
fn in_a_picture(mut pieces: Vec<Piece>) -> Vec<Piece> {
    let longest = (0..pieces.len()).filter(|at| pieces[*at].long).max_by_key(|at| pieces[*at].bytes.len());
    let at = longest.unwrap_or(pieces.len() / 2);
    pieces.truncate(at + 1);
    in_its_json(&pieces)
}

fn whole(made: &Made, id: &str) -> Vec<Piece> {
    let shown = made.is_billed().then(|| candidate(made.parts.clone(), made, true));
    made.longs.pieces(&frame(made, id, made.usage, shown))
}

/// Server-sent events without a terminator; the last one carries the finishReason.
fn events(made: &Made, id: &str, effect: &Effect) -> Vec<Vec<Piece>> {
    let mut events = Vec::new();
    let mut push = |value: &Value| {
        let mut pieces = made.longs.pieces(value);
        let wrapped = |bytes: &Bytes, before: &str, after: &str| {
            Bytes::from([before.as_bytes(), bytes, after.as_bytes()].concat())
        };
        if let Some(first) = pieces.first_mut() {
            first.bytes = wrapped(&first.bytes, "data: ", "");
        }
        if let Some(last) = pieces.last_mut() {
            last.bytes = wrapped(&last.bytes, "", "\r\n\r\n");
        }
        events.push(pieces);
    };
    if !made.is_billed() {
        push(&frame(made, id, made.usage, None));
    }
    let parts = split(made);
    let half = parts.len().div_ceil(2);
    // What has been counted when an event goes out; pictures and thoughts are, at the end.
    let mut so_far = Usage { text: 0, image: 0, thoughts: 0, ..made.usage };
    for (at, part) in parts.into_iter().enumerate() {
        if effect.mid_stream_error && at == half {
            break;
        }
        let text = so_far.text + part["text"].as_str().map_or(0, answer::tokens);
        so_far.text = text.min(made.usage.text);
        push(&frame(made, id, so_far, Some(candidate(vec![part], made, false))));
    }
    if effect.mid_stream_error {
        let error = ApiError::of_effect(&Effect::default(), 503).body();
        events.push(vec![Piece { bytes: Bytes::from(error.to_string()), long: false }]);
    } else if made.is_billed() && made.finish.is_some() {
        push(&frame(made, id, made.usage, Some(candidate(vec![json!({"text": ""})], made, true))));
    }
    events
}

/// Texts in pieces of some words, everything else as it is.
fn split(made: &Made) -> Vec<Value> {
    let mut parts = Vec::new();
    for part in &made.parts {
        match part["text"].as_str().filter(|_| part.as_object().is_some_and(|fields| fields.len() == 1)) {
            Some(text) => parts.extend(answer::pieces(text).into_iter().map(|piece| json!({"text": piece}))),
            None => parts.push(part.clone()),
        }
    }
    parts
}

fn candidate(parts: Vec<Value>, made: &Made, last: bool) -> Value {
    let mut candidate = json!({"index": 0});
    candidate["content"] =
        if parts.is_empty() { json!({}) } else { json!({"parts": parts, "role": "model"}) };
    if last && let Some(reason) = &made.finish {
        candidate["finishReason"] = json!(reason);
        if let Some(message) = &made.finish_message {
            candidate["finishMessage"] = json!(message);
        }
    }
    candidate
}

fn frame(made: &Made, id: &str, usage: Usage, candidate: Option<Value>) -> Value {
    let mut frame = json!({
        "usageMetadata": usage.shown(),
        "modelVersion": made.model_version,
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
