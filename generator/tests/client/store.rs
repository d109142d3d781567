//! Results that lie whole or not at all, also when the store is lost; conversations.

use std::time::Duration;

use bytes::Bytes;
use proto_events::{
    AccountId, Attempt,
    events::{MediaType, Spent},
    media::{Turn, conversation_key},
    subjects::{IMAGES_BUCKET, SESSIONS_BUCKET},
};

use crate::world::{World, generation, generation_of};

fn attempt(n: i64) -> Attempt {
    Attempt::new(n).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_whole_result_is_found_and_no_other() {
    let world = World::start().await;
    let found = |up_to| world.shelf.before(generation(), attempt(up_to).next());
    assert_eq!(found(9).await.unwrap(), None);
    let spent = Spent { latency_ms: 7, ..Spent::default() };
    let (first, second) =
        (world.shelf.slot(generation(), attempt(1)), world.shelf.slot(generation(), attempt(2)));
    let one = first.text("one").await.unwrap();
    assert_eq!(found(9).await.unwrap(), None, "without its manifest it is not whole");
    let sealed = first.seal(std::slice::from_ref(&one), &spent).await.unwrap();
    assert_eq!(first.seal(std::slice::from_ref(&one), &spent).await.unwrap(), sealed, "the same again");
    assert_eq!(found(9).await.unwrap(), Some(sealed.clone()));
    let two = second.text("two, which is longer").await.unwrap();
    let newer = second.seal(std::slice::from_ref(&two), &spent).await.unwrap();
    assert_eq!(found(9).await.unwrap(), Some(newer));
    assert_eq!(found(1).await.unwrap(), Some(sealed.clone()));
    world.store().await.delete(two.object.as_str()).await.unwrap();
    assert_eq!(found(9).await.unwrap(), Some(sealed), "a manifest whose outputs are gone is none");
    assert_eq!(
        (one.media_type, one.bytes, world.object(one.object.as_str()).await),
        (MediaType::Text, 3, b"one".to_vec())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bytes_come_back_as_they_went() {
    let world = World::start().await;
    let bytes: Vec<u8> = (0..1_000_003_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let slot = world.shelf.slot(generation(), attempt(1));
    let mut blob = slot.blob();
    for piece in bytes.chunks(77_777) {
        blob.push(piece).await.unwrap();
    }
    let look = generator::picture::Look { media_type: MediaType::Png, width: 1, height: 1 };
    let output = slot.picture(0, blob, look).await.unwrap();
    assert_eq!(output.bytes as usize, bytes.len());
    assert_eq!(world.object(output.object.as_str()).await, bytes);
    // Eight chunks and an entry; what is left alone goes.
    world.until_messages(9).await;
    let mut left = slot.blob();
    left.push(&bytes).await.unwrap();
    assert!(world.messages().await > 9);
    drop(left);
    world.until_messages(9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_wiped_in_the_middle_is_noticed() {
    let world = World::start().await;
    let slot = world.shelf.slot(generation(), attempt(1));
    let mut blob = slot.blob();
    blob.push(&[7; 500_000]).await.unwrap();
    let media = world.media();
    media.delete_object_store(IMAGES_BUCKET).await.unwrap();
    media.delete_key_value(SESSIONS_BUCKET).await.unwrap();
    world.make_buckets().await;
    let error = blob.push(&[7; 500_000]).await.unwrap_err();
    assert!(matches!(error, generator::shelf::Error::Wiped), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_outlives_a_death_of_the_store() {
    let mut world = World::start().await;
    let slot = world.shelf.slot(generation(), attempt(1));
    let mut blob = slot.blob();
    let piece: Vec<u8> = (0..600_000_u32).map(|n| (n % 251) as u8).collect();
    blob.push(&piece).await.unwrap();
    world.kill_server().await;
    let (pushed, ()) = tokio::join!(blob.push(&piece), world.start_server());
    pushed.unwrap();
    let look = generator::picture::Look { media_type: MediaType::Png, width: 1, height: 1 };
    let output = slot.picture(0, blob, look).await.unwrap();
    slot.seal(std::slice::from_ref(&output), &Spent::default()).await.unwrap();
    assert_eq!(world.object(output.object.as_str()).await, [piece.as_slice(), &piece].concat());
    let found = world.shelf.before(generation(), attempt(2)).await.unwrap();
    assert_eq!(found.unwrap().outputs, [output]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_that_is_refused_for_a_while_is_sent_again() {
    let world = World::start().await;
    let slot = world.shelf.slot(generation(), attempt(1));
    let mut blob = slot.blob();
    let media = world.media();
    let mut stream = media.get_stream(format!("OBJ_{IMAGES_BUCKET}")).await.unwrap();
    let config = stream.cached_info().config.clone();
    let narrow = async_nats::jetstream::stream::Config { max_message_size: 10, ..config.clone() };
    media.update_stream(narrow).await.unwrap();
    let widening = async {
        // Long enough for a first try.
        for _ in 0..100 {
            stream.info().await.unwrap();
        }
        media.update_stream(config).await.unwrap();
    };
    let (pushed, ()) = tokio::join!(blob.push(&[7; 400_000]), widening);
    pushed.unwrap();
    let look = generator::picture::Look { media_type: MediaType::Png, width: 1, height: 1 };
    let output = slot.picture(0, blob, look).await.unwrap();
    assert_eq!(world.object(output.object.as_str()).await, [7; 400_000]);
    // Four chunks and an entry: none twice.
    assert_eq!(world.messages().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_says_so_at_once() {
    let world = World::start().await;
    let slot = world.shelf.slot(generation(), attempt(1));
    let mut blob = slot.blob();
    blob.push(&[7; 200_000]).await.unwrap();
    let media = world.media();
    let stream = media.get_stream(format!("OBJ_{IMAGES_BUCKET}")).await.unwrap();
    let config = stream.cached_info().config.clone();
    // Full: the server says so at once, and nothing is tried again.
    let full = async_nats::jetstream::stream::Config {
        max_bytes: 1,
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        ..config.clone()
    };
    media.update_stream(full).await.unwrap();
    let error =
        tokio::time::timeout(Duration::from_secs(10), blob.push(&[7; 200_000])).await.unwrap().unwrap_err();
    assert!(error.is_full(), "{error:?}");
    assert!(world.shelf.ready().await.unwrap_err().is_full());
    media.update_stream(config).await.unwrap();
    assert!(world.shelf.ready().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_remembered_also_by_two_at_once() {
    let world = World::start().await;
    let account = AccountId::CATALOG;
    assert!(world.shelf.conversation(account, "chat").await.turns.is_empty());
    let turn = |n: u32, answer: &str| Turn {
        generation: generation_of(n),
        prompt: n.to_string(),
        answer: answer.to_owned(),
    };
    let both = (0..4).map(|n| world.shelf.remember(account, "chat", turn(n, "a")));
    futures_util::future::join_all(both).await;
    world.shelf.remember(account, "chat", turn(2, "b")).await;
    let mut turns = world.shelf.conversation(account, "chat").await.turns;
    turns.sort_by(|a, b| a.prompt.cmp(&b.prompt));
    assert_eq!(turns, [turn(0, "a"), turn(1, "a"), turn(2, "b"), turn(3, "a")]);
    assert!(world.shelf.conversation(account, "other").await.turns.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_broken_conversation_stops_nobody() {
    let world = World::start().await;
    let account = AccountId::CATALOG;
    let turn = Turn { generation: generation(), prompt: "p".into(), answer: "a".into() };
    let bucket = world.media().get_key_value(SESSIONS_BUCKET).await.unwrap();
    let key = conversation_key(account, "chat").unwrap();
    bucket.put(&key, Bytes::from_static(b"{broken")).await.unwrap();
    assert!(world.shelf.conversation(account, "chat").await.turns.is_empty());
    world.shelf.remember(account, "chat", turn.clone()).await;
    assert_eq!(world.shelf.conversation(account, "chat").await.turns, vec![turn.clone()]);
    bucket.delete(&key).await.unwrap();
    world.shelf.remember(account, "chat", turn.clone()).await;
    assert_eq!(world.shelf.conversation(account, "chat").await.turns, vec![turn.clone()]);
    world.media().delete_key_value(SESSIONS_BUCKET).await.unwrap();
    world.shelf.remember(account, "chat", turn).await;
    assert!(world.shelf.conversation(account, "chat").await.turns.is_empty());
}
