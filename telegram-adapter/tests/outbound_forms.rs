//! What else is sent besides plain messages, against the sandbox: rows of buttons, captions, albums, copies, drafts.

#[allow(dead_code)]
mod desk;

use std::io::Cursor;
use std::time::Duration;

use desk::{Sandbox, until};
use proto_events::commands::FileId;
use serde_json::{Value, json};
use telegram_adapter::outbound::{
    Action, Button, Error, FileKind, Markup, Picture, Refusal, Scope, Sent, Telegram,
};
use telegram_adapter::texts::{Html, Lang, MESSAGE_UNITS_MAX, Rich, Say, Texts};

const USER: i64 = 77;

fn html() -> Html {
    Texts::read().unwrap().say(Lang::En, Say::StartHow { answer: proto_events::Credits::ZERO })
}

fn other_html() -> Html {
    Texts::read().unwrap().say(Lang::En, Say::PromptEmpty)
}

fn tap(data: &str) -> Button {
    Button::Tap { label: data.to_uppercase(), data: data.to_owned() }
}

fn rows() -> Markup {
    Markup::Rows(vec![vec![tap("a"), tap("b")], vec![tap("c")]])
}

async fn chat() -> (Sandbox, Telegram) {
    let sandbox = Sandbox::start().await;
    sandbox.says(USER, "/start").await;
    let telegram = sandbox.telegram();
    (sandbox, telegram)
}

async fn photo(telegram: &Telegram, markup: &Markup) -> Sent {
    let mut bytes = Cursor::new(Vec::new());
    image::RgbImage::new(64, 48).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let picture = Picture { bytes: bytes.into_inner().into(), file_name: "picture.png", as_document: false };
    telegram.picture(USER, &picture, Some(&html()), markup, None).await.unwrap()
}

