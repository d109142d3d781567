//! Telegram as we call it, against the sandbox.

#[allow(dead_code)]
mod desk;

use std::io::Cursor;
use std::time::{Duration, Instant};

use desk::{SECRET, Sandbox, TOKEN};
use secrecy::SecretString;
use serde_json::json;
use telegram_adapter::outbound::{Button, Error, Markup, Picture, Scope, Telegram};
use telegram_adapter::texts::{Html, Lang, Say, Texts};

const USER: i64 = 77;

fn html() -> Html {
    Texts::read().unwrap().say(Lang::En, Say::StartHow { answer: proto_events::Credits::ZERO })
}

fn other_html() -> Html {
    Texts::read().unwrap().say(Lang::En, Say::PromptEmpty)
}

async fn chat() -> (Sandbox, Telegram) {
    let sandbox = Sandbox::start().await;
    sandbox.says(USER, "/start").await;
    let telegram = sandbox.telegram();
    (sandbox, telegram)
}

fn picture(width: u32, height: u32) -> Picture {
    let mut bytes = Cursor::new(Vec::new());
    let painted = image::RgbImage::from_pixel(width, height, image::Rgb([200, 180, 40]));
    painted.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    Picture { bytes: bytes.into_inner().into(), file_name: "picture.png", as_document: false }
}

#[tokio::test]
async fn a_message_is_html_with_its_buttons_and_answers_another() {
    let (sandbox, telegram) = chat().await;
    let asked = sandbox.says(USER, "/prompt").await;
    let link = Button::Link { label: "Pay".to_owned(), url: "https://example.org/pay".parse().unwrap() };
    let tap = Button::Tap { label: "Top up".to_owned(), data: "m".to_owned() };
    let sent = telegram.send(USER, &html(), &Markup::Buttons(vec![link, tap]), Some(asked)).await.unwrap();
    let message = sandbox.bot_messages(USER).await.pop().unwrap();
    assert_eq!(message["message_id"], sent.message);
    assert_eq!(message["text"], html().plain());
    assert_eq!(message["entities"][0]["type"], "code");
    assert_eq!(message["reply_to_message"]["message_id"], asked);
    assert_eq!(message["reply_markup"]["inline_keyboard"][0][0]["url"], "https://example.org/pay");
    assert_eq!(message["reply_markup"]["inline_keyboard"][1][0]["callback_data"], "m");
    telegram.send(USER, &html(), &Markup::Ask("what".to_owned()), Some(999_999)).await.unwrap();
}

#[tokio::test]
async fn a_short_pause_is_waited_for_and_a_long_one_handed_on() {
    let (sandbox, telegram) = chat().await;
    sandbox.fault("sendMessage", json!({"status": 429, "retry_after": 1})).await;
    let began = Instant::now();
    telegram.send(USER, &html(), &Markup::None, None).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(sandbox.bot_messages(USER).await.len(), 1);

    sandbox.fault("sendMessage", json!({"status": 429, "retry_after": 300})).await;
    let error = telegram.send(USER, &html(), &Markup::None, None).await.unwrap_err();
    assert_eq!(error, Error::Flood(Duration::from_secs(300)));
    assert!(error.is_passing());
}

#[tokio::test]
async fn an_edit_that_changes_nothing_has_succeeded() {
    let (sandbox, telegram) = chat().await;
    let sent = telegram.send(USER, &html(), &Markup::None, None).await.unwrap();
    telegram.edit(USER, sent.message, &html(), &Markup::None).await.unwrap();
    telegram.edit(USER, sent.message, &other_html(), &Markup::None).await.unwrap();
    telegram.edit(USER, sent.message, &other_html(), &Markup::None).await.unwrap();
    assert_eq!(sandbox.bot_messages(USER).await[0]["text"], other_html().plain());
    let gone = telegram.edit(USER, 4_000_000, &html(), &Markup::None).await;
    assert!(matches!(gone, Err(Error::Refused(_))), "{gone:?}");
}

#[tokio::test]
async fn html_that_is_not_understood_goes_out_as_plain_text() {
    let (sandbox, telegram) = chat().await;
    let fault =
        json!({"status": 400, "description": "Bad Request: can't parse entities: Unsupported start tag"});
    sandbox.fault("sendMessage", fault.clone()).await;
    let sent = telegram.send(USER, &html(), &Markup::None, None).await.unwrap();
    let message = sandbox.bot_messages(USER).await.pop().unwrap();
    assert_eq!(message["text"], html().plain());
    assert!(
        message["entities"].as_array().is_none_or(|entities| entities.iter().all(|e| e["type"] != "code"))
    );

    sandbox.fault("editMessageText", fault.clone()).await;
    telegram.edit(USER, sent.message, &other_html(), &Markup::None).await.unwrap();
    sandbox.fault("sendPhoto", fault).await;
    telegram.picture(USER, &picture(64, 64), Some(&html()), &Markup::None, None).await.unwrap();
}

