//! What the bot has asked and waits an answer to. Kept by the ledger with the person's profile, in words that only
//! this file knows, so that any instance goes on.

use proto_events::queries::Awaited;
use proto_events::{GenerationId, Micros, Text};

use crate::ways::Way;

/// After so long a question is forgotten: what comes then is talk.
const AGE_MAX_US: i64 = 6 * 3600 * 1_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaits {
    /// What to draw.
    Prompt,
    /// What to change.
    Edit(GenerationId),
    /// Where receipts go, on the way to this package, in this way if it was chosen already.
    Email { package: Option<Text<64>>, way: Option<Way> },
    /// What is to be passed on to people.
    Support,
    /// The rest of an album that is passed on to people, of which this message was the last so far.
    Passed { group: Text<64>, last: i64 },
    /// Nothing any more: this message was the answer, and is no talk when it comes again.
    Answered(i64),
}

impl Awaits {
    /// What is still waited for at this moment.
    pub fn read(awaited: Option<&Awaited>, now: Micros) -> Option<Self> {
        let awaited = awaited.filter(|awaited| now.get() - awaited.since.get() < AGE_MAX_US)?;
        let mut words = awaited.what.splitn(3, ' ');
        match (words.next()?, words.next(), words.next()) {
            ("prompt", None, None) => Some(Self::Prompt),
            ("support", None, None) => Some(Self::Support),
            ("answered", Some(message), None) => message.parse().ok().map(Self::Answered),
            ("passed", Some(last), Some(group)) => {
                Some(Self::Passed { group: Text::new(group).ok()?, last: last.parse().ok()? })
            }
            ("edit", Some(generation), None) => generation.parse().ok().map(Self::Edit),
            ("email", way, package) => {
                let package = package.and_then(|package| Text::new(package).ok());
                Some(Self::Email { package, way: way.and_then(Way::of_letter) })
            }
            _ => None,
        }
    }

    /// Whether an answer is waited for.
    pub const fn is_question(&self) -> bool {
        !matches!(self, Self::Answered(_) | Self::Passed { .. })
    }

    pub fn words(&self) -> Text<256> {
        Text::lossy(&match self {
            Self::Prompt => "prompt".to_owned(),
            Self::Support => "support".to_owned(),
            Self::Answered(message) => format!("answered {message}"),
            Self::Passed { group, last } => format!("passed {last} {group}"),
            Self::Edit(generation) => format!("edit {generation}"),
            Self::Email { package, way } => {
                let package = package.as_ref().map(|package| format!(" {package}")).unwrap_or_default();
                format!("email {}{package}", way.map_or('-', Way::letter))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proto_events::{AccountId, CommandId, Producer};

    use super::*;

    fn read(what: Text<256>, age_us: i64) -> Option<Awaits> {
        let since = Micros::new(1_000).unwrap();
        Awaits::read(Some(&Awaited { what, since }), Micros::new(1_000 + age_us).unwrap())
    }

    #[test]
    fn what_is_waited_for_reads_back_until_it_is_old() {
        let command = CommandId::new("msg:1:2:3").unwrap();
        let generation = GenerationId::derive(AccountId::OPERATIONS, Producer::Telegram, &command);
        let package = Some(Text::lossy(&"p".repeat(64)));
        for awaits in [
            Awaits::Prompt,
            Awaits::Support,
            Awaits::Answered(i64::MAX),
            Awaits::Passed { group: Text::lossy(&"9".repeat(64)), last: i64::MAX },
            Awaits::Edit(generation),
            Awaits::Email { package: None, way: None },
            Awaits::Email { package: package.clone(), way: None },
            Awaits::Email { package, way: Some(Way::Stars) },
        ] {
            assert_eq!(read(awaits.words(), AGE_MAX_US - 1), Some(awaits.clone()));
            assert_eq!(read(awaits.words(), AGE_MAX_US), None);
        }
    }

    #[test]
    fn other_words_are_nothing() {
        for what in ["", "dance", "edit", "edit g-1", "prompt now", "support me", "passed 7", "passed x g1"] {
            assert_eq!(read(Text::lossy(what), 0), None, "{what:?}");
        }
        assert_eq!(Awaits::read(None, Micros::default()), None);
    }
}
