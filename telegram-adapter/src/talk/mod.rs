//! The conversation: an update in, at most one command to the ledger, an answer out.
//!
//! Order matters for loss: the command is committed first, then the person is answered, then
//! Telegram gets its 200. What dies in between comes again and finds the command answered. So
//! everything up to the commit says [`Halt::Later`] when in doubt; everything after it is for the
//! eye and never brings the update back.

mod callback;
mod command;
mod email;
mod home;
mod money;
mod picture;
mod refusals;
mod topup;

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto_events::commands::AccountOpen;
use proto_events::envelope::TraceId;
use proto_events::{Credits, Position, Refused, Text};
use service::ledger::SendError;

pub use callback::Press;
use command::Ask;

use crate::checkout::Cashier;
use crate::desk::Desk;
use crate::inbound::{ChatKind, Intake, Message, Person, Taken, Tap, Update, Us};
use crate::outbound::{Error, Markup, Sent, Telegram};
use crate::shop::{Page, Shop};
use crate::statuses::Statuses;
use crate::texts::{Html, Lang, Say, Texts};
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

/// The person as the ledger knows them.
#[derive(Debug, Clone, Copy)]
struct Known {
    user: i64,
    chat: i64,
    lang: Lang,
    banned: bool,
    /// For one who was not known until now: their welcome credits.
    welcome: Option<Credits>,
    /// What a balance must have seen.
    since: Option<Position>,
}

/// What a conversation needs.
pub struct Parts {
    pub desk: Desk,
    pub telegram: Telegram,
    pub texts: Arc<Texts>,
    pub statuses: Statuses,
    pub turns: Turns,
    pub shop: Arc<Shop>,
    pub till: Till,
    pub cashier: Cashier,
    pub us: Us,
}

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Talk {
    desk: Desk,
    telegram: Telegram,
    texts: Arc<Texts>,
    statuses: Statuses,
    turns: Turns,
    shop: Arc<Shop>,
    till: Till,
    cashier: Cashier,
    us: Us,
}

