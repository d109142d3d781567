//! Tellings against a real store of pictures, the sandbox's Telegram, and a ledger that says what
//! the test wants it to say.

#[allow(dead_code)]
mod desk;

use std::sync::{Arc, Mutex};

use async_nats::Client;
use async_nats::jetstream::{self, object_store};
use desk::{Sandbox, until};
use futures_util::StreamExt as _;
use proto_events::media::sha256_hex;
use proto_events::queries::OutputPlace;
use proto_events::subjects::IMAGES_BUCKET;
use proto_events::{AccountId, GenerationId, Producer, PublishedEvent};
use serde_json::{Value, json};
use service::consumer::Verdict;
use service::http::Health;
use service::ledger::Ledger;
use service::nats::NatsConfig;
use telegram_adapter::delivery::{IN_HAND_MAX, Made, Missing, Shelf, Teller};
use telegram_adapter::desk::Desk;
use telegram_adapter::statuses::Statuses;
use telegram_adapter::texts::Texts;
use telegram_adapter::turns::Turns;
use tokio_util::sync::CancellationToken;
use xtask::machine::{Nats, paths};

const USER: i64 = 77;
const OBJECT: &str = "g-1/1/0";
/// Short, so that a telling of a second needs renewals.
const LEASE_US: i64 = 1_000_000;

/// What was asked of the ledger: the verb and the body.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// What is told, of a thing that lies there.
type News = fn(&OutputPlace) -> Value;

struct Stage {
    sandbox: Sandbox,
    store: object_store::ObjectStore,
    media: jetstream::Context,
    images: jetstream::stream::Stream,
    place: OutputPlace,
    bytes: Vec<u8>,
    shelf: Shelf,
    teller: Teller,
    turns: Turns,
    asked: Asked,
    _nats: Nats,
}

async fn connect(nats: &Nats, user: &str) -> Client {
    let config = NatsConfig { url: nats.url(), seed_file: nats.seed_file(user) };
    service::nats::connect(&config, user).await.unwrap()
}

