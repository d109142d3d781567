//! A message, with all that people can send.

use serde_json::Value;

use super::group;
use super::media::{self, Document, Other, Photo};
use super::money::read_notice;
use super::update::{BadUpdate, Person, Update, id, person, text};
use super::us::Us;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatKind {
    Private,
    /// Also a supergroup.
    Group,
}

/// A message to us: in a private chat, or in a group and addressed to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub chat: i64,
    pub chat_kind: ChatKind,
    pub message: i64,
    pub from: Person,
    /// Absent for photos, stickers and everything else without text. In a group without our name, and may then be empty.
    pub text: Option<String>,
    /// What stands below a photo or another file. In a group without our name.
    pub caption: Option<String>,
    pub photo: Option<Photo>,
    /// Pictures that came as documents are here too: see [`Message::picture`].
    pub document: Option<Document>,
    /// What it is if it is neither text nor photo nor document.
    pub other: Option<Other>,
    /// Names the album that it belongs to.
    pub group: Option<String>,
    /// The message that this one answers.
    pub replied: Option<Replied>,
    /// Somebody else's words, or their own from elsewhere.
    pub forwarded: bool,
    /// It is not as it was sent first.
    pub edited: bool,
    /// Telegram's own notice (a pinned message, a changed timer): nothing the person said.
    pub service: bool,
}

/// A message that another answers, as much of it as Telegram shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replied {
    pub message: i64,
    pub from_us: bool,
    pub text: Option<String>,
    pub caption: Option<String>,
    /// Also one that was sent as a document.
    pub picture: Option<Photo>,
}

impl Message {
    /// The text of the bot's message that this one answers.
    pub fn answers(&self) -> Option<&str> {
        self.replied.as_ref().filter(|replied| replied.from_us)?.text.as_deref()
    }

    /// What they wrote: the text, else the caption.
    pub fn words(&self) -> Option<&str> {
        self.text.as_deref().or(self.caption.as_deref())
    }

    /// The picture in it, whether it came as a photo or as a document.
    pub fn picture(&self) -> Option<Photo> {
        media::picture(self.photo.as_ref(), self.document.as_ref())
    }
}

pub(super) fn read_message(message: &Value, us: &Us) -> Result<Update, BadUpdate> {
    let chat = id(&message["chat"]["id"]).ok_or(BadUpdate::NotUpdate("a message without a chat"))?;
    let number = id(&message["message_id"]).ok_or(BadUpdate::NotUpdate("a message without an id"))?;
    // Before anything is let be: money is money wherever it is told of.
    if let Some(paid) = message.get("successful_payment") {
        return Ok(read_notice(message, paid).map_or(Update::Ignored("money without a charge"), Update::Paid));
    }
    if let Some(back) = message.get("refunded_payment") {
        let returned = read_notice(message, back).map(Update::Returned);
        return Ok(returned.unwrap_or(Update::Ignored("a refund without a charge")));
    }
    let chat_kind = match message["chat"]["type"].as_str() {
        Some("private") => ChatKind::Private,
        Some("group" | "supergroup") => ChatKind::Group,
        _ => return Ok(Update::Ignored("neither a private chat nor a group")),
    };
    if message["from"]["is_bot"] == true {
        return Ok(Update::Ignored("written by a bot"));
    }
    let Some(from) = person(&message["from"]) else { return Ok(Update::Ignored("written by nobody")) };
    let (photo, document) = (media::photo(message), media::document(message));
    let (words, service) = (text(message, "text"), is_service(message));
    let bare = words.is_none() && photo.is_none() && document.is_none() && !service;
    let read = Message {
        chat,
        chat_kind,
        message: number,
        from,
        text: words,
        caption: text(message, "caption"),
        photo,
        document,
        other: bare.then(|| media::kind(message).unwrap_or(Other::Unknown)),
        group: text(message, "media_group_id"),
        replied: replied(&message["reply_to_message"], us),
        forwarded: message.get("forward_origin").is_some() || message.get("forward_date").is_some(),
        edited: message.get("edit_date").is_some(),
        service,
    };
    match chat_kind {
        ChatKind::Private => Ok(Update::Message(read)),
        ChatKind::Group => in_group(message, read, us),
    }
}

/// Let be, unless it is for us; then without our name.
fn in_group(message: &Value, mut read: Message, us: &Us) -> Result<Update, BadUpdate> {
    let username = us.username().ok_or(BadUpdate::TooEarly)?;
    let mut addressed = read.replied.as_ref().is_some_and(|replied| replied.from_us);
    for (words, entities) in [(&mut read.text, "entities"), (&mut read.caption, "caption_entities")] {
        if let Some(words) = words {
            let (called, without_us) = group::called(words, &message[entities], us, username);
            addressed |= called;
            *words = without_us;
        }
    }
    let said = addressed && !read.service;
    Ok(if said { Update::Message(read) } else { Update::Ignored("in a group and not for us") })
}

fn replied(message: &Value, us: &Us) -> Option<Replied> {
    // Everything in a topic of a group answers the notice that began it.
    if message.get("forum_topic_created").is_some() {
        return None;
    }
    let (photo, document) = (media::photo(message), media::document(message));
    Some(Replied {
        message: id(&message["message_id"])?,
        from_us: message["from"]["id"].as_i64() == Some(us.id()),
        text: text(message, "text"),
        caption: text(message, "caption"),
        picture: media::picture(photo.as_ref(), document.as_ref()),
    })
}

/// Whether a message is Telegram's notice: it has none of the things a person can send.
fn is_service(message: &Value) -> bool {
    const NOTICES: [&str; 18] = [
        "pinned_message",
        "message_auto_delete_timer_changed",
        "chat_background_set",
        "write_access_allowed",
        "boost_added",
        "forum_topic_created",
        "new_chat_title",
        "delete_chat_photo",
        "new_chat_photo",
        "new_chat_members",
        "left_chat_member",
        "group_chat_created",
        "supergroup_chat_created",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
        "connected_website",
        "gift",
        "unique_gift",
    ];
    NOTICES.iter().any(|notice| message.get(notice).is_some())
}