#[tokio::test]
async fn a_person_who_blocked_the_bot_is_told_apart() {
    let (sandbox, telegram) = chat().await;
    sandbox.post(&format!("/people/{USER}/block"), json!({})).await;
    let error = telegram.send(USER, &html(), &Markup::None, None).await.unwrap_err();
    assert!(matches!(error, Error::Blocked(_)), "{error}");
    let error = telegram.picture(USER, &picture(64, 64), None, &Markup::None, None).await.unwrap_err();
    assert!(matches!(error, Error::Blocked(_)), "{error}");
    let error = telegram.send(12_345, &html(), &Markup::None, None).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_message_in_doubt_is_not_sent_twice_but_an_edit_is_repeated() {
    let (sandbox, telegram) = chat().await;
    sandbox.fault("sendMessage", json!({"drop": "after"})).await;
    let error = telegram.send(USER, &html(), &Markup::None, None).await.unwrap_err();
    assert!(matches!(error, Error::InDoubt(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains(TOKEN));
    let there = sandbox.bot_messages(USER).await;
    assert_eq!(there.len(), 1, "sent, though we could not know");

    let message = there[0]["message_id"].as_i64().unwrap();
    for fault in [json!({"drop": "after"}), json!({"drop": "before"}), json!({"truncated": true})] {
        sandbox.fault("editMessageText", fault).await;
        telegram.edit(USER, message, &other_html(), &Markup::None).await.unwrap();
    }
    sandbox.fault("deleteMessage", json!({"drop": "after"})).await;
    telegram.delete(USER, message).await.unwrap();
    telegram.delete(USER, message).await.unwrap();
    assert!(sandbox.bot_messages(USER).await.is_empty());
}

#[tokio::test]
async fn a_picture_goes_as_a_photo_or_else_as_a_document() {
    let (sandbox, telegram) = chat().await;
    let sent = telegram.picture(USER, &picture(320, 200), Some(&html()), &Markup::None, None).await.unwrap();
    let message = sandbox.bot_messages(USER).await.pop().unwrap();
    assert_eq!(message["caption"], html().plain());
    assert_eq!((message["photo"][0].is_object(), sent.file.is_some()), (true, true));

    // Wider than 20 : 1, and nobody said that it is to be a document.
    let sent = telegram.picture(USER, &picture(2_100, 100), None, &Markup::None, None).await.unwrap();
    let message = sandbox.bot_messages(USER).await.pop().unwrap();
    assert_eq!(message["document"]["file_id"].as_str(), sent.file.as_ref().map(|file| file.file_id.as_str()));
    assert_eq!(message["document"]["file_name"], "picture.png");

    let document = Picture { as_document: true, ..picture(32, 32) };
    telegram.picture(USER, &document, Some(&html()), &Markup::None, None).await.unwrap();
    assert!(sandbox.bot_messages(USER).await.pop().unwrap()["document"].is_object());
}

#[tokio::test]
async fn a_photo_refused_for_whatever_reason_is_tried_as_a_document_once() {
    let (sandbox, telegram) = chat().await;
    let refused = json!({"status": 400, "description": "Bad Request: SOMETHING_NOBODY_HAS_SEEN"});
    sandbox.fault("sendPhoto", refused.clone()).await;
    let sent = telegram.picture(USER, &picture(64, 64), Some(&html()), &Markup::None, None).await.unwrap();
    let message = sandbox.bot_messages(USER).await.pop().unwrap();
    assert_eq!(message["document"]["file_id"].as_str(), sent.file.as_ref().map(|file| file.file_id.as_str()));
    assert_eq!(message["caption"], html().plain());

    sandbox.fault("sendPhoto", refused.clone()).await;
    sandbox.fault("sendDocument", refused.clone()).await;
    let error = telegram.picture(USER, &picture(64, 64), None, &Markup::None, None).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
    assert_eq!((sandbox.calls("sendPhoto").await, sandbox.calls("sendDocument").await), (2, 2));

    sandbox.fault("sendPhoto", json!({"drop": "after"})).await;
    let error = telegram.picture(USER, &picture(64, 64), None, &Markup::None, None).await.unwrap_err();
    assert!(matches!(error, Error::InDoubt(_)), "{error}");
    assert_eq!(sandbox.calls("sendDocument").await, 2, "in doubt it may be there");
}

#[tokio::test]
async fn the_bot_is_registered_with_its_webhook_and_commands() {
    let (sandbox, telegram) = chat().await;
    assert_eq!(telegram.me().await.unwrap().id, 4200);
    assert_eq!(telegram.webhook_url().await.unwrap(), "");
    let url = "http://127.0.0.1:9/telegram/webhook".parse().unwrap();
    telegram.set_webhook(&url, &SecretString::from(SECRET)).await.unwrap();
    assert_eq!(telegram.webhook_url().await.unwrap(), url.as_str());
    assert!(telegram.updates(0, 0).await.is_err(), "a webhook is set");
    telegram.delete_webhook().await.unwrap();
    assert!(!telegram.updates(0, 0).await.unwrap().is_empty());

    telegram.set_commands(Scope::Everywhere, None, vec![("help", "what I can do".to_owned())]).await.unwrap();
    telegram
        .set_commands(Scope::Everywhere, Some("ru"), vec![("help", "что я умею".to_owned())])
        .await
        .unwrap();
    assert_eq!(sandbox.commands(USER).await[0]["description"], "what I can do");
    let russian = json!({"text": "/start", "language_code": "ru"});
    sandbox.post("/people/78/messages", russian).await;
    assert_eq!(sandbox.commands(78).await[0]["description"], "что я умею");
}
