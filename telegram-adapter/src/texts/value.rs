//! What is put into a text: each type knows how it reads in each language.

use fluent_bundle::FluentValue;
use proto_events::events::{GenerationKind, Trouble};
use proto_events::queries::{BroadcastState, LineKind};
use proto_events::{Credits, Currency, Micros, Money};

use super::html::escape;
use super::{Lang, Texts};
use crate::clock;
use crate::ways::Way;

/// A value as a text takes it.
pub(super) enum Value {
    /// Shown as it is, escaped; also what a text chooses its words by.
    Text(String),
    /// As it is, and what a text chooses its words by.
    Number(i64),
    /// A number with its word in the right form, by the message of this name.
    Count(&'static str, i64),
    Money(Money),
    Day(Micros),
    Moment(Micros),
}

impl Value {
    pub(super) fn render(&self, texts: &Texts, lang: Lang) -> FluentValue<'static> {
        let text = match self {
            Self::Number(n) => return FluentValue::from(*n),
            Self::Text(text) => escape(text),
            Self::Count(name, n) => texts.count(lang, name, *n),
            Self::Money(money) => price(*money),
            Self::Day(at) => clock::day(*at, lang),
            Self::Moment(at) => clock::moment(*at, lang),
        };
        text.into()
    }
}

/// Kopecks only when there are any.
pub fn price(money: Money) -> String {
    let (whole, part) = (money.minor() / money.currency.scale(), money.minor() % money.currency.scale());
    match money.currency {
        Currency::Rub if part == 0 => format!("{whole}\u{a0}₽"),
        Currency::Rub => format!("{whole},{part:02}\u{a0}₽"),
        Currency::Xtr => format!("{whole}\u{a0}⭐"),
    }
}

/// "1 picture", "5 картинок".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pictures(pub i64);
/// "1 photo"
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Photos(pub i64);
/// "1 person"
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct People(pub i64);
/// "1 answer"
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers(pub i64);
/// A number alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number(pub i64);
/// A change, with its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change(pub i64);
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(pub Micros);
/// Day and time of it, by Moscow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub Micros);

/// What a failed picture or answer is explained by: the ledger's reasons in a person's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Policy,
    Nothing,
    Cut,
    Busy,
    Quota,
    Late,
    Large,
    Request,
    Reference,
    Canceled,
    Trouble,
}

impl From<Trouble> for Reason {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Policy => Self::Policy,
            Trouble::NoPicture | Trouble::TextInstead | Trouble::NotAPicture => Self::Nothing,
            Trouble::Truncated => Self::Cut,
            Trouble::RateLimited | Trouble::Overloaded => Self::Busy,
            Trouble::QuotaExhausted => Self::Quota,
            Trouble::TimedOut | Trouble::Deadline => Self::Late,
            Trouble::TooLarge => Self::Large,
            Trouble::InvalidRequest => Self::Request,
            Trouble::ReferenceGone => Self::Reference,
            Trouble::Canceled => Self::Canceled,
            Trouble::KeyInvalid
            | Trouble::RegionBlocked
            | Trouble::Unreachable
            | Trouble::VendorError
            | Trouble::WorkerLost
            | Trouble::AttemptsExhausted => Self::Trouble,
        }
    }
}

impl Reason {
    #[cfg(test)]
    pub(super) const ALL: [Self; 11] = [
        Self::Policy,
        Self::Nothing,
        Self::Cut,
        Self::Busy,
        Self::Quota,
        Self::Late,
        Self::Large,
        Self::Request,
        Self::Reference,
        Self::Canceled,
        Self::Trouble,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Nothing => "nothing",
            Self::Cut => "cut",
            Self::Busy => "busy",
            Self::Quota => "quota",
            Self::Late => "late",
            Self::Large => "large",
            Self::Request => "request",
            Self::Reference => "reference",
            Self::Canceled => "canceled",
            Self::Trouble => "trouble",
        }
    }
}

/// Makes a value of a type by an expression over it.
macro_rules! values {
    ($($ty:ty: |$it:ident| $value:expr),+ $(,)?) => {$(
        impl From<$ty> for Value {
            fn from($it: $ty) -> Self { $value }
        }
    )+};
}

fn word(word: &str) -> Value {
    Value::Text(word.to_owned())
}

