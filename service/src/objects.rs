//! Objects of a JetStream store, read chunk by chunk.
//!
//! Each chunk is asked for by itself: a reader that is a consumer stays one for half a minute, and a store has only so many.

use async_nats::jetstream::{
    Context,
    context::GetStreamError,
    object_store::ObjectInfo,
    stream::{DirectGetError, Stream},
};
use bytes::Bytes;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the object store is not there")]
    Store(#[from] GetStreamError),
    #[error("a chunk can't be had")]
    Chunk(#[from] DirectGetError),
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
