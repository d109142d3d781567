//! Groups: which there are, whether the bot is in them, and what of them it hears.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    MethodResult,
    params::Params,
    send::chat,
    state::{Stored, Telegram},
};
use crate::{people::events::ChatEvent, world::World};

/// Ids of supergroups are below this.
const SUPERGROUPS: i64 = -1_000_000_000_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) bot: Membership,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Membership {
    Member,
    Left,
    Kicked,
}

impl Group {
    /// The Bot API's `Chat`.
    pub(crate) fn chat(&self) -> Value {
        json!({"id": self.id, "title": self.title, "type": self.kind()})
    }

    pub(crate) fn kind(&self) -> &'static str {
        if self.id < SUPERGROUPS { "supergroup" } else { "group" }
    }
}

impl Telegram {
    /// The bot comes into a group or goes out of it, by this person's hand: `my_chat_member`, and the service
    /// message that a group has of it. A group that is not there yet is made.
    pub(crate) fn set_membership(
        &mut self,
        world: &World,
        id: i64,
        title: Option<&str>,
        bot: Membership,
        by: &Value,
    ) {
        let now = world.clock.now_ms();
        let me = self.bot(&world.options.telegram_username);
        let known = self.groups.entry(id).or_insert_with(|| Group {
            id,
            title: format!("Group {}", id.unsigned_abs()),
            bot: Membership::Left,
        });
        if let Some(title) = title {
            known.title = title.to_owned();
        }
        let old = std::mem::replace(&mut known.bot, bot);
        if old == bot {
            return;
        }
        let chat = known.chat();
        let member = |status: Membership| {
            let mut member = json!({"status": status, "user": me});
            if status == Membership::Kicked {
                member["until_date"] = json!(0);
            }
            member
        };
        let update = json!({
            "chat": chat,
            "from": by,
            "date": world.date_ms() / 1000,
            "old_chat_member": member(old),
            "new_chat_member": member(bot),
        });
        self.push("my_chat_member", format!("member:{id}"), update, now);
        // Who is out no longer hears what a group says of it.
        let content = match bot {
            Membership::Member => json!({"new_chat_members": [me]}),
            Membership::Left | Membership::Kicked => json!({"left_chat_member": me}),
        };
        let message = self.post(id, by.clone(), false, now, &content, None);
        if bot == Membership::Member {
            self.push("message", format!("chat:{id}"), message.clone(), now);
        }
        world.tell(ChatEvent::message(id, &message));
    }

    /// Whether a bot in privacy mode hears this message of a group: a command to it (a bare one when it spoke
    /// last), its name, a reply to it.
    pub(crate) fn addressed(&self, message: &Value, username: &str) -> bool {
        if message["reply_to_message"]["from"]["id"] == self.bot_id {
            return true;
        }
        let text = message["text"].as_str().or_else(|| message["caption"].as_str()).unwrap_or_default();
        let name = format!("@{username}").to_ascii_lowercase();
        let named = |word: &str| word.trim_end_matches(['.', ',', '!', '?', ':']).eq_ignore_ascii_case(&name);
        if text.split_whitespace().any(named) {
            return true;
        }
        let Some(command) = text.strip_prefix('/').and_then(|rest| rest.split_whitespace().next()) else {
            return false;
        };
        match command.split_once('@') {
            Some((_, to)) => to.eq_ignore_ascii_case(username),
            None => {
                let chat = message["chat"]["id"].as_i64().and_then(|id| self.chats.get(&id));
                let before = |stored: &&Stored| stored.message["message_id"] != message["message_id"];
                chat.and_then(|chat| chat.messages.values().rev().find(before))
                    .is_some_and(|last| last.by_bot)
            }
        }
    }
}

/// leaveChat: no private chat can be left.
pub(crate) fn leave(world: &World, params: &Params) -> MethodResult {
    let id = chat(world, params)?;
    world.change(|state| {
        let telegram = &mut state.telegram;
        if !telegram.groups.contains_key(&id) {
            return Err(super::error::ApiError::bad("chat member status can't be changed in private chats"));
        }
        let me = telegram.bot(&world.options.telegram_username);
        telegram.set_membership(world, id, None, Membership::Left, &me);
        Ok(json!(true))
    })
}
