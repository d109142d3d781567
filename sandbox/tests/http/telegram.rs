//! Bot API: parameters in every shape, limits, error texts, edits, files.

use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use sandbox::{FloodLimits, Options};
use serde_json::{Value, json};

use super::support::{BOT, Sandbox, picture};

async fn upload(sandbox: &Sandbox, method: &str, form: Form) -> (u16, Value) {
    let answer =
        sandbox.http.post(format!("{}{BOT}/{method}", sandbox.base)).multipart(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_message_arrives_however_it_was_sent() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "/start ref_1").await;
    let markup = json!({"inline_keyboard": [[{"text": "go", "callback_data": "a"}], []]});
    let by_json =
        sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "a", "reply_markup": markup})).await;
    let form = Form::new().text("chat_id", "7").text("text", "b").text("reply_markup", markup.to_string());
    let (status, by_form) = upload(&sandbox, "SENDMESSAGE", form).await;
    assert_eq!(status, 200);
    let encoded = sandbox.http.post(format!("{}{BOT}/sendmessage", sandbox.base)).form(&[
        ("chat_id", "7"),
        ("text", "c & d"),
        ("reply_markup", &markup.to_string()),
    ]);
    let by_url: Value = encoded.send().await.unwrap().json().await.unwrap();
    let by_query = sandbox.get(&format!("{BOT}/SendMessage?chat_id=7&text=e%20f")).await;
    let kept = json!([[{"text": "go", "callback_data": "a"}]]);
    for message in [&by_json, &by_form["result"], &by_url["result"]] {
        assert_eq!(message["reply_markup"]["inline_keyboard"], kept);
    }
    let chat = sandbox.get("/people/7/chat").await;
    let texts: Vec<_> =
        chat["messages"].as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["/start ref_1", "a", "b", "c & d", "e f"]);
    assert_eq!(by_query["result"]["from"]["is_bot"], true);
    sandbox.stop().await;
}

#[tokio::test]
async fn limits_are_told_in_telegrams_words() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let send = |more: Value| {
        let mut body = json!({"chat_id": 7, "text": "x"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sandbox.refused("sendMessage", body)
    };
    let bad = |text: &str| (400, format!("Bad Request: {text}"));
    assert_eq!(send(json!({"text": ""})).await, bad("message text is empty"));
    assert_eq!(send(json!({"text": " \n "})).await, bad("message text is empty"));
    assert_eq!(send(json!({"text": "я".repeat(4097)})).await, bad("message is too long"));
    sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "я".repeat(4096)})).await;
    let marked = format!("<b>{}</b>", "x".repeat(4096));
    sandbox.bot("sendMessage", json!({"chat_id": 7, "text": marked, "parse_mode": "HTML"})).await;
    let (code, why) = send(json!({"text": "1 < 2", "parse_mode": "HTML"})).await;
    assert_eq!((code, why.starts_with("Bad Request: can't parse entities: ")), (400, true), "{why}");
    assert_eq!(send(json!({"chat_id": 8})).await, bad("chat not found"));
    assert_eq!(send(json!({"chat_id": "@nobody"})).await, bad("chat not found"));
    let button =
        |data: &str| json!({"reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": data}]]}});
    assert_eq!(send(button(&"x".repeat(65))).await, bad("BUTTON_DATA_INVALID"));
    assert_eq!(
        send(json!({"reply_parameters": {"message_id": 99}})).await,
        bad("message to be replied not found")
    );
    let (code, why) = sandbox.refused("sendSticker", json!({})).await;
    assert_eq!((code, why.as_str()), (404, "Not Found"));
    let (status, answer) = sandbox.post("/telegram/bot42/getMe", json!({})).await;
    assert_eq!((status, &answer["description"]), (404, &json!("Not Found")));
    sandbox.stop().await;
}

