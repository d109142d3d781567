//! Operational commands about what a person has set, sent and was asked: side tables that are erased with the account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Email, FileId, GenerationRequest};
use crate::Text;

/// Reference photos that are kept for a person, at most: what the vendor takes with one picture.
pub const REFERENCES_MAX: usize = 14;
/// Photos of an album, at most, by Telegram.
pub const ALBUM_MAX: usize = 10;

/// One choice of the settings; absent: as the catalog has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// for pictures and edits
    Model(Option<Text<64>>),
    AspectRatio(Option<Text<8>>),
    Size(Option<Text<8>>),
    /// pictures come as files, not as photos
    AsFile(bool),
}

/// Operational. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileUpdate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Text<8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<128>>,
    /// for receipts
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<Setting>,
    /// the conversation that chat goes on with; a new name begins a new one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Text<64>>,
    /// what the person was asked and has not answered yet, in the adapter's own words; empty: nothing
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits: Option<Text<256>>,
}

/// A picture that a person sent, as Telegram names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Photo {
    pub file_id: FileId,
    /// the same for the same file, whoever sends it and however often
    pub unique_id: Text<64>,
    pub width: u32,
    pub height: u32,
}

/// Operational: keeps photos for the person's pictures, each once. Answers what is kept then. Refused whole beyond [`REFERENCES_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferencesPut {
    pub photos: Vec<Photo>,
}

/// Operational: forgets one, or all. Answers what is kept then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferencesRemove {
    /// absent: all
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_id: Option<Text<64>>,
}

/// Operational: a part of an album has come. The same message is the same part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlbumPut {
    pub chat: i64,
    /// Telegram's media_group_id
    pub group: Text<64>,
    pub message: i64,
    pub photo: Photo,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<Text<4096>>,
}

/// Operational: takes the right to deal with an album whose parts have come, with a lease. The same claimant gets the
/// same grant again. Refused `album_done`, `album_held`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlbumClaim {
    pub chat: i64,
    pub group: Text<64>,
    pub claimant: Text<64>,
}

/// Operational: the album was dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlbumDone {
    pub chat: i64,
    pub group: Text<64>,
    pub claimant: Text<64>,
}

/// Operational: what a person wanted and could not pay, to be offered again after a top-up. The newest only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WishKeep {
    /// absent: forget it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<GenerationRequest>,
}

/// Operational: the person can be reached again. What waited for them is told now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonReach {
    pub reachable: bool,
}

/// Operational: this message in an administrator's chat stands for words of the envelope's person; a reply to it goes to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SupportNote {
    pub chat: i64,
    pub message: i64,
}
