//! What is only for the eye: "typing…", a status that changes, a text as it grows. Lost ones are not missed, so nothing
//! of it is repeated or waits for flood control, and an answer is waited for as long as one to a tap.

use serde::Serialize;
use serde_json::Value;
use teloxide::payloads::SendChatAction;
use teloxide::requests::Payload;
use teloxide::types::{ChatAction, ParseMode};

use super::{Error, InDoubt, Markup, Telegram, either_way, in_time, recipient};
use crate::flood::{Glance, Traffic};
use crate::texts::Html;

/// What the bot is shown to be doing, for 5 s or until its next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Typing,
    UploadPhoto,
    UploadDocument,
}

/// Newer than teloxide's.
#[derive(Debug, Clone, Serialize)]
struct SendMessageDraft {
    chat_id: i64,
    draft_id: i64,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parse_mode: Option<ParseMode>,
}

impl Payload for SendMessageDraft {
    type Output = Value;

    const NAME: &'static str = "SendMessageDraft";
}

impl Telegram {
    /// # Errors
    /// See [`Error`].
    pub async fn send_action(&self, chat: i64, action: Action) -> Result<(), Error> {
        let action = match action {
            Action::Typing => ChatAction::Typing,
            Action::UploadPhoto => ChatAction::UploadPhoto,
            Action::UploadDocument => ChatAction::UploadDocument,
        };
        let traffic = Traffic::Glance { chat, of: Glance::Action };
        let action = SendChatAction::new(recipient(chat), action);
        in_time(self.call(&self.calls, traffic, InDoubt::Leave, action)).await.map(drop)
    }

    /// [`Telegram::edit`] of a status, for the eye alone.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Flood`] also within 3 s of the last.
    pub async fn repaint(&self, chat: i64, message: i64, text: &Html, markup: &Markup) -> Result<(), Error> {
        let traffic = Traffic::Glance { chat, of: Glance::Edit(message) };
        in_time(self.edit_as(traffic, InDoubt::Leave, chat, message, text, markup)).await
    }

    /// A text that is not finished, shown for 30 s below a private chat's messages; each with the same number, which is
    /// not 0, takes the place of the last. Empty, Telegram says that the bot is thinking. It ends with a message.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Unsupported`] where the server knows no drafts: edit a message instead.
    pub async fn draft(&self, chat: i64, draft_id: i64, text: &Html) -> Result<(), Error> {
        let traffic = Traffic::Glance { chat, of: Glance::Draft(draft_id) };
        let shown = either_way(|form| {
            let (text, parse_mode) = (form.words(text), form.parse_mode());
            let draft = SendMessageDraft { chat_id: chat, draft_id, text, parse_mode };
            in_time(self.call(&self.calls, form.traffic(traffic), InDoubt::Leave, draft))
        });
        match shown.await {
            // The server has one word, "Not Found", for a method and for a token that it does not know, and the
            // token is good: without it there was nothing to draft. If it was revoked since, the next call says so.
            Err(Error::Token) => Err(Error::Unsupported),
            Err(Error::Refused(words)) if words.to_ascii_lowercase().contains("method not found") => {
                Err(Error::Unsupported)
            }
            shown => shown.map(drop),
        }
    }
}
