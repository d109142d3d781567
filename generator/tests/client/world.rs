//! A nats-server of the test's own, and a vendor: the sandbox, or one that says what it is told.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_nats::jetstream::{self, kv, object_store};
use axum::{Router, body::Body, extract::Request, response::Response};
use generator::{
    gemini::{Answered, Ask, Gemini, Made, Memory, Options},
    shelf::{Material, REQUESTS_BYTES_MAX, Shelf},
};
use proto_events::{
    AccountId, Attempt, CommandId, GenerationId, Producer,
    events::GenerationKind,
    subjects::{IMAGES_BUCKET, SESSIONS_BUCKET},
};
use serde_json::{Value, json};
use service::nats::NatsConfig;
use tokio::{io::AsyncReadExt, net::TcpListener};
use tokio_util::sync::CancellationToken;
use xtask::machine::{Nats, paths};

/// How long anything here may take before the test gives up.
pub const PATIENCE: Duration = Duration::from_secs(180);
pub const BANANA: &str = "gemini-nano-banana-2.1";
pub const PRO: &str = "gemini-3-pro-image";
pub const FLASH: &str = "gemini-3.8-flash";

/// The shelf has the rights of the generator, as nats.conf gives them.
pub struct World {
    pub shelf: Shelf,
    generator: async_nats::Client,
    /// The Telegram adapter's.
    pub telegram: async_nats::Client,
    /// The ledger's, which makes the buckets.
    ledger: async_nats::Client,
    attempts: AtomicI64,
    /// Whoever is [`World::alike`] has none.
    nats: Option<Nats>,
}

impl World {
    pub async fn start() -> Self {
        let conf = paths::root().join("nats.conf");
        let nats =
            tokio::task::spawn_blocking(move || Nats::start_temporary(&conf, &[])).await.unwrap().unwrap();
        let user = async |user: &str| {
            let config = NatsConfig { url: nats.url(), seed_file: nats.seed_file(user) };
            service::nats::connect(&config, user).await.unwrap()
        };
        let (generator, telegram, ledger) =
            tokio::join!(user("media-generator"), user("media-telegram"), user("media-ledger"));
        let shelf = Shelf::new(generator.clone(), REQUESTS_BYTES_MAX);
        let attempts = AtomicI64::new(0);
        let world = Self { shelf, generator, telegram, ledger, attempts, nats: Some(nats) };
        world.make_buckets().await;
        world
    }

    /// On the same server.
    pub fn alike(&self) -> Self {
        let [generator, telegram, ledger] =
            [&self.generator, &self.telegram, &self.ledger].map(async_nats::Client::clone);
        let attempts = AtomicI64::new(0);
        Self { shelf: self.shelf.clone(), generator, telegram, ledger, attempts, nats: None }
    }

    /// A shelf with so much room for requests.
    pub fn shelf_of(&self, requests_bytes: usize) -> Shelf {
        Shelf::new(self.generator.clone(), requests_bytes)
    }

    pub async fn kill_server(&mut self) {
        self.server(Nats::kill9).await;
    }

    /// What was there is there again.
    pub async fn start_server(&mut self) {
        self.server(|nats| nats.restart().unwrap()).await;
    }

    async fn server(&mut self, act: impl FnOnce(&mut Nats) + Send + 'static) {
        let mut nats = self.nats.take().unwrap();
        let acted = tokio::task::spawn_blocking(move || {
            act(&mut nats);
            nats
        });
        self.nats = Some(acted.await.unwrap());
    }

    pub async fn make_buckets(&self) {
        let media = self.media();
        let images = object_store::Config { bucket: IMAGES_BUCKET.into(), ..Default::default() };
        media.create_object_store(images).await.unwrap();
        let sessions = kv::Config { bucket: SESSIONS_BUCKET.into(), ..Default::default() };
        media.create_key_value(sessions).await.unwrap();
    }

    /// With the Telegram adapter's rights; the server knows of it when this returns.
    pub async fn listen(&self, subject: impl Into<String>) -> async_nats::Subscriber {
        let subscriber = self.telegram.subscribe(subject.into()).await.unwrap();
        // Answered after what went before it on this line.
        jetstream::new(self.telegram.clone()).get_stream(format!("OBJ_{IMAGES_BUCKET}")).await.unwrap();
        subscriber
    }

    pub fn media(&self) -> jetstream::Context {
        jetstream::new(self.ledger.clone())
    }

    pub async fn store(&self) -> object_store::ObjectStore {
        self.media().get_object_store(IMAGES_BUCKET).await.unwrap()
    }

