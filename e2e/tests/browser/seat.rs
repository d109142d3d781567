//! A person before the page, and what all flows need of them.

use std::path::PathBuf;

use e2e::browser::{Browser, Page, Screen};
use e2e::people::{Person, is_picture};
use e2e::{Role, Stage};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub struct Seat<'a> {
    pub stage: &'a Stage,
    pub page: Page,
    pub person: Person,
    pub screen: Screen,
    pub lang: &'static str,
}

/// What the bot says.
pub const BOTS: &str = "#messages .row:not(.mine):not(.ghost):not(.gone)";

impl<'a> Seat<'a> {
    /// Sits down: light on a wide screen, dark on a telephone.
    pub fn take(stage: &'a Stage, browser: &Browser, screen: Screen, user: i64, lang: &'static str) -> Self {
        let profile = json!({"first_name": if lang == "ru" { "Аня" } else { "Ada" }, "language_code": lang});
        let url = format!("{}/people/{user}", stage.url(Role::Sandbox));
        let put = stage.rt.block_on(async { stage.http.put(url).json(&profile).send().await });
        assert!(put.is_ok_and(|answer| answer.status().is_success()));
        let page = browser.open(screen).unwrap();
        page.prefer(if screen == Screen::Wide { "light" } else { "dark" });
        Self { stage, page, person: Person(user), screen, lang }
    }

    /// One of two.
    pub fn word(&self, russian: &'static str, english: &'static str) -> &'static str {
        if self.lang == "ru" { russian } else { english }
    }

    /// A message of the bot holds these words, in the page.
    pub fn is_told(&self, words: &str) {
        // Not the words that it quotes.
        self.page.sees(&format!("{BOTS} .body"), words);
    }

    pub fn available(&self, credits: i64) {
        self.stage.until("the balance", || (self.stage.balance_of(self.person).0 == credits).then_some(()));
    }

    pub fn shot(&self, name: &str) {
        self.page.shot(&format!("{name}-{}", self.lang));
    }

    pub fn comes(&self) {
        self.page.go(&format!("{}/chat?user={}", self.stage.url(Role::Sandbox), self.person.0));
        self.page.sees(".strip", "SANDBOX");
        self.page.click("#wide", "");
        self.page.sees("#messages .mine", "/start");
        self.is_told("5");
    }

    /// By the command menu, with the keyboard.
    pub fn chooses_command(&self, command: &str) {
        self.page.click("#text", "");
        self.page.types(command);
        self.page.sees("#menu [aria-selected='true']", command);
        self.page.presses("Enter");
    }

    pub fn opens_packages(&self) {
        let before = self.page.count(".buttons button", "₽");
        self.chooses_command("/topup");
        self.page.until("the packages", || self.page.count(".buttons button", "₽") > before);
    }

    /// Opens the provider's page over the chat, on which a package in rubles is paid.
    pub fn opens_checkout(&self) {
        self.page.click(".buttons a.link", "");
        self.page.sees("#browser iframe", "");
        self.page.sees(".sheet .sum", self.word("100,00 ₽", "100.00 ₽"));
    }

    pub fn pays_at_checkout(&self) {
        self.page.click(".sheet form[action$='/succeed'] .big", "");
        self.page.click(".sheet .done .big", "");
        self.page.until("the chat to be back", || self.page.count("#browser iframe", "") == 0);
        self.is_told(self.word("Платёж получен", "Payment received"));
    }

    /// 100 credits for rubles.
    pub fn tops_up(&self) {
        self.opens_packages();
        self.page.click(".buttons button", "100\u{20}₽");
        self.opens_checkout();
        self.pays_at_checkout();
    }

    /// Photos by the paper clip, with a caption if there is one.
    pub fn uploads(&self, photos: &[PathBuf], caption: Option<&str>) {
        let mine = "#messages .mine .shot";
        let before = self.page.count(mine, "");
        self.page.click("#attach", "");
        self.page.click("#attach-menu button", "🖼");
        self.page.chooses(photos);
        self.page.until("the photos above the writer", || {
            self.page.eval("eyes.drawn('#attached img')") == photos.len()
        });
        if let Some(caption) = caption {
            self.page.click("#text", "");
            self.page.types(caption);
        }
        self.page.click("#send", "");
        let all = before + photos.len() as u64;
        self.page.until("the photos in the chat", || self.page.count(mine, "") == all);
    }

    /// Does something that brings one more picture of the bot's; the picture, as the vendor of the chat has it.
    pub fn gets_a_picture(&self, does: impl FnOnce()) -> Value {
        let drawn = || self.page.eval(&format!("eyes.drawn({})", json!(format!("{BOTS} .shot img"))));
        let before = drawn().as_u64().unwrap_or_default();
        does();
        self.page.until("the picture to be drawn", || drawn() == before + 1);
        let pictures = self.stage.bot_said(self.person).into_iter().rfind(is_picture);
        pictures.expect("the page shows one")
    }

    /// The last such row is answered with words: by a double click, on a telephone by a swipe.
    pub fn replies(&self, row: &str, words: &str) {
        match self.screen {
            Screen::Wide => self.page.double_clicks(&format!("{row} .body"), ""),
            Screen::Phone => self.page.swipes(&format!("{row} .body"), ""),
        }
        self.page.sees("#above", "");
        self.page.writes(words);
    }

    /// The one call of the vendor's with this prompt, in its books.
    pub fn call(&self, prompt: &str) -> Value {
        let calls = self.stage.gemini_calls(prompt);
        assert_eq!(calls.len(), 1, "{prompt}: {calls:#?}");
        calls[0].clone()
    }

    /// What was sent along with it: the digests of pictures.
    pub fn sent_along(&self, prompt: &str) -> Vec<String> {
        serde_json::from_value(self.call(prompt)["references"].clone()).unwrap()
    }

    /// The digests of the photos that this person has sent, as Telegram keeps them, the oldest first.
    pub fn photos(&self) -> Vec<String> {
        let all = self.stage.chat(self.person).into_iter();
        all.filter(|m| m["from"]["is_bot"] != true && is_picture(m)).map(|m| self.digest(&m)).collect()
    }

    pub fn digest(&self, picture: &Value) -> String {
        Sha256::digest(self.stage.picture_bytes(picture)).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A picture of somebody, as a file that a browser can send.
pub fn portrait(stage: &Stage, shade: u8) -> PathBuf {
    let (width, height) = (480_u32, 640_u32);
    let within = |x: u32, y: u32, (cx, cy): (f32, f32), (rx, ry): (f32, f32)| {
        let (dx, dy) = ((x as f32 - cx) / rx, (y as f32 - cy) / ry);
        dx * dx + dy * dy <= 1.0
    };
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let light = u8::try_from(y * 70 / height).unwrap_or_default();
        let eye = within(x, y, (195.0, 250.0), (14.0, 18.0)) || within(x, y, (285.0, 250.0), (14.0, 18.0));
        let smile = within(x, y, (240.0, 310.0), (60.0, 45.0)) && y > 325;
        image::Rgb(match () {
            () if eye => [40, 30, 40],
            () if smile => [190, 70, 80],
            () if within(x, y, (240.0, 270.0), (125.0, 155.0)) => [240, 205, 175],
            () if within(x, y, (240.0, 235.0), (150.0, 160.0)) => [shade / 2, 50, 40],
            () if within(x, y, (240.0, 660.0), (215.0, 220.0)) => [shade, 90, 255 - shade],
            () => [150 - light, 200 - light, 230 - shade / 3],
        })
    });
    let file = stage.dir().join(format!("portrait-{shade}.png"));
    picture.save(&file).unwrap();
    file
}
