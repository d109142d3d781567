//! Where made things lie until they are delivered: the object store `images` in MEDIA.
//!
//! An object is `<generation>/<attempt>/0`. Its chunks are written first and its entry last, with what
//! the attempt cost as metadata on it: the entry is there if and only if the whole result is. So a
//! worker that was killed after paying leaves something its successor can complete with.
//! Bounds: a put holds the bytes once, in memory, and sends chunks of 128 KB.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    object_store::{InfoErrorKind, ObjectInfo, ObjectMetadata, ObjectStore},
    stream::DiscardPolicy,
};
use base64::{Engine, prelude::BASE64_URL_SAFE};
use proto_events::{
    Attempt, GenerationId, Text, commands::MadeOutput, events::Spent, subjects::IMAGES_BUCKET,
};
use sha2::{Digest, Sha256};

use crate::{gemini::BODY_BYTES_MAX, picture::Made};

/// A put or a look that takes longer is given up and tried again: 64 MB pass in seconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// What the server says of a store that takes nothing more. The client library passes these words on as
/// text only.
const FULL: [&str; 4] =
    ["maximum bytes exceeded", "insufficient", "resource limits exceeded", "no space left"];
/// Metadata of an object: what made it and what that cost, as JSON.
const RESULT: &str = "plantain-result";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the object store can't be opened")]
    Open(#[source] jetstream::context::ObjectStoreError),
    #[error("the object store is not there")]
    Look(#[source] jetstream::context::GetStreamError),
    #[error("the object store holds {bytes} of {bytes_max} bytes and drops nothing old")]
    Full { bytes: u64, bytes_max: u64 },
    #[error("the object can't be put")]
    Put(#[source] jetstream::object_store::PutError),
    #[error("the object can't be looked up")]
    Info(#[source] jetstream::object_store::InfoError),
    #[error("what was made can't be described")]
    Describe(#[source] serde_json::Error),
    #[error("the object is too large or badly named")]
    Form,
    #[error("the object store did not answer in {CALL_TIMEOUT:?}")]
    TimedOut,
}

impl Error {
    /// Waiting alone will not help.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Put(error) => says_full(&error.to_string()),
            _ => false,
        }
    }
}

fn says_full(text: &str) -> bool {
    FULL.iter().any(|words| text.contains(words))
}

/// A result as it lies there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stored {
    pub output: MadeOutput,
    pub spent: Spent,
}

#[derive(Clone)]
pub struct Shelf {
    jetstream: jetstream::Context,
}

impl Shelf {
    /// `media` is a connection to the account MEDIA.
    pub fn new(media: async_nats::Client) -> Self {
        Self { jetstream: jetstream::new(media) }
    }

    /// Is the bucket there, and will it take a result? One look.
    ///
    /// # Errors
    /// The store is away or full.
    pub async fn ready(&self) -> Result<(), Error> {
        bounded(async {
            let name = format!("OBJ_{IMAGES_BUCKET}");
            let stream = self.jetstream.get_stream(name).await.map_err(Error::Look)?;
            let info = stream.cached_info();
            room(&info.config, info.state.bytes)
        })
        .await
    }

    /// Puts it there, once: what is there already with the same bytes is left alone.
    ///
    /// # Errors
    /// The store is away; whether it was put is not known then.
    pub async fn put(
        &self,
        generation: GenerationId,
        attempt: Attempt,
        made: &Made,
        spent: &Spent,
    ) -> Result<Stored, Error> {
        let stored = describe(generation, attempt, made, spent)?;
        bounded(async {
            let store = self.open().await?;
            let present = entry(&store, &stored.output.object).await?;
            if present.is_some_and(|info| holds(&info, &stored.output)) {
                return Ok(stored);
            }
            let result = serde_json::to_string(&stored).map_err(Error::Describe)?;
            let meta = ObjectMetadata {
                name: stored.output.object.to_string(),
                metadata: [(RESULT.to_owned(), result)].into(),
                ..ObjectMetadata::default()
            };
            store.put(meta, &mut made.bytes.as_slice()).await.map_err(Error::Put)?;
            Ok(stored)
        })
        .await
    }

    /// The newest whole result of this generation up to that attempt.
    ///
    /// # Errors
    /// The store is away.
    pub async fn find(&self, generation: GenerationId, up_to: Attempt) -> Result<Option<Stored>, Error> {
        bounded(async {
            let store = self.open().await?;
            for attempt in (1..=up_to.get()).rev() {
                let Some(info) = entry(&store, &name(generation, attempt)).await? else { continue };
                let Some(result) = info.metadata.get(RESULT) else { continue };
                match serde_json::from_str::<Stored>(result) {
                    Ok(stored) if holds(&info, &stored.output) => return Ok(Some(stored)),
                    _ => tracing::warn!(%generation, attempt, "an object's description does not fit it"),
                }
            }
            Ok(None)
        })
        .await
    }

    /// Opened each time: the bucket may have been wiped and made anew.
    async fn open(&self) -> Result<ObjectStore, Error> {
        self.jetstream.get_object_store(IMAGES_BUCKET).await.map_err(Error::Open)
    }
}

/// A bucket that drops its oldest always has room, and so has one without a bound.
fn room(config: &jetstream::stream::Config, bytes: u64) -> Result<(), Error> {
    let bytes_max = u64::try_from(config.max_bytes).unwrap_or(0);
    let bounded = bytes_max > 0 && config.discard == DiscardPolicy::New;
    if bounded && bytes.saturating_add(BODY_BYTES_MAX as u64) > bytes_max {
        return Err(Error::Full { bytes, bytes_max });
    }
    Ok(())
}

async fn bounded<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(CALL_TIMEOUT, work).await.unwrap_or(Err(Error::TimedOut))
}

