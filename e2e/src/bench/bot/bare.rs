//! The ceiling: a bot that knows nobody and answers every message with one, by the same webhook.

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::town::Town;

/// As `telegram-adapter` asks for.
const CONNECTIONS: u32 = 40;

pub struct Bare(JoinHandle<()>);

impl Bare {
    /// Telegram's updates come here from now on.
    pub fn start(town: &Town) -> Result<Self> {
        let state = (town.http.clone(), format!("{}/sendMessage", town.bot_url()));
        let listener = town.stage.rt.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let url = format!("http://{}/", listener.local_addr()?);
        let router = Router::new().route("/", post(answer)).with_state(state);
        let serving = town.stage.rt.spawn(async move {
            // It ends with the measurement.
            let _ = axum::serve(listener, router).await;
        });
        let bare = Self(serving);
        town.method("setWebhook", &json!({"url": url, "max_connections": CONNECTIONS}))?;
        Ok(bare)
    }

    /// Telegram keeps its updates from now on.
    pub fn stop(self, town: &Town) -> Result<()> {
        town.method("deleteWebhook", &json!({})).context("the bare bot can't leave").map(drop)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn answer(
    State((http, url)): State<(reqwest::Client, String)>,
    Json(update): Json<Value>,
) -> StatusCode {
    let body = json!({"chat_id": update["message"]["chat"]["id"], "text": "A plantain is no banana."});
    match http.post(url).json(&body).send().await {
        Ok(sent) if sent.status().is_success() => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}
