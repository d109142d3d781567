//! Texts: streamed while they are written, told whole, remembered by their conversation.

use std::time::Duration;

use async_nats::jetstream;
use e2e::people::said;
use e2e::studio::Studio;
use futures_util::StreamExt as _;
use proto_events::media::{Conversation, LivePiece, conversation_key};
use proto_events::subjects::{SESSIONS_BUCKET, live};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

fn conversation(studio: &Studio, generation: proto_events::GenerationId, name: &str) -> Conversation {
    let key = conversation_key(generation.account(), name).unwrap();
    let client = studio.stage.client("media-telegram");
    let kept = async { jetstream::new(client).get_key_value(SESSIONS_BUCKET).await.unwrap().get(key).await };
    let kept = studio.stage.rt.block_on(kept);
    kept.unwrap().map(|kept| serde_json::from_slice(&kept).unwrap()).unwrap_or_default()
}

#[test]
fn an_answer_is_heard_while_it_is_written_and_told_whole() {
    let studio = Studio::open(&[]).unwrap();
    let ada = studio.meet(9_201);
    let media = studio.stage.client("media-telegram");
    let mut pieces = studio.stage.rt.block_on(media.subscribe("live.generation.*")).unwrap();
    studio.stage.rt.block_on(media.flush()).unwrap();
    let generation = studio.ask(ada, "text", "Why is the sky blue?", &json!({}));
    let life = studio.end(generation);
    assert_eq!(life.charged(), 1);
    let told = studio.stage.wait_for(ada, "the answer", |message| said(message, "Why is the sky blue?"));
    let told = told["text"].as_str().unwrap();
    let (told, _) = told.split_once("\n\nSpent: ").unwrap();
    let mut heard = String::new();
    let mut count = 0;
    while heard.chars().count() < told.chars().count() {
        let next = async { tokio::time::timeout(PATIENCE, pieces.next()).await };
        let message =
            studio.stage.rt.block_on(next).unwrap_or_else(|_| panic!("only {heard:?} of {told:?}")).unwrap();
        assert_eq!(message.subject.as_str(), live(generation));
        let piece: LivePiece = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!((piece.attempt.get(), piece.at as usize), (1, heard.chars().count()));
        heard.push_str(&piece.text);
        count += 1;
    }
    assert_eq!(heard, told);
    assert!(count > 3, "{count} pieces");
    let (cost, guess) = life.costs()[0];
    assert_eq!((vec![cost], guess), (studio.billed("Why is the sky blue?"), false));
    studio.stage.assert_verified();
}

#[test]
fn a_conversation_goes_on_and_a_new_name_begins_anew() {
    let studio = Studio::open(&[]).unwrap();
    let ada = studio.meet(9_211);
    let more = json!({"conversation": "c1", "system": "You are a gardener."});
    let turns = |prompt: &str| studio.stage.gemini_calls(prompt)[0]["turns"].as_i64().unwrap_or(0);
    for (prompt, before) in [("How tall is a fern?", 0), ("And a plantain?", 2), ("Which one is greener?", 4)]
    {
        let generation = studio.ask(ada, "text", prompt, &more);
        studio.end(generation);
        assert_eq!(turns(prompt), before, "{prompt}");
        let kept = conversation(&studio, generation, "c1");
        assert_eq!(kept.turns.last().unwrap().prompt, prompt);
        assert!(!kept.turns.last().unwrap().answer.is_empty());
    }
    let anew = studio.ask(ada, "text", "What is a rose?", &json!({"conversation": "c2"}));
    studio.end(anew);
    assert_eq!(turns("What is a rose?"), 0);
    let arrivals = studio.stage.get("/arrivals?vendor=gemini");
    let asked = |arrival: &Value| arrival["body"]["systemInstruction"]["parts"][0]["text"].clone();
    let told: Vec<Value> = arrivals["arrivals"].as_array().unwrap().iter().map(asked).collect();
    assert_eq!(told.iter().filter(|text| **text == "You are a gardener.").count(), 3, "{told:?}");
}

/// Each with its own person; what is heard twice is charged once.
#[test]
fn a_stream_that_breaks_is_made_again_and_one_that_is_refused_is_not() {
    let studio = Studio::open(&[("GENERATOR_CONCURRENCY", "8")]).unwrap();
    let cases: [(&str, Value, &[&str], Option<&str>); 7] = [
        ("a stream cut in an event", json!("cut_json"), &["truncated"], None),
        ("a stream cut between two", json!("cut_sse"), &["truncated"], None),
        ("a stream with an error in it", json!("mid_stream_error"), &["truncated"], None),
        ("a stream without an end", json!("no_finish"), &["truncated"], None),
        ("a stream in drops", json!({"drip_bytes": 16, "drip_ms": 1}), &[], None),
        ("a stream with thoughts", json!("thinking"), &[], None),
        ("a stream that is refused", json!({"finish": "SAFETY"}), &["policy"], Some("policy")),
    ];
    let asked: Vec<_> = (9_221..)
        .zip(&cases)
        .map(|(user, (prompt, fault, ..))| {
            studio.bend(prompt, fault, 1);
            let ada = studio.meet(user);
            (ada, studio.ask(ada, "text", prompt, &json!({})))
        })
        .collect();
    for ((prompt, _, attempts, failed), (ada, generation)) in cases.iter().zip(asked) {
        let life = studio.end(generation);
        assert_eq!(life.attempts(), *attempts, "{prompt}");
        match failed {
            None => {
                assert_eq!(life.charged(), 1, "{prompt}");
                studio.stage.wait_for(ada, "the answer", |message| said(message, prompt));
                assert_eq!(studio.stage.balance_of(ada), (1_004, 0, 0), "{prompt}");
            }
            Some(reason) => {
                assert_eq!(life.newest("GenerationFailed")["reason"], *reason, "{prompt}");
                studio.stage.wait_for(ada, "why", |message| said(message, "refused to answer this"));
                assert_eq!(studio.stage.balance_of(ada), (1_005, 0, 0), "{prompt}");
            }
        }
    }
    studio.stage.assert_verified();
}
