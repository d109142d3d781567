//! Gemini's answers as faults want them: several pictures, formats, metadata, cuts, drips, other models,
//! reasons; and what the books say of each.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::support::Sandbox;

const PRO: &str = "gemini-3-pro-image";
const TEXT: &str = "gemini-3.8-flash";

struct Gemini(Sandbox);

impl Gemini {
    async fn start() -> Self {
        Self(Sandbox::start().await)
    }

    async fn bend(&self, fault: Value) {
        self.0.fault(json!({"vendor": "gemini", "fault": fault})).await;
    }

    fn request(&self, model: &str, verb: &str, body: &Value) -> reqwest::RequestBuilder {
        let url = format!("{}/gemini/v1beta/models/{model}:{verb}", self.0.base);
        self.0.http.post(url).header("x-goog-api-key", "key-1234").json(body)
    }

    /// A small picture, or a text.
    async fn ask(&self, model: &str) -> Value {
        let answer = self.request(model, "generateContent", &prompt()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// What of a stream comes before it ends or breaks, and whether it broke.
    async fn stream(&self, model: &str) -> (String, bool) {
        let verb = "streamGenerateContent?alt=sse";
        self.read(self.request(model, verb, &prompt())).await
    }

    async fn read(&self, request: reqwest::RequestBuilder) -> (String, bool) {
        let mut answer = request.send().await.unwrap();
        let mut text = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => text.extend_from_slice(&chunk),
                Ok(None) => return (String::from_utf8(text).unwrap(), false),
                Err(_) => return (String::from_utf8(text).unwrap(), true),
            }
        }
    }

    async fn last_call(&self) -> Value {
        self.0.get("/books").await["gemini"]["calls"].as_array().unwrap().last().unwrap().clone()
    }
}

fn prompt() -> Value {
    json!({"contents": [{"parts": [{"text": "a palm"}]}]})
}

fn parts(answer: &Value) -> Vec<Value> {
    answer["candidates"][0]["content"]["parts"].as_array().cloned().unwrap_or_default()
}

fn pictures(answer: &Value) -> Vec<(String, Vec<u8>)> {
    let data = parts(answer).into_iter().filter_map(|part| part.get("inlineData").cloned());
    data.map(|data| {
        let bytes = STANDARD.decode(data["data"].as_str().unwrap()).unwrap();
        (data["mimeType"].as_str().unwrap().to_owned(), bytes)
    })
    .collect()
}

#[tokio::test]
async fn several_pictures_come_in_one_answer_and_each_is_paid() {
    let gemini = Gemini::start().await;
    gemini.bend(json!({"pictures": 3})).await;
    let answer = gemini.ask(PRO).await;
    let made = pictures(&answer);
    assert_eq!(made.len(), 3);
    assert!(made[0].1 != made[1].1 && made[1].1 != made[2].1);
    let call = gemini.last_call().await;
    assert_eq!((call["pictures"].as_array().unwrap().len(), &call["picture"]), (3, &call["pictures"][2]));
    assert_eq!(call["usage"]["candidatesTokensDetails"][0]["tokenCount"], 3 * 1120);
    gemini.0.stop().await;
}

#[tokio::test]
async fn either_format_can_be_had_and_pictures_wear_what_is_asked_for() {
    let gemini = Gemini::start().await;
    for (fault, mime, format) in [
        (json!({"format": "png"}), "image/png", image::ImageFormat::Png),
        (json!({"format": "jpeg", "metadata": true}), "image/jpeg", image::ImageFormat::Jpeg),
        (json!({"format": "png", "metadata": true}), "image/png", image::ImageFormat::Png),
    ] {
        gemini.bend(fault.clone()).await;
        let (found, bytes) = pictures(&gemini.ask(PRO).await).remove(0);
        let decoded = image::load_from_memory_with_format(&bytes, format).unwrap();
        assert_eq!((found.as_str(), decoded.width()), (mime, 1024));
        let marked = bytes.windows(16).filter(|part| *part == b"sandbox-metadata").count();
        assert_eq!(marked, if fault.get("metadata").is_some() { 4 } else { 0 }, "{fault}");
    }
    gemini.0.stop().await;
}

