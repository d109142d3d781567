//! Methods that change or take back what is in a chat.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    MethodResult,
    entities::formatted,
    error::ApiError,
    flood::{self, Counted},
    markup::Keyboard,
    params::Params,
    relay::CAPTIONED,
    send::{caption_fields, chat, checked_caption, input_media, text, text_fields},
    state::{Stored, merge},
};
use crate::{people::events::ChatEvent, world::World};

/// A bot can delete a message for two days.
const DELETABLE_MS: i64 = 48 * 3_600_000;
const DELETED_KEPT_MAX: usize = 1_000;
/// Fields that make up what a message says; an edit replaces them all.
const CONTENT: [&str; 10] = [
    "text",
    "entities",
    "caption",
    "caption_entities",
    "photo",
    "document",
    "show_caption_above_media",
    "has_media_spoiler",
    "link_preview_options",
    "reply_markup",
];

/// What can become other media.
const EDITABLE: [&str; 6] = ["text", "photo", "document", "video", "animation", "audio"];

/// Changes one of the bot's messages. `content` answers with the new content, or refuses.
fn change(
    world: &World,
    params: &Params,
    content: impl FnOnce(&Stored, &mut super::state::Telegram) -> Result<Value, ApiError>,
) -> MethodResult {
    if params.has("inline_message_id") {
        return Err(ApiError::bad("MESSAGE_ID_INVALID"));
    }
    let chat_id = chat(world, params)?;
    let id = params.int("message_id").ok_or_else(|| ApiError::bad("message identifier is not specified"))?;
    flood::spend(world, chat_id, Counted::Message)?;
    world.change(|state| {
        let telegram = &mut state.telegram;
        let stored = telegram
            .chats
            .get(&chat_id)
            .and_then(|chat| chat.messages.get(&id))
            .cloned()
            .ok_or_else(|| ApiError::bad("message to edit not found"))?;
        if !stored.by_bot || stored.fixed || stored.message.get("forward_origin").is_some() {
            return Err(ApiError::bad("message can't be edited"));
        }
        let content = content(&stored, telegram)?;
        let pay = content["reply_markup"]["inline_keyboard"][0][0]["pay"] == true;
        if pay != stored.invoice.is_some() {
            let first = "the first button of an invoice's keyboard must be a Pay button";
            return Err(ApiError::bad(if pay { "BUTTON_TYPE_INVALID" } else { first }));
        }
        let same = CONTENT.iter().all(|field| stored.message.get(field) == content.get(field));
        if same {
            return Err(ApiError::bad(
                "message is not modified: specified new message content and reply markup are exactly the same as \
                 a current content and reply markup of the message",
            ));
        }
        let mut message = stored.message;
        if let Some(fields) = message.as_object_mut() {
            fields.retain(|name, _| !CONTENT.contains(&name.as_str()));
        }
        merge(&mut message, &content);
        message["edit_date"] = json!(world.date_ms() / 1000);
        if let Some(stored) = telegram.chats.get_mut(&chat_id).and_then(|chat| chat.messages.get_mut(&id)) {
            stored.message = message.clone();
            world.tell(ChatEvent::new(chat_id, "edited", json!({"message": stored.shown()})));
        }
        Ok(message)
    })
}

/// The content as it is, for methods that replace only a part of it.
fn kept(stored: &Stored, without: &[&str]) -> Value {
    let mut content = json!({});
    for field in CONTENT.iter().filter(|field| !without.contains(*field)) {
        if let Some(value) = stored.message.get(field) {
            content[*field] = value.clone();
        }
    }
    content
}

fn with_markup(mut content: Value, keyboard: &Keyboard) -> Value {
    if let Some(markup) = keyboard.shown() {
        content["reply_markup"] = markup.clone();
    }
    content
}

