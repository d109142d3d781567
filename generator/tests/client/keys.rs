//! Several keys over HTTP: which is used, which rests, and what is said when none is left.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::body::Body;
use generator::gemini::{Ready, Remedy};
use proto_events::events::Trouble;
use serde_json::json;

use crate::world::{BANANA, PATIENCE, PRO, Scripted, Vendor, World, client, picture, reply};

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_used_turn_by_turn_and_a_bad_one_costs_nobody_a_picture() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let client = vendor.client(&["one-aaaa", "invalid-key", "two-bbbb"]);
    for _ in 0..6 {
        assert!(world.call(&client, &picture()).await.result.is_ok());
    }
    let calls = vendor.calls().await;
    let with =
        |key: &str| calls.iter().filter(|call| call["key"] == key && call["outcome"] == "picture").count();
    assert_eq!((with("aaaa"), with("bbbb")), (3, 3));
    assert_eq!(client.ready(BANANA), Ready::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minutes_quota_of_all_keys_is_waited_out_without_calls() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let client = vendor.client(&["one-aaaa", "two-bbbb"]);
    for seconds in [40, 30] {
        vendor.fault(json!({"status": 429, "quota": "minute", "retry_after": seconds})).await;
    }
    let refused = world.call(&client, &picture()).await;
    assert!(refused.called);
    let failure = refused.result.unwrap_err();
    let Remedy::Later { after: Some(after) } = failure.remedy else { panic!("{failure:?}") };
    assert!((20..=30).contains(&after.as_secs()), "the first key that is back: {after:?}");
    assert!(matches!(client.ready(BANANA), Ready::RestsUntil(_)));
    assert_eq!(client.ready(PRO), Ready::Ready, "a quota is of a model");
    let before = vendor.calls().await.len();
    let resting = world.call(&client, &picture()).await;
    assert!(!resting.called && resting.result.unwrap_err().trouble == Trouble::RateLimited);
    assert_eq!(vendor.calls().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_quota_turns_to_the_next_key_until_none_is_left() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let client = vendor.client(&["one-aaaa", "two-bbbb"]);
    vendor.fault(json!({"status": 429, "quota": "day"})).await;
    assert!(world.call(&client, &picture()).await.result.is_ok());
    assert_eq!(client.ready(BANANA), Ready::Ready);
    vendor.fault(json!({"status": 429, "quota": "day"})).await;
    let failure = world.call(&client, &picture()).await.result.unwrap_err();
    assert_eq!((failure.trouble, failure.remedy), (Trouble::QuotaExhausted, Remedy::GiveUp));
    assert_eq!(client.ready(BANANA), Ready::QuotaGone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_finds_a_key_and_a_place_good_again() {
    let world = World::start().await;
    let well = Arc::new(AtomicBool::new(false));
    for (refusal, trouble) in [
        (
            json!({"error": {"status": "PERMISSION_DENIED", "details": [{"reason": "CONSUMER_SUSPENDED"}]}}),
            Trouble::KeyInvalid,
        ),
        (
            json!({"error": {"message": "User location is not supported for the API use."}}),
            Trouble::RegionBlocked,
        ),
    ] {
        well.store(false, Ordering::SeqCst);
        let (answers, status) = (well.clone(), if trouble == Trouble::KeyInvalid { 403 } else { 400 });
        let vendor = Scripted::start(move |_, _| {
            let (well, refusal) = (answers.load(Ordering::SeqCst), refusal.to_string());
            async move { if well { reply(200, Body::from("{}")) } else { reply(status, Body::from(refusal)) } }
        })
        .await;
        let client = client(&vendor.url, &["a-key", "b-key"]);
        let failure = world.call(&client, &picture()).await.result.unwrap_err();
        assert_eq!((failure.trouble, failure.remedy), (trouble, Remedy::Stop));
        assert_eq!(client.ready(BANANA), Ready::NoGoodKey);
        let calls = vendor.heard().len();
        assert_eq!(calls, if trouble == Trouble::KeyInvalid { 2 } else { 1 });
        let mut healed = false;
        let probing = async {
            while client.ready(BANANA) == Ready::NoGoodKey {
                client.probe().await;
                if vendor.heard().len() > calls && !healed {
                    assert_eq!(client.ready(BANANA), Ready::NoGoodKey, "the probe was refused too");
                    healed = true;
                    well.store(true, Ordering::SeqCst);
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, probing).await.expect("a probe that finds it good");
        assert_eq!(client.ready(BANANA), Ready::Ready);
        let probes: BTreeSet<_> = vendor.heard()[calls..].iter().map(|call| call.path.clone()).collect();
        assert_eq!(probes, BTreeSet::from(["/v1beta/models?pageSize=1".to_owned()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_google_denies_us_stops_no_other() {
    let world = World::start().await;
    let denied =
        json!({"error": {"status": "PERMISSION_DENIED", "message": "The caller does not have permission"}});
    let vendor = Scripted::saying(403, denied.to_string()).await;
    let client = client(&vendor.url, &["a-key", "b-key"]);
    for calls in [2, 0] {
        let before = vendor.heard().len();
        let failure = world.call(&client, &picture()).await.result.unwrap_err();
        assert_eq!((failure.trouble, failure.remedy), (Trouble::KeyInvalid, Remedy::GiveUp));
        assert_eq!(vendor.heard().len() - before, calls, "each key is asked, and then none");
    }
    assert_eq!((client.ready(BANANA), client.ready(PRO)), (Ready::Denied, Ready::Ready));
    assert!(client.has_good_key());
    client.probe().await;
    assert_eq!(vendor.heard().len(), 2, "nothing is to be probed");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_and_no_prompt_is_in_a_url_or_in_what_can_be_printed() {
    let world = World::start().await;
    let vendor = Scripted::saying(400, r#"{"error":{"message":"лиса в снегу a-key"}}"#).await;
    let client = client(&vendor.url, &["a-key"]);
    let ask = picture();
    let answered = tokio::time::timeout(PATIENCE, world.call(&client, &ask)).await.unwrap();
    let printed = format!("{ask:?} {answered:?}");
    assert!(!printed.contains("лиса") && !printed.contains("a-key"), "{printed}");
    let heard = vendor.heard();
    assert_eq!((heard[0].key.as_str(), heard[0].path.contains("key")), ("a-key", false));
    assert!(heard[0].body.to_string().contains("лиса"));
}