impl Intake for Talk {
    async fn take(&self, update: Update) -> Taken {
        let (began, kind, trace) = (Instant::now(), update.kind(), TraceId::random());
        let outcome = match update {
            Update::Message(message) => self.message(message, &trace).await,
            Update::Tap(tap) => self.tap(tap, &trace).await,
            Update::Checkout(query) => self.checkout(&query).await,
            Update::Paid(notice) => self.paid(&notice, &trace).await,
            Update::Returned(notice) => self.returned(&notice).await,
            Update::Membership { blocked, .. } => {
                tracing::debug!(blocked, "a person blocked the bot or let it in again");
                Ok(())
            }
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
        let Parts { desk, telegram, texts, statuses, turns, shop, till, cashier, us } = parts;
        Self { desk, telegram, texts, statuses, turns, shop, till, cashier, us }
    }

    async fn message(&self, message: Message, trace: &TraceId) -> Result<(), Halt> {
        // Groups hear nothing from us yet: balances and bills are nobody else's business.
        if message.service || message.chat_kind == ChatKind::Group {
            return Ok(());
        }
        let username = self.us.username().unwrap_or_default();
        let ask = message.text.as_deref().map(|text| Ask::read(text, username));
        if ask == Some(Ask::NotForUs) {
            return Ok(());
        }
        let inviter = match &ask {
            Some(Ask::Start { inviter }) => inviter.as_deref(),
            _ => None,
        };
        let by = format!("{}:{}", message.chat, message.message);
        let known = self.know(&message.from, message.chat, &by, inviter, trace).await?;
        if known.banned {
            self.say(known, Say::Banned).await;
            return Ok(());
        }
        match self.answer(known, ask, &message, trace).await {
            Err(Halt::Refused(refused)) => {
                self.say(known, refusals::say(&refused)).await;
                Err(Halt::Refused(refused))
            }
            outcome => outcome,
        }
    }

    async fn answer(
        &self,
        known: Known,
        ask: Option<Ask>,
        message: &Message,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        match ask {
            Some(Ask::Start { .. }) => self.start(known).await,
            Some(Ask::Help) => self.help(known).await,
            Some(Ask::Balance) => self.balance(known).await,
            Some(Ask::Topup) => self.choose_package(known).await,
            Some(Ask::Paysupport) => self.page(known, Page::Paysupport).await,
            Some(Ask::Terms) => self.page(known, Page::Terms).await,
            Some(Ask::Privacy) => self.page(known, Page::Privacy).await,
            Some(Ask::Picture(prompt)) => {
                self.picture(known, message.message, &prompt, trace).await.map(drop)
            }
            Some(Ask::Said(prompt)) if self.answers_our_question(message) => {
                self.picture(known, message.message, &prompt, trace).await.map(drop)
            }
            Some(Ask::Said(text)) if !text.is_empty() => {
                if self.gives_email(known, message.answers(), &text).await? {
                    return self.take_email(known, message, &text, trace).await;
                }
                self.offer_picture(known, message.message).await
            }
            Some(Ask::PictureQuestion) => self.ask_picture(known).await,
            Some(Ask::Cancel) => self.said(known, Say::NothingToCancel).await,
            Some(Ask::Unknown) => self.said(known, Say::UnknownCommand).await,
            Some(Ask::NotForUs) => Ok(()),
            Some(Ask::Said(_)) | None => self.said(known, Say::OnlyText).await,
        }
    }

    fn answers_our_question(&self, message: &Message) -> bool {
        message.answers().is_some_and(|question| self.texts.is_picture_ask(question))
    }

    async fn tap(&self, tap: Tap, trace: &TraceId) -> Result<(), Halt> {
        let press = Press::read(&tap.data);
        if press.is_none() {
            let outdated = self.texts.say(Lang::of(tap.from.language.as_deref()), Say::TapOutdated);
            self.stop_spinner(&tap, Some(&outdated)).await;
            tracing::info!(trace_id = trace.as_str(), "a tap that no button of ours sends");
            return Ok(());
        }
        // The answer is wanted at once, whatever the work brings: a late one is worth nothing.
        let work = async {
            let known = self.know(&tap.from, tap.chat, &tap.id, None, trace).await?;
            if known.banned {
                return self.said(known, Say::Banned).await;
            }
            let outcome = match press {
                Some(Press::Topup) => self.choose_package(known).await,
                Some(Press::Draw) => self.draw(known, &tap, trace).await,
                Some(Press::Buy { nonce, package }) => self.buy(known, &nonce, package, &tap, trace).await,
                Some(Press::Pay { nonce, way, package }) => {
                    self.pay(known, &nonce, way, package, tap.message, trace).await
                }
                Some(Press::Packages) => self.show_packages(known, Some(tap.message)).await,
                Some(Press::Email { package }) => self.change_email(known, &package).await,
                None => Ok(()),
            };
            if let Err(Halt::Refused(refused)) = &outcome {
                self.say(known, refusals::say(refused)).await;
            }
            outcome
        };
        let (outcome, ()) = tokio::join!(work, self.stop_spinner(&tap, None));
        outcome
    }

    async fn stop_spinner(&self, tap: &Tap, text: Option<&Html>) {
        if let Err(error) = self.telegram.answer_tap(&tap.id, text).await {
            tracing::debug!(%error, "a tap could not be answered");
        }
    }

    /// Whoever writes has an account, from the first message on.
    async fn know(
        &self,
        person: &Person,
        chat: i64,
        by: &str,
        inviter: Option<&str>,
        trace: &TraceId,
    ) -> Result<Known, Halt> {
        let known = |language: &str, banned| Known {
            user: person.id,
            chat,
            lang: Lang::of(Some(language)),
            banned,
            welcome: None,
            since: None,
        };
        if let Some(account) = self.desk.account(person.id).await? {
            return Ok(known(&account.language, account.banned));
        }
        let lang = Lang::of(person.language.as_deref());
        let command = AccountOpen {
            language: Text::lossy(lang.code()),
            name: Text::lossy(&person.name),
            inviter: inviter.and_then(|inviter| Text::new(inviter).ok()),
        };
        match self.desk.open_account(person.id, by, command, trace).await {
            Ok(opened) => {
                fail::fail_point!("telegram.work_committed");
                let welcome = Some(opened.result.welcome);
                Ok(Known { welcome, since: Some(opened.position), ..known(lang.code(), false) })
            }
            // Opened in between, by another message of the same person.
            Err(error) if error.code() == Some("account_exists") => Ok(known(lang.code(), false)),
            Err(error) => Err(error.into()),
        }
    }

    async fn said(&self, known: Known, say: Say<'_>) -> Result<(), Halt> {
        self.say(known, say).await;
        Ok(())
    }

    async fn say(&self, known: Known, say: Say<'_>) {
        let text = self.texts.say(known.lang, say);
        self.reply(known.chat, &text, &Markup::None, None).await;
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
}
