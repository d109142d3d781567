//! Commands about credits alone: given, taken, run out, owed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::LotSource;
use crate::{Days, LotId, Micros, SomeCredits, Text};

/// What an operator may give credits as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantSource {
    Promo,
    Admin,
    Compensation,
}

impl From<GrantSource> for LotSource {
    fn from(source: GrantSource) -> Self {
        match source {
            GrantSource::Promo => Self::Promo,
            GrantSource::Admin => Self::Admin,
            GrantSource::Compensation => Self::Compensation,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditsGrant {
    pub credits: SomeCredits,
    pub source: GrantSource,
    pub reason: Text<500>,
    /// absent: as the catalog says for this source
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts_days: Option<Days>,
    /// an end by the calendar, in place of that
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Micros>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditsRevoke {
    pub credits: SomeCredits,
    pub reason: Text<500>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DebtForgive {
    pub credits: SomeCredits,
    pub reason: Text<500>,
}

/// By the ledger's timer. What is reserved of the lot expires when it comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LotsExpire {
    pub lot: LotId,
}
