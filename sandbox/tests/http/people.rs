//! What people do: writing, pictures, taps, blocking; what they see.

use futures_util::StreamExt;
use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::support::{DEADLINE, Sandbox, picture};

#[tokio::test]
async fn a_person_writes_and_the_bot_hears_it() {
    let sandbox = Sandbox::start().await;
    let (_, message) = sandbox
        .post(
            "/people/7/messages",
            json!({"text": " /start ref_1 ", "language_code": "ru", "first_name": "Аня"}),
        )
        .await;
    assert_eq!(message["text"], "/start ref_1");
    assert_eq!(message["entities"], json!([{"type": "bot_command", "offset": 0, "length": 6}]));
    assert_eq!(
        (&message["from"]["language_code"], &message["from"]["first_name"]),
        (&json!("ru"), &json!("Аня"))
    );
    let updates = sandbox.bot("getUpdates", json!({})).await;
    assert_eq!(updates[0]["message"], message);
    for bad in [json!({"text": ""}), json!({"text": "x".repeat(4097)}), json!({"txt": "x"}), json!({})] {
        assert_eq!(sandbox.post("/people/7/messages", bad).await.0, 400);
    }
    assert_eq!(sandbox.post("/people/-7/messages", json!({"text": "x"})).await.0, 400);
    sandbox.stop().await;
}

#[tokio::test]
async fn pictures_and_albums_come_with_one_caption() {
    let sandbox = Sandbox::start().await;
    let send = async |count: usize| -> Value {
        let mut form = Form::new().text("caption", "make one of them");
        for _ in 0..count {
            form = form.part("photo", Part::bytes(picture(640, 480, ImageFormat::Png)).file_name("a.png"));
        }
        let url = format!("{}/people/7/messages", sandbox.base);
        sandbox.http.post(url).multipart(form).send().await.unwrap().json().await.unwrap()
    };
    let one = send(1).await;
    assert_eq!((&one["caption"], one["photo"].as_array().unwrap().len()), (&json!("make one of them"), 2));
    assert!(one.get("media_group_id").is_none());
    let album = send(3).await;
    let album = album.as_array().unwrap();
    assert_eq!(album.iter().filter(|message| message.get("caption").is_some()).count(), 1);
    assert!(album.iter().all(|message| message["media_group_id"] == album[0]["media_group_id"]));
    assert_eq!(sandbox.bot("getUpdates", json!({})).await.as_array().unwrap().len(), 4);
    let id = one["photo"][1]["file_id"].as_str().unwrap();
    let file = sandbox.http.get(format!("{}/files/{id}", sandbox.base)).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "image/png");
    assert_eq!(file.bytes().await.unwrap(), picture(640, 480, ImageFormat::Png));
    let form = Form::new().part("photo", Part::bytes(b"<html>".to_vec()).file_name("a.png"));
    let wrong = sandbox
        .http
        .post(format!("{}/people/7/messages", sandbox.base))
        .multipart(form)
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 400);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_tap_is_answered_once_and_in_time() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let markup = json!({"inline_keyboard": [[{"text": "go", "callback_data": "a:1"}]]});
    let message =
        sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "x", "reply_markup": markup})).await;
    let tap = |data: &str| json!({"message_id": message["message_id"], "data": data});
    assert_eq!(sandbox.post("/people/7/taps", tap("a:2")).await.0, 400);
    let mut forced = tap("a:2");
    forced["force"] = json!(true);
    assert_eq!(sandbox.post("/people/7/taps", forced).await.0, 200);
    let (_, query) = sandbox.post("/people/7/taps", tap("a:1")).await;
    let updates = sandbox.bot("getUpdates", json!({})).await;
    assert_eq!(updates[2]["callback_query"], query);
    let answer = json!({"callback_query_id": query["id"], "text": "done"});
    let too_long = json!({"callback_query_id": query["id"], "text": "x".repeat(201)});
    assert_eq!(sandbox.refused("answerCallbackQuery", too_long).await.1, "Bad Request: MESSAGE_TOO_LONG");
    sandbox.bot("answerCallbackQuery", answer.clone()).await;
    assert_eq!(sandbox.get("/people/7/chat").await["callback_answers"][0]["text"], "done");
    assert_eq!(sandbox.refused("answerCallbackQuery", answer).await.0, 400);
    let (_, late) = sandbox.post("/people/7/taps", tap("a:1")).await;
    sandbox.advance(31_000).await;
    let (_, why) = sandbox.refused("answerCallbackQuery", json!({"callback_query_id": late["id"]})).await;
    assert_eq!(why, "Bad Request: query is too old and response timeout expired or query ID is invalid");
    sandbox.stop().await;
}

