//! What Telegram keeps: the bot, its updates, people, chats, files, payments.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use super::bills::{Charge, Checkout, Invoice};
use super::{groups::Group, markup::Keyboard};
use crate::clock::wall_ms;

/// Per chat; older messages scroll out of reach.
pub(crate) const MESSAGES_PER_CHAT_MAX: usize = 5_000;
/// Telegram itself keeps them a day; this bounds a sandbox nobody listens to.
const UPDATES_MAX: usize = 100_000;
const ANSWERS_PER_CHAT_MAX: usize = 100;
const QUERIES_MAX: usize = 50_000;

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Telegram {
    pub(crate) bot_id: i64,
    /// As the option says; see [`crate::world::World::date_ms`].
    #[serde(skip)]
    pub(crate) dates_follow_clock: bool,
    pub(crate) webhook: Option<Webhook>,
    /// Empty means the default set.
    pub(crate) allowed_updates: Vec<String>,
    pub(crate) updates: VecDeque<Update>,
    /// The number of the newest getUpdates call.
    #[serde(skip)]
    pub(crate) poll: u64,
    pub(crate) next_update_id: i64,
    pub(crate) next_message_id: i64,
    pub(crate) next_file: u64,
    pub(crate) people: BTreeMap<i64, Person>,
    pub(crate) groups: BTreeMap<i64, Group>,
    /// Private chats by the person's id, groups by their own.
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) files: BTreeMap<String, File>,
    /// By scope and language, as sent.
    pub(crate) commands: BTreeMap<String, Vec<Value>>,
    pub(crate) texts: BTreeMap<String, String>,
    pub(crate) queries: VecDeque<Query>,
    pub(crate) checkouts: VecDeque<Checkout>,
    pub(crate) charges: Vec<Charge>,
    /// Payments and refunds so far.
    pub(crate) rows: u64,
    pub(crate) invoice_links: BTreeMap<String, Invoice>,
}

impl Default for Telegram {
    fn default() -> Self {
        Self {
            bot_id: 0,
            dates_follow_clock: false,
            webhook: None,
            allowed_updates: Vec::new(),
            updates: VecDeque::new(),
            poll: 0,
            // Telegram starts anywhere.
            next_update_id: 600_000_001,
            next_message_id: 1,
            next_file: 1,
            people: BTreeMap::new(),
            groups: BTreeMap::new(),
            chats: BTreeMap::new(),
            files: BTreeMap::new(),
            commands: BTreeMap::new(),
            texts: BTreeMap::new(),
            queries: VecDeque::new(),
            checkouts: VecDeque::new(),
            charges: Vec::new(),
            rows: 0,
            invoice_links: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret_token: Option<String>,
    pub(crate) max_connections: usize,
    pub(crate) last_error: Option<(i64, String)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Update {
    pub(crate) id: i64,
    /// `message`, `callback_query`, …
    pub(crate) kind: String,
    pub(crate) body: Value,
    /// Updates with one key are delivered one after the other.
    pub(crate) key: String,
    pub(crate) expires_ms: i64,
    pub(crate) attempts: u32,
    pub(crate) next_attempt_ms: i64,
    /// A fault made it step aside: those behind it go first.
    #[serde(default)]
    pub(crate) aside: Aside,
}

/// Whether an update waits beside its queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Aside {
    #[default]
    No,
    /// Until another one of its chat was delivered.
    Waiting,
    /// It has waited: no fault makes it step aside again.
    Waited,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) first_name: String,
    #[serde(default)]
    pub(crate) last_name: Option<String>,
    #[serde(default)]
    pub(crate) username: Option<String>,
    pub(crate) language_code: String,
    /// Has ever written to the bot: until then the bot can't write.
    #[serde(default)]
    pub(crate) started: bool,
    #[serde(default)]
    pub(crate) blocked: bool,
    #[serde(default)]
    pub(crate) deactivated: bool,
    /// Forwards of what they wrote show their name only.
    #[serde(default)]
    pub(crate) private_forwards: bool,
}

impl Person {
    pub(crate) fn new(id: i64) -> Self {
        Self {
            id,
            first_name: format!("Person {id}"),
            last_name: None,
            username: None,
            language_code: "en".to_owned(),
            started: false,
            blocked: false,
            deactivated: false,
            private_forwards: false,
        }
    }

    /// The Bot API's `User`.
    pub(crate) fn user(&self) -> Value {
        let mut user = self.names();
        user["is_bot"] = json!(false);
        user["language_code"] = json!(self.language_code);
        user
    }

    pub(crate) fn full_name(&self) -> String {
        match &self.last_name {
            Some(last) => format!("{} {last}", self.first_name),
            None => self.first_name.clone(),
        }
    }

    /// The Bot API's private `Chat`.
    pub(crate) fn chat(&self) -> Value {
        let mut chat = self.names();
        chat["type"] = json!("private");
        chat
    }

