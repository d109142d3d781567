//! Events of generations: what was asked, tried, made and delivered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Attempt, Credits, GenerationId, MicroUsd, Text};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GenerationKind {
    Text,
    Picture,
    Edit,
}

impl GenerationKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Picture => "picture",
            Self::Edit => "edit",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        [Self::Text, Self::Picture, Self::Edit].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The prompt and the references are in side tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationRequested {
    pub generation: GenerationId,
    pub kind: GenerationKind,
    pub model: Text<64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aspect_ratio: Option<Text<8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Text<8>>,
    /// how many
    pub references: u8,
    pub credits: Credits,
    #[serde(deserialize_with = "crate::amounts::version")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub catalog_version: i64,
}

/// A worker has claimed it: one for each paid attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationStarted {
    pub generation: GenerationId,
    pub attempt: Attempt,
    pub worker: Text<64>,
    /// Nothing is on record yet of the attempt before it: whoever had it was not heard of again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

/// Tokens, as the vendor bills them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    pub prompt_tokens: u32,
    pub output_tokens: u32,
    pub thought_tokens: u32,
    /// part of output_tokens
    pub image_tokens: u32,
}

/// Why an attempt or a generation did not bring a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    Policy,
    NoPicture,
    TextInstead,
    RateLimited,
    QuotaExhausted,
    Overloaded,
    KeyInvalid,
    RegionBlocked,
    Truncated,
    TimedOut,
    TooLarge,
    InvalidRequest,
    /// No connection could be made.
    Unreachable,
    VendorError,
    NotAPicture,
    WorkerLost,
    AttemptsExhausted,
    Deadline,
    /// Telegram no longer has a picture that was to be shown.
    ReferenceGone,
    /// A call was left because nobody wanted it any more.
    Canceled,
}

impl Trouble {
    /// The vendor did no work: nothing was paid, and asking again later is no more than waiting.
    pub const fn is_unpaid(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded | Self::Unreachable)
    }

    /// Nothing whole was had of it: the vendor may have done the work, and bill it. An answer that says it is an
    /// error is none of these: Google charges for no call that failed (<https://ai.google.dev/gemini-api/docs/billing>).
    pub const fn is_in_doubt(self) -> bool {
        matches!(self, Self::TimedOut | Self::Truncated | Self::WorkerLost)
    }
}

/// What an attempt cost us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_version: Option<Text<64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<MicroUsd>,
    /// No bill came: the cost is what such a call costs, if the vendor did the work at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    pub latency_ms: u32,
}

/// An attempt that did not finish the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationAttempted {
    pub generation: GenerationId,
    pub attempt: Attempt,
    pub outcome: Trouble,
    pub spent: Spent,
}

/// How a success was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    Charged,
    Late,
    GivenAway,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaType {
    Jpeg,
    Png,
    Webp,
    Text,
}

impl MediaType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Text => "text",
        }
    }
}

/// One thing that was made; its digest and place are in a side table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub media_type: MediaType,
    pub bytes: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationSucceeded {
    pub generation: GenerationId,
    pub attempt: Attempt,
    pub settlement: Settlement,
    /// charged
    pub credits: Credits,
    pub outputs: Vec<Output>,
    pub spent: Spent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationFailed {
    pub generation: GenerationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    pub reason: Trouble,
    /// what its reservation gave back
    pub returned: Credits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CanceledBy {
    Person,
    Operator,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationCanceled {
    pub generation: GenerationId,
    pub by: CanceledBy,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationDelivered {
    pub generation: GenerationId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryTrouble {
    Blocked,
    Gone,
    BytesLost,
    Refused,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryFailed {
    pub generation: GenerationId,
    pub reason: DeliveryTrouble,
    /// not tried again
    pub r#final: bool,
}
