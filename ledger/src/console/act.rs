//! Acts of whoever is signed in: sent to whichever ledger leads, in the log with their name and reason.
//!
//! A page gives each form it shows a name of its own ([`Once`]): sent twice, or again because nobody knew whether it was
//! done, it is one command.

use std::time::Duration;

use axum::http::StatusCode;
use maud::{Markup, html};
use proto_events::commands::{Command, OperatorAct};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Refused, Text};
use serde::Deserialize;
use service::ledger::{Done, Envelope, SendError};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Console;
use super::lang::Words;
use super::page::note;
use crate::store::Session;

/// Longer than a take-over; who waits for a page is not kept longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of one form, a hidden field of it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(super) struct Once(Uuid);

impl Once {
    pub(super) fn new() -> Self {
        Self(Uuid::new_v4())
    }

    /// Of something that is done once for ever, whoever asks and how often.
    pub(super) fn of(what: &str) -> Self {
        let digest = Sha256::digest(what.as_bytes());
        Self(Uuid::from_slice(&digest[..16]).unwrap_or_default())
    }

    /// The field; the page's form has `once: Once`.
    pub(super) fn field(self) -> Markup {
        html! { input type="hidden" name="once" value=(self.0.simple()); }
    }
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) once: Once,
    pub(super) account: AccountRef,
    pub(super) command: Command,
}

impl Act {
    /// What has no command of its own: recorded and no more. `None`: a text is too long, or there is no reason.
    pub(super) fn noted(once: Once, act: &str, subject: &str, reason: &str) -> Option<Self> {
        let reason = Text::new(reason.trim()).ok().filter(|reason: &Text<500>| !reason.is_empty())?;
        let command = OperatorAct { act: Text::new(act).ok()?, subject: Text::new(subject).ok()?, reason };
        Some(Self { once, account: AccountRef::Id(AccountId::OPERATIONS), command: command.into() })
    }
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Acted {
    /// It is in the log.
    Done(Done),
    /// Nothing changed.
    Refused(Refused),
    /// The ledger did not answer: it may be done, or not. The same form again asks for the same, once.
    InDoubt,
}

impl Console {
    /// The one way in which a page does something. Whether the person may is the door's question.
    pub(super) async fn act(&self, by: &Session, act: Act) -> Acted {
        let verb = act.command.verb();
        // Invariant: a verb and 32 hex digits are a command id.
        let Ok(id) = CommandId::new(format!("{verb}:{}", act.once.0.simple())) else { return Acted::InDoubt };
        let Act { account, command, once: _ } = act;
        let envelope = Envelope { id, account, command, causation: None, trace_id: None };
        let ledger = self.ledger.clone().acting(&by.name).with_deadline(PATIENCE);
        match ledger.send(envelope).await {
            Ok(done) => Acted::Done(done),
            Err(SendError::Refused(refusal)) => {
                tracing::info!(verb, code = %refusal.code, "an act at the console was refused");
                Acted::Refused(refusal)
            }
            Err(SendError::Unknown(why)) => {
                tracing::warn!(verb, why, "whether an act at the console was done is not known");
                Acted::InDoubt
            }
        }
    }
}

impl Acted {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Done(_) => StatusCode::OK,
            Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::InDoubt => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What is said of it, above the form. `known`: a page's own words for codes that it expects, as names of texts.
    pub(super) fn say(&self, words: Words<'_>, known: &[(&str, &'static str)]) -> Markup {
        match self {
            Self::Done(done) => {
                note("good", &words.with("act-done", [("position", done.position.get().into())]))
            }
            Self::Refused(refusal) => match known.iter().find(|(code, _)| *code == refusal.code.as_str()) {
                Some((_, text)) => note("bad", &words.t(text)),
                None => note("bad", &words.with("act-refused", [("why", refusal.message.as_str().into())])),
            },
            Self::InDoubt => note("bad", &words.t("act-in-doubt")),
        }
    }
}
