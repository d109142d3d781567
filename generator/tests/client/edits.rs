//! Edits and references: what is shown to the model again, and what never leaves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::StreamExt;
use generator::{
    gemini::{Ask, Memory},
    shelf::{Material, Missing, REQUEST_BYTES_MAX, Reference, Wanted},
};
use proto_events::{
    Attempt, GenerationId, Text,
    commands::FileId,
    events::{GenerationKind, MediaType, Trouble},
    media::{FetchFile, Fetched, file_object, turn_object},
    queries::Followed,
    subjects::{FETCH_FILE, IMAGES_BUCKET},
};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    pixels::jpeg,
    world::{BANANA, PATIENCE, PRO, Scripted, Vendor, World, ask, generation_of, picture},
};

fn id(name: &str) -> FileId {
    Text::new(name).unwrap()
}

fn object_of(name: &str) -> String {
    file_object(name)
}

impl World {
    async fn put(&self, name: &str, mut bytes: &[u8]) {
        self.store().await.put(name, &mut bytes).await.unwrap();
    }

    async fn material(
        &self,
        references: &[FileId],
        followed: Option<&Followed>,
    ) -> Result<Material, Missing> {
        let wanted = Wanted { references, followed, pictures_max: 14, words_bytes: 0 };
        self.shelf.material(wanted, Instant::now() + PATIENCE).await
    }

    /// Makes it under the generation's first attempt.
    async fn make(&self, gemini: &generator::gemini::Gemini, generation: GenerationId, ask: &Ask) {
        let attempt = Attempt::new(1).unwrap();
        let slot = self.shelf.slot(generation, attempt);
        let mut live = self.shelf.live(generation, attempt);
        let made = gemini.generate(ask, PATIENCE, &slot, &mut live).await.result.unwrap();
        if let Memory::Turn(keepsake) = made.memory {
            slot.turn(*keepsake).await.unwrap();
        }
    }
}

fn followed(generation: GenerationId, files: &[&str]) -> Followed {
    Followed { generation, file_ids: files.iter().map(|name| id(name)).collect() }
}

