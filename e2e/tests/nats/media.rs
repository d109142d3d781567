//! MEDIA: pictures and sessions, each user as far as it needs them.

use std::collections::BTreeSet;

use async_nats::Client;
use async_nats::jetstream::{self, consumer::push, kv, object_store, stream};
use futures_util::StreamExt as _;
use proto_events::subjects::{IMAGES_BUCKET, SESSIONS_BUCKET};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;
use xtask::machine::Nats;

use super::world::{PATIENCE, World, catch, connect};

/// Over the 2 MB at which the server first asks a reader to keep up (flow control).
const PICTURE_BYTES: u32 = 6 << 20;

struct Media {
    ledger: Client,
    telegram: Client,
    generator: Client,
}

impl Media {
    async fn start(nats: &Nats) -> Self {
        let users = ["media-ledger", "media-telegram", "media-generator"].map(|user| connect(nats, user));
        let [ledger, telegram, generator] = futures_util::future::join_all(users).await.try_into().unwrap();
        let provisioner = jetstream::new(Client::clone(&ledger));
        let images = object_store::Config { bucket: IMAGES_BUCKET.into(), ..Default::default() };
        provisioner.create_object_store(images).await.unwrap();
        let sessions = kv::Config { bucket: SESSIONS_BUCKET.into(), history: 5, ..Default::default() };
        provisioner.create_key_value(sessions).await.unwrap();
        Self { ledger, telegram, generator }
    }
}

async fn images(client: &Client) -> object_store::ObjectStore {
    jetstream::new(client.clone()).get_object_store(IMAGES_BUCKET).await.unwrap()
}

async fn put(client: &Client, name: &str, bytes: &[u8]) {
    let put = images(client).await.put(name, &mut &*bytes).await;
    put.unwrap_or_else(|e| panic!("put {name}: {e}"));
}

async fn get(client: &Client, name: &str) -> Vec<u8> {
    let mut object = images(client).await.get(name).await.unwrap_or_else(|e| panic!("get {name}: {e}"));
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, object.read_to_end(&mut bytes)).await;
    read.unwrap_or_else(|_| panic!("{name} does not come")).unwrap();
    bytes
}

