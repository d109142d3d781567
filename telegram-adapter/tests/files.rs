//! Files that people sent, from the sandbox's Telegram (or one that misbehaves) into a real object store.

#[allow(dead_code)]
mod desk;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_nats::Client;
use async_nats::jetstream::{self, object_store};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use desk::{Sandbox, TOKEN, until};
use futures_util::stream;
use proto_events::commands::FileId;
use proto_events::events::MediaType;
use proto_events::media::{FetchFile, Fetched, file_object, sha256_hex};
use proto_events::subjects::{FETCH_FILE, IMAGES_BUCKET};
use secrecy::SecretString;
use serde_json::json;
use service::nats::NatsConfig;
use telegram_adapter::files::{BYTES_MAX, Files};
use telegram_adapter::outbound::{Markup, Options, Picture, Telegram};
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;
use xtask::machine::{Nats, paths};

const USER: i64 = 77;

struct Stage {
    nats: Nats,
    store: object_store::ObjectStore,
    shutdown: CancellationToken,
}

async fn connect(nats: &Nats, user: &str) -> Client {
    let config = NatsConfig { url: nats.url(), seed_file: nats.seed_file(user) };
    service::nats::connect(&config, user).await.unwrap()
}

fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let painted = image::RgbImage::from_pixel(64, 48, image::Rgb([200, 180, 40]));
    painted.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

impl Stage {
    async fn start() -> Self {
        let start = || Nats::start_temporary(&paths::root().join("nats.conf"), &[]);
        let nats = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
        let context = jetstream::new(connect(&nats, "media-ledger").await);
        let bucket = object_store::Config { bucket: IMAGES_BUCKET.into(), ..Default::default() };
        context.create_object_store(bucket).await.unwrap();
        let store = jetstream::new(connect(&nats, "media-ledger").await);
        let store = store.get_object_store(IMAGES_BUCKET).await.unwrap();
        Self { nats, store, shutdown: CancellationToken::new() }
    }

    async fn files(&self, telegram: &Telegram) -> Files {
        Files::new(connect(&self.nats, "media-telegram").await, telegram.clone())
    }

    async fn stored(&self, object: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.store.get(object).await.unwrap().read_to_end(&mut bytes).await.unwrap();
        bytes
    }
}

/// Sent by the bot itself: the sandbox gives it a file id like any other.
async fn sent(telegram: &Telegram, bytes: Vec<u8>) -> FileId {
    let file = Picture { bytes: bytes.into(), file_name: "a.png", as_document: true };
    telegram.picture(USER, &file, None, &Markup::None, None).await.unwrap().file.unwrap().file_id
}

#[tokio::test]
async fn a_file_is_brought_once_whoever_asks_and_however_often() {
    let (stage, sandbox) = (Stage::start().await, Sandbox::start().await);
    sandbox.says(USER, "/start").await;
    let telegram = sandbox.telegram();
    let file_id = sent(&telegram, png()).await;
    for _ in 0..2 {
        let (files, shutdown) = (stage.files(&telegram).await, stage.shutdown.clone());
        tokio::spawn(async move { files.serve(shutdown).await });
    }
    let generator = connect(&stage.nats, "media-generator").await;
    let question = serde_json::to_vec(&FetchFile { file_id: file_id.clone() }).unwrap();
    let ask = || async {
        let answer = generator.request(FETCH_FILE, question.clone().into()).await.ok()?;
        Some(serde_json::from_slice::<Fetched>(&answer.payload).unwrap())
    };
    // Nobody may be there yet to hear the first.
    let Fetched::Here(file) = until("an answer", ask).await else { panic!("not brought") };
    assert_eq!(file.object.as_str(), file_object(&file_id));
    assert_eq!((file.sha256.as_str(), file.media_type), (&*sha256_hex(&png()), MediaType::Png));
    assert_eq!(file.bytes as usize, png().len());
    assert_eq!(stage.stored(&file.object).await, png());
    assert_eq!(ask().await, Some(Fetched::Here(file.clone())));
    assert_eq!(sandbox.calls("getFile").await, 1, "one instance, once");

    // Its bytes are gone from the store: it is brought again.
    let info = stage.store.info(file.object.as_str()).await.unwrap();
    let context = jetstream::new(connect(&stage.nats, "media-ledger").await);
    let images = context.get_stream(format!("OBJ_{IMAGES_BUCKET}")).await.unwrap();
    images.purge().filter(format!("$O.{IMAGES_BUCKET}.C.{}", info.nuid)).await.unwrap();
    assert_eq!(ask().await, Some(Fetched::Here(file.clone())));
    assert_eq!(stage.stored(&file.object).await, png());
    stage.store.delete(file.object.as_str()).await.unwrap();
    assert_eq!(ask().await, Some(Fetched::Here(file)));
    assert_eq!(sandbox.calls("getFile").await, 3);
    stage.shutdown.cancel();
}

