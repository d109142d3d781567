//! What a button brings back: at most 64 bytes, checked when it returns, since a client may send
//! anything. A nonce stands for one intent, so that a tap sent twice is one command.

use std::fmt;

use proto_events::commands::Setting;
use proto_events::queries::{BroadcastState, BroadcastView};
use proto_events::{AccountId, GenerationId, Micros, Position, Text};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::texts::Lang;
use crate::ways::Way;

/// Bot API: callback_data is 1–64 bytes.
const BYTES_MAX: usize = 64;
/// 24 hex digits. A command's id has the person in it too: whoever guesses another's nonce meets only their own commands.
pub(super) const NONCE_LEN: usize = 24;

/// The end of a generation's id: whoever taps knows the beginning, their account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail(String);

impl Tail {
    const LEN: usize = 16;

    pub fn of(generation: GenerationId) -> Self {
        let id = generation.to_string();
        Self(id.rsplit('-').next().unwrap_or_default().to_owned())
    }

    /// The generation of this account that ends so.
    pub fn generation(&self, account: AccountId) -> Option<GenerationId> {
        format!("g-{}-{}", account.0.simple(), self.0).parse().ok()
    }

    fn read(text: &str) -> Option<Self> {
        (text.len() == Self::LEN && text.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }
}

/// A page of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Model,
    Ratio,
    Size,
    Language,
}

/// What is done with a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Start,
    Pause,
    Stop,
    Look,
}

/// How a broadcast stood for whoever was shown a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Written down then, and not started.
    Draft(Micros),
    /// In the state that it came into by this event.
    Since(Position),
    /// A draft, but any: of buttons that were sent before they named it.
    SomeDraft,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Press {
    /// The home menu, in the place of this message.
    Menu,
    Balance,
    /// Show the packages.
    Topup,
    /// Show the packages in the place of this message.
    Packages,
    /// Ask for another address for receipts, on the way to this package.
    Email {
        package: Text<64>,
    },
    /// Buy this package, once for this nonce.
    Buy {
        nonce: String,
        package: Text<64>,
    },
    /// The same, in this way.
    Pay {
        nonce: String,
        way: Way,
        package: Text<64>,
    },
    Settings,
    Choose(Choice),
    Set(Setting),
    Speak(Lang),
    References,
    /// The photo with this digest of its unique id.
    RemoveReference(String),
    ClearReferences,
    History {
        before: Option<Position>,
    },
    Statement {
        before: Option<Position>,
    },
    /// Send a result again, by file id.
    Resend(Tail),
    Invite,
    Help,
    /// The same request once more, once for this nonce.
    Again {
        nonce: String,
        of: Tail,
    },
    Change(Tail),
    Original(Tail),
    Cancel(Tail),
    /// What could not be paid before, once for this nonce.
    Wish {
        nonce: String,
    },
    /// Everything of theirs, once for this nonce, if no more credits are lost than they were told.
    Erase {
        nonce: String,
        told: i64,
    },
    Keep,
    /// An administrator's message, in their chat with us, is for these people.
    Segment {
        message: i64,
        segment: char,
    },
    Broadcast {
        step: Step,
        broadcast: Text<64>,
        seen: Seen,
    },
}

const fn is_hex(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f')
}

impl Press {
    /// A new intent to buy a package.
    pub fn buy(package: Text<64>) -> Self {
        Self::Buy { nonce: Self::nonce(), package }
    }

    /// Of an intent.
    pub fn nonce() -> String {
        let mut nonce = Uuid::new_v4().simple().to_string();
        nonce.truncate(NONCE_LEN);
        nonce
    }

    /// Of an intent that a message expressed: the same however often it comes.
    pub fn nonce_of(chat: i64, message: i64) -> String {
        digest(&format!("{chat}:{message}"), NONCE_LEN)
    }

    /// Names a photo by its unique id, which may be too long for a button.
    pub fn photo(unique_id: &str) -> String {
        digest(unique_id, Tail::LEN)
    }

