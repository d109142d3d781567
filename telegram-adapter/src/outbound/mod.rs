//! Telegram as the adapter calls it: teloxide's `Bot` behind a door of our own.
//!
//! Here and nowhere else: time-outs, the gate of flood control (`flood`; a short pause is waited for),
//! repeats, "message is not modified" as success, plain text when the HTML is not understood,
//! errors without URLs (the token is in the path). What can be repeated without harm is repeated
//! in doubt; a message is not, since it would be there twice: whoever sends decides.

mod error;
mod express;
mod file;
mod lenient;
mod live;
mod markup;
mod message;
mod money;
mod picture;
mod proxy;
mod sent;
mod setup;

use std::time::{Duration, Instant};

use reqwest::{Client, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use teloxide::Bot;
use teloxide::requests::{JsonRequest, MultipartPayload, MultipartRequest, Payload, Request};
use teloxide::types::{ChatId, MessageId, ParseMode, Recipient, ReplyParameters};

pub use error::{Error, Refusal};
pub use express::Express;
pub use file::FilePlace;
pub use live::Action;
pub use markup::{Button, Markup};
pub use money::{Invoice, ProviderPart, STAR_ROWS_MAX};
pub use picture::{ALBUM, FileKind, Picture};
pub use proxy::Proxy;
pub use sent::{Sent, SentFile};
pub use setup::{ALLOWED_UPDATES, LONG_POLL_S, Me, Scope};

use crate::flood::{Flood, Rate, Traffic};
use crate::texts::Html;
use lenient::Lenient;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// teloxide's own is 17 s; Telegram answers a plain call within a second or not at all.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// 50 MB at 4 Mbit/s.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(100);
/// An answer to a tap is worth something only at once; after this nobody looks at the spinner.
const TAP_TIMEOUT: Duration = Duration::from_secs(8);
/// What is for the eye is worth as little later. Also cuts short the 10 s that teloxide sleeps after a 5xx.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a call waits for flood control, all in all; longer pauses are left to whoever called: a webhook must be
/// answered within 60 s.
const PATIENCE: Duration = Duration::from_secs(15);
/// Calls that Telegram answered with a 429, of one.
const FLOODS_MAX: usize = 3;
/// Between a broken call and its repeat.
const REPEAT_PAUSE: Duration = Duration::from_millis(500);
const REPEATS_MAX: usize = 2;

/// Whether a call whose outcome is unknown may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InDoubt {
    Repeat,
    Leave,
}

/// How Telegram is called.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Messages a chat takes.
    pub rate: Rate,
    /// Without, as the environment says (`HTTPS_PROXY`).
    pub proxy: Option<Proxy>,
}

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Telegram {
    calls: Bot,
    uploads: Bot,
    polls: Bot,
    express: Express,
    flood: Flood,
    patience: Duration,
}

impl Telegram {
    /// # Errors
    /// The TLS library refuses to start, or the proxy can't be used.
    pub fn new(token: &SecretString, api_url: &Url, options: &Options) -> Result<Self, reqwest::Error> {
        let bot = |timeout| -> Result<Bot, reqwest::Error> {
            let client = client(options.proxy.as_ref(), CONNECT_TIMEOUT, timeout)?;
            Ok(Bot::with_client(token.expose_secret(), client).set_api_url(api_url.clone()))
        };
        let polling = Duration::from_secs(u64::from(LONG_POLL_S)) + CALL_TIMEOUT;
        let (calls, uploads, polls) = (bot(CALL_TIMEOUT)?, bot(UPLOAD_TIMEOUT)?, bot(polling)?);
        let express = Express::new(token, api_url, options.proxy.as_ref())?;
        Ok(Self { calls, uploads, polls, express, flood: Flood::new(options.rate), patience: PATIENCE })
    }

    /// A handle whose calls wait so long for flood control, all in all.
    #[must_use]
    pub fn patient(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// What all calls have to pass.
    pub fn flood(&self) -> &Flood {
        &self.flood
    }

    /// Stops the button's spinner. Late answers ("query is too old") are not an error.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn answer_tap(&self, tap: &str, text: Option<&Html>) -> Result<(), Error> {
        let text: Option<String> = text.map(|text| text.plain().chars().take(TAP_ANSWER_CHARS_MAX).collect());
        let end = tokio::time::Instant::now() + TAP_TIMEOUT;
        match self.express.answer_tap(tap, text.as_deref(), end).await {
            Err(error) if error.refusal() == Some(Refusal::TapTooOld) => Ok(()),
            answered => answered,
        }
    }

    async fn call<P>(
        &self,
        bot: &Bot,
        traffic: Traffic,
        in_doubt: InDoubt,
        payload: P,
    ) -> Result<Value, Error>
    where
        P: Payload + Serialize + Clone + Send + 'static,
    {
        let make = || JsonRequest::new(bot.clone(), Lenient(payload.clone())).send();
        self.patiently(P::NAME, traffic, in_doubt, make).await
    }

