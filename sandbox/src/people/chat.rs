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
use crate::{telegram::state::Stored, world::World};

pub(crate) async fn chat(State(world): State<Arc<World>>, Path(user): Path<i64>) -> Json<Value> {
    let now = world.clock.now_ms();
    Json(world.read(|state| {
        let telegram = &state.telegram;
        let person = telegram.people.get(&user);
        let language = person.map_or("en", |person| person.language_code.as_str());
        let mut shown = json!({
            "person": person.map(|person| person.user()),
            "blocked": person.is_some_and(|person| person.blocked),
            "bot": telegram.bot(&world.options.telegram_username),
            "commands": commands(telegram, user, language),
            "messages": [],
            "deleted": [],
            "action": null,
            "draft": null,
            "keyboard": null,
            "force_reply": null,
            "callback_answers": [],
        });
        if let Some(chat) = telegram.chats.get(&user) {
            shown["messages"] = chat.messages.values().map(Stored::shown).collect();
            shown["deleted"] = json!(chat.deleted);
            shown["action"] =
                json!(chat.action.as_ref().filter(|(_, until)| *until > now).map(|(action, _)| action));
            shown["draft"] =
                json!(chat.draft.as_ref().filter(|(_, until)| *until > now).map(|(draft, _)| draft));
            shown["keyboard"] = json!(chat.keyboard);
            shown["force_reply"] = json!(chat.force_reply);
            shown["callback_answers"] = json!(chat.callback_answers);
        }
        shown
    }))
}

/// The narrowest list of commands that was set, as Telegram chooses it.
fn commands(telegram: &crate::telegram::state::Telegram, user: i64, language: &str) -> Vec<Value> {
    let language = language.get(..2).unwrap_or(language);
    [format!("chat:{user}"), "all_private_chats".to_owned(), "default".to_owned()]
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