    /// `None`: it does not fit under a button (a package with a very long name).
    pub fn data(&self) -> Option<String> {
        let page = |letter: &str, before: &Option<Position>| match before {
            Some(before) => format!("{letter}:{before}"),
            None => letter.to_owned(),
        };
        let data = match self {
            Self::Menu => "h".to_owned(),
            Self::Balance => "l".to_owned(),
            Self::Topup => "m".to_owned(),
            Self::Packages => "k".to_owned(),
            Self::Settings => "s".to_owned(),
            Self::References => "r".to_owned(),
            Self::ClearReferences => "rc".to_owned(),
            Self::Invite => "i".to_owned(),
            Self::Help => "?".to_owned(),
            Self::Keep => "zn".to_owned(),
            Self::Choose(choice) => format!("s:{}", choice.letter()),
            Self::Set(Setting::Model(model)) => format!("sm:{}", model.as_deref().unwrap_or_default()),
            Self::Set(Setting::AspectRatio(ratio)) => format!("sr:{}", ratio.as_deref().unwrap_or_default()),
            Self::Set(Setting::Size(size)) => format!("sz:{}", size.as_deref().unwrap_or_default()),
            Self::Set(Setting::AsFile(file)) => format!("sf:{}", u8::from(*file)),
            Self::Speak(lang) => format!("sl:{}", lang.code()),
            Self::RemoveReference(photo) => format!("rx:{photo}"),
            Self::History { before } => page("y", before),
            Self::Statement { before } => page("t", before),
            Self::Resend(tail) => format!("yr:{}", tail.0),
            Self::Again { nonce, of } => format!("a:{nonce}:{}", of.0),
            Self::Change(tail) => format!("c:{}", tail.0),
            Self::Original(tail) => format!("o:{}", tail.0),
            Self::Cancel(tail) => format!("x:{}", tail.0),
            Self::Wish { nonce } => format!("v:{nonce}"),
            Self::Erase { nonce, told } => format!("z:{nonce}:{told}"),
            Self::Segment { message, segment } => format!("g:{message}:{segment}"),
            Self::Broadcast { step, broadcast, seen } => format!("q{}:{broadcast}:{seen}", step.letter()),
            Self::Email { package } => format!("e:{package}"),
            Self::Buy { nonce, package } => format!("b:{nonce}:{package}"),
            Self::Pay { nonce, way, package } => format!("w:{nonce}:{}:{package}", way.letter()),
        };
        (data.len() <= BYTES_MAX).then_some(data)
    }

