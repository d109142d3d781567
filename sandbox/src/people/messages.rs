//! A person writes: text, photos, albums, documents, anything else; to the bot, or in a group.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequest, Multipart, Path, Request, State},
    http::{StatusCode, header},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Refused,
    events::ChatEvent,
    groups::check_group,
    kinds,
    profile::{check_id, check_language},
};
use crate::{
    reply::merge_patch,
    telegram::{
        entities::formatted_as,
        groups::Membership,
        send::{CAPTION_CHARS_MAX, TEXT_CHARS_MAX, album_id, caption_fields, text_fields},
        state::{Telegram, merge},
        upload::{NewFile, Source, new_file},
    },
    world::World,
};

const FILES_MAX: usize = 10;
const BODY_BYTES_MAX: usize = 128 * 1024 * 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    text: Option<String>,
    caption: Option<String>,
    /// Which part of an album has the caption; the first when absent.
    caption_on: usize,
    language_code: Option<String>,
    first_name: Option<String>,
    reply_to: Option<i64>,
    /// A group; the person's chat with the bot when absent.
    chat: Option<i64>,
    chat_title: Option<String>,
    /// One of [`kinds::KINDS`].
    kind: Option<String>,
    /// A merge patch of the message, for what no field here says.
    raw: Option<Value>,
    /// A message that is sent again as it is, under a new update id.
    again: Option<i64>,
    #[serde(skip)]
    files: Vec<Attached>,
}

#[derive(Debug)]
struct Attached {
    kind: &'static str,
    name: Option<String>,
    mime: Option<String>,
    bytes: Bytes,
}

/// The parts of what a person sends, ready to be put into the chat.
struct Ready {
    contents: Vec<Value>,
    files: Vec<NewFile>,
}

pub(crate) async fn write(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
    request: Request,
) -> Result<Json<Value>, Refused> {
    check_id(user)?;
    let written = read(request).await?;
    if let Some(chat) = written.chat {
        check_group(chat)?;
    }
    if let Some(code) = &written.language_code {
        check_language(code)?;
    }
    if let Some(kind) = written.kind.as_deref().filter(|kind| !kinds::KINDS.contains(kind)) {
        return Err(Refused::bad(format!("no kind `{kind}`; known: {}", kinds::KINDS.join(", "))));
    }
    if let Some(id) = written.again {
        return again(&world, written.chat.unwrap_or(user), id);
    }
    let mut files = Vec::new();
    for Attached { kind, name, mime, bytes } in &written.files {
        let file = new_file(bytes.clone(), kind, name.clone(), mime.clone()).await;
        files.push(file.map_err(|error| Refused::bad(format!("{kind}: {}", error.description)))?);
    }
    let contents = match (files.len(), &written.kind) {
        (0, None) => vec![text(&written)?],
        (0, Some(kind)) if kinds::captioned(kind) => captions(&written, 1)?,
        (0, Some(_)) => vec![json!({})],
        (_, Some(_)) => return Err(Refused::bad("a `kind` comes without files")),
        (count, None) => captions(&written, count)?,
    };
    post(&world, user, &written, Ready { contents, files })
}

async fn read(request: Request) -> Result<Written, Refused> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("multipart/") {
        let bytes = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX).await;
        let bytes =
            bytes.map_err(|_| Refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is too big".to_owned()))?;
        return serde_json::from_slice(&bytes).map_err(|error| Refused::bad(error.to_string()));
    }
    let broken = |error: axum::extract::multipart::MultipartError| Refused(error.status(), error.body_text());
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|error| Refused::bad(error.to_string()))?;
    let mut written = Written::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let field_name = field.name().unwrap_or_default().to_owned();
        let kind = match field_name.as_str() {
            "photo" => Some("photo"),
            "document" => Some("document"),
            _ => None,
        };
        if let Some(kind) = kind {
            let (name, mime) =
                (field.file_name().map(str::to_owned), field.content_type().map(str::to_owned));
            written.files.push(Attached { kind, name, mime, bytes: field.bytes().await.map_err(broken)? });
            continue;
        }
        written.set(&field_name, field.text().await.map_err(broken)?)?;
    }
    if written.files.len() > FILES_MAX {
        return Err(Refused::bad(format!("an album has at most {FILES_MAX} files")));
    }
    if written.files.windows(2).any(|pair| pair[0].kind != pair[1].kind) {
        return Err(Refused::bad("an album is of photos or of documents, not of both"));
    }
    Ok(written)
}

impl Written {
    /// A field of a form.
    fn set(&mut self, name: &str, text: String) -> Result<(), Refused> {
        fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Refused> {
            text.trim().parse().map_err(|_| Refused::bad(format!("`{name}` is a number")))
        }
        match name {
            "text" => self.text = Some(text),
            "caption" => self.caption = Some(text),
            "caption_on" => self.caption_on = number(name, &text)?,
            "language_code" => self.language_code = Some(text),
            "first_name" => self.first_name = Some(text),
            "reply_to" => self.reply_to = Some(number(name, &text)?),
            "chat" => self.chat = Some(number(name, &text)?),
            "chat_title" => self.chat_title = Some(text),
            "raw" => {
                let raw = serde_json::from_str(&text);
                self.raw = Some(raw.map_err(|error| Refused::bad(format!("`raw`: {error}")))?);
            }
            other => return Err(Refused::bad(format!("unknown field `{other}`"))),
        }
        Ok(())
    }
}

fn text(written: &Written) -> Result<Value, Refused> {
    let raw = written.text.as_deref().unwrap_or_default();
    checked_text(raw, written.raw.is_some())
}

