//! A sandbox on a port of its own, and a receiver for what it sends.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use sandbox::{FloodLimits, Options};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Nothing here should take this long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
pub(crate) const BOT: &str = "/telegram/bot42:TEST";

pub(crate) struct Sandbox {
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), sandbox::Error>>,
}

/// Options with flood control out of the way.
pub(crate) fn calm() -> Options {
    let flood = FloodLimits { off: true, ..FloodLimits::default() };
    Options { flood, ..Options::default() }
}

impl Sandbox {
    pub(crate) async fn start() -> Self {
        Self::with(calm()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(sandbox::serve(listener, options, shutdown.clone()));
        let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        Self { base, http, shutdown, task }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(DEADLINE, self.task).await.unwrap().unwrap().unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.http.post(format!("{}{path}", self.base)).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// A Bot API call that works.
    pub(crate) async fn bot(&self, method: &str, body: Value) -> Value {
        let (status, answer) = self.post(&format!("{BOT}/{method}"), body).await;
        assert_eq!(status, 200, "{method}: {answer}");
        answer["result"].clone()
    }

    /// A Bot API call that is refused: its code and description.
    pub(crate) async fn refused(&self, method: &str, body: Value) -> (i64, String) {
        let (status, answer) = self.post(&format!("{BOT}/{method}"), body).await;
        assert_eq!(answer["ok"], false, "{method}: {answer}");
        assert_eq!(i64::from(status), answer["error_code"].as_i64().unwrap());
        (i64::from(status), answer["description"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.http.put(format!("{}{path}", self.base)).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// What a person does, and it works.
    pub(crate) async fn does(&self, user: i64, deed: &str, body: Value) -> Value {
        let (status, answer) = self.post(&format!("/people/{user}/{deed}"), body).await;
        assert_eq!(status, 200, "{deed}: {answer}");
        answer
    }

    /// All updates that wait, as a bot that polls sees them.
    pub(crate) async fn updates(&self) -> Vec<Value> {
        self.bot("getUpdates", json!({})).await.as_array().unwrap().clone()
    }

    pub(crate) async fn says(&self, user: i64, text: &str) -> Value {
        let (status, message) = self.post(&format!("/people/{user}/messages"), json!({"text": text})).await;
        assert_eq!(status, 200, "{message}");
        message
    }

    pub(crate) async fn fault(&self, fault: Value) {
        let (status, answer) = self.post("/faults", fault).await;
        assert_eq!(status, 201, "{answer}");
    }

    pub(crate) async fn advance(&self, ms: i64) {
        assert_eq!(self.post("/clock", json!({"advance_ms": ms})).await.0, 200);
    }

    /// Asks again until the answer fits.
    pub(crate) async fn until(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                let value = self.get(path).await;
                if fits(&value) {
                    return value;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("{path} never fitted"))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// A server that keeps what it gets and answers with the given statuses, then 200.
pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Inner>,
    _stop: DropGuard,
}

struct Inner {
    statuses: Mutex<VecDeque<u16>>,
    received: Mutex<Vec<Received>>,
    arrived: Notify,
}

impl Receiver {
    pub(crate) async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, statuses)
    }

    pub(crate) fn on(listener: TcpListener, statuses: &[u16]) -> Self {
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            statuses: Mutex::new(statuses.iter().copied().collect()),
            received: Mutex::default(),
            arrived: Notify::new(),
        });
        let stop = CancellationToken::new();
        let app = Router::new().route("/hook", post(receive)).with_state(inner.clone());
        let end = stop.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(end).await });
        Self { url, inner, _stop: stop.drop_guard() }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }

    /// Waits for at least `count`.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Received> {
        let waiting = async {
            loop {
                let arrived = self.inner.arrived.notified();
                if self.received().len() >= count {
                    return self.received();
                }
                arrived.await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{} of {count} arrived", self.received().len()))
    }
}

async fn receive(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: String) -> StatusCode {
    let body = serde_json::from_str(&body).unwrap();
    inner.received.lock().unwrap().push(Received { headers, body });
    inner.arrived.notify_waiters();
    let status = inner.statuses.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

/// A picture of one colour.
pub(crate) fn picture(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(width, height, image::Rgb([40, 160, 90])).write_to(&mut out, format).unwrap();
    out.into_inner()
}
