//! Pictures and other files: uploaded, or sent again by Telegram's id of them.

use std::ops::RangeInclusive;

use axum::body::Bytes;
use proto_events::commands::FileId;
use serde_json::Value;
use teloxide::payloads::{SendDocument, SendMediaGroup, SendPhoto};
use teloxide::types::{ChatId, InputFile, InputMedia, InputMediaDocument, InputMediaPhoto};

use super::{Error, Form, Markup, Sent, Telegram, either_way, recipient, reply};
use crate::flood::Traffic;
use crate::texts::Html;

/// Bot API: how many an album has.
pub const ALBUM: RangeInclusive<usize> = 2..=10;

/// A picture as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub bytes: Bytes,
    pub file_name: &'static str,
    /// Telegram can't show it as a photo.
    pub as_document: bool,
}

/// What a file id is of: Telegram sends a file again only as what it was sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Photo,
    Document,
}

impl Picture {
    fn input(&self) -> InputFile {
        InputFile::memory(self.bytes.clone()).file_name(self.file_name)
    }
}

/// What goes with a file.
#[derive(Clone, Copy)]
struct With<'a> {
    caption: Option<&'a Html>,
    markup: &'a Markup,
    reply_to: Option<i64>,
}

impl Telegram {
    /// A picture with a caption: as a photo, or as a document when Telegram takes no photo of it,
    /// whatever it says is the reason.
    ///
    /// # Errors
    /// See [`Error`]. In doubt it may have been sent.
    pub async fn picture(
        &self,
        chat: i64,
        picture: &Picture,
        caption: Option<&Html>,
        markup: &Markup,
        reply_to: Option<i64>,
    ) -> Result<Sent, Error> {
        let with = With { caption, markup, reply_to };
        let kind = if picture.as_document { FileKind::Document } else { FileKind::Photo };
        let sent = match self.send_file(chat, kind, &picture.input(), with).await {
            Err(error) if kind == FileKind::Photo && error.refused().is_some() => {
                tracing::warn!(%error, "Telegram takes no photo of a picture; it goes as a document");
                self.send_file(chat, FileKind::Document, &picture.input(), with).await
            }
            sent => sent,
        };
        sent.map(|message| Sent::read(&message))
    }

    /// A picture as a photo, or not at all.
    ///
    /// # Errors
    /// See [`Error`]. In doubt it may have been sent.
    pub async fn photo(
        &self,
        chat: i64,
        picture: &Picture,
        caption: Option<&Html>,
        markup: &Markup,
    ) -> Result<Sent, Error> {
        let with = With { caption, markup, reply_to: None };
        let sent = self.send_file(chat, FileKind::Photo, &picture.input(), with).await;
        sent.map(|message| Sent::read(&message))
    }

    /// A file that Telegram has already, without its bytes.
    ///
    /// # Errors
    /// See [`Error`]. Refused if the id is not of that kind, or too old. In doubt it may have been sent.
    pub async fn picture_by_id(
        &self,
        chat: i64,
        kind: FileKind,
        file: &FileId,
        caption: Option<&Html>,
        markup: &Markup,
        reply_to: Option<i64>,
    ) -> Result<Sent, Error> {
        let with = With { caption, markup, reply_to };
        let sent = self.send_file(chat, kind, &by_id(file), with).await;
        sent.map(|message| Sent::read(&message))
    }

    /// Files that Telegram has already, as one album; the caption stands below the first, which clients show below
    /// all. An album has no buttons.
    ///
    /// # Errors
    /// See [`Error`]. Refused, none is sent; in doubt all may be there.
    pub async fn album_by_ids(
        &self,
        chat: i64,
        kind: FileKind,
        files: &[FileId],
        caption: Option<&Html>,
        reply_to: Option<i64>,
    ) -> Result<Vec<Sent>, Error> {
        if !ALBUM.contains(&files.len()) {
            return Err(Error::Refused(format!("an album of {} is none", files.len())));
        }
        let count = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let sent = either_way(|form| {
            let media = files.iter().enumerate().map(|(n, file)| {
                let caption = caption.filter(|_| n == 0).map(|caption| form.words(caption));
                album_part(kind, file, caption, form)
            });
            let mut album = SendMediaGroup::new(ChatId(chat), media);
            album.reply_parameters = reply_to.and_then(reply);
            self.upload(Traffic::Sent { chat, count }, album)
        });
        match sent.await? {
            Value::Array(messages) => Ok(messages.iter().map(Sent::read).collect()),
            _ => Err(Error::InDoubt("sendMediaGroup did not answer with a list".to_owned())),
        }
    }

    async fn send_file(
        &self,
        chat: i64,
        kind: FileKind,
        file: &InputFile,
        with: With<'_>,
    ) -> Result<Value, Error> {
        either_way(async |form: Form| {
            let caption = with.caption.map(|caption| form.words(caption));
            let reply_parameters = with.reply_to.and_then(reply);
            let reply_markup = with.markup.for_sending();
            match kind {
                FileKind::Photo => {
                    let mut photo = SendPhoto::new(recipient(chat), file.clone());
                    (photo.caption, photo.parse_mode) = (caption, form.parse_mode());
                    (photo.reply_parameters, photo.reply_markup) = (reply_parameters, reply_markup);
                    self.upload(Traffic::one(chat), photo).await
                }
                FileKind::Document => {
                    let mut document = SendDocument::new(recipient(chat), file.clone());
                    (document.caption, document.parse_mode) = (caption, form.parse_mode());
                    (document.reply_parameters, document.reply_markup) = (reply_parameters, reply_markup);
                    self.upload(Traffic::one(chat), document).await
                }
            }
        })
        .await
    }
}

fn by_id(file: &FileId) -> InputFile {
    InputFile::file_id(file.as_str().to_owned().into())
}

fn album_part(kind: FileKind, file: &FileId, caption: Option<String>, form: Form) -> InputMedia {
    match kind {
        FileKind::Photo => {
            let mut photo = InputMediaPhoto::new(by_id(file));
            (photo.caption, photo.parse_mode) = (caption, form.parse_mode());
            InputMedia::Photo(photo)
        }
        FileKind::Document => {
            let mut document = InputMediaDocument::new(by_id(file));
            (document.caption, document.parse_mode) = (caption, form.parse_mode());
            InputMedia::Document(document)
        }
    }
}
