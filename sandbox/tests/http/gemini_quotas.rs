//! Gemini's quotas by key and model, pages of its models, pictures that are kept.

use serde_json::{Value, json};

use super::support::Sandbox;

async fn ask(sandbox: &Sandbox, key: &str, model: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/gemini/v1beta/models/{model}:generateContent", sandbox.base);
    let answer = sandbox.http.post(url).header("x-goog-api-key", key).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn text() -> Value {
    json!({"contents": [{"parts": [{"text": "a palm"}]}]})
}

async fn set(sandbox: &Sandbox, settings: Value) {
    let request = sandbox.http.put(format!("{}/settings", sandbox.base)).json(&settings);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn each_key_has_so_many_calls_a_minute_to_each_model() {
    let sandbox = Sandbox::start().await;
    set(&sandbox, json!({"gemini_limits": {"per_minute": 2, "per_day": 3}})).await;
    let status = async |key: &str, model: &str| ask(&sandbox, key, model, text()).await.0;
    let flash = "gemini-3.8-flash";
    assert_eq!([status("k-1111", flash).await, status("k-1111", flash).await], [200, 200]);
    let (refused, answer) = ask(&sandbox, "k-1111", flash, text()).await;
    let details = &answer["error"]["details"];
    assert_eq!((refused, &answer["error"]["status"]), (429, &json!("RESOURCE_EXHAUSTED")));
    assert!(details[0]["violations"][0]["quotaId"].as_str().unwrap().contains("PerMinute"));
    let delay = details[1]["retryDelay"].as_str().unwrap().trim_end_matches('s').parse::<f64>().unwrap();
    assert!((0.0..=60.0).contains(&delay), "{delay}");
    assert_eq!([status("k-2222", flash).await, status("k-1111", "gemini-3.5-flash-lite").await], [200, 200]);
    sandbox.advance(60_000).await;
    assert_eq!(status("k-1111", flash).await, 200);
    let (refused, answer) = ask(&sandbox, "k-1111", flash, text()).await;
    let violation = &answer["error"]["details"][0]["violations"][0];
    assert_eq!((refused, violation["quotaId"].as_str().unwrap().contains("PerDay")), (429, true));
    let books = sandbox.get("/books").await;
    let calls = books["gemini"]["calls"].as_array().unwrap();
    let refused: Vec<_> = calls.iter().filter(|call| call["status"] == 429).collect();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|call| call["key"] == "1111" && call["billed"] == false));
    set(&sandbox, json!({"gemini_limits": {"per_minute": null, "per_day": null}})).await;
    assert_eq!(status("k-1111", flash).await, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn models_are_listed_in_pages() {
    let sandbox = Sandbox::start().await;
    let page = async |query: &str| -> Value {
        let url = format!("{}/gemini/v1beta/models?{query}", sandbox.base);
        let answer = sandbox.http.get(url).header("x-goog-api-key", "k").send().await.unwrap();
        answer.json().await.unwrap()
    };
    let first = page("pageSize=3").await;
    assert_eq!(first["models"].as_array().unwrap().len(), 3);
    let token = first["nextPageToken"].as_str().unwrap();
    let second = page(&format!("pageSize=100&pageToken={token}")).await;
    assert!(second.get("nextPageToken").is_none());
    let all = page("").await["models"].as_array().unwrap().len();
    assert_eq!(3 + second["models"].as_array().unwrap().len(), all);
    assert_eq!(page("pageToken=x").await["error"]["status"], "INVALID_ARGUMENT");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_kept_picture_is_the_same_for_everybody_and_heavy() {
    let sandbox = Sandbox::start().await;
    set(&sandbox, json!({"gemini_prepainted": true})).await;
    for prompt in ["a palm", "a fox"] {
        let body = json!({"contents": [{"parts": [{"text": prompt}]}]});
        assert_eq!(ask(&sandbox, "k", "gemini-3-pro-image", body).await.0, 200);
    }
    let books = sandbox.get("/books").await;
    let calls = &books["gemini"]["calls"];
    assert_eq!(calls[0]["picture"], calls[1]["picture"]);
    assert!(calls[0]["picture"]["bytes"].as_u64() > Some(700_000), "{calls}");
    assert!(calls[0]["last_byte_us"].as_u64() >= calls[0]["first_byte_us"].as_u64());
    sandbox.stop().await;
}
