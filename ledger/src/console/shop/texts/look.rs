//! How a text will look: said with sample values, in each of its forms, and read as Telegram reads it.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use maud::{Markup, html};

use crate::console::lang::{Lang, Words};
use crate::console::telegram_html;
use crate::texts::{self, Taken};

/// Why a text can't stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    Text(texts::Unfit),
    Html(telegram_html::Unfit),
    Long,
    /// Below a picture.
    Caption(super::caption::Long),
}

const CHARS_MAX: usize = 4096;
/// For each form that languages have of a number; a part of one is the last that Russian has.
const NUMBERS: [f64; 4] = [5.0, 1.0, 3.0, 1.5];
const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];
/// All that are said together; where there are more, each choice is made beside the first of the others.
const FORMS_MAX: usize = 64;
const KEY: &str = "key";

/// Whether it may stand in the place of what is built in.
///
/// # Errors
/// What is wrong, with its place.
pub(super) fn check(words: Words<'_>, builtin: &str, own: &str) -> Result<(), Wrong> {
    if own.chars().count() > CHARS_MAX {
        return Err(Wrong::Long);
    }
    texts::check(builtin, own).map_err(Wrong::Text)?;
    for said in said(words, own) {
        telegram_html::shown(&said).map_err(Wrong::Html)?;
    }
    Ok(())
}

/// With sample values, each form once; `words` are of the text's language.
pub(super) fn said(words: Words<'_>, text: &str) -> Vec<String> {
    let taken = texts::taken(text);
    let lines = text.lines().map(|line| format!("\n    {line}"));
    let source = format!("{KEY} ={}\n", lines.collect::<String>());
    let Ok(resource) = FluentResource::try_new(source) else { return Vec::new() };
    let Ok(id) = words.lang.code().parse() else { return Vec::new() };
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(false);
    if bundle.add_resource(resource).is_err() {
        return Vec::new();
    }
    let Some(pattern) = bundle.get_message(KEY).and_then(|message| message.value()) else {
        return Vec::new();
    };
    let mut all: Vec<String> = Vec::new();
    for choice in choices(&taken) {
        let args = sample(words, &taken, &choice);
        let said = bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned();
        if !all.contains(&said) {
            all.push(said);
        }
    }
    all
}

type Choice<'a> = BTreeMap<&'a str, FluentValue<'static>>;

/// What those that choose may be.
fn choices(taken: &Taken) -> Vec<Choice<'_>> {
    let values: Vec<(&str, Vec<FluentValue<'static>>)> =
        taken.choosing.iter().map(|(name, keys)| (name.as_str(), values(keys))).collect();
    let first = values.iter().filter_map(|(name, of)| Some((*name, of.first()?.clone()))).collect();
    let mut all: Vec<Choice<'_>> = vec![first];
    let is_many = values.iter().try_fold(1_usize, |n, (_, of)| n.checked_mul(of.len()));
    let is_many = is_many.is_none_or(|n| n > FORMS_MAX);
    for (name, of) in &values {
        let beside = if is_many { all[..1].to_vec() } else { all.clone() };
        for value in of.iter().skip(1) {
            all.extend(beside.iter().cloned().map(|mut choice| {
                choice.insert(name, value.clone());
                choice
            }));
        }
    }
    all
}

/// Numbers, where forms are those of numbers; else the keys themselves.
fn values(keys: &BTreeSet<String>) -> Vec<FluentValue<'static>> {
    let number = |key: &str| key.parse::<f64>().ok();
    let counts = keys.iter().all(|key| number(key).is_some() || CATEGORIES.contains(&key.as_str()));
    let samples = NUMBERS.iter().filter(|n| counts && (n.fract() == 0.0 || keys.contains("many")));
    let written = keys.iter().filter_map(|key| match number(key) {
        Some(n) => Some(FluentValue::from(n)),
        None => (!counts).then(|| key.clone().into()),
    });
    samples.map(|n| FluentValue::from(*n)).chain(written).collect()
}

fn sample(words: Words<'_>, taken: &Taken, choice: &Choice<'_>) -> FluentArgs<'static> {
    let mut args = FluentArgs::new();
    for name in &taken.names {
        let known = || words.known(&format!("sample-{name}")).unwrap_or_else(|| format!("‹{name}›"));
        let value = choice.get(name.as_str()).cloned().unwrap_or_else(|| known().into());
        args.set(name.clone(), value);
    }
    args
}

