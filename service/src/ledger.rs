//! The ledger, as an adapter sees it: commands that are answered after commit, and queries.
//!
//! Invariant: a command that is sent again is the same command, id and all; so sending again is
//! always safe, and an outcome in doubt is found out by doing so.

use std::time::Duration;

use async_nats::{Client, Request, RequestErrorKind};
use bytes::Bytes;
use proto_events::commands::{Command, Operation};
use proto_events::envelope::{AccountRef, Approval, EventRef, TraceId, new_ask};
use proto_events::{
    Answer, Ask, CommandEnvelope, CommandId, Position, Producer, QueryReply, Refused, Reply, Text, subjects,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Longer than a take-over (5 s), shorter than a webhook's patience (60 s).
const DEADLINE: Duration = Duration::from_secs(20);
/// How long one try waits for its answer, doubled each time it was in vain: a leader that is stopped
/// or cut off gives no answer, and its successor only hears those who ask again.
const TRY_MIN: Duration = Duration::from_secs(1);
const TRY_MAX: Duration = Duration::from_secs(5);
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A command with what identifies it.
#[derive(Debug, Clone)]
pub struct Envelope {
    pub id: CommandId,
    pub account: AccountRef,
    pub command: Command,
    pub causation: Option<Position>,
    pub trace_id: Option<TraceId>,
}

/// What a command did.
#[derive(Debug, Clone)]
pub struct Done {
    pub position: Position,
    pub events: Vec<EventRef>,
    pub result: Value,
}

impl Done {
    /// # Errors
    /// The ledger answered in a form that this version does not know.
    pub fn result<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.result.clone())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nothing changed, and asking again changes nothing.
    #[error("refused: {} ({})", .0.message, .0.code)]
    Refused(Refused),
    /// The outcome is not known: send the same command again later.
    #[error("the ledger did not answer: {0}")]
    Unknown(String),
}

impl SendError {
    /// The refusal's code, if it is one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code.as_str()),
            Self::Unknown(_) => None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    producer: Producer,
    deadline: Duration,
    patience: Duration,
    actor: Option<Text<64>>,
    approval: Option<Approval>,
}

/// What became of one try.
enum Tried<T> {
    Answered(T),
    Again { pause: Option<Duration>, why: String },
}

impl Ledger {
    pub fn new(client: Client, producer: Producer) -> Self {
        Self { client, producer, deadline: DEADLINE, patience: TRY_MIN, actor: None, approval: None }
    }