#[tokio::test]
async fn answers_break_off_where_they_are_cut_and_are_billed() {
    let gemini = Gemini::start().await;
    let whole = gemini.read(gemini.request(PRO, "generateContent", &prompt())).await.0;
    for (cut, clean) in [("json", false), ("base64", false), ("json", true), ("base64", true)] {
        gemini.bend(json!({"cut": cut, "clean": clean})).await;
        let (text, broke) = gemini.read(gemini.request(PRO, "generateContent", &prompt())).await;
        assert_eq!(broke, !clean, "{cut}");
        assert!(serde_json::from_str::<Value>(&text).is_err_and(|error| error.is_eof()), "{cut}");
        let in_the_picture = text.len() < whole.len() * 3 / 4;
        assert_eq!(in_the_picture, cut == "base64", "{} of {}", text.len(), whole.len());
        let call = gemini.last_call().await;
        assert_eq!((&call["billed"], &call["outcome"]), (&json!(true), &json!("picture")));
        assert_eq!(call.get("last_byte_us").is_some(), clean, "{call}");
    }
    gemini.0.stop().await;
}

#[tokio::test]
async fn streams_break_off_between_and_inside_events() {
    let gemini = Gemini::start().await;
    for (fault, broken, ends_whole) in [
        (json!("cut_sse"), true, true),
        (json!("cut_json"), true, false),
        (json!({"cut": "json", "clean": true}), false, false),
        (json!({"cut": "sse", "clean": true}), false, true),
        (json!("no_finish"), false, true),
        (json!("mid_stream_error"), false, false),
    ] {
        gemini.bend(fault.clone()).await;
        let (text, broke) = gemini.stream(TEXT).await;
        assert_eq!((broke, text.ends_with("\r\n\r\n")), (broken, ends_whole), "{fault}: {text}");
        assert!(text.starts_with("data: {") && !text.contains("finishReason"), "{fault}: {text}");
        let call = gemini.last_call().await;
        assert!(call["billed"] == true && call["cost_micro_usd"].as_i64() > Some(0), "{fault}: {call}");
    }
    let (text, _) = gemini.stream(TEXT).await;
    let counts: Vec<i64> = text
        .split("\r\n\r\n")
        .filter_map(|event| serde_json::from_str::<Value>(event.strip_prefix("data: ")?).ok())
        .map(|event| event["usageMetadata"]["candidatesTokenCount"].as_i64().unwrap())
        .collect();
    assert!(counts.is_sorted() && counts.first() < counts.last(), "{counts:?}");
    gemini.0.stop().await;
}

#[tokio::test]
async fn a_slow_line_drips() {
    let gemini = Gemini::start().await;
    gemini.bend(json!({"drip_bytes": 40, "drip_ms": 1})).await;
    let (text, broke) = gemini.stream(TEXT).await;
    assert!(!broke && text.contains("\"finishReason\":\"STOP\""));
    let call = gemini.last_call().await;
    let (first, last) = (call["first_byte_us"].as_u64().unwrap(), call["last_byte_us"].as_u64().unwrap());
    let ticks = u64::try_from(text.len() / 40).unwrap();
    assert!(last - first >= ticks * 1_000, "{ticks} ticks in {} µs", last - first);
    gemini.0.stop().await;
}

#[tokio::test]
async fn an_answer_that_never_arrives_is_made_and_billed() {
    let gemini = Gemini::start().await;
    gemini.bend(json!("never_arrives")).await;
    let request = gemini.request(PRO, "generateContent", &prompt()).timeout(Duration::from_millis(500));
    assert!(request.send().await.unwrap_err().is_timeout());
    gemini.0.until("/books", |books| books["gemini"]["calls"][0]["billed"] == true).await;
    let call = gemini.last_call().await;
    assert!(call["cost_micro_usd"].as_i64() > Some(100_000) && call.get("last_byte_us").is_none(), "{call}");
    gemini.0.stop().await;
}

