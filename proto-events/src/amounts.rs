//! Quantities: integers in minor units, bounded when they are decoded.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The largest integer that every JSON reader keeps exactly (RFC 8785, section 3.2.2.3): 2^53 − 1.
pub const INTEGER_MAX: i64 = (1 << 53) - 1;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {min} to {max}, not {found}")]
pub struct OutOfRange {
    pub what: &'static str,
    pub min: i64,
    pub max: i64,
    pub found: i64,
}

macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $what:literal, $min:expr, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "i64", into = "i64")]
        pub struct $name(i64);

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"description": $what, "type": "integer", "minimum": Self::MIN.0, "maximum": Self::MAX.0})
            }
        }

        /// The smallest there is.
        impl Default for $name {
            fn default() -> Self {
                Self::MIN
            }
        }

        impl $name {
            pub const MIN: Self = Self($min);
            pub const MAX: Self = Self($max);

            /// # Errors
            /// The value is outside the bounds.
            pub const fn new(value: i64) -> Result<Self, OutOfRange> {
                if value < $min || value > $max {
                    return Err(OutOfRange { what: $what, min: $min, max: $max, found: value });
                }
                Ok(Self(value))
            }

            pub const fn get(self) -> i64 {
                self.0
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

bounded!(
    /// Credits, 0 … 1 000 000 000.
    Credits, "credits", 0, 1_000_000_000
);
bounded!(
    /// Credits of which there must be some: a grant, a charge.
    SomeCredits, "a number of credits here", 1, 1_000_000_000
);
bounded!(
    /// Minor units of which there must be some.
    SomeMinor, "an amount in minor units here", 1, 1_000_000_000_000
);
bounded!(
    /// A time: µs since 1970-01-01 UTC.
    Micros, "a time in µs", 0, INTEGER_MAX
);
bounded!(
    /// A cost in micro-dollars.
    MicroUsd, "a cost in micro-dollars", 0, INTEGER_MAX
);
bounded!(
    /// Minor units of a currency: kopecks, whole stars.
    Minor, "an amount in minor units", 0, 1_000_000_000_000
);

bounded!(
    /// How long something lasts: a day to ten years.
    Days, "a number of days", 1, 3_650
);

impl From<SomeCredits> for Credits {
    fn from(some: SomeCredits) -> Self {
        Self(some.0)
    }
}

impl Days {
    pub const fn ms(self) -> i64 {
        self.0 * 86_400_000
    }
}

/// For `deserialize_with`: a version of the catalog, 1 to 2^53 − 1.
///
/// # Errors
/// Outside of that.
pub(crate) fn version<'de, D: serde::Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let found = i64::deserialize(from)?;
    if (1..=INTEGER_MAX).contains(&found) {
        return Ok(found);
    }
    let what = "a version of the catalog";
    Err(serde::de::Error::custom(OutOfRange { what, min: 1, max: INTEGER_MAX, found }))
}

impl Credits {
    pub const ZERO: Self = Self(0);

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(self.0 + other.0).ok()
    }

    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::new(self.0 - other.0).ok()
    }
}

impl Micros {
    /// This time moved by milliseconds, held within the bounds.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000)).clamp(0, INTEGER_MAX))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Currency {
    /// Russian rubles, minor unit kopeck.
    #[serde(rename = "RUB")]
    Rub,
    /// Telegram Stars, no minor unit.
    #[serde(rename = "XTR")]
    Xtr,
}

impl Currency {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Rub => "RUB",
            Self::Xtr => "XTR",
        }
    }

    /// Minor units in one unit.
    pub const fn scale(self) -> i64 {
        match self {
            Self::Rub => 100,
            Self::Xtr => 1,
        }
    }
}

/// An amount of money in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    pub amount: Minor,
    pub currency: Currency,
}

impl Money {
    pub const fn new(minor: i64, currency: Currency) -> Result<Self, OutOfRange> {
        match Minor::new(minor) {
            Ok(amount) => Ok(Self { amount, currency }),
            Err(e) => Err(e),
        }
    }

    pub const fn minor(self) -> i64 {
        self.amount.get()
    }
}

/// An amount of money above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SomeMoney {
    pub amount: SomeMinor,
    pub currency: Currency,
}

impl SomeMoney {
    pub const fn new(minor: i64, currency: Currency) -> Result<Self, OutOfRange> {
        match SomeMinor::new(minor) {
            Ok(amount) => Ok(Self { amount, currency }),
            Err(e) => Err(e),
        }
    }
}

impl From<SomeMoney> for Money {
    fn from(some: SomeMoney) -> Self {
        Self { amount: Minor(some.amount.0), currency: some.currency }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.currency {
            Currency::Rub => write!(f, "{}.{:02} RUB", self.minor() / 100, self.minor() % 100),
            Currency::Xtr => write!(f, "{} XTR", self.minor()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_outside_its_bounds_is_refused_when_decoded() {
        for bad in ["-1", "1000000001", "9007199254740993", "1.5", "\"5\"", "null", "1e3"] {
            assert!(serde_json::from_str::<Credits>(bad).is_err(), "{bad} was taken");
        }
        assert_eq!(serde_json::from_str::<Credits>("1000000000").unwrap(), Credits::MAX);
        assert_eq!(
            serde_json::from_str::<Credits>("-1").unwrap_err().to_string(),
            "credits must be 0 to 1000000000, not -1"
        );
    }

    #[test]
    fn what_must_be_some_is_never_none() {
        assert_eq!(
            serde_json::from_str::<SomeCredits>("0").unwrap_err().to_string(),
            "a number of credits here must be 1 to 1000000000, not 0"
        );
        assert!(serde_json::from_str::<SomeMoney>(r#"{"amount":0,"currency":"RUB"}"#).is_err());
        assert_eq!(SomeCredits::default().get(), 1);
        assert_eq!(Days::new(3_651).unwrap_err().max, 3_650);
    }

    #[test]
    fn money_is_shown_in_units() {
        assert_eq!(Money::new(10005, Currency::Rub).unwrap().to_string(), "100.05 RUB");
        assert_eq!(Money::new(50, Currency::Xtr).unwrap().to_string(), "50 XTR");
    }
}
