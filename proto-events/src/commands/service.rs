//! How a service is: told to the ledger by each of them, so that whoever looks at one place knows of all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Text;

/// Something that a service needs to be ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceNeed {
    pub name: Text<32>,
    /// whether it has it
    pub met: bool,
}

/// Operational: this instance is there, and how it is. Said every few seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceReport {
    /// a name of its own, as long as it runs
    pub instance: Text<32>,
    pub version: Text<32>,
    /// at most 16
    pub needs: Vec<ServiceNeed>,
    /// it was told to stop: nothing is wrong when nothing more is heard
    pub ends: bool,
}
