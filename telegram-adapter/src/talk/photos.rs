//! Photos that people send: kept to be looked at in their pictures, or changed as their caption says.

use proto_events::commands::{AlbumPut, FileId, Photo, REFERENCES_MAX};
use proto_events::envelope::TraceId;
use proto_events::{GenerationId, Text};
use service::ledger::SendError;

use super::request::Want;
use super::{Awaits, Halt, Known, Press, Talk};
use crate::desk::By;
use crate::files::BYTES_MAX;
use crate::inbound::{self, Message};
use crate::outbound::{FileKind, Markup};
use crate::texts::{Number, Photos, Say};

const MB: usize = 1024 * 1024;
/// Telegram shows so many photos as one album.
const ALBUM_MAX: usize = 10;
/// Buttons beside each other.
const ROW: usize = 5;

/// The bound on what is kept, as the texts say it.
fn most() -> Number {
    Number(i64::try_from(REFERENCES_MAX).unwrap_or(i64::MAX))
}

fn photos(count: usize) -> Photos {
    Photos(i64::try_from(count).unwrap_or(i64::MAX))
}

pub(super) fn kept(photo: inbound::Photo) -> Photo {
    let inbound::Photo { file_id, unique_id, width, height, .. } = photo;
    // One without a unique id is known by its own.
    let unique_id = if unique_id.is_empty() { Text::lossy(&file_id) } else { Text::lossy(&unique_id) };
    Photo { file_id, unique_id, width, height }
}

impl Talk {
    /// Whether they go too fast, and were told so already. Photos wait a little: several are sent at once.
    pub(super) async fn too_fast(&self, message: &Message) -> Option<bool> {
        if message.picture().is_some() || message.group.is_some() {
            return self.rates.take_patiently(message.from.id, message.group.as_deref()).await;
        }
        self.rates.take(message.from.id)
    }

    /// A photo or a file. Parts of an album are put together first, by whoever finds it whole.
    pub(super) async fn photo(&self, known: &Known, message: &Message, trace: &TraceId) -> Result<(), Halt> {
        let Some(photo) = message.picture() else {
            return self.said(known, Say::PhotoNotPicture).await;
        };
        if photo.bytes.is_some_and(|bytes| bytes > BYTES_MAX as u64) {
            let max = Number(i64::try_from(BYTES_MAX / MB).unwrap_or(i64::MAX));
            return self.said(known, Say::PhotoTooLarge { max }).await;
        }
        let photo = kept(photo);
        if let Some(group) = &message.group {
            let (chat, number) = (message.chat, message.message);
            let caption = message.caption.as_deref().map(Text::lossy);
            let part = AlbumPut { chat, group: Text::lossy(group), message: number, photo, caption };
            self.desk.put_album(known.user, part).await?;
            fail::fail_point!("telegram.album.kept");
            return Ok(());
        }
        let by = By::Message { chat: message.chat, message: message.message };
        self.pictured(known, by, vec![photo], message.caption.as_deref(), trace).await
    }

    /// Photos with what was said of them: one with words is changed, several are drawn from, without words they are kept.
    pub(super) async fn pictured(
        &self,
        known: &Known,
        by: By<'_>,
        photos: Vec<Photo>,
        caption: Option<&str>,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let words = caption.map(str::trim).filter(|words| !words.is_empty());
        let Some(words) = words else { return self.keep(known, photos).await };
        let files: Vec<FileId> = photos.into_iter().map(|photo| photo.file_id).collect();
        let want =
            if files.len() == 1 { Want::edit(words, files, None) } else { Want::picture(words, files) };
        self.want(known, by, want, trace).await?;
        self.remember(known, None).await
    }

    async fn keep(&self, known: &Known, new: Vec<Photo>) -> Result<(), Halt> {
        let all = match self.desk.keep_references(known.user, new).await {
            Ok(all) => all,
            Err(error) if error.code() == Some("too_many_references") => {
                return self.said(known, Say::PhotosFull { max: most() }).await;
            }
            Err(error) => return Err(error.into()),
        };
        let text = self.texts.say(known.lang, Say::PhotoKept { photos: photos(all.len()), max: most() });
        let count = Number(i64::try_from(all.len()).unwrap_or(i64::MAX));
        let button = self.tap_button(known, Say::ButtonRefs { photos: count }, &Press::References);
        self.reply(known.chat, &text, &Markup::Buttons(button.into_iter().collect()), None).await;
        Ok(())
    }

