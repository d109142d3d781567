//! Words that the owner wrote in place of built-in ones: one Fluent message each, read when it comes. What can't be read, or takes
//! values that its place does not give, stays out, and the built-in words are said.

use std::collections::HashMap;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use super::{BadTexts, Lang, bundle};

/// What was written, by language and name.
#[derive(Default)]
pub(super) struct Own(HashMap<(&'static str, String), FluentBundle<FluentResource>>);

impl Own {
    /// The built-in words are back everywhere.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// `None` puts the built-in words back.
    pub(super) fn put(&mut self, lang: Lang, name: &str, text: Option<&str>) -> Result<(), BadTexts> {
        let key = (lang.code(), name.to_owned());
        match text {
            None => {
                self.0.remove(&key);
            }
            Some(text) => {
                let read = bundle(lang, &source(name, text))?;
                self.0.insert(key, read);
            }
        }
        Ok(())
    }

    /// `None`: nothing was written, or it can't be said with these values.
    pub(super) fn say(&self, lang: Lang, name: &str, args: &FluentArgs<'_>) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let bundle = self.0.get(&(lang.code(), name.to_owned()))?;
        let pattern = bundle.get_message(name)?.value()?;
        let mut problems = Vec::new();
        let text = bundle.format_pattern(pattern, Some(args), &mut problems).into_owned();
        if !problems.is_empty() {
            tracing::error!(
                name,
                lang = lang.code(),
                ?problems,
                "a text of our own can't be said; the built-in one is"
            );
        }
        problems.is_empty().then_some(text)
    }
}

/// A message of a Fluent file, from its words.
fn source(name: &str, text: &str) -> String {
    let lines = text.lines().map(|line| format!("\n    {line}"));
    format!("{name} ={}\n", lines.collect::<String>())
}

/// Names and words of a Fluent file's messages, for whoever edits them.
pub(super) fn messages(file: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, Vec<&str>)> = Vec::new();
    for line in file.lines() {
        let begins = line.starts_with(|c: char| c.is_ascii_lowercase());
        match (line.split_once(" ="), all.last_mut()) {
            (Some((name, first)), _) if begins => all.push((name.to_owned(), vec![first.trim_start()])),
            (_, Some((_, lines))) if !line.starts_with('#') => {
                lines.push(line.strip_prefix("    ").unwrap_or(line));
            }
            _ => {}
        }
    }
    all.into_iter().map(|(name, lines)| (name, lines.join("\n").trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{EN, RU, Say, Texts};
    use super::*;

    #[test]
    fn built_in_words_read_back_as_they_are() {
        for (lang, file) in [(Lang::Ru, RU), (Lang::En, EN)] {
            let texts = Texts::read().unwrap();
            let said: Vec<String> =
                Say::samples().into_iter().map(|say| texts.say(lang, say).as_str().to_owned()).collect();
            for (name, text) in messages(file) {
                assert!(texts.put([(lang, name.as_str(), Some(text.as_str()))], false).is_empty(), "{name}");
            }
            let again: Vec<String> =
                Say::samples().into_iter().map(|say| texts.say(lang, say).as_str().to_owned()).collect();
            assert_eq!(said, again);
        }
    }

    #[test]
    fn own_words_are_said_until_they_are_taken_back_and_broken_ones_never() {
        let texts = Texts::read().unwrap();
        let say = || texts.label(Lang::En, Say::RatioAuto);
        let put = |text| texts.put([(Lang::En, "ratio-auto", text)], false).len();
        assert_eq!(put(Some("As it\nlikes <b>best</b>")), 0);
        assert_eq!(say(), "As it\nlikes best");
        assert_eq!(texts.label(Lang::Ru, Say::RatioAuto), "Авто");
        assert_eq!(put(Some("{ $nothing }")), 0);
        assert_eq!(say(), "Auto", "it takes what its place does not give");
        assert_eq!(put(Some("{ $n ->")), 1);
        assert_eq!(put(None), 0);
        assert_eq!(say(), "Auto");
        assert_eq!(put(Some("As it was")), 0);
        assert!(texts.put([(Lang::Ru, "ratio-auto", Some("Сама"))], true).is_empty());
        let said = [Lang::En, Lang::Ru].map(|lang| texts.label(lang, Say::RatioAuto));
        assert_eq!(said, ["Auto", "Сама"], "anew, nothing else is there");
    }
}
