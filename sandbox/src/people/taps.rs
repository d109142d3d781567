//! A person presses an inline button.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, Said};
use crate::{telegram::state::Query, world::World};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tap {
    message_id: i64,
    data: String,
    /// Sends the data although no button has it, as a modified client could.
    #[serde(default)]
    force: bool,
}

pub(crate) async fn tap(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
    Said(tap): Said<Tap>,
) -> Result<Json<Value>, Refused> {
    let now = world.clock.now_ms();
    world.change(|state| {
        let telegram = &mut state.telegram;
        let stored = telegram.chats.get(&user).and_then(|chat| chat.messages.get(&tap.message_id));
        let message = stored
            .map(|stored| stored.message.clone())
            .ok_or_else(|| Refused::absent("there is no such message in this chat"))?;
        if !tap.force && !buttons(&message).any(|button| button["callback_data"] == tap.data.as_str()) {
            return Err(Refused::bad("the message has no button with this data (now)"));
        }
        let person = telegram.person(user);
        if person.blocked {
            return Err(Refused::conflict("this person has blocked the bot"));
        }
        let id = format!("{}", uuid::Uuid::new_v4().as_u128() % 10_000_000_000_000_000_000);
        let query = json!({
            "id": id,
            "from": person.user(),
            "message": message,
            "chat_instance": format!("{}", -7_000_000_000_i64 - user),
            "data": tap.data,
        });
        telegram.add_query(Query { id, user, asked_ms: now, answered: false });
        telegram.push("callback_query", format!("query:{user}"), query.clone(), now);
        Ok(Json(query))
    })
}

fn buttons(message: &Value) -> impl Iterator<Item = &Value> {
    let rows = message["reply_markup"]["inline_keyboard"].as_array();
    rows.into_iter().flatten().filter_map(Value::as_array).flatten()
}
