//! A tap on a button.

use serde_json::Value;

use super::update::{BadUpdate, Person, Update, id, person, text};

/// A button under one of our messages was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    pub id: String,
    pub from: Person,
    pub data: String,
    pub chat: i64,
    /// The message with the button.
    pub message: i64,
    /// That message is a photo, which can't be made a text of.
    pub pictured: bool,
    /// The person's message that it answers, and its text.
    pub answers: Option<(i64, String)>,
}

pub(super) fn read_tap(tap: &Value) -> Result<Update, BadUpdate> {
    let tap_id = text(tap, "id").ok_or(BadUpdate::NotUpdate("a tap without an id"))?;
    let from = person(&tap["from"]).ok_or(BadUpdate::NotUpdate("a tap of nobody"))?;
    let stray =
        |why| Ok(Update::StrayTap { id: tap_id.clone(), language: text(&tap["from"], "language_code"), why });
    let message = &tap["message"];
    let (Some(chat), Some(number)) = (id(&message["chat"]["id"]), id(&message["message_id"])) else {
        return stray("on a message that can't be reached");
    };
    // Buttons are sent to private chats only; there the chat is the person.
    if chat != from.id {
        return stray("in somebody else's chat");
    }
    let Some(data) = text(tap, "data") else { return stray("without data") };
    let replied = &message["reply_to_message"];
    let answers = id(&replied["message_id"]).zip(text(replied, "text"));
    let pictured = message["photo"].is_array();
    Ok(Update::Tap(Tap { id: tap_id, from, data, chat, message: number, pictured, answers }))
}
