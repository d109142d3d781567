//! Telegram's updates, read leniently into a closed enum at the door.
//!
//! Only what we use is looked at, so that an entity, button or field invented tomorrow can't make
//! us lose a message. What is not an update at all is refused.

use proto_events::amounts::INTEGER_MAX;
use serde_json::Value;

use super::money::{Checkout, Notice, read_checkout, read_notice};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUpdate {
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("the body is not an update: {0}")]
    NotUpdate(&'static str),
}

/// Who wrote or tapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: i64,
    pub name: String,
    /// IETF tag, if the client told.
    pub language: Option<String>,
}

/// A message in a private chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub chat: i64,
    pub message: i64,
    pub from: Person,
    /// Absent for photos, stickers and everything else without text.
    pub text: Option<String>,
    /// The text of the bot's message that this one answers.
    pub answers: Option<String>,
    /// Telegram's own notice (a pinned message, a changed timer): nothing the person said.
    pub service: bool,
}

/// A button under one of our messages was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    pub id: String,
    pub from: Person,
    pub data: String,
    pub chat: i64,
    /// The message with the button.
    pub message: i64,
    /// The person's message that it answers, and its text.
    pub answers: Option<(i64, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    Message(Message),
    Tap(Tap),
    Checkout(Checkout),
    /// Money came.
    Paid(Notice),
    /// Money went back.
    Returned(Notice),
    /// The person blocked the bot or let it in again.
    Membership {
        user: i64,
        blocked: bool,
    },
    /// An update, but not for us; the word says why.
    Ignored(&'static str),
}

impl Update {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Tap(_) => "callback_query",
            Self::Checkout(_) => "pre_checkout_query",
            Self::Paid(_) => "successful_payment",
            Self::Returned(_) => "refunded_payment",
            Self::Membership { .. } => "my_chat_member",
            Self::Ignored(_) => "ignored",
        }
    }

    /// # Errors
    /// Not JSON (also: nested deeper than 128), or not an update.
    pub fn parse(body: &[u8]) -> Result<Self, BadUpdate> {
        let update = serde_json::from_slice(body).map_err(|error| BadUpdate::NotJson(error.to_string()))?;
        Self::read(&update)
    }

    /// # Errors
    /// Not an update, or one without what every update of its kind has.
    pub fn read(update: &Value) -> Result<Self, BadUpdate> {
        if update["update_id"].as_i64().is_none() {
            return Err(BadUpdate::NotUpdate("it has no update_id"));
        }
        if let Some(message) = update.get("message") {
            return read_message(message);
        }
        if let Some(tap) = update.get("callback_query") {
            return read_tap(tap);
        }
        if let Some(query) = update.get("pre_checkout_query") {
            return read_checkout(query).map(Self::Checkout);
        }
        if let Some(member) = update.get("my_chat_member") {
            let user =
                id(&member["chat"]["id"]).ok_or(BadUpdate::NotUpdate("a membership without a chat"))?;
            let blocked = matches!(member["new_chat_member"]["status"].as_str(), Some("kicked" | "left"));
            return Ok(Self::Membership { user, blocked });
        }
        Ok(Self::Ignored("of a kind that was not asked for"))
    }
}

fn read_message(message: &Value) -> Result<Update, BadUpdate> {
    let chat = id(&message["chat"]["id"]).ok_or(BadUpdate::NotUpdate("a message without a chat"))?;
    let number = id(&message["message_id"]).ok_or(BadUpdate::NotUpdate("a message without an id"))?;
    // Before anything is let be: money is money wherever it is told of.
    if let Some(paid) = message.get("successful_payment") {
        return Ok(read_notice(message, paid).map_or(Update::Ignored("money without a charge"), Update::Paid));
    }
    if let Some(back) = message.get("refunded_payment") {
        let returned = read_notice(message, back).map(Update::Returned);
        return Ok(returned.unwrap_or(Update::Ignored("a refund without a charge")));
    }
    if message["chat"]["type"] != "private" {
        return Ok(Update::Ignored("not a private chat"));
    }
    if message["from"]["is_bot"] == true {
        return Ok(Update::Ignored("written by a bot"));
    }
    let Some(from) = person(&message["from"]) else { return Ok(Update::Ignored("written by nobody")) };
    let replied = &message["reply_to_message"];
    let answers = if replied["from"]["is_bot"] == true { text(replied, "text") } else { None };
    Ok(Update::Message(Message {
        chat,
        message: number,
        from,
        text: text(message, "text"),
        answers,
        service: is_service(message),
    }))
}