    /// For how long to go on trying.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long the first try waits for its answer: for questions that take the ledger longer than a
    /// second, so that they are not asked again while it is at them.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience.clamp(TRY_MIN, TRY_MAX);
        self
    }

    /// Who is behind the commands: an operator by name.
    #[must_use]
    pub fn acting(mut self, operator: &str) -> Self {
        self.actor = Some(Text::lossy(&format!("operator:{operator}")));
        self
    }

    /// Who else has agreed to it, and why.
    #[must_use]
    pub fn approved(mut self, operator: &str, reason: Text<500>) -> Self {
        self.approval = Some(Approval { by: Text::lossy(&format!("operator:{operator}")), reason });
        self
    }

    /// Sends a command until it is answered.
    ///
    /// # Errors
    /// Refused, or not answered within the deadline.
    pub async fn send(&self, envelope: Envelope) -> Result<Done, SendError> {
        let body = envelope.command.body();
        let wire = CommandEnvelope {
            id: envelope.id,
            account: envelope.account,
            actor: self.actor.clone(),
            approval: self.approval.clone(),
            causation: envelope.causation,
            trace_id: envelope.trace_id,
            ask: Some(new_ask()),
            body: body.map_err(|e| SendError::Unknown(e.to_string()))?,
        };
        self.command(envelope.command.verb(), &wire).await
    }

    /// Sends an operational command until it is answered.
    ///
    /// # Errors
    /// Refused, or not answered within the deadline.
    pub async fn operate(
        &self,
        id: CommandId,
        account: AccountRef,
        operation: Operation,
    ) -> Result<Done, SendError> {
        let body = operation.body().map_err(|e| SendError::Unknown(e.to_string()))?;
        let ask = Some(new_ask());
        let wire = CommandEnvelope {
            id,
            account,
            actor: None,
            approval: None,
            causation: None,
            trace_id: None,
            ask,
            body,
        };
        self.command(operation.verb(), &wire).await
    }

    async fn command(&self, verb: &str, wire: &CommandEnvelope) -> Result<Done, SendError> {
        let subject = subjects::command(self.producer, verb);
        let reply = self
            .until_answered(&subject, wire, &wire.ask, |reply: Reply| match reply {
                Reply::Busy { retry_after_ms } => Tried::Again {
                    pause: Some(Duration::from_millis(retry_after_ms.into())),
                    why: "it is busy".to_owned(),
                },
                Reply::Failed { message } => Tried::Again { pause: None, why: message },
                other => Tried::Answered(other),
            })
            .await?;
        match reply {
            Reply::Done { position, events, result, .. } => Ok(Done { position, events, result }),
            Reply::Refused { refusal } => Err(SendError::Refused(refusal)),
            Reply::Busy { .. } | Reply::Failed { .. } => Err(SendError::Unknown("no answer".to_owned())),
        }
    }

    /// Asks a question; with `at_least`, of a state that has seen that position.
    ///
    /// # Errors
    /// Refused, or not answered within the deadline.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        name: &str,
        query: &impl Serialize,
        at_least: Option<Position>,
    ) -> Result<T, SendError> {
        let mut body = serde_json::to_value(query).map_err(|e| SendError::Unknown(e.to_string()))?;
        if body.is_null() {
            body = json!({});
        }
        let ask = Some(new_ask());
        if let Some(fields) = body.as_object_mut() {
            fields.insert("ask".to_owned(), json!(ask));
            fields.extend(at_least.map(|position| ("at_least".to_owned(), json!(position))));
        }
        let subject = subjects::query(self.producer, name);
        let reply = self
            .until_answered(&subject, &body, &ask, |reply: QueryReply| match reply {
                QueryReply::Failed { message } => Tried::Again { pause: None, why: message },
                other => Tried::Answered(other),
            })
            .await?;
        match reply {
            QueryReply::Ok { result, .. } => serde_json::from_value(result)
                .map_err(|e| SendError::Unknown(format!("its answer can't be read: {e}"))),
            QueryReply::Refused { refusal } => Err(SendError::Refused(refusal)),
            QueryReply::Failed { message } => Err(SendError::Unknown(message)),
        }
    }

    async fn until_answered<R: DeserializeOwned>(
        &self,
        subject: &str,
        body: &impl Serialize,
        ask: &Option<Ask>,
        judge: impl Fn(R) -> Tried<R>,
    ) -> Result<R, SendError> {
        let body = Bytes::from(serde_json::to_vec(body).map_err(|e| SendError::Unknown(e.to_string()))?);
        let end = Instant::now() + self.deadline;
        let (mut pause, mut patience) = (PAUSE_MIN, self.patience);
        loop {
            let request = Request::new().payload(body.clone()).timeout(Some(patience));
            let tried = match self.client.send_request(subject.to_owned(), request).await {
                Ok(message) => match serde_json::from_slice::<Answer<R>>(&message.payload) {
                    Ok(answer) if answer.ask == *ask => judge(answer.reply),
                    Ok(_) => {
                        tracing::warn!(subject, "the answer to another question came; asking again");
                        Tried::Again { pause: None, why: "the answer to another question came".to_owned() }
                    }
                    Err(error) => {
                        Tried::Again { pause: None, why: format!("its answer can't be read: {error}") }
                    }
                },
                Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                    Tried::Again { pause: None, why: "nobody leads at this moment".to_owned() }
                }
                Err(error) => {
                    let waited = error.kind() == RequestErrorKind::TimedOut;
                    if waited {
                        patience = (patience * 2).min(TRY_MAX);
                    }
                    Tried::Again { pause: waited.then_some(PAUSE_MIN), why: error.to_string() }
                }
            };
            match tried {
                Tried::Answered(reply) => return Ok(reply),
                Tried::Again { pause: asked, why } => {
                    let wait = asked.unwrap_or(pause);
                    if Instant::now() + wait >= end {
                        return Err(SendError::Unknown(why));
                    }
                    tracing::debug!(subject, why, "asking the ledger again");
                    tokio::time::sleep(wait).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }
}

/// The id of an operational command; such commands are not deduplicated by it, it is for logs.
pub fn operation_id(
    kind: &str,
    subject: impl std::fmt::Display,
) -> Result<CommandId, proto_events::ids::BadId> {
    CommandId::new(Text::<120>::lossy(&format!("{kind}:{subject}")).as_str())
}
