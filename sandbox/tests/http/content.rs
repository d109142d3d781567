//! What people send besides plain text, twice, edited, or bent.

use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::support::{Receiver, Sandbox, calm, picture};

async fn album(sandbox: &Sandbox, more: &[(&'static str, &str)], kinds: &[&'static str]) -> (u16, Value) {
    let mut form = Form::new();
    for (name, value) in more {
        form = form.text(*name, (*value).to_owned());
    }
    for kind in kinds {
        form = form.part(*kind, Part::bytes(picture(64, 64, ImageFormat::Png)).file_name("a.png"));
    }
    let url = format!("{}/people/7/messages", sandbox.base);
    let answer = sandbox.http.post(url).multipart(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn every_kind_of_content_comes_and_its_file_can_be_had() {
    let sandbox = Sandbox::start().await;
    for kind in ["sticker", "voice", "video", "video_note", "animation", "audio"] {
        let sent = sandbox.does(7, "messages", json!({"kind": kind})).await;
        let file = sandbox.bot("getFile", json!({"file_id": sent[kind]["file_id"]})).await;
        let path = file["file_path"].as_str().unwrap();
        let url = format!("{}/telegram/file/bot42:TEST/{path}", sandbox.base);
        assert_eq!(sandbox.http.get(url).send().await.unwrap().status(), 200, "{kind}: {sent}");
    }
    for kind in ["poll", "location", "contact", "dice"] {
        assert!(sandbox.does(7, "messages", json!({"kind": kind})).await[kind].is_object());
    }
    let unknown = sandbox.does(7, "messages", json!({"kind": "unknown"})).await;
    assert!(unknown.get("text").is_none() && unknown["sand_castle"].is_object());
    let voice = sandbox.does(7, "messages", json!({"kind": "voice", "caption": "hear"})).await;
    assert_eq!(voice["caption"], "hear");
    assert_eq!(sandbox.updates().await.len(), 12);
    assert_eq!(sandbox.post("/people/7/messages", json!({"kind": "telepathy"})).await.0, 400);
    sandbox.stop().await;
}

#[tokio::test]
async fn raw_json_bends_a_message_also_as_it_is_kept() {
    let sandbox = Sandbox::start().await;
    let raw =
        json!({"entities": [{"type": "hologram", "offset": 0, "length": 4}], "from": {"is_premium": true}});
    let sent = sandbox.does(7, "messages", json!({"text": "draw a cat", "raw": raw})).await;
    assert_eq!(sent["entities"][0]["type"], "hologram");
    assert_eq!((&sent["from"]["is_premium"], &sent["from"]["id"]), (&json!(true), &json!(7)));
    let only = sandbox.does(7, "messages", json!({"raw": {"checklist": {"title": "x"}}})).await;
    assert!(only.get("text").is_none());
    let updates = sandbox.updates().await;
    assert_eq!((&updates[0]["message"], &updates[1]["message"]), (&sent, &only));
    assert_eq!(sandbox.get("/people/7/chat").await["messages"], json!([sent, only]));
    sandbox.stop().await;
}

#[tokio::test]
async fn an_album_comes_part_by_part_each_after_the_200_for_the_last() {
    let sandbox = Sandbox::with(sandbox::Options { clock_speed: 200.0, ..calm() }).await;
    let receiver = Receiver::start(&[200, 500]).await;
    sandbox.bot("setWebhook", json!({"url": receiver.url})).await;
    let asked = sandbox.says(7, "which?").await["message_id"].to_string();
    receiver.wait(1).await;
    let more = [("caption", "these"), ("caption_on", "1"), ("reply_to", asked.as_str())];
    let (status, sent) = album(&sandbox, &more, &["photo", "photo", "photo"]).await;
    assert_eq!(status, 200, "{sent}");
    let received = receiver.wait(5).await;
    let ids: Vec<&Value> = received[1..].iter().map(|one| &one.body["message"]["message_id"]).collect();
    let id = |at: usize| &sent[at]["message_id"];
    assert_eq!(ids, [id(0), id(0), id(1), id(2)], "a part that failed comes again before the next");
    let parts: Vec<&Value> = received[2..].iter().map(|one| &one.body["message"]).collect();
    assert!(parts.iter().all(|part| part["media_group_id"] == sent[0]["media_group_id"]));
    assert!(parts.iter().all(|part| part["reply_to_message"]["text"] == "which?"));
    let captions: Vec<bool> = parts.iter().map(|part| part.get("caption").is_some()).collect();
    assert_eq!(captions, [false, true, false]);
    sandbox.stop().await;
}

#[tokio::test]
async fn what_no_client_can_send_is_refused() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    assert_eq!(album(&sandbox, &[], &["photo", "document"]).await.0, 400);
    assert_eq!(album(&sandbox, &[("caption_on", "2")], &["photo", "photo"]).await.0, 400);
    assert_eq!(album(&sandbox, &[("reply_to", "soon")], &["photo"]).await.0, 400);
    assert_eq!(album(&sandbox, &[("raw", "{")], &["photo"]).await.0, 400);
    assert_eq!(sandbox.post("/people/7/messages", json!({"text": "x", "reply_to": 99})).await.0, 404);
    assert_eq!(sandbox.post("/people/7/messages", json!({"text": "x", "chat": 5})).await.0, 400);
    let (status, documents) = album(&sandbox, &[("caption", "as files")], &["document", "document"]).await;
    assert_eq!((status, &documents[0]["document"]["mime_type"]), (200, &json!("image/png")));
    sandbox.stop().await;
}

#[tokio::test]
async fn an_edited_message_is_told_as_such() {
    let sandbox = Sandbox::start().await;
    let said = sandbox.says(7, "draw a cta").await;
    let edit = |id: &Value, more: Value| {
        let mut body = json!({"message_id": id});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sandbox.post("/people/7/edits", body)
    };
    let (status, edited) = edit(&said["message_id"], json!({"text": "draw a /cat"})).await;
    assert_eq!((status, &edited["text"], &edited["date"]), (200, &json!("draw a /cat"), &said["date"]));
    assert!(edited["edit_date"].is_i64() && edited["entities"].is_array());
    assert_eq!(sandbox.updates().await[1]["edited_message"], edited);
    let bots = sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "x"})).await;
    assert_eq!(edit(&bots["message_id"], json!({"text": "y"})).await.0, 404);
    assert_eq!(edit(&said["message_id"], json!({})).await.0, 400);
    let photo = album(&sandbox, &[("caption", "one")], &["photo"]).await.1;
    assert_eq!(edit(&photo["message_id"], json!({"text": "y"})).await.0, 400);
    assert_eq!(edit(&photo["message_id"], json!({"caption": "two"})).await.1["caption"], "two");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_tap_and_a_message_come_again_under_a_new_update_id() {
    let sandbox = Sandbox::start().await;
    let said = sandbox.says(7, "hi").await;
    let rows = json!({"inline_keyboard": [[{"text": "go", "callback_data": "a"}]]});
    let sent = sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "x", "reply_markup": rows})).await;
    let tap = json!({"message_id": sent["message_id"], "data": "a"});
    let again = json!({"message_id": sent["message_id"], "data": "a", "again": true});
    assert_eq!(sandbox.post("/people/7/taps", again.clone()).await.0, 404, "nothing was pressed yet");
    let first = sandbox.does(7, "taps", tap.clone()).await;
    sandbox.bot("deleteMessage", json!({"chat_id": 7, "message_id": sent["message_id"]})).await;
    let second = sandbox.does(7, "taps", again).await;
    assert_eq!(
        (&second["id"], &second["message"]["date"]),
        (&first["id"], &json!(0)),
        "it is inaccessible now"
    );
    assert_eq!(sandbox.post("/people/7/taps", tap).await.0, 404);
    sandbox.does(7, "messages", json!({"again": said["message_id"]})).await;
    let updates = sandbox.updates().await;
    let ids: Vec<i64> = updates.iter().map(|update| update["update_id"].as_i64().unwrap()).collect();
    assert!(ids.len() == 4 && ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    assert_eq!((&updates[0]["message"], &updates[3]["message"]), (&said, &said));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_reordered_update_is_overtaken_by_the_next_of_its_chat() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(&[]).await;
    sandbox.bot("setWebhook", json!({"url": receiver.url})).await;
    let fault = json!({"vendor": "telegram", "call": "webhook", "fault": "reordered", "match": "one"});
    sandbox.fault(fault).await;
    for text in ["one", "two", "three"] {
        sandbox.says(7, text).await;
    }
    let received = receiver.wait(3).await;
    let texts: Vec<&Value> = received.iter().map(|one| &one.body["message"]["text"]).collect();
    assert_eq!(texts, ["two", "one", "three"]);
    sandbox.until("/books", |books| books["telegram"]["pending_updates"] == 0).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn all_chats_are_listed_with_their_last_message() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let sent = sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "hello"})).await;
    sandbox.does(8, "messages", json!({"text": "all", "chat": -5})).await;
    let chats = sandbox.get("/chats").await["chats"].clone();
    let of = |id: i64| chats.as_array().unwrap().iter().find(|chat| chat["id"] == id).unwrap().clone();
    assert_eq!(of(7)["last"]["text"], "hello");
    assert_eq!(of(7)["recent_bot_ids"], json!([sent["message_id"]]));
    assert_eq!((&of(8)["last"], &of(-5)["last"]["text"]), (&Value::Null, &json!("all")));
    sandbox.stop().await;
}
