use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use proto_events::events::MediaType;
use serde_json::{Value, json};

use super::*;
use crate::{
    gemini::harvest::{Caught, Harvest, PICTURES_MAX, Unfit},
    picture::tests::{jpeg, png},
};

/// An answer as it is read in pieces of this size, with its pictures as they pass.
fn harvested(body: &str, size: usize) -> (Result<Answer, Failure>, Vec<Vec<u8>>, Caught) {
    let (mut harvest, mut pictures) = (Harvest::default(), Vec::new());
    for piece in body.as_bytes().chunks(size) {
        harvest.push(piece).unwrap();
        pictures.resize(harvest.caught.pictures.len(), Vec::new());
        for (all, picture) in pictures.iter_mut().zip(&mut harvest.caught.pictures) {
            all.append(&mut picture.out);
        }
    }
    let (skeleton, caught) = harvest.end();
    (Answer::read(&skeleton), pictures, caught)
}

fn image(bytes: &[u8]) -> Value {
    json!({"inlineData": {"mimeType": "image/gif", "data": BASE64_STANDARD.encode(bytes)}})
}

fn thought(bytes: &[u8]) -> Value {
    let mut part = image(bytes);
    part["thought"] = json!(true);
    part
}

fn with_parts(parts: &Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}]})
}

/// The bytes of the pictures that count.
fn counted(body: &Value) -> Vec<Vec<u8>> {
    let (answer, pictures, _) = harvested(&body.to_string(), 1_000);
    answer.unwrap().pictures().into_iter().map(|number| pictures[number].clone()).collect()
}

#[test]
fn every_picture_counts_but_drafts_and_if_all_are_drafts_the_last() {
    let [draft, one, two] = [png(8, 8), jpeg(64, 32), png(9, 9)];
    let parts = json!([{"text": "here"}, thought(&draft), image(&one), image(&two), thought(&draft)]);
    assert_eq!(counted(&with_parts(&parts)), [one.clone(), two.clone()]);
    let mut drafts = with_parts(&json!([thought(&draft), thought(&one), {"text": "done"}]));
    assert_eq!(counted(&drafts), [one]);
    for reason in ["NO_IMAGE", "IMAGE_SAFETY", "MAX_TOKENS", "A_REASON_OF_2030"] {
        drafts["candidates"][0]["finishReason"] = json!(reason);
        assert!(counted(&drafts).is_empty(), "{reason}: a draft is no result");
    }
    let predicted = json!({"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": BASE64_STANDARD.encode(&two)}]});
    assert_eq!(counted(&predicted), [two]);
}

#[test]
fn snake_case_url_safe_base64_and_escapes_are_read_wherever_they_are_split() {
    let bytes = png(300, 200);
    let data = BASE64_URL_SAFE_NO_PAD.encode(&bytes);
    let snake = json!({"candidates": [{"content": {"parts": [{"inline_data": {"mime_type": "image/png", "data": data},
        "thought_signature": "c2ln"}]}, "finish_reason": "STOP"}], "usage_metadata": {"prompt_token_count": 3}, "model_version": "m"});
    let camel = with_parts(&json!([image(&bytes)])).to_string();
    let escaped = camel.replace('=', "\\u003d").replace('/', "\\/");
    for body in [snake.to_string(), camel, escaped] {
        for size in [1, 2, 3, 5, 64, body.len()] {
            let (answer, pictures, caught) = harvested(&body, size);
            assert_eq!(answer.unwrap().pictures(), [0]);
            assert_eq!(pictures, vec![bytes.clone()], "{body} by {size}");
            let look = caught.pictures[0].look.unwrap().unwrap();
            assert_eq!((look.media_type, look.width, look.height), (MediaType::Png, 300, 200));
        }
    }
    let metered = harvested(&snake.to_string(), 9).0.unwrap().metered();
    assert_eq!((metered.usage.unwrap().prompt_tokens, metered.model_version.as_deref()), (3, Some("m")));
}

