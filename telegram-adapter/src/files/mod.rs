//! Files that people sent, brought into the object store for whoever in MEDIA asks for one.
//!
//! A question names a file by Telegram's id, the answer where it lies. It goes to a queue group, so that of several
//! instances one answers. Phases: is it there already, whole? → getFile → download → is it a picture? → put → answer.
//! Cost: two questions to the store when it is there; else two calls to Telegram and a put.
//! Bounds: [`AT_ONCE`] files of [`BYTES_MAX`] in memory; more wait ([`awaited`]), each once however often it is asked
//! for, and as long as anybody waits for it. Whatever is in doubt is asked again too: nothing here changes anything at Telegram.

mod awaited;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{Client, Message, Subject};
use futures_util::StreamExt as _;
use proto_events::Text;
use proto_events::commands::FileId;
use proto_events::events::MediaType;
use proto_events::media::{FetchFile, Fetched, FetchedFile, file_object, sha256_hex};
use proto_events::subjects::FETCH_FILE;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::delivery::{Missing, Shelf};
use crate::outbound::{Error, Telegram};
use awaited::Awaited;

/// Bot API: what bots may download.
pub const BYTES_MAX: usize = 20 * 1024 * 1024;
/// 80 MB in memory at most. Telegram serves files slower than four at once can be taken.
const AT_ONCE: usize = 4;
const QUEUE_GROUP: &str = "telegram";
/// Telegram has one sentence for an id that is wrong and for a file that is away for a moment.
const AWAY: &str = "temporarily unavailable";
const AWAY_TRIES: usize = 3;
const AWAY_PAUSE: Duration = Duration::from_secs(1);
/// Between tries to hear questions.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Files {
    media: Client,
    telegram: Telegram,
    shelf: Shelf,
    awaited: Arc<Awaited>,
}

/// A file that is to be brought. If that breaks off, whoever asks again begins anew.
struct Wish {
    files: Files,
    file_id: FileId,
    over: bool,
}

impl Wish {
    async fn fulfil(mut self) {
        if !self.files.awaited.is_awaited(&self.file_id, Instant::now()) {
            self.over = true;
            return;
        }
        let fetched = self.files.fetch(&self.file_id).await;
        self.over = true;
        for reply in self.files.awaited.take(&self.file_id) {
            self.files.answer(reply, &fetched).await;
        }
    }
}

impl Drop for Wish {
    fn drop(&mut self) {
        if !self.over {
            self.files.awaited.take(&self.file_id);
        }
    }
}

/// What keeps a file from being brought.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Gone(String),
    #[error("{0}")]
    Unfit(&'static str),
    #[error("{0}")]
    Later(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(words) if words.contains("file is too big") => Self::Unfit("it is over 20 MB"),
            Error::Refused(_) | Error::Blocked(_) | Error::Unsupported => Self::Gone(error.to_string()),
            Error::Flood(_) | Error::Token | Error::NotReached(_) | Error::InDoubt(_) => {
                Self::Later(error.to_string())
            }
        }
    }
}

impl From<Missing> for Trouble {
    fn from(missing: Missing) -> Self {
        Self::Later(missing.to_string())
    }
}

impl Files {
    /// `media` is a connection to the account MEDIA.
    pub fn new(media: Client, telegram: Telegram) -> Self {
        let shelf = Shelf::new(media.clone());
        Self { media, telegram, shelf, awaited: Arc::default() }
    }

