//! Pictures that the owner has put above texts: which stand where, and how they are sent. Their bytes come from the ledger by parts
//! and go up to Telegram once; after that its id of the photo is enough, for as long as this process lives.
//!
//! Nobody is left without an answer because of a picture: whoever sends one says the words alone where it fails.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proto_events::commands::FileId;
use proto_events::events::{MediaType, TextPicture};
use proto_events::media::sha256_hex;
use service::ledger::SendError;

use crate::desk::Desk;
use crate::outbound::{Error, FileKind, Markup, Picture, Sent, Telegram};
use crate::texts::{Html, Lang, units};

/// Bot API: of a caption, after entities.
const CAPTION_UNITS_MAX: usize = 1_024;
/// The ledger takes no larger ones.
const BYTES_MAX: usize = 5 << 20;
/// For all of it: a webhook is answered within 60 s, whatever comes of the picture.
const PHOTO_MAX: Duration = Duration::from_secs(25);
/// Of that, for its bytes; and for another who is bringing one up.
const FETCH_MAX: Duration = Duration::from_secs(8);
const WAIT_MAX: Duration = Duration::from_secs(8);

/// Why a picture was not sent, or not for certain.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    #[error("the ledger does not give it: {0}")]
    Ledger(#[from] SendError),
    #[error("what the ledger has is not what was put there: {0}")]
    Other(&'static str),
    #[error("it took too long")]
    Late,
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
    /// Telegram's, by digest.
    ids: Mutex<HashMap<String, FileId>>,
    /// One brings a picture up; who comes meanwhile has its id then.
    bringing: tokio::sync::Mutex<()>,
}

impl Pictures {
    pub fn new(desk: Desk, telegram: Telegram) -> Self {
        let (above, ids, bringing) = (RwLock::default(), Mutex::default(), tokio::sync::Mutex::default());
        Self(Arc::new(Inner { desk, telegram, above, ids, bringing }))
    }

    /// From now on; `None`: none any more.
    pub fn put(&self, lang: Lang, text: &str, picture: Option<TextPicture>) {
        let mut above = self.0.above.write().unwrap_or_else(PoisonError::into_inner);
        let place = (lang.code(), text.to_owned());
        match picture {
            Some(picture) => drop(above.insert(place, picture)),
            None => drop(above.remove(&place)),
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
        let sent = self.photo_at_last(chat, picture, caption, markup);
        tokio::time::timeout(PHOTO_MAX, sent).await.map_err(|_| Unsent::Late)?
    }

    async fn photo_at_last(
        &self,
        chat: i64,
        picture: &TextPicture,
        caption: Option<&Html>,
        markup: &Markup,
    ) -> Result<Sent, Unsent> {
        if let Some(sent) = self.by_id(chat, picture, caption, markup).await? {
            return Ok(sent);
        }
        let bringing = tokio::time::timeout(WAIT_MAX, self.0.bringing.lock());
        let _bringing = bringing.await.map_err(|_| Unsent::Late)?;
        if let Some(sent) = self.by_id(chat, picture, caption, markup).await? {
            return Ok(sent);
        }
        let bytes =
            tokio::time::timeout(FETCH_MAX, self.fetch(picture)).await.map_err(|_| Unsent::Late)??;
        let file_name = if picture.media_type == MediaType::Png { "picture.png" } else { "picture.jpg" };
        let brought = Picture { bytes, file_name, as_document: false };
        let sent = self.0.telegram.photo(chat, &brought, caption, markup).await?;
        if let Some(file) = &sent.file {
            let mut ids = self.0.ids.lock().unwrap_or_else(PoisonError::into_inner);
            ids.insert(picture.sha256.to_string(), file.file_id.clone());
        }
        Ok(sent)
    }

    /// `None`: Telegram does not have it yet, or not under this id any more.
    async fn by_id(
        &self,
        chat: i64,
        picture: &TextPicture,
        caption: Option<&Html>,
        markup: &Markup,
    ) -> Result<Option<Sent>, Unsent> {
        let ids = || self.0.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(id) = ids().get(picture.sha256.as_str()).cloned() else { return Ok(None) };
        match self.0.telegram.picture_by_id(chat, FileKind::Photo, &id, caption, markup, None).await {
            Err(Error::Refused(words)) if words.to_ascii_lowercase().contains("file") => {
                tracing::info!(words, "Telegram does not know a picture by its id any more");
                ids().remove(picture.sha256.as_str());
                Ok(None)
            }
            sent => Ok(Some(sent?)),
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
