//! What can be done with a result: the same once more, its file, sent again; and to call off what is not there yet.

use std::time::Duration;

use proto_events::commands::FileId;
use proto_events::envelope::TraceId;
use proto_events::events::GenerationKind;
use proto_events::queries::{GenerationState, ResultView};

use super::{Halt, Known, Tail, Talk};
use crate::delivery::{Made, Missing};
use crate::desk::By;
use crate::inbound::Tap;
use crate::outbound::{Error, FileKind, Markup, Picture};
use crate::results::result_buttons;
use crate::texts::Say;

/// Requests that are looked through for what is open: nobody has more.
const OPEN_MAX: u16 = 20;
/// For the person's turn and a place; whoever waited so long in vain asks again.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(15);

impl Talk {
    async fn made(&self, known: &Known, tail: &Tail) -> Result<Option<ResultView>, Halt> {
        match tail.generation(known.account) {
            Some(generation) => Ok(self.desk.result(generation).await?),
            None => Ok(None),
        }
    }

    /// The button gets a new nonce, so that another tap is another picture.
    pub(super) async fn again(
        &self,
        known: &Known,
        nonce: &str,
        of: &Tail,
        tap: &Tap,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let Some(made) = self.made(known, of).await? else {
            return self.said(known, Say::WishGone).await;
        };
        let mut request = made.request;
        request.context.chat = known.chat;
        request.context.message = tap.message;
        request.context.status_message = None;
        if !self.order(known, By::Nonce(nonce), request, trace).await? {
            return Ok(());
        }
        let fresh = result_buttons(&self.texts, known.lang, of);
        if let Err(error) = self.telegram.edit_markup(known.chat, tap.message, &fresh).await {
            tracing::debug!(%error, "the buttons of a result were not renewed");
        }
        Ok(())
    }

    /// As it was made, uncompressed; from the object store, a week long. It takes the person's turn and a place, as what is
    /// delivered does.
    pub(super) async fn original(&self, known: &Known, tail: &Tail, message: i64) -> Result<(), Halt> {
        let Some(made) = self.made(known, tail).await? else {
            return self.said(known, Say::OriginalGone).await;
        };
        let room = async { (self.turns.of(known.account).await, self.shelf.place().await) };
        let Ok((_turn, Some(_place))) = tokio::time::timeout(ROOM_WAIT_MAX, room).await else {
            return self.said(known, Say::ResultLater).await;
        };
        for place in &made.outputs {
            let picture = match self.shelf.fetch(place).await {
                Ok(Made::Picture(picture)) => Picture { as_document: true, ..picture },
                Ok(Made::Words(_)) => continue,
                Err(missing) => {
                    tracing::info!(%missing, "an original is not there");
                    return self.said(known, unread(&missing, Say::OriginalGone)).await;
                }
            };
            let sent = self.telegram.picture(known.chat, &picture, None, &Markup::None, Some(message)).await;
            if let Err(error) = sent {
                tracing::warn!(%error, "an original was not sent");
                return self.said(known, unsent(&error, Say::OriginalGone)).await;
            }
        }
        Ok(())
    }

    /// A result of long ago, by Telegram's ids: costs nothing.
    pub(super) async fn resend(&self, known: &Known, tail: &Tail) -> Result<(), Halt> {
        let Some(made) = self.made(known, tail).await? else {
            return self.said(known, Say::HistoryGone).await;
        };
        if made.state == GenerationState::Succeeded && !made.lost {
            // Whoever delivers it does so until it is there, or given up.
            return self.said(known, Say::ResultOnItsWay).await;
        }
        if made.request.kind == GenerationKind::Text {
            return self.resend_words(known, &made).await;
        }
        if made.file_ids.is_empty() {
            return self.said(known, Say::HistoryGone).await;
        }
        let buttons = result_buttons(&self.texts, known.lang, tail);
        for (n, file) in made.file_ids.iter().enumerate() {
            let last = n + 1 == made.file_ids.len();
            let markup = if last { &buttons } else { &Markup::None };
            if let Err(error) = self.send_file(known, file, markup).await {
                tracing::warn!(%error, "a result was not sent again");
                return self.said(known, unsent(&error, Say::HistoryGone)).await;
            }
        }
        Ok(())
    }

    /// As the photo that it was sent as; a file that went as a document stays one.
    async fn send_file(&self, known: &Known, file: &FileId, markup: &Markup) -> Result<(), Error> {
        let as_photo =
            self.telegram.picture_by_id(known.chat, FileKind::Photo, file, None, markup, None).await;
        match as_photo {
            Err(Error::Refused(_)) => {
                let kind = FileKind::Document;
                self.telegram.picture_by_id(known.chat, kind, file, None, markup, None).await.map(drop)
            }
            sent => sent.map(drop),
        }
    }

    async fn resend_words(&self, known: &Known, made: &ResultView) -> Result<(), Halt> {
        let Some(place) = made.outputs.first() else { return self.said(known, Say::HistoryGone).await };
        match self.shelf.fetch(place).await {
            Ok(Made::Words(words)) => {
                for piece in crate::texts::rich(&words) {
                    if self.reply(known.chat, &piece, &Markup::None, None).await.is_none() {
                        return self.said(known, Say::ResultLater).await;
                    }
                }
                Ok(())
            }
            Ok(Made::Picture(_)) => self.said(known, Say::HistoryGone).await,
            Err(missing) => self.said(known, unread(&missing, Say::HistoryGone)).await,
        }
    }

    /// The button under "Drawing…". What came of it is told by `delivery`.
    pub(super) async fn cancel(&self, known: &Known, tail: &Tail, trace: &TraceId) -> Result<(), Halt> {
        let Some(generation) = tail.generation(known.account) else { return Ok(()) };
        self.desk.cancel(generation, trace).await?;
        Ok(())
    }

    /// Whatever is open or waited for.
    pub(super) async fn cancel_all(&self, known: &Known, trace: &TraceId) -> Result<(), Halt> {
        let asked = known.awaits.as_ref().is_some_and(super::Awaits::is_question);
        self.remember(known, None).await?;
        let mut canceled = 0;
        for item in self.desk.history(known.user, None, OPEN_MAX).await? {
            if item.state == GenerationState::Open && self.desk.cancel(item.generation, trace).await? {
                canceled += 1;
            }
        }
        match (canceled, asked) {
            // Each is told by itself, with what came back.
            (1.., _) => Ok(()),
            (_, true) => self.said(known, Say::CancelDone).await,
            (_, false) => self.said(known, Say::CancelNothing).await,
        }
    }
}

/// Bytes that can't be read: gone, or only not now.
fn unread(missing: &Missing, gone: Say<'static>) -> Say<'static> {
    match missing {
        Missing::Lost(_) => gone,
        Missing::Unreached(_) => Say::ResultLater,
    }
}

/// What Telegram did not take: it never will, or only not now.
fn unsent(error: &Error, gone: Say<'static>) -> Say<'static> {
    match error {
        Error::Refused(_) | Error::Blocked(_) | Error::Unsupported => gone,
        Error::Flood(_) | Error::Token | Error::NotReached(_) | Error::InDoubt(_) => Say::ResultLater,
    }
}