#[tokio::test]
async fn who_blocks_the_bot_is_not_reached() {
    let sandbox = Sandbox::start().await;
    sandbox
        .http
        .put(format!("{}/people/9", sandbox.base))
        .json(&json!({"first_name": "N"}))
        .send()
        .await
        .unwrap();
    let send = |user: i64| sandbox.refused("sendMessage", json!({"chat_id": user, "text": "x"}));
    assert_eq!(send(9).await, (403, "Forbidden: bot can't initiate conversation with a user".to_owned()));
    sandbox.says(7, "hi").await;
    sandbox.post("/people/7/block", json!({})).await;
    assert_eq!(send(7).await, (403, "Forbidden: bot was blocked by the user".to_owned()));
    assert_eq!(sandbox.post("/people/7/messages", json!({"text": "x"})).await.0, 409);
    sandbox.post("/people/7/unblock", json!({})).await;
    sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "x"})).await;
    let updates = sandbox.bot("getUpdates", json!({})).await;
    let status = |at: usize| &updates[at]["my_chat_member"]["new_chat_member"]["status"];
    assert_eq!((status(1), status(2)), (&json!("kicked"), &json!("member")));
    sandbox.post("/people/7/deactivate", json!({})).await;
    assert_eq!(send(7).await, (403, "Forbidden: user is deactivated".to_owned()));
    sandbox.stop().await;
}

#[tokio::test]
async fn changes_are_streamed_to_the_page() {
    let sandbox = Sandbox::start().await;
    let answer = sandbox.http.get(format!("{}/people/7/events", sandbox.base)).send().await.unwrap();
    let mut chunks = answer.bytes_stream();
    let mut seen = String::new();
    let mut until = async |wanted: &str| {
        while !seen.contains(wanted) {
            let chunk = tokio::time::timeout(DEADLINE, chunks.next()).await.unwrap().unwrap().unwrap();
            seen.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    until("event: hello").await;
    sandbox.says(8, "not for seven").await;
    sandbox.says(7, "hi").await;
    let message = sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "x"})).await;
    let id = message["message_id"].clone();
    sandbox.bot("editMessageText", json!({"chat_id": 7, "message_id": id, "text": "y"})).await;
    sandbox.bot("deleteMessage", json!({"chat_id": 7, "message_id": id})).await;
    until("event: deleted").await;
    assert!(
        seen.contains("event: message") && seen.contains("event: edited") && !seen.contains("not for seven")
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn the_pages_say_what_they_are() {
    let sandbox = Sandbox::start().await;
    for path in ["/", "/chat"] {
        let page =
            sandbox.http.get(format!("{}{path}", sandbox.base)).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("SANDBOX"));
        for file in ["style.css", "chat.css", "bubbles.css", "theme.js", "chat.js"] {
            assert!(page.contains(file));
        }
    }
    // Every file that a file of the pages names is there.
    let mut names = vec!["style.css", "chat.css", "bubbles.css", "theme.js", "chat.js"]
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let mut at = 0;
    while at < names.len() {
        let file = names[at].clone();
        let asset = sandbox.http.get(format!("{}/pages/{file}", sandbox.base)).send().await.unwrap();
        assert_eq!(asset.status(), 200, "{file}");
        let text = asset.text().await.unwrap();
        for import in text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
            if !names.iter().any(|name| name == import) {
                names.push(import.to_owned());
            }
        }
        at += 1;
    }
    assert_eq!(names.len(), 13, "{names:?}");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_strangers_page_may_not_write() {
    let sandbox = Sandbox::start().await;
    let write = async |origin: &str| {
        let request =
            sandbox.http.post(format!("{}/people/7/messages", sandbox.base)).header("origin", origin);
        request.body(r#"{"text":"hi"}"#).send().await.unwrap().status().as_u16()
    };
    assert_eq!(write("https://example.org").await, 403);
    assert_eq!(write("null").await, 403);
    assert_eq!(write(&sandbox.base).await, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_question_that_wants_a_reply_is_open_until_the_person_writes() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "/generate").await;
    let markup = json!({"force_reply": true, "input_field_placeholder": "a cat"});
    let question =
        sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "What?", "reply_markup": markup})).await;
    assert!(question.get("reply_markup").is_none(), "the Message shows inline keyboards only");
    let wanted = sandbox.get("/people/7/chat").await["force_reply"].clone();
    assert_eq!(
        (&wanted["message_id"], &wanted["input_field_placeholder"]),
        (&question["message_id"], &json!("a cat"))
    );
    let reply = json!({"text": "a ginger cat", "reply_to": question["message_id"]});
    let (_, reply) = sandbox.post("/people/7/messages", reply).await;
    assert_eq!(reply["reply_to_message"]["text"], "What?");
    assert_eq!(sandbox.get("/people/7/chat").await["force_reply"], Value::Null);
    sandbox.stop().await;
}
