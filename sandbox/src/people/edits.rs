//! A person edits what they wrote.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Refused, Said,
    events::ChatEvent,
    messages::{checked_caption, checked_text, patch},
};
use crate::{telegram::state::merge, world::World};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    message_id: i64,
    text: Option<String>,
    caption: Option<String>,
    /// A group; the person's chat with the bot when absent.
    chat: Option<i64>,
    raw: Option<Value>,
}

pub(crate) async fn edit(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
    Said(edit): Said<Edit>,
) -> Result<Json<Value>, Refused> {
    let (old, new): (&[&str], Value) = match (&edit.text, &edit.caption) {
        (Some(text), None) => (&["text", "entities"], checked_text(text, false)?),
        (None, Some(caption)) => (&["caption", "caption_entities"], checked_caption(caption)?),
        (None, None) if edit.raw.is_some() => (&[], json!({})),
        _ => return Err(Refused::bad("either `text` or `caption` is edited")),
    };
    let chat = edit.chat.unwrap_or(user);
    let now = world.clock.now_ms();
    world.change(|state| {
        let hears_all = !state.settings.group_privacy;
        let telegram = &mut state.telegram;
        let stored = telegram.chats.get(&chat).and_then(|chat| chat.messages.get(&edit.message_id));
        let own = stored.filter(|stored| !stored.by_bot && stored.message["from"]["id"] == user);
        let mut message =
            own.ok_or_else(|| Refused::absent("no message of this person by this id"))?.message.clone();
        if old.first().is_some_and(|field| *field == "text") && message.get("text").is_none() {
            return Err(Refused::bad("this message has no text; `caption` edits a picture's"));
        }
        if let Some(fields) = message.as_object_mut() {
            fields.retain(|name, _| !old.contains(&name.as_str()));
        }
        merge(&mut message, &new);
        message["edit_date"] = json!(world.date_ms() / 1000);
        patch(telegram, chat, &mut message, edit.raw.as_ref().unwrap_or(&json!({})));
        if telegram.heard(chat, &message, hears_all, &world.options.telegram_username) {
            telegram.push("edited_message", format!("chat:{chat}"), message.clone(), now);
        }
        world.tell(ChatEvent::new(chat, "edited", json!({"message": message})));
        Ok(Json(message))
    })
}
