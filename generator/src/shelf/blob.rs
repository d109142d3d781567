//! Bytes on their way into the object store, and their name at the end.
//!
//! The client library's `put` wants the name and the whole at once. An answer brings its pictures in pieces, and
//! only its end tells which of them count. So chunks go first, under an id of their own, and what does not
//! count is never named: its chunks are purged. The layout is the library's (ADR-20 of NATS), and it reads it.
//!
//! A piece that was sent and not acknowledged is sent again under the same message id, which the server takes
//! once: a paid answer must outlive a hiccup of the store. Meanwhile nothing more is read from the vendor.
//! Bounds: one chunk of 128 KB is held.

use std::{collections::HashMap, time::Duration};

use async_nats::jetstream::{self, context::PublishError, message::PublishMessage, object_store::ObjectInfo};
use base64::{Engine, prelude::BASE64_URL_SAFE};
use bytes::BytesMut;
use proto_events::{media::hex, subjects::IMAGES_BUCKET};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{Error, note};

const CHUNK_BYTES: usize = 128 << 10;
/// Within the two minutes for which the server remembers a message's id.
const PATIENCE: Duration = Duration::from_secs(60);
const AGAIN_EVERY: Duration = Duration::from_millis(500);

pub struct Blob {
    jetstream: jetstream::Context,
    id: String,
    buffer: BytesMut,
    chunks: usize,
    bytes: usize,
    digest: Sha256,
    /// Of the last chunk: the next one's is higher, unless the store was wiped in between.
    sequence: u64,
    kept: bool,
}

/// What was kept under a name.
pub(super) struct Kept {
    pub(super) sha256: String,
    pub(super) bytes: usize,
}

impl Blob {
    pub(super) fn new(jetstream: jetstream::Context) -> Self {
        Self {
            jetstream,
            id: uuid::Uuid::new_v4().simple().to_string(),
            buffer: BytesMut::new(),
            chunks: 0,
            bytes: 0,
            digest: Sha256::new(),
            sequence: 0,
            kept: false,
        }
    }

    /// # Errors
    /// The store is full, was wiped, or has been away for too long: what was put is lost.
    pub async fn push(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let (taken, rest) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(taken);
            bytes = rest;
            if self.buffer.len() == CHUNK_BYTES {
                self.send_chunk().await?;
            }
        }
        Ok(())
    }

    /// Gives it a name; from here on it is there.
    pub(super) async fn keep(mut self, name: &str, metadata: HashMap<String, String>) -> Result<Kept, Error> {
        if !self.buffer.is_empty() {
            self.send_chunk().await?;
        }
        let digest = std::mem::take(&mut self.digest).finalize();
        let info = ObjectInfo {
            name: name.to_owned(),
            description: None,
            metadata,
            headers: None,
            options: None,
            bucket: IMAGES_BUCKET.to_owned(),
            nuid: self.id.clone(),
            size: self.bytes,
            chunks: self.chunks,
            modified: None,
            digest: Some(format!("SHA-256={}", BASE64_URL_SAFE.encode(digest))),
            deleted: false,
        };
        let entry = serde_json::to_vec(&info).map_err(Error::Describe)?;
        let subject = format!("$O.{IMAGES_BUCKET}.M.{}", BASE64_URL_SAFE.encode(name));
        // An entry takes the place of an older one.
        let message = || {
            let message = PublishMessage::build().header(async_nats::header::NATS_ROLLUP, "sub");
            message.message_id(format!("{}-entry", self.id)).payload(entry.clone().into())
        };
        self.sequence = sent(&self.jetstream, &subject, message, self.sequence).await?;
        self.kept = true;
        Ok(Kept { sha256: hex(&digest), bytes: self.bytes })
    }

    async fn send_chunk(&mut self) -> Result<(), Error> {
        let chunk = self.buffer.split().freeze();
        self.digest.update(&chunk);
        self.bytes += chunk.len();
        self.chunks += 1;
        let message_id = format!("{}-{}", self.id, self.chunks);
        let message = || PublishMessage::build().message_id(&message_id).payload(chunk.clone());
        self.sequence = sent(&self.jetstream, &self.subject(), message, self.sequence).await?;
        Ok(())
    }

    fn subject(&self) -> String {
        format!("$O.{IMAGES_BUCKET}.C.{}", self.id)
    }
}

/// Its sequence, higher than that of what went before.
async fn sent(
    jetstream: &jetstream::Context,
    subject: &str,
    message: impl Fn() -> PublishMessage,
    after: u64,
) -> Result<u64, Error> {
    let since = Instant::now();
    loop {
        let acknowledged = async {
            let acknowledgement = jetstream.send_publish(subject.to_owned(), message()).await?;
            Ok::<_, PublishError>(acknowledgement.await?.sequence)
        };
        match acknowledged.await {
            Ok(sequence) if sequence > after => return Ok(sequence),
            Ok(_) => return Err(Error::Wiped),
            Err(error) => {
                let error = Error::Put(error);
                if error.is_full() || since.elapsed() > PATIENCE {
                    return Err(error);
                }
                note(&error, "the object store did not take a piece; the same again");
                tokio::time::sleep(AGAIN_EVERY).await;
            }
        }
    }
}

/// What was not kept goes, also when a call is left in its middle.
impl Drop for Blob {
    fn drop(&mut self) {
        if self.kept || self.chunks == 0 {
            return;
        }
        let (jetstream, subject) = (self.jetstream.clone(), self.subject());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let stream = jetstream.get_stream_no_info(format!("OBJ_{IMAGES_BUCKET}")).await;
                let purged = match stream {
                    Ok(stream) => stream.purge().filter(subject).await.is_ok(),
                    Err(_) => false,
                };
                if !purged {
                    tracing::warn!("chunks that nobody needs stay in the object store until they are old");
                }
            });
        }
    }
}