    fn names(&self) -> Value {
        let mut names = json!({"id": self.id, "first_name": self.first_name});
        if let Some(last_name) = &self.last_name {
            names["last_name"] = json!(last_name);
        }
        if let Some(username) = &self.username {
            names["username"] = json!(username);
        }
        names
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Chat {
    pub(crate) messages: BTreeMap<i64, Stored>,
    pub(crate) deleted: VecDeque<i64>,
    /// The action shown, and until when by the sandbox's clock.
    pub(crate) action: Option<(String, i64)>,
    pub(crate) draft: Option<(Value, i64)>,
    /// The reply keyboard under the input.
    pub(crate) keyboard: Option<Value>,
    /// What the bot wants a reply to: the `ForceReply` with its `message_id`, until the person writes.
    pub(crate) force_reply: Option<Value>,
    pub(crate) callback_answers: VecDeque<Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// The Bot API's `Message`.
    pub(crate) message: Value,
    pub(crate) by_bot: bool,
    pub(crate) sent_ms: i64,
    #[serde(default)]
    pub(crate) invoice: Option<Invoice>,
    /// The message that says it was paid: the Pay button is a receipt now.
    #[serde(default)]
    pub(crate) paid_by: Option<i64>,
    /// It came with a keyboard that is not an inline one: bots can't edit those.
    #[serde(default)]
    pub(crate) fixed: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) file_id: String,
    pub(crate) unique_id: String,
    /// The field of a message it stands in: `photo`, `document`, `voice`, …
    pub(crate) kind: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) mime: String,
    pub(crate) name: Option<String>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) path: String,
    /// Other sizes of the same photo, smallest first.
    #[serde(default)]
    pub(crate) smaller: Vec<String>,
}

/// A callback query.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Query {
    pub(crate) id: String,
    pub(crate) user: i64,
    pub(crate) asked_ms: i64,
    pub(crate) answered: bool,
    /// What was pressed: the chat, the message and the data.
    #[serde(default)]
    pub(crate) pressed: (i64, i64, String),
}

impl Stored {
    /// The message as its person sees it; the bot never learns of the receipt.
    pub(crate) fn shown(&self) -> Value {
        let mut message = self.message.clone();
        if let Some(paid_by) = self.paid_by {
            message["receipt_message_id"] = json!(paid_by);
        }
        message
    }
}

impl Telegram {
    pub(crate) fn person(&mut self, id: i64) -> &mut Person {
        self.people.entry(id).or_insert_with(|| Person::new(id))
    }

    /// The Bot API's `Chat`: a person's, or a group's.
    pub(crate) fn chat(&mut self, id: i64) -> Value {
        match self.groups.get(&id) {
            Some(group) => group.chat(),
            None => self.person(id).chat(),
        }
    }

    /// Keeps a message in a chat; `content` holds what the kind of message adds.
    pub(crate) fn post(
        &mut self,
        chat_id: i64,
        from: Value,
        by_bot: bool,
        now_ms: i64,
        content: &Value,
        invoice: Option<Invoice>,
    ) -> Value {
        let id = self.next_message_id;
        self.next_message_id += 1;
        let mut message = json!({
            "message_id": id,
            "from": from,
            "chat": self.chat(chat_id),
            "date": if self.dates_follow_clock { now_ms } else { wall_ms() } / 1000,
        });
        merge(&mut message, content);
        let chat = self.chats.entry(chat_id).or_default();
        chat.messages.insert(
            id,
            Stored {
                message: message.clone(),
                by_bot,
                sent_ms: now_ms,
                invoice,
                paid_by: None,
                fixed: false,
            },
        );
        if chat.messages.len() > MESSAGES_PER_CHAT_MAX {
            chat.messages.pop_first();
        }
        if by_bot {
            chat.action = None;
            chat.draft = None;
        } else {
            chat.force_reply = None;
        }
        message
    }

    /// Queues an update for the bot, unless it asked not to have this kind.
    pub(crate) fn push(&mut self, kind: &str, key: String, body: Value, now_ms: i64) -> Option<i64> {
        if !self.allowed_updates.is_empty() && !self.allowed_updates.iter().any(|allowed| allowed == kind) {
            return None;
        }
        let id = self.next_update_id;
        self.next_update_id += 1;
        let kept_ms = match kind {
            "callback_query" | "pre_checkout_query" => super::QUERY_KEPT_MS,
            _ => super::MESSAGE_KEPT_MS,
        };
        self.updates.push_back(Update {
            id,
            kind: kind.to_owned(),
            body,
            key,
            expires_ms: now_ms + kept_ms,
            attempts: 0,
            next_attempt_ms: now_ms,
            aside: Aside::No,
        });
        if self.updates.len() > UPDATES_MAX {
            self.updates.pop_front();
        }
        Some(id)
    }

    /// The place of the next payment or refund.
    pub(crate) fn next_row(&mut self) -> u64 {
        self.rows += 1;
        self.rows
    }

    pub(crate) fn add_query(&mut self, query: Query) {
        self.queries.push_back(query);
        if self.queries.len() > QUERIES_MAX {
            self.queries.pop_front();
        }
    }

    pub(crate) fn add_answer(&mut self, user: i64, answer: Value) {
        let answers = &mut self.chats.entry(user).or_default().callback_answers;
        answers.push_back(answer);
        if answers.len() > ANSWERS_PER_CHAT_MAX {
            answers.pop_front();
        }
    }

    /// The bot's `User`.
    pub(crate) fn bot(&self, username: &str) -> Value {
        json!({"id": self.bot_id, "is_bot": true, "first_name": "Plantain (sandbox)", "username": username})
    }

    pub(crate) fn set_keyboard(&mut self, chat_id: i64, message: &Value, keyboard: &Keyboard) {
        let chat = self.chats.entry(chat_id).or_default();
        if let Some(stored) = message["message_id"].as_i64().and_then(|id| chat.messages.get_mut(&id)) {
            stored.fixed = !matches!(keyboard, Keyboard::None | Keyboard::Inline(_));
        }
        match keyboard {
            Keyboard::Reply(value) => chat.keyboard = Some(value.clone()),
            Keyboard::Remove => chat.keyboard = None,
            Keyboard::ForceReply(markup) => {
                let mut wanted = markup.clone();
                wanted["message_id"] = message["message_id"].clone();
                chat.force_reply = Some(wanted);
            }
            Keyboard::None | Keyboard::Inline(_) => {}
        }
    }
}

/// Puts the fields of `from` into `into`.
pub(crate) fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}
