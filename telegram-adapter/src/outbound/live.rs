//! What is only for the eye: "typing…", and a text as it grows. Lost ones are not missed, so nothing of it is
//! repeated, and an answer is waited for as long as one to a tap.

use serde::Serialize;
use serde_json::Value;
use teloxide::payloads::SendChatAction;
use teloxide::requests::Payload;
use teloxide::types::{ChatAction, ParseMode};

use super::{Error, InDoubt, Telegram, either_way, in_time, recipient};
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
        let shown = self.call(&self.calls, InDoubt::Leave, SendChatAction::new(recipient(chat), action));
        in_time(shown).await.map(drop)
    }

    /// A text that is not finished, shown for 30 s below a private chat's messages; each with the same number, which is
    /// not 0, takes the place of the last. Empty, Telegram says that the bot is thinking. It ends with a message.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Unsupported`] where the server knows no drafts: edit a message instead.
    pub async fn draft(&self, chat: i64, draft_id: i64, text: &Html) -> Result<(), Error> {
        let shown = either_way(|form| {
            let (text, parse_mode) = (form.words(text), form.parse_mode());
            let draft = SendMessageDraft { chat_id: chat, draft_id, text, parse_mode };
            in_time(self.call(&self.calls, InDoubt::Leave, draft))
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
