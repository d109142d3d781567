//! An album is one thing, whatever it is for.

use e2e::Stage;
use e2e::people::{is_picture, said};

use crate::chat::Chat;
use crate::{ADMIN, stage};

#[test]
fn an_album_for_people_is_passed_on_whole() {
    let stage = stage();
    let (admin, ada) = (Chat::new(&stage, ADMIN, "ru"), Chat::new(&stage, 8231, "ru"));
    admin.says("/start", |_| true);
    ada.says("/start", |_| true);
    ada.says("/support", |_| true);
    let after = admin.last();
    ada.shows(&[10, 60, 110], Some("Вот что вышло"));
    let photos = || {
        let all = stage.bot_said(admin.person).into_iter();
        let photos = all.filter(|m| m["message_id"].as_i64() > Some(after) && is_picture(m));
        photos.collect::<Vec<_>>()
    };
    let passed = stage.until("all of it", || Some(photos()).filter(|all| all.len() == 3));
    assert!(passed.iter().any(|m| said(m, "Вот что вышло")), "{passed:?}");
    admin.replies(&passed[2], "Спасибо, разберёмся");
    ada.wait("the answer", 0, |m| said(m, "разберёмся"));
    // What comes after it is the bot's again, another album too.
    let before = ada.shows(&[20, 70], None);
    ada.wait("that they are kept", before, |m| said(m, "2 фото"));
    let sent = stage.bot_said(ada.person).iter().filter(|m| said(m, "✅ Передали")).count();
    assert_eq!((sent, photos().len()), (1, 3), "told once; nothing more is passed on");
    stage.judge_bot_requests();
    stage.assert_verified();
}

#[test]
fn an_album_is_one_message_to_who_may_send_few() {
    let stage = Stage::whole_with(&[("TELEGRAM_BURST", "3"), ("TELEGRAM_PER_MINUTE", "1")]).unwrap();
    let ada = Chat::new(&stage, 8241, "ru");
    ada.says("/start", |_| true);
    let after = ada.shows(&[10, 60, 110, 160, 210], None);
    ada.wait("that all are kept", after, |m| said(m, "5 фото"));
    ada.says("/balance", |m| said(m, "На балансе"));
    let after = ada.write("/balance");
    ada.wait("that it is too fast", after, |m| said(m, "повторите"));
    // Taps count too, and are told so where they were made.
    let hello = stage.bot_said(ada.person)[0].clone();
    ada.taps(&hello, "Баланс");
    stage.until("the tap to be answered", || {
        let arrivals = stage.get("/arrivals?vendor=telegram&limit=1000").to_string();
        (arrivals.matches("повторите").count() >= 2).then_some(())
    });
    assert_eq!(
        ada.now(&hello).map(|now| now["text"].clone()),
        Some(hello["text"].clone()),
        "nothing was done"
    );
    stage.assert_verified();
}
