//! Commands about the account itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Text;

/// Opens the account of a person who is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountOpen {
    pub language: Text<8>,
    pub name: Text<128>,
    /// the payload of a referral link
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inviter: Option<Text<64>>,
}

/// Operational.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileUpdate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Text<8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<128>>,
}
