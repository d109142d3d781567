//! The chat page in a real browser, wide and on a telephone: a person comes, tops up, gets a picture, and is told
//! when there is none. Run by `cargo xtask test --test browser`; the folder of screenshots is printed.
//!
//! A new flow is a function of [`Seat`] and a line in [`visit`].

use e2e::browser::{Browser, Page, Screen};
use e2e::people::Person;
use e2e::{Role, Stage};
use serde_json::json;

/// A person before the page.
struct Seat<'a> {
    stage: &'a Stage,
    page: Page,
    person: Person,
}

impl Seat<'_> {
    /// The last message of the bot holds these words, in the page.
    fn is_told(&self, words: &str) {
        self.page.sees("#messages .row:not(.mine)", words);
    }

    fn available(&self, credits: i64) {
        self.stage.until("the balance", || (self.stage.balance_of(self.person).0 == credits).then_some(()));
    }

    fn comes(&self) {
        self.page.go(&format!("{}/chat?user={}", self.stage.url(Role::Sandbox), self.person.0));
        self.page.sees(".strip", "SANDBOX");
        self.page.click("#wide", "");
        self.page.sees("#messages .mine", "/start");
        self.page.sees("#messages .row:not(.mine)", "5");
        self.page.shot("1-start");
    }

    /// By the command menu, with the keyboard.
    fn opens_packages(&self) {
        self.page.click("#text", "");
        self.page.types("/topup");
        self.page.sees("#menu [aria-selected='true']", "/topup");
        self.page.presses("Enter");
        self.page.sees(".buttons button", "₽");
    }

    /// A package in rubles by the provider's page, which opens over the chat.
    fn tops_up_by_yookassa(&self) {
        self.opens_packages();
        self.page.shot("2-packages");
        self.page.click(".buttons button", "100\u{20}₽");
        self.page.click(".buttons a.link", "");
        self.page.sees("#browser iframe", "");
        self.page.sees(".sheet .sum", "100.00 ₽");
        self.page.shot("3-checkout");
        self.page.click(".sheet form[action$='/succeed'] .big", "");
        self.page.click(".sheet .done .big", "");
        self.page.until("the chat to be back", || self.page.count("#browser iframe", "") == 0);
        self.available(105);
        self.is_told("105");
        self.page.shot("4-paid");
    }

    /// A package in Stars by Telegram's own sheet.
    fn tops_up_by_stars(&self) {
        self.opens_packages();
        self.page.click(".buttons button", "75\u{20}⭐");
        self.page.click(".buttons button.pay", "75");
        self.page.sees("#pay .sum", "75");
        self.page.shot("5-stars");
        self.page.click("#pay .big:not(.quiet)", "");
        self.available(205);
        self.page.sees("#messages .service b", "75");
        // The Pay button is a receipt now, and leads to the line that says so.
        self.page.click(".buttons .receipt", "");
        self.is_told("205");
    }

    fn asks_for_a_picture(&self) {
        self.page.writes("/prompt a heron in the reeds");
        self.page.sees(".shot", "");
        self.page.until("the picture to be drawn", || self.page.eval("eyes.drawn('.shot img')") == 1);
        self.available(195);
        self.page.shot("6-picture");
        self.page.click(".shot", "");
        self.page.until("the viewer", || self.page.eval("eyes.drawn('#viewer img')") == 1);
        self.page.presses("Escape");
        self.page.until("the viewer to close", || self.page.count("#viewer img", "") == 0);
    }

    fn asks_for_what_is_refused(&self) {
        self.stage.fault("gemini", "generateContent", json!("prompt_blocked"), 20);
        let before = self.page.count("#messages .row:not(.mine)", "10");
        self.page.writes("/prompt what may not be painted");
        self.stage.until("the failure", || {
            (self.stage.count_of(self.person, "GenerationFailed") == 1).then_some(())
        });
        self.stage.heal();
        self.page.until("the reason", || self.page.count("#messages .row:not(.mine)", "10") > before);
        self.page.shot("7-refused");
        self.available(195);
    }
}

/// One person's way through all of it.
fn visit(stage: &Stage, browser: &Browser, screen: Screen, person: Person, language: &str) {
    let profile = json!({"first_name": "Ada", "language_code": language});
    let url = format!("{}/people/{}", stage.url(Role::Sandbox), person.0);
    let put = stage.rt.block_on(async { stage.http.put(url).json(&profile).send().await });
    assert!(put.is_ok_and(|answer| answer.status().is_success()));
    let page = browser.open(screen).unwrap();
    let seat = Seat { stage, page, person };
    seat.page.prefer(if screen == Screen::Wide { "light" } else { "dark" });
    seat.comes();
    seat.tops_up_by_yookassa();
    seat.tops_up_by_stars();
    seat.asks_for_a_picture();
    seat.asks_for_what_is_refused();
    seat.page.assert_tidy();
}

#[test]
fn a_person_comes_pays_and_gets_a_picture_on_a_wide_screen_and_on_a_telephone() {
    let stage = Stage::whole().unwrap();
    let browser = Browser::start("chat").unwrap();
    visit(&stage, &browser, Screen::Wide, Person(7401), "en");
    visit(&stage, &browser, Screen::Phone, Person(7402), "ru");
    stage.judge_bot_requests();
}

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