    pub async fn object(&self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.store().await.get(name).await.unwrap().read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    /// Every message under the object store: chunks and entries.
    pub async fn messages(&self) -> u64 {
        let mut stream = self.media().get_stream(format!("OBJ_{IMAGES_BUCKET}")).await.unwrap();
        stream.info().await.unwrap().state.messages
    }

    /// Waits until the object store holds so many messages: purges are not waited for by those who ask.
    pub async fn until_messages(&self, count: u64) {
        let waiting = async {
            while self.messages().await != count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "{} messages", self.messages().await);
    }

    /// One call for a generation of the test's, under an attempt of its own.
    pub async fn call(&self, gemini: &Gemini, ask: &Ask) -> Answered {
        self.call_within(gemini, ask, PATIENCE).await
    }

    pub async fn call_within(&self, gemini: &Gemini, ask: &Ask, limit: Duration) -> Answered {
        let attempt = Attempt::new(self.attempts.fetch_add(1, Ordering::SeqCst) + 1).unwrap();
        let slot = self.shelf.slot(generation(), attempt);
        gemini.generate(ask, limit, &slot, &mut self.shelf.live(generation(), attempt)).await
    }
}

/// What was said.
pub fn words(made: &Made) -> String {
    match &made.memory {
        Memory::Words(words) => words.clone(),
        _ => panic!("no words: {made:?}"),
    }
}

pub fn generation() -> GenerationId {
    generation_of(3)
}

pub fn generation_of(message: u32) -> GenerationId {
    let command = CommandId::new(format!("msg:1:2:{message}")).unwrap();
    GenerationId::derive(AccountId::CATALOG, Producer::Telegram, &command)
}

pub fn ask(kind: GenerationKind, model: &str) -> Ask {
    let picture = kind != GenerationKind::Text;
    Ask {
        kind,
        model: model.into(),
        api: Default::default(),
        system: None,
        turns: Vec::new(),
        prompt: "лиса в снегу".into(),
        material: Material::default(),
        aspect_ratio: picture.then(|| "16:9".into()),
        size: picture.then(|| "1K".into()),
    }
}

pub fn picture() -> Ask {
    ask(GenerationKind::Picture, BANANA)
}

pub fn text() -> Ask {
    ask(GenerationKind::Text, FLASH)
}

pub fn client(url: &str, keys: &[&str]) -> Gemini {
    Gemini::new(Options {
        url: url.parse().unwrap(),
        keys: keys.iter().map(|key| (*key).into()).collect(),
        call_timeout: PATIENCE,
        connect_timeout: Duration::from_secs(5),
        safety: Vec::new(),
        probe_after: Duration::from_millis(50),
    })
    .unwrap()
}

/// The sandbox.
pub struct Vendor {
    pub url: String,
    _stop: tokio_util::sync::DropGuard,
}

impl Vendor {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        // Where `cargo xtask conformance` reads what was asked.
        let arrivals_dir = std::env::var_os("SANDBOX_ARRIVALS_DIR").map(Into::into);
        let options = sandbox::Options { arrivals_dir, ..sandbox::Options::default() };
        tokio::spawn(sandbox::serve(listener, options, stop.clone()));
        Self { url, _stop: stop.drop_guard() }
    }

    pub async fn fault(&self, fault: Value) {
        let plan = json!({"vendor": "gemini", "call": "*", "fault": fault});
        let planned =
            reqwest::Client::new().post(format!("{}/faults", self.url)).json(&plan).send().await.unwrap();
        assert!(planned.status().is_success(), "{plan}: {}", planned.text().await.unwrap());
    }

    pub async fn calls(&self) -> Vec<Value> {
        let books: Value = reqwest::get(format!("{}/books", self.url)).await.unwrap().json().await.unwrap();
        books["gemini"]["calls"].as_array().unwrap().clone()
    }

    pub fn client(&self, keys: &[&str]) -> Gemini {
        client(&format!("{}/gemini/", self.url), keys)
    }
}

/// A vendor that answers as the test says, and remembers what it was asked.
pub struct Scripted {
    pub url: String,
    pub heard: Arc<Mutex<Vec<Heard>>>,
    served: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Clone)]
pub struct Heard {
    pub path: String,
    pub key: String,
    pub body: Value,
}

impl Scripted {
    /// `answer` is asked with what came and how many came before.
    pub async fn start<A, F>(answer: A) -> Self
    where
        A: Fn(Heard, usize) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let book = heard.clone();
        let app = Router::new().fallback(move |request: Request| {
            let (answer, book) = (answer.clone(), book.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
                let key = parts.headers.get("x-goog-api-key").and_then(|key| key.to_str().ok());
                let call = Heard {
                    path: parts.uri.to_string(),
                    key: key.unwrap_or_default().to_owned(),
                    body: serde_json::from_slice(&body).unwrap_or_default(),
                };
                let before = {
                    let mut book = book.lock().unwrap();
                    book.push(call.clone());
                    book.len() - 1
                };
                answer(call, before).await
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at: SocketAddr = listener.local_addr().unwrap();
        let served = tokio::spawn(async move { axum::serve(listener, app).await.unwrap_or_default() });
        Self { url: format!("http://{at}"), heard, served }
    }

    /// The same answer to everything.
    pub async fn saying(status: u16, body: impl Into<bytes::Bytes>) -> Self {
        let body = body.into();
        Self::start(move |_, _| {
            let body = body.clone();
            async move { reply(status, Body::from(body)) }
        })
        .await
    }

    pub fn client(&self) -> Gemini {
        client(&self.url, &["a-key"])
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.served.abort();
    }
}

pub fn reply(status: u16, body: Body) -> Response {
    Response::builder().status(status).body(body).unwrap()
}
