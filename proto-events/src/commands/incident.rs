//! What an owner must know at night: told to administrators once, whoever noticed it and however often.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Text;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Incident {
    /// Gemini takes none of our keys, or nobody from this place: nothing is made. Of several generators the last that reports is
    /// believed.
    GeneratorShut,
    /// What people were to be told, or what was made for them, was given up. Told again when it goes on an hour later.
    TellingsGivenUp,
    /// Telegram takes a broadcast for none of those it is for. Told again when it goes on an hour later.
    BroadcastRefused,
}

impl Incident {
    pub const ALL: [Self; 3] = [Self::GeneratorShut, Self::TellingsGivenUp, Self::BroadcastRefused];

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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn all_are_all_and_are_called_as_on_the_wire() {
        let schema = Value::from(schemars::schema_for!(Incident));
        let words = schema["oneOf"].as_array().unwrap().iter().map(|one| one["const"].clone());
        assert_eq!(words.collect::<Vec<_>>(), Incident::ALL.map(|one| json!(one)));
        assert_eq!(Incident::ALL.map(|one| json!(one.as_str())), Incident::ALL.map(|one| json!(one)));
    }
}
