//! A message that we write to a person: text, picture, button, or a copy of another message.

use proto_events::commands::MessageContent;

use crate::outbound::{Button, Error, FileKind, Markup, Telegram};
use crate::texts::Html;

/// # Errors
/// See [`Error`]. In doubt it may have been sent.
pub async fn post(telegram: &Telegram, chat: i64, content: &MessageContent) -> Result<(), Error> {
    let button = content.button.as_ref().and_then(|button| {
        let url = button.url.parse().ok()?;
        Some(Button::Link { label: button.label.to_string(), url })
    });
    let markup = button.map_or(Markup::None, |button| Markup::Buttons(vec![button]));
    if let Some(copy) = &content.copy_of {
        return telegram.copy(chat, copy.chat, copy.message, &markup).await.map(drop);
    }
    let text = content.text.as_deref().map(Html::written);
    match (&content.picture, text) {
        (Some(picture), text) => {
            let kind = FileKind::Photo;
            telegram.picture_by_id(chat, kind, picture, text.as_ref(), &markup, None).await.map(drop)
        }
        (None, Some(text)) => telegram.send(chat, &text, &markup, None).await.map(drop),
        (None, None) => Err(Error::Refused("there is nothing to say".to_owned())),
    }
}
