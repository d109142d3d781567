//! The console's words in Russian and English, with Fluent's plural rules. The files are compiled in and read once; a test
//! holds both to the same names, and every name that is used to them.

use axum::http::{HeaderMap, header};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::session::read_cookie;

pub(super) const RU: &str = include_str!("ru.ftl");
pub(super) const EN: &str = include_str!("en.ftl");
pub(super) const COOKIE: &str = "language";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    Ru,
    En,
}

impl Lang {
    pub(super) const ALL: [Self; 2] = [Self::Ru, Self::En];

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    pub(super) fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.code() == code)
    }
}

/// As chosen, else as the browser likes best of the two.
pub(super) fn lang_of(headers: &HeaderMap) -> Lang {
    if let Some(chosen) = read_cookie(headers, COOKIE).and_then(Lang::of) {
        return chosen;
    }
    let liked =
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let codes = liked.split(',').map(|tag| tag.trim().split(['-', ';']).next().unwrap_or_default());
    codes.filter_map(Lang::of).next().unwrap_or(Lang::Ru)
}

pub(super) struct Texts {
    ru: FluentBundle<FluentResource>,
    en: FluentBundle<FluentResource>,
}

impl Texts {
    /// # Errors
    /// A Fluent file is broken.
    pub(super) fn read() -> anyhow::Result<Self> {
        Ok(Self { ru: bundle(Lang::Ru, RU)?, en: bundle(Lang::En, EN)? })
    }

    pub(super) const fn of(&self, lang: Lang) -> Words<'_> {
        let bundle = match lang {
            Lang::Ru => &self.ru,
            Lang::En => &self.en,
        };
        Words { bundle, lang }
    }
}

fn bundle(lang: Lang, text: &str) -> anyhow::Result<FluentBundle<FluentResource>> {
    let broken = |errors: &dyn std::fmt::Debug| anyhow::anyhow!("{}.ftl: {errors:?}", lang.code());
    let resource = FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| broken(&errors))?;
    let mut bundle = FluentBundle::new_concurrent(vec![lang.code().parse()?]);
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).map_err(|errors| broken(&errors))?;
    Ok(bundle)
}

/// The words of one language.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    bundle: &'a FluentBundle<FluentResource>,
    pub(super) lang: Lang,
}

impl Words<'_> {
    /// The text of this name; the name itself where there is none, which a test excludes.
    pub(super) fn t(&self, name: &str) -> String {
        self.with(name, [])
    }

    /// The text of a name that may be none.
    pub(super) fn known(&self, name: &str) -> Option<String> {
        self.bundle.has_message(name).then(|| self.t(name))
    }

    pub(super) fn with<const N: usize>(&self, name: &str, values: [(&str, FluentValue<'_>); N]) -> String {
        let args: FluentArgs<'_> = values.into_iter().collect();
        let pattern = self.bundle.get_message(name).and_then(|message| message.value());
        let text = pattern
            .map(|pattern| self.bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned());
        text.unwrap_or_else(|| name.to_owned())
    }
}
