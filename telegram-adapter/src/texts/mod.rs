//! The bot's words in Russian and English, with Fluent's plural rules.
//!
//! The files are compiled in and read once at start; a test holds both to the same names and
//! arguments and renders every text.

mod html;
mod markdown;
mod mend;
mod own;
mod pictured;
mod rich;
#[cfg(test)]
mod rich_tests;
mod say;
mod split;
#[cfg(test)]
mod tests;
mod value;

use std::sync::{PoisonError, RwLock};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

use own::{Own, messages};

pub use html::Html;
pub use pictured::{REFERRED_MAX, beside};
pub use rich::Rich;
pub use say::Say;
pub use split::{MESSAGE_UNITS_MAX, cut, is_blank, split, units};
pub use value::{Answers, Change, Day, Moment, Number, People, Photos, Pictures, Reason, price};

const RU: &str = include_str!("ru.ftl");
const EN: &str = include_str!("en.ftl");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    Ru,
    En,
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::Ru, Self::En];

    /// The nearer of our two, by an IETF tag as Telegram's `language_code`.
    pub fn of(tag: Option<&str>) -> Self {
        const NEAR_RUSSIAN: [&str; 9] = ["ru", "uk", "be", "kk", "ky", "uz", "tg", "tk", "tt"];
        let language = tag.unwrap_or_default().split(['-', '_']).next().unwrap_or_default();
        if NEAR_RUSSIAN.iter().any(|near| near.eq_ignore_ascii_case(language)) { Self::Ru } else { Self::En }
    }

    pub const fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the {language} texts can't be read: {problem}")]
pub struct BadTexts {
    language: &'static str,
    problem: String,
}

pub struct Texts {
    ru: FluentBundle<FluentResource>,
    en: FluentBundle<FluentResource>,
    own: RwLock<Own>,
}

impl Texts {
    /// # Errors
    /// A Fluent file is broken; a test reads them.
    pub fn read() -> Result<Self, BadTexts> {
        Ok(Self { ru: bundle(Lang::Ru, RU)?, en: bundle(Lang::En, EN)?, own: RwLock::default() })
    }

    /// The owner's words in the place of built-in ones, from now on; `None` takes them back. `anew`: there are no others. What is no
    /// Fluent is answered; what was there stays.
    pub fn put<'a>(
        &self,
        changed: impl IntoIterator<Item = (Lang, &'a str, Option<&'a str>)>,
        anew: bool,
    ) -> Vec<(&'a str, BadTexts)> {
        // The map stays whole whatever panics.
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        if anew {
            own.forget();
        }
        let put = changed.into_iter().map(|(lang, name, text)| (name, own.put(lang, name, text)));
        put.filter_map(|(name, put)| Some((name, put.err()?))).collect()
    }

    /// Name and words of every built-in text of a language.
    pub fn built_in(lang: Lang) -> Vec<(String, String)> {
        messages(match lang {
            Lang::Ru => RU,
            Lang::En => EN,
        })
    }

    pub fn say(&self, lang: Lang, say: Say<'_>) -> Html {
        let (name, values) = say.parts();
        let mut args = FluentArgs::with_capacity(values.len());
        for (key, value) in values {
            args.set(key, value.render(self, lang));
        }
        Html::trusted(self.format(lang, name, &args))
    }

    /// For buttons and menus, which know no HTML.
    pub fn label(&self, lang: Lang, say: Say<'_>) -> String {
        self.say(lang, say).plain()
    }

    fn count(&self, lang: Lang, name: &str, n: i64) -> String {
        let mut args = FluentArgs::with_capacity(1);
        args.set("n", n);
        self.format(lang, name, &args)
    }

    fn format(&self, lang: Lang, name: &str, args: &FluentArgs<'_>) -> String {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = own.say(lang, name, args) {
            return text;
        }
        let bundle = match lang {
            Lang::Ru => &self.ru,
            Lang::En => &self.en,
        };
        let Some(pattern) = bundle.get_message(name).and_then(|message| message.value()) else {
            tracing::error!(name, lang = lang.code(), "a text is missing");
            return name.to_owned();
        };
        let mut problems = Vec::new();
        let text = bundle.format_pattern(pattern, Some(args), &mut problems).into_owned();
        if !problems.is_empty() {
            tracing::error!(name, lang = lang.code(), ?problems, "a text has problems");
        }
        text
    }
}

fn bundle(lang: Lang, source: &str) -> Result<FluentBundle<FluentResource>, BadTexts> {
    let bad = |problem: String| BadTexts { language: lang.code(), problem };
    let resource = FluentResource::try_new(source.to_owned()).map_err(|(_, e)| bad(format!("{e:?}")))?;
    let id: LanguageIdentifier = lang.code().parse().map_err(|e| bad(format!("{e:?}")))?;
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Isolation marks would show up in buttons.
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).map_err(|e| bad(format!("{e:?}")))?;
    Ok(bundle)
}

/// What a model wrote, as messages.
pub fn rich(words: &str) -> Vec<Html> {
    Rich::of_markdown(words).split(MESSAGE_UNITS_MAX)
}

/// What a model has written so far.
pub fn partial(words: &str) -> Html {
    Rich::of_unfinished_markdown(words).html()
}
