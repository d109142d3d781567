//! Acts of whoever is signed in: sent to whichever ledger leads, in the log with their name and reason.
//!
//! A page gives each form it shows a name of its own ([`Once`]): sent twice, or again because nobody knew whether it was
//! done, it is one command.

use std::time::Duration;

use axum::http::StatusCode;
use maud::{Markup, html};
use proto_events::commands::{Command, OperatorAct, QuarantineVerdict};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Money, Refused, Text};
use serde::Deserialize;
use service::ledger::{Done, Envelope, SendError};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use super::Console;
use super::lang::Words;
use super::page::note;
use crate::store::{self, Proposed, Session};

/// Longer than a take-over; who waits for a page is not kept longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

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

    /// The same form with other things filled in: another command.
    pub(super) fn with(self, filled_in: &[&str]) -> Self {
        Self::of(&format!("{}:{}", self.name(), filled_in.join("\0")))
    }

    /// A name for what the act makes: the same for the same form.
    pub(super) fn name(self) -> String {
        self.0.simple().to_string()
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
    /// Above what one administrator decides alone: it waits at `/proposals` for another's word.
    PutAside,
    /// The same, and another administrator has decided already: the same form asks for nothing new.
    DecidedBefore,
    /// The same, and it could not be kept: nothing changed.
    NotKept,
    /// Nothing changed.
    Refused(Refused),
    /// The ledger did not answer: it may be done, or not. The same form again asks for the same, once.
    InDoubt,
}

impl Console {
    /// The one way in which a page does something. Whether the person may is the door's question.
    pub(super) async fn act(&self, by: &Session, act: Act) -> Acted {
        self.act_about(by, act, None).await
    }

    /// The same. `about`: what it is, for whoever is to agree, where the command does not tell it all.
    pub(super) async fn act_about(&self, by: &Session, act: Act, about: Option<String>) -> Acted {
        let verb = act.command.verb();
        // Invariant: a verb and 32 hex digits are a command id.
        let Ok(id) = CommandId::new(format!("{verb}:{}", act.once.0.simple())) else { return Acted::InDoubt };
        let Act { account, command, once: _ } = act;
        let (sent, wanted) = (id.clone(), command.clone());
        let envelope = Envelope { id, account, command, causation: None, trace_id: None };
        let ledger = self.ledger.clone().acting(&by.name).with_deadline(PATIENCE);
        match ledger.send(envelope).await {
            Ok(done) => {
                fail::fail_point!("ledger.console.acted");
                Acted::Done(done)
            }
            Err(SendError::Refused(refusal)) if refusal.code.as_str() == NEEDS_APPROVAL => {
                match put_aside_about(&self.pool, &by.name, &sent, account, &wanted, about).await {
                    Ok(true) => Acted::PutAside,
                    Ok(false) => Acted::DecidedBefore,
                    Err(error) => {
                        tracing::warn!(verb, %error, "an act could not be put aside");
                        Acted::NotKept
                    }
                }
            }
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
            Self::PutAside => StatusCode::ACCEPTED,
            Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::DecidedBefore => StatusCode::CONFLICT,
            Self::NotKept | Self::InDoubt => StatusCode::SERVICE_UNAVAILABLE,
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
            Self::PutAside => html! {
                (note("good", &words.t("act-put-aside")))
                p { a class="button" href="/proposals" { (words.t("menu-proposals")) } }
            },
            Self::DecidedBefore => html! {
                (note("bad", &words.t("act-decided-before")))
                p { a class="button" href="/proposals" { (words.t("menu-proposals")) } }
            },
            Self::NotKept => note("bad", &words.t("not-done")),
            Self::InDoubt => note("bad", &words.t("act-in-doubt")),
        }
    }
}

/// The ledger's word for what needs another's.
pub const NEEDS_APPROVAL: &str = "needs_approval";
/// Who agrees after a week looks at another state of things.
const PROPOSAL_LIFE_US: i64 = 7 * 24 * 3_600_000_000;

#[derive(Debug, thiserror::Error)]
pub enum NotPutAside {
    #[error("the database does not answer")]
    Postgres(#[from] sqlx::Error),
    #[error("the command can't be written down")]
    Body(#[from] serde_json::Error),
    #[error("nobody has this account")]
    Nobody,
}

/// Keeps an act until another administrator agrees to it, refuses it, or nobody does for a week. `false`: that one has been
/// decided, or nobody has in time; another act is needed.
///
/// # Errors
/// It is not kept.
pub async fn put_aside(
    pool: &PgPool,
    by: &str,
    id: &CommandId,
    account: AccountRef,
    command: &Command,
) -> Result<bool, NotPutAside> {
    put_aside_about(pool, by, id, account, command, None).await
}

async fn put_aside_about(
    pool: &PgPool,
    by: &str,
    id: &CommandId,
    account: AccountRef,
    command: &Command,
    about: Option<String>,
) -> Result<bool, NotPutAside> {
    let account = match account {
        AccountRef::Id(account) => account,
        // A person's Telegram id is kept nowhere but where it is erased.
        AccountRef::Telegram(user) => {
            let known = store::accounts_of_people(pool, &[user]).await?;
            *known.get(&user).ok_or(NotPutAside::Nobody)?
        }
    };
    let (subject, credits, reason) = told(command);
    let proposed = Proposed {
        id: id.to_string(),
        verb: command.verb(),
        account: account.0,
        body: command.body()?.to_string(),
        subject: about.unwrap_or(subject),
        credits,
        reason,
        by: by.to_owned(),
    };
    Ok(store::put_aside(pool, &proposed, PROPOSAL_LIFE_US).await?)
}

/// What it is about, in credits too, and why: for whoever is to agree. Never a password's hash.
fn told(command: &Command) -> (String, Option<i64>, String) {
    match command {
        Command::CreditsGrant(c) => (String::new(), Some(c.credits.get()), c.reason.to_string()),
        Command::CreditsRevoke(c) => (String::new(), Some(-c.credits.get()), c.reason.to_string()),
        Command::DebtForgive(c) => (String::new(), Some(c.credits.get()), c.reason.to_string()),
        Command::RefundOpen(c) => {
            (format!("{}: {}", c.payment, Money::from(c.amount)), None, c.reason.to_string())
        }
        Command::QuarantineResolve(c) => {
            let credits = match c.verdict {
                QuarantineVerdict::Settle { credits, .. } => Some(credits.get()),
                QuarantineVerdict::Dismiss => None,
            };
            (c.provider_payment_id.to_string(), credits, c.reason.to_string())
        }
        Command::StaffPut(c) => (format!("{}: {}", c.name, c.detail()), None, c.reason.to_string()),
        Command::CatalogPublish(c) => {
            (format!("version {}", c.version), None, c.reason.as_deref().unwrap_or_default().to_owned())
        }
        other => (other.verb().to_owned(), None, String::new()),
    }
}
