//! Pictures that the owner has put above texts: which stand where, and how they are sent. Their bytes come from the ledger by parts
//! and go up to Telegram once; after that its id of the photo is enough, for as long as this process lives.
//!
//! Nobody is left without an answer because of a picture, or waits long for one: whoever sends one says the words alone where it
//! fails, and at once where another message is bringing it up or where it failed a short while ago ([`brought`]).

mod brought;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proto_events::commands::FileId;
use proto_events::events::{MediaType, TextPicture};
use proto_events::media::sha256_hex;
use service::ledger::SendError;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use self::brought::{Bringing, Brought, Turn};
use crate::desk::Desk;
use crate::outbound::{Error, FileKind, Markup, Picture, Refusal, Sent, Telegram};
use crate::texts::{Html, Lang, units};

/// Bot API: of a caption, after entities.
const CAPTION_UNITS_MAX: usize = 1_024;
/// The ledger takes no larger ones.
const BYTES_MAX: usize = 5 << 20;
/// For a message with a picture that Telegram has.
const BY_ID_MAX: Duration = Duration::from_secs(25);
/// How long a message waits for its picture to be brought up; then its words go alone.
const PATIENCE: Duration = Duration::from_secs(5);
/// For bringing it up, which goes on meanwhile; and of that for its bytes.
const BRING_MAX: Duration = Duration::from_secs(90);
const FETCH_MAX: Duration = Duration::from_secs(20);

