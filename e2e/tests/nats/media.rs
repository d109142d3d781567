//! MEDIA: pictures and sessions, each user as far as it needs them.

use std::collections::BTreeSet;

use async_nats::Client;
use async_nats::jetstream::{self, consumer::push, kv, object_store, stream};
use futures_util::StreamExt as _;
use proto_events::subjects::{FETCH_FILE, IMAGES_BUCKET, LIVE_FLOOD, SESSIONS_BUCKET};
use serde_json::json;
use service::objects::Chunks;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;
use xtask::machine::Nats;

use super::world::{PATIENCE, World, comes, connect};

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

/// As adapters read: without being a consumer.
async fn chunk_by_chunk(client: &Client, name: &str) -> Vec<u8> {
    let object = images(client).await.info(name).await.unwrap();
    let mut chunks = Chunks::of(&jetstream::new(client.clone()), &object).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

fn picture(seed: u32) -> Vec<u8> {
    (0..PICTURE_BYTES).map(|n| (n.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 24) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_of_media_can_do_its_work() {
    for world in [World::apart().await, World::apart_with_second_acks().await] {
        work(&world).await;
        assert_eq!(world.refusals(), Vec::<String>::new(), "what is needed is refused");
    }
}

async fn work(world: &World) {
    let Media { ledger, telegram, generator } = &Media::start(&world.nats).await;

    for (writer, reader, name) in [(generator, telegram, "g-1/1/0"), (telegram, generator, "reference-1")] {
        for seed in [1, 2] {
            put(writer, name, &picture(seed)).await;
            assert!(chunk_by_chunk(reader, name).await == picture(seed), "{name}: other bytes");
        }
        assert!(get(ledger, name).await == picture(2), "the console shows {name}");
    }
    images(generator).await.delete("g-1/1/0").await.unwrap();
    assert!(images(telegram).await.get("g-1/1/0").await.is_err(), "deleted");
    images(ledger).await.delete("reference-1").await.unwrap();

    keep_sessions(telegram).await;
    erase_session(ledger).await;
    go_on_with_a_chat(generator, telegram).await;
    follow_live(generator, telegram).await;
    tell_of_a_flood(world, telegram).await;
    ask_for_a_file(generator, telegram).await;
    read_again(telegram, "KV_sessions", "$KV.sessions.>").await;
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

async fn go_on_with_a_chat(generator: &Client, telegram: &Client) {
    let key = format!("chat.{}.a-1", proto_events::AccountId::CATALOG);
    let [theirs, ours] = [sessions(generator).await, sessions(telegram).await];
    let revision = theirs.create(&key, "a".into()).await.unwrap();
    assert_eq!(ours.get(&key).await.unwrap().unwrap(), "a");
    theirs.update(&key, "b".into(), revision).await.unwrap();
    assert_eq!(theirs.get(&key).await.unwrap().unwrap(), "b");
}

async fn ask_for_a_file(generator: &Client, telegram: &Client) {
    let mut asked = telegram.queue_subscribe(FETCH_FILE, "telegram".into()).await.unwrap();
    images(telegram).await; // an answer: so the server knows of the subscription
    let answered = async {
        let question = comes(&mut asked).await;
        telegram.publish(question.reply.unwrap(), "there".into()).await.unwrap();
    };
    let (answer, ()) = tokio::join!(generator.request(FETCH_FILE, "{}".into()), answered);
    assert_eq!(answer.unwrap().payload, "there");
}

async fn follow_live(generator: &Client, telegram: &Client) {
    let mut live = telegram.subscribe("live.generation.g-1").await.unwrap();
    images(telegram).await; // an answer: so the server knows of the subscription
    generator.publish("live.generation.g-1", "half a wo".into()).await.unwrap();
    assert_eq!(comes(&mut live).await.payload, "half a wo");
}

/// From one instance to another.
async fn tell_of_a_flood(world: &World, telegram: &Client) {
    let other = world.connect("media-telegram").await;
    let mut notices = other.subscribe(LIVE_FLOOD).await.unwrap();
    images(&other).await; // an answer: so the server knows of the subscription
    telegram.publish(LIVE_FLOOD, "quiet".into()).await.unwrap();
    assert_eq!(comes(&mut notices).await.payload, "quiet");
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
    if filter.starts_with("$KV") {
        // So a key-value reader makes sure that it has seen all.
        stream.consumer_info("again").await.unwrap_or_else(|e| panic!("{filter}: {e}"));
    }
    stream.delete_consumer("again").await.unwrap_or_else(|e| panic!("{filter}: {e}"));
}

/// Does JetStream do this for whom it should not?
async fn allows(world: &World, client: &Client, call: &str, payload: &str) -> bool {
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.unwrap();
    client.publish_with_reply(format!("$JS.API.{call}"), inbox, payload.to_owned().into()).await.unwrap();
    world.brings(&mut answers, |a| !String::from_utf8_lossy(&a.payload).contains("\"error\"")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn media_stays_what_the_ledger_made_it_and_leads_nowhere_else() {
    let world = World::apart().await;
    let Media { ledger, telegram, generator } = Media::start(&world.nats).await;

    for (user, client) in [("telegram", &telegram), ("generator", &generator)] {
        let read = "CONSUMER.CREATE.OBJ_images";
        for call in
            ["STREAM.DELETE.OBJ_images", "STREAM.DELETE.KV_sessions", "STREAM.PURGE.KV_sessions", read]
        {
            assert!(!allows(&world, client, call, "").await, "{user}: {call}");
        }
        let config = r#"{"name":"OBJ_images","subjects":["cmd.>"],"storage":"memory"}"#;
        for call in ["STREAM.UPDATE.OBJ_images", "STREAM.CREATE.OBJ_images", "STREAM.CREATE.OBJ_more"] {
            assert!(!allows(&world, client, call, config).await, "{user}: {call}");
        }
    }
    let payments = world.connect("payments").await;
    let draft = "DIRECT.GET.KV_sessions.$KV.sessions.1.2";
    sessions(&telegram).await.put("1.2", "a draft".into()).await.unwrap();
    assert!(allows(&world, &telegram, draft, "").await, "the control");
    for (client, call, why) in [
        (&telegram, "STREAM.INFO.EVT", "EVT is not here"),
        (&generator, draft, "drafts are telegram's"),
        (&generator, "CONSUMER.CREATE.KV_sessions", "others' conversations are not to be listed"),
        (&payments, "STREAM.INFO.OBJ_images", "payments has no pictures"),
        (&world.ledger, "STREAM.INFO.OBJ_images", "pictures are not in the ledger's account"),
    ] {
        assert!(!allows(&world, client, call, "").await, "{why}");
    }
    images(&ledger).await; // still there

    for client in [&ledger, &telegram, &generator] {
        for subject in
            ["cmd.ledger.telegram.x", "cmd.ledger.payments.x", "evt.ledger.0.x.y", "qry.ledger.telegram.x"]
        {
            client.publish(subject, "{}".into()).await.unwrap();
        }
        client.flush().await.unwrap();
    }
    let adapter = world.connect("telegram").await;
    world.settle(&adapter, "telegram").await;
    let reached = async || world.heard().len() > 1 || world.events().await != Some(0);
    assert!(!world.happens(reached).await, "{:?}", world.heard());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_asked_for_by_the_generator_and_brought_by_telegram_only() {
    let world = World::apart().await;
    let Media { ledger, telegram, generator } = Media::start(&world.nats).await;
    let mut asked = telegram.subscribe(FETCH_FILE).await.unwrap();
    let mut spied = generator.subscribe(FETCH_FILE).await.unwrap();
    images(&telegram).await; // an answer: so the server knows of the subscription
    let payments = world.connect("payments").await;
    for client in [&ledger, &telegram, &payments] {
        client.publish(FETCH_FILE, "forged".into()).await.unwrap();
        client.flush().await.unwrap();
    }
    generator.publish(FETCH_FILE, "asked".into()).await.unwrap();
    // The control: what is allowed arrives, and after it nothing else is on its way.
    assert_eq!(comes(&mut asked).await.payload, "asked");
    assert!(!world.brings(&mut asked, |_| true).await, "somebody else asked");
    assert!(!world.brings(&mut spied, |_| true).await, "the generator hears questions");

    sessions(&telegram).await.put("1.2", "a draft".into()).await.unwrap();
    generator.publish("$KV.sessions.1.2", "forged".into()).await.unwrap();
    images(&generator).await;
    assert_eq!(sessions(&telegram).await.get("1.2").await.unwrap().unwrap(), "a draft");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_telegram_tells_or_hears_of_a_flood() {
    let world = World::apart().await;
    let Media { ledger, telegram, generator } = Media::start(&world.nats).await;
    let mut notices = telegram.subscribe(LIVE_FLOOD).await.unwrap();
    let mut spied = generator.subscribe(LIVE_FLOOD).await.unwrap();
    images(&telegram).await; // an answer: so the server knows of the subscription
    let payments = world.connect("payments").await;
    for client in [&ledger, &generator, &payments] {
        client.publish(LIVE_FLOOD, "forged".into()).await.unwrap();
        client.flush().await.unwrap();
    }
    telegram.publish(LIVE_FLOOD, "true".into()).await.unwrap();
    // The control: what is allowed arrives, and after it nothing else is on its way.
    assert_eq!(comes(&mut notices).await.payload, "true");
    assert!(!world.brings(&mut notices, |_| true).await, "somebody else told");
    assert!(!world.brings(&mut spied, |_| true).await, "the generator hears");
}

/// Inside MEDIA forging works as in any account: a consumer can be made to deliver anywhere there. But
/// nothing leads out of it.
#[tokio::test(flavor = "multi_thread")]
async fn forging_in_media_reaches_nothing_outside() {
    let world = World::apart().await;
    let Media { ledger, telegram, generator } = Media::start(&world.nats).await;
    let mut control = telegram.subscribe("live.generation.forged").await.unwrap();
    images(&telegram).await; // an answer: so the server knows of the subscription
    put(&generator, "bait", b"bait").await;
    let goals =
        ["cmd.ledger.payments.payment_settle", "evt.ledger.0.CreditsGranted.x", "live.generation.forged"];
    for goal in goals {
        let config = json!({"deliver_subject": goal, "ack_policy": "none", "deliver_policy": "all"});
        let body = json!({"stream_name": "OBJ_images", "config": config}).to_string();
        let create = "$JS.API.CONSUMER.CREATE.OBJ_images";
        ledger.request(create, body.into()).await.unwrap();
    }
    // The control, and the last of them: inside MEDIA it arrives.
    comes(&mut control).await;
    let adapter = world.connect("telegram").await;
    world.settle(&adapter, "telegram").await;
    let reached = async || world.heard().len() > 1 || world.events().await != Some(0);
    assert!(!world.happens(reached).await, "{:?}", world.heard());
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
