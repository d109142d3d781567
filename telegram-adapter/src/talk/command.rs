//! What a message asks for, by its words alone.

use crate::shop::START;

/// What the person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Start {
        inviter: Option<String>,
    },
    Plain(Command),
    /// A picture of this, which is not empty.
    Picture(String),
    /// Words that ask for a picture, if they answer nothing: the whole, and what is to be drawn.
    Wish {
        words: String,
        prompt: String,
    },
    /// `/prompt` or `/generate` without a prompt.
    PictureQuestion,
    /// With what is to be passed on, if it stands there.
    Support(Option<String>),
    /// An administrator's, with what stands behind it.
    Admin(Admin, String),
    /// A command that we don't have.
    Unknown,
    /// No command at all.
    Said(String),
    /// A command for another bot.
    NotForUs,
}

/// A command without arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Help,
    Balance,
    Topup,
    Settings,
    References,
    History,
    Referral,
    Clear,
    Cancel,
    Paysupport,
    Terms,
    Privacy,
    DeleteMe,
}

/// A command for administrators; nobody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admin {
    Help,
    Stats,
    User,
    Grant,
    Ban,
    Unban,
    Message,
    Broadcast,
}

/// Bot API: a start parameter is at most 64 of `A-Z a-z 0-9 _ -`.
const START_LEN_MAX: usize = 64;

impl Ask {
    pub fn read(text: &str, username: &str) -> Self {
        let text = text.trim();
        let Some(command) = text.strip_prefix('/') else { return Self::said(text) };
        let (command, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let (name, addressee) = command.split_once('@').unwrap_or((command, username));
        if !addressee.eq_ignore_ascii_case(username) {
            return Self::NotForUs;
        }
        let rest = rest.trim();
        let admin = |admin| Self::Admin(admin, rest.to_owned());
        match (name.to_ascii_lowercase().as_str(), rest) {
            // The link that a forwarded invoice has instead of its Pay button.
            ("start", START) => Self::Plain(Command::Topup),
            ("start", payload) => Self::Start { inviter: inviter(payload) },
            ("prompt" | "generate", "") => Self::PictureQuestion,
            ("prompt" | "generate", prompt) => Self::Picture(prompt.to_owned()),
            ("support", words) => Self::Support((!words.is_empty()).then(|| words.to_owned())),
            ("help", _) => Self::Plain(Command::Help),
            ("balance", _) => Self::Plain(Command::Balance),
            ("topup" | "buy", _) => Self::Plain(Command::Topup),
            ("settings", _) => Self::Plain(Command::Settings),
            ("refs", _) => Self::Plain(Command::References),
            ("history", _) => Self::Plain(Command::History),
            ("referral", _) => Self::Plain(Command::Referral),
            ("clear", _) => Self::Plain(Command::Clear),
            ("cancel", _) => Self::Plain(Command::Cancel),
            ("paysupport", _) => Self::Plain(Command::Paysupport),
            ("terms", _) => Self::Plain(Command::Terms),
            ("privacy", _) => Self::Plain(Command::Privacy),
            ("delete_me", _) => Self::Plain(Command::DeleteMe),
            ("admin", _) => admin(Admin::Help),
            ("stats", _) => admin(Admin::Stats),
            ("user", _) => admin(Admin::User),
            ("grant", _) => admin(Admin::Grant),
            ("ban", _) => admin(Admin::Ban),
            ("unban", _) => admin(Admin::Unban),
            ("message", _) => admin(Admin::Message),
            ("broadcast", _) => admin(Admin::Broadcast),
            _ => Self::Unknown,
        }
    }

    /// "Draw a cat" is a wish for a picture; everything else is talk.
    fn said(text: &str) -> Self {
        match drawn(text) {
            Some(prompt) => Self::Wish { words: text.to_owned(), prompt: prompt.to_owned() },
            None => Self::Said(text.to_owned()),
        }
    }
}

/// What is to be drawn, if the first word says that something is.
fn drawn(text: &str) -> Option<&str> {
    const WORDS: [&str; 10] = [
        "нарисуй",
        "нарисуйте",
        "изобрази",
        "изобразите",
        "рисуй",
        "сгенерируй",
        "draw",
        "paint",
        "sketch",
        "imagine",
    ];
    let (first, rest) = text.split_once(char::is_whitespace)?;
    let word = first.trim_end_matches([',', ':', '-', '—']).to_lowercase();
    let rest = rest.trim();
    (WORDS.contains(&word.as_str()) && !rest.is_empty()).then_some(rest)
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
        assert_eq!(read("/HELP me"), Ask::Plain(Command::Help));
        for topup in ["/topup", "/buy 100", "/start topup"] {
            assert_eq!(read(topup), Ask::Plain(Command::Topup), "{topup}");
        }
        assert_eq!(read("/support"), Ask::Support(None));
        assert_eq!(read("/support  where is it? "), Ask::Support(Some("where is it?".to_owned())));
        assert_eq!(read("/delete_me now"), Ask::Plain(Command::DeleteMe));
        assert_eq!(
            read("/grant 7 50 for patience"),
            Ask::Admin(Admin::Grant, "7 50 for patience".to_owned())
        );
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
    fn a_wish_for_a_picture_is_heard_by_its_first_word() {
        for text in ["нарисуй кота", "Нарисуй, кота", "Draw: кота", "imagine  кота", "НАРИСУЙ\nкота"]
        {
            let wish = Ask::Wish { words: text.to_owned(), prompt: "кота".to_owned() };
            assert_eq!(read(text), wish, "{text}");
        }
        for text in ["нарисуй", "draw", "How do I draw a cat?", "withdraw money", "нарисуйка кота"]
        {
            assert_eq!(read(text), Ask::Said(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_command_may_name_its_bot() {
        assert_eq!(read("/help@Plantain_Bot"), Ask::Plain(Command::Help));
        assert_eq!(read("/help@other_bot"), Ask::NotForUs);
    }

    #[test]
    fn everything_else_is_said() {
        assert_eq!(read("a cat /prompt"), Ask::Said("a cat /prompt".to_owned()));
        assert_eq!(read(""), Ask::Said(String::new()));
    }
}
