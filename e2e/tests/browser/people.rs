//! Several people side by side.

use e2e::browser::{Browser, Screen};
use e2e::people::{Person, said};
use e2e::{Role, Stage};
use serde_json::json;

use crate::seat::{BOTS, Seat};

/// On a telephone one pane is seen at a time, and who is unread is marked.
#[test]
fn several_people_are_side_by_side() {
    let mut stage = Stage::new().unwrap();
    stage.start(Role::Sandbox, &[]).unwrap();
    let bot = |method: &str, body: serde_json::Value| {
        assert_eq!(stage.post(&format!("/telegram/bot42:TEST/{method}"), &body).0, 200);
    };
    for (person, name) in [(7501, "Ada"), (7502, "Boris")] {
        let said = json!({"text": "/start", "first_name": name, "language_code": "en"});
        assert_eq!(stage.post(&format!("/people/{person}/messages"), &said).0, 200);
    }
    let browser = Browser::start("people").unwrap();
    for screen in Screen::ALL {
        let page = browser.open(screen).unwrap();
        page.go(&format!("{}/chat?user=7501", stage.url(Role::Sandbox)));
        page.sees("#messages .mine", "/start");
        if screen == Screen::Phone {
            page.click("#back", "");
            page.until("one pane", || page.count("#scroll", "") == 0);
        }
        page.sees(".entry", "Boris");
        bot("sendMessage", json!({"chat_id": 7502, "text": "only for Boris"}));
        page.sees(".entry .unread", "");
        page.shot("list");
        page.click(".entry", "Boris");
        page.sees("#messages .row", "only for Boris");
        page.until("it to be read", || page.count(".entry .unread", "") == 0);
        // A draft grows in place, and the message takes its place.
        for text in ["Once", "Once upon", "Once upon a time"] {
            bot("sendMessageDraft", json!({"chat_id": 7502, "draft_id": 5, "text": text}));
            page.until("the draft", || page.texts(".draft .body") == [text]);
        }
        bot("sendMessage", json!({"chat_id": 7502, "text": "Once upon a time."}));
        page.until("the draft to go", || page.count(".draft", "") == 0);
        page.sees("#messages .row", "Once upon a time.");
        page.assert_tidy();
    }
}

/// Another one comes by the button, and both ask; each gets their own answer, and is marked unread until looked at.
fn beside(seat: &Seat<'_>) {
    let Seat { stage, page, .. } = seat;
    let phone = seat.screen == Screen::Phone;
    seat.comes();
    stage.fault("gemini", "*", json!({"hold_ms": 60_000}), 2);
    let (mine, theirs) = (format!("The first one asks, {}", seat.person.0), "The other one asks");
    page.writes(&mine);
    page.sees("#messages .mine", &mine);
    if phone {
        page.click("#back", "");
    }
    page.click("#new-person", "");
    page.click("#wide", "");
    page.until("a chat of their own", || page.count("#messages .mine", "") == 1);
    seat.is_told("5");
    let other = Person(page.eval("Number(localStorage.getItem('user'))").as_i64().unwrap());
    assert_ne!(other, seat.person);
    page.writes(theirs);
    page.sees("#messages .mine", theirs);
    stage.until("both calls", || {
        (stage.gemini_calls(theirs).len() == 1 && stage.gemini_calls(&mine).len() == 1).then_some(())
    });
    stage.heal();
    seat.is_told(theirs);
    assert_eq!(page.count(BOTS, &mine), 0, "an answer is shown to another");
    if phone {
        page.click("#back", "");
    }
    let name = seat.word("Аня", "Ada");
    page.until("hers to be unread", || page.count(".entry:has(.unread:not([hidden]))", name) == 1);
    seat.shot("two");
    page.click(".entry", name);
    seat.is_told(&mine);
    page.until("it to be read", || page.count(".entry .unread", "") == 0);
    assert_eq!(page.count(BOTS, theirs), 0, "an answer is shown to another");
    for (person, own, others) in [(seat.person, mine.as_str(), theirs), (other, theirs, mine.as_str())] {
        let told = stage.bot_said(person);
        assert!(told.iter().any(|m| said(m, own)) && !told.iter().any(|m| said(m, others)), "{told:#?}");
        assert_eq!(stage.balance_of(person), (4, 0, 0));
    }
    page.assert_tidy();
}

#[test]
fn two_who_ask_at_once_get_their_own_answers() {
    for (screen, user, lang) in [(Screen::Wide, 7441, "ru"), (Screen::Phone, 7442, "en")] {
        let stage = Stage::whole().unwrap();
        let browser = Browser::start("people").unwrap();
        beside(&Seat::take(&stage, &browser, screen, user, lang));
        stage.assert_verified();
    }
}