    /// Answers until told to stop; then waits for what is in hand.
    pub async fn serve(&self, shutdown: CancellationToken) {
        let (tasks, slots) = (TaskTracker::new(), Arc::new(Semaphore::new(AT_ONCE)));
        let mut questions = loop {
            match self.media.queue_subscribe(FETCH_FILE, QUEUE_GROUP.to_owned()).await {
                Ok(questions) => break questions,
                Err(error) => tracing::warn!(%error, "questions for files can't be heard yet"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        };
        loop {
            let question = tokio::select! {
                () = shutdown.cancelled() => break,
                question = questions.next() => question,
            };
            let Some(question) = question else { break };
            let Some(wish) = self.hear(question).await else { continue };
            let (slots, shutdown) = (Arc::clone(&slots), shutdown.clone());
            tasks.spawn(async move {
                let slot = tokio::select! {
                    () = shutdown.cancelled() => return,
                    slot = slots.acquire_owned() => slot,
                };
                wish.fulfil().await;
                drop(slot);
            });
        }
        tasks.close();
        tasks.wait().await;
    }

    /// What is to be brought, if nobody asked for it before.
    async fn hear(&self, question: Message) -> Option<Wish> {
        let reply = question.reply?;
        let Ok(FetchFile { file_id }) = serde_json::from_slice(&question.payload) else {
            self.answer(reply, &Fetched::Gone { reason: Text::lossy("the question can't be read") }).await;
            return None;
        };
        let first = self.awaited.hear(&file_id, reply, Instant::now());
        first.then(|| Wish { files: self.clone(), file_id, over: false })
    }

    async fn answer(&self, reply: Subject, fetched: &Fetched) {
        let Ok(fetched) = serde_json::to_vec(fetched) else { return };
        if let Err(error) = self.media.publish(reply, fetched.into()).await {
            tracing::warn!(%error, "a question for a file could not be answered");
        }
    }

    /// Sees to it that the file lies in the object store.
    pub async fn fetch(&self, file_id: &str) -> Fetched {
        let (fetched, outcome) = match self.bring(file_id).await {
            Ok((file, outcome)) => (Fetched::Here(file), outcome),
            Err(trouble) => {
                let reason = Text::lossy(&trouble.to_string());
                tracing::warn!(%trouble, "a file was not brought");
                match trouble {
                    Trouble::Gone(_) => (Fetched::Gone { reason }, "gone"),
                    Trouble::Unfit(_) => (Fetched::Unfit { reason }, "unfit"),
                    Trouble::Later(_) => (Fetched::Later { reason }, "later"),
                }
            }
        };
        metrics::counter!("telegram_files_total", "outcome" => outcome).increment(1);
        fetched
    }

    async fn bring(&self, file_id: &str) -> Result<(FetchedFile, &'static str), Trouble> {
        let object = file_object(file_id);
        if let Some(file) = self.shelf.kept(&object).await? {
            return Ok((file, "there"));
        }
        let place = self.place(file_id).await?;
        if place.bytes.is_some_and(|bytes| bytes > BYTES_MAX as u64) {
            return Err(Trouble::Unfit("it is over 20 MB"));
        }
        let bytes = self.telegram.download(&place.path, BYTES_MAX).await?;
        let bytes = bytes.ok_or(Trouble::Unfit("it is over 20 MB"))?;
        let media_type = picture_type(&bytes).ok_or(Trouble::Unfit("it is no JPEG, PNG or WebP picture"))?;
        let file = FetchedFile {
            object: Text::lossy(&object),
            sha256: Text::lossy(&sha256_hex(&bytes)),
            media_type,
            // Invariant: not above BYTES_MAX.
            bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        };
        self.shelf.keep(&file, &bytes).await?;
        tracing::info!(object, bytes = bytes.len(), "a file was brought");
        Ok((file, "brought"))
    }

    async fn place(&self, file_id: &str) -> Result<crate::outbound::FilePlace, Trouble> {
        for _ in 1..AWAY_TRIES {
            match self.telegram.file(file_id).await {
                Err(Error::Refused(words)) if words.contains(AWAY) => tokio::time::sleep(AWAY_PAUSE).await,
                place => return Ok(place?),
            }
        }
        Ok(self.telegram.file(file_id).await?)
    }
}

/// By what it begins with, not by what it is called; and it has sides.
fn picture_type(bytes: &[u8]) -> Option<MediaType> {
    let media_type = match imagesize::image_type(bytes).ok()? {
        imagesize::ImageType::Jpeg => MediaType::Jpeg,
        imagesize::ImageType::Png => MediaType::Png,
        imagesize::ImageType::Webp => MediaType::Webp,
        _ => return None,
    };
    let size = imagesize::blob_size(bytes).ok()?;
    (size.width > 0 && size.height > 0).then_some(media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telegrams_words_are_sorted_by_whether_to_ask_again() {
        let refused = |words: &str| Trouble::from(Error::Refused(words.to_owned()));
        assert!(matches!(refused("Bad Request: file is too big"), Trouble::Unfit(_)));
        assert!(matches!(refused("Bad Request: invalid file_id"), Trouble::Gone(_)));
        assert!(matches!(Trouble::from(Error::Flood(PAUSE)), Trouble::Later(_)));
        assert!(matches!(Trouble::from(Error::InDoubt("no answer in time".to_owned())), Trouble::Later(_)));
    }

    #[test]
    fn only_pictures_are_taken_whatever_they_are_called() {
        assert_eq!(picture_type(b"GIF89a\x01\0\x01\0"), None);
        assert_eq!(picture_type(b"%PDF-1.7 and so on and on"), None);
        assert_eq!(picture_type(b"\x89PNG\r\n\x1a\n\0\0"), None, "cut");
        assert_eq!(picture_type(b""), None);
    }
}
