//! Events of reconciliations: a day of a provider's books compared with the log, on the stream
//! `operations`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::ProviderId;
use crate::{Money, PaymentId, Provider, RefundId};

/// A Moscow day: days since 1970-01-01, at most the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct DayNumber(#[schemars(range(min = 0, max = 2_932_896))] i32);

impl DayNumber {
    const MAX: i32 = 2_932_896;

    pub fn new(days: i32) -> Option<Self> {
        (0..=Self::MAX).contains(&days).then_some(Self(days))
    }

    pub const fn get(self) -> i32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for DayNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = i32::deserialize(deserializer)?;
        Self::new(days).ok_or_else(|| {
            serde::de::Error::custom(format!("a day is 0 to {} since 1970-01-01, not {days}", Self::MAX))
        })
    }
}

/// Where the provider's side of a comparison came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatedBy {
    /// its API's lists
    Api,
    /// its registry, a file
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoneyMoved {
    Payment,
    Refund,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disagreement {
    /// the provider has it, the log does not
    MissingHere,
    /// the log has it, the provider does not
    MissingThere,
    AmountDiffers,
    CurrencyDiffers,
    FeeDiffers,
    /// the provider states a fee that the log does not know
    FeeUnknownHere,
    /// the provider states it twice
    TwiceThere,
}

/// One thing on which the provider's books and the log disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DifferenceFound {
    pub provider: Provider,
    pub day: DayNumber,
    pub by: StatedBy,
    pub what: Disagreement,
    pub of: MoneyMoved,
    /// the provider's id of the payment, charge or refund
    pub provider_id: ProviderId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
    /// amount, or fee where that is what disagrees
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theirs: Option<Money>,
}

/// How many, and how much together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    pub count: u32,
    pub sum: Money,
}

/// Both sides of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tallies {
    pub ours: Tally,
    pub theirs: Tally,
}

/// A day of a provider was compared with the log; what disagreed goes before this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationFinished {
    pub provider: Provider,
    pub day: DayNumber,
    pub by: StatedBy,
    pub payments: Tallies,
    pub refunds: Tallies,
    /// known ones
    pub fees: Tallies,
    pub matched: u32,
    /// also those for which a command had no room
    pub differences: u32,
}
