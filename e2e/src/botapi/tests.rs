use serde_json::{Value, json};

use super::controls::plant;
use super::*;

fn sent(call: &str, body: Value) -> Arrival {
    let headers = json!({"content-type": "application/json"});
    let arrival =
        json!({"id": 1, "vendor": "telegram", "call": call, "headers": headers, "body": body, "status": 200});
    serde_json::from_value(arrival).unwrap()
}

fn form(call: &str, body: Value) -> Arrival {
    let mut arrival = sent(call, body);
    arrival.headers["content-type"] = json!("multipart/form-data; boundary=x");
    arrival
}

fn file() -> Value {
    json!({"sha256": "00", "size": 3, "filename": "a.png"})
}

#[test]
fn what_the_bot_api_knows_passes() {
    let rows = json!({"inline_keyboard": [[{"text": "go", "callback_data": "a"}]]});
    let message = json!({"chat_id": 7, "text": "x", "parse_mode": "HTML", "reply_markup": rows,
        "reply_parameters": {"message_id": 5}, "disable_notification": null});
    assert_eq!(judge(&sent("sendMessage", message)), [""; 0]);
    assert_eq!(judge(&sent("getMe", Value::Null)), [""; 0]);
    let photo = json!({"chat_id": "7", "photo": "attach://p", "p": file(), "caption": "7",
        "reply_markup": rows.to_string()});
    assert_eq!(judge(&form("sendPhoto", photo)), [""; 0]);
    let media =
        json!([{"type": "photo", "media": "attach://a", "caption": "x"}, {"type": "photo", "media": "AgAC"}]);
    let album = json!({"chat_id": "7", "media": media.to_string(), "a": file()});
    assert_eq!(judge(&form("sendMediaGroup", album)), [""; 0]);
    let draft = json!({"chat_id": 7, "draft_id": 3, "text": "so far"});
    assert_eq!(judge(&sent("sendMessageDraft", draft)), [""; 0]);
    let commands = json!({"commands": [{"command": "start", "description": "x"}],
        "scope": {"type": "chat", "chat_id": 7}, "language_code": "ru"});
    assert_eq!(judge(&sent("setMyCommands", commands)), [""; 0]);
}

#[test]
fn a_wrong_field_is_found_wherever_it_stands() {
    let unknown = judge(&sent("sendMessage", json!({"chat_id": 7, "text": "x", "reply_to_message": 5})));
    assert_eq!(unknown, [".reply_to_message is unknown"]);
    let rows = json!({"inline_keyboard": [[{"text": "go", "callback_data": "a", "colour": "red"}]]});
    let nested = judge(&sent("sendMessage", json!({"chat_id": 7, "text": "x", "reply_markup": rows})));
    assert_eq!(nested, [".reply_markup.inline_keyboard[0][0].colour is unknown"]);
    assert_eq!(judge(&sent("getMe", json!({"x": 1}))), ["getMe has no parameters"]);
    assert_eq!(judge(&sent("sendTelepathy", json!({}))).len(), 1);
}

#[test]
fn a_wrong_type_a_wrong_word_and_what_lacks_are_found() {
    for wrong in [
        json!({"chat_id": 7, "text": 5}),
        json!({"chat_id": true, "text": "x"}),
        json!({"chat_id": 7, "text": "x", "parse_mode": "Html"}),
        json!({"chat_id": 7}),
        json!({"chat_id": 7, "text": "x", "reply_markup": {"inline_keyboard": [{"text": "x"}]}}),
    ] {
        assert_eq!(judge(&sent("sendMessage", wrong.clone())).len(), 1, "{wrong}");
    }
}

#[test]
fn files_and_references_belong_together() {
    let lost = form("sendPhoto", json!({"chat_id": "7", "photo": "attach://p", "q": file()}));
    assert_eq!(judge(&lost), ["attach://p refers to no file", "the file q is not referred to"]);
}

#[test]
fn of_what_was_too_long_to_keep_the_type_is_judged() {
    let cut = json!({"sha256": "00", "size": 5000});
    assert_eq!(judge(&sent("sendMessage", json!({"chat_id": 7, "text": cut}))), [""; 0]);
    assert_eq!(
        judge(&sent("sendMessage", json!({"chat_id": cut, "txt": cut, "text": "x"}))),
        [".txt is unknown"]
    );
    let album = form("sendMediaGroup", json!({"chat_id": "7", "media": cut}));
    assert_eq!(judge(&album).len(), 1, "what is JSON can't be judged without it");
}

#[test]
fn every_planted_mistake_is_found_and_counted() {
    let rows = json!({"inline_keyboard": [[{"text": "go", "url": "https://example.org/"}]]});
    let photo = json!({"chat_id": "7", "photo": "attach://p", "p": file(), "reply_markup": rows.to_string()});
    let planted = plant(&[
        sent("sendMessage", json!({"chat_id": 7, "text": "x", "reply_markup": rows})),
        form("sendPhoto", photo),
        sent("getMe", Value::Null),
        // The provider's own JSON in a string is a string to Telegram.
        sent(
            "createInvoiceLink",
            json!({"title": "x", "description": "x", "payload": "x", "currency": "RUB",
            "prices": [{"label": "x", "amount": 100}], "provider_data": "{\"receipt\":{}}"}),
        ),
    ]);
    let (made, missed): (Vec<usize>, Vec<&String>) =
        (planted.values().map(|p| p.made).collect(), planted.values().flat_map(|p| &p.missed).collect());
    assert_eq!(made, [8, 1, 6, 7]);
    assert_eq!(missed, [""; 0]);
}

#[test]
fn an_update_is_judged_the_same_way() {
    let user = json!({"id": 7, "is_bot": false, "first_name": "Ada"});
    let message =
        json!({"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "from": user, "text": "x"});
    let mut update = json!({"update_id": 1, "message": message});
    assert_eq!(judge_update(&update), [""; 0]);
    update["message"]["hologram"] = json!(1);
    assert_eq!(judge_update(&update), [".message.hologram is unknown"]);
}
