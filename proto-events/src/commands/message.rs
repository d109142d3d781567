//! Messages that we write to people: to one by name, or to many as a broadcast. Texts and recipients are side tables.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FileId;
use crate::events::MessageKind;
use crate::{AccountId, Text};

/// A message of the bot's that is copied as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyOf {
    pub chat: i64,
    pub message: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkButton {
    pub label: Text<64>,
    /// https or tg
    pub url: Text<512>,
}

/// What is said: a text, with a picture above and a button below it if given; or a copy of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageContent {
    /// Telegram's HTML; at most 1024 characters beside a picture
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text<4096>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<FileId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button: Option<LinkButton>,
    /// in place of text and picture
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<CopyOf>,
}

impl MessageContent {
    /// What is wrong with it, for whoever wrote it.
    ///
    /// # Errors
    /// Why it can't be sent.
    pub fn check(&self) -> Result<(), &'static str> {
        let words = self.text.as_deref().map_or(0, |text| text.trim().chars().count());
        match (&self.copy_of, &self.picture) {
            (Some(_), Some(_)) => return Err("a copy has no picture of its own"),
            (Some(_), None) if self.text.is_some() => return Err("a copy has no text of its own"),
            (Some(_), None) => {}
            (None, None) if words == 0 => {
                return Err("there is nothing to say: give a text, a picture or a message to copy");
            }
            (None, Some(_)) if words > 1024 => {
                return Err("beside a picture there is room for 1024 characters");
            }
            (None, _) => {}
        }
        match &self.button {
            Some(button) if button.label.trim().is_empty() => Err("the button has no label"),
            Some(button) if !["https://", "tg://"].iter().any(|scheme| button.url.starts_with(scheme)) => {
                Err("the button's address begins with https:// or tg://")
            }
            _ => Ok(()),
        }
    }
}

/// A message to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageRequest {
    /// its id, made by whoever asks
    pub message: Text<64>,
    pub kind: MessageKind,
    pub content: MessageContent,
}

/// Whom a broadcast is for. Nobody who was erased, banned or can't be reached is among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    Everybody,
    /// who is spoken to in this language
    Language(Text<8>),
    /// who has topped up
    Payers,
    NeverPaid,
    /// who asked for something in the last days
    Active {
        days: u16,
    },
    /// who was here, but asked for nothing in the last days
    Quiet {
        days: u16,
    },
}

/// Operational: writes down a broadcast and its recipients, who are counted; nothing is sent. Once more under the same id
/// replaces one that has not been started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastDraft {
    pub broadcast: Text<64>,
    pub segment: Segment,
    pub content: MessageContent,
}

/// Starts a broadcast that was written down, or goes on with a paused one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastStart {
    pub broadcast: Text<64>,
    /// as they were counted
    pub recipients: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastPause {
    pub broadcast: Text<64>,
    pub reason: Text<500>,
}

/// By the ledger when nobody is left; by an operator: whoever is left is not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastFinish {
    pub broadcast: Text<64>,
    pub sent: u32,
    pub failed: u32,
    pub blocked: u32,
}

/// Operational: takes the right to send some of a running broadcast, with a lease; of several instances one has it.
/// Refused `nothing_to_send`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastClaim {
    pub claimant: Text<64>,
    pub limit: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SendOutcome {
    Sent,
    Failed,
    /// The person can't be reached.
    Blocked,
}

/// Operational: what came of one recipient. Refused `stale_claim` when another instance has the broadcast: then stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastTold {
    pub broadcast: Text<64>,
    pub claimant: Text<64>,
    pub account: AccountId,
    pub outcome: SendOutcome,
}

/// Operational: a text as the adapter has it built in, for whoever edits it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuiltInText {
    pub key: Text<64>,
    pub language: Text<8>,
    pub text: Text<4096>,
}

/// Operational: the texts that the adapter has built in; at most 50 at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextsKnown {
    pub texts: Vec<BuiltInText>,
}

/// Puts words in the place of a built-in text, on the stream `operations`. In the log as an act of the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentPut {
    pub key: Text<64>,
    pub language: Text<8>,
    /// absent: the built-in text again
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text<4096>>,
    pub reason: Text<500>,
}