/// As Telegram shows it.
pub(super) fn shown(words: Words<'_>, said: &[String]) -> Markup {
    html! {
        @for text in said {
            @match telegram_html::shown(text) {
                Ok(markup) => (markup),
                Err(unfit) => p class="note bad" { (unfit.say(words)) },
            }
        }
    }
}

pub(super) fn wrong_words(words: Words<'_>, wrong: &Wrong) -> String {
    use texts::Unfit;
    let of = |name: &str, what: &str| words.with(name, [("what", what.to_owned().into())]);
    match wrong {
        Wrong::Long => words.t("text-long"),
        Wrong::Html(unfit) => unfit.say(words),
        Wrong::Caption(long) => long.say(words),
        Wrong::Text(Unfit::Syntax { line, what }) => {
            let line = i64::try_from(*line).unwrap_or(i64::MAX);
            words.with("text-syntax", [("line", line.into()), ("what", what.as_str().into())])
        }
        Wrong::Text(Unfit::Empty) => words.t("text-empty"),
        Wrong::Text(Unfit::Several) => words.t("text-several"),
        Wrong::Text(Unfit::Unknown(what)) => of("text-unknown", what),
        Wrong::Text(Unfit::Lacks(what)) => of("text-lacks", what),
    }
}

pub(super) const LANGUAGES: [Lang; 2] = Lang::ALL;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::lang::Texts;

    #[test]
    fn each_form_is_said_once_with_samples_and_nothing_is_taken_for_html() {
        let texts = Texts::read().unwrap();
        let ru = texts.of(Lang::Ru);
        let counted =
            "{ $n ->\n    [one] { $n } кредит\n    [few] { $n } кредита\n   *[other] { $n } кредитов\n}";
        assert_eq!(said(ru, counted), ["5 кредитов", "1 кредит", "3 кредита"]);
        let in_full = "{ $n ->\n    [0] нет\n    [one] { $n } кредит\n    [few] { $n } кредита\n    [many] { $n } кредитов\n   *[other] { $n } кредита\n}";
        assert_eq!(said(ru, in_full), ["5 кредитов", "1 кредит", "3 кредита", "1.5 кредита", "нет"]);
        let why = "{ $reason ->\n    [policy] так нельзя\n   *[trouble] сломалось\n}";
        assert_eq!(said(ru, why), ["так нельзя", "сломалось"]);
        let both = format!("{why}, {counted}");
        assert_eq!(said(ru, &both).len(), 6, "each with each");
        assert_eq!(said(ru, "Да, <b>{ $whoever }</b>"), ["Да, <b>‹whoever›</b>"]);
        let html = shown(ru, &["<b>x</b> <script>alert(1)</script>".to_owned()]).into_string();
        assert!(!html.contains("<script"), "{html}");
        let html = shown(ru, &["<b>a</b> &lt;i&gt; <a href=\"https://t.me\">t</a>".to_owned()]).into_string();
        assert!(html.contains("<strong>a</strong> &lt;i&gt; <a"), "{html}");
    }

    #[test]
    fn what_telegram_or_fluent_would_not_take_is_refused() {
        let texts = Texts::read().unwrap();
        let ru = texts.of(Lang::Ru);
        let wrong = |own: &str| check(ru, "Hi, { $name }", own).unwrap_err();
        assert!(matches!(wrong("<b>{ $name }"), Wrong::Html(_)));
        assert!(matches!(wrong("<script>{ $name }</script>"), Wrong::Html(_)));
        assert!(matches!(wrong("a\nb }"), Wrong::Text(crate::texts::Unfit::Syntax { line: 2, .. })));
        assert!(matches!(wrong("Hi"), Wrong::Text(crate::texts::Unfit::Lacks(_))));
        let why = |policy: &str| format!("{{ $reason ->\n    [policy] {policy}\n   *[trouble] b\n}}");
        assert!(matches!(check(ru, &why("a"), &why("<b>a")), Err(Wrong::Html(_))));
        assert_eq!(check(ru, &why("a"), &why("<b>a</b>")), Ok(()));
        assert_eq!(wrong(&"ж".repeat(4_097)), Wrong::Long);
        assert_eq!(check(ru, "Hi, { $name }", "<i>{ $name }</i>, hi"), Ok(()));
    }
}