/// Noise: nothing of it can be pressed, so it takes several chunks of the store.
fn noise() -> Vec<u8> {
    let mut seed = 1_u32;
    let noise = image::RgbImage::from_fn(300, 300, |_, _| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgb([(seed >> 24) as u8, (seed >> 16) as u8, (seed >> 8) as u8])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    noise.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn generation() -> GenerationId {
    format!("g-{}-{}", "0".repeat(32), "1".repeat(16)).parse().unwrap()
}

/// Grants every claim as this attempt; says `renewal` to renewals, and done to everything else.
async fn answer(ledger: Client, asked: Asked, news: Value, attempt: i64, renewal: Value) {
    let mut commands = ledger.subscribe("cmd.ledger.telegram.*").await.unwrap();
    let mut questions = ledger.subscribe("qry.ledger.telegram.*").await.unwrap();
    ledger.flush().await.unwrap();
    let desk = ledger.clone();
    tokio::spawn(async move {
        while let Some(question) = questions.next().await {
            let wire: Value = serde_json::from_slice(&question.payload).unwrap();
            let refusal = json!({"code": "account_not_found", "message": "nobody is known here"});
            let reply = match question.subject.rsplit('.').next() {
                // Much of one person's, and then somebody else's.
                Some("deliveries") => {
                    let shown = (1..=40).chain([ANOTHERS]).map(|position: i64| {
                        json!({"position": position, "account": whose(position), "type": "GenerationSucceeded"})
                    });
                    let shown = Value::from_iter(shown);
                    json!({"status": "ok", "position": 1, "result": shown, "ask": wire["ask"]})
                }
                _ => json!({"status": "refused", "refusal": refusal, "ask": wire["ask"]}),
            };
            desk.publish(question.reply.unwrap(), reply.to_string().into()).await.unwrap();
        }
    });
    tokio::spawn(async move {
        while let Some(message) = commands.next().await {
            let verb = message.subject.rsplit('.').next().unwrap().to_owned();
            let wire: Value = serde_json::from_slice(&message.payload).unwrap();
            let mut reply = match verb.as_str() {
                "delivery_claim" => done(telling(&news, attempt, &wire["body"]["position"])),
                "delivery_renew" => renewal.clone(),
                _ => done(json!({})),
            };
            reply["ask"] = wire["ask"].clone();
            asked.lock().unwrap().push((verb, wire));
            let reply = serde_json::to_vec(&reply).unwrap();
            ledger.publish(message.reply.unwrap(), reply.into()).await.unwrap();
        }
    });
}

fn done(result: Value) -> Value {
    json!({"status": "done", "position": 1, "events": [], "result": result, "incarnation": 1})
}

fn made(place: &OutputPlace) -> Value {
    json!({"type": "generation_succeeded", "generation": generation(), "credits": 10, "prompt": null,
        "outputs": [place], "file_ids": []})
}

fn twice(place: &OutputPlace) -> Value {
    let mut news = made(place);
    news["outputs"] = json!([place, place]);
    news
}

/// The second lies beside the first.
fn two(place: &OutputPlace) -> Value {
    let mut news = twice(place);
    news["outputs"][1]["object"] = json!("g-1/1/1");
    news
}

fn said_instead(place: &OutputPlace) -> Value {
    json!({"type": "generation_failed", "generation": generation(), "returned": 10, "reason": "text_instead",
        "text": place})
}

fn failed(kind: &str, reason: &str) -> Value {
    json!({"type": "generation_failed", "generation": generation(), "kind": kind, "returned": 10,
        "reason": reason, "text": null})
}

fn undelivered(kind: &str) -> Value {
    json!({"type": "delivery_failed", "generation": generation(), "kind": kind, "returned": 10,
        "reason": "bytes_lost"})
}

/// What happened from here on happened to somebody else.
const ANOTHERS: i64 = 1_000;

fn whose(position: i64) -> AccountId {
    if position < ANOTHERS { generation().account() } else { AccountId::OPERATIONS }
}

fn telling(news: &Value, attempt: i64, position: &Value) -> Value {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros();
    let account = whose(position.as_i64().unwrap());
    json!({
        "position": position, "attempt": attempt, "account": account, "chat": USER, "message": null,
        "status_message": null, "language": "en", "lease_until": i64::try_from(now).unwrap() + LEASE_US,
        "balance": {"account": generation().account(), "available": 90, "reserved": 0, "debt": 0},
        "news": news,
    })
}

impl Stage {
    async fn start(attempt: i64, renewal: Value) -> Self {
        Self::start_with(attempt, renewal, noise(), "png", made).await
    }

    async fn words(words: &str, news: News) -> Self {
        let stage = Self::start_with(1, done(json!({})), words.into(), "text", news).await;
        stage.put().await;
        stage
    }

    async fn start_with(attempt: i64, renewal: Value, bytes: Vec<u8>, media_type: &str, news: News) -> Self {
        let start = || Nats::start_temporary(&paths::root().join("nats.conf"), &[]);
        let nats = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
        let sandbox = Sandbox::start().await;
        sandbox.says(USER, "/start").await;
        let context = jetstream::new(connect(&nats, "media-ledger").await);
        let bucket = object_store::Config { bucket: IMAGES_BUCKET.into(), ..Default::default() };
        context.create_object_store(bucket).await.unwrap();
        let store = jetstream::new(connect(&nats, "media-generator").await);
        let store = store.get_object_store(IMAGES_BUCKET).await.unwrap();
        let images = context.get_stream(format!("OBJ_{IMAGES_BUCKET}")).await.unwrap();

        let sha256 = sha256_hex(&bytes);
        let place =
            json!({"object": OBJECT, "sha256": sha256, "media_type": media_type, "bytes": bytes.len()});
        let place: OutputPlace = serde_json::from_value(place).unwrap();
        let asked = Asked::default();
        answer(connect(&nats, "ledger").await, Arc::clone(&asked), news(&place), attempt, renewal).await;

        let shelf = Shelf::new(connect(&nats, "media-telegram").await);
        let ledger = Ledger::new(connect(&nats, "telegram").await, Producer::Telegram);
        let desk = Desk::new(ledger, 4_200);
        let texts = Arc::new(Texts::read().unwrap());
        let (statuses, turns) = (Statuses::default(), Turns::default());
        let teller = Teller::new(
            desk,
            sandbox.telegram(),
            texts,
            statuses,
            turns.clone(),
            shelf.clone(),
            Arc::from([]),
        );
        Self {
            sandbox,
            store,
            media: context,
            images,
            place,
            bytes,
            shelf,
            teller,
            turns,
            asked,
            _nats: nats,
        }
    }

    async fn put(&self) {
        self.store.put(OBJECT, &mut self.bytes.as_slice()).await.unwrap();
    }

    async fn hear(&self) {
        self.teller.heard(Self::event(5, generation().account())).await;
    }

    fn event(position: i64, account: AccountId) -> PublishedEvent {
        let event = json!({
            "incarnation": 1, "position": position, "account": account, "version": 3,
            "type": "GenerationSucceeded", "schema_version": 1, "available_delta": 0, "reserved_delta": 0,
            "debt_delta": 0, "payload": {}, "producer": "generator", "command_id": "c:1", "ordinal": 0,
            "actor": "generator", "causation": null, "trace_id": null, "recorded_at": 1, "hash": "00",
        });
        serde_json::from_value(event).unwrap()
    }

    fn asked(&self, verb: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(said, _)| said == verb).map(|(_, wire)| wire["body"].clone()).collect()
    }
}

#[tokio::test]
async fn an_upload_longer_than_its_lease_is_told_once_under_renewals() {
    let stage = Stage::start(1, done(json!({}))).await;
    stage.put().await;
    stage.sandbox.fault("sendPhoto", json!({"delay_ms": 2_500})).await;
    stage.hear().await;
    assert_eq!(stage.sandbox.bot_messages(USER).await.len(), 1);
    assert_eq!(stage.asked("delivery_confirm").len(), 1);
    let renewed = stage.asked("delivery_renew");
    assert!(renewed.len() >= 5, "{renewed:?}");
    assert_eq!(renewed[0], json!({"position": 5, "attempt": 1}));
}

#[tokio::test]
async fn a_telling_that_another_has_is_left() {
    let gone =
        json!({"status": "refused", "refusal": {"code": "stale_attempt", "message": "another has it"}});
    let stage = Stage::start(1, gone).await;
    stage.put().await;
    stage.sandbox.fault("sendPhoto", json!({"delay_ms": 60_000})).await;
    stage.hear().await;
    assert_eq!(stage.asked("delivery_renew").len(), 1);
    assert!(stage.asked("delivery_confirm").is_empty() && stage.asked("delivery_fail").is_empty());
}

#[tokio::test]
async fn a_picture_in_doubt_is_given_up_after_the_last_attempt_only() {
    for (attempt, given_up) in [(19, 0), (20, 1)] {
        let stage = Stage::start(attempt, done(json!({}))).await;
        stage.put().await;
        for _ in 0..2 {
            stage.sandbox.fault("sendPhoto", json!({"drop": "before"})).await;
        }
        stage.hear().await;
        assert_eq!(stage.sandbox.calls("sendPhoto").await, 2);
        let failed = stage.asked("delivery_fail");
        assert_eq!(failed.len(), given_up, "attempt {attempt}");
        if let Some(failed) = failed.first() {
            assert_eq!((&failed["reason"], &failed["final"]), (&json!("refused"), &json!(true)));
        }
    }
}

/// Whether somebody else's has been told.
async fn another_is_told(stage: &Stage) {
    until("what is for somebody else", async || {
        let claimed = stage.asked("delivery_claim");
        let claimed = claimed.iter().any(|claim| claim["position"] == ANOTHERS);
        (claimed && !stage.asked("delivery_confirm").is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_has_much_to_be_told_holds_up_nobody_else() {
    let stage = Stage::start(1, done(json!({}))).await;
    stage.put().await;
    // A telling of this person goes on and on.
    let turn = stage.turns.of(generation().account()).await;
    let heard: Vec<_> = (1..=40)
        .map(|position| {
            let teller = stage.teller.clone();
            tokio::spawn(async move { teller.heard(Stage::event(position, whose(position))).await })
        })
        .collect();
    until("all of them to wait", async || {
        tokio::task::yield_now().await;
        (tokio::runtime::Handle::current().metrics().num_alive_tasks() >= 40).then_some(())
    })
    .await;
    let teller = stage.teller.clone();
    tokio::spawn(async move { teller.heard(Stage::event(ANOTHERS, whose(ANOTHERS))).await });
    another_is_told(&stage).await;
    assert_eq!(stage.asked("delivery_claim").len(), 1, "nothing of theirs is claimed before its turn");
    for waited in heard {
        assert_eq!(
            waited.await.unwrap(),
            Verdict::Done,
            "the sweep finds it: it is not handed back by the dozen"
        );
    }
    drop(turn);
    stage.hear().await;
    assert_eq!(stage.asked("delivery_confirm").len(), 2);
}

#[tokio::test]
async fn a_sweep_passes_over_whoever_is_told_something_already() {
    let stage = Stage::start(1, done(json!({}))).await;
    stage.put().await;
    let turn = stage.turns.of(generation().account()).await;
    let (stop, teller) = (CancellationToken::new(), stage.teller.clone());
    let sweep = tokio::spawn({
        let stop = stop.clone();
        async move { teller.sweep(Health::new(&["ledger"]), stop).await }
    });
    another_is_told(&stage).await;
    assert!(stage.asked("delivery_claim").iter().all(|claim| claim["position"] == ANOTHERS));
    // Then theirs come, in their order.
    drop(turn);
    let theirs = || {
        let claims =
            stage.asked("delivery_claim").into_iter().map(|claim| claim["position"].as_i64().unwrap());
        claims.filter(|position| *position < ANOTHERS).collect::<Vec<_>>()
    };
    until("what is for them", async || (theirs().len() >= 3).then_some(())).await;
    stop.cancel();
    sweep.await.unwrap();
    assert_eq!(theirs()[..3], [1, 2, 3]);
}

/// Whoever sends a file again takes one of the same places.
#[tokio::test]
async fn no_more_is_in_hand_than_there_are_places() {
    let stage = Stage::start(1, done(json!({}))).await;
    stage.put().await;
    let mut places = Vec::new();
    for _ in 0..IN_HAND_MAX {
        places.push(stage.shelf.place().await);
    }
    let heard = tokio::spawn({
        let (teller, event) = (stage.teller.clone(), Stage::event(5, whose(5)));
        async move { teller.heard(event).await }
    });
    // Whoever had a place would have claimed it meanwhile.
    for _ in 0..3 {
        stage.shelf.fetch(&stage.place).await.unwrap();
    }
    places.pop();
    assert!(matches!(heard.await.unwrap(), Verdict::Done));
    assert_eq!(stage.asked("delivery_confirm").len(), 1);
}

#[tokio::test]
async fn every_try_claims_under_a_name_of_its_own() {
    let stage = Stage::start(1, done(json!({}))).await;
    stage.put().await;
    stage.hear().await;
    stage.hear().await;
    let claims = stage.asked("delivery_claim");
    assert_eq!(claims.len(), 2);
    assert_ne!(claims[0]["claimant"], claims[1]["claimant"]);
}

#[tokio::test]
async fn bytes_are_lost_only_when_the_store_says_so() {
    let stage = Stage::start(500, done(json!({}))).await;
    let missing = || async { stage.shelf.fetch(&stage.place).await.unwrap_err() };
    assert!(matches!(missing().await, Missing::Lost(_)), "no such object");
    stage.put().await;
    let fetched = stage.shelf.fetch(&stage.place).await.unwrap();
    assert!(matches!(fetched, Made::Picture(picture) if picture.bytes == stage.bytes));

    let info = stage.store.info(OBJECT).await.unwrap();
    assert!(info.chunks > 1);
    stage.images.purge().filter(format!("$O.{IMAGES_BUCKET}.C.{}", info.nuid)).await.unwrap();
    let holes = missing().await;
    assert!(matches!(&holes, Missing::Lost(why) if why.contains("chunks")), "{holes}");

    stage.media.delete_stream(format!("OBJ_{IMAGES_BUCKET}")).await.unwrap();
    let away = missing().await;
    assert!(matches!(away, Missing::Unreached(_)), "{away}");
    stage.hear().await;
    assert!(stage.asked("delivery_fail").is_empty(), "many claims say nothing of the store");
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_answer_comes_as_it_is_with_what_was_spent_below() {
    let stage = Stage::words("1 < 2 && <b>\n\nда", made).await;
    stage.hear().await;
    let messages = stage.sandbox.bot_messages(USER).await;
    assert_eq!(texts(&messages), ["1 < 2 && <b>\n\nда\n\nSpent: 10 credits · left: 90 credits"]);
    assert_eq!(stage.asked("delivery_confirm")[0]["file_ids"], json!([]));
}

#[tokio::test]
async fn a_long_answer_comes_in_messages_and_a_very_long_one_as_a_file() {
    let paragraph = "Слово за слово, и сказка сложилась. ".repeat(50);
    let stage = Stage::words(&format!("{paragraph}\n\n").repeat(5), made).await;
    stage.hear().await;
    let messages = stage.sandbox.bot_messages(USER).await;
    let texts = texts(&messages);
    assert_eq!(texts.len(), 3);
    assert!(texts.iter().all(|text| text.starts_with("Слово за") && text.encode_utf16().count() <= 4096));
    assert!(texts[2].ends_with("left: 90 credits") && !texts[1].contains("left"));

    let stage = Stage::words(&format!("{paragraph}\n\n").repeat(50), made).await;
    stage.hear().await;
    let messages = stage.sandbox.bot_messages(USER).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["document"]["file_name"], "answer.txt");
    assert!(messages[0]["caption"].as_str().unwrap().contains("90 credits"));
    assert_eq!(stage.asked("delivery_confirm").len(), 1);
}

#[tokio::test]
async fn an_answer_that_broke_off_between_two_messages_is_in_doubt() {
    // After one that was not sent at all it would be tried for hours, after one in doubt this is the last try.
    let words = "слово ".repeat(1_200);
    let stage = Stage::start_with(20, done(json!({})), words.into(), "text", made).await;
    stage.put().await;
    stage.sandbox.fault("sendMessage", json!({"delay_ms": 1})).await;
    stage.sandbox.fault("sendMessage", json!({"status": 429, "retry_after": 300})).await;
    stage.hear().await;
    // The second try comes while Telegram wants quiet.
    assert_eq!(stage.sandbox.bot_messages(USER).await.len(), 1, "the first message of the first try");
    assert!(stage.asked("delivery_confirm").is_empty());
    assert_eq!(stage.asked("delivery_fail")[0]["final"], true);
}

#[tokio::test]
async fn a_part_of_an_answer_that_telegram_refuses_goes_as_a_file_and_takes_nothing_back() {
    let refusal = || json!({"status": 400, "description": "Bad Request: message must be non-empty"});
    for (in_no_form, file) in [(false, Some("answer.txt")), (true, None)] {
        let stage = Stage::words(&"слово ".repeat(1_200), made).await;
        stage.sandbox.fault("sendMessage", json!({"delay_ms": 1})).await;
        stage.sandbox.fault("sendMessage", refusal()).await;
        if in_no_form {
            stage.sandbox.fault("sendDocument", refusal()).await;
        }
        stage.hear().await;
        let messages = stage.sandbox.bot_messages(USER).await;
        let files: Vec<_> = messages.iter().filter_map(|m| m["document"]["file_name"].as_str()).collect();
        assert_eq!((messages.len(), files), (1 + usize::from(file.is_some()), Vec::from_iter(file)));
        assert_eq!(stage.asked("delivery_confirm").len(), 1);
        assert!(stage.asked("delivery_fail").is_empty(), "it arrived");
    }
}

#[tokio::test]
async fn a_picture_that_telegram_refuses_after_another_takes_nothing_back() {
    for arrived in [1, 0] {
        let stage = Stage::start_with(1, done(json!({})), noise(), "png", twice).await;
        stage.put().await;
        for _ in 0..arrived {
            stage.sandbox.fault("sendPhoto", json!({"delay_ms": 1})).await;
        }
        for call in ["sendPhoto", "sendDocument"] {
            stage.sandbox.fault(call, json!({"status": 400, "description": "Bad Request: unfit"})).await;
        }
        stage.hear().await;
        assert_eq!(stage.sandbox.bot_messages(USER).await.len(), arrived);
        assert_eq!(stage.asked("delivery_confirm").len(), arrived);
        assert_eq!(stage.asked("delivery_fail").len(), 1 - arrived, "nothing arrived");
    }
}

/// What goes while another is being sent is our loss: all comes back.
#[tokio::test]
async fn one_picture_is_held_at_a_time() {
    let stage = Stage::start_with(1, done(json!({})), noise(), "png", two).await;
    stage.put().await;
    stage.store.put("g-1/1/1", &mut stage.bytes.as_slice()).await.unwrap();
    stage.sandbox.fault("sendPhoto", json!({"delay_ms": 3_000})).await;
    let first_is_on_its_way = async || {
        until("the first picture", async || (stage.sandbox.calls("sendPhoto").await > 0).then_some(())).await;
        stage.store.delete("g-1/1/1").await.unwrap();
    };
    tokio::join!(stage.hear(), first_is_on_its_way());
    assert_eq!(stage.sandbox.bot_messages(USER).await.len(), 1, "the second was not read before");
    assert_eq!(stage.asked("delivery_fail")[0]["reason"], "bytes_lost");
}

/// All or nothing: the first is not sent when the second is gone.
#[tokio::test]
async fn nothing_is_sent_of_a_result_of_which_a_part_is_gone() {
    let stage = Stage::start_with(1, done(json!({})), noise(), "png", two).await;
    stage.put().await;
    stage.hear().await;
    assert!(stage.sandbox.bot_messages(USER).await.is_empty());
    assert_eq!(stage.asked("delivery_fail")[0]["reason"], "bytes_lost");
}

#[tokio::test]
async fn what_nobody_sees_is_not_sent() {
    let stage = Stage::words(&format!("слово{}", "\u{200b}".repeat(5_000)), made).await;
    stage.hear().await;
    let messages = stage.sandbox.bot_messages(USER).await;
    let [text] = texts(&messages)[..] else { panic!("{messages:?}") };
    assert!(text.starts_with("слово") && text.ends_with("left: 90 credits"));
}

#[tokio::test]
async fn words_instead_of_a_picture_are_told_with_what_came_back() {
    let stage = Stage::words(&format!("I'd rather not <draw> {}", "this ".repeat(1_000)), said_instead).await;
    stage.hear().await;
    let messages = stage.sandbox.bot_messages(USER).await;
    let [text] = texts(&messages)[..] else { panic!("{messages:?}") };
    assert!(text.contains("instead of a picture") && text.contains("10 credits"), "{text}");
    assert!(text.contains("I'd rather not <draw> this this") && text.ends_with('…'), "{text}");
    assert!((4_090..=4_096).contains(&text.encode_utf16().count()), "{}", text.len());
    assert_eq!(stage.asked("delivery_done")[0]["outcome"], "told");
}

#[tokio::test]
async fn a_failure_speaks_of_what_was_asked_for() {
    let cases: [(News, &str); 5] = [
        (|_| failed("text", "no_picture"), "The model said nothing."),
        (|_| failed("edit", "no_picture"), "The model couldn't draw this picture."),
        (|_| failed("picture", "reference_gone"), "Please send the photo again."),
        (|_| undelivered("text"), "Your answer was ready"),
        (|_| undelivered("picture"), "Your picture was finished"),
    ];
    for (news, told) in cases {
        let stage = Stage::start_with(1, done(json!({})), noise(), "png", news).await;
        stage.hear().await;
        let messages = stage.sandbox.bot_messages(USER).await;
        assert!(texts(&messages)[0].contains(told), "{told}: {messages:?}");
    }
}

#[tokio::test]
async fn a_failure_whose_words_are_lost_is_told_all_the_same() {
    let stage = Stage::start_with(1, done(json!({})), b"gone".into(), "text", said_instead).await;
    stage.hear().await;
    let messages = stage.sandbox.bot_messages(USER).await;
    assert!(texts(&messages)[0].contains("couldn't draw"), "{messages:?}");

    stage.media.delete_stream(format!("OBJ_{IMAGES_BUCKET}")).await.unwrap();
    stage.hear().await;
    assert_eq!(stage.sandbox.bot_messages(USER).await.len(), 1, "the store may come back");
}
