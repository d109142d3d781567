use proto_events::{GenerationId, catalog::Api};

use super::*;
use crate::{gemini, shelf};

fn ask(kind: GenerationKind, aspect_ratio: Option<&str>, size: Option<&str>) -> Ask {
    Ask {
        kind,
        model: "m".into(),
        api: Api::Generate,
        system: None,
        turns: Vec::new(),
        prompt: "a \"fox\"".into(),
        material: shelf::Material::default(),
        aspect_ratio: aspect_ratio.map(str::to_owned),
        size: size.map(str::to_owned),
    }
}

fn reference(data: &'static str, media_type: MediaType) -> Reference {
    Reference { file: None, media_type, data: Bytes::from_static(data.as_bytes()) }
}

fn json_of(body: &Body) -> Value {
    serde_json::from_slice(&body.pieces.concat()).unwrap()
}

fn generated(ask: &Ask) -> Value {
    json_of(&generate(ask, &[], Shown::Turns))
}

#[test]
fn a_picture_is_asked_for_with_its_shape_and_a_text_without() {
    let contents = json!([{"role": "user", "parts": [{"text": "a \"fox\""}]}]);
    assert_eq!(
        generated(&ask(GenerationKind::Picture, Some("16:9"), Some("2K"))),
        json!({"contents": contents, "generationConfig": {
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
        }})
    );
    assert_eq!(
        generated(&ask(GenerationKind::Edit, None, None)),
        json!({"contents": contents, "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}})
    );
    assert_eq!(
        generated(&ask(GenerationKind::Text, Some("1:1"), None)),
        json!({"contents": contents, "generationConfig": {"maxOutputTokens": 16384}})
    );
}

#[test]
fn a_conversation_goes_before_the_prompt_and_the_instructions_beside_it() {
    let mut ask = ask(GenerationKind::Text, None, None);
    ask.system = Some("be kind".into());
    ask.turns = vec![gemini::Said { prompt: "one".into(), answer: "two".into() }];
    let safety = Safety { category: "HARM_CATEGORY_HARASSMENT".into(), threshold: "OFF".into() };
    let body = json_of(&generate(&ask, &[safety], Shown::Turns));
    let said = json!([
        {"role": "user", "parts": [{"text": "one"}]},
        {"role": "model", "parts": [{"text": "two"}]},
        {"role": "user", "parts": [{"text": "a \"fox\""}]},
    ]);
    assert_eq!(body["contents"], said);
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "be kind"}]}));
    assert_eq!(body["safetySettings"], json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]));
}

#[test]
fn an_edit_shows_what_was_painted_with_its_signatures() {
    let mut ask = ask(GenerationKind::Edit, None, None);
    ask.material.references = vec![reference("bmV3", MediaType::Webp)];
    let said = |text: Option<&str>, picture, thought, signature: Option<&'static str>| shelf::TurnPart {
        text: text.map(str::to_owned),
        picture,
        thought,
        signature: signature.map(|text| Bytes::from_static(text.as_bytes())),
    };
    ask.material.earlier = vec![shelf::Turn {
        generation: GenerationId::derive(
            proto_events::AccountId::CATALOG,
            proto_events::Producer::Telegram,
            &proto_events::CommandId::new("msg:1:2:3").unwrap(),
        ),
        prompt: "first".into(),
        references: vec![reference("b2xk", MediaType::Jpeg)],
        parts: vec![
            said(Some("here"), None, false, Some("c2lnMQ==")),
            said(None, Some(reference("cGlj", MediaType::Png)), true, Some("c2lnMg==")),
            said(None, None, false, None),
        ],
    }];
    let body = generate(&ask, &[], Shown::Turns);
    let contents = json!([
        {"role": "user", "parts": [{"text": "first"}, {"inlineData": {"mimeType": "image/jpeg", "data": "b2xk"}}]},
        {"role": "model", "parts": [
            {"text": "here", "thoughtSignature": "c2lnMQ=="},
            {"inlineData": {"mimeType": "image/png", "data": "cGlj"}, "thought": true, "thoughtSignature": "c2lnMg=="},
            {},
        ]},
        {"role": "user", "parts": [{"text": "a \"fox\""}, {"inlineData": {"mimeType": "image/webp", "data": "bmV3"}}]},
    ]);
    assert_eq!(json_of(&body)["contents"], contents);
    assert_eq!(body.len(), body.pieces.concat().len());
    let alone = json!([{"role": "user", "parts": [
        {"text": "a \"fox\""},
        {"inlineData": {"mimeType": "image/png", "data": "cGlj"}},
        {"inlineData": {"mimeType": "image/webp", "data": "bmV3"}},
    ]}]);
    assert_eq!(json_of(&generate(&ask, &[], Shown::Pictures))["contents"], alone);
}

#[test]
fn imagen_is_asked_for_one_picture() {
    let body = predict(&ask(GenerationKind::Picture, Some("16:9"), None));
    let asked = json!({"instances": [{"prompt": "a \"fox\""}], "parameters": {"sampleCount": 1, "aspectRatio": "16:9"}});
    assert_eq!(json_of(&body), asked);
}
