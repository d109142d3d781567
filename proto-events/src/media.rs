//! What adapters say to each other in the account MEDIA, and how things there are named. All of it may be lost.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::commands::FileId;
use crate::events::MediaType;
use crate::{AccountId, Attempt, GenerationId, Text};

/// Turns that a conversation keeps; the oldest go first.
pub const TURNS_MAX: usize = 20;
/// Characters that a conversation keeps, of prompts and answers together.
pub const CONVERSATION_CHARS_MAX: usize = 32_000;

/// How long whoever asks for a file waits for an answer, then asks again: for 20 MB from Telegram.
pub const FETCH_PATIENCE: Duration = Duration::from_secs(30);

/// A piece of a text while it is being written. Whoever misses one waits for the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LivePiece {
    /// A new attempt begins anew.
    pub attempt: Attempt,
    /// How many characters (Unicode scalar values) came before it.
    pub at: u32,
    pub text: String,
}

/// Telegram wants no more calls for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FloodNotice {
    /// Absent: to no chat at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<i64>,
    pub for_ms: u64,
}

/// Asks for a file of Telegram's, in the object store. Answered with [`Fetched`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FetchFile {
    pub file_id: FileId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Fetched {
    /// It lies there, as it came.
    Here(FetchedFile),
    /// Telegram does not give it, now or later.
    Gone { reason: Text<256> },
    /// Over what Telegram gives to bots (20 MB), or not a picture.
    Unfit { reason: Text<256> },
    /// Ask again.
    Later { reason: Text<256> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FetchedFile {
    pub object: Text<160>,
    /// hex, of the bytes
    pub sha256: Text<64>,
    pub media_type: MediaType,
    pub bytes: u32,
}

/// A conversation so far, as the bucket `sessions` holds it under [`conversation_key`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// Oldest first.
    pub turns: Vec<Turn>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    pub generation: GenerationId,
    pub prompt: String,
    pub answer: String,
}

impl Conversation {
    /// Adds a turn, or puts it in place of one of the same generation, and forgets the oldest beyond the bounds.
    pub fn put(&mut self, turn: Turn) {
        match self.turns.iter_mut().find(|old| old.generation == turn.generation) {
            Some(old) => *old = turn,
            None => self.turns.push(turn),
        }
        while self.turns.len() > TURNS_MAX || (self.turns.len() > 1 && self.chars() > CONVERSATION_CHARS_MAX)
        {
            self.turns.remove(0);
        }
    }

    fn chars(&self) -> usize {
        self.turns.iter().map(|turn| turn.prompt.chars().count() + turn.answer.chars().count()).sum()
    }
}

/// A conversation's name is of `A-Za-z0-9_-`.
pub fn is_conversation_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    !name.is_empty() && name.bytes().all(plain)
}

/// The key of a conversation in the bucket `sessions`. `None`: that is no name.
pub fn conversation_key(account: AccountId, name: &str) -> Option<String> {
    is_conversation_name(name).then(|| format!("chat.{account}.{name}"))
}

/// Where a file of Telegram's lies once it was fetched, by its id.
pub fn file_object(file_id: &str) -> String {
    format!("files/{}", sha256_hex(file_id.as_bytes()))
}

/// Where the n-th thing lies that an attempt made.
pub fn output_object(generation: GenerationId, attempt: i64, n: usize) -> String {
    format!("{generation}/{attempt}/{n}")
}

/// Where an attempt says what it made, last of all.
pub fn result_object(generation: GenerationId, attempt: i64) -> String {
    format!("{generation}/{attempt}/result")
}

/// Where the model's signatures of an attempt lie, for an edit.
pub fn signatures_object(generation: GenerationId, attempt: i64) -> String {
    format!("{generation}/{attempt}/signatures")
}

/// Where what a generation said and painted lies, as the model must be shown it again in an edit.
pub fn turn_object(generation: GenerationId) -> String {
    format!("{generation}/turn")
}

/// Lower-case hex of the SHA-256, as the ledger keeps it.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommandId, Producer};

    fn turn(n: usize, answer: &str) -> Turn {
        let command = CommandId::new(format!("msg:1:2:{n}")).unwrap();
        let generation = GenerationId::derive(AccountId::CATALOG, Producer::Telegram, &command);
        Turn { generation, prompt: n.to_string(), answer: answer.to_owned() }
    }

    #[test]
    fn a_conversation_keeps_its_newest_turns_within_bounds_and_each_once() {
        let mut all = Conversation::default();
        (0..TURNS_MAX + 5).for_each(|n| all.put(turn(n, "a")));
        assert_eq!((all.turns.len(), all.turns[0].prompt.as_str()), (TURNS_MAX, "5"));
        all.put(turn(TURNS_MAX + 4, "b"));
        assert_eq!((all.turns.len(), all.turns[TURNS_MAX - 1].answer.as_str()), (TURNS_MAX, "b"));
        all.put(turn(99, &"ы".repeat(CONVERSATION_CHARS_MAX + 1)));
        assert_eq!(all.turns.len(), 1, "the newest is kept however long it is");
    }

    #[test]
    fn a_digest_is_written_in_lower_case_hex() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!((sha256_hex(b"").as_str(), hex(&[0, 0x9f, 0xff]).as_str()), (empty, "009fff"));
    }

    #[test]
    fn a_conversation_has_a_key_without_dots_or_stars() {
        let account = AccountId::CATALOG;
        assert_eq!(conversation_key(account, "a-1").unwrap(), format!("chat.{account}.a-1"));
        for bad in ["", "a.b", "*", ">", "a b", "ё"] {
            assert_eq!(conversation_key(account, bad), None, "{bad}");
        }
    }
}
