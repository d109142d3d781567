//! The ledger's refusals in a person's words.

use proto_events::Refused;

use crate::texts::{Number, Say};

pub fn say(refused: &Refused) -> Say<'_> {
    match refused.code.as_str() {
        "account_banned" => Say::Banned,
        "prompt_empty" => Say::PromptEmpty,
        "prompt_too_long" => {
            Say::PromptTooLong { max: Number(max(refused).unwrap_or(PROMPT_CHARS_MAX).into()) }
        }
        "too_many_running" => Say::TooManyRunning,
        "too_many_open" => Say::TooManyOpen,
        "too_many_references" => Say::PhotosFull { max: Number(max(refused).unwrap_or_default().into()) },
        // A button of a message that is older than the prices.
        "package_unknown" | "rail_off" | "method_off" => Say::PackageGone,
        // One intent has one outcome, whatever the button of it says now.
        "command_id_reused" => Say::ButtonUsed,
        code => Say::Refused { code },
    }
}

/// Of the contract: docs/EVENTS.md.
pub const PROMPT_CHARS_MAX: u32 = 4096;

/// The bound, if the ledger names it.
fn max(refused: &Refused) -> Option<u32> {
    refused.details["max"].as_u64().and_then(|max| u32::try_from(max).ok())
}

#[cfg(test)]
mod tests {
    use proto_events::Text;
    use serde_json::json;

    use super::*;

    fn refused(code: &str) -> Refused {
        Refused { code: Text::new(code).unwrap(), message: String::new(), details: json!({"max": 1000}) }
    }

    #[test]
    fn known_codes_have_their_words_and_others_show_the_code() {
        assert_eq!(say(&refused("account_banned")), Say::Banned);
        assert_eq!(say(&refused("prompt_too_long")), Say::PromptTooLong { max: Number(1000) });
        assert_eq!(say(&refused("package_unknown")), Say::PackageGone);
        assert_eq!(say(&refused("command_id_reused")), Say::ButtonUsed, "nothing is said of prices");
        assert_eq!(say(&refused("moon_in_retrograde")), Say::Refused { code: "moon_in_retrograde" });
    }
}