    /// Words that answer a message with a picture: it is to be changed.
    pub(super) async fn change_shown(
        &self,
        known: &Known,
        picture: &inbound::Photo,
        message: &Message,
        words: &str,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        // One that we made goes on from where the model was.
        let follows = self.desk.generation_of_file(known.user, &picture.unique_id).await?;
        let by = By::Message { chat: message.chat, message: message.message };
        let want = Want::edit(words, vec![picture.file_id.clone()], follows);
        self.want(known, by, want, trace).await.map(drop)
    }

    /// The answer to "what shall I change?".
    pub(super) async fn change(
        &self,
        known: &Known,
        generation: GenerationId,
        message: &Message,
        words: &str,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let made = self.desk.result(generation).await?;
        let file = made.and_then(|made| made.file_ids.into_iter().next());
        let Some(file) = file else {
            self.remember(known, None).await?;
            return self.said(known, Say::EditNothing).await;
        };
        let by = By::Message { chat: message.chat, message: message.message };
        self.want(known, by, Want::edit(words, vec![file], Some(generation)), trace).await?;
        self.answered(known, message.message).await
    }

    /// The button under a result.
    pub(super) async fn ask_change(&self, known: &Known, tail: &super::Tail) -> Result<(), Halt> {
        let Some(generation) = tail.generation(known.account) else {
            return self.said(known, Say::EditNothing).await;
        };
        self.ask(known, &Awaits::Edit(generation), Say::EditAsk, Say::EditAskHint).await
    }

    /// The photos themselves, numbered by the buttons below them.
    pub(super) async fn references(&self, known: &Known) -> Result<(), Halt> {
        let all = self.desk.references(known.user).await?;
        if all.is_empty() {
            return self.said(known, Say::RefsNone { max: most() }).await;
        }
        for some in all.chunks(ALBUM_MAX) {
            let files: Vec<FileId> = some.iter().map(|photo| photo.file_id.clone()).collect();
            if let Err(error) = self.show_photos(known, &files).await {
                tracing::warn!(%error, "somebody's photos could not be shown");
            }
        }
        let (text, markup) = self.references_page(known, &all);
        self.reply(known.chat, &text, &markup, None).await;
        Ok(())
    }

    /// As photos, or as the files that they came as: Telegram keeps the two apart.
    async fn show_photos(&self, known: &Known, files: &[FileId]) -> Result<(), crate::outbound::Error> {
        if files.len() > 1
            && self.telegram.album_by_ids(known.chat, FileKind::Photo, files, None, None).await.is_ok()
        {
            return Ok(());
        }
        for file in files {
            self.telegram.picture_by_id(known.chat, FileKind::Photo, file, None, &Markup::None, None).await?;
        }
        Ok(())
    }

    fn references_page(&self, known: &Known, all: &[Photo]) -> (crate::texts::Html, Markup) {
        if all.is_empty() {
            return (self.texts.say(known.lang, Say::RefsGone), Markup::None);
        }
        let text = self.texts.say(known.lang, Say::Refs { photos: photos(all.len()), max: most() });
        let numbered = (1..).zip(all).filter_map(|(n, photo)| {
            let press = Press::RemoveReference(Press::photo(&photo.unique_id));
            self.tap_button(known, Say::ButtonRefRemove { n: Number(n) }, &press)
        });
        let numbered: Vec<_> = numbered.collect();
        let mut rows: Vec<_> = numbered.chunks(ROW).map(<[_]>::to_vec).collect();
        rows.extend(
            self.tap_button(known, Say::ButtonRefsClear, &Press::ClearReferences).map(|all| vec![all]),
        );
        (text, Markup::Rows(rows))
    }

    pub(super) async fn remove_reference(
        &self,
        known: &Known,
        photo: &str,
        message: i64,
    ) -> Result<(), Halt> {
        let all = self.desk.references(known.user).await?;
        // Tapped twice: it is gone already.
        let gone = all.iter().find(|kept| Press::photo(&kept.unique_id) == photo);
        let left = match gone {
            Some(gone) => self.desk.remove_references(known.user, Some(gone.unique_id.clone())).await?,
            None => all,
        };
        let (text, markup) = self.references_page(known, &left);
        self.show(known, Some(message), &text, &markup).await;
        Ok(())
    }

    pub(super) async fn clear_references(&self, known: &Known, message: i64) -> Result<(), Halt> {
        let left: Result<_, SendError> = self.desk.remove_references(known.user, None).await;
        let (text, markup) = self.references_page(known, &left?);
        self.show(known, Some(message), &text, &markup).await;
        Ok(())
    }
}
