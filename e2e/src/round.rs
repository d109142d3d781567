//! Telegram's updates for several instances of the bot in turn, as a balancer in front of them hands them on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{Role, Stage};

const PATH: &str = "/telegram/webhook";

pub struct Round {
    url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    http: reqwest::Client,
    instances: Vec<Instance>,
    next: AtomicUsize,
}

struct Instance {
    url: String,
    taken: AtomicUsize,
}

impl Round {
    pub fn start(stage: &Stage, roles: &[Role]) -> Result<Self> {
        let instance =
            |role: &Role| Instance { url: format!("{}{PATH}", stage.url(*role)), taken: AtomicUsize::new(0) };
        let instances = roles.iter().map(instance).collect();
        let shared = Arc::new(Shared { http: stage.http.clone(), instances, next: AtomicUsize::new(0) });
        let listener = stage.rt.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let url = format!("http://{}{PATH}", listener.local_addr()?);
        let router = Router::new().route(PATH, post(hand_on)).with_state(Arc::clone(&shared));
        let serving = stage.rt.spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, shared, serving })
    }

    /// For `TELEGRAM_WEBHOOK_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many updates each has answered with 200.
    pub fn taken(&self) -> Vec<usize> {
        self.shared.instances.iter().map(|instance| instance.taken.load(Ordering::SeqCst)).collect()
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// To the next one, as it came; the answer back, as it is.
async fn hand_on(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let n = shared.next.fetch_add(1, Ordering::SeqCst) % shared.instances.len();
    let instance = &shared.instances[n];
    let mut request = shared.http.post(&instance.url).body(body);
    for name in ["content-type", "x-telegram-bot-api-secret-token"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    if answer.status().is_success() {
        instance.taken.fetch_add(1, Ordering::SeqCst);
    }
    let mut response = answer.status().into_response();
    if let Some(after) = answer.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, after.clone());
    }
    response
}
