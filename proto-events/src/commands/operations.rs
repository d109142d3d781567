//! Commands on the stream `operations`: acts of operators that touch nobody's account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Credits, Position, Text};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorAct {
    /// a code
    pub act: Text<64>,
    /// the id of what it was done to
    pub subject: Text<64>,
    pub reason: Text<500>,
}

/// As the owner has configured it; by the ledger itself, when it takes the lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FourEyesSet {
    /// absent: nobody needs another's word
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Credits>,
    pub reason: Text<500>,
}

/// Another table set of a projection is read from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectionSwap {
    pub projection: Text<64>,
    pub from: Text<64>,
    pub to: Text<64>,
    pub position: Position,
}

/// Operational: a command that was refused and kept is sent again, as if it came from its producer. Answers {answer, position?}:
/// `done`, or the code of its refusal. Refused `letter_not_found`, `letter_closed` (dropped), `letter_gone` (what it said is not kept).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterRetry {
    pub letter: Text<64>,
}
