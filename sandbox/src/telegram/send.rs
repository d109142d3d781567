//! Methods that put something into a chat.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    MethodResult,
    entities::{Formatted, formatted, formatted_as},
    error::ApiError,
    flood::{self, Counted},
    groups::Membership,
    markup::Keyboard,
    params::Params,
    state::{Invoice, Telegram, merge},
    upload::{self, Source},
};
use crate::{people::events::ChatEvent, world::World};

pub(crate) const TEXT_CHARS_MAX: usize = 4096;
pub(crate) const CAPTION_CHARS_MAX: usize = 1024;
const ACTION_MS: i64 = 5_000;
const DRAFT_MS: i64 = 30_000;
const ALBUM: std::ops::RangeInclusive<usize> = 2..=10;
const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

/// The chat a method is about, if the bot may write there.
pub(crate) fn chat(world: &World, params: &Params) -> Result<i64, ApiError> {
    let named = params.text("chat_id").ok_or_else(|| ApiError::bad("chat_id is empty"))?;
    let id: i64 = named.parse().map_err(|_| ApiError::bad("chat not found"))?;
    world.read(|state| match state.telegram.people.get(&id) {
        None if id < 0 => match state.telegram.groups.get(&id) {
            None => Err(ApiError::bad("chat not found")),
            Some(group) => match group.bot {
                Membership::Member => Ok(id),
                Membership::Left => {
                    let why = format!("Forbidden: bot is not a member of the {} chat", group.kind());
                    Err(ApiError::new(403, why))
                }
                Membership::Kicked => Err(ApiError::new(
                    403,
                    format!("Forbidden: bot was kicked from the {} chat", group.kind()),
                )),
            },
        },
        None => Err(ApiError::bad("chat not found")),
        Some(person) if person.deactivated => Err(ApiError::new(403, "Forbidden: user is deactivated")),
        Some(person) if person.blocked => Err(ApiError::new(403, "Forbidden: bot was blocked by the user")),
        Some(person) if !person.started => {
            Err(ApiError::new(403, "Forbidden: bot can't initiate conversation with a user"))
        }
        Some(_) => Ok(id),
    })
}

pub(crate) fn text(params: &Params) -> Result<Formatted, ApiError> {
    let text = formatted(params, "text", "entities")?;
    if text.text.is_empty() {
        return Err(ApiError::bad("message text is empty"));
    }
    if text.text.chars().count() > TEXT_CHARS_MAX {
        return Err(ApiError::bad("message is too long"));
    }
    Ok(text)
}

pub(crate) fn checked_caption(caption: Formatted) -> Result<Formatted, ApiError> {
    if caption.text.chars().count() > CAPTION_CHARS_MAX {
        return Err(ApiError::bad("message caption is too long"));
    }
    Ok(caption)
}

pub(crate) fn text_fields(text: &Formatted) -> Value {
    let mut fields = json!({"text": text.text});
    if !text.entities.is_empty() {
        fields["entities"] = json!(text.entities);
    }
    fields
}

pub(crate) fn caption_fields(caption: &Formatted) -> Value {
    let mut fields = json!({});
    if !caption.text.is_empty() {
        fields["caption"] = json!(caption.text);
    }
    if !caption.entities.is_empty() {
        fields["caption_entities"] = json!(caption.entities);
    }
    fields
}

/// Posts the bot's message and tells the pages.
pub(crate) fn post(
    world: &World,
    chat_id: i64,
    params: &Params,
    keyboard: &Keyboard,
    invoice: Option<Invoice>,
    content: impl FnOnce(&mut Telegram) -> Value,
) -> MethodResult {
    flood::spend(world, chat_id, Counted::Message)?;
    put(world, chat_id, params, keyboard, invoice, content)
}

