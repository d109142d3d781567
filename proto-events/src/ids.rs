//! Ids. Those of payments, generations and reservations carry their account, so that anything
//! can be routed without a look-up.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Producer;
use crate::amounts::{INTEGER_MAX, OutOfRange};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    #[error("an id here looks like {form}, not like {found:?}")]
    Form { form: &'static str, found: String },
    #[error("a command id is 1 to 120 of A-Z a-z 0-9 : _ . -, not {found:?}")]
    Command { found: String },
}

/// A stream of the log: a person's account, or one of the two streams that are nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub Uuid);

impl AccountId {
    pub const CATALOG: Self = Self(Uuid::from_u128(0x0000_0000_0000_8000_8000_0000_0000_0001));
    pub const OPERATIONS: Self = Self(Uuid::from_u128(0x0000_0000_0000_8000_8000_0000_0000_0002));

    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    pub fn is_person(self) -> bool {
        self != Self::CATALOG && self != Self::OPERATIONS
    }

    /// One of 16 buckets, a hex digit: events of one account are always in the same one.
    pub fn bucket(self) -> char {
        let digit = u32::from(self.0.as_bytes()[0] >> 4);
        char::from_digit(digit, 16).unwrap_or('0')
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AccountId {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        Uuid::from_str(s).map(Self).map_err(|_| BadId::Form { form: "a UUID", found: shorten(s) })
    }
}

impl JsonSchema for AccountId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AccountId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "uuid"})
    }
}

fn shorten(s: &str) -> String {
    s.chars().take(80).collect()
}

macro_rules! account_scoped {
    ($(#[$doc:meta])* $name:ident, $letter:literal, $form:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name {
            account: AccountId,
            tail: u64,
        }

        impl $name {
            /// The id of what this command opens: the same command always opens the same thing.
            pub fn derive(account: AccountId, producer: Producer, command: &CommandId) -> Self {
                let mut hasher = Sha256::new();
                hasher.update(producer.as_str());
                hasher.update([0]);
                hasher.update(command.as_str());
                let mut tail = [0; 8];
                tail.copy_from_slice(&hasher.finalize()[..8]);
                Self { account, tail: u64::from_be_bytes(tail) }
            }

            pub fn account(self) -> AccountId {
                self.account
            }

            pub fn tail(self) -> u64 {
                self.tail
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}-{}-{:016x}", $letter, self.account.0.simple(), self.tail)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(s: &str) -> Result<Self, BadId> {
                let parse = || {
                    let rest = s.strip_prefix(concat!($letter, "-"))?;
                    let (account, tail) = rest.split_once('-')?;
                    let hex = |t: &str, n| t.len() == n && t.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                    if !hex(account, 32) || !hex(tail, 16) {
                        return None;
                    }
                    let account = AccountId(Uuid::try_parse(account).ok()?);
                    Some(Self { account, tail: u64::from_str_radix(tail, 16).ok()? })
                };
                parse().ok_or_else(|| BadId::Form { form: $form, found: shorten(s) })
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(s: String) -> Result<Self, BadId> {
                s.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "pattern": concat!("^", $letter, "-[0-9a-f]{32}-[0-9a-f]{16}$")})
            }
        }
    };
}

account_scoped!(
    /// A top-up of ours; also the Idempotence-Key under which the provider is asked.
    PaymentId, "p", "p-<account>-<16 hex>"
);
account_scoped!(
    /// A request for a text, a picture or an edit.
    GenerationId, "g", "g-<account>-<16 hex>"
);
account_scoped!(
    /// Credits held for a generation.
    ReservationId, "r", "r-<account>-<16 hex>"
);
account_scoped!(
    /// Money going back.
    RefundId, "f", "f-<account>-<16 hex>"
);

impl ReservationId {
    /// The reservation that is made with a generation.
    pub fn of(generation: GenerationId) -> Self {
        Self { account: generation.account, tail: generation.tail }
    }

    /// The reservation by which a result that came after expiry is settled.
    pub fn late(generation: GenerationId) -> Self {
        Self { account: generation.account, tail: generation.tail ^ 0xf }
    }
}

/// A command's id: chosen by its producer from the thing itself, for ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommandId(String);

impl CommandId {
    pub const LEN_MAX: usize = 120;

    /// # Errors
    /// Empty, longer than 120 bytes, or with a character outside `A-Z a-z 0-9 : _ . -`.
    pub fn new(id: impl Into<String>) -> Result<Self, BadId> {
        let id = id.into();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'.' | b'-');
        if id.is_empty() || id.len() > Self::LEN_MAX || !id.bytes().all(plain) {
            return Err(BadId::Command { found: shorten(&id) });
        }
        Ok(Self(id))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for CommandId {
    type Error = BadId;
    fn try_from(s: String) -> Result<Self, BadId> {
        Self::new(s)
    }
}

impl From<CommandId> for String {
    fn from(id: CommandId) -> String {
        id.0
    }
}

impl JsonSchema for CommandId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CommandId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[A-Za-z0-9:_.-]{1,120}$"})
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "i64", into = "i64")]
        pub struct $name(i64);

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"description": $what, "type": "integer", "minimum": 0, "maximum": $max as i64})
            }
        }

        impl $name {
            pub const ZERO: Self = Self(0);

            /// # Errors
            /// Negative, or above the bound.
            pub const fn new(value: i64) -> Result<Self, OutOfRange> {
                if value < 0 || value > $max {
                    return Err(OutOfRange { what: $what, min: 0, max: $max, found: value });
                }
                Ok(Self(value))
            }

            pub const fn get(self) -> i64 {
                self.0
            }

            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl TryFrom<i64> for $name {
            type Error = OutOfRange;
            fn try_from(value: i64) -> Result<Self, OutOfRange> {
                Self::new(value)
            }
        }

        impl From<$name> for i64 {
            fn from(value: $name) -> i64 {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// The name of an event: 1, 2, 3 … without a gap; 0 is before the first.
    Position, "a position", INTEGER_MAX
);
counter!(
    /// A lot of credits: the account version of the event that granted it.
    LotId, "a lot", INTEGER_MAX
);
counter!(
    /// The number of a paid attempt at a generation, from 1; also its fencing token.
    Attempt, "an attempt", 1000
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_account_and_reads_back() {
        let account = AccountId::random();
        let command = CommandId::new("msg:1:2:3").unwrap();
        let id = GenerationId::derive(account, Producer::Telegram, &command);
        let back: GenerationId = id.to_string().parse().unwrap();
        assert_eq!((back, back.account()), (id, account));
        assert_eq!(id.to_string().len(), 51);
        assert_ne!(id, GenerationId::derive(account, Producer::Console, &command));
        assert_ne!(ReservationId::of(id), ReservationId::late(id));
    }

    #[test]
    fn an_id_of_another_kind_or_form_is_refused() {
        let account = AccountId::random();
        let id = PaymentId::derive(account, Producer::Telegram, &CommandId::new("x").unwrap()).to_string();
        assert!(id.parse::<GenerationId>().is_err());
        for bad in ["", "p-", &id[..50], &format!("{id}0"), &id.to_uppercase(), &id.replace('-', "+")] {
            assert!(bad.parse::<PaymentId>().is_err(), "{bad} was taken");
        }
        for bad in ["", "a b", "ключ", "a\0", &"x".repeat(121)] {
            assert!(CommandId::new(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn every_account_has_one_of_sixteen_buckets() {
        assert_eq!(AccountId::CATALOG.bucket(), '0');
        assert_eq!("f0000000-0000-4000-8000-000000000000".parse::<AccountId>().unwrap().bucket(), 'f');
    }
}
