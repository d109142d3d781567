//! The conversation: an update in, at most one command to the ledger, an answer out.
//!
//! Order matters for loss: the command is committed first, then the person is answered, then
//! Telegram gets its 200. What dies in between comes again and finds the command answered. So
//! everything up to the commit says [`Halt::Later`] when in doubt; everything after it is for the
//! eye and never brings the update back.

mod admin;
mod albums;
mod awaits;
mod broadcast;
mod callback;
#[cfg(test)]
mod callback_tests;
mod command;
mod email;
mod erase;
mod hear;
mod history;
mod home;
mod known;
mod money;
mod photos;
mod referral;
mod refusals;
mod request;
mod results;
mod settings;
mod statement;
mod support;
mod tap;
mod topup;

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto_events::Refused;
use proto_events::envelope::TraceId;
use service::ledger::SendError;

use awaits::Awaits;
pub use callback::{Press, Tail};
use known::Known;
pub use request::price_of;

use crate::checkout::Cashier;
use crate::desk::Desk;
use crate::inbound::{Intake, Taken, Update, Us};
use crate::outbound::{Error, Markup, Sent, Telegram};
use crate::pictures::{Pictures, Unsent};
use crate::rates::Rates;
use crate::shop::Shop;
use crate::status::Board;
use crate::texts::{Html, Say, Texts};
use crate::till::Till;
use crate::turns::Turns;

/// Before an answer that may not have arrived is sent again, once.
const ANSWER_PAUSE: Duration = Duration::from_millis(300);

/// Why an update was not dealt with to its end.
enum Halt {
    /// The outcome is not known: the update is to come again.
    Later(String),
    Refused(Refused),
}

impl From<SendError> for Halt {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused(refused) => Self::Refused(refused),
            SendError::Unknown(why) => Self::Later(why),
        }
    }
}

/// What a conversation needs.
pub struct Parts {
    pub desk: Desk,
    pub telegram: Telegram,
    pub texts: Arc<Texts>,
    pub pictures: Pictures,
    pub board: Board,
    pub shelf: crate::delivery::Shelf,
    pub shop: Arc<Shop>,
    pub till: Till,
    pub cashier: Cashier,
    pub us: Us,
    pub admins: Arc<[i64]>,
    pub rates: Rates,
    pub turns: Turns,
}

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Talk(Arc<Parts>);

impl std::ops::Deref for Talk {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Intake for Talk {
    async fn take(&self, update: Update) -> Taken {
        let (began, kind, trace) = (Instant::now(), update.kind(), TraceId::random());
        let outcome = match update {
            Update::Message(message) => self.message(message, &trace).await,
            Update::Tap(tap) => self.tap(tap, &trace).await,
            Update::StrayTap { id, language, why } => {
                tracing::debug!(why, "a stray tap");
                self.let_be(&id, language.as_deref()).await;
                Ok(())
            }
            Update::Checkout(query) => self.checkout(&query).await,
            Update::Paid(notice) => self.paid(&notice, &trace).await,
            Update::Returned(notice) => self.returned(&notice).await,
            Update::Membership { user, blocked } => self.membership(user, blocked).await,
            Update::Ignored(why) => {
                tracing::debug!(why, "an update was let be");
                Ok(())
            }
        };
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let trace_id = trace.as_str();
        let (taken, word) = match outcome {
            Ok(()) => (Taken::Done, "done"),
            Err(Halt::Refused(refused)) => {
                tracing::info!(kind, trace_id, code = %refused.code, "refused");
                (Taken::Done, "refused")
            }
            Err(Halt::Later(why)) => {
                tracing::warn!(kind, trace_id, why, took_ms, "an update can't be dealt with yet");
                (Taken::Later, "later")
            }
        };
        metrics::counter!("telegram_updates_total", "kind" => kind, "outcome" => word).increment(1);
        tracing::debug!(kind, trace_id, outcome = word, took_ms, "an update was taken");
        taken
    }
}

impl Talk {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    async fn said(&self, known: &Known, say: Say<'_>) -> Result<(), Halt> {
        self.say(known, say).await;
        Ok(())
    }

    async fn say(&self, known: &Known, say: Say<'_>) {
        let text = self.texts.say(known.lang, say);
        self.tell(known, say, &text, &Markup::None).await;
    }

