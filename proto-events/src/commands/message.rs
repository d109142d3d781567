//! Messages that we write to people: to one by name, or to many as a broadcast. Texts and recipients are side tables.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FileId;
use crate::events::{MessageKind, TextPicture};
use crate::{AccountId, Micros, Text};

/// A message of the bot's that is copied as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyOf {
    pub chat: i64,
    pub message: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message is CHAT:MESSAGE, two numbers")]
pub struct BadCopy;

/// `CHAT:MESSAGE`, as people write it.
impl FromStr for CopyOf {
    type Err = BadCopy;

    fn from_str(text: &str) -> Result<Self, BadCopy> {
        let (chat, message) = text.rsplit_once(':').ok_or(BadCopy)?;
        let number = |text: &str| text.parse().map_err(|_| BadCopy);
        Ok(Self { chat: number(chat)?, message: number(message)? })
    }
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

/// What is wrong with a message, for whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadContent {
    #[error("a copy has no picture of its own")]
    CopyWithPicture,
    #[error("a copy has no text of its own")]
    CopyWithText,
    #[error("there is nothing to say: give a text, a picture or a message to copy")]
    Nothing,
    #[error("beside a picture there is room for 1024 characters")]
    LongBesidePicture,
    #[error("the button has no label")]
    ButtonLabel,
    #[error("the button's address begins with https:// or tg://")]
    ButtonAddress,
}

impl MessageContent {
    /// # Errors
    /// Why it can't be sent.
    pub fn check(&self) -> Result<(), BadContent> {
        let words = self.text.as_deref().map_or(0, |text| text.trim().chars().count());
        match (&self.copy_of, &self.picture) {
            (Some(_), Some(_)) => return Err(BadContent::CopyWithPicture),
            (Some(_), None) if self.text.is_some() => return Err(BadContent::CopyWithText),
            (Some(_), None) => {}
            (None, None) if words == 0 => return Err(BadContent::Nothing),
            (None, Some(_)) if words > 1024 => return Err(BadContent::LongBesidePicture),
            (None, _) => {}
        }
        match &self.button {
            Some(button) if button.label.trim().is_empty() => Err(BadContent::ButtonLabel),
            Some(button) if !["https://", "tg://"].iter().any(|scheme| button.url.starts_with(scheme)) => {
                Err(BadContent::ButtonAddress)
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is everybody, payers, never-paid, language:ru, active:30 or quiet:30")]
pub struct BadSegment;

/// `active:30`, as people write it.
impl FromStr for Segment {
    type Err = BadSegment;

    fn from_str(text: &str) -> Result<Self, BadSegment> {
        let days = |n: &str| n.parse().ok().filter(|days| *days > 0).ok_or(BadSegment);
        match text.split_once(':').unwrap_or((text, "")) {
            ("everybody", "") => Ok(Self::Everybody),
            ("payers", "") => Ok(Self::Payers),
            ("never-paid", "") => Ok(Self::NeverPaid),
            ("language", code) if !code.is_empty() => {
                Text::new(code).map(Self::Language).map_err(|_| BadSegment)
            }
            ("active", n) => Ok(Self::Active { days: days(n)? }),
            ("quiet", n) => Ok(Self::Quiet { days: days(n)? }),
            _ => Err(BadSegment),
        }
    }
}

/// Operational: writes down a broadcast and its recipients, who are counted; nothing is sent. Once more under the same id
/// replaces one that has not been started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastDraft {
    pub broadcast: Text<64>,
    pub segment: Segment,
    pub content: MessageContent,
    /// When the draft that is changed was written down; 0: there is to be none. Of another draft than this it is refused. Without it any
    /// draft is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Micros>,
}

/// Starts a broadcast that was written down, or goes on with a paused one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastStart {
    pub broadcast: Text<64>,
    /// as they were counted
    pub recipients: u32,
    /// When what was looked at was written down: written down anew since, it is not started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafted_at: Option<Micros>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastPause {
    pub broadcast: Text<64>,
    pub reason: Text<500>,
}

/// By the ledger when nobody is left; by an operator: whoever is left is not told. The counts are what was seen by whoever asks;
/// the ledger puts those of its own in their place.
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
    /// Present: the text is a message of its own, so that a picture may stand above it. The texts that may stand in that
    /// message too, each as often as it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Vec<Text<64>>>,
}

/// Operational: the texts that the adapter has built in; at most 50 at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextsKnown {
    pub texts: Vec<BuiltInText>,
    /// Where `beside` is absent, no picture may stand. An adapter that is older than pictures says nothing of them.
    #[serde(default)]
    pub pictured: bool,
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

/// Puts a picture above a text of the bot's, on the stream `operations`. The ledger has its bytes already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PicturePut {
    pub key: Text<64>,
    pub language: Text<8>,
    /// absent: none any more
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<TextPicture>,
    /// the digest of the one that was seen there; absent: there was none
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Text<64>>,
    pub reason: Text<500>,
}
