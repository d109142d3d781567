//! Texts: streamed to whoever listens, whole in the store.

use axum::body::Body;
use futures_util::StreamExt;
use generator::gemini::{Remedy, Said, TEXT_BYTES_MAX};
use proto_events::{events::Trouble, media::LivePiece, subjects};
use serde_json::{Value, json};

use crate::world::{PATIENCE, Scripted, Vendor, World, generation, reply, text, words};

fn event(text: &str, finish: Option<&str>) -> String {
    let candidate = json!({"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": finish});
    format!("data: {}\r\n\r\n", json!({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 5}}))
}

async fn heard(subscription: &mut async_nats::Subscriber) -> LivePiece {
    let message = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("a piece").unwrap();
    serde_json::from_slice(&message.payload).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_told_piece_by_piece_and_kept_whole() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let mut listening = world.listen(subjects::live(generation())).await;
    let mut ask = text();
    ask.system = Some("Отвечай коротко".into());
    ask.turns = vec![Said { prompt: "кто ты?".into(), answer: "лиса".into() }];
    let answered = world.call(&vendor.client(&["a-key"]), &ask).await;
    let made = answered.result.unwrap();
    let text = words(&made);
    assert!(text.contains("реплик"), "the conversation was not seen: {text}");
    assert_eq!(world.object(made.outputs[0].object.as_str()).await, text.as_bytes());
    assert!(answered.metered.usage.unwrap().output_tokens > 0);
    let (mut told, mut pieces) = (String::new(), 0);
    while told.len() < text.len() {
        let piece = heard(&mut listening).await;
        assert_eq!(piece.at as usize, told.chars().count());
        told.push_str(&piece.text);
        pieces += 1;
    }
    assert_eq!(told, text);
    assert!(pieces > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_piece_is_told_while_the_rest_is_not_written_yet() {
    let world = World::start().await;
    let mut listening = world.listen(subjects::live(generation())).await;
    let (go_on, waiting) = tokio::sync::watch::channel(false);
    let vendor = Scripted::start(move |_, _| {
        let mut waiting = waiting.clone();
        async move {
            let first = futures_util::stream::iter([event("one ", None)]);
            let rest = futures_util::stream::once(async move {
                waiting.wait_for(|go| *go).await.unwrap();
                event("two", Some("STOP"))
            });
            reply(200, Body::from_stream(first.chain(rest).map(Ok::<_, std::io::Error>)))
        }
    })
    .await;
    let client = vendor.client();
    let (ask, listener) = (text(), async {
        assert_eq!(heard(&mut listening).await.text, "one ");
        go_on.send(true).unwrap();
    });
    let (answered, ()) = tokio::join!(world.call(&client, &ask), listener);
    assert_eq!(words(&answered.result.unwrap()), "one two");
}

/// What comes of a stream.
async fn outcome(world: &World, stream: String) -> Result<String, (Trouble, Remedy, bool)> {
    let vendor = Scripted::saying(200, stream).await;
    let answered = world.call(&vendor.client(), &text()).await;
    answered.result.map(|made| words(&made)).map_err(|f| (f.trouble, f.remedy, f.in_doubt))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_of_a_stream_has_its_meaning() {
    let world = World::start().await;
    let later = Remedy::Later { after: None };
    let truncated = Err((Trouble::Truncated, later, true));
    let one = event("one", None);
    let error = |code: u16, status: &str| json!({"error": {"code": code, "status": status}});
    let overloaded = error(503, "UNAVAILABLE");
    let pretty = serde_json::to_string_pretty(&overloaded).unwrap().replace('\n', "\r\n");
    let stop: Value = json!({"candidates": [{"finishReason": "STOP"}]});
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}});
    let table: [(String, Result<&str, _>); 17] = [
        (format!("{one}{}", event("", Some("STOP"))), Ok("one")),
        (format!("{one}data: {stop}\n\n"), Ok("one")),
        (format!("{one}data: {stop}"), Ok("one")),
        (format!(": hello\r\n\r\n{one}data: {stop}\r\r"), Ok("one")),
        (event("one", Some("MAX_TOKENS")), Ok("one")),
        (event("one", Some("A_REASON_OF_2030")), Ok("one")),
        (event("one", Some("STOP")) + &pretty, Ok("one")),
        (one.clone(), truncated),
        (format!("{one}data: {{\"candidates\": [{{\"con"), truncated),
        (format!("{one}{pretty}"), truncated),
        (format!("{one}data: {overloaded}\r\n\r\n"), truncated),
        (String::new(), truncated),
        (pretty.clone(), Err((Trouble::Overloaded, later, false))),
        (
            format!("data: {}\n\n", error(400, "INVALID_ARGUMENT")),
            Err((Trouble::InvalidRequest, Remedy::GiveUp, false)),
        ),
        (event("one", Some("SAFETY")), Err((Trouble::Policy, Remedy::GiveUp, false))),
        (format!("data: {blocked}\r\n\r\n"), Err((Trouble::Policy, Remedy::GiveUp, false))),
        (event("", Some("MAX_TOKENS")), Err((Trouble::Truncated, Remedy::GiveUp, false))),
    ];
    for (stream, expected) in table {
        let seen = outcome(&world, stream.clone()).await;
        assert_eq!(seen, expected.map(str::to_owned), "{stream:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandboxs_broken_streams_are_truncated() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    for fault in ["mid_stream_error", "no_finish"] {
        vendor.fault(json!(fault)).await;
        let answered = world.call(&vendor.client(&["a-key"]), &text()).await;
        assert!(answered.metered.usage.is_some(), "{fault}: some was counted");
        let failure = answered.result.unwrap_err();
        assert_eq!((failure.trouble, failure.in_doubt), (Trouble::Truncated, true), "{fault}: {failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_without_an_end_is_kept_as_far_as_people_read() {
    let world = World::start().await;
    let piece = "длинно ".repeat(500);
    let stream: String = (0..20).map(|_| event(&piece, None)).collect();
    let text = outcome(&world, stream + &event("", Some("STOP"))).await.unwrap();
    assert!((TEXT_BYTES_MAX - 1..=TEXT_BYTES_MAX).contains(&text.len()), "{}", text.len());
    // An event without an end holds no memory.
    let endless = format!("data: {{\"text\":\"{}", "x".repeat(3 << 20));
    assert_eq!(outcome(&world, endless).await, Err((Trouble::TooLarge, Remedy::GiveUp, true)));
    let signed = format!(
        "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"a\",\"thoughtSignature\":\"{}\"}}]}},\"finishReason\":\"STOP\"}}]}}\n\n",
        "x".repeat(3 << 20)
    );
    assert_eq!(outcome(&world, signed).await, Ok("a".to_owned()));
}
