//! A picture above a text by hand: in a real browser, by mouse and keyboard, in both languages, wide and on a telephone.

use std::path::PathBuf;

use e2e::browser::{Browser, Page, Screen};
use e2e::{Role, Stage};
use image::ImageFormat;
use serde_json::json;

use crate::desk::{PASSWORD, open};
use crate::pictures::drawn;
use crate::texts::knows;

struct Hand<'a> {
    stage: &'a Stage,
    page: Page,
    lang: &'static str,
    theme: &'static str,
}

impl Hand<'_> {
    fn goes(&self, path: &str) {
        self.page.go(&format!("{}{path}", self.stage.url(Role::Ledger)));
    }

    fn word(&self, ru: &'static str, en: &'static str) -> &'static str {
        if self.lang == "ru" { ru } else { en }
    }

    fn signs_in(&self) {
        self.goes("/sign-in");
        self.page.turns_by(&format!(".languages [value={}]", self.lang));
        for (field, words) in [("name", "admin"), ("password", PASSWORD)] {
            self.writes(&format!("main [name={field}]"), words);
        }
        self.page.turns_by("main form button");
        self.page.sees("h1", self.word("Обзор", "Overview"));
    }

    fn writes(&self, field: &str, words: &str) {
        self.page.eval(&format!("document.querySelector({}).focus()", json!(field)));
        self.page.types(words);
    }

    /// Chooses a file by the field of the text's side, and looks at it.
    fn brings(&self, file: &PathBuf) {
        let field = format!("#f-file-{}", self.lang);
        self.page.click(&field, "");
        self.page.chooses(std::slice::from_ref(file));
        let chosen = format!("document.querySelector({}).files.length", json!(field));
        self.page.until("the file in its field", || self.page.eval(&chosen) == 1);
        self.shot("chosen");
        self.page.turns_by(&format!("form:has({field}) button"));
    }

    /// Gives a reason in the form of this field, and sends it.
    fn gives(&self, field: &str, reason: &str) {
        let field = format!("#{field}-{}", self.lang);
        self.writes(&field, reason);
        self.page.turns_by(&format!("form:has({field}) button"));
    }

    /// Whole, and as wide as it was drawn.
    fn sees_pictures(&self, count: u64, width: u64) {
        let all = format!(
            "[...document.querySelectorAll('.pictured img')].filter(i => i.complete && i.naturalWidth === {width}).length"
        );
        self.page.until(&format!("{count} pictures {width} wide"), || self.page.eval(&all) == count);
    }

    fn shot(&self, name: &str) {
        self.page.assert_fits(name);
        self.page.shot(&format!("{name}-{}-{}", self.lang, self.theme));
    }
}

#[test]
fn picture_is_put_by_hand() {
    let stage = open();
    knows(&stage);
    let kept = |name: &str, bytes: &[u8]| {
        let file = stage.dir().join(name);
        std::fs::write(&file, bytes).unwrap();
        file
    };
    let wide = kept("wide.png", &drawn(960, 540, 60, ImageFormat::Png));
    let tall = kept("tall.jpg", &drawn(480, 720, 180, ImageFormat::Jpeg));
    let words = kept("words.png", b"these are words");
    let browser = Browser::start("console-pictures").unwrap();
    for (screen, lang, theme) in [
        (Screen::Wide, "ru", "light"),
        (Screen::Wide, "en", "dark"),
        (Screen::Phone, "ru", "dark"),
        (Screen::Phone, "en", "light"),
    ] {
        let hand = Hand { stage: &stage, page: browser.open(screen).unwrap(), lang, theme };
        hand.page.prefer(theme);
        hand.signs_in();
        hand.goes("/texts");
        hand.page.turns_by("th a[href='/texts/welcome']");
        hand.shot("without");

        hand.brings(&words);
        hand.page.sees(".bad", hand.word("Это не PNG и не JPEG", "neither a PNG nor a JPEG"));
        hand.shot("wrong");

        hand.brings(&wide);
        hand.page.sees("h3", hand.word("Так будет выглядеть", "It will look like this"));
        hand.sees_pictures(1, 960);
        hand.shot("looked");
        hand.gives("f-picture-reason", "a picture by hand");
        hand.page.sees("main .good", hand.word("Картинка стоит", "The picture is there"));
        hand.sees_pictures(1, 960);
        hand.shot("put");

        hand.brings(&tall);
        hand.sees_pictures(1, 480);
        hand.sees_pictures(1, 960);
        hand.shot("other-looked");
        hand.gives("f-picture-reason", "a taller one");
        hand.page.sees("main .good", hand.word("Картинка стоит", "The picture is there"));
        hand.sees_pictures(1, 480);
        hand.sees_pictures(0, 960);
        hand.shot("replaced");
        hand.goes("/texts");
        hand.page.sees("td .chip", hand.word("картинка", "picture"));
        hand.shot("listed");

        hand.goes("/texts/welcome");
        hand.gives("f-picture-back", "enough of it");
        hand.page.sees("main .good", hand.word("Картинка убрана", "The picture is taken back"));
        hand.sees_pictures(0, 480);
        hand.shot("taken-back");
    }
    let sql = "SELECT count(*) FROM events WHERE type = 'PictureChanged'";
    let changes: i64 = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
    assert_eq!(changes, 12);
    stage.assert_verified();
}
