//! What each way of ending means, and what it cost.

use std::time::Duration;

use axum::body::Body;
use generator::{
    cost,
    gemini::{ANSWER_BYTES_MAX, Remedy},
};
use proto_events::{
    catalog::Catalog,
    events::{GenerationKind, MediaType, Trouble},
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::world::{BANANA, FLASH, PRO, Scripted, Vendor, World, ask, client, picture, reply, text};

const LATER: Remedy = Remedy::Later { after: None };

#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_texts_are_made_and_cost_what_the_vendor_books() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let client = vendor.client(&["a-key"]);
    let catalog = Catalog::default_catalog().unwrap();
    let kinds = [
        (GenerationKind::Picture, BANANA, MediaType::Png),
        (GenerationKind::Picture, PRO, MediaType::Jpeg),
        (GenerationKind::Text, FLASH, MediaType::Text),
    ];
    for (at, (kind, model, media_type)) in kinds.into_iter().enumerate() {
        let ask = ask(kind, model);
        let answered = world.call(&client, &ask).await;
        assert!(answered.called);
        let spent = cost::spent(&answered, &ask, Some(&catalog));
        let made = answered.result.unwrap();
        let [output] = made.outputs.as_slice() else { panic!("{made:?}") };
        assert_eq!((output.media_type, output.width.is_some()), (media_type, kind != GenerationKind::Text));
        assert!(output.width > output.height || kind == GenerationKind::Text, "16:9 was asked for");
        assert_eq!(world.object(output.object.as_str()).await.len(), output.bytes as usize);
        assert_eq!(spent.model_version.unwrap().as_str(), model);
        let booked = &vendor.calls().await[at];
        // What this model's words cost is not published alike everywhere: its picture does.
        let (cost, booked) =
            (spent.cost_micro_usd.unwrap().get(), booked["cost_micro_usd"].as_i64().unwrap());
        let slack = if model == BANANA { 50 } else { 0 };
        assert!((cost - booked).abs() <= slack, "{model}: {cost} here, {booked} there");
        assert!(!spent.estimated);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_fail_has_its_trouble_and_remedy() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let wait = Remedy::Later { after: Some(Duration::from_secs(34)) };
    let table = [
        (json!("no_image"), Trouble::NoPicture, Remedy::GiveUp, false),
        (json!("prompt_blocked"), Trouble::Policy, Remedy::GiveUp, false),
        (json!("IMAGE_SAFETY"), Trouble::Policy, Remedy::GiveUp, false),
        (json!({"finish": "A_REASON_OF_2030"}), Trouble::NoPicture, Remedy::GiveUp, false),
        (json!("empty"), Trouble::NoPicture, Remedy::GiveUp, false),
        (json!("text_instead"), Trouble::TextInstead, Remedy::GiveUp, false),
        (json!("not_a_picture"), Trouble::NotAPicture, Remedy::GiveUp, false),
        (json!({"drop": "before"}), Trouble::Truncated, LATER, true),
        (json!({"drop": "after"}), Trouble::Truncated, LATER, true),
        (json!(500), Trouble::VendorError, LATER, false),
        (json!(503), Trouble::Overloaded, LATER, false),
        (json!(504), Trouble::VendorError, LATER, false),
        (json!({"status": 429, "quota": "minute", "retry_after": 34}), Trouble::RateLimited, wait, false),
        (json!({"status": 429, "quota": "day"}), Trouble::QuotaExhausted, Remedy::GiveUp, false),
        (json!({"status": 400, "code": "API_KEY_INVALID"}), Trouble::KeyInvalid, Remedy::Stop, false),
        (json!({"status": 400, "code": "FAILED_PRECONDITION"}), Trouble::RegionBlocked, Remedy::Stop, false),
        (json!(403), Trouble::KeyInvalid, Remedy::GiveUp, false),
        (json!(400), Trouble::InvalidRequest, Remedy::GiveUp, false),
        (json!(404), Trouble::VendorError, Remedy::GiveUp, false),
    ];
    for (fault, trouble, remedy, in_doubt) in table {
        vendor.fault(fault.clone()).await;
        // A client of its own: a refused key stays refused.
        let failure = world.call(&vendor.client(&["a-key"]), &picture()).await.result.unwrap_err();
        let near = match (failure.remedy, remedy) {
            (Remedy::Later { after: Some(after) }, Remedy::Later { after: Some(named) }) => {
                after <= named && named - after < Duration::from_secs(20)
            }
            (seen, expected) => seen == expected,
        };
        assert!(near && failure.trouble == trouble, "{fault}: {failure:?}");
        assert_eq!(failure.in_doubt, in_doubt, "{fault}");
        // What the ledger counts by the trouble's name.
        assert_eq!(trouble.is_in_doubt(), in_doubt, "{fault}");
        assert_eq!(failure.text.is_some(), trouble == Trouble::TextInstead, "{fault}");
        assert!(!failure.codes.contains("лиса") && !failure.codes.contains("a-key"), "{failure:?}");
    }
    assert!(world.call(&vendor.client(&["a-key"]), &picture()).await.result.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_instead_of_a_picture_are_there_to_be_read() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    vendor.fault(json!("text_instead")).await;
    let answered = world.call(&vendor.client(&["a-key"]), &picture()).await;
    let told = answered.result.unwrap_err().text.unwrap();
    assert_eq!(told.media_type, MediaType::Text);
    assert_eq!(world.object(told.object.as_str()).await, b"I can only describe this picture.");
    assert!(answered.metered.usage.is_some(), "it was paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_off_is_in_doubt() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    vendor.fault(json!("truncated")).await;
    let ask = picture();
    let answered = world.call(&vendor.client(&["a-key"]), &ask).await;
    let spent = cost::spent(&answered, &ask, Some(&Catalog::default_catalog().unwrap()));
    let failure = answered.result.unwrap_err();
    // A reset may overtake the bytes that came before it.
    assert!(matches!(failure.trouble, Trouble::Truncated | Trouble::VendorError), "{failure:?}");
    assert_eq!((failure.remedy, failure.in_doubt), (LATER, true));
    assert!(spent.estimated && spent.cost_micro_usd.unwrap().get() >= 33_600, "{spent:?}");
    world.until_messages(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_ends_with_its_time() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    vendor.fault(json!({"hold_ms": 60_000})).await;
    let limit = Duration::from_millis(300);
    let answered = world.call_within(&vendor.client(&["a-key"]), &picture(), limit).await;
    let failure = answered.result.unwrap_err();
    assert_eq!((failure.trouble, failure.remedy), (Trouble::TimedOut, LATER));
    assert!(failure.in_doubt && answered.called && answered.latency >= limit);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_drips_ends_with_its_time_and_leaves_nothing() {
    let world = World::start().await;
    let vendor = Scripted::start(|_, _| async {
        let pieces = futures_util::stream::unfold(0_u64, |at| async move {
            if at > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let piece = match at {
                0 => r#"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAAAA"#.to_owned(),
                _ => "A".repeat(3_000),
            };
            Some((Ok::<_, std::io::Error>(piece), at + 1))
        });
        reply(200, Body::from_stream(pieces))
    })
    .await;
    let answered = world.call_within(&vendor.client(), &picture(), Duration::from_secs(1)).await;
    let failure = answered.result.unwrap_err();
    assert!(matches!(failure.trouble, Trouble::TimedOut | Trouble::NotAPicture), "{failure:?}");
    world.until_messages(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_for_later_and_costs_nothing() {
    let world = World::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let answered = world.call(&client(&url, &["k"]), &text()).await;
    assert!(!answered.called);
    let failure = answered.result.unwrap_err();
    assert_eq!((failure.trouble, failure.remedy, failure.in_doubt), (Trouble::Unreachable, LATER, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_answer_is_left_at_the_limit() {
    let world = World::start().await;
    let spaces = bytes::Bytes::from(vec![b' '; 1 << 20]);
    // In a place that is not kept, so that nothing but the limit ends it.
    let head = bytes::Bytes::from_static(br#"{"candidates":[{"content":{"parts":[{"thoughtSignature":""#);
    let vendor = Scripted::start(move |_, _| {
        let (head, spaces) = (head.clone(), spaces.clone());
        async move {
            let endless = futures_util::stream::iter(std::iter::once(head).chain(std::iter::repeat(spaces)));
            let endless = futures_util::StreamExt::map(endless, Ok::<_, std::io::Error>);
            reply(200, Body::from_stream(endless))
        }
    })
    .await;
    let failure = world.call(&vendor.client(), &picture()).await.result.unwrap_err();
    let seen = (failure.trouble, failure.remedy, failure.in_doubt);
    assert_eq!(seen, (Trouble::TooLarge, Remedy::GiveUp, true), "{ANSWER_BYTES_MAX}");
}
