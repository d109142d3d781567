//! The client against the sandbox's Gemini over HTTP, and what it costs by the sandbox's own books.

use std::time::Duration;

use axum::{Router, body::Body, routing::post};
use generator::{
    cost,
    gemini::{Answered, Ask, BODY_BYTES_MAX, Gemini, Options, Remedy},
};
use proto_events::{
    catalog::Catalog,
    events::{GenerationKind, MediaType, Trouble},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

struct Vendor {
    url: String,
    stop: CancellationToken,
    served: JoinHandle<Result<(), sandbox::Error>>,
}

impl Vendor {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let served = tokio::spawn(sandbox::serve(listener, sandbox::Options::default(), stop.clone()));
        Self { url, stop, served }
    }

    async fn fault(&self, fault: Value) {
        let plan = json!({"vendor": "gemini", "call": "generateContent", "fault": fault});
        let planned =
            reqwest::Client::new().post(format!("{}/faults", self.url)).json(&plan).send().await.unwrap();
        assert!(planned.status().is_success(), "{plan}: {}", planned.text().await.unwrap());
    }

    async fn calls(&self) -> Vec<Value> {
        let books: Value = reqwest::get(format!("{}/books", self.url)).await.unwrap().json().await.unwrap();
        books["gemini"]["calls"].as_array().unwrap().clone()
    }

    fn client(&self, keys: &[&str]) -> Gemini {
        client(&format!("{}/gemini/", self.url), keys)
    }

    async fn end(self) {
        self.stop.cancel();
        self.served.await.unwrap().unwrap();
    }
}

fn client(url: &str, keys: &[&str]) -> Gemini {
    Gemini::new(Options {
        url: url.parse().unwrap(),
        keys: keys.iter().map(|key| (*key).into()).collect(),
        call_timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(5),
    })
    .unwrap()
}

fn ask(kind: GenerationKind, model: &str) -> Ask {
    let picture = kind != GenerationKind::Text;
    Ask {
        kind,
        model: model.into(),
        prompt: "лиса в снегу".into(),
        aspect_ratio: picture.then(|| "16:9".into()),
        size: picture.then(|| "1K".into()),
    }
}

async fn made(client: &Gemini, kind: GenerationKind, model: &str) -> Answered {
    client.generate(&ask(kind, model), Duration::from_secs(30)).await
}

#[tokio::test]
async fn pictures_and_texts_are_made_and_cost_what_the_vendor_books() {
    let vendor = Vendor::start().await;
    let client = vendor.client(&["a-key"]);
    let catalog = Catalog::default_catalog().unwrap();
    let kinds = [
        (GenerationKind::Picture, "gemini-nano-banana-2.1", MediaType::Png),
        (GenerationKind::Picture, "gemini-3-pro-image", MediaType::Jpeg),
        (GenerationKind::Text, "gemini-3.8-flash", MediaType::Text),
    ];
    for (at, (kind, model, media_type)) in kinds.into_iter().enumerate() {
        let answered = made(&client, kind, model).await;
        let spent = cost::spent(&answered, "another-name", Some(&catalog));
        let made = answered.result.unwrap();
        assert_eq!((made.media_type, made.width.is_some()), (media_type, kind != GenerationKind::Text));
        assert!(made.width > made.height || kind == GenerationKind::Text, "16:9 was asked for");
        assert_eq!(spent.model_version.unwrap().as_str(), model);
        let booked = &vendor.calls().await[at];
        // What this model's words cost is not published alike everywhere: its picture does.
        let (cost, booked) =
            (spent.cost_micro_usd.unwrap().get(), booked["cost_micro_usd"].as_i64().unwrap());
        let slack = if model == "gemini-nano-banana-2.1" { 50 } else { 0 };
        assert!((cost - booked).abs() <= slack, "{model}: {cost} here, {booked} there");
    }
    vendor.end().await;
}

