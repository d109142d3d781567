//! Answers to queries, by a client of their own: teloxide's sleeps 10 s after a 5xx, which is all the time that there is
//! for a payment (docs: core.telegram.org/bots/api#answerprecheckoutquery), and longer than anyone looks at a spinner.

use std::time::Duration;

use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Error, Proxy};
use crate::texts::Html;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(700);
/// Of one try; Telegram answers within a few tenths or not at all.
const TRY_TIMEOUT: Duration = Duration::from_millis(1_500);
const REPEAT_PAUSE: Duration = Duration::from_millis(150);
/// Bot API names no bound; what is longer is cut by clients.
const REASON_CHARS_MAX: usize = 200;

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Express {
    client: Client,
    /// Of all methods. With the token in it: never shown.
    url: Url,
}

impl Express {
    /// # Errors
    /// The TLS library refuses to start, or the proxy can't be used.
    pub fn new(token: &SecretString, api_url: &Url, proxy: Option<&Proxy>) -> Result<Self, reqwest::Error> {
        let client = super::client(proxy, CONNECT_TIMEOUT, TRY_TIMEOUT)?;
        let mut url = api_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/bot{}/", token.expose_secret()));
        Ok(Self { client, url })
    }

    /// Lets the payment through, or says why not; again and again until `end` while it is in doubt.
    ///
    /// # Errors
    /// See [`Error`]. In doubt it may have been answered.
    pub async fn answer(&self, query: &str, refusal: Option<&Html>, end: Instant) -> Result<(), Error> {
        let mut body = json!({"pre_checkout_query_id": query, "ok": refusal.is_none()});
        if let Some(why) = refusal {
            body["error_message"] = why.plain().chars().take(REASON_CHARS_MAX).collect::<String>().into();
        }
        self.insist("AnswerPreCheckoutQuery", &body, end).await
    }

    /// Stops a button's spinner, with a word if there is one.
    ///
    /// # Errors
    /// As [`Express::answer`].
    pub(super) async fn answer_tap(&self, tap: &str, text: Option<&str>, end: Instant) -> Result<(), Error> {
        let mut body = json!({"callback_query_id": tap});
        if let Some(text) = text {
            body["text"] = text.into();
        }
        self.insist("AnswerCallbackQuery", &body, end).await
    }

    async fn insist(&self, method: &'static str, body: &Value, end: Instant) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let tried = self.try_once(method, body).await;
            let outcome = tried.as_ref().err().map_or("ok", Error::label);
            metrics::counter!("telegram_calls_total", "method" => method, "outcome" => outcome).increment(1);
            let pause = match &tried {
                // A repeat of an answer that had arrived.
                Err(error) if tries > 1 && error.refused().is_some_and(|words| words.contains("too old")) => {
                    return Ok(());
                }
                Err(Error::Flood(pause)) => *pause,
                Err(error) if error.is_passing() => REPEAT_PAUSE,
                _ => return tried,
            };
            if Instant::now() + pause >= end {
                return tried;
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn try_once(&self, method: &str, body: &Value) -> Result<(), Error> {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{method}", self.url.path()));
        let sent = self.client.post(url).json(body).send().await;
        let answer = sent.map_err(|error| super::error::from_network(&error.without_url()))?;
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap_or_default();
        let words = || answer["description"].as_str().unwrap_or_default().to_owned();
        if answer["ok"] == true {
            return Ok(());
        }
        Err(match status.as_u16() {
            401 | 404 => Error::Token,
            403 => Error::Blocked(words()),
            429 => {
                let after = answer["parameters"]["retry_after"].as_u64().unwrap_or(1).min(60);
                Error::Flood(Duration::from_secs(after))
            }
            400..=499 => Error::Refused(words()),
            _ => Error::InDoubt(format!("status {}", status.as_u16())),
        })
    }
}
