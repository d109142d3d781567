//! What the sandbox can do to an answer, and what becomes of it.

use generator::{
    cost,
    gemini::{Ask, Remedy},
};
use proto_events::{
    catalog::Catalog,
    events::{GenerationKind, Trouble},
};
use serde_json::json;

use crate::world::{BANANA, PRO, Vendor, World, ask, picture, text, words};

/// What people must not learn from a picture, as the sandbox writes it into each place.
const TOLD: &[u8] = b"sandbox-metadata";

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_several_pictures_is_kept_and_paid() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let ask = ask(GenerationKind::Picture, PRO);
    vendor.fault(json!("several")).await;
    let answered = world.call(&vendor.client(&["a-key"]), &ask).await;
    let spent = cost::spent(&answered, &ask, Some(&Catalog::default_catalog().unwrap()));
    let outputs = answered.result.unwrap().outputs;
    let booked = &vendor.calls().await[0];
    let painted: Vec<_> =
        booked["pictures"].as_array().unwrap().iter().map(|picture| picture["sha256"].clone()).collect();
    assert_eq!(outputs.iter().map(|output| json!(output.sha256)).collect::<Vec<_>>(), painted);
    assert_eq!((outputs.len(), json!(spent.cost_micro_usd)), (3, booked["cost_micro_usd"].clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_and_what_is_appended_stay_behind() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    for format in ["jpeg", "png"] {
        vendor.fault(json!({"metadata": true, "format": format, "padding_bytes": 2_000_000})).await;
        let made = world.call(&vendor.client(&["a-key"]), &picture()).await.result.unwrap();
        let kept = world.object(made.outputs[0].object.as_str()).await;
        assert!(!contains(&kept, TOLD), "{format}");
        let booked = vendor.calls().await.last().unwrap()["picture"]["bytes"].as_u64().unwrap();
        assert!(kept.len() as u64 + 2_000_000 < booked, "{format}: {} of {booked} bytes", kept.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_4k_picture_with_huge_signatures_passes_whole() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    vendor.fault(json!("huge_signature")).await;
    let ask = Ask { size: Some("4K".into()), ..ask(GenerationKind::Picture, PRO) };
    let made = world.call(&vendor.client(&["a-key"]), &ask).await.result.unwrap();
    let booked = &vendor.calls().await[0]["picture"];
    let output = &made.outputs[0];
    assert_eq!((output.width, output.height), (Some(5504), Some(3072)));
    assert_eq!(json!([output.sha256, output.bytes]), json!([booked["sha256"], booked["bytes"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cut_is_truncated_in_doubt_and_leaves_nothing() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    for (fault, ask) in [
        (json!({"cut": "json"}), picture()),
        (json!({"cut": "json", "clean": true}), picture()),
        (json!({"cut": "base64"}), picture()),
        (json!({"cut": "base64", "clean": true}), picture()),
        (json!({"cut": "json", "clean": true}), text()),
        (json!({"cut": "sse"}), text()),
        (json!({"cut": "sse", "clean": true}), text()),
    ] {
        vendor.fault(fault.clone()).await;
        let failure = world.call(&vendor.client(&["a-key"]), &ask).await.result.unwrap_err();
        let seen = (failure.trouble, failure.remedy, failure.in_doubt);
        assert_eq!(seen, (Trouble::Truncated, Remedy::Later { after: None }, true), "{fault}: {failure:?}");
        world.until_messages(0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_drips_and_what_thinks_comes_whole() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    vendor.fault(json!({"drip_bytes": 3, "drip_ms": 0})).await;
    let made = world.call(&vendor.client(&["a-key"]), &text()).await.result.unwrap();
    let whole = words(&made);
    assert!(whole.contains("лиса в снегу"), "{whole}");
    vendor.fault(json!("thinking")).await;
    let made = world.call(&vendor.client(&["a-key"]), &text()).await.result.unwrap();
    assert_eq!(words(&made), whole, "thoughts are not said");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_that_answered_is_the_one_that_is_billed() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let ask = ask(GenerationKind::Picture, BANANA);
    vendor.fault(json!({"model_version": format!("{PRO}-001")})).await;
    let answered = world.call(&vendor.client(&["a-key"]), &ask).await;
    let spent = cost::spent(&answered, &ask, Some(&Catalog::default_catalog().unwrap()));
    assert_eq!(spent.model_version.unwrap().as_str(), format!("{PRO}-001"));
    assert_eq!(json!(spent.cost_micro_usd), vendor.calls().await[0]["cost_micro_usd"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_over_the_line_is_kept_by_name_and_what_was_paid_is_counted() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let (client, catalog) = (vendor.client(&["a-key"]), Catalog::default_catalog().unwrap());
    let finishes = [
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
        "MAX_TOKENS",
        "A_REASON_OF_2030",
    ];
    let blocks =
        ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK"];
    let finishes = finishes.map(|reason| (json!({"finish": reason}), format!("finish {reason}")));
    let blocks = blocks.map(|reason| (json!({"prompt_blocked": reason}), format!("block {reason}")));
    for (fault, codes) in finishes.into_iter().chain(blocks) {
        for ask in [picture(), text()] {
            vendor.fault(fault.clone()).await;
            let answered = world.call(&client, &ask).await;
            let spent = cost::spent(&answered, &ask, Some(&catalog));
            let failure = answered.result.unwrap_err();
            let seen = (failure.codes.as_str(), failure.remedy, failure.in_doubt);
            assert_eq!(seen, (codes.as_str(), Remedy::GiveUp, false), "{fault}");
            let calls = vendor.calls().await;
            let booked = calls.last().unwrap()["cost_micro_usd"].as_i64().unwrap();
            let cost = spent.cost_micro_usd.map_or(0, |cost| cost.get());
            assert!(cost >= booked && !spent.estimated, "{fault}: {cost} here, {booked} there");
        }
    }
}