#[tokio::test]
async fn another_model_may_answer_and_its_price_is_paid() {
    let gemini = Gemini::start().await;
    gemini.bend(json!({"model_version": "gemini-3.1-pro-preview-11-2026"})).await;
    assert_eq!(gemini.ask(TEXT).await["modelVersion"], "gemini-3.1-pro-preview-11-2026");
    let dear = gemini.last_call().await;
    gemini.ask(TEXT).await;
    let usual = gemini.last_call().await;
    assert_eq!((&dear["usage"], &dear["model"]), (&usual["usage"], &usual["model"]));
    assert!(dear["cost_micro_usd"].as_i64() > usual["cost_micro_usd"].as_i64());
    assert_eq!(usual["model_version"], TEXT);
    gemini.0.stop().await;
}

#[tokio::test]
async fn every_reason_can_be_had_with_and_without_content() {
    let gemini = Gemini::start().await;
    for reason in [
        "MAX_TOKENS",
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "OTHER",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "MALFORMED_FUNCTION_CALL",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_OTHER",
        "NO_IMAGE",
        "IMAGE_RECITATION",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
        "A_REASON_OF_2030",
    ] {
        gemini.bend(json!(reason)).await;
        let answer = gemini.ask(TEXT).await;
        assert_eq!(
            (answer["candidates"][0]["finishReason"].as_str(), parts(&answer).len()),
            (Some(reason), 0)
        );
        gemini.bend(json!({"finish": reason, "partial": true})).await;
        let answer = gemini.ask(TEXT).await;
        assert_eq!(
            (answer["candidates"][0]["finishReason"].as_str(), parts(&answer).len()),
            (Some(reason), 1)
        );
    }
    for reason in
        ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK"]
    {
        gemini.bend(json!({"prompt_blocked": reason})).await;
        let answer = gemini.ask(PRO).await;
        assert_eq!(answer["promptFeedback"]["blockReason"], reason);
        assert!(answer.get("candidates").is_none());
        assert_eq!(gemini.last_call().await["billed"], false);
    }
    gemini.bend(json!("thinking")).await;
    let answer = gemini.ask(TEXT).await;
    assert_eq!((&parts(&answer)[0]["thought"], parts(&answer).len()), (&json!(true), 2));
    gemini.0.stop().await;
}

#[tokio::test]
async fn a_signature_is_good_for_the_part_it_came_with_alone() {
    let gemini = Gemini::start().await;
    gemini.bend(json!({"metadata": true, "huge_signature": true})).await;
    let first = gemini.ask(PRO).await["candidates"][0]["content"].clone();
    let other = gemini.ask(PRO).await["candidates"][0]["content"].clone();
    let shown = async |turn: &Value| {
        let body = json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}, turn,
            {"role": "user", "parts": [{"text": "now green"}]}]});
        gemini.request(PRO, "generateContent", &body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(shown(&first).await, 200);
    let mut stripped = first.clone();
    let bytes = STANDARD.decode(first["parts"][1]["inlineData"]["data"].as_str().unwrap()).unwrap();
    let mark = b"sandbox-metadata";
    let bytes = bytes.strip_suffix(mark).expect("the trailer is the last");
    stripped["parts"][1]["inlineData"]["data"] = json!(STANDARD.encode(bytes));
    assert_eq!(shown(&stripped).await, 200, "what is painted is the same");
    let mut mixed = first.clone();
    mixed["parts"][1]["thoughtSignature"] = other["parts"][1]["thoughtSignature"].clone();
    assert_eq!(shown(&mixed).await, 400);
    mixed["parts"][1]["thoughtSignature"] = json!("AAAA");
    assert_eq!(shown(&mixed).await, 400);
    gemini.0.stop().await;
}
