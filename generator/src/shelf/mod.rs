//! What lies outside the ledger, in the account MEDIA: the object store `images`, and conversations.
//!
//! | object | what |
//! |---|---|
//! | `<generation>/<attempt>/<n>` | the n-th thing an attempt made ([`slot`]), in chunks as they came ([`blob`]) |
//! | `<generation>/<attempt>/result` | the manifest: what was made and what that cost; put last of all |
//! | `<generation>/turn`, `<generation>/<attempt>/signatures` | what an edit shows the model again ([`turn`]) |
//! | `files/<sha-256 of its id>` | a file of Telegram's, brought by its adapter ([`material`]) |
//!
//! The manifest is there if and only if the whole result is. So a worker that was killed after paying leaves
//! something its successor can complete with. Everything here may be lost; the ledger then compensates.

mod blob;
mod conversation;
mod live;
mod load;
mod material;
mod room;
mod slot;
mod turn;

use std::{ops::Deref, sync::Arc, time::Duration};

use async_nats::jetstream::{
    self,
    object_store::{InfoErrorKind, ObjectInfo, ObjectStore},
    stream::DiscardPolicy,
};
use base64::{Engine, prelude::BASE64_URL_SAFE};
use proto_events::{
    Attempt, GenerationId,
    commands::MadeOutput,
    events::Spent,
    media::{hex, result_object},
    subjects::IMAGES_BUCKET,
};

pub(crate) use self::material::json_len;
#[cfg(test)]
pub(crate) use self::turn::TurnPart;
pub(crate) use self::turn::{Painted, Record, RecordPart, Turn};
pub use self::{
    blob::Blob,
    live::Live,
    load::Reference,
    material::{Material, Missing, Wanted},
    room::{REQUEST_BYTES_MAX, REQUESTS_BYTES_MAX},
    slot::Slot,
    turn::Keepsake,
};

/// A look that takes longer is given up and tried again.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// A call is not made when there is less room: the largest picture, and signatures.
const ROOM_BYTES_MIN: u64 = 64 << 20;
/// What the server says of a store that takes nothing more. The client library passes these words on as
/// text only.
const FULL: [&str; 4] =
    ["maximum bytes exceeded", "insufficient", "resource limits exceeded", "no space left"];
/// Metadata of a manifest: itself, as JSON, so that one look brings it.
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
    Put(#[source] jetstream::context::PublishError),
    #[error("the object store was made anew while an object was being put")]
    Wiped,
    #[error("the object can't be looked up")]
    Info(#[source] jetstream::object_store::InfoError),
    #[error("the object can't be read")]
    Read(#[from] service::objects::ReadError),
    #[error("the object is not what was looked for")]
    Another,
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

/// What was paid for is not lost by it, or nothing can be done about it.
pub(crate) fn note(error: &Error, what: &'static str) {
    let why: &dyn std::error::Error = error;
    tracing::warn!(error = why, "{what}");
}

fn says_full(text: &str) -> bool {
    FULL.iter().any(|words| text.contains(words))
}

/// A result as it lies there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stored {
    pub outputs: Vec<MadeOutput>,
    pub spent: Spent,
}

#[derive(Clone)]
pub struct Shelf {
    media: async_nats::Client,
    jetstream: jetstream::Context,
    room: Arc<room::Room>,
}

impl Shelf {
    /// `media` is a connection to the account MEDIA; `requests_bytes` is what all requests under way may
    /// hold in memory together (see [`REQUESTS_BYTES_MAX`]).
    pub fn new(media: async_nats::Client, requests_bytes: usize) -> Self {
        let room = Arc::new(room::Room::new(requests_bytes));
        Self { jetstream: jetstream::new(media.clone()), media, room }
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

    /// The newest whole result of this generation before that attempt.
    ///
    /// # Errors
    /// The store is away.
    pub async fn before(&self, generation: GenerationId, attempt: Attempt) -> Result<Option<Stored>, Error> {
        if attempt.get() <= 1 {
            return Ok(None);
        }
        bounded(async {
            let store = self.open().await?;
            for attempt in (1..attempt.get()).rev() {
                let Some(info) = entry(&store, &result_object(generation, attempt)).await? else { continue };
                let stored = info.metadata.get(RESULT).and_then(|text| serde_json::from_str::<Stored>(text).ok());
                match stored {
                    Some(stored) if all_there(&store, &stored.outputs).await? => return Ok(Some(stored)),
                    _ => tracing::warn!(%generation, attempt, "a result's manifest does not fit what lies there"),
                }
            }
            Ok(None)
        })
        .await
    }

    /// Opened each time: the bucket may have been wiped and made anew.
    async fn open(&self) -> Result<Bucket, Error> {
        let objects = self.jetstream.get_object_store(IMAGES_BUCKET).await.map_err(Error::Open)?;
        Ok(Bucket { objects, jetstream: self.jetstream.clone() })
    }
}

/// The object store, opened.
struct Bucket {
    objects: ObjectStore,
    jetstream: jetstream::Context,
}

impl Deref for Bucket {
    type Target = ObjectStore;

    fn deref(&self) -> &ObjectStore {
        &self.objects
    }
}

/// A bucket that drops its oldest always has room, and so has one without a bound.
fn room(config: &jetstream::stream::Config, bytes: u64) -> Result<(), Error> {
    let bytes_max = u64::try_from(config.max_bytes).unwrap_or(0);
    let bounded = bytes_max > 0 && config.discard == DiscardPolicy::New;
    if bounded && bytes.saturating_add(ROOM_BYTES_MIN) > bytes_max {
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

async fn all_there(store: &ObjectStore, outputs: &[MadeOutput]) -> Result<bool, Error> {
    for output in outputs {
        let info = entry(store, output.object.as_str()).await?;
        if !info.is_some_and(|info| holds(&info, output)) {
            return Ok(false);
        }
    }
    Ok(!outputs.is_empty())
}

/// Is what the store has under this name what the description says?
fn holds(info: &ObjectInfo, output: &MadeOutput) -> bool {
    let same = digest(info).is_some_and(|digest| hex(&digest) == output.sha256.as_str());
    same && info.name == output.object.as_str() && u32::try_from(info.size) == Ok(output.bytes)
}

/// SHA-256 of what was put there.
fn digest(info: &ObjectInfo) -> Option<Vec<u8>> {
    BASE64_URL_SAFE.decode(info.digest.as_deref()?.strip_prefix("SHA-256=")?).ok()
}

#[cfg(test)]
mod tests {
    use proto_events::{Text, events::MediaType};
    use sha2::{Digest, Sha256};

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
        let output = MadeOutput {
            object: Text::new("g/2/0").unwrap(),
            sha256: Text::new("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").unwrap(),
            media_type: MediaType::Text,
            bytes: 3,
            width: None,
            height: None,
        };
        let info = |size: usize, digest: &str| -> ObjectInfo {
            let digest = format!("SHA-256={digest}");
            serde_json::from_value(serde_json::json!({
                "name": "g/2/0", "bucket": "images", "size": size, "digest": digest,
            }))
            .unwrap()
        };
        let digest = BASE64_URL_SAFE.encode(Sha256::digest(b"abc"));
        assert!(holds(&info(3, &digest), &output));
        assert!(!holds(&info(4, &digest), &output));
        assert!(!holds(&info(3, "AAAA"), &output));
    }
}
