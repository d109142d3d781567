//! Texts above which the owner may put a picture: each is a message of its own. Those that are shown in the place of others (menus,
//! settings, statuses, bills) can't have one: Telegram makes no photo of a text.

/// Of those who came by a person's link, the newest are listed.
pub const REFERRED_MAX: usize = 10;

/// The text, and the others that may stand in its message, each as often as it may.
const PICTURED: [(&str, &[&str]); 16] = [
    ("chat-cleared", &[]),
    ("edit-ask", &[]),
    ("help", &[]),
    ("paysupport", &["support-contact", "support-here", "support-nobody"]),
    ("picture-ask", &[]),
    ("privacy", &["privacy-link"]),
    ("referral", &REFERRAL),
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
const REFERRAL: [&str; 2 + REFERRED_MAX] = {
    let mut all = ["referral-line"; 2 + REFERRED_MAX];
    (all[0], all[1]) = ("referral-counts", "referral-none");
    all
};
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
    fn the_list_of_those_who_came_is_counted_whole() {
        let lines = beside("referral").unwrap().iter().filter(|name| **name == "referral-line");
        assert_eq!(lines.count(), REFERRED_MAX);
    }

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
