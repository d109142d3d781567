//! Words beside a picture: Telegram takes fewer of them than of a text alone, of all that stand in one message together.

use super::look;
use crate::console::lang::Words;
use crate::console::telegram_html;
use crate::store::BotText;

/// Bot API: of a caption, after entities; in UTF-16 units, as Telegram counts.
pub(super) const UNITS_MAX: usize = 1_024;
/// Between two texts of one message: an empty line.
const BETWEEN: usize = 2;

/// A message below a picture would be too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Long {
    /// The text that the picture stands above.
    pub(super) key: String,
    pub(super) units: usize,
}

impl Long {
    pub(super) fn say(&self, words: Words<'_>) -> String {
        let n = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let args = [
            ("key", self.key.as_str().into()),
            ("units", n(self.units).into()),
            ("max", n(UNITS_MAX).into()),
        ];
        words.with("picture-no-room", args)
    }
}

/// The texts of one language, and one of them as it is to be said.
pub(super) struct Texts<'a> {
    pub(super) words: Words<'a>,
    pub(super) all: &'a [BotText],
    pub(super) edited: Option<(&'a str, &'a str)>,
}

impl Texts<'_> {
    /// A picture is to stand above this text.
    ///
    /// # Errors
    /// There is no room for its words.
    pub(super) fn has_room(&self, key: &str) -> Result<(), Long> {
        let units = self.units(key);
        if units > UNITS_MAX { Err(Long { key: key.to_owned(), units }) } else { Ok(()) }
    }

    /// The edited text stands in messages that have a picture.
    ///
    /// # Errors
    /// There is no room for its words in one of them.
    pub(super) fn keeps_room(&self) -> Result<(), Long> {
        let Some((edited, _)) = self.edited else { return Ok(()) };
        let stands_in = |text: &&BotText| {
            let beside = text.beside.as_ref().is_some_and(|names| names.iter().any(|name| name == edited));
            text.picture.is_some() && (text.key == edited || beside)
        };
        self.all.iter().filter(stands_in).try_for_each(|text| self.has_room(&text.key))
    }

    /// The longest that its message may get, as far as samples tell.
    fn units(&self, key: &str) -> usize {
        let Some(text) = self.all.iter().find(|text| text.key == key) else { return 0 };
        let beside = text.beside.iter().flatten();
        let found = |name: &String| self.all.iter().find(|text| text.key == *name);
        self.longest(text) + beside.filter_map(found).map(|text| BETWEEN + self.longest(text)).sum::<usize>()
    }

    fn longest(&self, text: &BotText) -> usize {
        let own = text.own.as_deref().unwrap_or(&text.builtin);
        let now = self.edited.filter(|(key, _)| text.key == *key).map_or(own, |(_, words)| words);
        look::said(self.words, now).iter().map(|said| telegram_html::units(said)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::lang::{self, Lang};

    fn text(key: &str, units: usize, beside: Option<&[&str]>, picture: bool) -> BotText {
        BotText {
            key: key.to_owned(),
            language: "en".to_owned(),
            builtin: format!("<b>{}</b>", "x".repeat(units)),
            own: None,
            version: 0,
            beside: beside.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            picture: picture.then(|| "digest".to_owned()),
        }
    }

    #[test]
    fn what_stands_in_one_message_shares_its_room() {
        let texts = lang::Texts::read().unwrap();
        let all = [
            text("welcome", 900, Some(&["how"]), true),
            text("how", 122, None, false),
            text("help", 1_025, Some(&[]), false),
        ];
        let of = |edited| Texts { words: texts.of(Lang::En), all: &all, edited };
        assert_eq!(of(None).has_room("welcome"), Ok(()));
        assert_eq!(of(None).has_room("help"), Err(Long { key: "help".to_owned(), units: 1_025 }));
        let (longer, far_longer) = ("y".repeat(123), "z".repeat(4_000));
        let long = Err(Long { key: "welcome".to_owned(), units: 1_025 });
        assert_eq!(of(Some(("how", &longer))).keeps_room(), long);
        assert_eq!(of(Some(("welcome", &longer))).keeps_room(), Ok(()));
        assert_eq!(of(Some(("help", &far_longer))).keeps_room(), Ok(()), "no picture is there");
        assert_eq!(of(None).keeps_room(), Ok(()));
    }

    #[test]
    fn a_line_takes_room_as_often_as_it_is_said() {
        let texts = lang::Texts::read().unwrap();
        let all = [text("list", 904, Some(&["line"; 10]), true), text("line", 10, None, false)];
        let of = |edited| Texts { words: texts.of(Lang::En), all: &all, edited };
        assert_eq!(of(None).has_room("list"), Ok(()), "904 and ten times 2 and 10");
        let longer = "z".repeat(11);
        let long = Err(Long { key: "list".to_owned(), units: 1_034 });
        assert_eq!(of(Some(("line", &longer))).keeps_room(), long);
    }
}
