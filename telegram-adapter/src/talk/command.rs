//! What a message asks for.

use crate::shop::START;

/// What the person wants, by the text alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Start {
        inviter: Option<String>,
    },
    Help,
    Balance,
    Topup,
    /// Where to ask about payments.
    Paysupport,
    Terms,
    Privacy,
    /// A picture of this, which is not empty.
    Picture(String),
    /// `/prompt` or `/generate` without a prompt.
    PictureQuestion,
    Cancel,
    /// A command that we don't have.
    Unknown,
    /// No command at all.
    Said(String),
    /// A command for another bot.
    NotForUs,
}

/// Bot API: a start parameter is at most 64 of `A-Z a-z 0-9 _ -`.
const START_LEN_MAX: usize = 64;

impl Ask {
    pub fn read(text: &str, username: &str) -> Self {
        let text = text.trim();
        let Some(command) = text.strip_prefix('/') else { return Self::Said(text.to_owned()) };
        let (command, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let (name, addressee) = command.split_once('@').unwrap_or((command, username));
        if !addressee.eq_ignore_ascii_case(username) {
            return Self::NotForUs;
        }
        let rest = rest.trim();
        match (name.to_ascii_lowercase().as_str(), rest) {
            // The link that a forwarded invoice has instead of its Pay button.
            ("start", START) => Self::Topup,
            ("start", payload) => Self::Start { inviter: inviter(payload) },
            ("help", _) => Self::Help,
            ("balance", _) => Self::Balance,
            ("topup" | "buy", _) => Self::Topup,
            ("prompt" | "generate", "") => Self::PictureQuestion,
            ("prompt" | "generate", prompt) => Self::Picture(prompt.to_owned()),
            ("paysupport" | "support", _) => Self::Paysupport,
            ("terms", _) => Self::Terms,
            ("privacy", _) => Self::Privacy,
            ("cancel", _) => Self::Cancel,
            _ => Self::Unknown,
        }
    }
}

fn inviter(payload: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let fine = !payload.is_empty() && payload.len() <= START_LEN_MAX && payload.bytes().all(plain);
    fine.then(|| payload.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Ask {
        Ask::read(text, "plantain_bot")
    }

    #[test]
    fn commands_are_read_with_their_arguments_in_any_case() {
        assert_eq!(read("/start"), Ask::Start { inviter: None });
        assert_eq!(read("/start ref_42-x"), Ask::Start { inviter: Some("ref_42-x".to_owned()) });
        assert_eq!(read("/start bad payload"), Ask::Start { inviter: None });
        assert_eq!(read(&format!("/start {}", "x".repeat(65))), Ask::Start { inviter: None });
        assert_eq!(read("/HELP me"), Ask::Help);
        assert_eq!(read("/balance"), Ask::Balance);
        assert_eq!((read("/topup"), read("/buy 100")), (Ask::Topup, Ask::Topup));
        assert_eq!(read("/start topup"), Ask::Topup);
        assert_eq!(
            [read("/paysupport"), read("/support x"), read("/terms"), read("/privacy")],
            [Ask::Paysupport, Ask::Paysupport, Ask::Terms, Ask::Privacy]
        );
        assert_eq!(read("/cancel"), Ask::Cancel);
        assert_eq!((read("/dance"), read("/")), (Ask::Unknown, Ask::Unknown));
    }

    #[test]
    fn a_prompt_is_everything_after_the_command() {
        let cat = Ask::Picture("a cat\n in  space".to_owned());
        for text in
            ["/prompt a cat\n in  space", "/generate\ta cat\n in  space ", " /prompt\na cat\n in  space"]
        {
            assert_eq!(read(text), cat, "{text:?}");
        }
        for alone in ["/prompt", "/prompt \n ", "/generate"] {
            assert_eq!(read(alone), Ask::PictureQuestion, "{alone:?}");
        }
    }

    #[test]
    fn a_command_may_name_its_bot() {
        assert_eq!(read("/help@Plantain_Bot"), Ask::Help);
        assert_eq!(read("/help@other_bot"), Ask::NotForUs);
    }

    #[test]
    fn everything_else_is_said() {
        assert_eq!(read("a cat /prompt"), Ask::Said("a cat /prompt".to_owned()));
        assert_eq!(read(""), Ask::Said(String::new()));
    }
}
