//! Edits by the bot beyond texts: keyboards, media, what can't be edited at all.

use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::support::{BOT, Sandbox, picture};

async fn sends(sandbox: &Sandbox, method: &str, field: &str) -> Value {
    let part = Part::bytes(picture(64, 64, ImageFormat::Png)).file_name("a.png");
    let form = Form::new().text("chat_id", "7").text("caption", "old").part(field.to_owned(), part);
    let url = format!("{}{BOT}/{method}", sandbox.base);
    let answer: Value = sandbox.http.post(url).multipart(form).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["ok"], true, "{answer}");
    answer["result"].clone()
}

#[tokio::test]
async fn a_keyboard_is_changed_and_taken_away_alone() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let rows = |data: &str| json!({"inline_keyboard": [[{"text": "go", "callback_data": data}]]});
    let mut sent = sends(&sandbox, "sendPhoto", "photo").await;
    let edit = |markup: Value| {
        let body = json!({"chat_id": 7, "message_id": sent["message_id"], "reply_markup": markup});
        sandbox.bot("editMessageReplyMarkup", body)
    };
    let edited = edit(rows("a")).await;
    assert_eq!((&edited["reply_markup"], &edited["caption"]), (&rows("a"), &json!("old")));
    assert_eq!(edit(rows("b")).await["reply_markup"], rows("b"));
    let body = json!({"chat_id": 7, "message_id": sent["message_id"], "reply_markup": rows("b")});
    let (_, why) = sandbox.refused("editMessageReplyMarkup", body).await;
    assert!(why.starts_with("Bad Request: message is not modified"), "{why}");
    let bare = json!({"chat_id": 7, "message_id": sent["message_id"]});
    assert!(sandbox.bot("editMessageReplyMarkup", bare).await.get("reply_markup").is_none());
    let pay = json!({"inline_keyboard": [[{"text": "Pay", "pay": true}]]});
    let body = json!({"chat_id": 7, "message_id": sent["message_id"], "reply_markup": pay});
    assert_eq!(sandbox.refused("editMessageReplyMarkup", body).await.1, "Bad Request: BUTTON_TYPE_INVALID");
    sent = sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "x"})).await;
    let caption = json!({"chat_id": 7, "message_id": sent["message_id"], "caption": "x"});
    assert_eq!(sandbox.refused("editMessageCaption", caption).await.0, 400);
    sandbox.stop().await;
}

#[tokio::test]
async fn what_has_a_keyboard_below_the_input_is_never_edited() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    for markup in
        [json!({"force_reply": true}), json!({"keyboard": [["a"]]}), json!({"remove_keyboard": true})]
    {
        let sent = json!({"chat_id": 7, "text": "x", "reply_markup": markup});
        let sent = sandbox.bot("sendMessage", sent).await;
        let edit = json!({"chat_id": 7, "message_id": sent["message_id"], "text": "y"});
        assert_eq!(sandbox.refused("editMessageText", edit).await.1, "Bad Request: message can't be edited");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn media_take_the_place_of_texts_and_media_but_not_within_an_album_of_others() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let photo = sends(&sandbox, "sendPhoto", "photo").await;
    let document = sends(&sandbox, "sendDocument", "document").await;
    let (photo_id, document_id) =
        (photo["photo"][0]["file_id"].clone(), document["document"]["file_id"].clone());
    let text = sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "drawing…"})).await;
    let edit = |id: &Value, kind: &str, media: &Value| json!({"chat_id": 7, "message_id": id, "media": {"type": kind, "media": media, "caption": "done"}});
    let done = sandbox.bot("editMessageMedia", edit(&text["message_id"], "photo", &photo_id)).await;
    assert_eq!((&done["photo"], &done["caption"]), (&photo["photo"], &json!("done")));
    assert!(done.get("text").is_none());
    let (_, why) =
        sandbox.refused("editMessageMedia", edit(&text["message_id"], "document", &photo_id)).await;
    assert_eq!(why, "Bad Request: can't use file of type Photo as Document");
    let media = json!([{"type": "photo", "media": photo_id}, {"type": "photo", "media": photo_id}]);
    let album = sandbox.bot("sendMediaGroup", json!({"chat_id": 7, "media": media})).await;
    let part = &album[0]["message_id"];
    assert_eq!(sandbox.refused("editMessageMedia", edit(part, "document", &document_id)).await.0, 400);
    let edited = sandbox.bot("editMessageMedia", edit(part, "photo", &photo_id)).await;
    assert_eq!(edited["media_group_id"], album[0]["media_group_id"]);
    let mixed = json!([{"type": "photo", "media": photo_id}, {"type": "document", "media": document_id}]);
    assert_eq!(sandbox.refused("sendMediaGroup", json!({"chat_id": 7, "media": mixed})).await.0, 400);
    let again = sandbox.bot("sendDocument", json!({"chat_id": 7, "document": document_id})).await;
    assert_eq!(again["document"], document["document"]);
    sandbox.stop().await;
}
