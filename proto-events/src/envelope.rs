//! What travels: a command or a query in, a reply out, an event published.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::events::{BadEvent, Event};
use crate::{AccountId, CommandId, Position, Producer, Text};

/// The account a command is for: by its id, or by the person it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccountRef {
    Id(AccountId),
    /// A Telegram user id.
    Telegram(i64),
}

/// Body of a message on `cmd.ledger.<producer>.<verb>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandEnvelope {
    pub id: CommandId,
    pub account: AccountRef,
    /// `person`, `system` or `operator:<name>`; the first if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Text<64>>,
    /// Of an act that a second operator has agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Position>,
    /// 32 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
    pub body: Value,
}

/// Who has agreed to what the actor wants, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// `operator:<name>`, another than the actor
    pub by: Text<64>,
    pub reason: Text<500>,
}

/// Chosen anew for each question and repeated by its answer: whoever asks knows their own answer by it.
/// A server between accounts may mix up two answers (docs/adr/0013-answers-name-their-question.md).
pub type Ask = Text<32>;

/// 16 hex digits: enough for the questions that are open at one time.
pub fn new_ask() -> Ask {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    Text::lossy(&format!("{high:016x}"))
}

/// 32 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceId(String);

impl JsonSchema for TraceId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TraceId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9a-f]{32}$"})
    }
}

impl TraceId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string())
    }
}

impl TryFrom<String> for TraceId {
    type Error = &'static str;
    fn try_from(s: String) -> Result<Self, Self::Error> {
        if s.len() == 32 && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(s))
        } else {
            Err("a trace id is 32 lower-case hex digits")
        }
    }
}

impl From<TraceId> for String {
    fn from(id: TraceId) -> String {
        id.0
    }
}

/// Body of a message on `qry.ledger.<producer>.<name>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Query {
    /// Wait until the answer has seen this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
    #[serde(flatten)]
    pub body: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventRef {
    pub position: Position,
    pub r#type: Text<64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// Stable, snake_case: docs/EVENTS.md lists them per command.
    pub code: Text<64>,
    pub message: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Reply {
    /// Committed; for an operational command, done. `position` is 0 when there is no event.
    Done {
        position: Position,
        events: Vec<EventRef>,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        result: Value,
        incarnation: i64,
    },
    /// Nothing changed, and asking again changes nothing.
    Refused { refusal: Refused },
    /// Too much is waiting; nothing was done. Ask again after this time.
    Busy { retry_after_ms: u32 },
    /// The outcome is unknown. Send the same command again.
    Failed { message: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum QueryReply {
    Ok { position: Position, result: Value },
    Refused { refusal: Refused },
    Failed { message: String },
}

/// What travels back: a `Reply` or a `QueryReply`, and to which question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer<R> {
    /// The question's, if it had one that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
    #[serde(flatten)]
    pub reply: R,
}

pub type CommandAnswer = Answer<Reply>;
pub type QueryAnswer = Answer<QueryReply>;

/// Body of a message on `evt.ledger.…`: a row of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedEvent {
    pub incarnation: i64,
    pub position: Position,
    pub account: AccountId,
    pub version: i64,
    pub r#type: String,
    pub schema_version: i16,
    pub available_delta: i64,
    pub reserved_delta: i64,
    pub debt_delta: i64,
    pub payload: Value,
    pub producer: Producer,
    pub command_id: CommandId,
    pub ordinal: i16,
    pub actor: String,
    pub causation: Option<Position>,
    pub trace_id: Option<TraceId>,
    /// µs since 1970-01-01 UTC.
    pub recorded_at: crate::Micros,
    /// Hex.
    pub hash: String,
}

impl PublishedEvent {
    /// # Errors
    /// An event this version does not know.
    pub fn event(&self) -> Result<Event, BadEvent> {
        Event::decode(&self.r#type, self.schema_version, &self.payload.to_string())
    }
}