#[tokio::test]
async fn only_the_configured_token_is_admitted() {
    let options = Options { telegram_token: Some("1:right".to_owned()), ..Options::default() };
    let sandbox = Sandbox::with(options).await;
    assert_eq!(sandbox.post("/telegram/bot1:wrong/getMe", json!({})).await.0, 401);
    assert_eq!(sandbox.post("/telegram/bot1%3Aright/getMe", json!({})).await.1["result"]["id"], 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn flood_control_says_when_to_come_back() {
    let flood = FloodLimits { per_chat_burst: 3.0, ..FloodLimits::default() };
    let sandbox = Sandbox::with(Options { flood, ..Options::default() }).await;
    sandbox.says(7, "hi").await;
    let body = json!({"chat_id": 7, "text": "x"});
    for _ in 0..3 {
        sandbox.bot("sendMessage", body.clone()).await;
    }
    let (status, answer) = sandbox.post(&format!("{BOT}/sendMessage"), body.clone()).await;
    assert_eq!((status, &answer["parameters"]["retry_after"]), (429, &json!(1)));
    assert_eq!(answer["description"], "Too Many Requests: retry after 1");
    sandbox.advance(1000).await;
    sandbox.bot("sendMessage", body).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn edits_change_what_is_there_and_nothing_else() {
    let sandbox = Sandbox::start().await;
    let theirs = sandbox.says(7, "hi").await["message_id"].clone();
    let mine = sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "one"})).await["message_id"].clone();
    let edit = |id: &Value, text: &str| json!({"chat_id": 7, "message_id": id, "text": text});
    let edited = sandbox.bot("editMessageText", edit(&mine, "two")).await;
    assert_eq!((&edited["text"], edited["edit_date"].is_i64()), (&json!("two"), true));
    let (code, why) = sandbox.refused("editMessageText", edit(&mine, "two")).await;
    assert_eq!((code, why.starts_with("Bad Request: message is not modified: ")), (400, true));
    let bad = |text: &str| (400, format!("Bad Request: {text}"));
    assert_eq!(sandbox.refused("editMessageText", edit(&theirs, "x")).await, bad("message can't be edited"));
    assert_eq!(
        sandbox.refused("editMessageText", edit(&json!(99), "x")).await,
        bad("message to edit not found")
    );
    let caption = json!({"chat_id": 7, "message_id": mine, "caption": "x"});
    assert_eq!(
        sandbox.refused("editMessageCaption", caption).await,
        bad("there is no caption in the message to edit")
    );
    let delete = json!({"chat_id": 7, "message_id": mine});
    assert_eq!(sandbox.bot("deleteMessage", delete.clone()).await, true);
    assert_eq!(sandbox.refused("deleteMessage", delete).await, bad("message to delete not found"));
    assert_eq!(sandbox.get("/people/7/chat").await["deleted"], json!([mine]));
    sandbox.stop().await;
}

#[tokio::test]
async fn photos_are_checked_kept_and_downloaded() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let bytes = picture(800, 600, ImageFormat::Jpeg);
    let send = |bytes: Vec<u8>| {
        let part = Part::bytes(bytes).file_name("a.jpg");
        upload(
            &sandbox,
            "sendPhoto",
            Form::new().text("chat_id", "7").text("photo", "attach://x").part("x", part),
        )
    };
    let (status, sent) = send(bytes.clone()).await;
    assert_eq!(status, 200, "{sent}");
    let sizes = sent["result"]["photo"].as_array().unwrap();
    assert_eq!((sizes.len(), &sizes[1]["width"], &sizes[0]["width"]), (2, &json!(800), &json!(320)));
    let id = sizes[1]["file_id"].clone();
    let file = sandbox.bot("getFile", json!({"file_id": id})).await;
    let path = format!("{}/telegram/file/bot42%3ATEST/{}", sandbox.base, file["file_path"].as_str().unwrap());
    assert_eq!(sandbox.http.get(path).send().await.unwrap().bytes().await.unwrap(), bytes);
    let again = sandbox.bot("sendPhoto", json!({"chat_id": 7, "photo": id})).await;
    assert_eq!(again["photo"][1]["file_id"], id);
    for (wrong, why) in [
        (b"not a picture".to_vec(), "IMAGE_PROCESS_FAILED"),
        (Vec::new(), "file must be non-empty"),
        (picture(2100, 100, ImageFormat::Png), "PHOTO_INVALID_DIMENSIONS"),
        (picture(9000, 1001, ImageFormat::Png), "PHOTO_INVALID_DIMENSIONS"),
    ] {
        let (status, answer) = send(wrong).await;
        assert_eq!(
            (status, answer["description"].as_str().unwrap()),
            (400, format!("Bad Request: {why}").as_str())
        );
    }
    let (_, why) = sandbox.refused("sendDocument", json!({"chat_id": 7, "document": id})).await;
    assert_eq!(why, "Bad Request: can't use file of type Photo as Document");
    assert_eq!(sandbox.refused("getFile", json!({"file_id": "x"})).await.0, 400);
    let long = json!({"chat_id": 7, "photo": id, "caption": "x".repeat(1025)});
    assert_eq!(sandbox.refused("sendPhoto", long).await.1, "Bad Request: message caption is too long");
    sandbox.stop().await;
}

