//! What may be a mistake in what `up` is told, and does not keep it from starting.

use crate::settings::Settings;

/// Every variable is explained here (a house rule for the services' own).
const EXPLAINED: &str = include_str!("../../../.env.example");

/// Read by libraries, by the sandbox, or in tests.
const OTHERS: [&str; 11] = [
    "ALL_PROXY",
    "CHECKPOINT_ORIGIN",
    "CHECKPOINT_VKEY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_COLOR",
    "NO_PROXY",
    "RUST_BACKTRACE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TZ",
];

/// The sandbox has a variable for each of its options.
const SANDBOX: &str = "SANDBOX_";

/// So many letters may differ from a name that was meant.
const TYPOS_MAX: usize = 3;

/// A line each.
pub(super) fn of(settings: &Settings) -> Vec<String> {
    let mut remarks: Vec<String> = settings.variables.in_file().filter_map(unread).collect();
    if !settings.sandboxed.telegram && settings.variables.get("SUPPORT_CONTACT").is_none() {
        remarks.push(
            "SUPPORT_CONTACT is not set: the bot can't tell people where to write about payments".to_owned(),
        );
    }
    remarks
}

/// Why a name in `.env` looks wrong.
fn unread(name: &str) -> Option<String> {
    let known = || explained().chain(OTHERS);
    let upper = name.to_ascii_uppercase();
    if known().any(|known| known == name) || OTHERS.contains(&&*upper) || name.starts_with(SANDBOX) {
        return None;
    }
    let nearest = known().map(|known| (distance(&upper, known), known)).min();
    Some(match nearest.filter(|(typos, _)| *typos <= TYPOS_MAX.min(name.len() / 2)) {
        Some((_, meant)) => format!(".env: nothing reads {name}; is {meant} meant?"),
        None => format!(".env: nothing reads {name}; .env.example has every name"),
    })
}

fn explained() -> impl Iterator<Item = &'static str> {
    let named = EXPLAINED.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    named.map(|(name, _)| name).filter(move |name| !name.is_empty() && name.bytes().all(plain))
}

/// How many letters must be put in, taken out or exchanged.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let exchanged = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dotenv::Variables;

    fn remarks(pairs: &[(&str, &str)]) -> Vec<String> {
        of(&Settings::from(Variables::of(pairs)).unwrap())
    }

    #[test]
    fn a_name_that_nothing_reads_is_told_with_the_one_that_was_meant() {
        assert_eq!(
            remarks(&[("GEMINI_SAFTEY", "x"), ("MY_OWN", "1"), ("port", "1")]),
            [
                ".env: nothing reads GEMINI_SAFTEY; is GEMINI_SAFETY meant?",
                ".env: nothing reads MY_OWN; .env.example has every name",
                ".env: nothing reads port; is PORT meant?",
            ]
        );
        let fine =
            [("GEMINI_SAFETY", "x"), ("RUST_BACKTRACE", "1"), ("https_proxy", "x"), ("SANDBOX_DATES", "x")];
        assert_eq!(remarks(&fine), Vec::<String>::new());
        assert!(explained().count() > 60);
    }

    #[test]
    fn a_real_bot_without_a_place_to_write_to_is_remarked() {
        let bot = ("TELEGRAM_BOT_TOKEN", "1:a");
        assert!(remarks(&[bot])[0].starts_with("SUPPORT_CONTACT is not set"));
        assert_eq!(remarks(&[bot, ("SUPPORT_CONTACT", "@help")]), Vec::<String>::new());
    }

    #[test]
    fn typos_are_counted() {
        let typos = |one, other| distance(one, other);
        assert_eq!([typos("abc", "abc"), typos("", "ab"), typos("SAFTEY", "SAFETY")], [0, 2, 2]);
    }
}
