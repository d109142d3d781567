//! What comes of telling, and how often it is tried.

use proto_events::Attempt;

use crate::outbound::Error;

/// A try in doubt may have been seen: nobody is to get the same thing more often than this. With a
/// lease of 20 s Telegram has then been failing for seven minutes at least.
const IN_DOUBT_MAX: i64 = 20;
/// Tries that reach nobody annoy nobody: with a lease of 20 s these last five hours, in which
/// Telegram, the object store or a wrong token can be put right. Below what an `Attempt` can count.
const UNREACHED_MAX: i64 = 900;

/// What came of telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Told,
    /// The person blocked the bot or is gone.
    Blocked,
    /// Telegram will not take it.
    Refused,
    /// Nothing was sent; when the lease is over it is found again.
    Later,
    /// It may have been sent; when the lease is over it is found again.
    InDoubt,
    /// The ledger does not know yet what came of it; nothing is sent again before the lease is over.
    Unrecorded,
    /// The lease was over before the telling was, and somebody else has it, or it is closed.
    Overtaken,
}

impl Outcome {
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Blocked(_) => Self::Blocked,
            Error::Refused(_) | Error::Unsupported => Self::Refused,
            Error::Flood(_) | Error::Token | Error::NotReached(_) => Self::Later,
            Error::InDoubt(_) => Self::InDoubt,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::Later => "later",
            Self::InDoubt => "in_doubt",
            Self::Unrecorded => "unrecorded",
            Self::Overtaken => "overtaken",
        }
    }

    /// For operators, of what is tried again; `None`: it is not.
    pub(super) const fn why(self) -> Option<&'static str> {
        match self {
            Self::Later => {
                Some("nothing was sent: Telegram or the object store was not reached, or asks to wait")
            }
            Self::InDoubt => {
                Some("it may have been sent: Telegram's answer is missing, or telling it hung or panicked")
            }
            Self::Unrecorded => Some("the ledger has not recorded what came of it"),
            Self::Told | Self::Blocked | Self::Refused | Self::Overtaken => None,
        }
    }

    /// Whether a second try under the same claim may help.
    pub(super) const fn is_passing(self) -> bool {
        matches!(self, Self::Later | Self::InDoubt)
    }

    /// Whether it is still to be told.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Later | Self::InDoubt | Self::Unrecorded)
    }

    /// Of two tries: whatever may have been sent by the first was not taken back by the second.
    pub(super) const fn then(self, second: Self) -> Self {
        match second {
            Self::Later => self,
            other => other,
        }
    }

    /// Whether this was the last try.
    pub(super) const fn is_last(self, attempt: Attempt) -> bool {
        match self {
            Self::Later => attempt.get() >= UNREACHED_MAX,
            Self::InDoubt | Self::Unrecorded => attempt.get() >= IN_DOUBT_MAX,
            Self::Told | Self::Blocked | Self::Refused | Self::Overtaken => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(outcome: Outcome, attempt: i64) -> bool {
        outcome.is_last(Attempt::new(attempt).unwrap())
    }

    #[test]
    fn what_may_be_seen_again_and_again_ends_soon_and_what_nobody_sees_ends_late() {
        for seen in [Outcome::InDoubt, Outcome::Unrecorded] {
            assert!(!last(seen, IN_DOUBT_MAX - 1));
            assert!(last(seen, IN_DOUBT_MAX) && last(seen, UNREACHED_MAX));
        }
        assert!(!last(Outcome::Later, UNREACHED_MAX - 1));
        assert!(last(Outcome::Later, UNREACHED_MAX));
        for over in [Outcome::Told, Outcome::Blocked, Outcome::Refused, Outcome::Overtaken] {
            assert!(!last(over, UNREACHED_MAX) && !over.is_open(), "nothing is left to end");
        }
    }

    #[test]
    fn a_try_in_doubt_stays_so_until_another_brings_certainty() {
        assert_eq!(Outcome::InDoubt.then(Outcome::Later), Outcome::InDoubt);
        assert_eq!(Outcome::Later.then(Outcome::InDoubt), Outcome::InDoubt);
        assert_eq!(Outcome::Later.then(Outcome::Later), Outcome::Later);
        assert_eq!(Outcome::InDoubt.then(Outcome::Told), Outcome::Told);
    }
}
