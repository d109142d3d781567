//! Whatever the bot sends is the Bot API's, by an independent model of it; and so is what the sandbox tells the
//! bot. A flow that the bot learns belongs in [`flows`].

use e2e::Stage;
use e2e::botapi::{controls, judge_update};
use e2e::people::{Person, buttons, said};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// All that a person does with the bot today, in one language.
fn flows(stage: &Stage, person: Person) {
    stage.arrive_with_credits(person);
    for command in
        ["/help", "/balance", "/menu", "/terms", "/privacy", "/support", "/paysupport", "/nonsense"]
    {
        let asked = stage.write(person, command);
        stage.wait_for(person, command, |m| m["message_id"].as_i64() > Some(asked));
    }
    // A button of the menu, and one that is of no menu any more.
    let menu = stage.wait_for(person, "a menu", |m| buttons(m).iter().any(|(_, data)| !data.is_empty()));
    let data = buttons(&menu).into_iter().find(|(_, data)| !data.is_empty()).unwrap().1;
    stage.tap(person, &menu, &data);
    let forged = json!({"message_id": menu["message_id"], "data": "no:such:button", "force": true});
    assert_eq!(stage.post(&format!("/people/{}/taps", person.0), &forged).0, 200);
    stage.write(person, "/prompt a heron in the reeds");
    stage.wait_for_picture(person);
    stage.fault("gemini", "generateContent", json!("prompt_blocked"), 20);
    stage.write(person, "/prompt what may not be painted");
    stage.wait_for(person, "the refusal", |m| said(m, "10") && !said(m, "heron"));
    stage.until("the failure to be recorded", || {
        (stage.count_of(person, "GenerationFailed") == 1).then_some(())
    });
    stage.heal();
    // What no text is, and a text with an entity of the future.
    for body in [json!({"kind": "sticker"}), json!({"kind": "voice"}), json!({"kind": "unknown"})] {
        assert_eq!(stage.post(&format!("/people/{}/messages", person.0), &body).0, 200);
    }
    let asked = stage.write(person, "/help");
    stage.wait_for(person, "help after all that", |m| m["message_id"].as_i64() > Some(asked));
}

#[test]
fn what_the_bot_sends_is_the_bot_apis() {
    let stage = Stage::whole().unwrap();
    flows(&stage, Person(7301));
    let judgement = stage.judge_bot_requests();
    for method in ["getMe", "setWebhook", "setMyCommands", "sendMessage", "sendPhoto", "answerCallbackQuery"]
    {
        assert!(judgement.counts.contains_key(method), "{method} was never sent:\n{judgement}");
    }
    let arrivals = stage.get("/arrivals?vendor=telegram");
    let arrivals: Vec<e2e::botapi::Arrival> = serde_json::from_value(arrivals["arrivals"].clone()).unwrap();
    let planted = controls::plant(&arrivals);
    let made: usize = planted.values().map(|planted| planted.made).sum();
    println!("{made} mistakes planted into {} methods", planted.len());
    for (method, planted) in planted {
        assert!(planted.made > 0 && planted.missed.is_empty(), "{method}: {planted:?}");
    }
}

/// One of each that people can do, as the bot is told of it.
#[tokio::test]
async fn what_the_sandbox_tells_is_the_bot_apis() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let served = tokio::spawn(sandbox::serve(listener, sandbox::Options::default(), stop.clone()));
    let http = reqwest::Client::new();
    let post = async |path: &str, body: Value| -> Value {
        let answer = http.post(format!("{base}{path}")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path} {body}");
        answer.json().await.unwrap()
    };
    let bot = async |method: &str, body: Value| post(&format!("/telegram/bot42:TEST/{method}"), body).await;
    let said = post("/people/7/messages", json!({"text": "/start now", "first_name": "Ada"})).await;
    // The last is of no kind that there is.
    for kind in sandbox::KINDS.into_iter().filter(|kind| *kind != "unknown") {
        post("/people/7/messages", json!({"kind": kind})).await;
    }
    post("/people/7/edits", json!({"message_id": said["message_id"], "text": "/start then"})).await;
    post("/people/7/messages", json!({"text": "again", "reply_to": said["message_id"]})).await;
    post("/people/7/messages", json!({"text": "hello, @plantain_sandbox_bot", "chat": -5})).await;
    let rows = json!({"inline_keyboard": [[{"text": "go", "callback_data": "a"}]]});
    let sent = bot(
        "sendMessage",
        json!({"chat_id": 7, "text": "<b>x</b>", "parse_mode": "HTML",
        "reply_markup": rows}),
    )
    .await;
    let sent = &sent["result"]["message_id"];
    post("/people/7/taps", json!({"message_id": sent, "data": "a"})).await;
    let told =
        bot("forwardMessage", json!({"chat_id": 7, "from_chat_id": 7, "message_id": said["message_id"]}))
            .await;
    let told = &told["result"]["message_id"];
    post("/people/7/messages", json!({"text": "to the forward", "reply_to": told})).await;
    bot("deleteMessage", json!({"chat_id": 7, "message_id": sent})).await;
    post("/people/7/taps", json!({"message_id": sent, "data": "a", "again": true})).await;
    post("/people/7/block", json!({})).await;
    let updates = bot("getUpdates", json!({})).await["result"].as_array().unwrap().clone();
    for update in &updates {
        assert_eq!(judge_update(update), Vec::<String>::new(), "{update:#}");
    }
    println!("{} updates judged", updates.len());
    assert_eq!(updates.len(), 20);
    stop.cancel();
    served.await.unwrap().unwrap();
}
