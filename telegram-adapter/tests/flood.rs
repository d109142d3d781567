//! Flood control: what Telegram says is obeyed, by who hears it and by the other instances, over a real nats-server.

#[allow(dead_code)]
mod desk;

use std::time::{Duration, Instant};

use async_nats::Client;
use desk::{Sandbox, until};
use serde_json::json;
use service::nats::NatsConfig;
use telegram_adapter::outbound::{Action, Error, FileKind, Markup, Picture, Telegram};
use telegram_adapter::texts::Html;
use tokio_util::sync::CancellationToken;
use xtask::machine::{Nats, paths};

const USER: i64 = 77;
const OTHER: i64 = 78;

async fn chats(users: &[i64]) -> (Sandbox, Telegram) {
    let sandbox = Sandbox::start().await;
    for user in users {
        sandbox.says(*user, "/start").await;
    }
    let telegram = sandbox.telegram();
    (sandbox, telegram)
}

async fn send(telegram: &Telegram, chat: i64) -> Result<i64, Error> {
    telegram.send(chat, &Html::escaped("hello"), &Markup::None, None).await.map(|sent| sent.message)
}

fn limit(seconds: u64) -> serde_json::Value {
    json!({"status": 429, "retry_after": seconds})
}

fn is_flood<T: std::fmt::Debug>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Flood(_)))
}

#[tokio::test]
async fn a_limited_chat_gets_nothing_until_its_time_and_another_goes_on() {
    let (sandbox, telegram) = chats(&[USER, OTHER]).await;
    let message = send(&telegram, USER).await.unwrap();
    sandbox.fault("sendMessage", limit(300)).await;
    assert_eq!(send(&telegram, USER).await, Err(Error::Flood(Duration::from_secs(300))));
    // The eye does not wait, and whoever has no patience does not either; Telegram hears of neither.
    let calls = async || {
        let names = ["sendMessage", "sendChatAction", "sendMessageDraft", "editMessageText"];
        futures_util::future::join_all(names.map(|name| sandbox.calls(name))).await
    };
    let (before, text) = (calls().await, Html::escaped("…"));
    assert!(is_flood(&telegram.repaint(USER, message, &text, &Markup::None).await));
    assert!(is_flood(&telegram.draft(USER, 7, &text).await));
    assert!(is_flood(&telegram.send_action(USER, Action::Typing).await));
    assert!(is_flood(&send(&telegram.patient(Duration::ZERO), USER).await));
    assert!(is_flood(&telegram.edit(USER, message, &text, &Markup::None).await));
    assert!(is_flood(&telegram.delete(USER, message).await));
    assert_eq!(calls().await, before);
    telegram.answer_tap("1", None).await.unwrap();
    assert_eq!(sandbox.calls("answerCallbackQuery").await, 1);

    // Another chat goes on, and waits for a pause that is short.
    sandbox.fault("sendMessage", limit(1)).await;
    let began = Instant::now();
    send(&telegram, OTHER).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_limit_of_several_chats_is_one_of_the_bot() {
    let (sandbox, telegram) = chats(&[1, 2, 3, OTHER]).await;
    sandbox
        .post(
            "/faults",
            json!({"vendor": "telegram", "call": "sendMessage", "fault": limit(300), "times": 3}),
        )
        .await;
    let limited = futures_util::future::join_all([1, 2, 3].map(|chat| send(&telegram, chat))).await;
    assert!(limited.iter().all(is_flood), "{limited:?}");
    assert!(is_flood(&send(&telegram, OTHER).await));
    assert_eq!(sandbox.calls("sendMessage").await, 3, "the fourth was not tried");
}

#[tokio::test]
async fn a_status_is_not_painted_more_often_than_it_is_looked_at() {
    let (sandbox, telegram) = chats(&[USER]).await;
    let message = send(&telegram, USER).await.unwrap();
    let paint =
        async |n: i32| telegram.repaint(USER, message, &Html::escaped(&n.to_string()), &Markup::None).await;
    paint(0).await.unwrap();
    for n in 1..5 {
        assert!(is_flood(&paint(n).await));
    }
    assert_eq!(sandbox.bot_messages(USER).await[0]["text"], "0");
    telegram.edit(USER, message, &Html::escaped("done"), &Markup::None).await.unwrap();
    assert_eq!(sandbox.bot_messages(USER).await[0]["text"], "done");
}

#[tokio::test]
async fn an_album_counts_as_its_pictures() {
    let (sandbox, _) = chats(&[USER]).await;
    let telegram = sandbox.telegram_at_its_rate();
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(64, 48).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let picture = Picture { bytes: bytes.into_inner().into(), file_name: "a.png", as_document: false };
    let file =
        telegram.picture(USER, &picture, None, &Markup::None, None).await.unwrap().file.unwrap().file_id;
    let files = vec![file; 10];
    let album = telegram.patient(Duration::from_secs(60));
    let sent = album.album_by_ids(USER, FileKind::Photo, &files, None, None).await.unwrap();
    assert_eq!(sent.len(), 10);
    let next = send(&telegram.patient(Duration::from_secs(3)), USER).await;
    assert!(is_flood(&next), "five at once, ten were taken");
}

async fn media(nats: &Nats) -> Client {
    let user = "media-telegram";
    let config = NatsConfig { url: nats.url(), seed_file: nats.seed_file(user) };
    service::nats::connect(&config, user).await.unwrap()
}

#[tokio::test]
async fn what_one_instance_learns_the_others_obey() {
    let start = || Nats::start_temporary(&paths::root().join("nats.conf"), &[]);
    let nats = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
    let (sandbox, one) = chats(&[USER, OTHER]).await;
    let another = sandbox.telegram();
    let shutdown = CancellationToken::new();
    let mut serving = Vec::new();
    for telegram in [&one, &another] {
        let (flood, client, shutdown) = (telegram.flood().clone(), media(&nats).await, shutdown.clone());
        serving.push(tokio::spawn(async move { flood.serve(client, shutdown).await }));
    }
    // Words that nobody understands and spans beyond all measure do no harm.
    let stranger = media(&nats).await;
    until("the others to listen", || async {
        for words in [
            "",
            "{",
            r#"{"for_ms":-1}"#,
            r#"{"chat":"x","for_ms":1}"#,
            r#"{"chat":78,"for_ms":18446744073709551615}"#,
        ] {
            stranger.publish("live.flood", words.into()).await.unwrap();
        }
        let shut =
            [one.send_action(OTHER, Action::Typing).await, another.send_action(OTHER, Action::Typing).await];
        shut.iter().all(is_flood).then_some(())
    })
    .await;

    sandbox.fault("sendMessage", limit(300)).await;
    assert!(is_flood(&send(&one, USER).await));
    until("the other to hear of it", || async {
        is_flood(&another.send_action(USER, Action::Typing).await).then_some(())
    })
    .await;
    assert!(is_flood(&send(&another, USER).await));
    assert_eq!(sandbox.calls("sendMessage").await, 1);
    shutdown.cancel();
    for task in serving {
        task.await.unwrap();
    }
}
