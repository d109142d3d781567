use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use proto_events::Credits;
use proto_events::events::Trouble;

use super::*;

/// Of Telegram's HTML, as our texts use it.
const TAGS: [&str; 4] = ["b", "i", "code", "blockquote"];

/// Message name → the arguments it uses.
fn used(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            current = line.split(' ').next().unwrap_or_default().to_owned();
            messages.entry(current.clone()).or_default();
        }
        for argument in line.split('$').skip(1) {
            let end =
                argument.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(argument.len());
            messages.entry(current.clone()).or_default().insert(argument[..end].to_owned());
        }
    }
    messages
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_arguments() {
    let (ru, en) = (used(RU), used(EN));
    assert!(ru.len() > 40, "the reader of this test misses them: {}", ru.len());
    assert_eq!(ru, en);
}

#[test]
fn every_text_is_said_and_takes_just_the_arguments_it_is_given() {
    let mut files = used(EN);
    for say in Say::samples() {
        let (name, values) = say.parts();
        let given: BTreeSet<String> = values.iter().map(|(key, _)| (*key).to_owned()).collect();
        let wanted = files.get(name).unwrap_or_else(|| panic!("{say:?} has no text"));
        assert_eq!(&given, wanted, "{name}");
    }
    for say in Say::samples() {
        files.remove(say.parts().0);
    }
    let left: Vec<_> = files.into_keys().collect();
    let counts = ["count-answers", "count-credits", "count-people", "count-photos", "count-pictures"];
    assert_eq!(left, counts, "texts that nobody says");
}

#[test]
fn every_text_renders_as_html_that_telegram_reads() {
    let texts = Texts::read().unwrap();
    for lang in Lang::ALL {
        for say in Say::samples() {
            let html = texts.say(lang, say);
            let text = html.as_str();
            assert!(!text.is_empty() && !text.contains('{') && !text.contains('$'), "{say:?}: {text}");
            for tag in TAGS {
                let count = |what: String| text.matches(&what).count();
                assert_eq!(count(format!("<{tag}>")), count(format!("</{tag}>")), "{say:?}: {text}");
            }
            let known: usize = TAGS.iter().map(|tag| text.matches(&format!("<{tag}>")).count()).sum();
            assert_eq!(text.matches('<').count(), 2 * known, "{say:?}: {text}");
            assert!(units(&html.plain()) <= room(say.parts().0), "{say:?} is long");
        }
    }
}

/// What Telegram takes in the place where a text of this name stands, in UTF-16 units.
fn room(name: &str) -> usize {
    match name.split('-').next().unwrap_or_default() {
        _ if name.ends_with("-hint") => 64,
        _ if name == "invoice-title" => 32,
        _ if name == "invoice-description" => 255,
        _ if name.contains("caption") => 1024,
        "button" | "segment" => 64,
        "command" => 256,
        "tap" | "checkout" => 200,
        // Others stand above or below it in one message.
        _ => 1536,
    }
}

#[test]
fn the_largest_amounts_fit_an_invoice() {
    let texts = Texts::read().unwrap();
    let credits = Credits::MAX;
    for lang in Lang::ALL {
        for say in [Say::InvoiceTitle { credits }, Say::InvoiceDescription { credits }] {
            assert!((1..=room(say.parts().0)).contains(&units(&texts.label(lang, say))), "{say:?}");
        }
        for word in [Say::Banned, Say::SlowDown] {
            assert!(units(&texts.label(lang, word)) <= 200, "{word:?} answers taps too");
        }
    }
}

#[test]
fn what_comes_from_outside_is_escaped() {
    let texts = Texts::read().unwrap();
    let html = texts.say(Lang::En, Say::Refused { code: "<a href=\"x\">&" });
    assert!(html.as_str().contains("&lt;a href=&quot;x&quot;&gt;&amp;"), "{}", html.as_str());
}

#[test]
fn russian_counts_in_three_forms() {
    let texts = Texts::read().unwrap();
    let credits = |n| texts.count(Lang::Ru, "count-credits", n);
    assert_eq!(
        ["1 кредит", "2 кредита", "5 кредитов"],
        [credits(1), credits(2), credits(5)].each_ref().map(|s| &**s)
    );
    assert_eq!(
        ["11 кредитов", "21 кредит", "0 кредитов"],
        [credits(11), credits(21), credits(0)].each_ref().map(|s| &**s)
    );
    assert_eq!(credits(1_000_000_000), "1000000000 кредитов");
}

#[test]
fn the_language_is_the_nearer_one() {
    for (tag, lang) in
        [("ru", Lang::Ru), ("uk", Lang::Ru), ("be-BY", Lang::Ru), ("kk", Lang::Ru), ("RU", Lang::Ru)]
    {
        assert_eq!(Lang::of(Some(tag)), lang, "{tag}");
    }
    for tag in [Some("en"), Some("pt-br"), Some(""), Some("rum"), None] {
        assert_eq!(Lang::of(tag), Lang::En, "{tag:?}");
    }
}

#[test]
fn every_trouble_has_words() {
    assert_eq!(Reason::from(Trouble::Policy), Reason::Policy);
    assert_eq!(Reason::from(Trouble::Overloaded), Reason::Busy);
    assert_eq!(Reason::from(Trouble::WorkerLost), Reason::Trouble);
    assert_eq!(Reason::from(Trouble::Canceled), Reason::Canceled);
}

/// To renew after a change that was looked at: `UPDATE_TEXTS=1 cargo test -p telegram-adapter`.
#[test]
fn the_texts_are_those_that_were_looked_at() {
    let texts = Texts::read().unwrap();
    for lang in Lang::ALL {
        let mut page = String::new();
        for say in Say::samples() {
            writeln!(page, "── {}\n{}\n", say.parts().0, texts.say(lang, say).as_str()).unwrap();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/texts/{}.txt", lang.code()));
        if std::env::var_os("UPDATE_TEXTS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &page).unwrap();
        }
        let looked_at = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == looked_at, "{} differs from the texts:\n{page}", path.display());
    }
}
