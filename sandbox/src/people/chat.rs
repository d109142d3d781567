//! The transcript, and files in it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::Refused;
use crate::{
    telegram::state::{Chat, Person, Stored, Telegram},
    world::World,
};

/// How many of the bot's newest messages are named, for marks of what is unread.
const RECENT_MAX: usize = 99;

pub(crate) async fn chat(State(world): State<Arc<World>>, Path(user): Path<i64>) -> Json<Value> {
    let now = world.clock.now_ms();
    Json(world.read(|state| {
        let telegram = &state.telegram;
        let person = telegram.people.get(&user);
        let language = person.map_or("en", |person| person.language_code.as_str());
        let mut shown = transcript(telegram, user, now);
        shown["person"] = json!(person.map(Person::user));
        shown["blocked"] = json!(person.is_some_and(|person| person.blocked));
        shown["bot"] = telegram.bot(&world.options.telegram_username);
        let scopes = [format!("chat:{user}"), "all_private_chats".to_owned(), "default".to_owned()];
        shown["commands"] = json!(commands(telegram, &scopes, language));
        shown
    }))
}

pub(crate) async fn group(
    State(world): State<Arc<World>>,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Refused> {
    let now = world.clock.now_ms();
    world.read(|state| {
        let telegram = &state.telegram;
        let group = telegram.groups.get(&id).ok_or_else(|| Refused::absent("no such group"))?;
        let mut shown = transcript(telegram, id, now);
        shown["group"] = group.chat();
        shown["group"]["bot"] = json!(group.bot);
        shown["bot"] = telegram.bot(&world.options.telegram_username);
        let scopes = [format!("chat:{id}"), "all_group_chats".to_owned(), "default".to_owned()];
        shown["commands"] = json!(commands(telegram, &scopes, "en"));
        Ok(Json(shown))
    })
}

fn transcript(telegram: &Telegram, id: i64, now: i64) -> Value {
    let none = Chat::default();
    let chat = telegram.chats.get(&id).unwrap_or(&none);
    json!({
        "messages": chat.messages.values().map(Stored::shown).collect::<Vec<_>>(),
        "deleted": chat.deleted,
        "action": chat.action.as_ref().filter(|(_, until)| *until > now).map(|(action, _)| action),
        "draft": chat.draft.as_ref().filter(|(_, until)| *until > now).map(|(draft, _)| draft),
        "keyboard": chat.keyboard,
        "force_reply": chat.force_reply,
        "callback_answers": chat.callback_answers,
    })
}

/// Every chat with its last message, for a list of them.
pub(crate) async fn list(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.read(|state| {
        let telegram = &state.telegram;
        let entry = |id: i64| {
            let messages = telegram.chats.get(&id).map(|chat| &chat.messages);
            let newest = || messages.into_iter().flat_map(|messages| messages.iter().rev());
            let bots = newest().filter(|(_, stored)| stored.by_bot).take(RECENT_MAX).map(|(id, _)| id);
            json!({
                "id": id,
                "last": newest().next().map(|(_, stored)| stored.shown()),
                "recent_bot_ids": bots.collect::<Vec<_>>(),
            })
        };
        let people = telegram.people.values().map(|person| {
            let mut shown = entry(person.id);
            shown["person"] = person.user();
            shown["blocked"] = json!(person.blocked);
            shown
        });
        let groups = telegram.groups.values().map(|group| {
            let mut shown = entry(group.id);
            shown["group"] = group.chat();
            shown
        });
        json!({"chats": people.chain(groups).collect::<Vec<_>>()})
    }))
}

/// The narrowest list of commands that was set, as Telegram chooses it.
fn commands(telegram: &Telegram, scopes: &[String], language: &str) -> Vec<Value> {
    let language = language.get(..2).unwrap_or(language);
    scopes
        .iter()
        .flat_map(|scope| [format!("{scope}/{language}"), format!("{scope}/")])
        .find_map(|scope| telegram.commands.get(&scope).cloned())
        .unwrap_or_default()
}

pub(crate) async fn file(
    State(world): State<Arc<World>>,
    Path(file_id): Path<String>,
) -> Result<Response, Refused> {
    let file = world.read(|state| state.telegram.files.get(&file_id).cloned());
    let file = file.ok_or_else(|| Refused::absent("no file by this id"))?;
    let bytes = world.blobs.get(&file.sha256).ok_or_else(|| Refused::absent("the file's bytes are gone"))?;
    // Only pictures are shown; everything else is saved, so that no uploaded page runs here.
    let shown = matches!(file.mime.as_str(), "image/png" | "image/jpeg");
    let (kind, disposition) =
        if shown { (file.mime.as_str(), "inline") } else { ("application/octet-stream", "attachment") };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "private, max-age=86400".to_owned()),
        (header::ETAG, format!("\"{}\"", file.sha256)),
    ];
    Ok((headers, bytes).into_response())
}
