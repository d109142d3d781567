//! Google's Gemini API: one thing made at a time, with a key that is free.
//!
//! A call is: a free key ([`keys`]) → POST ([`request`], [`send`]) → read the answer while it comes, pictures
//! ([`pictures`]) or words ([`words`]), or the error ([`error`]). Google has no idempotency key: every call may be
//! paid, so nothing here calls again but when Google has refused the *key*, or the turns that an edit shows,
//! before any work.
//! Bounds: an answer of [`ANSWER_BYTES_MAX`] passes through in pieces; a call holds a piece of it, a chunk on its way
//! to the store, and what is left without pictures and signatures: 2 MB, whatever its size. What a request holds
//! is bounded by the room it takes ([`crate::shelf::Material`]).
//!
//! Invariant: no key, prompt or body is in an error, a log line or what Debug shows.

mod answer;
mod base64;
mod error;
mod harvest;
mod keys;
mod outcome;
mod pictures;
mod probe;
mod request;
mod send;
mod skeleton;
mod sse;
mod words;

use std::{fmt, time::Duration};

use proto_events::{
    catalog::Api,
    commands::MadeOutput,
    events::{GenerationKind, Trouble, Usage},
};
use reqwest::Url;
use secrecy::SecretString;
use serde::Serialize;
use tokio::time::Instant;

use self::{
    error::{Blame, Refusal},
    keys::Keys,
    request::Shown,
    send::Ended,
};
use crate::shelf::{Keepsake, Live, Material, Slot};

pub use self::{harvest::PICTURE_BYTES_MAX, keys::Ready, send::ANSWER_BYTES_MAX, words::TEXT_BYTES_MAX};

/// A turn of a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    pub prompt: String,
    pub answer: String,
}

/// What to make.
pub struct Ask {
    pub kind: GenerationKind,
    pub model: String,
    pub api: Api,
    pub system: Option<String>,
    /// The conversation so far, the oldest first.
    pub turns: Vec<Said>,
    pub prompt: String,
    pub material: Material,
    pub aspect_ratio: Option<String>,
    pub size: Option<String>,
}

