//! Google's Gemini API: one `generateContent` call at a time, with a key from the ring.
//!
//! A call is: pick a key → POST → read the body up to [`BODY_BYTES_MAX`] → read the answer
//! ([`answer`]) or the error ([`error`]). Google has no idempotency key: every call may be paid,
//! so nothing here calls again but when Google has refused the *key*, before any work.
//!
//! Invariant: no key, prompt or body is in an error or a log line.

mod answer;
mod error;
mod keys;
mod request;

use std::time::Duration;

use bytes::Bytes;
use proto_events::events::{GenerationKind, Trouble, Usage};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use self::keys::Keys;
use crate::picture::Made;

/// A 4K answer is tens of MB of base64 and signatures. A call holds at most this and the decoded
/// picture (3/4 of it), so `GENERATOR_CONCURRENCY` calls hold at most 112 MB each.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// What to make.
#[derive(Debug, Clone)]
pub struct Ask {
    pub kind: GenerationKind,
    pub model: String,
    pub prompt: String,
    pub aspect_ratio: Option<String>,
    pub size: Option<String>,
}

/// What the vendor counted, as far as it said so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metered {
    pub usage: Option<Usage>,
    /// The model that answered, which is the one that is billed.
    pub model_version: Option<String>,
}

/// What may help after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: the same request would end the same way.
    GiveUp,
    /// Google refused this key before working; another one may do. Ours is left alone for `rest`.
    OtherKey { rest: Duration, then: Then },
    /// The same request later, after this time if Google named one.
    Later { after: Option<Duration> },
}

/// What is left when no other key is to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    GiveUp,
    Later { after: Option<Duration> },
}

/// A call that made nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub trouble: Trouble,
    pub remedy: Remedy,
    /// Codes of the vendor for the log; never its prose, which may quote the prompt.
    pub codes: String,
}

impl Failure {
    fn new(trouble: Trouble, remedy: Remedy, codes: impl Into<String>) -> Self {
        Self { trouble, remedy, codes: codes.into() }
    }

    fn later(trouble: Trouble, codes: impl Into<String>) -> Self {
        Self::new(trouble, Remedy::Later { after: None }, codes)
    }

    fn give_up(trouble: Trouble, codes: impl Into<String>) -> Self {
        Self::new(trouble, Remedy::GiveUp, codes)
    }
}

/// How a call ended and what it was billed.
#[derive(Debug)]
pub struct Answered {
    pub result: Result<Made, Failure>,
    pub metered: Metered,
    pub latency: Duration,
}

/// Where and how to call.
#[derive(Debug, Clone)]
pub struct Options {
    pub url: Url,
    pub keys: Vec<SecretString>,
    pub call_timeout: Duration,
    pub connect_timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
#[error("the HTTP client can't be built")]
pub struct BadClient(#[source] reqwest::Error);

pub struct Gemini {
    http: reqwest::Client,
    base: String,
    keys: Keys,
    call_timeout: Duration,
}

impl Gemini {
    /// # Errors
    /// The TLS roots can't be loaded.
    pub fn new(options: Options) -> Result<Self, BadClient> {
        let http = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            // A fixed host: a redirect could carry the key away.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| BadClient(error.without_url()))?;
        let base = options.url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, base, keys: Keys::new(options.keys), call_timeout: options.call_timeout })
    }

    /// Makes one thing within `limit`. Tries another key where Google refused one, at most once each.
    pub async fn generate(&self, ask: &Ask, limit: Duration) -> Answered {
        let began = Instant::now();
        let until = began + limit.min(self.call_timeout);
        let mut refused = None;
        for key in self.keys.in_turn() {
            let (result, metered) = match tokio::time::timeout_at(until, self.call(ask, key.secret())).await {
                Ok(answered) => answered,
                Err(_) => (Err(Failure::later(Trouble::TimedOut, "our time-out")), Metered::default()),
            };
            match result {
                Err(Failure { trouble, remedy: Remedy::OtherKey { rest, then }, codes }) => {
                    tracing::error!(key = key.number(), ?trouble, codes, "Gemini refused a key");
                    metrics::counter!("generator_keys_refused_total").increment(1);
                    key.rest(rest);
                    refused = Some((trouble, then, codes));
                }
                result => return Answered { result, metered, latency: began.elapsed() },
            }
        }
        let failure = match refused {
            Some((trouble, Then::GiveUp, codes)) => Failure::give_up(trouble, codes),
            Some((trouble, Then::Later { after }, codes)) => {
                Failure::new(trouble, Remedy::Later { after }, codes)
            }
            None => Failure::give_up(Trouble::KeyInvalid, "no key is configured"),
        };
        Answered { result: Err(failure), metered: Metered::default(), latency: began.elapsed() }
    }

    async fn call(&self, ask: &Ask, key: &SecretString) -> (Result<Made, Failure>, Metered) {
        match self.fetch(ask, key).await {
            Ok((200, body)) => answer::read(ask.kind, &body),
            Ok((status, body)) => (Err(error::read(status, &body)), Metered::default()),
            Err(failure) => (Err(failure), Metered::default()),
        }
    }

    async fn fetch(&self, ask: &Ask, key: &SecretString) -> Result<(u16, Bytes), Failure> {
        let url = format!("{}/v1beta/models/{}:generateContent", self.base, escaped(&ask.model));
        let sent = self
            .http
            .post(url)
            .header("x-goog-api-key", key.expose_secret())
            .json(&request::of(ask))
            .send()
            .await;
        let mut response = sent.map_err(|error| lost(&error))?;
        let status = response.status().as_u16();
        if response.content_length().is_some_and(|bytes| bytes > BODY_BYTES_MAX as u64) {
            return Err(Failure::give_up(Trouble::TooLarge, "the answer is over our limit"));
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > BODY_BYTES_MAX => {
                    return Err(Failure::give_up(Trouble::TooLarge, "the answer is over our limit"));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok((status, body.into())),
                Err(error) if error.is_timeout() => {
                    return Err(Failure::later(Trouble::TimedOut, "while reading"));
                }
                Err(_) => return Err(Failure::later(Trouble::Truncated, "the line was cut while reading")),
            }
        }
    }
}

/// Names of models come from the catalog; this keeps an odd one from leaving its place in the path.
fn escaped(model: &str) -> String {
    model.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')).collect()
}

/// Before an answer began: whether Google has worked, and been paid, is not known.
fn lost(error: &reqwest::Error) -> Failure {
    if error.is_timeout() && !error.is_connect() {
        Failure::later(Trouble::TimedOut, "while waiting")
    } else if error.is_connect() {
        Failure::later(Trouble::VendorError, "no connection")
    } else {
        Failure::later(Trouble::VendorError, "the line was cut before an answer")
    }
}