async fn entry(store: &ObjectStore, name: &str) -> Result<Option<ObjectInfo>, Error> {
    match store.info(name).await {
        Ok(info) => Ok((!info.deleted).then_some(info)),
        Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Info(error)),
    }
}

fn name(generation: GenerationId, attempt: i64) -> String {
    format!("{generation}/{attempt}/0")
}

fn describe(generation: GenerationId, attempt: Attempt, made: &Made, spent: &Spent) -> Result<Stored, Error> {
    let output = MadeOutput {
        object: Text::new(name(generation, attempt.get())).map_err(|_| Error::Form)?,
        sha256: Text::new(hex(&Sha256::digest(&made.bytes))).map_err(|_| Error::Form)?,
        media_type: made.media_type,
        bytes: u32::try_from(made.bytes.len()).map_err(|_| Error::Form)?,
        width: made.width,
        height: made.height,
    };
    Ok(Stored { output, spent: spent.clone() })
}

/// Is what the store has under this name what the description says?
fn holds(info: &ObjectInfo, output: &MadeOutput) -> bool {
    let digest = info.digest.as_deref().and_then(|digest| digest.strip_prefix("SHA-256="));
    let digest = digest.and_then(|digest| BASE64_URL_SAFE.decode(digest).ok());
    let same = digest.is_some_and(|digest| hex(&digest) == output.sha256.as_str());
    same && info.name == output.object.as_str() && u32::try_from(info.size) == Ok(output.bytes)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proto_events::{AccountId, CommandId, Producer};

    use super::*;

    #[test]
    fn a_full_store_is_told_from_one_that_is_away() {
        let config = |max_bytes, discard| jetstream::stream::Config {
            max_bytes,
            discard,
            ..jetstream::stream::Config::default()
        };
        let max = 1 << 30;
        assert!(room(&config(max, DiscardPolicy::New), 0).is_ok());
        assert!(room(&config(max, DiscardPolicy::New), 1 << 30).is_err_and(|error| error.is_full()));
        assert!(room(&config(max, DiscardPolicy::Old), 1 << 30).is_ok());
        assert!(room(&config(-1, DiscardPolicy::New), 1 << 40).is_ok());
        assert!(says_full(
            "failed publishing object chunks: failed getting chunk ack: publish failed: \
             maximum bytes exceeded (code 503, error code 10077)"
        ));
        assert!(says_full("insufficient storage resources available (code 500, error code 10047)"));
        assert!(!says_full("failed publishing object chunks: timed out: didn't receive ack in time"));
        assert!(!Error::TimedOut.is_full());
    }

    #[test]
    fn a_description_fits_its_bytes_only() {
        let command = CommandId::new("msg:1:2:3").unwrap();
        let generation = GenerationId::derive(AccountId::random(), Producer::Telegram, &command);
        let made = Made::text("abc".into());
        let stored = describe(generation, Attempt::new(2).unwrap(), &made, &Spent::default()).unwrap();
        assert_eq!(stored.output.object.as_str(), format!("{generation}/2/0"));
        assert_eq!(
            stored.output.sha256.as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let info = |size: usize, digest: &str| -> ObjectInfo {
            let digest = format!("SHA-256={digest}");
            serde_json::from_value(serde_json::json!({
                "name": format!("{generation}/2/0"), "bucket": "images", "size": size, "digest": digest,
            }))
            .unwrap()
        };
        let digest = BASE64_URL_SAFE.encode(Sha256::digest(b"abc"));
        assert!(holds(&info(3, &digest), &stored.output));
        assert!(!holds(&info(4, &digest), &stored.output));
        assert!(!holds(&info(3, "AAAA"), &stored.output));
    }
}
