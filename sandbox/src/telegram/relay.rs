//! What was said once and is sent again: forwardMessage with its origin, copyMessage without.

use serde_json::{Value, json};

use super::{
    MethodResult,
    entities::formatted,
    error::ApiError,
    markup::Keyboard,
    params::Params,
    send::{caption_fields, chat, checked_caption, post},
    state::{Stored, Telegram, merge},
};
use crate::world::World;

/// Media that may have a caption.
pub(crate) const CAPTIONED: [&str; 6] = ["photo", "document", "video", "animation", "audio", "voice"];
/// What a message is made of besides.
const BARE: [&str; 10] = [
    "text",
    "entities",
    "link_preview_options",
    "sticker",
    "video_note",
    "poll",
    "location",
    "contact",
    "dice",
    "venue",
];
const OF_CAPTIONS: [&str; 4] =
    ["caption", "caption_entities", "show_caption_above_media", "has_media_spoiler"];

/// What a message says, without who, when and where.
fn content(message: &Value) -> Value {
    let mut content = json!({});
    for field in CAPTIONED.iter().chain(&BARE).chain(&OF_CAPTIONS) {
        if let Some(value) = message.get(field) {
            content[*field] = value.clone();
        }
    }
    content
}

/// The message that a method names, if the bot can see it.
fn named(world: &World, params: &Params, absent: &str) -> Result<Stored, ApiError> {
    let from = params.required("from_chat_id").map_err(|_| ApiError::bad("from_chat_id is empty"))?;
    let id = params.int("message_id").ok_or_else(|| ApiError::bad("message identifier is not specified"))?;
    world.read(|state| {
        let telegram = &state.telegram;
        let from = from
            .parse()
            .ok()
            .filter(|from| telegram.people.contains_key(from) || telegram.groups.contains_key(from));
        let from: i64 = from.ok_or_else(|| ApiError::bad("chat not found"))?;
        let stored = telegram.chats.get(&from).and_then(|chat| chat.messages.get(&id));
        stored.cloned().ok_or_else(|| ApiError::bad(absent))
    })
}

fn protected(stored: &Stored) -> bool {
    stored.message["has_protected_content"] == true
}

/// Who wrote it first; a forward of a forward keeps the first.
fn origin(telegram: &Telegram, message: &Value) -> Value {
    if let Some(origin) = message.get("forward_origin") {
        return origin.clone();
    }
    let (from, date) = (&message["from"], &message["date"]);
    let person = from["id"].as_i64().and_then(|id| telegram.people.get(&id));
    match person.filter(|person| person.private_forwards) {
        Some(person) => {
            json!({"type": "hidden_user", "sender_user_name": person.full_name(), "date": date})
        }
        None => json!({"type": "user", "sender_user": from, "date": date}),
    }
}

pub(crate) fn forward(world: &World, params: &Params) -> MethodResult {
    let chat_id = chat(world, params)?;
    let stored = named(world, params, "message to forward not found")?;
    let mut content = content(&stored.message);
    if content == json!({}) || protected(&stored) {
        return Err(ApiError::bad("message can't be forwarded"));
    }
    content["forward_origin"] = world.read(|state| origin(&state.telegram, &stored.message));
    // No parameter of a reply or a keyboard has a meaning here.
    let mut plain = Params::default();
    if params.flag("protect_content") {
        plain.set("protect_content", json!(true));
    }
    post(world, chat_id, &plain, &Keyboard::None, None, |_| content)
}

/// The content of a message, sent as the bot's own: another caption and keyboard may be given, the old keyboard
/// is not copied.
pub(crate) fn copy(world: &World, params: &Params) -> MethodResult {
    let chat_id = chat(world, params)?;
    let keyboard = Keyboard::read(params)?;
    let stored = named(world, params, "message to copy not found")?;
    let mut content = content(&stored.message);
    if content == json!({}) || protected(&stored) {
        return Err(ApiError::bad("message can't be copied"));
    }
    if params.has("caption") && CAPTIONED.iter().any(|field| content.get(field).is_some()) {
        let caption = checked_caption(formatted(params, "caption", "caption_entities")?)?;
        if let Some(fields) = content.as_object_mut() {
            fields.retain(|name, _| !matches!(name.as_str(), "caption" | "caption_entities"));
            fields.remove("show_caption_above_media");
        }
        merge(&mut content, &caption_fields(&caption));
        if params.flag("show_caption_above_media") {
            content["show_caption_above_media"] = json!(true);
        }
    }
    let message = post(world, chat_id, params, &keyboard, None, |_| content)?;
    Ok(json!({"message_id": message["message_id"]}))
}