    pub fn read(data: &str) -> Option<Self> {
        if data.len() > BYTES_MAX {
            return None;
        }
        let Some((kind, rest)) = data.split_once(':') else { return Self::read_plain(data) };
        let nonce =
            |text: &str| (text.len() == NONCE_LEN && text.bytes().all(is_hex)).then(|| text.to_owned());
        let before = || rest.parse().ok().and_then(|at: i64| Position::new(at).ok());
        Some(match kind {
            "s" => Self::Choose(Choice::of_letter(rest)?),
            "sm" => Self::Set(Setting::Model(given(rest)?)),
            "sr" => Self::Set(Setting::AspectRatio(given(rest)?)),
            "sz" => Self::Set(Setting::Size(given(rest)?)),
            "sf" if ["0", "1"].contains(&rest) => Self::Set(Setting::AsFile(rest == "1")),
            "sl" => Self::Speak(Lang::ALL.into_iter().find(|lang| lang.code() == rest)?),
            "rx" => Self::RemoveReference(Tail::read(rest)?.0),
            "y" => Self::History { before: Some(before()?) },
            "t" => Self::Statement { before: Some(before()?) },
            "yr" => Self::Resend(Tail::read(rest)?),
            "c" => Self::Change(Tail::read(rest)?),
            "o" => Self::Original(Tail::read(rest)?),
            "x" => Self::Cancel(Tail::read(rest)?),
            "v" => Self::Wish { nonce: nonce(rest)? },
            "z" => {
                let (first, told) = rest.split_once(':')?;
                Self::Erase { nonce: nonce(first)?, told: told.parse().ok().filter(|told| *told >= 0)? }
            }
            "e" => Self::Email { package: name(rest)? },
            "a" | "b" | "w" => {
                let (first, rest) = rest.split_once(':')?;
                let nonce = nonce(first)?;
                match kind {
                    "a" => Self::Again { nonce, of: Tail::read(rest)? },
                    "b" => Self::Buy { nonce, package: name(rest)? },
                    _ => {
                        let (way, id) = rest.split_once(':')?;
                        Self::Pay { nonce, way: Way::of_letter(way)?, package: name(id)? }
                    }
                }
            }
            "g" => {
                let (message, segment) = rest.split_once(':')?;
                let mut letters = segment.chars();
                let segment = letters.next().filter(|_| letters.next().is_none())?;
                Self::Segment { message: message.parse().ok().filter(|id| *id > 0)?, segment }
            }
            kind => {
                let step = Step::of_letter(kind.strip_prefix('q')?)?;
                let (broadcast, seen) = rest.split_once(':').unwrap_or((rest, "0"));
                Self::Broadcast { step, broadcast: name(broadcast)?, seen: Seen::read(seen)? }
            }
        })
    }

    fn read_plain(data: &str) -> Option<Self> {
        Some(match data {
            "h" => Self::Menu,
            "l" => Self::Balance,
            "m" => Self::Topup,
            "k" => Self::Packages,
            "s" => Self::Settings,
            "r" => Self::References,
            "rc" => Self::ClearReferences,
            "y" => Self::History { before: None },
            "t" => Self::Statement { before: None },
            "i" => Self::Invite,
            "?" => Self::Help,
            "zn" => Self::Keep,
            _ => return None,
        })
    }
}

fn digest(text: &str, len: usize) -> String {
    Sha256::digest(text).iter().take(len / 2).map(|byte| format!("{byte:02x}")).collect()
}

fn name(id: &str) -> Option<Text<64>> {
    Text::new(id).ok().filter(|id: &Text<64>| !id.as_str().is_empty())
}

/// Empty stands for none.
fn given<const MAX: usize>(text: &str) -> Option<Option<Text<MAX>>> {
    if text.is_empty() { Some(None) } else { Text::new(text).ok().map(Some) }
}

impl Choice {
    pub(super) const ALL: [Self; 4] = [Self::Model, Self::Ratio, Self::Size, Self::Language];

    const fn letter(self) -> &'static str {
        match self {
            Self::Model => "m",
            Self::Ratio => "r",
            Self::Size => "z",
            Self::Language => "l",
        }
    }

    fn of_letter(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.letter() == letter)
    }
}

impl Step {
    pub(super) const ALL: [Self; 4] = [Self::Start, Self::Pause, Self::Stop, Self::Look];

    const fn letter(self) -> &'static str {
        match self {
            Self::Start => "g",
            Self::Pause => "p",
            Self::Stop => "x",
            Self::Look => "l",
        }
    }

    fn of_letter(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.letter() == letter)
    }
}

impl Seen {
    pub fn of(view: &BroadcastView) -> Self {
        match view.state {
            BroadcastState::Draft => Self::Draft(view.drafted_at),
            _ => Self::Since(view.changed),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse::<i64>().ok();
        Some(match text.strip_prefix('d') {
            Some(at) => Self::Draft(Micros::new(number(at)?).ok()?),
            None => match Position::new(number(text)?).ok()? {
                Position::ZERO => Self::SomeDraft,
                changed => Self::Since(changed),
            },
        })
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draft(at) => write!(f, "d{at}"),
            Self::Since(changed) => write!(f, "{changed}"),
            Self::SomeDraft => f.write_str("0"),
        }
    }
}