#[tokio::test]
async fn every_way_to_fail_has_its_trouble_and_remedy() {
    let vendor = Vendor::start().await;
    let client = vendor.client(&["a-key"]);
    let later = Remedy::Later { after: None };
    let table = [
        (json!("no_image"), Trouble::NoPicture, Remedy::GiveUp),
        (json!("prompt_blocked"), Trouble::Policy, Remedy::GiveUp),
        (json!("IMAGE_SAFETY"), Trouble::Policy, Remedy::GiveUp),
        (json!({"finish": "A_REASON_OF_2030"}), Trouble::NoPicture, Remedy::GiveUp),
        (json!("empty"), Trouble::NoPicture, Remedy::GiveUp),
        (json!("text_instead"), Trouble::TextInstead, Remedy::GiveUp),
        (json!("not_a_picture"), Trouble::NotAPicture, Remedy::GiveUp),
        (json!({"drop": "before"}), Trouble::VendorError, later),
        (json!({"drop": "after"}), Trouble::VendorError, later),
        (json!(500), Trouble::VendorError, later),
        (json!(503), Trouble::Overloaded, later),
        (json!(504), Trouble::TimedOut, later),
        (
            json!({"status": 429, "quota": "minute", "retry_after": 34.4}),
            Trouble::RateLimited,
            Remedy::Later { after: Some(Duration::from_millis(34_400)) },
        ),
        (json!({"status": 429, "quota": "day"}), Trouble::QuotaExhausted, Remedy::GiveUp),
        (json!({"status": 400, "code": "API_KEY_INVALID"}), Trouble::KeyInvalid, Remedy::GiveUp),
        (json!(403), Trouble::KeyInvalid, Remedy::GiveUp),
        (json!(404), Trouble::VendorError, Remedy::GiveUp),
    ];
    for (fault, trouble, remedy) in table {
        vendor.fault(fault.clone()).await;
        let failure =
            made(&client, GenerationKind::Picture, "gemini-nano-banana-2.1").await.result.unwrap_err();
        assert_eq!((failure.trouble, failure.remedy), (trouble, remedy), "{fault}: {failure:?}");
        assert!(!failure.codes.contains("лиса") && !failure.codes.contains("a-key"), "{failure:?}");
    }
    assert!(made(&client, GenerationKind::Picture, "gemini-nano-banana-2.1").await.result.is_ok());
    vendor.end().await;
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_for_later() {
    let vendor = Vendor::start().await;
    let client = vendor.client(&["a-key"]);
    vendor.fault(json!("truncated")).await;
    let failure = made(&client, GenerationKind::Picture, "gemini-nano-banana-2.1").await.result.unwrap_err();
    // A reset may overtake the bytes that came before it.
    assert!(matches!(failure.trouble, Trouble::Truncated | Trouble::VendorError), "{failure:?}");
    assert_eq!(failure.remedy, Remedy::Later { after: None });
    vendor.end().await;
}

#[tokio::test]
async fn huge_signatures_and_pictures_in_thoughts_are_read() {
    let vendor = Vendor::start().await;
    let client = vendor.client(&["a-key"]);
    for fault in ["huge_signature", "image_in_thought"] {
        vendor.fault(json!(fault)).await;
        let made = made(&client, GenerationKind::Picture, "gemini-3-pro-image").await.result.unwrap();
        let calls = vendor.calls().await;
        let booked = &calls.last().unwrap()["picture"];
        assert_eq!(made.bytes.len(), booked["bytes"], "{fault}: the last picture is the one");
    }
    vendor.end().await;
}

#[tokio::test]
async fn a_bad_key_costs_no_one_the_picture_while_another_is_good() {
    let vendor = Vendor::start().await;
    let client = vendor.client(&["invalid-key", "good-key"]);
    for _ in 0..4 {
        assert!(made(&client, GenerationKind::Picture, "gemini-nano-banana-2.1").await.result.is_ok());
    }
    let refused = vendor.calls().await.iter().filter(|call| call["outcome"] == "error").count();
    assert!(refused <= 1, "a key that was refused is tried last");
    let lone = vendor.client(&["invalid-key"]);
    let failure = made(&lone, GenerationKind::Picture, "gemini-nano-banana-2.1").await.result.unwrap_err();
    assert_eq!((failure.trouble, failure.remedy), (Trouble::KeyInvalid, Remedy::GiveUp));
    vendor.end().await;
}

#[tokio::test]
async fn a_call_ends_with_its_time() {
    let vendor = Vendor::start().await;
    vendor.fault(json!({"hold_ms": 60_000})).await;
    let client = vendor.client(&["a-key"]);
    let ask = ask(GenerationKind::Picture, "gemini-nano-banana-2.1");
    let answered = client.generate(&ask, Duration::from_millis(300)).await;
    let failure = answered.result.unwrap_err();
    assert_eq!((failure.trouble, failure.remedy), (Trouble::TimedOut, Remedy::Later { after: None }));
    assert!(answered.latency < Duration::from_secs(10));
    vendor.end().await;
}

#[tokio::test]
async fn nobody_there_is_for_later() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = made(&client(&url, &["k"]), GenerationKind::Text, "m").await.result.unwrap_err();
    assert_eq!((failure.trouble, failure.remedy), (Trouble::VendorError, Remedy::Later { after: None }));
}

#[tokio::test]
async fn an_endless_answer_is_left_at_the_limit() {
    let chunk = axum::body::Bytes::from(vec![b' '; 1 << 20]);
    let app = Router::new().fallback(post(move || {
        let chunk = chunk.clone();
        async move {
            let endless = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
            Body::from_stream(endless)
        }
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move { axum::serve(listener, app).await });
    let failure = made(&client(&url, &["k"]), GenerationKind::Picture, "m").await.result.unwrap_err();
    assert_eq!((failure.trouble, failure.remedy), (Trouble::TooLarge, Remedy::GiveUp), "{BODY_BYTES_MAX}");
    served.abort();
}
