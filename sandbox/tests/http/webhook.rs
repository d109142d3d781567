//! How updates reach the bot: polling, the webhook, its retries and its order.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::support::{BOT, Receiver, Sandbox, calm};

#[tokio::test]
async fn polling_confirms_by_offset_and_excludes_the_webhook() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "one").await;
    sandbox.says(7, "two").await;
    let updates = sandbox.bot("getUpdates", json!({})).await;
    assert_eq!(updates.as_array().unwrap().len(), 2);
    let first = updates[0]["update_id"].as_i64().unwrap();
    let rest = sandbox.bot("getUpdates", json!({"offset": first + 1})).await;
    assert_eq!(rest[0]["message"]["text"], "two");
    let poll = sandbox.bot("getUpdates", json!({"offset": first + 2, "timeout": 20}));
    let (waited, _) = tokio::join!(poll, async {
        sandbox.until("/arrivals?call=getUpdates", |a| a["arrivals"].as_array().unwrap().len() == 3).await;
        sandbox.says(7, "three").await
    });
    assert_eq!(waited[0]["message"]["text"], "three");
    sandbox.bot("setWebhook", json!({"url": "https://bot.example.org/hook"})).await;
    assert_eq!(sandbox.refused("getUpdates", json!({})).await.0, 409);
    assert_eq!(sandbox.bot("getWebhookInfo", json!({})).await["url"], "https://bot.example.org/hook");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_second_poll_ends_the_first() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.post("/telegram/bot42:TEST/getUpdates", json!({"timeout": 30}));
    let (first, ()) = tokio::join!(first, async {
        sandbox.until("/arrivals?call=getUpdates", |a| a["arrivals"].as_array().unwrap().len() == 1).await;
        sandbox.bot("getUpdates", json!({})).await;
    });
    assert_eq!(first.0, 409);
    assert!(first.1["description"].as_str().unwrap().starts_with("Conflict: terminated by other getUpdates"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_webhook_is_checked() {
    let sandbox = Sandbox::start().await;
    for body in [
        json!({"url": "http://bot.example.org/"}),
        json!({"url": "nonsense"}),
        json!({"url": "https://bot.example.org/", "secret_token": "with space"}),
        json!({"url": "https://bot.example.org/", "secret_token": "x".repeat(257)}),
    ] {
        assert_eq!(sandbox.refused("setWebhook", body).await.0, 400);
    }
    let form = reqwest::multipart::Form::new()
        .text("url", "http://127.0.0.1:9/")
        .text("allowed_updates", "[\"message\"]");
    let sent =
        sandbox.http.post(format!("{}{BOT}/SetWebhook", sandbox.base)).multipart(form).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    assert_eq!(sandbox.bot("getWebhookInfo", json!({})).await["allowed_updates"], json!(["message"]));
    sandbox.stop().await;
}

#[tokio::test]
async fn updates_come_with_the_secret_in_order_and_again_until_2xx() {
    let sandbox = Sandbox::with(sandbox::Options { clock_speed: 200.0, ..calm() }).await;
    let receiver = Receiver::start(&[500, 503]).await;
    sandbox.bot("setWebhook", json!({"url": receiver.url, "secret_token": "s-1"})).await;
    for text in ["one", "two", "three"] {
        sandbox.says(7, text).await;
    }
    let received = receiver.wait(5).await;
    let texts: Vec<&Value> = received.iter().map(|one| &one.body["message"]["text"]).collect();
    assert_eq!(texts, ["one", "one", "one", "two", "three"]);
    assert!(received.iter().all(|one| one.headers["X-Telegram-Bot-Api-Secret-Token"] == "s-1"));
    let ids: Vec<i64> = received.iter().map(|one| one.body["update_id"].as_i64().unwrap()).collect();
    assert!(ids.is_sorted() && ids[0] == ids[2] && ids[3] < ids[4]);
    sandbox.until("/books", |books| books["telegram"]["pending_updates"] == 0).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn one_chats_trouble_does_not_hold_up_another() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(&[500]).await;
    sandbox.bot("setWebhook", json!({"url": receiver.url})).await;
    sandbox.says(7, "stuck").await;
    receiver.wait(1).await;
    sandbox.says(8, "free").await;
    assert_eq!(receiver.wait(2).await[1].body["message"]["text"], "free");
    sandbox.advance(1000).await;
    assert_eq!(receiver.wait(3).await[2].body["message"]["text"], "stuck");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_bot_that_was_away_gets_what_it_missed() {
    let sandbox = Sandbox::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let address = listener.local_addr().unwrap();
    drop(listener);
    sandbox.bot("setWebhook", json!({"url": url})).await;
    sandbox.says(7, "hello?").await;
    sandbox
        .until(&format!("{BOT}/getWebhookInfo"), |info| !info["result"]["last_error_message"].is_null())
        .await;
    let receiver = Receiver::on(TcpListener::bind(address).await.unwrap(), &[]);
    sandbox.advance(60_000).await;
    assert_eq!(receiver.wait(1).await[0].body["message"]["text"], "hello?");
    sandbox.stop().await;
}

#[tokio::test]
async fn queries_are_kept_for_150_seconds_and_messages_for_a_day() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let markup = json!({"inline_keyboard": [[{"text": "go", "callback_data": "a"}]]});
    let message =
        sandbox.bot("sendMessage", json!({"chat_id": 7, "text": "x", "reply_markup": markup})).await;
    sandbox.post("/people/7/taps", json!({"message_id": message["message_id"], "data": "a"})).await;
    let pending = async || sandbox.bot("getUpdates", json!({})).await.as_array().unwrap().len();
    assert_eq!(pending().await, 2);
    sandbox.advance(151_000).await;
    assert_eq!(pending().await, 1);
    sandbox.advance(86_400_000).await;
    assert_eq!(pending().await, 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn only_allowed_updates_come() {
    let sandbox = Sandbox::start().await;
    sandbox.bot("getUpdates", json!({"allowed_updates": ["message"]})).await;
    sandbox.says(7, "hi").await;
    sandbox.post("/people/7/block", json!({})).await;
    assert_eq!(sandbox.bot("getUpdates", json!({})).await.as_array().unwrap().len(), 1);
    sandbox.bot("getUpdates", json!({"allowed_updates": ["message", "my_chat_member"]})).await;
    sandbox.post("/people/7/unblock", json!({})).await;
    let updates = sandbox.bot("getUpdates", json!({})).await;
    assert_eq!(updates[1]["my_chat_member"]["new_chat_member"]["status"], "member");
    sandbox.stop().await;
}
