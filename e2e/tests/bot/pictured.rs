//! Pictures above texts that Telegram does not take, or takes slowly: nobody waits for them, and they are not sent up at each message.

use std::io::Cursor;

use e2e::Stage;
use e2e::people::{is_picture, said};
use e2e::raw::{Raw, of};
use image::{ImageFormat, Rgb, RgbImage};
use ledger::store::{self, ShopPicture};
use proto_events::media::sha256_hex;
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

use crate::chat::Chat;
use crate::stage;

/// Above a text, of one colour.
fn puts(stage: &Stage, raw: &Raw, key: &str, hue: u8) {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(320, 240, Rgb([hue, 90, 160])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    let bytes = bytes.into_inner();
    let (sha256, size) = (sha256_hex(&bytes), i32::try_from(bytes.len()).unwrap());
    let media_type = "png".to_owned();
    let picture = ShopPicture { sha256: sha256.clone(), media_type, width: 320, height: 240, size };
    stage.sql(store::keep_picture(&stage.pool, &picture, &bytes));
    let picture = json!({"sha256": sha256, "media_type": "png", "bytes": size});
    let body =
        json!({"key": key, "language": "en", "picture": picture, "replaces": null, "reason": "a nicer text"});
    let id = format!("picture_put:{key}");
    let reply = raw.send(Producer::Console, "picture_put", &id, of(AccountId::OPERATIONS), body);
    assert_eq!(reply["status"], "done", "{reply}");
}

/// Help and the terms have pictures that the bot knows of and has not sent yet.
fn open() -> Stage {
    let stage = stage();
    stage.until("the bot's texts", || {
        let sql = "SELECT count(*) > 150 FROM builtin_texts";
        stage.sql::<bool>(sqlx::query_scalar(sql).fetch_one(&stage.pool)).then_some(())
    });
    let raw = Raw::new(&stage);
    for (key, hue) in [("help", 10), ("terms", 60), ("unknown-command", 110)] {
        puts(&stage, &raw, key, hue);
    }
    let eve = Chat::new(&stage, 8300, "en");
    eve.says("/start", |_| true);
    // The one that was put last is known: so are the others.
    stage.until("the pictures to be known", || is_picture(&eve.says("/dance", |_| true)).then_some(()));
    stage
}

/// How often Telegram was given a photo with these words below it.
fn photos(stage: &Stage, words: &str) -> usize {
    let calls = stage.get("/arrivals?vendor=telegram&call=sendPhoto&limit=200");
    let calls = calls["arrivals"].as_array().cloned().unwrap_or_default();
    calls.iter().filter(|call| call["body"].to_string().contains(words)).count()
}

const HELP: &str = "What I can do";

fn is_help(message: &Value) -> bool {
    said(message, HELP)
}

#[test]
fn a_picture_that_telegram_refuses_is_let_be_and_others_are_sent() {
    let stage = open();
    let (ada, bob) = (Chat::new(&stage, 8301, "en"), Chat::new(&stage, 8302, "en"));
    for chat in [&ada, &bob] {
        chat.says("/start", |_| true);
    }
    stage.fault("telegram", "sendPhoto", json!({"status": 400, "description": "Bad Request: unfit"}), 100);
    let help = ada.says("/help", is_help);
    assert!(!is_picture(&help), "the words alone: {help}");
    let tried = photos(&stage, HELP);
    assert!(tried > 0);
    for chat in [&ada, &bob, &ada] {
        let help = chat.says("/help", is_help);
        assert!(!is_picture(&help), "the words alone: {help}");
    }
    assert_eq!(photos(&stage, HELP), tried, "it is not sent up at each message");
    stage.heal();
    assert!(
        is_picture(&bob.says("/terms", |m| said(m, "You buy credits"))),
        "another picture is none the worse"
    );
    assert!(!is_picture(&bob.says("/help", is_help)), "it is let be for some minutes");
    assert_eq!(photos(&stage, HELP), tried);
    stage.assert_verified();
}

#[test]
fn nobody_waits_for_a_picture_that_telegram_takes_slowly() {
    let stage = open();
    let (ada, bob) = (Chat::new(&stage, 8311, "en"), Chat::new(&stage, 8312, "en"));
    for chat in [&ada, &bob] {
        chat.says("/start", |_| true);
    }
    stage.fault("telegram", "sendPhoto", json!({"delay_ms": 12_000}), 1);
    let asked = ada.write("/help");
    stage.until("it to be on its way", || (photos(&stage, HELP) == 1).then_some(()));
    // Meanwhile.
    assert!(!is_picture(&bob.says("/help", is_help)), "the words alone, at once");
    assert!(
        is_picture(&bob.says("/terms", |m| said(m, "You buy credits"))),
        "another picture waits for nothing"
    );
    assert_eq!(photos(&stage, HELP), 1, "it goes up once");
    let alone = ada.wait("her words", asked, is_help);
    assert!(!is_picture(&alone), "the words alone: {alone}");
    // It came after its words, and was taken away; from now on it is there.
    stage.until("the picture to be brought", || is_picture(&bob.says("/help", is_help)).then_some(()));
    assert!(is_picture(&ada.says("/help", |m| is_help(m) && is_picture(m))));
    let helps = || stage.bot_said(ada.person).iter().filter(|m| is_help(m)).count();
    stage.until("the late one to be gone", || (helps() == 2).then_some(()));
    stage.assert_verified();
}

/// A group where no photos may be sent says nothing of the picture.
#[test]
fn what_a_group_does_not_take_others_get() {
    let stage = open();
    let ada = Chat::new(&stage, 8321, "en");
    ada.says("/start", |_| true);
    let group = -1_001_000_000_083;
    let unfit =
        json!({"status": 400, "description": "Bad Request: not enough rights to send photos to the chat"});
    let bent = stage.bend("sendPhoto", &unfit, 100, &group.to_string());
    let asked = stage.write_in(group, ada.person, "/help@plantain_sandbox_bot", &json!({}));
    let help = stage.until("help in the group", || {
        stage.said_in(group).into_iter().find(|m| m["message_id"].as_i64() > Some(asked) && is_help(m))
    });
    assert!(!is_picture(&help), "the words alone: {help}");
    assert!(stage.unbend(bent) > 0);
    assert!(is_picture(&ada.says("/help", is_help)));
    stage.assert_verified();
}