    async fn upload<P>(&self, traffic: Traffic, payload: P) -> Result<Value, Error>
    where
        P: MultipartPayload + Serialize + Clone + Send + 'static,
    {
        let bot = &self.uploads;
        let make = || MultipartRequest::new(bot.clone(), Lenient(payload.clone())).send();
        self.patiently(P::NAME, traffic, InDoubt::Leave, make).await
    }

    /// Calls until there is an answer that another call would not change, within the bounds above.
    async fn patiently<F>(
        &self,
        method: &'static str,
        traffic: Traffic,
        in_doubt: InDoubt,
        mut make: impl FnMut() -> F,
    ) -> Result<Value, Error>
    where
        F: IntoFuture<Output = Result<Value, teloxide::RequestError>>,
    {
        let deadline = Instant::now() + self.patience;
        let (mut floods, mut repeats) = (0, 0);
        self.flood.pass(traffic, deadline).await?;
        loop {
            let answer = make().await.map_err(Error::from);
            let outcome = answer.as_ref().err().map_or("ok", Error::label);
            metrics::counter!("telegram_calls_total", "method" => method, "outcome" => outcome).increment(1);
            match answer {
                Err(Error::Flood(pause)) => {
                    self.flood.limited(traffic, pause);
                    floods += 1;
                    if floods > FLOODS_MAX || Instant::now() + pause > deadline {
                        return Err(Error::Flood(pause));
                    }
                    tracing::warn!(method, pause_s = pause.as_secs(), "flood control; waiting as told");
                    if traffic == Traffic::Free {
                        tokio::time::sleep(pause).await;
                    }
                    self.flood.pass(traffic, deadline).await?;
                }
                Err(Error::NotReached(_)) if repeats < REPEATS_MAX => {
                    repeats += 1;
                    tokio::time::sleep(REPEAT_PAUSE).await;
                }
                Err(Error::InDoubt(_)) if in_doubt == InDoubt::Repeat && repeats < REPEATS_MAX => {
                    repeats += 1;
                    tokio::time::sleep(REPEAT_PAUSE).await;
                }
                answer => return answer,
            }
        }
    }
}

/// Bot API: 0–200 characters.
const TAP_ANSWER_CHARS_MAX: usize = 200;
/// Redirects are not followed: the token is in the path.
fn client(
    proxy: Option<&Proxy>,
    connect_timeout: Duration,
    timeout: Duration,
) -> Result<Client, reqwest::Error> {
    let client = Client::builder()
        .connect_timeout(connect_timeout)
        .timeout(timeout)
        .redirect(redirect::Policy::none())
        .tcp_nodelay(true);
    match proxy {
        Some(proxy) => proxy.of(client)?.build(),
        None => client.build(),
    }
}

/// Makes a call with HTML; when Telegram does not understand that, once more with the plain words.
async fn either_way<F>(mut make: impl FnMut(Form) -> F) -> Result<Value, Error>
where
    F: Future<Output = Result<Value, Error>>,
{
    match make(Form::Html).await {
        Err(error) if error.refusal() == Some(Refusal::BadHtml) => {
            tracing::error!(%error, "a text of ours is not good HTML; it goes as plain text");
            make(Form::Plain).await
        }
        made => made,
    }
}

/// How a text is given to Telegram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Html,
    Plain,
}

impl Form {
    fn words(self, text: &Html) -> String {
        match self {
            Self::Html => text.as_str().to_owned(),
            Self::Plain => text.plain(),
        }
    }

    /// What is for the eye has passed the gate the first time, and would be too soon the second.
    const fn traffic(self, traffic: Traffic) -> Traffic {
        match (self, traffic) {
            (Self::Plain, Traffic::Glance { .. }) => Traffic::Free,
            _ => traffic,
        }
    }

    const fn parse_mode(self) -> Option<ParseMode> {
        match self {
            Self::Html => Some(ParseMode::Html),
            Self::Plain => None,
        }
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = || Error::InDoubt("no answer in time".to_owned());
    tokio::time::timeout(ANSWER_TIMEOUT, call).await.unwrap_or_else(|_| Err(late()))
}

fn recipient(chat: i64) -> Recipient {
    Recipient::Id(ChatId(chat))
}

/// Telegram's message ids are 32 bits; 0 stands for one we were not told.
fn message_id(message: i64) -> Option<MessageId> {
    i32::try_from(message).ok().filter(|id| *id > 0).map(MessageId)
}

fn unknown_message() -> Error {
    Error::Refused("there is no such message".to_owned())
}

/// The reply goes out also when the message it answers is gone.
fn reply(message: i64) -> Option<ReplyParameters> {
    message_id(message).map(|id| ReplyParameters::new(id).allow_sending_without_reply())
}
