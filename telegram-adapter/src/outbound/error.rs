//! What can go wrong when Telegram is asked for something.
//!
//! The token is in every URL, so nothing here is made from reqwest's own words about the request.

use std::error::Error as _;
use std::time::Duration;

use teloxide::{ApiError, RequestError};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 403: the person blocked the bot, never started it or is gone.
    #[error("the chat is closed to the bot: {0}")]
    Blocked(String),
    /// 429, and the pause is longer than we wait.
    #[error("flood control asks for a pause of {} s", .0.as_secs())]
    Flood(Duration),
    /// Another 4xx: the same call will be refused again.
    #[error("refused: {0}")]
    Refused(String),
    #[error("the bot token is not accepted")]
    Token,
    /// The server has no such method: an older one of somebody's own.
    #[error("the server does not know this method")]
    Unsupported,
    /// No connection was made: nothing was done.
    #[error("not reached: {0}")]
    NotReached(String),
    /// A 5xx, a time-out, a broken or unreadable answer: it may have been done.
    #[error("in doubt: {0}")]
    InDoubt(String),
}

/// What Telegram refused, where that tells what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The message is not there any more, or can't be changed any more: send a new one.
    MessageGone,
    /// It looks so already.
    NotModified,
    /// The formatting is not understood.
    BadHtml,
    /// A tap that was not answered in time.
    TapTooOld,
    /// There is no such chat, or the bot never met it.
    NoChat,
    /// Anything else; the words say what.
    Other,
}

impl Refusal {
    const WORDS: [(&str, Self); 12] = [
        ("message is not modified", Self::NotModified),
        ("message to edit not found", Self::MessageGone),
        ("message can't be edited", Self::MessageGone),
        ("message to delete not found", Self::MessageGone),
        ("message can't be deleted", Self::MessageGone),
        ("message to copy not found", Self::MessageGone),
        ("message to forward not found", Self::MessageGone),
        ("message_id_invalid", Self::MessageGone),
        ("there is no such message", Self::MessageGone),
        ("can't parse entities", Self::BadHtml),
        ("query is too old", Self::TapTooOld),
        ("chat not found", Self::NoChat),
    ];

    fn of(words: &str) -> Self {
        let words = words.to_ascii_lowercase();
        let known = Self::WORDS.iter().find(|(known, _)| words.contains(known));
        known.map_or(Self::Other, |(_, refusal)| *refusal)
    }
}

impl Error {
    /// What is wrong with the call, if that is what is wrong.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refused().map(Refusal::of)
    }

    /// Whether asking again later may help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Flood(_) | Self::NotReached(_) | Self::InDoubt(_))
    }

    /// Of a call after `n` others that belong to the same: these are there, and another try makes them again.
    #[must_use]
    pub fn after(self, n: usize) -> Self {
        if n > 0 && self.is_passing() { Self::InDoubt(self.to_string()) } else { self }
    }

    /// Telegram's words for what is wrong with the call, if that is what is wrong.
    pub(crate) fn refused(&self) -> Option<&str> {
        match self {
            Self::Refused(words) => Some(words),
            _ => None,
        }
    }

    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Blocked(_) => "blocked",
            Self::Flood(_) => "flood",
            Self::Refused(_) => "refused",
            Self::Token => "token",
            Self::Unsupported => "unsupported",
            Self::NotReached(_) => "not_reached",
            Self::InDoubt(_) => "in_doubt",
        }
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Api(error) => from_api(&error),
            RequestError::MigrateToChatId(_) => Self::Refused("the group became a supergroup".to_owned()),
            RequestError::RetryAfter(pause) => Self::Flood(Duration::from_secs(u64::from(pause.seconds()))),
            RequestError::Network(error) => from_network(&error),
            // The body may be anything, also a page of some proxy: it is not repeated.
            RequestError::InvalidJson { .. } => Self::InDoubt("the answer is not Telegram's JSON".to_owned()),
            RequestError::Io(error) => Self::NotReached(error.to_string()),
        }
    }
}

fn from_api(error: &ApiError) -> Error {
    let words = match error {
        ApiError::InvalidToken => return Error::Token,
        ApiError::Unknown(words) => words.clone(),
        known => known.to_string(),
    };
    // teloxide doesn't keep the code; each of Telegram's descriptions begins with its name.
    let begins =
        |prefix: &str| words.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    if begins("Forbidden") || begins("Unauthorized:") {
        Error::Blocked(words)
    } else if begins("Internal")
        || begins("Bad Gateway")
        || begins("Service Unavailable")
        || begins("Gateway")
    {
        Error::InDoubt(words)
    } else {
        Error::Refused(words)
    }
}

pub(super) fn from_network(error: &reqwest::Error) -> Error {
    // The source says what happened without the URL, which only reqwest's own layer adds.
    let mut cause = error.source();
    let mut words = String::new();
    while let Some(error) = cause {
        words = error.to_string();
        cause = error.source();
    }
    if error.is_connect() {
        Error::NotReached(words)
    } else if error.is_timeout() {
        Error::InDoubt("no answer in time".to_owned())
    } else {
        Error::InDoubt(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(words: &str) -> Error {
        Error::from(RequestError::Api(serde_json::from_value(serde_json::json!(words)).unwrap()))
    }

    #[test]
    fn telegrams_words_are_sorted_by_what_to_do_next() {
        assert!(matches!(api("Forbidden: bot was blocked by the user"), Error::Blocked(_)));
        assert!(matches!(api("Forbidden: something nobody has seen before"), Error::Blocked(_)));
        assert!(matches!(api("Forbidden: user is deactivated"), Error::Blocked(_)));
        assert_eq!(api("Unauthorized"), Error::Token);
        assert!(matches!(api("Bad Request: chat not found"), Error::Refused(_)));
        assert!(matches!(api("Internal Server Error"), Error::InDoubt(_)));
        assert!(matches!(api("Bad Gateway"), Error::InDoubt(_)));
    }

    #[test]
    fn a_refusal_says_what_to_do_next() {
        let refusal = |words: &str| api(&format!("Bad Request: {words}")).refusal();
        assert_eq!(refusal("can't parse entities: Unsupported start tag"), Some(Refusal::BadHtml));
        let same = "message is not modified: specified new message content and reply markup are exactly the same as a \
                    current content and reply markup of the message";
        assert_eq!(refusal(same), Some(Refusal::NotModified));
        for gone in [
            "message to edit not found",
            "message can't be edited",
            "MESSAGE_ID_INVALID",
            "message to copy not found",
        ] {
            assert_eq!(refusal(gone), Some(Refusal::MessageGone), "{gone}");
        }
        assert_eq!(refusal("chat not found"), Some(Refusal::NoChat));
        assert_eq!(refusal("PHOTO_INVALID_DIMENSIONS"), Some(Refusal::Other));
        assert_eq!(api("Forbidden: bot was kicked from the group chat").refusal(), None);
    }

    #[tokio::test]
    async fn an_error_of_the_network_never_shows_the_token() {
        let client = reqwest::Client::new();
        let error = client.get("http://127.0.0.1:9/bot1:CANARY/getMe").send().await.unwrap_err();
        assert!(error.to_string().contains("CANARY"), "the test proves nothing");
        let error = Error::from(RequestError::Network(std::sync::Arc::new(error)));
        assert!(matches!(&error, Error::NotReached(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
}
