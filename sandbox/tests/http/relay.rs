//! What is sent again: forwards with their origin, copies without, commands by scope, drafts, polls that end.

use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use sandbox::{FloodLimits, Options};
use serde_json::{Value, json};

use super::support::{BOT, Sandbox, picture};

async fn shows(sandbox: &Sandbox, user: i64, caption: &str) -> Value {
    let part = Part::bytes(picture(640, 480, ImageFormat::Png)).file_name("a.png");
    let form = Form::new().text("caption", caption.to_owned()).part("photo", part);
    let url = format!("{}/people/{user}/messages", sandbox.base);
    sandbox.http.post(url).multipart(form).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_forward_names_who_wrote_first_unless_they_hide_it() {
    let sandbox = Sandbox::start().await;
    sandbox.says(1, "I answer support").await;
    let (_, said) = sandbox.post("/people/7/messages", json!({"text": "help me", "first_name": "Аня"})).await;
    let forward = |id: &Value, from: i64, to: i64| {
        sandbox.bot("forwardMessage", json!({"chat_id": to, "from_chat_id": from, "message_id": id}))
    };
    let told = forward(&said["message_id"], 7, 1).await;
    assert_eq!((&told["text"], &told["from"]["is_bot"]), (&json!("help me"), &json!(true)));
    assert_eq!(
        told["forward_origin"],
        json!({"type": "user", "sender_user": said["from"], "date": said["date"]})
    );
    let further = forward(&told["message_id"], 1, 7).await;
    assert_eq!(further["forward_origin"], told["forward_origin"], "the first one stays");
    let (code, why) = sandbox
        .refused("editMessageText", json!({"chat_id": 1, "message_id": told["message_id"], "text": "x"}))
        .await;
    assert_eq!((code, why.as_str()), (400, "Bad Request: message can't be edited"));
    let reply = json!({"text": "we do", "reply_to": told["message_id"]});
    let reply = sandbox.does(1, "messages", reply).await;
    assert_eq!(reply["reply_to_message"]["forward_origin"], told["forward_origin"]);
    sandbox.put("/people/7", json!({"private_forwards": true, "last_name": "Ким"})).await;
    let hidden = forward(&said["message_id"], 7, 1).await;
    assert_eq!(
        hidden["forward_origin"],
        json!({"type": "hidden_user", "sender_user_name": "Аня Ким", "date": said["date"]})
    );
    let photo = shows(&sandbox, 7, "this one").await;
    let told = forward(&photo["message_id"], 7, 1).await;
    assert_eq!((&told["photo"], &told["caption"]), (&photo["photo"], &json!("this one")));
    sandbox.stop().await;
}

#[tokio::test]
async fn what_can_not_be_sent_again_is_refused_in_telegrams_words() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let secret = json!({"chat_id": 7, "text": "secret", "protect_content": true});
    let secret = sandbox.bot("sendMessage", secret).await;
    assert_eq!(secret["has_protected_content"], true);
    for (method, verb, deed) in
        [("forwardMessage", "forward", "forwarded"), ("copyMessage", "copy", "copied")]
    {
        let of = |from: Value, id: Value| json!({"chat_id": 7, "from_chat_id": from, "message_id": id});
        let bad = |why: String| (400, format!("Bad Request: {why}"));
        assert_eq!(
            sandbox.refused(method, of(json!(7), json!(999))).await,
            bad(format!("message to {verb} not found"))
        );
        assert_eq!(sandbox.refused(method, of(json!(8), json!(1))).await, bad("chat not found".to_owned()));
        assert_eq!(
            sandbox.refused(method, of(json!(7), secret["message_id"].clone())).await,
            bad(format!("message can't be {deed}"))
        );
        assert_eq!(sandbox.refused(method, json!({"chat_id": 7, "message_id": 1})).await.0, 400);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_copy_may_have_another_caption_and_keyboard() {
    let sandbox = Sandbox::start().await;
    sandbox.says(8, "hi").await;
    let photo = shows(&sandbox, 7, "/broadcast").await;
    let copy = async |more: Value| -> Value {
        let mut body = json!({"chat_id": 8, "from_chat_id": 7, "message_id": photo["message_id"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let id = sandbox.bot("copyMessage", body).await;
        assert_eq!(id.as_object().unwrap().len(), 1, "only the id is told: {id}");
        let chat = sandbox.get("/people/8/chat").await;
        let found = chat["messages"].as_array().unwrap().iter().find(|m| m["message_id"] == id["message_id"]);
        found.unwrap().clone()
    };
    let same = copy(json!({})).await;
    assert_eq!((&same["caption"], &same["photo"]), (&json!("/broadcast"), &photo["photo"]));
    assert!(same.get("forward_origin").is_none() && same.get("caption_entities").is_some());
    let markup = json!({"inline_keyboard": [[{"text": "go", "url": "https://example.org/"}]]});
    let more = json!({"caption": "<b>News</b>", "parse_mode": "HTML", "reply_markup": markup});
    let new = copy(more).await;
    assert_eq!(new["caption"], "News");
    assert_eq!(new["caption_entities"], json!([{"type": "bold", "offset": 0, "length": 4}]));
    assert_eq!(new["reply_markup"], markup);
    assert!(copy(json!({"caption": ""})).await.get("caption").is_none(), "an empty caption takes it away");
    let long = json!({"chat_id": 8, "from_chat_id": 7, "message_id": photo["message_id"],
        "caption": "x".repeat(1025)});
    assert_eq!(sandbox.refused("copyMessage", long).await.1, "Bad Request: message caption is too long");
    sandbox.post("/people/8/block", json!({})).await;
    let blocked = json!({"chat_id": 8, "from_chat_id": 7, "message_id": photo["message_id"]});
    assert_eq!(sandbox.refused("copyMessage", blocked).await.0, 403);
    sandbox.stop().await;
}

#[tokio::test]
async fn commands_are_kept_by_scope_and_language() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    sandbox.says(1, "I am the administrator").await;
    let list = |text: &str| json!([{"command": "start", "description": text}]);
    let set = |mut body: Value, text: &str| {
        body["commands"] = list(text);
        sandbox.bot("setMyCommands", body)
    };
    set(json!({}), "all").await;
    set(json!({"language_code": "ru"}), "все").await;
    set(json!({"scope": {"type": "chat", "chat_id": 1}}), "mine").await;
    let got = |body: Value| sandbox.bot("getMyCommands", body);
    assert_eq!(got(json!({})).await, list("all"));
    assert_eq!(got(json!({"language_code": "ru"})).await, list("все"));
    assert_eq!(got(json!({"language_code": "de"})).await, json!([]));
    assert_eq!(got(json!({"scope": {"type": "chat", "chat_id": "1"}})).await, list("mine"));
    assert_eq!(sandbox.get("/people/1/chat").await["commands"], list("mine"));
    assert_eq!(sandbox.get("/people/7/chat").await["commands"], list("all"));
    let strange = json!({"commands": list("x"), "scope": {"type": "chat", "chat_id": 999}});
    assert_eq!(sandbox.refused("setMyCommands", strange).await.1, "Bad Request: chat not found");
    sandbox.bot("deleteMyCommands", json!({"scope": {"type": "chat", "chat_id": 1}})).await;
    assert_eq!(sandbox.get("/people/1/chat").await["commands"], list("all"));
    sandbox.bot("setMyCommands", json!({"commands": []})).await;
    assert_eq!(got(json!({})).await, json!([]));
    assert_eq!(sandbox.refused("setMyCommands", json!({})).await.0, 400);
    sandbox.stop().await;
}

#[tokio::test]
async fn drafts_are_for_private_chats_and_edits_and_drafts_are_counted() {
    let flood = FloodLimits { per_chat_burst: 2.0, drafts_burst: 2.0, ..FloodLimits::default() };
    let sandbox = Sandbox::with(Options { flood, ..Options::default() }).await;
    sandbox.does(7, "messages", json!({"text": "hi"})).await;
    sandbox.does(7, "messages", json!({"text": "hi", "chat": -5})).await;
    let draft = |chat: i64, text: &str| json!({"chat_id": chat, "draft_id": 1, "text": text});
    assert_eq!(sandbox.refused("sendMessageDraft", draft(-5, "x")).await.0, 400);
    assert_eq!(sandbox.bot("sendMessageDraft", draft(7, "")).await, true);
    assert_eq!(sandbox.get("/people/7/chat").await["draft"], json!({"draft_id": 1, "text": ""}));
    sandbox.bot("sendMessageDraft", draft(7, "half")).await;
    let (status, answer) = sandbox.post(&format!("{BOT}/sendMessageDraft"), draft(7, "more")).await;
    assert_eq!((status, &answer["parameters"]["retry_after"]), (429, &json!(1)));
    let sent = sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "whole"})).await;
    assert_eq!(sandbox.get("/people/7/chat").await["draft"], Value::Null, "the message takes its place");
    let edit = |text: &str| json!({"chat_id": 7, "message_id": sent["message_id"], "text": text});
    sandbox.bot("editMessageText", edit("1")).await;
    assert_eq!(sandbox.refused("editMessageText", edit("2")).await.0, 429);
    sandbox.put("/settings", json!({"flood": {"off": true}})).await;
    for text in 2..20 {
        sandbox.bot("editMessageText", edit(&text.to_string())).await;
    }
    let settings = sandbox.get("/settings").await;
    assert_eq!(settings["flood"]["per_chat_burst"], 2.0, "what was not named stays");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_webhook_ends_a_poll_that_waits() {
    let sandbox = Sandbox::start().await;
    let poll = sandbox.post("/telegram/bot42:TEST/getUpdates", json!({"timeout": 30}));
    let (poll, ()) = tokio::join!(poll, async {
        sandbox.until("/arrivals?call=getUpdates", |a| a["arrivals"].as_array().unwrap().len() == 1).await;
        sandbox.bot("setWebhook", json!({"url": "https://bot.example.org/hook"})).await;
    });
    assert_eq!((poll.0, &poll.1["description"]), (409, &json!("Conflict: terminated by setWebhook request")));
    let info = sandbox.bot("getWebhookInfo", json!({})).await;
    assert_eq!((&info["max_connections"], &info["pending_update_count"]), (&json!(40), &json!(0)));
    sandbox.stop().await;
}
