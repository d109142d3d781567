//! Updates as Telegram sends them, and as nobody should.

use serde_json::{Value, json};

use super::message::{ChatKind, Replied};
use super::{BadUpdate, Message, Other, Update, Us};

const BOT: i64 = 4200;

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

fn us() -> Us {
    let us = Us::new(BOT);
    us.is_called("plantain_bot".to_owned());
    us
}

fn read(update: &Value) -> Update {
    Update::parse(update.to_string().as_bytes(), &us()).unwrap()
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
fn a_tap_in_another_chat_or_without_a_message_is_a_stray_one() {
    let tap = |message: Value| {
        json!({"update_id": 2, "callback_query": {
            "id": "9", "from": {"id": 42, "first_name": "A"}, "data": "d", "message": message}})
    };
    for message in [json!({"message_id": 8, "chat": {"id": 43}}), Value::Null] {
        assert!(matches!(read(&tap(message)), Update::StrayTap { id, .. } if id == "9"));
    }
}

#[test]
fn kinds_and_chats_we_do_not_serve_are_let_be() {
    for update in [
        json!({"update_id": 3, "telepathy": {"thought": "cat"}}),
        json!({"update_id": 4}),
        json!({"update_id": 5, "message": {"message_id": 1, "chat": {"id": -100, "type": "channel"}, "text": "x"}}),
        json!({"update_id": 5, "channel_post": {"message_id": 1, "chat": {"id": -100, "type": "channel"}, "text": "x"}}),
        json!({"update_id": 5, "business_message": {"message_id": 1, "chat": {"id": 4, "type": "private"}, "text": "x"}}),
        json!({"update_id": 5, "edited_message": {"message_id": 1, "chat": {"id": 4, "type": "private"}, "text": "x"}}),
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
        assert!(
            Update::parse(body.as_bytes(), &us()).is_err(),
            "{}",
            body.chars().take(80).collect::<String>()
        );
    }
    assert!(Update::parse(b"\xff\xfe\x00", &us()).is_err());
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
    let Update::Checkout(checkout) = query(json!({"currency": "XTR", "total_amount": 75})) else { panic!() };
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

#[test]
fn names_are_kept_as_they_are() {
    for name in ["אבגד", "🦊\u{202e}кот", "<b>Анна</b> & \"К\"", "a\0b"] {
        let message = said(&message(json!({"text": "x", "from": {"id": 42, "first_name": name}})));
        assert_eq!(message.from.name, name);
    }
}

#[test]
fn a_photo_comes_with_its_words_and_its_album() {
    let sizes =
        json!([{"file_id": "s", "width": 90, "height": 90}, {"file_id": "l", "width": 900, "height": 900}]);
    let caption = "перерисуй <i>это</i> 🦊";
    let photo =
        said(&message(json!({"photo": sizes, "caption": caption, "media_group_id": "136", "edit_date": 1,
        "forward_origin": {"type": "from_the_future"}, "caption_entities": "none"})));
    assert_eq!((photo.words(), photo.group.as_deref()), (Some(caption), Some("136")));
    assert_eq!(photo.picture().unwrap().file_id.as_str(), "l");
    assert_eq!((photo.text, photo.document, photo.other), (None, None, None));
    assert!(photo.forwarded && photo.edited);
}

#[test]
fn a_picture_may_come_as_a_document() {
    let file = json!({"file_id": "d", "file_unique_id": "u", "file_name": "кот.png", "file_size": 5});
    let document = said(&message(json!({"document": file})));
    assert_eq!(document.photo, None);
    let picture = document.picture().unwrap();
    assert_eq!((picture.file_id.as_str(), &*picture.unique_id, picture.bytes), ("d", "u", Some(5)));
    let other = said(&message(json!({"document": {"file_id": "d", "mime_type": "application/pdf"}})));
    assert_eq!((other.picture(), other.other), (None, None));
    assert_eq!(other.document.unwrap().mime.as_deref(), Some("application/pdf"));
}

#[test]
fn what_is_none_of_these_is_named() {
    for (field, kind) in [
        ("sticker", Other::Sticker),
        ("voice", Other::Voice),
        ("video", Other::Video),
        ("video_note", Other::VideoNote),
        ("animation", Other::Animation),
        ("audio", Other::Audio),
        ("poll", Other::Poll),
        ("location", Other::Location),
        ("contact", Other::Contact),
        ("dice", Other::Dice),
        ("story", Other::Story),
        ("hologram", Other::Unknown),
    ] {
        let message = said(&message(json!({field: {"file_id": "x"}, "caption": "c"})));
        assert_eq!((message.other, message.words()), (Some(kind), Some("c")), "{field}");
    }
    let pinned = said(&message(json!({"pinned_message": {}})));
    assert_eq!((pinned.service, pinned.other), (true, None));
}

#[test]
fn what_a_message_answers_is_ours_or_not() {
    let to = |replied: Value| said(&message(json!({"text": "yes", "reply_to_message": replied})));
    let ours = to(json!({"message_id": 5, "from": {"id": BOT, "is_bot": true}, "text": "What?"}));
    assert_eq!(ours.answers(), Some("What?"));
    let theirs =
        to(json!({"message_id": 5, "from": {"id": 42}, "caption": "a cat", "photo": [{"file_id": "p"}]}));
    assert_eq!(theirs.answers(), None);
    let replied = theirs.replied.unwrap();
    assert_eq!((replied.message, replied.from_us, replied.caption.as_deref()), (5, false, Some("a cat")));
    assert_eq!(replied.picture.unwrap().file_id.as_str(), "p");
    let another_bot = to(json!({"message_id": 5, "from": {"id": 9, "is_bot": true}, "text": "What?"}));
    assert_eq!(another_bot.answers(), None);
    for broken in [json!(17), json!({}), json!({"message_id": "5"})] {
        assert_eq!(to(broken).replied, None);
    }
}

fn in_group(fields: Value) -> Value {
    let mut message = message(fields);
    message["message"]["chat"] = json!({"id": -1_001_234, "type": "supergroup", "title": "g"});
    message
}

#[test]
fn in_a_group_only_what_is_for_us_is_read() {
    let mention = json!([{"type": "mention", "offset": 3, "length": 13}]);
    let called = said(&in_group(json!({"text": "🦊 @plantain_bot кот", "entities": mention})));
    assert_eq!((called.chat, called.chat_kind), (-1_001_234, ChatKind::Group));
    assert_eq!(called.text.as_deref(), Some("🦊 кот"));
    let below = said(&in_group(json!({"photo": [{"file_id": "p"}], "caption": "🦊 @plantain_bot кот",
        "caption_entities": mention})));
    assert_eq!(below.caption.as_deref(), Some("🦊 кот"));
    let command = json!([{"type": "bot_command", "offset": 0, "length": 18}]);
    let commanded = said(&in_group(json!({"text": "/help@plantain_bot", "entities": command})));
    assert_eq!(commanded.text.as_deref(), Some("/help@plantain_bot"));
    let ours = json!({"message_id": 5, "from": {"id": BOT, "is_bot": true}, "photo": [{"file_id": "p"}]});
    let answer = said(&in_group(json!({"text": "синее", "reply_to_message": ours})));
    assert!(matches!(answer.replied, Some(Replied { from_us: true, picture: Some(_), .. })));

    let bare = json!([{"type": "bot_command", "offset": 0, "length": 5}]);
    let topic = json!({"message_id": 5, "from": {"id": BOT}, "forum_topic_created": {"name": "t"}});
    let anothers = json!({"message_id": 5, "from": {"id": 43}, "text": "x"});
    for idle in [
        json!({"text": "hello"}),
        json!({"text": "hello @plantain_bot"}),
        json!({"text": "/help", "entities": bare}),
        json!({"photo": [{"file_id": "p"}]}),
        json!({"text": "yes", "reply_to_message": anothers}),
        json!({"text": "yes", "reply_to_message": topic}),
        json!({"pinned_message": {}, "reply_to_message": ours}),
        json!({"new_chat_members": [{"id": BOT, "is_bot": true}]}),
    ] {
        assert!(matches!(read(&in_group(idle.clone())), Update::Ignored(_)), "{idle}");
    }
}

#[test]
fn before_the_bots_name_is_known_a_group_has_to_wait_and_nobody_else() {
    let nameless = Us::new(BOT);
    let read = |update: Value| Update::read(&update, &nameless);
    assert_eq!(read(in_group(json!({"text": "x"}))), Err(BadUpdate::TooEarly));
    assert!(matches!(read(message(json!({"text": "x"}))), Ok(Update::Message(_))));
}

#[test]
fn a_group_that_throws_the_bot_out_blocks_nobody() {
    let member = json!({"update_id": 1, "my_chat_member": {"chat": {"id": -100}, "from": {"id": 42},
        "new_chat_member": {"status": "kicked"}}});
    assert!(matches!(read(&member), Update::Ignored(_)));
}
