//! Telegram's Bot API, judged by the types of crate `frankenstein`, which know neither us nor teloxide.

use super::{Judge, Vendor};

pub(super) const VENDOR: Vendor = Vendor {
    judge: Judge::Program { package: "e2e", program: "botapi", sdk: "frankenstein 0.52.1" },
    adapter: "telegram-adapter",
    whole: &["whole_way", "telegram_money", "bot_requests"],
    must: "sendPhoto",
    must_quick: "sendMessage",
    about: || Ok(Vec::new()),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::paths;

    #[test]
    fn the_judge_is_the_one_that_is_named() {
        let Judge::Program { sdk, .. } = VENDOR.judge else { panic!("a program judges Telegram") };
        let lock = std::fs::read_to_string(paths::root().join("Cargo.lock")).expect("there is a Cargo.lock");
        let (name, version) = sdk.split_once(' ').expect("a name and a version");
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{sdk}");
    }
}
