//! Gemini: keys, pictures in their true size, text, streams, references, books.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use image::ImageFormat;
use serde_json::{Value, json};

use super::support::{Sandbox, picture};

async fn ask(sandbox: &Sandbox, model: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/gemini/v1beta/models/{model}:generateContent", sandbox.base);
    let answer = sandbox.http.post(url).header("x-goog-api-key", "key-1234").json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn prompt(text: &str, ratio: &str, size: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": {
        "responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": ratio, "imageSize": size}}})
}

fn last_picture(answer: &Value) -> (String, Vec<u8>) {
    let parts = answer["candidates"][0]["content"]["parts"].as_array().unwrap();
    let data = parts.iter().filter_map(|part| part.get("inlineData")).next_back().unwrap();
    (data["mimeType"].as_str().unwrap().to_owned(), STANDARD.decode(data["data"].as_str().unwrap()).unwrap())
}

#[tokio::test]
async fn pictures_have_their_true_size_and_are_in_the_books() {
    let sandbox = Sandbox::start().await;
    for (model, ratio, size, mime, pixels) in [
        ("gemini-3-pro-image", "16:9", "1K", "image/jpeg", (1376, 768)),
        ("gemini-3-pro-image", "1:1", "2K", "image/jpeg", (2048, 2048)),
        ("gemini-nano-banana-2.1", "3:4", "1K", "image/png", (896, 1200)),
        ("gemini-2.5-flash-image", "3:4", "1K", "image/png", (864, 1184)),
    ] {
        let (status, answer) = ask(&sandbox, model, &prompt("a palm", ratio, size)).await;
        assert_eq!(status, 200);
        let (found, bytes) = last_picture(&answer);
        let decoded = image::load_from_memory(&bytes).unwrap();
        assert_eq!((found.as_str(), (decoded.width(), decoded.height())), (mime, pixels));
        assert_eq!(
            (&answer["candidates"][0]["finishReason"], &answer["modelVersion"]),
            (&json!("STOP"), &json!(model))
        );
    }
    let books = sandbox.get("/books").await;
    let calls = books["gemini"]["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 4);
    assert_eq!(
        (&calls[0]["prompt"], &calls[0]["outcome"], &calls[0]["billed"]),
        (&json!("a palm"), &json!("picture"), &json!(true))
    );
    assert_eq!((&calls[0]["key"], &calls[0]["picture"]["width"]), (&json!("1234"), &json!(1376)));
    assert!(calls[0]["cost_micro_usd"].as_i64().unwrap() > 134_000);
    sandbox.stop().await;
}

#[tokio::test]
async fn keys_and_models_are_checked() {
    let sandbox = Sandbox::start().await;
    let models = format!("{}/gemini/v1beta/models", sandbox.base);
    assert_eq!(sandbox.http.get(&models).send().await.unwrap().status(), 403);
    let invalid = sandbox.http.get(&models).header("x-goog-api-key", "invalid-1").send().await.unwrap();
    assert_eq!(invalid.status(), 400);
    let body: Value = invalid.json().await.unwrap();
    assert_eq!(body["error"]["details"][0]["reason"], "API_KEY_INVALID");
    let list: Value =
        sandbox.http.get(&models).header("x-goog-api-key", "k").send().await.unwrap().json().await.unwrap();
    let names: Vec<_> =
        list["models"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"models/gemini-3-pro-image"));
    let (status, answer) = ask(&sandbox, "gemini-3-pro-image-preview", &prompt("x", "1:1", "1K")).await;
    assert_eq!((status, &answer["error"]["status"]), (404, &json!("NOT_FOUND")));
    let (status, _) = ask(&sandbox, "gemini-3.8-flash", &prompt("x", "1:1", "1K")).await;
    assert_eq!(status, 400);
    assert_eq!(sandbox.get("/books").await["gemini"]["calls"], json!([]));
    sandbox.stop().await;
}

#[tokio::test]
async fn references_come_in_either_alphabet_and_turns_need_their_signature() {
    let sandbox = Sandbox::start().await;
    let bytes = picture(300, 200, ImageFormat::Png);
    let edit = |data: String| {
        json!({"contents": [{"parts": [
        {"inline_data": {"mime_type": "image/png", "data": data}}, {"text": "make it blue"}]}]})
    };
    let (status, first) = ask(&sandbox, "gemini-3-pro-image", &edit(URL_SAFE_NO_PAD.encode(&bytes))).await;
    assert_eq!(status, 200, "{first}");
    let (_, made) = last_picture(&first);
    let decoded = image::load_from_memory(&made).unwrap();
    assert_eq!((decoded.width(), decoded.height()), (1264, 848), "the reference's ratio is kept");
    let mut turn = first["candidates"][0]["content"].clone();
    let again = |turn: &Value| {
        json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}, turn,
        {"role": "user", "parts": [{"text": "now green"}]}]})
    };
    assert_eq!(ask(&sandbox, "gemini-3-pro-image", &again(&turn)).await.0, 200);
    for part in turn["parts"].as_array_mut().unwrap() {
        part.as_object_mut().unwrap().remove("thoughtSignature");
    }
    let (status, refused) = ask(&sandbox, "gemini-3-pro-image", &again(&turn)).await;
    assert_eq!(status, 400);
    assert!(refused["error"]["message"].as_str().unwrap().contains("missing a thought_signature"));
    let books = sandbox.get("/books").await;
    assert_eq!(books["gemini"]["calls"][0]["references"].as_array().unwrap().len(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn text_is_streamed_in_pieces() {
    let sandbox = Sandbox::start().await;
    let body = json!({"contents": [{"parts": [{"text": "почему небо синее?"}]}]});
    let (_, whole) = ask(&sandbox, "gemini-3.8-flash", &body).await;
    let text = whole["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap();
    assert!(text.contains("почему небо синее?"));
    let url = format!("{}/gemini/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse", sandbox.base);
    let answer = sandbox.http.post(url).header("x-goog-api-key", "k").json(&body).send().await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let stream = answer.text().await.unwrap();
    let events: Vec<Value> = stream
        .split("\r\n\r\n")
        .filter_map(|event| event.strip_prefix("data: "))
        .map(|e| serde_json::from_str(e).unwrap())
        .collect();
    let joined: String =
        events.iter().filter_map(|e| e["candidates"][0]["content"]["parts"][0]["text"].as_str()).collect();
    assert!(events.len() > 3 && joined == text);
    assert_eq!(events.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_legacy_call_predicts_pictures() {
    let sandbox = Sandbox::start().await;
    let url = format!("{}/gemini/v1beta/models/imagen-4.0-generate-001:predict", sandbox.base);
    let body =
        json!({"instances": [{"prompt": "a palm"}], "parameters": {"sampleCount": 2, "aspectRatio": "16:9"}});
    let answer = sandbox.http.post(url).header("x-goog-api-key", "k").json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let predictions = answer["predictions"].as_array().unwrap();
    let bytes = STANDARD.decode(predictions[1]["bytesBase64Encoded"].as_str().unwrap()).unwrap();
    let decoded = image::load_from_memory(&bytes).unwrap();
    assert_eq!((predictions.len(), decoded.width(), decoded.height()), (2, 1408, 768));
    assert_eq!(sandbox.get("/books").await["gemini"]["calls"][0]["cost_micro_usd"], 80_000);
    sandbox.stop().await;
}