pub(crate) fn edit_text(world: &World, params: &Params) -> MethodResult {
    let text = text(params)?;
    let keyboard = Keyboard::read_inline(params)?;
    let preview = params.json("link_preview_options")?;
    change(world, params, |stored, _| {
        if stored.message.get("text").is_none() {
            return Err(ApiError::bad("there is no text in the message to edit"));
        }
        let mut content = text_fields(&text);
        if let Some(preview) = preview {
            content["link_preview_options"] = preview;
        }
        Ok(with_markup(content, &keyboard))
    })
}

pub(crate) fn edit_caption(world: &World, params: &Params) -> MethodResult {
    let caption = checked_caption(formatted(params, "caption", "caption_entities")?)?;
    let keyboard = Keyboard::read_inline(params)?;
    change(world, params, |stored, _| {
        if !CAPTIONED.iter().any(|field| stored.message.get(field).is_some()) {
            return Err(ApiError::bad("there is no caption in the message to edit"));
        }
        let mut content = kept(stored, &["caption", "caption_entities", "reply_markup"]);
        merge(&mut content, &caption_fields(&caption));
        Ok(with_markup(content, &keyboard))
    })
}

pub(crate) fn edit_markup(world: &World, params: &Params) -> MethodResult {
    let keyboard = Keyboard::read_inline(params)?;
    change(world, params, |stored, _| Ok(with_markup(kept(stored, &["reply_markup"]), &keyboard)))
}

pub(crate) async fn edit_media(world: &Arc<World>, params: &Params) -> MethodResult {
    let keyboard = Keyboard::read_inline(params)?;
    let media = params.json("media")?.ok_or_else(|| ApiError::bad("input media is not specified"))?;
    let (source, caption) = input_media(world, params, &media).await?;
    change(world, params, |stored, telegram| {
        let kind = media["type"].as_str().unwrap_or_default();
        if !EDITABLE.iter().any(|field| stored.message.get(field).is_some()) {
            return Err(ApiError::bad("message can't be edited"));
        }
        if stored.message.get("media_group_id").is_some() && stored.message.get(kind).is_none() {
            return Err(ApiError::bad("media of an album can't be replaced by media of another type"));
        }
        let id = telegram.keep(&world.blobs, source);
        let mut content = telegram.media(&id);
        merge(&mut content, &caption_fields(&caption));
        Ok(with_markup(content, &keyboard))
    })
}

pub(crate) fn delete(world: &World, params: &Params) -> MethodResult {
    let chat_id = chat(world, params)?;
    let id = params.int("message_id").ok_or_else(|| ApiError::bad("message identifier is not specified"))?;
    delete_one(world, chat_id, id)?;
    Ok(json!(true))
}

/// deleteMessages: those that are not there are skipped.
pub(crate) fn delete_many(world: &World, params: &Params) -> MethodResult {
    let chat_id = chat(world, params)?;
    let ids = params.json("message_ids")?.unwrap_or_default();
    let ids = ids.as_array().filter(|ids| (1..=100).contains(&ids.len()));
    let ids = ids.ok_or_else(|| ApiError::bad("message identifiers are not specified"))?;
    for id in ids.iter().filter_map(Value::as_i64) {
        // A missing one is no failure here.
        let _ = delete_one(world, chat_id, id);
    }
    Ok(json!(true))
}

fn delete_one(world: &World, chat_id: i64, id: i64) -> Result<(), ApiError> {
    let now = world.clock.now_ms();
    world.change(|state| {
        let chat = state.telegram.chats.entry(chat_id).or_default();
        let stored = chat.messages.get(&id).ok_or_else(|| ApiError::bad("message to delete not found"))?;
        // In a group the bot is no administrator.
        if chat_id < 0 && !stored.by_bot {
            return Err(ApiError::bad("message can't be deleted"));
        }
        if now - stored.sent_ms > DELETABLE_MS {
            return Err(ApiError::bad("message can't be deleted for everyone"));
        }
        chat.messages.remove(&id);
        chat.deleted.push_back(id);
        if chat.deleted.len() > DELETED_KEPT_MAX {
            chat.deleted.pop_front();
        }
        world.tell(ChatEvent::new(chat_id, "deleted", json!({"message_id": id})));
        Ok(())
    })
}
