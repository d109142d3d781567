//! Commands about generations and their delivery.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ChatContext;
use crate::catalog::Catalog;
use crate::events::{DeliveryTrouble, GenerationKind, MediaType, Spent, Trouble};
use crate::{Attempt, GenerationId, PaymentId, Position, ReservationId, SomeCredits, Text};

/// A vendor's id of a file, as Telegram gives it.
pub type FileId = Text<256>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationRequest {
    pub kind: GenerationKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Text<64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aspect_ratio: Option<Text<8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Text<8>>,
    pub prompt: Text<4096>,
    pub references: Vec<FileId>,
    pub context: ChatContext,
    /// The model's instructions: who it is, how it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Text<4096>>,
    /// A conversation of this account that it goes on with; a new name begins a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Text<64>>,
    /// An edit of what this generation of the same account made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<GenerationId>,
}

impl GenerationRequest {
    /// From words alone, by the model that the catalog takes when none is named.
    pub const fn new(kind: GenerationKind, prompt: Text<4096>, context: ChatContext) -> Self {
        Self {
            kind,
            model: None,
            aspect_ratio: None,
            size: None,
            prompt,
            references: Vec::new(),
            context,
            system: None,
            conversation: None,
            follows: None,
        }
    }

    /// What was added later counts only where it is given: older digests stay what they are.
    pub(super) fn meaning(&self) -> Value {
        let mut meaning = json!({
            "kind": self.kind, "model": self.model, "aspect_ratio": self.aspect_ratio, "size": self.size,
            "prompt": self.prompt, "references": self.references,
        });
        let later = [
            ("system", json!(self.system)),
            ("conversation", json!(self.conversation)),
            ("follows", json!(self.follows)),
        ];
        for (name, given) in later.into_iter().filter(|(_, given)| !given.is_null()) {
            meaning[name] = given;
        }
        meaning
    }
}

/// Before every paid call. `attempt` is one more than the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationClaim {
    pub generation: GenerationId,
    pub worker: Text<64>,
    pub attempt: Attempt,
}

/// An attempt that did not finish the job; its cost is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationAttempt {
    pub generation: GenerationId,
    pub attempt: Attempt,
    pub outcome: Trouble,
    pub spent: Spent,
    /// The vendor asked to wait: nobody may claim before this has passed. Not in the event.
    #[serde(default)]
    pub retry_after_ms: u32,
}

/// One thing that was made, in the object store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MadeOutput {
    /// its name in the bucket `images`
    pub object: Text<160>,
    /// hex, of the bytes
    pub sha256: Text<64>,
    pub media_type: MediaType,
    pub bytes: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationComplete {
    pub generation: GenerationId,
    pub attempt: Attempt,
    pub outputs: Vec<MadeOutput>,
    pub spent: Spent,
    /// Less was made than was asked for: so much is charged, the rest goes back. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<SomeCredits>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationFail {
    pub generation: GenerationId,
    pub attempt: Attempt,
    pub reason: Trouble,
    pub spent: Spent,
    /// For `text_instead`: the words that came, in the object store, for the person to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<MadeOutput>,
}

/// The person, or an operator, no longer wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationCancel {
    pub generation: GenerationId,
}

/// By the ledger's timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationExpire {
    pub reservation: ReservationId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryConfirm {
    pub generation: GenerationId,
    pub file_ids: Vec<FileId>,
    /// of the same files, in the same order: by these a picture is known that a person answers to
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique_ids: Vec<Text<64>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryFail {
    pub generation: GenerationId,
    pub reason: DeliveryTrouble,
    pub r#final: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogPublish {
    #[serde(deserialize_with = "crate::amounts::version")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub version: i64,
    pub catalog: Catalog,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<500>>,
}

/// Operational: extends the lease of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationRenew {
    pub generation: GenerationId,
    pub attempt: Attempt,
}

/// Operational: takes the right to tell an event to its person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryClaim {
    pub position: Position,
    /// A name made anew for each try to tell: asked again under the same name, the same right is
    /// granted again, so that a lost answer costs nothing.
    pub claimant: Text<64>,
}

/// Operational: extends the right to tell while it takes long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryRenew {
    pub position: Position,
    pub attempt: Attempt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    Told,
    Blocked,
    Refused,
}

/// Operational: closes a telling that has no event of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryDone {
    pub position: Position,
    pub attempt: Attempt,
    pub outcome: DeliveryOutcome,
}

/// Operational: where the status message is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContextUpdate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<GenerationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    pub status_message: i64,
}

/// Operational: this consumer has done everything up to here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsumerDone {
    pub consumer: Text<64>,
    pub position: Position,
}

/// Operational: this consumer can't get an event done, and goes on trying unless the answer says that it was dropped; or has got it done
/// after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsumerStuck {
    pub consumer: Text<64>,
    pub position: Position,
    /// how often it was shown
    pub tries: u32,
    /// absent: it is done
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Text<500>>,
}