#[tokio::test]
async fn albums_have_two_to_ten_pictures_and_no_keyboard() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let album = |count: usize| {
        let mut form = Form::new().text("chat_id", "7");
        let mut media = Vec::new();
        for at in 0..count {
            let name = format!("p{at}");
            let part = Part::bytes(picture(64, 64, ImageFormat::Png)).file_name("a.png");
            form = form.part(name.clone(), part);
            media.push(
                json!({"type": "photo", "media": format!("attach://{name}"), "caption": format!("{at}")}),
            );
        }
        form.text("media", Value::Array(media).to_string())
    };
    let (status, sent) = upload(&sandbox, "sendMediaGroup", album(3)).await;
    assert_eq!(status, 200, "{sent}");
    let sent = sent["result"].as_array().unwrap().clone();
    assert!(sent.len() == 3 && sent.iter().all(|m| m["media_group_id"] == sent[0]["media_group_id"]));
    assert_eq!(upload(&sandbox, "sendMediaGroup", album(1)).await.0, 400);
    assert_eq!(upload(&sandbox, "sendMediaGroup", album(11)).await.0, 400);
    assert_eq!(upload(&sandbox, "sendMediaGroup", album(2).text("reply_markup", "{}")).await.0, 400);
    let media = json!({"type": "photo", "media": sent[1]["photo"][0]["file_id"], "caption": "new"});
    let body = json!({"chat_id": 7, "message_id": sent[0]["message_id"], "media": media});
    assert_eq!(sandbox.bot("editMessageMedia", body).await["caption"], "new");
    sandbox.stop().await;
}

#[tokio::test]
async fn commands_actions_and_drafts_show_in_the_chat() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let list = |text: &str| json!([{"command": "start", "description": text}]);
    sandbox.bot("setMyCommands", json!({"commands": list("Begin")})).await;
    sandbox.bot("setMyCommands", json!({"commands": list("Начать"), "language_code": "ru"})).await;
    assert_eq!(sandbox.get("/people/7/chat").await["commands"], list("Begin"));
    sandbox.post("/people/7/messages", json!({"text": "привет", "language_code": "ru"})).await;
    assert_eq!(sandbox.get("/people/7/chat").await["commands"], list("Начать"));
    let bad = json!({"commands": [{"command": "Start", "description": "x"}]});
    assert_eq!(sandbox.refused("setMyCommands", bad).await.1, "Bad Request: BOT_COMMAND_INVALID");
    sandbox.bot("sendChatAction", json!({"chat_id": 7, "action": "upload_photo"})).await;
    sandbox.bot("sendMessageDraft", json!({"chat_id": 7, "draft_id": 1, "text": "so far"})).await;
    let chat = sandbox.get("/people/7/chat").await;
    assert_eq!((&chat["action"], &chat["draft"]["text"]), (&json!("upload_photo"), &json!("so far")));
    sandbox.advance(31_000).await;
    let chat = sandbox.get("/people/7/chat").await;
    assert_eq!((&chat["action"], &chat["draft"]), (&Value::Null, &Value::Null));
    assert_eq!(sandbox.refused("sendChatAction", json!({"chat_id": 7, "action": "dance"})).await.0, 400);
    assert_eq!(
        sandbox.refused("sendMessageDraft", json!({"chat_id": 7, "draft_id": 0, "text": "x"})).await.0,
        400
    );
    sandbox.stop().await;
}