/// Why a picture was not sent, or not for certain.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    #[error("the ledger does not give it: {0}")]
    Ledger(#[from] SendError),
    #[error("what the ledger has is not what was put there: {0}")]
    Other(&'static str),
    #[error("it took too long")]
    Late,
    #[error("another message is bringing it up")]
    OnItsWay,
    #[error("it failed a short while ago")]
    LetBe,
    #[error(transparent)]
    Telegram(#[from] Error),
}

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Pictures(Arc<Inner>);

struct Inner {
    desk: Desk,
    telegram: Telegram,
    /// By language and text.
    above: RwLock<HashMap<(&'static str, String), TextPicture>>,
    brought: Brought,
    /// A picture that is on its way, and may have to be taken away again.
    tasks: TaskTracker,
}

impl Pictures {
    pub fn new(desk: Desk, telegram: Telegram) -> Self {
        Self(Arc::new(Inner {
            desk,
            telegram,
            above: RwLock::default(),
            brought: Brought::default(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Once nobody sends any more: until all that are on their way have come, or have been taken away.
    pub async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// From now on; `None`: none any more. `anew`: there are no others.
    pub fn put(&self, changed: impl IntoIterator<Item = (Lang, String, Option<TextPicture>)>, anew: bool) {
        let mut above = self.0.above.write().unwrap_or_else(PoisonError::into_inner);
        if anew {
            above.clear();
        }
        for (lang, text, picture) in changed {
            let place = (lang.code(), text);
            match picture {
                Some(picture) => drop(above.insert(place, picture)),
                None => drop(above.remove(&place)),
            }
        }
    }

    /// What stands above this text.
    pub fn above(&self, lang: Lang, text: &str) -> Option<TextPicture> {
        let above = self.0.above.read().unwrap_or_else(PoisonError::into_inner);
        above.get(&(lang.code(), text.to_owned())).cloned()
    }

    /// With these words below it; of more than Telegram takes there, in a message after it.
    ///
    /// # Errors
    /// See [`Unsent`]. The words were not sent, or that is in doubt.
    pub async fn send(
        &self,
        chat: i64,
        picture: &TextPicture,
        words: &Html,
        markup: &Markup,
    ) -> Result<Sent, Unsent> {
        if units(&words.plain()) <= CAPTION_UNITS_MAX {
            return self.photo(chat, picture, Some(words), markup).await;
        }
        tracing::warn!("the words below a picture are longer than Telegram takes there; they come after it");
        self.photo(chat, picture, None, &Markup::None).await?;
        Ok(self.0.telegram.send(chat, words, markup, None).await?)
    }

    async fn photo(
        &self,
        chat: i64,
        picture: &TextPicture,
        caption: Option<&Html>,
        markup: &Markup,
    ) -> Result<Sent, Unsent> {
        let sha256 = picture.sha256.as_str();
        let mut turn = self.0.brought.turn(sha256);
        if let Turn::ById(id) = &turn {
            match self.by_id(chat, id, caption, markup).await {
                Err(Unsent::Telegram(Error::Refused(words))) if is_of_the_file(&words) => {
                    tracing::info!(words, "Telegram does not know a picture by its id any more");
                    self.0.brought.forget(sha256, id);
                    turn = self.0.brought.turn(sha256);
                }
                sent => return sent,
            }
        }
        match turn {
            Turn::Bring(bringing) => self.bring(bringing, chat, picture, caption, markup).await,
            Turn::Wait | Turn::ById(_) => Err(Unsent::OnItsWay),
            Turn::LetBe => Err(Unsent::LetBe),
        }
    }

    async fn by_id(
        &self,
        chat: i64,
        id: &FileId,
        caption: Option<&Html>,
        markup: &Markup,
    ) -> Result<Sent, Unsent> {
        let sent = self.0.telegram.picture_by_id(chat, FileKind::Photo, id, caption, markup, None);
        Ok(tokio::time::timeout(BY_ID_MAX, sent).await.map_err(|_| Unsent::Late)??)
    }

    /// Up to Telegram, with this message, in a task of its own: that ends by itself, and what came of it is remembered, however long
    /// the message waits.
    async fn bring(
        &self,
        bringing: Bringing,
        chat: i64,
        picture: &TextPicture,
        caption: Option<&Html>,
        markup: &Markup,
    ) -> Result<Sent, Unsent> {
        let (tell, mut told) = oneshot::channel();
        let (all, picture) = (self.clone(), picture.clone());
        let (caption, markup) = (caption.cloned(), markup.clone());
        self.0.tasks.spawn(async move {
            let sent = all.bring_up(chat, &picture, caption.as_ref(), &markup);
            let sent = tokio::time::timeout(BRING_MAX, sent).await.unwrap_or(Err(Unsent::Late));
            match &sent {
                Ok(Sent { file: Some(file), .. }) => bringing.has(file.file_id.clone()),
                // What a group takes says nothing of the picture.
                Err(Unsent::Telegram(error)) if chat < 0 || is_of_the_chat(error) => {
                    bringing.gives_up_the_turn()
                }
                Ok(_) | Err(Unsent::Ledger(_)) => bringing.gives_up_the_turn(),
                Err(_) => drop(bringing),
            }
            match tell.send(sent) {
                Ok(()) => {}
                Err(Ok(sent)) => all.take_away(chat, sent.message).await,
                Err(Err(error)) => {
                    let sha256 = picture.sha256.as_str();
                    tracing::warn!(sha256, %error, "a picture was not brought up; its words went alone");
                }
            }
        });
        if let Ok(sent) = tokio::time::timeout(PATIENCE, &mut told).await {
            return sent.unwrap_or(Err(Unsent::Late));
        }
        told.close();
        // It may have come at this very moment.
        told.try_recv().unwrap_or(Err(Unsent::Late))
    }

    async fn bring_up(
        &self,
        chat: i64,
        picture: &TextPicture,
        caption: Option<&Html>,
        markup: &Markup,
    ) -> Result<Sent, Unsent> {
        let bytes = self.fetch(picture);
        let bytes = tokio::time::timeout(FETCH_MAX, bytes).await.map_err(|_| Unsent::Late)??;
        let file_name = if picture.media_type == MediaType::Png { "picture.png" } else { "picture.jpg" };
        let brought = Picture { bytes, file_name, as_document: false };
        Ok(self.0.telegram.photo(chat, &brought, caption, markup).await?)
    }

    /// It came after its words had gone alone: nobody is told the same twice.
    async fn take_away(&self, chat: i64, message: i64) {
        if let Err(error) = self.0.telegram.delete(chat, message).await {
            tracing::warn!(%error, "a picture came after its words, and stays there with them");
        }
    }

    async fn fetch(&self, picture: &TextPicture) -> Result<Bytes, Unsent> {
        let whole = usize::try_from(picture.bytes).unwrap_or(usize::MAX);
        if whole > BYTES_MAX {
            return Err(Unsent::Other("too large"));
        }
        let mut bytes: Vec<u8> = Vec::with_capacity(whole);
        while bytes.len() < whole {
            let from = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let next = self.0.desk.picture_part(&picture.sha256, from).await?;
            let part = STANDARD.decode(&next.part).map_err(|_| Unsent::Other("not in Base64"))?;
            if part.is_empty() || bytes.len() + part.len() > whole {
                return Err(Unsent::Other("another size"));
            }
            bytes.extend(part);
        }
        if sha256_hex(&bytes) != picture.sha256.as_str() {
            return Err(Unsent::Other("another digest"));
        }
        Ok(bytes.into())
    }
}

/// Telegram's words for an id that is none, or no more.
fn is_of_the_file(words: &str) -> bool {
    words.to_ascii_lowercase().contains("file")
}

/// Nothing is known of the picture by this; in another chat, or later, it may do.
fn is_of_the_chat(error: &Error) -> bool {
    let away = matches!(error, Error::Blocked(_) | Error::Flood(_) | Error::Token | Error::NotReached(_));
    away || error.refusal() == Some(Refusal::NoChat)
}
