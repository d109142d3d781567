//! Objects of a JetStream store, read chunk by chunk.
//!
//! Each chunk is asked for by itself: a reader that is a consumer stays one for half a minute, and a store has only so many.

use async_nats::jetstream::{
    Context,
    context::{GetStreamError, ObjectStoreError},
    object_store::{InfoError, InfoErrorKind, ObjectInfo},
    stream::{DirectGetError, Stream},
};
use bytes::Bytes;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the object store is not there")]
    Store(#[from] GetStreamError),
    #[error("a chunk can't be had")]
    Chunk(#[from] DirectGetError),
    #[error("the object store can't be opened")]
    Bucket(#[from] ObjectStoreError),
    #[error("the store does not say what it has")]
    Info(#[from] InfoError),
}

/// What the store says of an object. `None`: it has no such thing, or not any more.
///
/// # Errors
/// The store can't be asked.
pub async fn find(context: &Context, bucket: &str, name: &str) -> Result<Option<ObjectInfo>, ReadError> {
    let store = context.get_object_store(bucket).await?;
    match store.info(name).await {
        Ok(object) => Ok(Some(object).filter(|object| !object.deleted)),
        Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The bytes of an object that is `size` long; what is longer is another thing, and cut off after the chunk that shows it. `None`:
/// the store has no such thing, or not any more.
///
/// # Errors
/// A chunk is gone, or the store can't be asked.
pub async fn read(
    context: &Context,
    bucket: &str,
    name: &str,
    size: usize,
) -> Result<Option<Vec<u8>>, ReadError> {
    let Some(object) = find(context, bucket, name).await? else { return Ok(None) };
    let mut chunks = Chunks::of(context, &object).await?;
    let mut bytes = Vec::with_capacity(size);
    while let Some(chunk) = chunks.next().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > size {
            break;
        }
    }
    Ok(Some(bytes))
}

/// The chunks of an object, in order.
pub struct Chunks {
    stream: Stream<()>,
    subject: String,
    next: u64,
    left: usize,
}

impl Chunks {
    /// # Errors
    /// The store can't be asked.
    pub async fn of(context: &Context, object: &ObjectInfo) -> Result<Self, ReadError> {
        let stream = context.get_stream_no_info(format!("OBJ_{}", object.bucket)).await?;
        Ok(Self { stream, subject: subject(object), next: 1, left: object.size })
    }

    /// `None` once there is as much as the object has. Where a chunk is gone it is another's turn, and the last one is missing:
    /// whoever must know compares the digest.
    ///
    /// # Errors
    /// The chunk is gone, or the store does not answer.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        if self.left == 0 {
            return Ok(None);
        }
        let chunk = self.stream.direct_get_next_for_subject(self.subject.clone(), Some(self.next)).await?;
        self.next = chunk.sequence + 1;
        self.left = self.left.saturating_sub(chunk.payload.len());
        Ok(Some(chunk.payload))
    }
}

/// Where the chunks of an object are.
pub fn subject(object: &ObjectInfo) -> String {
    format!("$O.{}.C.{}", object.bucket, object.nuid)
}
