//! Events of the two streams that are nobody's: the catalog and the operators' acts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::{Position, Text};

/// The whole catalog; every charge names the version it used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogPublished {
    #[serde(deserialize_with = "crate::amounts::version")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub version: i64,
    pub catalog: Catalog,
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

/// An act of an operator that has no event of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorActed {
    pub act: Text<64>,
    pub subject: Text<64>,
    pub reason: Text<500>,
}