    /// A message of its own, below the picture that stands above the text it begins with.
    async fn tell(&self, known: &Known, begins: Say<'_>, text: &Html, markup: &Markup) -> Option<Sent> {
        if let Some(picture) = self.pictures.above(known.lang, begins.name()) {
            match self.pictures.send(known.chat, &picture, text, markup).await {
                Ok(sent) => return Some(sent),
                Err(Unsent::Telegram(error @ Error::Blocked(_))) => {
                    tracing::debug!(%error, "an answer was not sent");
                    return None;
                }
                // What failed was said when it did.
                Err(error @ (Unsent::OnItsWay | Unsent::LetBe)) => {
                    tracing::debug!(text = begins.name(), %error, "the words go without their picture");
                }
                Err(error) => {
                    let (text, sha256) = (begins.name(), picture.sha256.as_str());
                    tracing::warn!(text, sha256, %error, "a picture was not sent; its words go alone");
                }
            }
        }
        self.reply(known.chat, text, markup, None).await
    }

    /// An answer for the eye. In doubt it is sent once more: better twice than not at all.
    async fn reply(&self, chat: i64, text: &Html, markup: &Markup, to: Option<i64>) -> Option<Sent> {
        let mut sent = self.telegram.send(chat, text, markup, to).await;
        if matches!(sent, Err(Error::InDoubt(_))) {
            tokio::time::sleep(ANSWER_PAUSE).await;
            sent = self.telegram.send(chat, text, markup, to).await;
        }
        match sent {
            Ok(sent) => Some(sent),
            Err(error @ Error::Blocked(_)) => {
                tracing::debug!(%error, "an answer was not sent");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "an answer was not sent");
                None
            }
        }
    }

    /// In the place of `message`, or below everything if it can't be there.
    async fn show(&self, known: &Known, message: Option<i64>, text: &Html, markup: &Markup) {
        if let Some(message) = message {
            match self.telegram.edit(known.chat, message, text, markup).await {
                Ok(()) => return,
                Err(Error::Refused(why)) => {
                    tracing::debug!(why, "a message can't be edited; a new one is sent")
                }
                Err(error) => {
                    tracing::warn!(%error, "a message was not edited");
                    return;
                }
            }
        }
        self.reply(known.chat, text, markup, None).await;
    }

    /// The same; what has a picture is a message of its own.
    async fn show_or_tell(
        &self,
        known: &Known,
        message: Option<i64>,
        begins: Say<'_>,
        text: &Html,
        markup: &Markup,
    ) {
        let message = message.filter(|_| self.pictures.above(known.lang, begins.name()).is_none());
        match message {
            Some(message) => self.show(known, Some(message), text, markup).await,
            None => drop(self.tell(known, begins, text, markup).await),
        }
    }

    async fn remove(&self, chat: i64, message: i64) {
        if let Err(error) = self.telegram.delete(chat, message).await {
            tracing::debug!(%error, "a message was not removed");
        }
    }

    /// Asks, and remembers what for: whatever is written next is the answer.
    async fn ask(
        &self,
        known: &Known,
        awaits: &Awaits,
        question: Say<'_>,
        hint: Say<'_>,
    ) -> Result<(), Halt> {
        let text = self.texts.say(known.lang, question);
        self.ask_so(known, awaits, question, &text, hint).await
    }

    /// The same, with more below the question.
    async fn ask_so(
        &self,
        known: &Known,
        awaits: &Awaits,
        question: Say<'_>,
        text: &Html,
        hint: Say<'_>,
    ) -> Result<(), Halt> {
        if !known.is_private() {
            // In a group nobody's next words are an answer: the question is all there is.
            self.tell(known, question, text, &Markup::None).await;
            return Ok(());
        }
        self.remember(known, Some(awaits)).await?;
        let hint = self.texts.label(known.lang, hint);
        self.tell(known, question, text, &Markup::Ask(hint)).await;
        Ok(())
    }

    /// What is waited for from now on.
    async fn remember(&self, known: &Known, awaits: Option<&Awaits>) -> Result<(), Halt> {
        if !known.is_private() || (awaits.is_none() && known.awaits.is_none()) {
            return Ok(());
        }
        let awaits = Some(awaits.map(Awaits::words).unwrap_or_default());
        let update = proto_events::commands::ProfileUpdate { awaits, ..Default::default() };
        Ok(self.desk.update_profile(known.user, update).await?)
    }

    /// What was waited for has come with this message.
    async fn answered(&self, known: &Known, message: i64) -> Result<(), Halt> {
        match known.awaits {
            Some(_) => self.remember(known, Some(&Awaits::Answered(message))).await,
            None => Ok(()),
        }
    }

    fn is_admin(&self, user: i64) -> bool {
        self.admins.contains(&user)
    }
}
