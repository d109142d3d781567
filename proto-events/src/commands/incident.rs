//! What an owner must know at night: told to administrators once, whoever noticed it and however often.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Text;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Incident {
    /// Gemini takes none of our keys, or nobody from this place: nothing is made.
    GeneratorShut,
    /// What people were to be told, or what was made for them, was given up. Over after an hour without another.
    TellingsGivenUp,
    /// Telegram takes a broadcast for none of those it is for. Over after an hour without another.
    BroadcastRefused,
}

impl Incident {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GeneratorShut => "generator_shut",
            Self::TellingsGivenUp => "tellings_given_up",
            Self::BroadcastRefused => "broadcast_refused",
        }
    }
}

/// Operational: so it is now, as far as the producer can see. Said again, it changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentReport {
    pub incident: Incident,
    /// false: it is over
    pub open: bool,
}

/// Operational: takes the right to tell administrators that an incident began or is over, with a lease. One that was over
/// before it was told is never told. Refused `nothing_to_tell`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentClaim {
    pub claimant: Text<64>,
}

/// Operational: administrators know that it is open, or over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentTold {
    pub incident: Incident,
    pub open: bool,
    pub claimant: Text<64>,
}
