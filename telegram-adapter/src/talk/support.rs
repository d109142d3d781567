//! Words for people: passed on to the administrators' chats, whose replies go back. What stands for whom is kept by the ledger.

use proto_events::Text;

use super::{Awaits, Halt, Known, Talk};
use crate::inbound::Message;
use crate::outbound::{Error, Markup};
use crate::shop::Page;
use crate::texts::Say;

impl Talk {
    /// Passes the message on, or asks for one. Without administrators the owner's contact is told.
    pub(super) async fn support(&self, known: &Known, message: Option<&Message>) -> Result<(), Halt> {
        if self.admins.is_empty() {
            return self.page(known, Page::Paysupport).await;
        }
        let Some(message) = message else {
            return self.ask(known, &Awaits::Support, Say::SupportAsk, Say::SupportAskHint).await;
        };
        let mut passed_on = false;
        for admin in self.admins.iter().copied() {
            match self.pass_on(known, admin, message).await {
                Ok(noted) => passed_on |= noted,
                Err(error) => return Err(error),
            }
        }
        if passed_on {
            match &message.group {
                Some(group) => self.passed(known, group, message.message).await?,
                None => self.answered(known, message.message).await?,
            }
            return self.said(known, Say::SupportSent).await;
        }
        self.said(known, Say::SupportTrouble).await
    }

    /// The rest of an album comes part by part, in order.
    async fn passed(&self, known: &Known, group: &str, last: i64) -> Result<(), Halt> {
        self.remember(known, Some(&Awaits::Passed { group: Text::lossy(group), last })).await
    }

    /// One more part of an album of which parts up to `last` were passed on.
    pub(super) async fn support_more(&self, known: &Known, message: &Message, last: i64) -> Result<(), Halt> {
        if message.message <= last {
            // It came again.
            return Ok(());
        }
        let mut passed_on = false;
        for admin in self.admins.iter().copied() {
            passed_on |= self.pass_copy_on(known, admin, message).await?;
        }
        if !passed_on {
            return self.said(known, Say::SupportTrouble).await;
        }
        self.passed(known, message.group.as_deref().unwrap_or_default(), message.message).await
    }

    /// Who writes, and below it the message as it stands.
    async fn pass_on(&self, known: &Known, admin: i64, message: &Message) -> Result<bool, Halt> {
        let (name, user) = (message.from.name.as_str(), known.user.to_string());
        let header = self.texts.say(
            self.language_of(admin).await,
            Say::SupportHeader { name, user: &user, language: known.lang },
        );
        let sent = match self.telegram.send(admin, &header, &Markup::None, None).await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::warn!(%error, "words for people were not passed on to an administrator");
                return Ok(false);
            }
        };
        self.desk.note_support(known.user, admin, sent.message).await?;
        self.pass_copy_on(known, admin, message).await
    }

    async fn pass_copy_on(&self, known: &Known, admin: i64, message: &Message) -> Result<bool, Halt> {
        match self.telegram.copy(admin, message.chat, message.message, &Markup::None).await {
            Ok(copy) => {
                self.desk.note_support(known.user, admin, copy.message).await?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(%error, "words for people were not passed on to an administrator");
                Ok(false)
            }
        }
    }

    pub(super) async fn language_of(&self, user: i64) -> crate::texts::Lang {
        let view = self.desk.account(user).await.ok().flatten();
        crate::texts::Lang::of(view.as_ref().map(|view| view.language.as_str()))
    }

    /// An administrator's reply goes to the person whose words it answers. False: it answers nobody's.
    pub(super) async fn relay_answer(
        &self,
        known: &Known,
        answered: i64,
        message: &Message,
    ) -> Result<bool, Halt> {
        let Some(person) = self.desk.support_of(known.chat, answered).await? else { return Ok(false) };
        let copied =
            self.telegram.copy(person.telegram_user, message.chat, message.message, &Markup::None).await;
        let say = match copied {
            Ok(_) => Say::SupportDelivered,
            Err(Error::Blocked(_)) => {
                self.desk.reach(person.telegram_user, false).await?;
                Say::SupportGone
            }
            Err(Error::NotReached(why)) => return Err(Halt::Later(why)),
            Err(error) => {
                tracing::warn!(%error, "an administrator's answer was not sent");
                Say::SupportTrouble
            }
        };
        self.said(known, say).await?;
        Ok(true)
    }
}
