//! Texts above which the owner may put a picture: each is a message of its own. Those that are shown in the place of others (menus,
//! settings, statuses, bills) can't have one: Telegram makes no photo of a text.

/// The text, and the others that may stand in its message.
const PICTURED: [(&str, &[&str]); 16] = [
    ("chat-cleared", &[]),
    ("edit-ask", &[]),
    ("help", &[]),
    ("paysupport", &["support-contact", "support-here", "support-nobody"]),
    ("picture-ask", &[]),
    ("privacy", &["privacy-link"]),
    ("referral", &["referral-counts", "referral-none", "referral-line"]),
    ("refs-none", &[]),
    ("support-ask", &[]),
    ("support-sent", &[]),
    ("terms", &["terms-link", "terms-contact"]),
    ("topup-closed", &[]),
    ("unknown-command", &[]),
    ("welcome", &HELLO),
    ("welcome-back", &HELLO),
    ("welcome-bare", &HELLO),
];
const HELLO: [&str; 3] = ["enough-for", "short-by", "start-how"];

/// `None`: no picture may stand above it.
pub fn beside(name: &str) -> Option<&'static [&'static str]> {
    PICTURED.iter().find(|(text, _)| *text == name).map(|(_, beside)| *beside)
}

#[cfg(test)]
mod tests {
    use super::super::{Lang, Texts};
    use super::*;

    #[test]
    fn what_may_have_a_picture_is_said_and_fits_below_one() {
        for lang in Lang::ALL {
            let all = Texts::built_in(lang);
            let chars = |name: &str| {
                let found = all.iter().find(|(key, _)| key == name);
                found.unwrap_or_else(|| panic!("there is no text {name}")).1.chars().count()
            };
            for (name, others) in PICTURED {
                let whole = chars(name) + others.iter().map(|name| chars(name) + 2).sum::<usize>();
                assert!(whole <= 1_024, "{name} has {whole} characters");
            }
        }
    }
}
