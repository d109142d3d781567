//! Commands about the account itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, Position, Text};

/// Opens the account of a person who is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountOpen {
    pub language: Text<8>,
    pub name: Text<128>,
    /// the payload of a referral link: the inviter's account id; what is none, or nobody's, is passed over
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inviter: Option<Text<64>>,
}

/// The account may not spend any more; what it has is kept, and what runs ends normally.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountBan {
    pub reason: Text<500>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountUnban {
    pub reason: Text<500>,
}

/// Deletes everything personal. What is left of the credits is given up, which must be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountErase {
    /// the person was told what is lost, and goes on
    #[serde(default)]
    pub forfeit: bool,
}

/// A person who was here already, but has done nothing yet, followed a referral link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferralRegister {
    pub inviter: AccountId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReferralSide {
    Inviter,
    Invited,
}

impl ReferralSide {
    pub const ALL: [Self; 2] = [Self::Inviter, Self::Invited];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inviter => "inviter",
            Self::Invited => "invited",
        }
    }
}

/// By the ledger's tailer of the log, once for each side of a ReferralRegistered; how much is the
/// catalog's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferralBonus {
    pub invited: AccountId,
    pub side: ReferralSide,
    /// of the ReferralRegistered
    pub cause: Position,
}