fn picture(seed: u32) -> Vec<u8> {
    (0..PICTURE_BYTES).map(|n| (n.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 24) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_of_media_can_do_its_work() {
    let world = World::apart().await;
    let Media { ledger, telegram, generator } = &Media::start(&world.nats).await;

    for (writer, reader, name) in [(generator, telegram, "g-1/1/0"), (telegram, generator, "reference-1")] {
        for seed in [1, 2] {
            put(writer, name, &picture(seed)).await;
            assert!(get(reader, name).await == picture(seed), "{name}: other bytes");
        }
        assert!(get(ledger, name).await == picture(2), "the console shows {name}");
    }
    images(generator).await.delete("g-1/1/0").await.unwrap();
    assert!(images(telegram).await.get("g-1/1/0").await.is_err(), "deleted");
    images(ledger).await.delete("reference-1").await.unwrap();

    keep_sessions(telegram).await;
    erase_session(ledger).await;
    follow_live(generator, telegram).await;
    read_again(telegram, "OBJ_images", "$O.images.C.x").await;
    read_again(generator, "OBJ_images", "$O.images.C.x").await;
    read_again(telegram, "KV_sessions", "$KV.sessions.>").await;
    assert_eq!(world.refusals(), Vec::<String>::new(), "what is needed is refused");
}

async fn sessions(client: &Client) -> kv::Store {
    jetstream::new(client.clone()).get_key_value(SESSIONS_BUCKET).await.unwrap()
}

async fn keep_sessions(telegram: &Client) {
    let chats = sessions(telegram).await;
    let revision = chats.create("1.2", "a".into()).await.unwrap();
    chats.update("1.2", "b".into(), revision).await.unwrap();
    assert!(chats.update("1.2", "c".into(), revision).await.is_err(), "someone was first");
    chats.put("3.4", "d".into()).await.unwrap();
    assert_eq!(chats.get("1.2").await.unwrap().unwrap(), "b");
    let keys: BTreeSet<String> = chats.keys().await.unwrap().map(Result::unwrap).collect().await;
    assert_eq!(keys, ["1.2", "3.4"].map(String::from).into());
    assert_eq!(chats.history("1.2").await.unwrap().count().await, 2);
    chats.delete("1.2").await.unwrap();
    chats.purge("1.2").await.unwrap();
    assert!(chats.get("1.2").await.unwrap().is_none());
}

async fn erase_session(ledger: &Client) {
    let chats = sessions(ledger).await;
    chats.purge("3.4").await.unwrap();
    assert!(chats.get("3.4").await.unwrap().is_none());
}

async fn follow_live(generator: &Client, telegram: &Client) {
    let mut live = telegram.subscribe("live.generation.g-1").await.unwrap();
    telegram.flush().await.unwrap();
    generator.publish("live.generation.g-1", "half a wo".into()).await.unwrap();
    assert_eq!(catch(&mut live).await.expect("progress comes").payload, "half a wo");
}

/// What a reader does after a gap: its consumer again, now under a name.
async fn read_again(client: &Client, stream: &str, filter: &str) {
    let stream = jetstream::new(client.clone()).get_stream(stream).await.unwrap();
    let config = push::OrderedConfig {
        name: Some("again".into()),
        deliver_subject: client.new_inbox(),
        filter_subject: filter.into(),
        ..push::OrderedConfig::default()
    };
    stream.create_consumer(config).await.unwrap_or_else(|e| panic!("{filter}: {e}"));
    stream.delete_consumer("again").await.unwrap_or_else(|e| panic!("{filter}: {e}"));
}

/// Does JetStream say yes to this within a moment?
async fn allowed(client: &Client, call: &str, payload: &str) -> bool {
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.unwrap();
    client.publish_with_reply(format!("$JS.API.{call}"), inbox, payload.to_owned().into()).await.unwrap();
    catch(&mut answers)
        .await
        .is_some_and(|answer| !String::from_utf8_lossy(&answer.payload).contains("\"error\""))
}

#[tokio::test(flavor = "multi_thread")]
async fn media_stays_what_the_ledger_made_it_and_leads_nowhere_else() {
    let world = World::apart().await;
    let Media { ledger, telegram, generator } = Media::start(&world.nats).await;

    for (user, client) in [("telegram", &telegram), ("generator", &generator)] {
        for call in ["STREAM.DELETE.OBJ_images", "STREAM.DELETE.KV_sessions", "STREAM.PURGE.KV_sessions"] {
            assert!(!allowed(client, call, "").await, "{user}: {call}");
        }
        let config = r#"{"name":"OBJ_images","subjects":["cmd.>"],"storage":"memory"}"#;
        for call in ["STREAM.UPDATE.OBJ_images", "STREAM.CREATE.OBJ_images", "STREAM.CREATE.OBJ_more"] {
            assert!(!allowed(client, call, config).await, "{user}: {call}");
        }
        assert!(!allowed(client, "STREAM.INFO.EVT", "").await, "{user}: EVT is not here");
    }
    assert!(jetstream::new(generator.clone()).get_key_value(SESSIONS_BUCKET).await.is_err(), "telegram's");
    assert!(allowed(&ledger, "STREAM.INFO.OBJ_images", "").await, "still there");

    let payments = jetstream::new(world.connect("payments").await);
    assert!(payments.get_object_store(IMAGES_BUCKET).await.is_err(), "payments has no pictures");

    for client in [&ledger, &telegram, &generator] {
        for subject in
            ["cmd.ledger.telegram.x", "cmd.ledger.payments.x", "evt.ledger.0.x.y", "qry.ledger.telegram.x"]
        {
            client.publish(subject, "{}".into()).await.unwrap();
        }
        client.flush().await.unwrap();
    }
    assert!(jetstream::new(world.ledger.clone()).get_object_store(IMAGES_BUCKET).await.is_err());
    let adapter = world.connect("telegram").await;
    world.settle(&adapter, "telegram").await;
    let heard: Vec<_> = world.heard().into_iter().map(|h| h.subject).collect();
    assert_eq!(heard, ["cmd.ledger.telegram.marker"]);
    assert_eq!(world.events().await, Some(0));
}

/// Inside MEDIA forging works as in any account: a consumer can be made to deliver anywhere there. But
/// nothing leads out of it.
#[tokio::test(flavor = "multi_thread")]
async fn forging_in_media_reaches_nothing_outside() {
    let world = World::apart().await;
    let Media { telegram, generator, .. } = Media::start(&world.nats).await;
    let mut control = telegram.subscribe("live.generation.forged").await.unwrap();
    telegram.flush().await.unwrap();
    put(&generator, "bait", b"bait").await;
    let goals =
        ["cmd.ledger.payments.payment_settle", "evt.ledger.0.CreditsGranted.x", "live.generation.forged"];
    for goal in goals {
        let config = json!({"deliver_subject": goal, "ack_policy": "none", "deliver_policy": "all"});
        let body = json!({"stream_name": "OBJ_images", "config": config}).to_string();
        // Without anyone who listens there, a consumer is refused, or made and silent.
        allowed(&generator, "CONSUMER.CREATE.OBJ_images", &body).await;
        let direct = "$JS.API.DIRECT.GET.OBJ_images.$O.images.>";
        generator.publish_with_reply(direct, goal, "".into()).await.unwrap();
    }
    assert!(catch(&mut control).await.is_some(), "the control: inside MEDIA it arrives");
    let adapter = world.connect("telegram").await;
    world.settle(&adapter, "telegram").await;
    assert_eq!(world.heard().len(), 1, "{:?}", world.heard());
    assert_eq!(world.events().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn media_cannot_take_the_room_of_the_events() {
    let world = World::apart().await;
    let Media { ledger, .. } = Media::start(&world.nats).await;
    let stream = |name: &str, gigabytes: i64| stream::Config {
        name: name.into(),
        max_bytes: gigabytes << 30,
        ..stream::Config::default()
    };
    let media = jetstream::new(ledger);
    media.create_stream(stream("much", 4)).await.expect("the pictures' 4 GB");
    let more = media.create_stream(stream("more", 2)).await.map(|_| ());
    assert!(more.unwrap_err().to_string().contains("insufficient storage"), "more than MEDIA has");
    world.jetstream().create_stream(stream("events", 2)).await.expect("the events' 2 GB");
}
