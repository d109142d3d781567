//! Pictures from an answer into the store: which of them, without what, and in how much memory.

use axum::body::Body;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::future::join_all;
use generator::gemini::{PICTURE_BYTES_MAX, Remedy};
use proto_events::{
    catalog::Api,
    events::{GenerationKind, MediaType, Trouble},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    pixels::{jpeg, png},
    world::{PRO, Scripted, Vendor, World, ask, picture, reply},
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn image(bytes: &[u8]) -> Value {
    json!({"inlineData": {"mimeType": "image/png", "data": BASE64_STANDARD.encode(bytes)}})
}

fn thought(bytes: &[u8]) -> Value {
    let mut part = image(bytes);
    part["thought"] = json!(true);
    part
}

fn with_parts(parts: &Value) -> String {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "modelVersion": "m"})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_pictures_are_kept_and_drafts_are_not() {
    let world = World::start().await;
    let pictures = [png(30, 20), jpeg(40, 20)];
    let parts = json!([thought(&png(8, 8)), image(&pictures[0]), {"text": "and"}, image(&pictures[1])]);
    let vendor = Scripted::saying(200, with_parts(&parts)).await;
    let made = world.call(&vendor.client(), &picture()).await.result.unwrap();
    let kinds: Vec<_> = made.outputs.iter().map(|output| (output.media_type, output.width)).collect();
    assert_eq!(kinds, [(MediaType::Png, Some(30)), (MediaType::Jpeg, Some(40))]);
    for (output, bytes) in made.outputs.iter().zip(&pictures) {
        let kept = world.object(output.object.as_str()).await;
        assert_eq!((&kept, output.bytes as usize), (bytes, bytes.len()));
        assert_eq!(output.sha256.as_str(), hex(&Sha256::digest(&kept)));
    }
    // A chunk and an entry each; what an edit would show again is not kept yet, and gone with its name.
    drop(made.memory);
    world.until_messages(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_in_a_thought_is_the_one_when_there_is_no_other() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    vendor.fault(json!("image_in_thought")).await;
    let made =
        world.call(&vendor.client(&["a-key"]), &ask(GenerationKind::Picture, PRO)).await.result.unwrap();
    let booked = &vendor.calls().await[0]["picture"];
    assert_eq!((made.outputs.len(), json!(made.outputs[0].sha256)), (1, booked["sha256"].clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_the_vendor_refuses_after_all_is_not_for_the_person() {
    let world = World::start().await;
    for refused in [
        json!({"candidates": [{"content": {"parts": [image(&png(9, 9))]}, "finishReason": "IMAGE_SAFETY"}]}),
        json!({"candidates": [{"content": {"parts": [image(&png(9, 9))]}, "finishReason": "STOP"}],
            "promptFeedback": {"blockReason": "OTHER"}}),
    ] {
        let vendor = Scripted::saying(200, refused.to_string()).await;
        let failure = world.call(&vendor.client(), &picture()).await.result.unwrap_err();
        assert_eq!((failure.trouble, failure.remedy), (Trouble::Policy, Remedy::GiveUp));
        world.until_messages(0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_picture_beside_a_bad_one_is_delivered_and_two_bad_ones_are_none() {
    let world = World::start().await;
    let bad = b"no picture, whatever its label says";
    let vendor = Scripted::saying(200, with_parts(&json!([image(bad), image(&png(9, 9))]))).await;
    let made = world.call(&vendor.client(), &picture()).await.result.unwrap();
    assert_eq!((made.outputs.len(), made.outputs[0].width), (1, Some(9)));
    let vendor = Scripted::saying(200, with_parts(&json!([image(bad), image(&png(9, 100_000))]))).await;
    let failure = world.call(&vendor.client(), &picture()).await.result.unwrap_err();
    assert_eq!(
        (failure.trouble, failure.remedy, failure.in_doubt),
        (Trouble::NotAPicture, Remedy::GiveUp, false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_result_tells_beside_its_pixels_does_not_reach_the_store() {
    let world = World::start().await;
    let exif = [b"\xff\xe1\x00\x12Exif\0\0".as_slice(), b"GPS 55.7 N"].concat();
    let mut told = jpeg(64, 32);
    told.splice(2..2, exif);
    told.extend(b"a film of where it was");
    let vendor = Scripted::saying(200, with_parts(&json!([image(&told)]))).await;
    let made = world.call(&vendor.client(), &picture()).await.result.unwrap();
    assert_eq!(world.object(made.outputs[0].object.as_str()).await, jpeg(64, 32));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_telegram_would_not_take_is_too_large_and_leaves_nothing() {
    let world = World::start().await;
    let vendor = Scripted::start(|_, _| async { reply(200, large(PICTURE_BYTES_MAX + 3)) }).await;
    let failure = world.call(&vendor.client(), &picture()).await.result.unwrap_err();
    assert_eq!((failure.trouble, failure.remedy), (Trouble::TooLarge, Remedy::GiveUp), "{failure:?}");
    world.until_messages(0).await;
}

/// So many groups of three bytes in base64, all of them shared.
fn groups(count: usize) -> impl Iterator<Item = Bytes> {
    const PIECE: usize = 16 << 10;
    static GROUPS: std::sync::LazyLock<Bytes> = std::sync::LazyLock::new(|| "QUJD".repeat(PIECE).into());
    let rest = GROUPS.slice(..count % PIECE * 4);
    std::iter::repeat_n(GROUPS.clone(), count / PIECE).chain(std::iter::once(rest))
}

/// A JPEG of so many bytes in an answer that is made while it is read, after a signature of 4 MB.
fn large(bytes: u64) -> Body {
    let start = jpeg(4096, 4096);
    let mut head = start[..start.windows(4).position(|window| window == b"scan").unwrap()].to_vec();
    // The scan begins with what fills the last group.
    head.resize(head.len().div_ceil(3) * 3, 0);
    let scan = (usize::try_from(bytes).unwrap() - head.len()) / 3;
    let opening = r#"{"candidates":[{"content":{"parts":[{"text":"a","thoughtSignature":""#;
    let between = format!(r#""}},{{"inlineData":{{"data":"{}"#, BASE64_STANDARD.encode(head));
    let closing = r#""}}]},"finishReason":"STOP"}]}"#;
    let one = |text: String| std::iter::once(Bytes::from(text));
    let signature = one(opening.into()).chain(groups(1 << 20));
    let all = signature.chain(one(between)).chain(groups(scan)).chain(one(closing.into()));
    Body::from_stream(futures_util::stream::iter(all.map(Ok::<_, std::io::Error>)))
}

/// What this process holds at most, in KB.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Set in a process where nobody else's memory is counted.
const ALONE: &str = "PLANTAIN_ALONE";

#[test]
fn large_answers_hold_little_memory() {
    let arguments = ["--exact", "pictures::many_large_answers_at_once"];
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    let run = alone.args(arguments).env(ALONE, "1").output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}

/// Does its work for [`large_answers_hold_little_memory`].
#[tokio::test(flavor = "multi_thread")]
async fn many_large_answers_at_once() {
    const CALLS: u64 = 8;
    const BYTES: u64 = 20 << 20;
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let world = World::start().await;
    let vendor = Scripted::start(|_, _| async { reply(200, large(BYTES)) }).await;
    let client = vendor.client();
    let before = peak_kb();
    let asks: Vec<_> = (0..CALLS).map(|_| picture()).collect();
    for answered in join_all(asks.iter().map(|ask| world.call(&client, ask))).await {
        let output = &answered.result.unwrap().outputs[0];
        assert_eq!((output.width, u64::from(output.bytes) >> 20), (Some(4096), BYTES >> 20));
    }
    // Each answer has 31 MB of JSON; both ends of the line are here.
    let grown_kb = peak_kb() - before;
    assert!(grown_kb < CALLS * (4 << 10), "{grown_kb} KB for {CALLS} answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn imagen_paints_by_its_own_call_and_filters_without_a_word() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let mut ask = ask(GenerationKind::Picture, "imagen-4.0-generate-001");
    (ask.api, ask.size) = (Api::Predict, None);
    let answered = world.call(&vendor.client(&["a-key"]), &ask).await;
    let made = answered.result.unwrap();
    let booked = &vendor.calls().await[0];
    assert_eq!(
        (&booked["method"], booked["picture"]["bytes"].as_u64()),
        (&json!("predict"), Some(made.outputs[0].bytes.into()))
    );
    assert_eq!((made.outputs[0].width, answered.metered.usage), (Some(1408), None));
    vendor.fault(json!("no_image")).await;
    let failure = world.call(&vendor.client(&["a-key"]), &ask).await.result.unwrap_err();
    assert_eq!((failure.trouble, failure.codes.as_str()), (Trouble::Policy, "filtered"));
}
