use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proto_events::events::MediaType;
use serde_json::{Value, json};

use super::*;
use crate::picture::tests::{jpeg, png};

fn picture_of(body: &Value) -> (Result<Made, Failure>, Metered) {
    read(GenerationKind::Picture, body.to_string().as_bytes())
}

fn trouble_of(kind: GenerationKind, body: &Value) -> Trouble {
    read(kind, body.to_string().as_bytes()).0.unwrap_err().trouble
}

fn image(bytes: &[u8]) -> Value {
    json!({"inlineData": {"mimeType": "image/gif", "data": BASE64_STANDARD.encode(bytes)}})
}

fn with_parts(parts: &Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}]})
}

#[test]
fn the_last_picture_is_taken_also_from_a_thought_and_by_content_not_by_label() {
    let mut last = image(&jpeg(64, 32));
    last["thought"] = json!(true);
    last["thoughtSignature"] = json!("x".repeat(100_000));
    let body = with_parts(&json!([{"text": "here"}, image(&png(8, 8)), last]));
    let made = picture_of(&body).0.unwrap();
    assert_eq!((made.media_type, made.width, made.height), (MediaType::Jpeg, Some(64), Some(32)));
    assert_eq!(made.bytes, jpeg(64, 32));
}

#[test]
fn snake_case_url_safe_base64_and_escapes_are_read() {
    let bytes = png(300, 200);
    let data = BASE64_URL_SAFE_NO_PAD.encode(&bytes);
    let body = json!({"candidates": [{"content": {"parts": [{"inline_data": {"mime_type": "image/png", "data": data}}]},
        "finish_reason": "STOP"}], "usage_metadata": {"prompt_token_count": 3}, "model_version": "m"});
    let (made, metered) = picture_of(&body);
    assert_eq!(made.unwrap().bytes, bytes);
    assert_eq!((metered.usage.unwrap().prompt_tokens, metered.model_version.as_deref()), (3, Some("m")));
    let escaped = with_parts(&json!([image(&bytes)])).to_string().replace('=', "\\u003d").replace("/", "\\/");
    assert_eq!(read(GenerationKind::Picture, escaped.as_bytes()).0.unwrap().bytes, bytes);
}

#[test]
fn the_recorded_counts_are_read() {
    let mut body = with_parts(&json!([image(&png(8, 8))]));
    body["usageMetadata"] = json!({"promptTokenCount": 14, "candidatesTokenCount": 1283, "totalTokenCount": 1471,
        "thoughtsTokenCount": 174, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 14}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}], "serviceTier": "standard"});
    let usage = picture_of(&body).1.usage.unwrap();
    let golden = Usage { prompt_tokens: 14, output_tokens: 1283, thought_tokens: 174, image_tokens: 1120 };
    assert_eq!(usage, golden);
    body["usageMetadata"] = json!({"promptTokenCount": "many"});
    let (made, metered) = picture_of(&body);
    assert!(made.is_ok() && metered.usage.is_none(), "odd counts must not cost the picture");
}

#[test]
fn each_way_of_making_nothing_has_its_name() {
    let finish = |reason: &str| json!({"candidates": [{"finishReason": reason}]});
    let table = [
        (json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}), Trouble::Policy),
        (json!({"promptFeedback": {"blockReason": "SOMETHING_NEW"}, "candidates": null}), Trouble::Policy),
        (finish("SAFETY"), Trouble::Policy),
        (finish("IMAGE_SAFETY"), Trouble::Policy),
        (finish("IMAGE_RECITATION"), Trouble::Policy),
        (finish("LANGUAGE"), Trouble::InvalidRequest),
        (finish("NO_IMAGE"), Trouble::NoPicture),
        (finish("IMAGE_OTHER"), Trouble::NoPicture),
        (finish("A_REASON_OF_2030"), Trouble::NoPicture),
        (finish("MAX_TOKENS"), Trouble::NoPicture),
        (json!({"candidates": [{"content": null}]}), Trouble::NoPicture),
        (json!({"candidates": []}), Trouble::NoPicture),
        (json!({}), Trouble::NoPicture),
        (with_parts(&json!([])), Trouble::NoPicture),
        (with_parts(&json!([{"text": "I can't"}])), Trouble::TextInstead),
        (with_parts(&json!([{"text": "hm", "thought": true}])), Trouble::NoPicture),
        (with_parts(&json!([image(b"hello, I am no picture")])), Trouble::NotAPicture),
        (with_parts(&json!([{"inlineData": {"data": "@@@@"}}])), Trouble::NotAPicture),
        (with_parts(&json!([{"inlineData": {}}])), Trouble::NotAPicture),
        (json!([1]), Trouble::VendorError),
    ];
    for (body, trouble) in table {
        assert_eq!(trouble_of(GenerationKind::Picture, &body), trouble, "{body}");
    }
    assert_eq!(trouble_of(GenerationKind::Text, &finish("SAFETY")), Trouble::Policy);
    assert_eq!(trouble_of(GenerationKind::Text, &finish("MAX_TOKENS")), Trouble::Truncated);
    assert_eq!(trouble_of(GenerationKind::Text, &finish("STOP")), Trouble::VendorError);
}

#[test]
fn an_answer_cut_in_its_middle_is_truncated_wherever_it_is_cut() {
    let body = with_parts(&json!([{"text": "ok"}, image(&png(8, 8))])).to_string();
    for end in 0..body.len() {
        let failure = read(GenerationKind::Picture, &body.as_bytes()[..end]).0.unwrap_err();
        assert_eq!(failure, Failure::later(Trouble::Truncated, failure.codes.clone()), "cut at {end}");
    }
}

#[test]
fn a_text_is_what_was_spoken() {
    let body = with_parts(&json!([{"text": "hm", "thought": true}, {"text": "Hello, "}, {"text": "мир"}]));
    let made = read(GenerationKind::Text, body.to_string().as_bytes()).0.unwrap();
    assert_eq!((made.bytes.as_slice(), made.media_type), ("Hello, мир".as_bytes(), MediaType::Text));
}