fn shown(message: &Value) -> Vec<Vec<&str>> {
    let rows = message["reply_markup"]["inline_keyboard"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter()
        .map(|row| row.as_array().unwrap().iter().map(|one| one["callback_data"].as_str().unwrap()).collect())
        .collect()
}

async fn last(sandbox: &Sandbox) -> Value {
    sandbox.bot_messages(USER).await.pop().unwrap()
}

fn bad_html() -> Value {
    json!({"status": 400, "description": "Bad Request: can't parse entities: Unsupported start tag"})
}

#[tokio::test]
async fn buttons_stand_in_rows_and_change_without_the_text() {
    let (sandbox, telegram) = chat().await;
    let sent = telegram.send(USER, &html(), &rows(), None).await.unwrap().message;
    assert_eq!(shown(&last(&sandbox).await), [vec!["a", "b"], vec!["c"]]);
    telegram.edit_markup(USER, sent, &Markup::Buttons(vec![tap("d")])).await.unwrap();
    telegram.edit_markup(USER, sent, &Markup::Buttons(vec![tap("d")])).await.unwrap();
    let message = last(&sandbox).await;
    assert_eq!((shown(&message), &message["text"]), (vec![vec!["d"]], &json!(html().plain())));
    telegram.edit_markup(USER, sent, &Markup::None).await.unwrap();
    assert!(shown(&last(&sandbox).await).is_empty());
}

#[tokio::test]
async fn a_caption_has_buttons_and_changes_in_its_place() {
    let (sandbox, telegram) = chat().await;
    let sent = photo(&telegram, &rows()).await.message;
    let message = last(&sandbox).await;
    assert_eq!((shown(&message).len(), &message["caption"]), (2, &json!(html().plain())));
    for _ in 0..2 {
        telegram.edit_caption(USER, sent, Some(&other_html()), &Markup::None).await.unwrap();
    }
    let message = last(&sandbox).await;
    assert_eq!((shown(&message).len(), &message["caption"]), (0, &json!(other_html().plain())));
    sandbox.fault("editMessageCaption", bad_html()).await;
    telegram.edit_caption(USER, sent, Some(&html()), &rows()).await.unwrap();
    let message = last(&sandbox).await;
    assert_eq!((shown(&message).len(), &message["caption"]), (2, &json!(html().plain())));
    let entities = message["caption_entities"].as_array();
    assert!(entities.is_none_or(|entities| entities.iter().all(|one| one["type"] != "code")), "plain words");
    telegram.edit_caption(USER, sent, None, &Markup::None).await.unwrap();
    assert_eq!(last(&sandbox).await.get("caption"), None);
}

#[tokio::test]
async fn a_message_that_can_not_be_edited_is_told_apart() {
    let (sandbox, telegram) = chat().await;
    let gone = |edited: Result<(), Error>| edited.unwrap_err().refusal() == Some(Refusal::MessageGone);
    for message in [0, 4_000_000] {
        assert!(gone(telegram.edit(USER, message, &html(), &Markup::None).await));
        assert!(gone(telegram.edit_caption(USER, message, None, &Markup::None).await));
        assert!(gone(telegram.edit_markup(USER, message, &rows()).await));
    }
    let theirs = sandbox.says(USER, "mine").await;
    assert!(gone(telegram.edit(USER, theirs, &html(), &Markup::None).await));
}

#[tokio::test]
async fn a_file_goes_again_by_its_id_alone_or_in_an_album() {
    let (sandbox, telegram) = chat().await;
    let file = photo(&telegram, &Markup::None).await.file.unwrap().file_id;
    let (caption, below) = (other_html(), rows());
    let again =
        telegram.picture_by_id(USER, FileKind::Photo, &file, Some(&caption), &below, None).await.unwrap();
    let message = last(&sandbox).await;
    assert_eq!((&message["message_id"], shown(&message).len()), (&json!(again.message), 2));
    assert_eq!(message["caption"], other_html().plain());
    let wrong = FileId::new("no-such-file").unwrap();
    let refused = telegram.picture_by_id(USER, FileKind::Photo, &wrong, None, &Markup::None, None).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");

    let before = sandbox.bot_messages(USER).await.len();
    sandbox.fault("sendMediaGroup", bad_html()).await;
    let files = [file.clone(), file.clone(), file.clone()];
    let album = telegram.album_by_ids(USER, FileKind::Photo, &files, Some(&html()), None).await.unwrap();
    let there = sandbox.bot_messages(USER).await.split_off(before);
    assert_eq!(there.len(), 3);
    assert!(there.iter().all(|one| one["media_group_id"] == there[0]["media_group_id"]));
    let ids: Vec<_> = there.iter().map(|one| one["message_id"].as_i64().unwrap()).collect();
    assert_eq!(album.iter().map(|sent| sent.message).collect::<Vec<_>>(), ids);
    assert_eq!((&there[0]["caption"], there[1].get("caption")), (&json!(html().plain()), None));
    for none in [&files[..1], &vec![file; 11][..]] {
        let refused = telegram.album_by_ids(USER, FileKind::Photo, none, None, None).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    }
    assert_eq!(sandbox.calls("sendMediaGroup").await, 2);
}

#[tokio::test]
async fn a_message_is_copied_with_buttons_of_its_own() {
    let (sandbox, telegram) = chat().await;
    sandbox.says(78, "/start").await;
    let sent = telegram.send(78, &html(), &Markup::None, None).await.unwrap().message;
    let copy = telegram.copy(USER, 78, sent, &rows()).await.unwrap();
    let message = last(&sandbox).await;
    assert_eq!((&message["message_id"], &message["text"]), (&json!(copy.message), &json!(html().plain())));
    assert_eq!(shown(&message).len(), 2);
    let gone = telegram.copy(USER, 78, 4_000_000, &Markup::None).await.unwrap_err();
    assert_eq!(gone.refusal(), Some(Refusal::MessageGone), "{gone}");
}

#[tokio::test]
async fn a_message_is_forwarded_with_who_wrote_it() {
    let (sandbox, telegram) = chat().await;
    let theirs = sandbox.says(78, "help me").await;
    let sent = telegram.forward(USER, 78, theirs).await.unwrap();
    let message = last(&sandbox).await;
    assert_eq!((&message["message_id"], &message["text"]), (&json!(sent.message), &json!("help me")));
    assert_eq!(message["forward_origin"]["sender_user"]["id"], 78, "{message}");
    let gone = telegram.forward(USER, 78, 4_000_000).await.unwrap_err();
    assert_eq!(gone.refusal(), Some(Refusal::MessageGone), "{gone}");
}

#[tokio::test]
async fn many_messages_go_at_once_and_those_that_are_gone_do_no_harm() {
    let (sandbox, telegram) = chat().await;
    let mut messages = Vec::new();
    for _ in 0..3 {
        messages.push(telegram.send(USER, &html(), &Markup::None, None).await.unwrap().message);
    }
    let mut doomed = messages[..2].to_vec();
    doomed.extend((0..200).map(|n| 4_000_000 + n).chain([0]));
    telegram.delete_many(USER, &doomed).await.unwrap();
    let left: Vec<_> = sandbox.bot_messages(USER).await.iter().map(|one| one["message_id"].clone()).collect();
    assert_eq!((left, sandbox.calls("deleteMessages").await), (vec![json!(messages[2])], 3));
    telegram.delete_many(USER, &[]).await.unwrap();
    assert_eq!(sandbox.calls("deleteMessages").await, 3);
}

#[tokio::test]
async fn a_draft_grows_below_the_chat_where_the_server_knows_drafts() {
    let (sandbox, telegram) = chat().await;
    // Each has a number of its own, since one is not changed more often than once a second.
    let mut ids = 1..;
    for text in [html(), other_html(), Html::empty()] {
        // The sandbox's clock is fast, and what it shows is soon over.
        until("the draft", || {
            let id = ids.next().unwrap();
            let (telegram, sandbox, text) = (&telegram, &sandbox, &text);
            async move {
                telegram.draft(USER, id, text).await.unwrap();
                (sandbox.chat(USER).await["draft"]["text"] == text.plain()).then_some(())
            }
        })
        .await;
        sandbox.fault("sendMessageDraft", bad_html()).await;
    }
    let id = ids.next().unwrap();
    telegram.draft(USER, id, &html()).await.unwrap();
    assert!(matches!(telegram.draft(USER, id, &html()).await, Err(Error::Flood(_))), "within a second");
    for words in ["Not Found", "Not Found: method not found"] {
        sandbox.fault("sendMessageDraft", json!({"status": 404, "description": words})).await;
        assert_eq!(telegram.draft(USER, ids.next().unwrap(), &html()).await, Err(Error::Unsupported));
    }
    sandbox.fault("sendMessageDraft", json!({"status": 429, "retry_after": 300})).await;
    let id = ids.next().unwrap();
    assert_eq!(telegram.draft(USER, id, &html()).await, Err(Error::Flood(Duration::from_secs(300))));
}

#[tokio::test]
async fn the_bot_is_seen_at_work() {
    let (sandbox, telegram) = chat().await;
    for (action, word) in [
        (Action::Typing, "typing"),
        (Action::UploadPhoto, "upload_photo"),
        (Action::UploadDocument, "upload_document"),
    ] {
        // The sandbox's clock is fast, and what it shows is soon over.
        until("the action", || async {
            telegram.send_action(USER, action).await.unwrap();
            (sandbox.chat(USER).await["action"] == word).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn one_chat_has_a_menu_of_its_own_until_it_is_taken_away() {
    let (sandbox, telegram) = chat().await;
    let menu = |what: &str| vec![("help", what.to_owned())];
    telegram.set_commands(Scope::Everywhere, None, menu("everybody's")).await.unwrap();
    telegram.set_commands(Scope::Groups, None, menu("groups'")).await.unwrap();
    telegram.set_commands(Scope::Chat(USER), None, menu("the administrator's")).await.unwrap();
    assert_eq!(sandbox.commands(USER).await[0]["description"], "the administrator's");
    telegram.delete_commands(Scope::Chat(USER), None).await.unwrap();
    assert_eq!(sandbox.commands(USER).await[0]["description"], "everybody's");
}

#[tokio::test]
async fn a_models_answer_is_shown_with_its_formatting_and_in_pieces() {
    let (sandbox, telegram) = chat().await;
    let part = "## Кот & 🦊\n\n- **раз** `два`\n\n> цитата\n\n```rust\nlet a = \"<b>\";\n```\n\n[link](https://example.org)\n\n";
    let rich = Rich::of_markdown(&part.repeat(60));
    let pieces = rich.split(MESSAGE_UNITS_MAX);
    for piece in &pieces {
        telegram.send(USER, piece, &Markup::None, None).await.unwrap();
    }
    assert_eq!(sandbox.calls("sendMessage").await, pieces.len(), "none went again as plain text");
    let mut kinds = std::collections::BTreeSet::new();
    for message in sandbox.bot_messages(USER).await {
        let entities = message["entities"].as_array().unwrap();
        kinds.extend(entities.iter().map(|entity| entity["type"].as_str().unwrap().to_owned()));
        assert!(message["text"].as_str().unwrap().contains("let a = \"<b>\";"));
    }
    let expected = ["blockquote", "bold", "code", "pre", "text_link"];
    assert!(expected.iter().all(|kind| kinds.contains(*kind)), "{kinds:?}");
}