/// Like [`post`], for calls that were counted already.
fn put(
    world: &World,
    chat_id: i64,
    params: &Params,
    keyboard: &Keyboard,
    invoice: Option<Invoice>,
    content: impl FnOnce(&mut Telegram) -> Value,
) -> MethodResult {
    if invoice.is_none() && keyboard.has_pay() {
        return Err(ApiError::bad("BUTTON_TYPE_INVALID"));
    }
    let reply_to = replied(world, chat_id, params)?;
    let now = world.clock.now_ms();
    world.change(|state| {
        let telegram = &mut state.telegram;
        let mut content = content(telegram);
        if let Some(markup) = keyboard.shown() {
            content["reply_markup"] = markup.clone();
        }
        if let Some(reply_to) = reply_to {
            content["reply_to_message"] = reply_to;
        }
        if params.flag("protect_content") {
            content["has_protected_content"] = json!(true);
        }
        let bot = telegram.bot(&world.options.telegram_username);
        let message = telegram.post(chat_id, bot, true, now, &content, invoice);
        telegram.set_keyboard(chat_id, &message, keyboard);
        world.tell(ChatEvent::message(chat_id, &message));
        Ok(message)
    })
}

/// The message replied to, without its own reply.
fn replied(world: &World, chat_id: i64, params: &Params) -> Result<Option<Value>, ApiError> {
    let given = params.json("reply_parameters")?;
    let id = given
        .as_ref()
        .and_then(|given| given["message_id"].as_i64())
        .or_else(|| params.int("reply_to_message_id"));
    let Some(id) = id else { return Ok(None) };
    let found = world.read(|state| {
        let stored = state.telegram.chats.get(&chat_id)?.messages.get(&id)?;
        let mut message = stored.message.clone();
        message.as_object_mut()?.remove("reply_to_message");
        Some(message)
    });
    let lenient = params.flag("allow_sending_without_reply")
        || given.is_some_and(|given| given["allow_sending_without_reply"] == true);
    if found.is_none() && !lenient {
        return Err(ApiError::bad("message to be replied not found"));
    }
    Ok(found)
}

pub(crate) fn message(world: &World, params: &Params) -> MethodResult {
    let chat_id = chat(world, params)?;
    let text = text(params)?;
    let keyboard = Keyboard::read(params)?;
    let preview = params.json("link_preview_options")?;
    post(world, chat_id, params, &keyboard, None, |_| {
        let mut content = text_fields(&text);
        if let Some(preview) = preview {
            content["link_preview_options"] = preview;
        }
        content
    })
}

pub(crate) async fn media(world: &Arc<World>, params: &Params, kind: &'static str) -> MethodResult {
    let chat_id = chat(world, params)?;
    let caption = checked_caption(formatted(params, "caption", "caption_entities")?)?;
    let keyboard = Keyboard::read(params)?;
    let source = upload::source(world, params, kind, None, kind).await?;
    let above = params.flag("show_caption_above_media");
    let spoiler = params.flag("has_spoiler");
    post(world, chat_id, params, &keyboard, None, |telegram| {
        let id = telegram.keep(&world.blobs, source);
        let mut content = telegram.media(&id);
        merge(&mut content, &caption_fields(&caption));
        for (name, set) in [("show_caption_above_media", above), ("has_media_spoiler", spoiler)] {
            if set {
                content[name] = json!(true);
            }
        }
        content
    })
}

/// One entry of `media` in sendMediaGroup and editMessageMedia.
pub(crate) async fn input_media(
    world: &World,
    params: &Params,
    item: &Value,
) -> Result<(Source, Formatted), ApiError> {
    let kind = match item["type"].as_str() {
        Some("photo") => "photo",
        Some("document") => "document",
        Some(other) => return Err(ApiError::bad(format!("the sandbox has no media of type \"{other}\""))),
        None => return Err(ApiError::bad("can't parse InputMedia: Can't find field \"type\"")),
    };
    let value =
        item["media"].as_str().ok_or_else(|| ApiError::bad("can't parse InputMedia: media not found"))?;
    let caption = formatted_as(
        item["caption"].as_str().unwrap_or_default(),
        item["parse_mode"].as_str().unwrap_or_default(),
        item.get("caption_entities").filter(|list| !list.is_null()).cloned(),
    )?;
    let source = upload::source(world, params, "media", Some(value), kind).await?;
    Ok((source, checked_caption(caption)?))
}

