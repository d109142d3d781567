//! A person presses an inline button.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, Said, groups::check_group, profile::check_id};
use crate::{
    telegram::state::{Query, Telegram},
    world::World,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tap {
    message_id: i64,
    data: String,
    /// Sends the data although no button has it, as a modified client could; also of a message that is gone.
    #[serde(default)]
    force: bool,
    /// The same query as before, under a new update id.
    #[serde(default)]
    again: bool,
    /// A group; the person's chat with the bot when absent.
    chat: Option<i64>,
}

pub(crate) async fn tap(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
    Said(tap): Said<Tap>,
) -> Result<Json<Value>, Refused> {
    check_id(user)?;
    if let Some(chat) = tap.chat {
        check_group(chat)?;
    }
    let now = world.clock.now_ms();
    let chat = tap.chat.unwrap_or(user);
    world.change(|state| {
        let telegram = &mut state.telegram;
        let message = message(telegram, chat, &tap)?;
        if telegram.person(user).blocked && tap.chat.is_none() {
            return Err(Refused::conflict("this person has blocked the bot"));
        }
        let pressed = (chat, tap.message_id, tap.data.clone());
        let id = if tap.again {
            let before = telegram.queries.iter().rev();
            let before = before.filter(|query| query.user == user).find(|query| query.pressed == pressed);
            before
                .map(|query| query.id.clone())
                .ok_or_else(|| Refused::absent("it was not pressed before"))?
        } else {
            let id = format!("{}", uuid::Uuid::new_v4().as_u128() % 10_000_000_000_000_000_000);
            telegram.add_query(Query { id: id.clone(), user, asked_ms: now, answered: false, pressed });
            id
        };
        let query = json!({
            "id": id,
            "from": telegram.person(user).user(),
            "message": message,
            "chat_instance": format!("{}", -7_000_000_000_i64 - chat),
            "data": tap.data,
        });
        telegram.push("callback_query", format!("query:{user}"), query.clone(), now);
        Ok(Json(query))
    })
}

/// The message as it is now; what is gone is an `InaccessibleMessage`.
fn message(telegram: &mut Telegram, chat: i64, tap: &Tap) -> Result<Value, Refused> {
    let stored = telegram.chats.get(&chat).and_then(|chat| chat.messages.get(&tap.message_id));
    let may_lack = tap.force || tap.again;
    match stored.map(|stored| stored.message.clone()) {
        None if may_lack => Ok(json!({"chat": telegram.chat(chat), "message_id": tap.message_id, "date": 0})),
        None => Err(Refused::absent("there is no such message in this chat")),
        Some(message) if may_lack || buttons(&message).any(|b| b["callback_data"] == tap.data.as_str()) => {
            Ok(message)
        }
        Some(_) => Err(Refused::bad("the message has no button with this data (now)")),
    }
}

fn buttons(message: &Value) -> impl Iterator<Item = &Value> {
    let rows = message["reply_markup"]["inline_keyboard"].as_array();
    rows.into_iter().flatten().filter_map(Value::as_array).flatten()
}