#[tokio::test]
async fn who_asks_while_it_is_on_its_way_waits_for_the_same_file() {
    let (stage, sandbox) = (Stage::start().await, Sandbox::start().await);
    sandbox.says(USER, "/start").await;
    let telegram = sandbox.telegram();
    let (near, far) = (sent(&telegram, png()).await, sent(&telegram, png()).await);
    let (files, shutdown) = (stage.files(&telegram).await, stage.shutdown.clone());
    tokio::spawn(async move { files.serve(shutdown).await });
    let generator = connect(&stage.nats, "media-generator").await;
    let ask = async |file_id: &FileId| {
        let question = serde_json::to_vec(&FetchFile { file_id: file_id.clone() }).unwrap();
        let answer = generator.request(FETCH_FILE, question.into()).await.ok()?;
        Some(serde_json::from_slice::<Fetched>(&answer.payload).unwrap())
    };
    until("somebody who answers", async || ask(&near).await).await;
    for _ in 0..8 {
        sandbox.fault("download", json!({"delay_ms": 1_500})).await;
    }
    let answers = futures_util::future::join_all((0..8).map(|_| ask(&far))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Some(Fetched::Here(_)))), "{answers:?}");
    assert_eq!(sandbox.calls("getFile").await, 2, "one for each file");
    stage.shutdown.cancel();
}

#[tokio::test]
async fn what_is_no_picture_or_is_not_there_is_said_and_not_kept() {
    let (stage, sandbox) = (Stage::start().await, Sandbox::start().await);
    sandbox.says(USER, "/start").await;
    let telegram = sandbox.telegram();
    let files = stage.files(&telegram).await;
    let page = sent(&telegram, b"<html>not a picture</html>".to_vec()).await;
    assert!(matches!(files.fetch(&page).await, Fetched::Unfit { .. }));
    assert!(matches!(files.fetch("nobody-knows-it").await, Fetched::Gone { .. }));
    assert_eq!(sandbox.calls("getFile").await, 4, "the words for it may mean a moment: three times");
    sandbox.fault("getFile", json!({"status": 400, "description": "Bad Request: file is too big"})).await;
    let picture = sent(&telegram, png()).await;
    assert!(matches!(files.fetch(&picture).await, Fetched::Unfit { .. }));
    sandbox.fault("getFile", json!({"status": 429, "retry_after": 300})).await;
    assert!(matches!(files.fetch(&picture).await, Fetched::Later { .. }));
    sandbox.fault("download", json!({"status": 500})).await;
    assert!(matches!(files.fetch(&picture).await, Fetched::Later { .. }));
    for id in [page, picture.clone()] {
        assert!(stage.store.info(file_object(&id)).await.is_err());
    }
    assert!(matches!(files.fetch(&picture).await, Fetched::Here(_)));
}

/// A Telegram that names a path and then does this.
async fn misbehaving(give: fn() -> Response, asked: Arc<AtomicUsize>) -> Telegram {
    let answer = move |request: Request| {
        let asked = Arc::clone(&asked);
        async move {
            if request.uri().path().to_lowercase().ends_with("/getfile") {
                return Json(json!({"ok": true, "result": {"file_id": "f", "file_path": "photos/1.jpg"}}))
                    .into_response();
            }
            asked.fetch_add(1, Ordering::SeqCst);
            give()
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    Telegram::new(&SecretString::from(TOKEN), &url, &Options::default()).unwrap()
}

#[tokio::test]
async fn an_endless_file_is_cut_off_and_a_redirect_is_not_followed() {
    let stage = Stage::start().await;
    let endless = || {
        let chunk = || Ok::<_, std::io::Error>(Bytes::from(vec![0_u8; 64 * 1024]));
        Body::from_stream(stream::repeat_with(chunk)).into_response()
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let files = stage.files(&misbehaving(endless, Arc::clone(&asked)).await).await;
    assert!(matches!(files.fetch("f").await, Fetched::Unfit { .. }), "over {BYTES_MAX} bytes");

    let elsewhere = || axum::response::Redirect::temporary("/elsewhere").into_response();
    let asked = Arc::new(AtomicUsize::new(0));
    let files = stage.files(&misbehaving(elsewhere, Arc::clone(&asked)).await).await;
    let Fetched::Later { reason } = files.fetch("f").await else { panic!("it was followed") };
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(!reason.contains("CANARY"), "{reason}");
}