/// A message's text; it may be empty where something else is given.
pub(crate) fn checked_text(raw: &str, may_be_empty: bool) -> Result<Value, Refused> {
    let text = formatted_as(raw, "", None).map_err(|error| Refused::bad(error.description))?;
    match text.text.chars().count() {
        0 if may_be_empty => Ok(json!({})),
        0 => Err(Refused::bad("there is neither text nor a photo")),
        n if n > TEXT_CHARS_MAX => {
            Err(Refused::bad(format!("a message has at most {TEXT_CHARS_MAX} characters")))
        }
        _ => Ok(text_fields(&text)),
    }
}

pub(crate) fn checked_caption(raw: &str) -> Result<Value, Refused> {
    let caption = formatted_as(raw, "", None).map_err(|error| Refused::bad(error.description))?;
    if caption.text.chars().count() > CAPTION_CHARS_MAX {
        return Err(Refused::bad(format!("a caption has at most {CAPTION_CHARS_MAX} characters")));
    }
    Ok(caption_fields(&caption))
}

/// The caption stands on one picture of an album.
fn captions(written: &Written, parts: usize) -> Result<Vec<Value>, Refused> {
    let raw = written.caption.as_deref().or(written.text.as_deref()).unwrap_or_default();
    let mut contents = vec![json!({}); parts];
    let captioned = contents.get_mut(written.caption_on);
    *captioned.ok_or_else(|| Refused::bad("`caption_on` counts from 0"))? = checked_caption(raw)?;
    if parts > 1 {
        let group = album_id();
        for content in &mut contents {
            content["media_group_id"] = json!(group);
        }
    }
    Ok(contents)
}

fn post(world: &World, user: i64, written: &Written, ready: Ready) -> Result<Json<Value>, Refused> {
    let now = world.clock.now_ms();
    let chat = written.chat.unwrap_or(user);
    world.change(|state| {
        let hears_all = !state.settings.group_privacy;
        let telegram = &mut state.telegram;
        let from = comes(telegram, user, written)?;
        if chat < 0 && !telegram.groups.contains_key(&chat) {
            telegram.set_membership(world, chat, written.chat_title.as_deref(), Membership::Member, &from);
        }
        let reply_to = written.reply_to.map(|id| replied(telegram, chat, id)).transpose()?;
        let mut files = ready.files.into_iter();
        let mut sent = Vec::new();
        for mut content in ready.contents {
            if let Some(file) = files.next() {
                let id = telegram.keep(&world.blobs, Source::New(file));
                merge(&mut content, &telegram.media(&id));
            } else if let Some(kind) = &written.kind {
                merge(&mut content, &kinds::content(kind, telegram, &world.blobs, user));
            }
            if let Some(reply_to) = &reply_to {
                content["reply_to_message"] = reply_to.clone();
            }
            let mut message = telegram.post(chat, from.clone(), false, now, &content, None);
            if let Some(raw) = &written.raw {
                patch(telegram, chat, &mut message, raw);
            }
            if telegram.heard(chat, &message, hears_all, &world.options.telegram_username) {
                telegram.push("message", format!("chat:{chat}"), message.clone(), now);
            }
            world.tell(ChatEvent::message(chat, &message));
            sent.push(message);
        }
        // One message is answered with itself, an album with all of them.
        Ok(Json(if sent.len() == 1 { sent.remove(0) } else { Value::Array(sent) }))
    })
}

/// The `User` who writes; whoever writes to the bot has started it.
fn comes(telegram: &mut Telegram, user: i64, written: &Written) -> Result<Value, Refused> {
    let person = telegram.person(user);
    if person.blocked && written.chat.is_none() {
        return Err(Refused::conflict("this person has blocked the bot; POST /people/{user}/unblock first"));
    }
    if let Some(code) = &written.language_code {
        person.language_code.clone_from(code);
    }
    if let Some(name) = &written.first_name {
        person.first_name.clone_from(name);
    }
    person.started |= written.chat.is_none();
    Ok(person.user())
}

/// The message replied to, without its own reply.
fn replied(telegram: &Telegram, chat: i64, id: i64) -> Result<Value, Refused> {
    let stored = telegram.chats.get(&chat).and_then(|chat| chat.messages.get(&id));
    let stored = stored.ok_or_else(|| Refused::absent("the message to reply to is not in this chat"))?;
    let mut message = stored.message.clone();
    if let Some(fields) = message.as_object_mut() {
        fields.remove("reply_to_message");
    }
    Ok(message)
}

/// Bends the message, also as it is kept.
pub(crate) fn patch(telegram: &mut Telegram, chat: i64, message: &mut Value, raw: &Value) {
    let id = message["message_id"].as_i64();
    merge_patch(message, raw);
    let kept = telegram.chats.get_mut(&chat).zip(id).and_then(|(chat, id)| chat.messages.get_mut(&id));
    if let Some(stored) = kept {
        stored.message = message.clone();
    }
}

/// Telegram tells of a message once more.
fn again(world: &World, chat: i64, id: i64) -> Result<Json<Value>, Refused> {
    let now = world.clock.now_ms();
    world.change(|state| {
        let telegram = &mut state.telegram;
        let stored = telegram.chats.get(&chat).and_then(|chat| chat.messages.get(&id));
        let message = stored.filter(|stored| !stored.by_bot).map(|stored| stored.message.clone());
        let message = message.ok_or_else(|| Refused::absent("no message of a person by this id"))?;
        telegram.push("message", format!("chat:{chat}"), message.clone(), now);
        Ok(Json(message))
    })
}

impl Telegram {
    /// Whether the bot is told of a message.
    pub(crate) fn heard(&self, chat: i64, message: &Value, hears_all: bool, username: &str) -> bool {
        match self.groups.get(&chat) {
            None => true,
            Some(group) => {
                group.bot == Membership::Member && (hears_all || self.addressed(message, username))
            }
        }
    }
}
