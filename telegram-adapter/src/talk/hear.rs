//! A message, and what to do with it.

use proto_events::envelope::TraceId;

use super::command::{Ask, Command};
use super::request::Want;
use super::{Awaits, Halt, Known, Talk, refusals};
use crate::desk::By;
use crate::inbound::{Message, Other, Replied};
use crate::shop::Page;
use crate::texts::Say;

impl Talk {
    pub(super) async fn message(&self, message: Message, trace: &TraceId) -> Result<(), Halt> {
        if message.service {
            return Ok(());
        }
        let username = self.us.username().unwrap_or_default();
        let ask = message.text.as_deref().map(|text| Ask::read(text, username));
        if ask == Some(Ask::NotForUs) {
            return Ok(());
        }
        if let Some(slow) = self.too_fast(&message).await {
            return self.slow_down(&message, slow).await;
        }
        let inviter = match &ask {
            Some(Ask::Start { inviter }) => inviter.as_deref(),
            _ => None,
        };
        let by = format!("{}:{}", message.chat, message.message);
        let known = self.know(&message.from, message.chat, &by, inviter, trace).await?;
        let outcome = if known.banned && !may_still(&ask, &known) && passed_of(&known, &message).is_none() {
            self.said(&known, Say::Banned).await
        } else {
            self.answer(&known, ask, &message, trace).await
        };
        match outcome {
            Err(Halt::Refused(refused)) if refused.code.as_str() == "command_id_reused" => {
                // The same message was understood before, when something else was waited for.
                tracing::info!(trace_id = trace.as_str(), "a message was dealt with before");
                self.remember(&known, None).await
            }
            Err(Halt::Refused(refused)) => {
                self.say(&known, refusals::say(&refused)).await;
                Err(Halt::Refused(refused))
            }
            outcome => outcome,
        }
    }

    /// Who writes too fast is told once a while; what they wrote is let be.
    async fn slow_down(&self, message: &Message, told: bool) -> Result<(), Halt> {
        if !told {
            let lang = crate::texts::Lang::of(message.from.language.as_deref());
            let text = self.texts.say(lang, Say::SlowDown);
            self.reply(message.chat, &text, &crate::outbound::Markup::None, None).await;
        }
        Ok(())
    }

    async fn answer(
        &self,
        known: &Known,
        ask: Option<Ask>,
        message: &Message,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        if known.awaits == Some(Awaits::Answered(message.message)) {
            // It came again after it was dealt with: as talk it would be charged.
            return Ok(());
        }
        let ask = match ask {
            Some(Ask::Said(words)) => return self.hear(known, words, None, message, trace).await,
            Some(Ask::Wish { words, prompt }) => {
                return self.hear(known, words, Some(prompt), message, trace).await;
            }
            None => return self.look(known, message, trace).await,
            Some(ask) => ask,
        };
        // A command is no answer: nothing is waited for any more.
        if ask != Ask::Plain(Command::Cancel) {
            self.remember(known, None).await?;
        }
        match ask {
            Ask::Start { inviter } => self.start(known, inviter.as_deref(), trace).await,
            Ask::Plain(command) => self.obey(known, command, trace).await,
            Ask::Picture(prompt) => self.picture(known, message, &prompt, trace).await,
            Ask::PictureQuestion => {
                self.ask(known, &Awaits::Prompt, Say::PictureAsk, Say::PictureAskHint).await
            }
            Ask::Support(words) => self.support(known, words.is_some().then_some(message)).await,
            Ask::Admin(admin, rest) if self.is_admin(known.user) && known.is_private() => {
                self.administer(known, admin, &rest, message, trace).await
            }
            Ask::Admin(..) | Ask::Unknown => self.said(known, Say::UnknownCommand).await,
            Ask::Said(_) | Ask::Wish { .. } | Ask::NotForUs => Ok(()),
        }
    }

