//! Where mail goes, as people type it.

use proto_events::commands::Email;

/// RFC 5321: an address is at most 254 bytes.
const BYTES_MAX: usize = 254;

/// As lenient as mail is, as strict as a receipt needs: one @, something before it, a domain with a dot.
pub fn read_email(text: &str) -> Option<Email> {
    let text = text.trim();
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()[]\\".contains(c);
    let (name, domain) = text.split_once('@')?;
    let labels = || domain.split('.');
    let good = text.len() <= BYTES_MAX
        && text.chars().all(fits)
        && !name.is_empty()
        && !domain.contains('@')
        && labels().count() >= 2
        && labels().all(|label| !label.is_empty());
    good.then(|| Email::new(text).ok())?
}

/// What is no address and was meant as one: an @ within a word, or one word that ends as a domain does.
pub fn is_meant_as_email(text: &str) -> bool {
    let text = text.trim();
    let around = |word: &str| {
        word.split_once('@').is_some_and(|(a, b)| !a.is_empty() || !b.is_empty() && b.contains('.'))
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let domain = || {
        let last = text.rsplit_once('.').map_or("", |(_, last)| last);
        text.chars().all(plain) && last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic())
    };
    text.len() <= BYTES_MAX && (text.split_whitespace().any(around) || domain())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_what_stands_around_them() {
        for good in ["a@b.ru", "  anna.k+bot@mail.example.org\n", "анна@почта.рф", "o'neil@example.com"]
        {
            assert_eq!(read_email(good).as_deref().map(str::to_owned), Some(good.trim().to_owned()));
        }
    }

    #[test]
    fn a_mistyped_address_is_told_from_words() {
        for meant in
            ["anna@example", "anna@", "anna k@example.org", "anna.example.org", "a@b@c.ru", "@mail.ru"]
        {
            assert!(is_meant_as_email(meant) && read_email(meant).is_none(), "{meant:?}");
        }
        for words in
            ["a red fox", "cat", "a portrait of @anna", "Hi. A cat", "...", "3.5", "кот в сапогах.", "@anna"]
        {
            assert!(!is_meant_as_email(words), "{words:?}");
        }
    }

    #[test]
    fn what_no_receipt_can_be_sent_to_is_not_an_address() {
        let long = format!("{}@example.org", "a".repeat(250));
        for bad in [
            "",
            "anna",
            "anna@",
            "@example.org",
            "anna@example",
            "anna@.org",
            "anna@example.",
            "a@b@c.ru",
            "anna k@example.org",
            "anna@exam ple.org",
            "a\u{7}@b.ru",
            "a\0@b.ru",
            "Anna <a@b.ru>",
            "a@b..ru",
            "a@b.ru,c@d.ru",
            "a@b.ru\nbcc@d.ru",
            &long,
        ] {
            assert_eq!(read_email(bad), None, "{bad:?}");
        }
    }
}