fn read_tap(tap: &Value) -> Result<Update, BadUpdate> {
    let tap_id = text(tap, "id").ok_or(BadUpdate::NotUpdate("a tap without an id"))?;
    let from = person(&tap["from"]).ok_or(BadUpdate::NotUpdate("a tap of nobody"))?;
    let message = &tap["message"];
    let (Some(chat), Some(number)) = (id(&message["chat"]["id"]), id(&message["message_id"])) else {
        return Ok(Update::Ignored("a tap on a message that can't be reached"));
    };
    // Buttons are sent to private chats only; there the chat is the person.
    if chat != from.id {
        return Ok(Update::Ignored("a tap in somebody else's chat"));
    }
    let Some(data) = text(tap, "data") else { return Ok(Update::Ignored("a tap without data")) };
    let replied = &message["reply_to_message"];
    let answers = id(&replied["message_id"]).zip(text(replied, "text"));
    Ok(Update::Tap(Tap { id: tap_id, from, data, chat, message: number, answers }))
}

pub(super) fn person(user: &Value) -> Option<Person> {
    let name = [text(user, "first_name"), text(user, "last_name")];
    let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(Person { id: id(&user["id"])?, name, language: text(user, "language_code") })
}

/// An id that every JSON reader keeps exactly.
pub(super) fn id(value: &Value) -> Option<i64> {
    value.as_i64().filter(|id| (-INTEGER_MAX..=INTEGER_MAX).contains(id))
}

pub(super) fn text(object: &Value, field: &str) -> Option<String> {
    object[field].as_str().map(str::to_owned)
}

