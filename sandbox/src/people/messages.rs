//! A person writes to the bot: text, photos, albums, pictures as documents.

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
    profile::{check_id, check_language},
};
use crate::{
    telegram::{
        entities::formatted_as,
        send::{CAPTION_CHARS_MAX, TEXT_CHARS_MAX, caption_fields, text_fields},
        state::merge,
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
    language_code: Option<String>,
    first_name: Option<String>,
    reply_to: Option<i64>,
    #[serde(skip)]
    files: Vec<(&'static str, Option<String>, Option<String>, Bytes)>,
}

pub(crate) async fn write(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
    request: Request,
) -> Result<Json<Value>, Refused> {
    check_id(user)?;
    let written = read(request).await?;
    if let Some(code) = &written.language_code {
        check_language(code)?;
    }
    let mut files = Vec::new();
    for (kind, name, mime, bytes) in &written.files {
        let file = new_file(bytes.clone(), kind, name.clone(), mime.clone()).await;
        files.push(file.map_err(|error| Refused::bad(format!("{kind}: {}", error.description)))?);
    }
    let contents = if files.is_empty() { vec![text(&written)?] } else { captions(&written, files.len())? };
    post(&world, user, &written, contents, files)
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
        let name = field.name().unwrap_or_default().to_owned();
        let (file_name, mime) =
            (field.file_name().map(str::to_owned), field.content_type().map(str::to_owned));
        let file = match name.as_str() {
            "photo" => Some("photo"),
            "document" => Some("document"),
            _ => None,
        };
        if let Some(kind) = file {
            written.files.push((kind, file_name, mime, field.bytes().await.map_err(broken)?));
            continue;
        }
        let text = field.text().await.map_err(broken)?;
        match name.as_str() {
            "text" => written.text = Some(text),
            "caption" => written.caption = Some(text),
            "language_code" => written.language_code = Some(text),
            "first_name" => written.first_name = Some(text),
            "reply_to" => written.reply_to = text.parse().ok(),
            other => return Err(Refused::bad(format!("unknown field `{other}`"))),
        }
    }
    if written.files.len() > FILES_MAX {
        return Err(Refused::bad(format!("an album has at most {FILES_MAX} files")));
    }
    Ok(written)
}

fn text(written: &Written) -> Result<Value, Refused> {
    let raw = written.text.as_deref().unwrap_or_default();
    let text = formatted_as(raw, "", None).map_err(|error| Refused::bad(error.description))?;
    match text.text.chars().count() {
        0 => Err(Refused::bad("there is neither text nor a photo")),
        n if n > TEXT_CHARS_MAX => {
            Err(Refused::bad(format!("a message has at most {TEXT_CHARS_MAX} characters")))
        }
        _ => Ok(text_fields(&text)),
    }
}

/// The caption stands on the first picture of an album.
fn captions(written: &Written, files: usize) -> Result<Vec<Value>, Refused> {
    let raw = written.caption.as_deref().or(written.text.as_deref()).unwrap_or_default();
    let caption = formatted_as(raw, "", None).map_err(|error| Refused::bad(error.description))?;
    if caption.text.chars().count() > CAPTION_CHARS_MAX {
        return Err(Refused::bad(format!("a caption has at most {CAPTION_CHARS_MAX} characters")));
    }
    let mut contents = vec![json!({}); files];
    contents[0] = caption_fields(&caption);
    if files > 1 {
        let group = format!("1{:015}", uuid::Uuid::new_v4().as_u128() % 1_000_000_000_000_000);
        for content in &mut contents {
            content["media_group_id"] = json!(group);
        }
    }
    Ok(contents)
}

fn post(
    world: &World,
    user: i64,
    written: &Written,
    contents: Vec<Value>,
    files: Vec<NewFile>,
) -> Result<Json<Value>, Refused> {
    let now = world.clock.now_ms();
    world.change(|state| {
        let telegram = &mut state.telegram;
        let person = telegram.person(user);
        if person.blocked {
            return Err(Refused::conflict(
                "this person has blocked the bot; POST /people/{user}/unblock first",
            ));
        }
        if let Some(code) = &written.language_code {
            person.language_code.clone_from(code);
        }
        if let Some(name) = &written.first_name {
            person.first_name.clone_from(name);
        }
        person.started = true;
        let from = person.user();
        let reply_to = written.reply_to.and_then(|id| {
            let mut message = telegram.chats.get(&user)?.messages.get(&id)?.message.clone();
            message.as_object_mut()?.remove("reply_to_message");
            Some(message)
        });
        let mut files = files.into_iter();
        let mut sent = Vec::new();
        for mut content in contents {
            if let Some(file) = files.next() {
                let id = telegram.keep(&world.blobs, Source::New(file));
                merge(&mut content, &telegram.media(&id));
            }
            if let Some(reply_to) = &reply_to {
                content["reply_to_message"] = reply_to.clone();
            }
            let message = telegram.post(user, from.clone(), false, now, &content, None);
            telegram.push("message", format!("chat:{user}"), message.clone(), now);
            world.tell(ChatEvent::message(user, &message));
            sent.push(message);
        }
        // One message is answered with itself, an album with all of them.
        Ok(Json(if sent.len() == 1 { sent.remove(0) } else { Value::Array(sent) }))
    })
}
