//! Groups: what the bot hears of them, and how it gets in and out.

use serde_json::{Value, json};

use super::support::Sandbox;

const GROUP: i64 = -1_001_234_567_890;

fn texts(updates: &[Value]) -> Vec<&str> {
    updates.iter().filter_map(|update| update["message"]["text"].as_str()).collect()
}

#[tokio::test]
async fn the_bot_is_told_of_coming_in_and_writes_there() {
    let sandbox = Sandbox::start().await;
    assert_eq!(
        sandbox.refused("sendMessage", json!({"chat_id": GROUP, "text": "x"})).await.1,
        "Bad Request: chat not found"
    );
    let said = json!({"text": "hello all", "chat": GROUP, "chat_title": "Friends"});
    let said = sandbox.does(7, "messages", said).await;
    assert_eq!(said["chat"], json!({"id": GROUP, "title": "Friends", "type": "supergroup"}));
    let updates = sandbox.updates().await;
    assert_eq!(updates[0]["my_chat_member"]["new_chat_member"]["status"], "member");
    assert_eq!(updates[1]["message"]["new_chat_members"][0]["is_bot"], true);
    assert_eq!(updates[2]["message"], said);
    let rows = json!({"inline_keyboard": [[{"text": "go", "callback_data": "a"}]]});
    let sent = json!({"chat_id": GROUP, "text": "hi", "reply_markup": rows,
        "reply_parameters": {"message_id": said["message_id"]}});
    let sent = sandbox.bot("sendMessage", sent).await;
    assert_eq!(sent["reply_to_message"]["text"], "hello all");
    let tap = json!({"message_id": sent["message_id"], "data": "a", "chat": GROUP});
    let query = sandbox.does(8, "taps", tap).await;
    assert_eq!((&query["from"]["id"], &query["message"]["chat"]["id"]), (&json!(8), &json!(GROUP)));
    let theirs = json!({"chat_id": GROUP, "message_id": said["message_id"]});
    assert_eq!(sandbox.refused("deleteMessage", theirs).await.1, "Bad Request: message can't be deleted");
    let (_, why) = sandbox.refused("sendMessage", json!({"chat_id": 7, "text": "x"})).await;
    assert_eq!(why, "Forbidden: bot can't initiate conversation with a user", "a group is no private chat");
    let transcript = sandbox.get(&format!("/groups/{GROUP}/chat")).await;
    assert_eq!(transcript["messages"].as_array().unwrap().len(), 3);
    assert_eq!(sandbox.bot("getChat", json!({"chat_id": GROUP})).await["title"], "Friends");
    sandbox.stop().await;
}

#[tokio::test]
async fn who_throws_the_bot_out_is_heard_no_more() {
    let sandbox = Sandbox::start().await;
    sandbox.does(7, "messages", json!({"text": "one", "chat": -5})).await;
    let (status, group) = sandbox.put("/groups/-5", json!({"by": 7, "bot": "kicked"})).await;
    assert_eq!((status, &group["bot"]), (200, &json!("kicked")));
    let (code, why) = sandbox.refused("sendMessage", json!({"chat_id": -5, "text": "x"})).await;
    assert_eq!((code, why.as_str()), (403, "Forbidden: bot was kicked from the group chat"));
    sandbox.does(7, "messages", json!({"text": "two", "chat": -5})).await;
    let updates = sandbox.updates().await;
    assert_eq!(texts(&updates), ["one"]);
    assert_eq!(updates.last().unwrap()["my_chat_member"]["new_chat_member"]["status"], "kicked");
    sandbox.put("/groups/-5", json!({"by": 7})).await;
    sandbox.bot("sendMessage", json!({"chat_id": -5, "text": "back"})).await;
    assert_eq!(sandbox.bot("leaveChat", json!({"chat_id": -5})).await, true);
    assert_eq!(sandbox.refused("sendMessage", json!({"chat_id": -5, "text": "x"})).await.0, 403);
    assert_eq!(sandbox.put("/groups/5", json!({"by": 7})).await.0, 400);
    sandbox.stop().await;
}

#[tokio::test]
async fn in_privacy_mode_the_bot_hears_what_is_meant_for_it() {
    let sandbox = Sandbox::start().await;
    let says = |text: &str| sandbox.does(7, "messages", json!({"text": text, "chat": -5}));
    says("not in privacy mode").await;
    assert_eq!(sandbox.bot("getMe", json!({})).await["can_read_all_group_messages"], true);
    sandbox.put("/settings", json!({"group_privacy": true})).await;
    assert_eq!(sandbox.bot("getMe", json!({})).await["can_read_all_group_messages"], false);
    says("among ourselves").await;
    says("/help").await;
    says("/help@another_bot").await;
    says("/help@Plantain_Sandbox_Bot").await;
    says("draw a cat, @plantain_sandbox_bot!").await;
    let mine = sandbox.bot("sendMessage", json!({"chat_id": -5, "text": "which cat?"})).await;
    says("/topup").await;
    let reply = json!({"text": "a ginger one", "chat": -5, "reply_to": mine["message_id"]});
    sandbox.does(7, "messages", reply).await;
    assert_eq!(
        texts(&sandbox.updates().await),
        [
            "not in privacy mode",
            "/help@Plantain_Sandbox_Bot",
            "draw a cat, @plantain_sandbox_bot!",
            "/topup",
            "a ginger one"
        ]
    );
    sandbox.stop().await;
}