#[test]
fn signatures_are_kept_as_they_came_each_with_its_part() {
    let mut parts =
        json!([{"text": "here", "thoughtSignature": "QUJD"}, image(&png(8, 8)), image(&png(9, 9))]);
    parts[2]["thoughtSignature"] = json!("REVGRw==");
    let (answer, _, caught) = harvested(&with_parts(&parts).to_string(), 11);
    let numbers: Vec<_> = answer.unwrap().parts().map(Part::signature).collect();
    assert_eq!(numbers, [Some(0), None, Some(1)]);
    assert_eq!(
        (caught.signatures.out.as_slice(), caught.signatures.lens),
        (b"QUJDREVGRw==".as_slice(), vec![4, 8])
    );
    parts[2]["thoughtSignature"] = json!("\"}]");
    assert!(harvested(&with_parts(&parts).to_string(), 11).2.signatures.unfit, "it could not be sent again");
}

#[test]
fn the_recorded_counts_are_read() {
    let mut body = with_parts(&json!([image(&png(8, 8))]));
    body["usageMetadata"] = json!({"promptTokenCount": 14, "candidatesTokenCount": 1283, "totalTokenCount": 1471,
        "thoughtsTokenCount": 174, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 14}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}], "serviceTier": "standard"});
    let usage = harvested(&body.to_string(), 100).0.unwrap().metered().usage.unwrap();
    let golden = Usage { prompt_tokens: 14, output_tokens: 1283, thought_tokens: 174, image_tokens: 1120 };
    assert_eq!(usage, golden);
    body["usageMetadata"] = json!({"promptTokenCount": "many"});
    assert_eq!(
        harvested(&body.to_string(), 100).0.unwrap().metered(),
        Metered::default(),
        "odd counts cost nothing"
    );
}

#[test]
fn nulls_unknown_fields_and_values_do_no_harm() {
    let body = json!({"candidates": [{"content": null, "finishReason": "A_REASON_OF_2030", "new": {"data": "x"}}],
        "promptFeedback": {"blockReason": null}, "usageMetadata": null, "modelVersion": null, "later": [1, {}]});
    let answer = harvested(&body.to_string(), 3).0.unwrap();
    assert_eq!((answer.finish_reason(), answer.block_reason()), (Some("A_REASON_OF_2030"), None));
    let body = json!({"candidates": null, "promptFeedback": {"blockReason": "NEW"}, "predictions": null});
    let answer = harvested(&body.to_string(), 3).0.unwrap();
    assert_eq!((answer.pictures(), answer.block_reason()), (vec![], Some("NEW")));
    let body = with_parts(
        &json!([{"text": null, "inlineData": null}, {"inlineData": {"data": null}}, {"text": "мир"}]),
    );
    assert_eq!(harvested(&body.to_string(), 3).0.unwrap().text(), "мир");
}

#[test]
fn an_answer_cut_in_its_middle_is_truncated_wherever_it_is_cut() {
    let body = with_parts(&json!([{"text": "ok"}, image(&png(8, 8))])).to_string();
    for end in 0..body.len() {
        let failure = harvested(&body[..end], 10).0.err().unwrap();
        assert_eq!(
            failure,
            Failure::later(Trouble::Truncated, failure.codes.clone()).doubtful(),
            "cut at {end}"
        );
    }
    let failure = harvested("<html>", 10).0.err().unwrap();
    assert_eq!((failure.trouble, failure.in_doubt), (Trouble::VendorError, true));
}

#[test]
fn what_is_no_picture_is_known_by_its_bytes_and_the_next_one_is_read() {
    let body = with_parts(
        &json!([image(b"hello, I am no picture"), {"inlineData": {"data": "@@@@"}}, image(&png(8, 8))]),
    );
    let (_, pictures, caught) = harvested(&body.to_string(), 50);
    let looks: Vec<_> =
        caught.pictures.iter().map(|picture| picture.look.unwrap().map(|look| look.width)).collect();
    let format = Err(Unfit::NotAPicture(crate::picture::NotAPicture::Format));
    assert_eq!(looks, [format, Err(Unfit::NotBase64), Ok(8)]);
    assert_eq!(pictures[2], png(8, 8));
}

#[test]
fn a_flood_of_pictures_is_let_go() {
    let many: Vec<Value> = (0..PICTURES_MAX + 5).map(|_| image(&png(8, 8))).collect();
    let (answer, _, caught) = harvested(&with_parts(&json!(many)).to_string(), 1_000);
    assert_eq!(caught.pictures.len(), PICTURES_MAX);
    assert_eq!(
        answer.unwrap().pictures().iter().filter(|number| **number < PICTURES_MAX).count(),
        PICTURES_MAX
    );
}
