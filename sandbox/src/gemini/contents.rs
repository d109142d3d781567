//! What was said and shown before, and now: the parts of a request's `contents`.

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    error::ApiError,
    metadata,
    models::Model,
    request::{Asked, Reference, fields},
    signature,
};
use crate::blobs::sha256_hex;

const PART: [&str; 9] = [
    "text",
    "inlineData",
    "thought",
    "thoughtSignature",
    "fileData",
    "functionCall",
    "functionResponse",
    "mediaResolution",
    "partMetadata",
];

pub(super) fn read_content(
    asked: &mut Asked,
    content: &Value,
    at: usize,
    last: bool,
    model: &Model,
) -> Result<(), ApiError> {
    let place = format!("contents[{at}]");
    let content = fields(content, &place, &["parts", "role"])?;
    let role = content.get("role").and_then(Value::as_str).unwrap_or("user");
    if !matches!(role, "user" | "model" | "function") {
        return Err(ApiError::invalid("Please use a valid role: user, model."));
    }
    let parts = match content.get("parts") {
        Some(Value::Array(parts)) => parts.clone(),
        Some(one @ Value::Object(_)) => vec![one.clone()],
        _ => Vec::new(),
    };
    if parts.is_empty() {
        return Err(ApiError::invalid(format!(
            "* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty.\n"
        )));
    }
    let mut texts = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let place = format!("{place}.parts[{index}]");
        let part = fields(part, &place, &PART)?;
        let mut sha256 = None;
        if let Some(text) = part.get("text") {
            let text = text
                .as_str()
                .ok_or_else(|| ApiError::invalid(format!("Invalid value at '{place}.text' (TYPE_STRING)")))?;
            sha256 = Some(sha256_hex(text.as_bytes()));
            texts.push(text.to_owned());
        }
        if let Some(data) = part.get("inlineData") {
            let reference = inline_data(data, &place, role == "model")?;
            if reference.models && model.pro {
                must_be_signed(&part, at, index)?;
            }
            sha256 = Some(metadata::essence(&reference.bytes));
            asked.references.push(reference);
        }
        let signature = part.get("thoughtSignature").and_then(Value::as_str);
        if let Some((signature, sha256)) = signature.zip(sha256)
            && !signature::fits(signature, &sha256)
        {
            return Err(ApiError::invalid("Thought signature is not valid."));
        }
    }
    if last && role == "user" {
        asked.prompt = texts.join("\n");
    }
    Ok(())
}

/// A model's picture goes back with the signature it came with; its drafts, which are thoughts, have none.
fn must_be_signed(part: &Map<String, Value>, at: usize, index: usize) -> Result<(), ApiError> {
    let is_thought = part.get("thought").and_then(Value::as_bool).unwrap_or(false);
    if is_thought || part.contains_key("thoughtSignature") {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "Image part is missing a thought_signature in content position {}, part position {}. Please refer to \
         https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
        at + 1,
        index + 1
    )))
}

fn inline_data(value: &Value, place: &str, models: bool) -> Result<Reference, ApiError> {
    let data = fields(value, &format!("{place}.inline_data"), &["mimeType", "data", "displayName"])?;
    let mime = data.get("mimeType").and_then(Value::as_str).unwrap_or_default();
    if !matches!(mime, "image/png" | "image/jpeg" | "image/webp" | "image/heic" | "image/heif") {
        return Err(ApiError::invalid(format!("Unsupported MIME type: {mime}")));
    }
    let encoded = data.get("data").and_then(Value::as_str).unwrap_or_default();
    let bytes = decode(encoded).ok_or_else(|| {
        ApiError::invalid(format!(
            "Invalid value at '{place}.inline_data.data' (TYPE_BYTES), Base64 decoding failed for \"{}\"",
            encoded.chars().take(40).collect::<String>()
        ))
    })?;
    let readable = image::guess_format(&bytes).is_ok();
    if !readable {
        return Err(ApiError::invalid(
            "Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
        ));
    }
    Ok(Reference { sha256: sha256_hex(&bytes), bytes: Bytes::from(bytes), models })
}

/// Either alphabet, with or without padding.
pub(super) fn decode(encoded: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&ALPHABET, config);
    if encoded.contains(['-', '_']) {
        return engine.decode(encoded.replace('-', "+").replace('_', "/")).ok();
    }
    engine.decode(encoded).ok()
}
