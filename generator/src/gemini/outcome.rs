//! What Google's reasons mean for us: https://ai.google.dev/api/generate-content#FinishReason and BlockReason.
//!
//! None of them is worth a second paid call: the same request would end the same way.

use proto_events::events::Trouble;

use super::Failure;

/// Why nothing was made: what the vendor says, else `otherwise`.
pub(super) fn nothing(block: Option<&str>, finish: Option<&str>, otherwise: Trouble) -> Failure {
    if let Some(block) = block.filter(|_| is_block(block)) {
        return Failure::give_up(Trouble::Policy, format!("block {}", code(block)));
    }
    let named = finish.map_or_else(|| "none".into(), code);
    Failure::give_up(trouble(finish, otherwise), format!("finish {named}"))
}

/// Those of today (SAFETY, OTHER, BLOCKLIST, PROHIBITED_CONTENT, IMAGE_SAFETY, MODEL_ARMOR, JAILBREAK) and those
/// to come: the prompt was refused.
pub(super) fn is_block(block: Option<&str>) -> bool {
    block.is_some_and(|block| block != "BLOCK_REASON_UNSPECIFIED")
}

/// What was said or painted so far is not for the person.
pub(super) fn is_refusal(finish: Option<&str>) -> bool {
    matches!(
        finish,
        Some(
            "SAFETY"
                | "RECITATION"
                | "BLOCKLIST"
                | "PROHIBITED_CONTENT"
                | "SPII"
                | "IMAGE_SAFETY"
                | "IMAGE_PROHIBITED_CONTENT"
                | "IMAGE_RECITATION"
        )
    )
}

fn trouble(finish: Option<&str>, otherwise: Trouble) -> Trouble {
    match finish {
        _ if is_refusal(finish) => Trouble::Policy,
        Some("LANGUAGE" | "MISSING_THOUGHT_SIGNATURE") => Trouble::InvalidRequest,
        // Words that came are worth more than the name of what did not.
        Some("NO_IMAGE" | "IMAGE_OTHER") if otherwise != Trouble::TextInstead => Trouble::NoPicture,
        Some("MAX_TOKENS") if otherwise == Trouble::VendorError => Trouble::Truncated,
        Some(
            "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "TOO_MANY_TOOL_CALLS" | "MALFORMED_RESPONSE",
        ) => Trouble::VendorError,
        // STOP, OTHER, none, and whatever Google thinks of next.
        _ => otherwise,
    }
}

/// A code of the vendor's for the log: short, without spaces.
pub(super) fn code(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::Remedy;

    #[test]
    fn every_finish_reason_has_a_meaning_for_pictures_and_for_texts() {
        use Trouble::{InvalidRequest, NoPicture, Policy, Truncated, VendorError};
        let table = [
            ("FINISH_REASON_UNSPECIFIED", NoPicture, VendorError),
            ("STOP", NoPicture, VendorError),
            ("MAX_TOKENS", NoPicture, Truncated),
            ("SAFETY", Policy, Policy),
            ("RECITATION", Policy, Policy),
            ("LANGUAGE", InvalidRequest, InvalidRequest),
            ("OTHER", NoPicture, VendorError),
            ("BLOCKLIST", Policy, Policy),
            ("PROHIBITED_CONTENT", Policy, Policy),
            ("SPII", Policy, Policy),
            ("MALFORMED_FUNCTION_CALL", VendorError, VendorError),
            ("IMAGE_SAFETY", Policy, Policy),
            ("IMAGE_PROHIBITED_CONTENT", Policy, Policy),
            ("IMAGE_OTHER", NoPicture, NoPicture),
            ("NO_IMAGE", NoPicture, NoPicture),
            ("IMAGE_RECITATION", Policy, Policy),
            ("UNEXPECTED_TOOL_CALL", VendorError, VendorError),
            ("TOO_MANY_TOOL_CALLS", VendorError, VendorError),
            ("MISSING_THOUGHT_SIGNATURE", InvalidRequest, InvalidRequest),
            ("MALFORMED_RESPONSE", VendorError, VendorError),
            ("A_REASON_OF_2030", NoPicture, VendorError),
        ];
        for (reason, picture, text) in table {
            let of = |otherwise| nothing(None, Some(reason), otherwise);
            assert_eq!(of(NoPicture), Failure::give_up(picture, format!("finish {reason}")));
            assert_eq!(of(VendorError), Failure::give_up(text, format!("finish {reason}")));
            let words = of(Trouble::TextInstead).trouble;
            let told = if picture == NoPicture { Trouble::TextInstead } else { picture };
            assert_eq!(words, told, "{reason}: words came and no picture");
        }
        assert_eq!(nothing(None, None, NoPicture).codes, "finish none");
    }

    #[test]
    fn every_block_reason_is_a_refusal_and_is_kept_by_name() {
        let reasons = [
            "SAFETY",
            "OTHER",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "IMAGE_SAFETY",
            "MODEL_ARMOR",
            "JAILBREAK",
            "A_REASON_OF_2030",
        ];
        for reason in reasons {
            let failure = nothing(Some(reason), None, Trouble::NoPicture);
            assert_eq!((failure.trouble, failure.remedy), (Trouble::Policy, Remedy::GiveUp), "{reason}");
            assert_eq!(failure.codes, format!("block {reason}"));
        }
        let unspecified = nothing(Some("BLOCK_REASON_UNSPECIFIED"), Some("STOP"), Trouble::NoPicture);
        assert_eq!(unspecified.trouble, Trouble::NoPicture);
    }

    #[test]
    fn codes_are_short_and_graphic() {
        assert_eq!(code("A B\nC\u{0451}"), "ABC");
        assert_eq!(code(&"x".repeat(100)).len(), 60);
    }
}
