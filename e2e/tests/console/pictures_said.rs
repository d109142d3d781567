//! Pictures wherever their texts are said: by a command, by a button in a menu, as a question, in a group.

use e2e::people::{Person, buttons, said};
use image::ImageFormat;
use serde_json::{Value, json};

use crate::desk::{PASSWORD, Seat};
use crate::pictures::{drawn, is_photo, open, puts_above};

const GROUP: i64 = -1_001_000_000_077;
const ADA: Person = Person(7601);

fn button(message: &Value, words: &str) -> String {
    let found = buttons(message).into_iter().find(|(label, _)| label.contains(words));
    found.unwrap_or_else(|| panic!("no button {words}: {message}")).1
}

#[test]
fn a_text_comes_with_its_picture_by_whatever_way_it_is_said() {
    let stage = open();
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    let texts = ["help", "picture-ask", "referral", "terms", "unknown-command"];
    for (key, hue) in texts.into_iter().zip((20..).step_by(40)) {
        puts_above(&admin, key, "en", &drawn(320, 240, hue, ImageFormat::Png));
    }
    let asks = |words: &str| {
        let asked = stage.write(ADA, words);
        stage.wait_for(ADA, words, |m| m["message_id"].as_i64() > Some(asked))
    };
    let welcome = asks("/start");
    assert!(welcome["photo"].is_null(), "the welcome has none: {welcome}");
    // The bot looks for what was put every few seconds, at all of it.
    stage.until("the pictures to be known", || is_photo(&asks("/dance"), "").then_some(()));
    assert!(is_photo(&asks("/terms"), ""));

    // By a command, and in the place of a menu, which stays as it is.
    let help = asks("/help");
    assert!(is_photo(&help, "What I can do"), "{help}");
    let came = |data: String, on: &Value, what: &str, accept: &dyn Fn(&Value) -> bool| {
        let last = stage.bot_said(ADA).last().map(|m| m["message_id"].as_i64());
        stage.tap(ADA, on, &data);
        stage.wait_for(ADA, what, |m| Some(m["message_id"].as_i64()) > last && accept(m))
    };
    let menu = came(button(&help, "Menu"), &help, "the menu below", &|m| said(m, "You have"));
    assert!(menu["photo"].is_null(), "{menu}");
    came(button(&menu, "Help"), &menu, "help below", &|m| is_photo(m, "What I can do"));
    came(button(&menu, "Invite"), &menu, "the link below", &|m| is_photo(m, "t.me/"));
    let there = stage.bot_said(ADA);
    let still = there.iter().find(|m| m["message_id"] == menu["message_id"]).unwrap();
    assert_eq!(still["text"], menu["text"], "the menu is where it was");

    // A question is answered as without a picture.
    let question = asks("/prompt");
    assert!(is_photo(&question, ""), "{question}");
    let calls = stage.get("/arrivals?vendor=telegram&call=sendPhoto&limit=100");
    let calls = calls["arrivals"].as_array().cloned().unwrap_or_default();
    assert!(calls.iter().any(|call| call["body"].to_string().contains("force_reply")), "{calls:?}");
    assert!(said(&asks("a heron in the reeds"), "Not enough credits"), "the answer was understood");

    let asked = stage.write_in(GROUP, ADA, "/help@plantain_sandbox_bot", &json!({}));
    stage.until("help in a group", || {
        let below = |m: &&Value| m["message_id"].as_i64() > Some(asked);
        stage.said_in(GROUP).iter().filter(below).any(|m| is_photo(m, "What I can do")).then_some(())
    });
    stage.assert_verified();
}