/// Without a word of what people said.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("kind", &self.kind)
            .field("model", &self.model)
            .field("turns", &self.turns.len())
            .field("material", &self.material)
            .field("aspect_ratio", &self.aspect_ratio)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Which content Google is to block, as it names both: `HARM_CATEGORY_HARASSMENT`, `BLOCK_ONLY_HIGH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Safety {
    pub category: String,
    pub threshold: String,
}

/// What was made; it lies in the slot.
pub struct Made {
    pub outputs: Vec<MadeOutput>,
    pub memory: Memory,
}

/// What may be asked about later, to be kept once the result is sealed: it may be lost, the result may not.
pub enum Memory {
    /// The words, for the conversation.
    Words(String),
    /// What an edit shows again.
    Turn(Box<Keepsake>),
    Nothing,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made").field("outputs", &self.outputs).finish_non_exhaustive()
    }
}

/// What the vendor counted, as far as it said so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metered {
    pub usage: Option<Usage>,
    /// The model that answered, which is the one that is billed.
    pub model_version: Option<String>,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: the same request would end the same way. The credits go back.
    GiveUp,
    /// The same request later, after this time if one was named; when Google may have worked
    /// ([`Trouble::is_in_doubt`]) only as often as is configured.
    Later { after: Option<Duration> },
    /// The credits go back, and no job is taken before [`Gemini::ready`] says so: a person must act.
    Stop,
}

/// A call that made nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub trouble: Trouble,
    pub remedy: Remedy,
    /// Codes of the vendor for the log; never its prose, which may quote the prompt.
    pub codes: String,
    /// For `text_instead`: the words, in the slot. Absent if the store did not take them.
    pub text: Option<MadeOutput>,
    /// Google may have worked, and be paid, though its whole bill was not had.
    pub in_doubt: bool,
}

impl Failure {
    fn new(trouble: Trouble, remedy: Remedy, codes: impl Into<String>) -> Self {
        Self { trouble, remedy, codes: codes.into(), text: None, in_doubt: false }
    }

    fn later(trouble: Trouble, codes: impl Into<String>) -> Self {
        Self::new(trouble, Remedy::Later { after: None }, codes)
    }

    fn give_up(trouble: Trouble, codes: impl Into<String>) -> Self {
        Self::new(trouble, Remedy::GiveUp, codes)
    }

    fn doubtful(self) -> Self {
        Self { in_doubt: true, ..self }
    }
}

/// How it ended and what it was billed.
#[derive(Debug)]
pub struct Answered {
    pub result: Result<Made, Failure>,
    pub metered: Metered,
    pub latency: Duration,
    /// Was Google asked at all? Not when no key is free.
    pub called: bool,
}

/// Where and how to call.
#[derive(Debug, Clone)]
pub struct Options {
    pub url: Url,
    pub keys: Vec<SecretString>,
    pub call_timeout: Duration,
    pub connect_timeout: Duration,
    /// Google's own settings where a category is not named.
    pub safety: Vec<Safety>,
    /// How long a key that was refused, or a region that is not served, rests before it is probed; each
    /// further wait is twice as long, up to 32 times this.
    pub probe_after: Duration,
}

/// A person must act first, and then not wait long.
pub const PROBE_AFTER: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
#[error("the HTTP client can't be built")]
pub struct BadClient(#[source] reqwest::Error);

pub struct Gemini {
    http: reqwest::Client,
    base: String,
    keys: Keys,
    call_timeout: Duration,
    safety: Vec<Safety>,
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
        let keys = Keys::new(options.keys, options.probe_after);
        Ok(Self { http, base, keys, call_timeout: options.call_timeout, safety: options.safety })
    }

    /// May a job of this model be taken?
    pub fn ready(&self, model: &str) -> Ready {
        self.keys.ready(model, Instant::now())
    }

    /// Models that no key may be used for before the time that is given.
    pub fn resting(&self) -> Vec<(String, Instant)> {
        self.keys.resting(Instant::now())
    }

    /// Makes one thing within `limit` and puts it into `slot`; words go to `live` as they come. Tries
    /// another key where Google refused one, at most once each. Dropping it leaves the call.
    pub async fn generate(&self, ask: &Ask, limit: Duration, slot: &Slot, live: &mut Live) -> Answered {
        let began = Instant::now();
        let until = began + limit.min(self.call_timeout);
        let mut body = match ask.api {
            Api::Generate => request::generate(ask, &self.safety, Shown::Turns),
            Api::Predict => request::predict(ask),
        };
        let mut called = false;
        let mut last = None;
        for key in self.keys.free(&ask.model, began) {
            let Some(secret) = self.keys.secret(key) else { continue };
            let mut ended = self.call(ask, &body, secret, until, slot, live).await;
            if ended.is_about_request() && !ask.material.earlier.is_empty() {
                tracing::warn!("the model does not take its turns back: the edit shows the picture alone");
                body = request::generate(ask, &self.safety, Shown::Pictures);
                ended = self.call(ask, &body, secret, until, slot, live).await;
            }
            let Ended { result, metered, asked } = ended;
            called |= asked;
            let refusal = match result {
                Ok(result) => {
                    if result.is_ok() {
                        self.keys.answered(key, &ask.model, Instant::now());
                    }
                    return Answered { result, metered, latency: began.elapsed(), called };
                }
                Err(refusal) => refusal,
            };
            if !self.blame(key, &ask.model, &refusal) {
                let result = Err(refusal.failure());
                return Answered { result, metered, latency: began.elapsed(), called };
            }
            last = Some(refusal.codes);
        }
        let failure = self.no_key(&ask.model, last.unwrap_or_else(|| "no key is free".to_owned()));
        Answered { result: Err(failure), metered: Metered::default(), latency: began.elapsed(), called }
    }

    /// Remembers a refusal. True: another key may do.
    fn blame(&self, key: usize, model: &str, refusal: &Refusal) -> bool {
        let now = Instant::now();
        match refusal.blame {
            Blame::Request | Blame::Moment { .. } => return false,
            Blame::Quota { after } => self.keys.over_quota(key, model, after, now),
            Blame::DaysQuota => self.keys.over_days_quota(key, model, now),
            Blame::KeyAndModel => self.keys.denied(key, model, now),
            Blame::Key => self.keys.refused(key, now),
            Blame::Place => self.keys.blocked(now),
        }
        let (trouble, codes) = (refusal.trouble, refusal.codes.as_str());
        if matches!(refusal.blame, Blame::Quota { .. }) {
            tracing::warn!(key = key + 1, ?trouble, codes, "a key is over its quota");
        } else {
            tracing::error!(key = key + 1, ?trouble, codes, "Gemini refused a key");
        }
        metrics::counter!("generator_keys_refused_total").increment(1);
        refusal.blame != Blame::Place
    }

    /// Every key has been refused, now or before.
    fn no_key(&self, model: &str, codes: String) -> Failure {
        let now = Instant::now();
        match self.keys.ready(model, now) {
            Ready::NoGoodKey => Failure::new(self.keys.trouble(), Remedy::Stop, codes),
            Ready::QuotaGone => Failure::give_up(Trouble::QuotaExhausted, codes),
            Ready::Denied => Failure::give_up(Trouble::KeyInvalid, codes),
            Ready::RestsUntil(until) => {
                let after = Some(until.duration_since(now));
                Failure::new(Trouble::RateLimited, Remedy::Later { after }, codes)
            }
            // Free again meanwhile.
            Ready::Ready => Failure::later(Trouble::RateLimited, codes),
        }
    }
}

impl Refusal {
    fn failure(self) -> Failure {
        let remedy = match self.blame {
            Blame::Moment { after } | Blame::Quota { after } => Remedy::Later { after },
            Blame::Request | Blame::DaysQuota | Blame::KeyAndModel => Remedy::GiveUp,
            Blame::Key | Blame::Place => Remedy::Stop,
        };
        Failure::new(self.trouble, remedy, self.codes)
    }
}
