//! Telegram's updates, read leniently into a closed enum at the door.
//!
//! Only what we use is looked at, so that an entity, button or field invented tomorrow can't make
//! us lose a message. What is not an update at all is refused.

use proto_events::amounts::INTEGER_MAX;
use serde_json::Value;

use super::message::{Message, read_message};
use super::money::{Checkout, Notice, read_checkout};
use super::tap::{Tap, read_tap};
use super::us::Us;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUpdate {
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("the body is not an update: {0}")]
    NotUpdate(&'static str),
    /// It is to come again.
    #[error("whom it is for can't be told before Telegram has told the bot's name")]
    TooEarly,
}

/// Who wrote or tapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: i64,
    pub name: String,
    /// IETF tag, if the client told.
    pub language: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    Message(Message),
    Tap(Tap),
    /// A tap that nothing can be done for, but its spinner is stopped.
    StrayTap {
        id: String,
        /// IETF tag, if the client told.
        language: Option<String>,
        why: &'static str,
    },
    Checkout(Checkout),
    /// Money came.
    Paid(Notice),
    /// Money went back.
    Returned(Notice),
    /// The person blocked the bot or let it in again.
    Membership {
        user: i64,
        blocked: bool,
    },
    /// An update, but not for us; the word says why.
    Ignored(&'static str),
}

impl Update {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Tap(_) | Self::StrayTap { .. } => "callback_query",
            Self::Checkout(_) => "pre_checkout_query",
            Self::Paid(_) => "successful_payment",
            Self::Returned(_) => "refunded_payment",
            Self::Membership { .. } => "my_chat_member",
            Self::Ignored(_) => "ignored",
        }
    }

    /// # Errors
    /// Not JSON (also: nested deeper than 128), not an update, or too early.
    pub fn parse(body: &[u8], us: &Us) -> Result<Self, BadUpdate> {
        let update = serde_json::from_slice(body).map_err(|error| BadUpdate::NotJson(error.to_string()))?;
        Self::read(&update, us)
    }

    /// # Errors
    /// Not an update, one without what every update of its kind has, or too early.
    pub fn read(update: &Value, us: &Us) -> Result<Self, BadUpdate> {
        if update["update_id"].as_i64().is_none() {
            return Err(BadUpdate::NotUpdate("it has no update_id"));
        }
        if let Some(message) = update.get("message") {
            return read_message(message, us);
        }
        if let Some(tap) = update.get("callback_query") {
            return read_tap(tap);
        }
        if let Some(query) = update.get("pre_checkout_query") {
            return read_checkout(query).map(Self::Checkout);
        }
        if let Some(member) = update.get("my_chat_member") {
            let user =
                id(&member["chat"]["id"]).ok_or(BadUpdate::NotUpdate("a membership without a chat"))?;
            if user < 0 {
                return Ok(Self::Ignored("a membership in a group"));
            }
            let blocked = matches!(member["new_chat_member"]["status"].as_str(), Some("kicked" | "left"));
            return Ok(Self::Membership { user, blocked });
        }
        Ok(Self::Ignored("of a kind that was not asked for"))
    }
}

pub(super) fn person(user: &Value) -> Option<Person> {
    let name = [text(user, "first_name"), text(user, "last_name")];
    let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(Person { id: id(&user["id"])?, name, language: text(user, "language_code") })
}

/// An id that every JSON reader keeps exactly.
pub(super) fn id(value: &Value) -> Option<i64> {
    value.as_i64().filter(|id| (-INTEGER_MAX..=INTEGER_MAX).contains(id))
}

pub(super) fn text(object: &Value, field: &str) -> Option<String> {
    object[field].as_str().map(str::to_owned)
}