fn edit(material: Material) -> Ask {
    Ask { material, prompt: "теперь зимой".into(), ..ask(GenerationKind::Edit, PRO) }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_edits_are_accepted_with_their_signatures() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let client = vendor.client(&["a-key"]);
    world.put(&object_of("face"), &jpeg(640, 480)).await;
    let mut first = ask(GenerationKind::Picture, PRO);
    first.material = world.material(&[id("face")], None).await.unwrap();
    world.make(&client, generation_of(0), &first).await;
    // The sandbox refuses a picture of the model's without its signature, as Google does.
    for n in 1..6 {
        if n == 3 {
            vendor.fault(json!("huge_signature")).await;
        }
        let material = world.material(&[], Some(&followed(generation_of(n - 1), &[]))).await.unwrap();
        assert_eq!(material.earlier.len(), (n as usize).min(4), "the oldest turns are forgotten");
        world.make(&client, generation_of(n), &edit(material)).await;
    }
    let calls = vendor.calls().await;
    assert!(calls.iter().all(|call| call["outcome"] == "picture"), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_before_is_said_again_as_it_was() {
    let world = World::start().await;
    let painted = jpeg(64, 32);
    let answer = json!({"candidates": [{"content": {"parts": [
        {"text": "thinking", "thought": true},
        {"inlineData": {"mimeType": "image/jpeg", "data": BASE64_STANDARD.encode(jpeg(8, 8))}, "thought": true},
        {"text": "here", "thoughtSignature": "c2lnLTE="},
        {"inlineData": {"mimeType": "image/jpeg", "data": BASE64_STANDARD.encode(&painted)}, "thoughtSignature": "c2ln_LTI"},
    ]}, "finishReason": "STOP"}]});
    let vendor = Scripted::saying(200, answer.to_string()).await;
    world.put(&object_of("face"), &jpeg(640, 480)).await;
    let mut first = picture();
    first.material = world.material(&[id("face")], None).await.unwrap();
    world.make(&vendor.client(), generation_of(1), &first).await;
    let material = world.material(&[], Some(&followed(generation_of(1), &[]))).await.unwrap();
    world.make(&vendor.client(), generation_of(2), &edit(material)).await;
    let data = |bytes: &[u8]| json!({"mimeType": "image/jpeg", "data": BASE64_STANDARD.encode(bytes)});
    assert_eq!(
        vendor.heard()[1].body["contents"],
        json!([
            {"role": "user", "parts": [{"text": "лиса в снегу"}, {"inlineData": data(&jpeg(640, 480))}]},
            {"role": "model", "parts": [
                {"text": "here", "thoughtSignature": "c2lnLTE="},
                {"inlineData": data(&painted), "thoughtSignature": "c2ln_LTI"},
            ]},
            {"role": "user", "parts": [{"text": "теперь зимой"}]},
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_that_the_model_does_not_take_back_are_left_for_the_picture() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    let client = vendor.client(&["a-key"]);
    world.make(&client, generation_of(1), &ask(GenerationKind::Picture, PRO)).await;
    let material = world.material(&[], Some(&followed(generation_of(1), &[]))).await.unwrap();
    vendor.fault(json!({"status": 400, "description": "Thought signature is not valid."})).await;
    world.make(&client, generation_of(2), &edit(material)).await;
    let calls = vendor.calls().await;
    let outcomes: Vec<_> = calls.iter().map(|call| call["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["picture", "error", "picture"]);
    assert_eq!(calls[2]["references"][0], calls[0]["picture"]["sha256"]);
    // Of a request without turns the refusal is what it says.
    vendor.fault(json!(400)).await;
    let failure = world.call(&client, &picture()).await.result.unwrap_err();
    assert_eq!((failure.trouble, vendor.calls().await.len()), (Trouble::InvalidRequest, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_is_gone_is_replaced_by_its_picture_and_if_that_is_gone_too_it_is_said() {
    let (world, vendor) = tokio::join!(World::start(), Vendor::start());
    world.make(&vendor.client(&["a-key"]), generation_of(1), &ask(GenerationKind::Picture, PRO)).await;
    let store = world.store().await;
    world.put(&object_of("delivered"), &jpeg(64, 32)).await;
    let both = followed(generation_of(1), &["delivered"]);
    let seen = |material: &Material| (material.earlier.len(), material.references.len());
    assert_eq!(seen(&world.material(&[], Some(&both)).await.unwrap()), (1, 0));
    // What a turn names is a part of it.
    store.delete(format!("{}/1/0", generation_of(1))).await.unwrap();
    assert_eq!(seen(&world.material(&[], Some(&both)).await.unwrap()), (0, 1));
    store.delete(turn_object(generation_of(1))).await.unwrap();
    let material = world.material(&[id("delivered")], Some(&both)).await.unwrap();
    assert_eq!(seen(&material), (0, 2));
    world.make(&vendor.client(&["a-key"]), generation_of(2), &edit(material)).await;
    let nothing = world.material(&[], Some(&followed(generation_of(1), &[]))).await;
    assert!(matches!(nothing, Err(Missing::Gone(_))), "{nothing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_in_the_place_of_a_turn_that_is_gone_are_no_more_than_the_model_takes() {
    let world = World::start().await;
    world.put(&object_of("face"), &jpeg(640, 480)).await;
    for name in ["a", "b", "c"] {
        world.put(&object_of(name), &jpeg(64, 32)).await;
    }
    let follow = followed(generation_of(1), &["a", "b", "c"]);
    for (pictures_max, shown) in [(14, 4), (3, 3), (1, 2)] {
        let wanted =
            Wanted { references: &[id("face")], followed: Some(&follow), pictures_max, words_bytes: 0 };
        let material = world.shelf.material(wanted, Instant::now() + PATIENCE).await.unwrap();
        assert_eq!(material.pictures(), shown, "{pictures_max}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reference_tells_beside_its_pixels_never_leaves() {
    let (world, vendor) = (World::start().await, Scripted::saying(400, "{}").await);
    let exif = [b"\xff\xe1\x00\x12Exif\0\0".as_slice(), b"GPS 55.7 N"].concat();
    let mut told = jpeg(640, 480);
    told.splice(2..2, exif);
    told.extend(b"a film");
    world.put(&object_of("told"), &told).await;
    let mut ask = picture();
    ask.material = world.material(&[id("told")], None).await.unwrap();
    let data = BASE64_STANDARD.encode(jpeg(640, 480)).into();
    let reference = Reference { file: Some(id("told")), media_type: MediaType::Jpeg, data };
    assert_eq!(ask.material.references, [reference]);
    let _ = world.call(&vendor.client(), &ask).await;
    let sent = &vendor.heard()[0].body["contents"][0]["parts"][1]["inlineData"]["data"];
    let sent = BASE64_STANDARD.decode(sent.as_str().unwrap()).unwrap();
    assert_eq!(sent, jpeg(640, 480));
    world.put(&object_of("words"), b"not a picture at all").await;
    let unfit = world.material(&[id("words")], None).await;
    assert!(matches!(unfit, Err(Missing::Unfit(_))), "{unfit:?}");
    world.put(&object_of("bomb"), &jpeg(64, 65_535)).await;
    let bomb = world.material(&[id("bomb")], None).await;
    assert!(matches!(bomb, Err(Missing::TooLarge)), "{bomb:?}");
}

/// Answers for the Telegram adapter: what it is asked and how many asked before.
async fn fetching(
    world: &World,
    answer: impl Fn(&str, usize) -> Fetched + Send + 'static,
) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let mut asked = world.listen(FETCH_FILE).await;
    let (client, counted) = (world.telegram.clone(), count.clone());
    let shelf = world.alike();
    tokio::spawn(async move {
        while let Some(message) = asked.next().await {
            let ask: FetchFile = serde_json::from_slice(&message.payload).unwrap();
            let before = counted.fetch_add(1, Ordering::SeqCst);
            let name = ask.file_id.to_string();
            let told = answer(&name, before);
            if let Fetched::Here(file) = &told {
                shelf.put(file.object.as_str(), &jpeg(640, 480)).await;
            }
            let reply = serde_json::to_vec(&told).unwrap();
            client.publish(message.reply.unwrap(), reply.into()).await.unwrap();
        }
    });
    count
}

fn here(name: &str) -> Fetched {
    let bytes = jpeg(640, 480).len();
    let file = json!({"status": "here", "object": object_of(name), "sha256": "x", "media_type": "jpeg", "bytes": bytes});
    serde_json::from_value(file).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_store_loses_after_the_look_is_fetched_again() {
    let world = World::start().await;
    for name in ["a", "b"] {
        world.put(&object_of(name), &heavy(REQUEST_BYTES_MAX / 4 * 3 - 6_000)).await;
    }
    let count = fetching(&world, |name, _| here(name)).await;
    // Room for one of them: the second is looked at, and waits.
    let shelf = world.shelf_of(0);
    let (first, second) = ([id("a")], [id("b")]);
    let wanted = |references| Wanted { references, followed: None, pictures_max: 14, words_bytes: 0 };
    let held = shelf.material(wanted(&first), Instant::now() + PATIENCE).await.unwrap();
    let waiting = shelf.material(wanted(&second), Instant::now() + PATIENCE);
    tokio::pin!(waiting);
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut waiting).await.is_err());
    world.store().await.delete(object_of("b")).await.unwrap();
    drop(held);
    assert_eq!(waiting.await.unwrap().references.len(), 1);
    assert_eq!(count.load(Ordering::SeqCst), 1);

    // The bucket drops its oldest first: chunks before their entry.
    let info = world.store().await.info(object_of("a")).await.unwrap();
    let images = world.media().get_stream(format!("OBJ_{IMAGES_BUCKET}")).await.unwrap();
    images.purge().filter(format!("$O.{IMAGES_BUCKET}.C.{}", info.nuid)).await.unwrap();
    assert_eq!(world.material(&first, None).await.unwrap().references.len(), 1);
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_fetched_once_and_asked_for_until_it_is_there() {
    let world = World::start().await;
    let reason = || Text::new("why").unwrap();
    let count = fetching(&world, move |name, before| match name {
        "slow" if before == 0 => Fetched::Later { reason: reason() },
        "gone" => Fetched::Gone { reason: reason() },
        "film" => Fetched::Unfit { reason: reason() },
        name => here(name),
    })
    .await;
    for _ in 0..2 {
        assert_eq!(world.material(&[id("slow")], None).await.unwrap().references.len(), 1);
    }
    assert_eq!(count.load(Ordering::SeqCst), 2, "later, here, and then it lies there");
    assert!(matches!(world.material(&[id("gone")], None).await, Err(Missing::Gone(_))));
    assert!(matches!(world.material(&[id("film")], None).await, Err(Missing::Unfit(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_fetches_is_for_later() {
    let world = World::start().await;
    let wanted = Wanted { references: &[id("a")], followed: None, pictures_max: 14, words_bytes: 0 };
    let until = Instant::now() + Duration::from_millis(300);
    assert!(matches!(world.shelf.material(wanted, until).await, Err(Missing::Away(_))));
}

/// A JPEG of about so many bytes.
fn heavy(bytes: usize) -> Vec<u8> {
    let mut heavy = jpeg(640, 480);
    heavy.truncate(heavy.len() - 2);
    heavy.resize(bytes - 2, 7);
    heavy.extend(b"\xff\xd9");
    heavy
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_bounded_each_and_together() {
    let world = World::start().await;
    for name in ["a", "b"] {
        world.put(&object_of(name), &heavy(REQUEST_BYTES_MAX / 4 * 3 - 6_000)).await;
    }
    let too_large = world.material(&[id("a"), id("b")], None).await;
    assert!(matches!(too_large, Err(Missing::TooLarge)), "{too_large:?}");
    // Room for one of them.
    let shelf = world.shelf_of(0);
    let first = [id("a")];
    let held = shelf.material(
        Wanted { references: &first, followed: None, pictures_max: 14, words_bytes: 0 },
        Instant::now() + PATIENCE,
    );
    let held = held.await.unwrap();
    let second = [id("b")];
    let waiting = || Wanted { references: &second, followed: None, pictures_max: 14, words_bytes: 0 };
    let soon = Instant::now() + Duration::from_millis(300);
    assert!(
        matches!(shelf.material(waiting(), soon).await, Err(Missing::Away(_))),
        "it held more than its room"
    );
    drop(held);
    assert!(shelf.material(waiting(), Instant::now() + PATIENCE).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_take_room_beside_pictures() {
    let world = World::start().await;
    world.put(&object_of("face"), &heavy(REQUEST_BYTES_MAX / 4 * 3 - 6_000)).await;
    let beside = async |words_bytes| {
        let wanted = Wanted { references: &[id("face")], followed: None, pictures_max: 14, words_bytes };
        world.shelf.material(wanted, Instant::now() + PATIENCE).await
    };
    assert!(beside(4_000).await.is_ok());
    assert!(matches!(beside(100_000).await, Err(Missing::TooLarge)));
    // Of a turn too: one that says too much beside a large picture is left for its picture.
    let said = "я".repeat(100_000);
    let painted = json!({"candidates": [{"content": {"parts": [
        {"text": said}, {"inlineData": {"mimeType": "image/jpeg", "data": BASE64_STANDARD.encode(jpeg(8, 8))}},
    ]}, "finishReason": "STOP"}]});
    let vendor = Scripted::saying(200, painted.to_string()).await;
    world.make(&vendor.client(), generation_of(1), &picture()).await;
    world.put(&object_of("delivered"), &jpeg(8, 8)).await;
    let follow = followed(generation_of(1), &["delivered"]);
    assert_eq!(world.material(&[], Some(&follow)).await.unwrap().earlier.len(), 1);
    assert!(world.material(&[id("face")], Some(&follow)).await.unwrap().earlier.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_beyond_the_bounds_goes_without_its_references_or_not_at_all() {
    let world = World::start().await;
    world.put(&object_of("heavy"), &heavy(9 << 20)).await;
    let mut first = ask(GenerationKind::Picture, BANANA);
    first.material = world.material(&[id("heavy")], None).await.unwrap();
    let painted = json!({"candidates": [{"content": {"parts": [{"inlineData": {"data": BASE64_STANDARD.encode(jpeg(8, 8))}}]}, "finishReason": "STOP"}]});
    let scripted = Scripted::saying(200, painted.to_string()).await;
    world.make(&scripted.client(), generation_of(1), &first).await;
    drop(first);
    let follow = followed(generation_of(1), &["face"]);
    world.put(&object_of("face"), &jpeg(640, 480)).await;
    let whole = world.material(&[], Some(&follow)).await.unwrap();
    assert_eq!((whole.earlier.len(), whole.pictures()), (1, 2));
    let beside = world.material(&[id("heavy")], Some(&follow)).await.unwrap();
    assert_eq!((beside.earlier.len(), beside.pictures()), (1, 2), "without the reference of the turn");
    let narrow =
        Wanted { references: &[id("face")], followed: Some(&follow), pictures_max: 1, words_bytes: 0 };
    let narrow = world.shelf.material(narrow, Instant::now() + PATIENCE).await.unwrap();
    assert_eq!(
        (narrow.earlier.len(), narrow.references.len()),
        (0, 2),
        "the model takes one: the picture alone"
    );
}
