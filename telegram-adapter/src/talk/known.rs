//! The person as the ledger knows them. Whoever writes has an account, from the first message on.

use proto_events::commands::AccountOpen;
use proto_events::envelope::TraceId;
use proto_events::queries::{AccountView, Settings};
use proto_events::{AccountId, Credits, Position, Text};

use super::{Awaits, Halt, Talk};
use crate::clock;
use crate::inbound::Person;
use crate::texts::Lang;

#[derive(Debug, Clone)]
pub(super) struct Known {
    pub user: i64,
    pub account: AccountId,
    pub chat: i64,
    pub lang: Lang,
    pub banned: bool,
    pub settings: Settings,
    /// The conversation that chat goes on with.
    pub conversation: Option<Text<64>>,
    pub awaits: Option<Awaits>,
    /// For one who was not known until now: their welcome credits.
    pub welcome: Option<Credits>,
    /// What a balance must have seen.
    pub since: Option<Position>,
}

impl Known {
    /// Whether the chat is the person's own.
    pub(super) fn is_private(&self) -> bool {
        self.chat == self.user
    }

    fn of(user: i64, chat: i64, view: AccountView) -> Self {
        Self {
            user,
            account: view.account,
            chat,
            lang: Lang::of(Some(&view.language)),
            banned: view.banned,
            settings: view.settings,
            conversation: Some(view.conversation).filter(|name| !name.as_str().is_empty()),
            // What was asked in the person's own chat is answered there.
            awaits: Awaits::read(view.awaits.as_ref(), clock::now()).filter(|_| chat == user),
            welcome: None,
            since: None,
        }
    }
}

impl Talk {
    /// `by`: what they did, the same however often it arrives.
    pub(super) async fn know(
        &self,
        person: &Person,
        chat: i64,
        by: &str,
        inviter: Option<&str>,
        trace: &TraceId,
    ) -> Result<Known, Halt> {
        if let Some(view) = self.desk.account(person.id).await? {
            if view.away {
                // Whoever writes can be reached: what waited for them is told now.
                self.desk.reach(person.id, true).await?;
            }
            return Ok(Known::of(person.id, chat, view));
        }
        let lang = Lang::of(person.language.as_deref());
        let command = AccountOpen {
            language: Text::lossy(lang.code()),
            name: Text::lossy(&person.name),
            inviter: inviter.and_then(|inviter| Text::new(inviter).ok()),
        };
        let (welcome, since) = match self.desk.open_account(person.id, by, command, trace).await {
            Ok(opened) => {
                fail::fail_point!("telegram.work_committed");
                (Some(opened.result.welcome), Some(opened.position))
            }
            // Opened in between, by another message of the same person.
            Err(error) if error.code() == Some("account_exists") => (None, None),
            Err(error) => return Err(error.into()),
        };
        let view = self.desk.account(person.id).await?;
        let view = view.ok_or_else(|| Halt::Later("the account that was opened is not there".to_owned()))?;
        Ok(Known { welcome, since, ..Known::of(person.id, chat, view) })
    }

    /// The person blocked the bot or let it in again.
    pub(super) async fn membership(&self, user: i64, blocked: bool) -> Result<(), Halt> {
        match self.desk.reach(user, !blocked).await {
            // Nobody we know: blocked before a word was said.
            Err(error) if error.code() == Some("account_not_found") => Ok(()),
            reached => Ok(reached?),
        }
    }
}
