//! Events of the two streams that are nobody's: the catalog and the operators' acts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MediaType;
use crate::catalog::Catalog;
use crate::{Credits, Position, Text};

/// The whole catalog; every charge names the version it used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogPublished {
    #[serde(deserialize_with = "crate::amounts::version")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub version: i64,
    pub catalog: Catalog,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<500>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastStarted {
    pub broadcast: Text<64>,
    pub recipients: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastPaused {
    pub broadcast: Text<64>,
    pub reason: Text<500>,
}

/// With the counts as they were when it was decided: what was on its way then is counted in the broadcast's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastFinished {
    pub broadcast: Text<64>,
    pub sent: u32,
    pub failed: u32,
    pub blocked: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectionSwapped {
    pub projection: Text<64>,
    pub from: Text<64>,
    pub to: Text<64>,
    pub position: Position,
}

/// From here on an operator's act about money above so many credits needs another's word; absent: none does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FourEyesChanged {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Credits>,
    pub reason: Text<500>,
}

/// The last event of an act that one operator wanted, whom the row names, and another agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActApproved {
    /// `operator:<name>`
    pub approver: Text<64>,
    pub reason: Text<500>,
}

/// An act of an operator that has no event of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorActed {
    pub act: Text<64>,
    pub subject: Text<64>,
    pub reason: Text<500>,
    /// what it came to, of acts that say: the roles of somebody of the staff
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text<200>>,
}

/// A picture above a text of the bot's. Its bytes are in a side table, under their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextPicture {
    /// hex, of the bytes
    pub sha256: Text<64>,
    /// png or jpeg
    pub media_type: MediaType,
    pub bytes: u32,
}

/// A picture stands above this text from here on; absent: none does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PictureChanged {
    pub key: Text<64>,
    pub language: Text<8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<TextPicture>,
    pub reason: Text<500>,
}
