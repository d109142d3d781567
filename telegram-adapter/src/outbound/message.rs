//! Messages in words: sent, edited, copied, taken away.

use teloxide::payloads::{
    CopyMessage, DeleteMessage, DeleteMessages, EditMessageCaption, EditMessageReplyMarkup, EditMessageText,
    ForwardMessage, SendMessage,
};
use teloxide::types::{ChatId, LinkPreviewOptions};

use super::{
    Error, InDoubt, Markup, Refusal, Sent, Telegram, either_way, message_id, recipient, reply,
    unknown_message,
};
use crate::flood::Traffic;
use crate::texts::Html;

/// Bot API: deleteMessages takes 1–100.
const DELETED_AT_ONCE: usize = 100;
const NO_PREVIEW: LinkPreviewOptions = LinkPreviewOptions {
    is_disabled: true,
    url: None,
    prefer_small_media: false,
    prefer_large_media: false,
    show_above_text: false,
};

impl Telegram {
    /// # Errors
    /// See [`Error`]. In doubt it may have been sent.
    pub async fn send(
        &self,
        chat: i64,
        text: &Html,
        markup: &Markup,
        reply_to: Option<i64>,
    ) -> Result<Sent, Error> {
        let sent = either_way(|form| {
            let mut message = SendMessage::new(ChatId(chat), form.words(text));
            message.parse_mode = form.parse_mode();
            message.link_preview_options = Some(NO_PREVIEW);
            message.reply_parameters = reply_to.and_then(reply);
            message.reply_markup = markup.for_sending();
            self.call(&self.calls, Traffic::one(chat), InDoubt::Leave, message)
        });
        sent.await.map(|message| Sent::read(&message))
    }

    /// Also takes away the old buttons if there are no new ones. Succeeds if it looks so already.
    ///
    /// # Errors
    /// See [`Error`]; [`Refusal::MessageGone`] if it is not there any more, or too old.
    pub async fn edit(&self, chat: i64, message: i64, text: &Html, markup: &Markup) -> Result<(), Error> {
        self.edit_as(Traffic::one(chat), InDoubt::Repeat, chat, message, text, markup).await
    }

    pub(super) async fn edit_as(
        &self,
        traffic: Traffic,
        in_doubt: InDoubt,
        chat: i64,
        message: i64,
        text: &Html,
        markup: &Markup,
    ) -> Result<(), Error> {
        let Some(message) = message_id(message) else { return Err(unknown_message()) };
        let edited = either_way(|form| {
            let mut edit = EditMessageText::new(ChatId(chat), message, form.words(text));
            edit.parse_mode = form.parse_mode();
            edit.link_preview_options = Some(NO_PREVIEW);
            edit.reply_markup = markup.for_editing();
            self.call(&self.calls, form.traffic(traffic), in_doubt, edit)
        });
        looks_so(edited.await)
    }

    /// What stands below a picture, and its buttons, as [`Telegram::edit`]. No caption takes the old one away.
    ///
    /// # Errors
    /// As [`Telegram::edit`].
    pub async fn edit_caption(
        &self,
        chat: i64,
        message: i64,
        caption: Option<&Html>,
        markup: &Markup,
    ) -> Result<(), Error> {
        let Some(message) = message_id(message) else { return Err(unknown_message()) };
        let edited = either_way(|form| {
            let mut edit = EditMessageCaption::new(ChatId(chat), message);
            edit.caption = Some(caption.map(|caption| form.words(caption)).unwrap_or_default());
            edit.parse_mode = form.parse_mode();
            edit.reply_markup = markup.for_editing();
            self.call(&self.calls, Traffic::one(chat), InDoubt::Repeat, edit)
        });
        looks_so(edited.await)
    }

    /// The buttons alone; none takes the old ones away.
    ///
    /// # Errors
    /// As [`Telegram::edit`].
    pub async fn edit_markup(&self, chat: i64, message: i64, markup: &Markup) -> Result<(), Error> {
        let Some(message) = message_id(message) else { return Err(unknown_message()) };
        let mut edit = EditMessageReplyMarkup::new(ChatId(chat), message);
        edit.reply_markup = markup.for_editing();
        looks_so(self.call(&self.calls, Traffic::one(chat), InDoubt::Repeat, edit).await)
    }

    /// A message's content, sent to `to` as our own. What stands below it there is `markup`.
    ///
    /// # Errors
    /// See [`Error`]; [`Refusal::MessageGone`] if it is not there. In doubt it may have been sent.
    pub async fn copy(&self, to: i64, from: i64, message: i64, markup: &Markup) -> Result<Sent, Error> {
        let Some(message) = message_id(message) else { return Err(unknown_message()) };
        let mut copy = CopyMessage::new(recipient(to), recipient(from), message);
        copy.reply_markup = markup.for_sending();
        self.call(&self.calls, Traffic::one(to), InDoubt::Leave, copy)
            .await
            .map(|message| Sent::read(&message))
    }

    /// With who wrote it.
    ///
    /// # Errors
    /// As [`Telegram::copy`].
    pub async fn forward(&self, to: i64, from: i64, message: i64) -> Result<Sent, Error> {
        let Some(message) = message_id(message) else { return Err(unknown_message()) };
        let forward = ForwardMessage::new(recipient(to), recipient(from), message);
        self.call(&self.calls, Traffic::one(to), InDoubt::Leave, forward)
            .await
            .map(|message| Sent::read(&message))
    }

    /// # Errors
    /// See [`Error`].
    pub async fn delete(&self, chat: i64, message: i64) -> Result<(), Error> {
        let Some(message) = message_id(message) else { return Err(unknown_message()) };
        let delete = DeleteMessage { chat_id: recipient(chat), message_id: message };
        match self.call(&self.calls, Traffic::removal(chat), InDoubt::Repeat, delete).await {
            // A repeat of a delete that was carried out.
            Err(error) if error.refused().is_some_and(|words| words.contains("to delete not found")) => {
                Ok(())
            }
            deleted => deleted.map(drop),
        }
    }

    /// Those that are not there, or are too old to be deleted, are passed over, as Telegram does.
    ///
    /// # Errors
    /// See [`Error`]; some may be gone then.
    pub async fn delete_many(&self, chat: i64, messages: &[i64]) -> Result<(), Error> {
        let messages: Vec<_> = messages.iter().filter_map(|message| message_id(*message)).collect();
        for some in messages.chunks(DELETED_AT_ONCE) {
            let delete = DeleteMessages::new(recipient(chat), some.iter().copied());
            match self.call(&self.calls, Traffic::removal(chat), InDoubt::Repeat, delete).await {
                Err(error) if error.refusal() == Some(Refusal::MessageGone) => {}
                deleted => deleted.map(drop)?,
            }
        }
        Ok(())
    }
}

fn looks_so<T>(edited: Result<T, Error>) -> Result<(), Error> {
    match edited {
        Err(error) if error.refusal() != Some(Refusal::NotModified) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