/// A `media_group_id` that no other album has.
pub(crate) fn album_id() -> String {
    format!("1{:016}", uuid::Uuid::new_v4().as_u128() % 10_000_000_000_000_000)
}

pub(crate) async fn media_group(world: &Arc<World>, params: &Params) -> MethodResult {
    let chat_id = chat(world, params)?;
    let media = params.json("media")?.ok_or_else(|| ApiError::bad("there are no media to send"))?;
    let items = media.as_array().ok_or_else(|| ApiError::bad("media must be an Array"))?;
    if !ALBUM.contains(&items.len()) {
        return Err(ApiError::bad(match items.len() {
            0 => "there are no messages to send",
            1 => "media group must include 2-10 items",
            _ => "too many messages to send as an album",
        }));
    }
    if params.has("reply_markup") {
        return Err(ApiError::bad("reply markup can't be used in media groups"));
    }
    let kinds: Vec<_> = items.iter().map(|item| item["type"].as_str()).collect();
    if kinds.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(ApiError::bad("document can't be mixed with other media types"));
    }
    let mut ready = Vec::new();
    for item in items {
        ready.push(input_media(world, params, item).await?);
    }
    // Every picture counts, and an album is sent whole or not at all.
    for _ in items {
        flood::spend(world, chat_id, Counted::Message)?;
    }
    let group = album_id();
    let mut sent = Vec::new();
    for (source, caption) in ready {
        let message = put(world, chat_id, params, &Keyboard::None, None, |telegram| {
            let id = telegram.keep(&world.blobs, source);
            let mut content = telegram.media(&id);
            content["media_group_id"] = json!(group);
            merge(&mut content, &caption_fields(&caption));
            content
        })?;
        sent.push(message);
    }
    Ok(Value::Array(sent))
}

pub(crate) fn chat_action(world: &World, params: &Params) -> MethodResult {
    let chat_id = chat(world, params)?;
    let action = params.text("action").unwrap_or_default();
    if !ACTIONS.contains(&action.as_str()) {
        return Err(ApiError::bad("wrong parameter action in request"));
    }
    flood::spend(world, chat_id, Counted::Message)?;
    let until = world.clock.now_ms() + ACTION_MS;
    world.change(|state| {
        state.telegram.chats.entry(chat_id).or_default().action = Some((action.clone(), until));
        world.tell(ChatEvent::new(chat_id, "action", json!({"action": action})));
    });
    Ok(json!(true))
}

/// sendMessageDraft: an empty text is Telegram's own "Thinking…".
pub(crate) fn draft(world: &World, params: &Params) -> MethodResult {
    let chat_id = chat(world, params)?;
    if chat_id < 0 {
        return Err(ApiError::bad("message drafts can be sent to private chats only"));
    }
    let draft_id = params.int("draft_id").unwrap_or_default();
    if draft_id == 0 {
        return Err(ApiError::bad("draft_id must be non-zero"));
    }
    let text = formatted(params, "text", "entities")?;
    if text.text.chars().count() > TEXT_CHARS_MAX {
        return Err(ApiError::bad("message is too long"));
    }
    flood::spend(world, chat_id, Counted::Draft)?;
    let until = world.clock.now_ms() + DRAFT_MS;
    let mut draft = text_fields(&text);
    draft["draft_id"] = json!(draft_id);
    if params.flag("can_stop") {
        draft["can_stop"] = json!(true);
    }
    world.change(|state| {
        state.telegram.chats.entry(chat_id).or_default().draft = Some((draft.clone(), until));
        world.tell(ChatEvent::new(chat_id, "draft", json!({"draft": draft})));
    });
    Ok(json!(true))
}