    async fn obey(&self, known: &Known, command: Command, trace: &TraceId) -> Result<(), Halt> {
        // In a group whatever is personal stays unsaid.
        let personal = !matches!(command, Command::Help | Command::Clear | Command::Cancel);
        if personal && !known.is_private() {
            return Ok(());
        }
        match command {
            Command::Help => self.help(known, None).await,
            Command::Balance => self.balance(known, None).await,
            Command::Topup => self.choose_package(known).await,
            Command::Settings => self.settings(known, None).await,
            Command::References => self.references(known).await,
            Command::History => self.history(known, None, None).await,
            Command::Referral => self.referral(known, None).await,
            Command::Clear => self.clear(known).await,
            Command::Cancel => self.cancel_all(known, trace).await,
            Command::Paysupport => self.page(known, Page::Paysupport).await,
            Command::Terms => self.page(known, Page::Terms).await,
            Command::Privacy => self.page(known, Page::Privacy).await,
            Command::DeleteMe => self.ask_to_erase(known).await,
        }
    }

    /// Words that are no command, perhaps a wish for a picture: an answer to what was asked, a change of a picture, or talk.
    async fn hear(
        &self,
        known: &Known,
        words: String,
        wish: Option<String>,
        message: &Message,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        if words.is_empty() {
            return Ok(());
        }
        if self.is_admin(known.user)
            && let Some(replied) = &message.replied
            && self.relay_answer(known, replied.message, message).await?
        {
            return Ok(());
        }
        match &known.awaits {
            Some(Awaits::Prompt) => return self.picture(known, message, &words, trace).await,
            Some(Awaits::Edit(generation)) => {
                return self.change(known, *generation, message, &words, trace).await;
            }
            Some(Awaits::Support) => return self.support(known, Some(message)).await,
            Some(Awaits::Email { package, way }) => {
                let (package, way) = (package.as_deref(), *way);
                return self.take_email(known, message, &words, package, way, trace).await;
            }
            Some(Awaits::Answered(_) | Awaits::Passed { .. }) | None => {}
        }
        if let Some(Replied { picture: Some(picture), .. }) = &message.replied {
            return self.change_shown(known, picture, message, &words, trace).await;
        }
        if let Some(prompt) = wish {
            return self.picture(known, message, &prompt, trace).await;
        }
        if self.gives_email(known, &words).await? {
            return self.take_email(known, message, &words, None, None, trace).await;
        }
        self.chat(known, message, &words, trace).await
    }

    /// A message without text: photos, files and everything else.
    async fn look(&self, known: &Known, message: &Message, trace: &TraceId) -> Result<(), Halt> {
        if self.is_admin(known.user)
            && let Some(replied) = &message.replied
            && self.relay_answer(known, replied.message, message).await?
        {
            return Ok(());
        }
        if known.awaits == Some(Awaits::Support) {
            return self.support(known, Some(message)).await;
        }
        if let Some(last) = passed_of(known, message) {
            return self.support_more(known, message, last).await;
        }
        if message.photo.is_some() || message.document.is_some() {
            return self.photo(known, message, trace).await;
        }
        let what = match message.other {
            Some(Other::Sticker | Other::Dice) => "sticker",
            Some(Other::Voice | Other::Audio) => "voice",
            Some(Other::Video | Other::VideoNote | Other::Animation | Other::Story) => "video",
            Some(Other::Poll) => "poll",
            Some(Other::Location) => "location",
            Some(Other::Contact) => "contact",
            Some(Other::Unknown) | None => "other",
        };
        self.said(known, Say::CantRead { what }).await
    }

    async fn picture(
        &self,
        known: &Known,
        message: &Message,
        prompt: &str,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let references = self.desk.references(known.user).await?;
        let references = references.into_iter().map(|photo| photo.file_id).collect();
        let want = Want::picture(prompt, references);
        self.want(known, By::Message { chat: message.chat, message: message.message }, want, trace).await?;
        self.answered(known, message.message).await
    }
}

/// Who is banned may still ask why, pay debts back and leave.
fn may_still(ask: &Option<Ask>, known: &Known) -> bool {
    let asks = matches!(
        ask,
        Some(
            Ask::Support(_)
                | Ask::Plain(Command::Paysupport | Command::Terms | Command::Privacy | Command::DeleteMe)
        )
    );
    asks || (known.awaits == Some(Awaits::Support)
        && matches!(ask, Some(Ask::Said(_) | Ask::Wish { .. }) | None))
}

/// If it belongs to the album that is passed on to people: what was passed on of that so far.
fn passed_of(known: &Known, message: &Message) -> Option<i64> {
    match (&known.awaits, &message.group) {
        (Some(Awaits::Passed { group, last }), Some(of)) if group.as_str() == of => Some(*last),
        _ => None,
    }
}