/// Whether a message is Telegram's notice: it has none of the things a person can send.
fn is_service(message: &Value) -> bool {
    const NOTICES: [&str; 8] = [
        "pinned_message",
        "message_auto_delete_timer_changed",
        "chat_background_set",
        "write_access_allowed",
        "boost_added",
        "forum_topic_created",
        "new_chat_title",
        "delete_chat_photo",
    ];
    NOTICES.iter().any(|notice| message.get(notice).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(fields: Value) -> Value {
        let mut message = json!({
            "message_id": 7, "date": 1_790_000_000,
            "chat": {"id": 42, "type": "private"},
            "from": {"id": 42, "is_bot": false, "first_name": "Анна", "language_code": "ru"},
        });
        let given = fields.as_object().unwrap().clone();
        message.as_object_mut().unwrap().extend(given);
        json!({"update_id": 1, "message": message})
    }

    fn read(update: &Value) -> Update {
        Update::parse(update.to_string().as_bytes()).unwrap()
    }

    fn said(update: &Value) -> Message {
        match read(update) {
            Update::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_is_read_whatever_else_stands_in_it() {
        let odd = message(json!({
            "text": "/prompt кот",
            "entities": [{"type": "quantum_link", "offset": 0, "length": 7, "spin": [1, 2]}, 17, null],
            "forward_origin": {"type": "from_the_future"},
            "reply_markup": {"inline_keyboard": [[{"text": "x", "teleport": {}}]]},
            "checklist": {"tasks": "not a list"}, "unheard_of": {"a": {"b": []}},
        }));
        let message = said(&odd);
        assert_eq!(message.text.as_deref(), Some("/prompt кот"));
        assert_eq!((message.chat, message.message, message.from.language.as_deref()), (42, 7, Some("ru")));
        assert_eq!(said(&message_with_text(json!(17))).text, None);
    }

    fn message_with_text(text: Value) -> Value {
        message(json!({"text": text}))
    }

    #[test]
    fn a_tap_knows_its_message_and_what_that_answers() {
        let tap = json!({"update_id": 2, "callback_query": {
            "id": "9", "from": {"id": 42, "first_name": "Анна"}, "chat_instance": "1", "data": "d",
            "message": {"message_id": 8, "chat": {"id": 42, "type": "private"},
                "reply_to_message": {"message_id": 7, "text": "a cat"},
                "reply_markup": {"inline_keyboard": [[{"text": "x", "holo_button": true}]]}},
        }});
        let Update::Tap(tap) = read(&tap) else { panic!() };
        assert_eq!((tap.chat, tap.message, tap.answers), (42, 8, Some((7, "a cat".to_owned()))));
    }

    #[test]
    fn a_tap_in_another_chat_or_without_a_message_is_let_be() {
        let tap = |message: Value| {
            json!({"update_id": 2, "callback_query": {
                "id": "9", "from": {"id": 42, "first_name": "A"}, "data": "d", "message": message}})
        };
        assert!(matches!(read(&tap(json!({"message_id": 8, "chat": {"id": 43}}))), Update::Ignored(_)));
        assert!(matches!(read(&tap(Value::Null)), Update::Ignored(_)));
    }

    #[test]
    fn kinds_and_chats_we_do_not_serve_are_let_be() {
        for update in [
            json!({"update_id": 3, "telepathy": {"thought": "cat"}}),
            json!({"update_id": 4}),
            json!({"update_id": 5, "message": {"message_id": 1, "chat": {"id": -100, "type": "supergroup"}, "text": "x"}}),
            message(json!({"from": {"id": 1, "is_bot": true, "first_name": "bot"}, "text": "x"})),
        ] {
            assert!(matches!(read(&update), Update::Ignored(_)), "{update}");
        }
    }

    #[test]
    fn what_is_not_an_update_is_refused() {
        let deep = format!("{{\"update_id\":1,\"message\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let huge = message(json!({"message_id": 9_007_199_254_740_993_i64})).to_string();
        for body in [
            "",
            "null",
            "17",
            "\"update\"",
            "[]",
            "{}",
            "{\"update_id\":\"1\"}",
            "{\"update_id\":1.5}",
            "{\"update_id\":1",
            "{\"update_id\":1,\"message\":{}}",
            "{\"update_id\":1,\"message\":{\"message_id\":1}}",
            "{\"update_id\":1,\"message\":17}",
            "{\"update_id\":1,\"callback_query\":{\"id\":\"1\"}}",
            "{\"update_id\":99999999999999999999999}",
            "\u{feff}{}",
            &deep,
            &huge,
        ] {
            assert!(Update::parse(body.as_bytes()).is_err(), "{}", body.chars().take(80).collect::<String>());
        }
        assert!(Update::parse(b"\xff\xfe\x00").is_err());
    }

    #[test]
    fn nul_and_long_texts_come_through_for_the_talk_to_judge() {
        assert_eq!(said(&message_with_text(json!("a\0b"))).text.as_deref(), Some("a\0b"));
        let long = "я".repeat(100_000);
        assert_eq!(said(&message_with_text(json!(long))).text, Some(long));
    }

    #[test]
    fn money_is_read_whoever_writes_of_it() {
        let part = json!({"currency": "XTR", "total_amount": 75, "invoice_payload": "p", "new_field": {},
            "telegram_payment_charge_id": "stx1", "provider_payment_charge_id": "42_0"});
        let Update::Paid(paid) = read(&message(json!({"successful_payment": part}))) else { panic!() };
        assert_eq!((paid.person.id, paid.amount, paid.date, &*paid.charge), (42, 75, 1_790_000_000, "stx1"));
        assert!(paid.words.contains("new_field"));
        let bot = json!({"id": 1, "is_bot": true, "first_name": "Plantain"});
        let back = message(json!({"refunded_payment": part, "from": bot}));
        let Update::Returned(back) = read(&back) else { panic!() };
        assert_eq!((back.person.id, &*back.charge), (42, "stx1"), "the chat says whose it was");
        let nameless = message(json!({"successful_payment": {"currency": "XTR"}}));
        assert!(matches!(read(&nameless), Update::Ignored(_)));
    }

    #[test]
    fn a_checkout_that_lacks_what_it_should_have_is_still_answered() {
        let query = |fields: Value| {
            let mut query = json!({"id": "9", "from": {"id": 42, "first_name": "A"}});
            query.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            read(&json!({"update_id": 1, "pre_checkout_query": query}))
        };
        let Update::Checkout(checkout) = query(json!({"currency": "XTR", "total_amount": 75})) else {
            panic!()
        };
        assert_eq!((checkout.amount, &*checkout.currency, &*checkout.payload), (75, "XTR", ""));
        let Update::Checkout(checkout) = query(json!({"total_amount": "75"})) else { panic!() };
        assert_eq!(checkout.amount, -1);
    }

    #[test]
    fn blocking_and_coming_back_are_read() {
        let member = |status: &str| {
            json!({"update_id": 1, "my_chat_member": {"chat": {"id": 42}, "from": {"id": 42},
                "old_chat_member": {"status": "member"}, "new_chat_member": {"status": status, "user": {}}}})
        };
        assert_eq!(read(&member("kicked")), Update::Membership { user: 42, blocked: true });
        assert_eq!(read(&member("member")), Update::Membership { user: 42, blocked: false });
    }
}