values! {
    &str: |text| word(text),
    bool: |is| word(if is { "yes" } else { "no" }),
    Credits: |credits| Value::Count("count-credits", credits.get()),
    Pictures: |n| Value::Count("count-pictures", n.0),
    Photos: |n| Value::Count("count-photos", n.0),
    People: |n| Value::Count("count-people", n.0),
    Answers: |n| Value::Count("count-answers", n.0),
    Number: |n| Value::Number(n.0),
    Change: |n| Value::Text(if n.0 > 0 { format!("+{}", n.0) } else { n.0.to_string().replace('-', "−") }),
    Money: |money| Value::Money(money),
    Day: |day| Value::Day(day.0),
    Moment: |moment| Value::Moment(moment.0),
    Reason: |reason| word(reason.word()),
    GenerationKind: |kind| word(kind.as_str()),
    Lang: |lang| word(lang.code()),
    Way: |way| word(way_word(way)),
    LineKind: |kind| word(line_word(kind)),
    BroadcastState: |state| word(state_word(state)),
}

/// By which the texts choose a button's words.
const fn way_word(way: Way) -> &'static str {
    match way {
        Way::Page => "page",
        Way::Method(method) => method.as_str(),
        Way::Invoice => "invoice",
        Way::Stars => "stars",
    }
}

const fn line_word(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Welcome => "welcome",
        LineKind::Referral => "referral",
        LineKind::Promo => "promo",
        LineKind::Admin => "admin",
        LineKind::Compensation => "compensation",
        LineKind::Purchase => "purchase",
        LineKind::Restored => "restored",
        LineKind::Picture => "picture",
        LineKind::Edit => "edit",
        LineKind::Answer => "answer",
        LineKind::Returned => "returned",
        LineKind::Refund => "refund",
        LineKind::Revoked => "revoked",
        LineKind::Expired => "expired",
        LineKind::Debt => "debt",
        LineKind::DebtForgiven => "debt_forgiven",
    }
}

const fn state_word(state: BroadcastState) -> &'static str {
    match state {
        BroadcastState::Draft => "draft",
        BroadcastState::Running => "running",
        BroadcastState::Paused => "paused",
        BroadcastState::Finished => "finished",
    }
}

/// Values that show a text's forms, for the tests that look at all of them.
#[cfg(test)]
pub(super) trait Samples: Copy {
    fn samples() -> Vec<Self>;
}

#[cfg(test)]
mod samples {
    use super::*;

    macro_rules! samples {
        ($($ty:ty: $values:expr),+ $(,)?) => {$(
            impl Samples for $ty {
                fn samples() -> Vec<Self> { $values.into() }
            }
        )+};
    }

    fn c(n: i64) -> Credits {
        Credits::new(n).unwrap()
    }

    /// 2026-11-22, 17:05 by Moscow.
    fn at() -> Micros {
        Micros::new(1_795_356_300_000_000).unwrap()
    }

    samples! {
        &str: ["a<b>&c \"d\"", "Плантейн"],
        bool: [true, false],
        Credits: [c(105), c(1), c(22)],
        Pictures: [Pictures(1), Pictures(3), Pictures(25)],
        Photos: [Photos(1), Photos(2), Photos(14)],
        People: [People(1), People(4), People(11)],
        Answers: [Answers(2), Answers(1)],
        Number: [Number(0), Number(2), Number(4096)],
        Change: [Change(100), Change(-10)],
        Money: [Money::new(10_000, Currency::Rub).unwrap(), Money::new(75, Currency::Xtr).unwrap()],
        Day: [Day(at())],
        Moment: [Moment(at())],
        Reason: Reason::ALL,
        GenerationKind: [GenerationKind::Picture, GenerationKind::Edit, GenerationKind::Text],
        Lang: Lang::ALL,
        Way: Way::ALL,
        LineKind: [
            LineKind::Welcome, LineKind::Referral, LineKind::Promo, LineKind::Admin, LineKind::Compensation,
            LineKind::Purchase, LineKind::Restored, LineKind::Picture, LineKind::Edit, LineKind::Answer,
            LineKind::Returned, LineKind::Refund, LineKind::Revoked, LineKind::Expired, LineKind::Debt,
            LineKind::DebtForgiven,
        ],
        BroadcastState: [
            BroadcastState::Draft, BroadcastState::Running, BroadcastState::Paused, BroadcastState::Finished,
        ],
    }
}
