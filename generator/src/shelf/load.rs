//! Objects read into requests: a piece at a time, stripped and encoded on the way.

use std::{fmt, time::Duration};

use base64::{engine::GeneralPurpose, prelude::BASE64_STANDARD, write::EncoderWriter};
use bytes::Bytes;
use proto_events::{commands::FileId, events::MediaType};
use service::objects::Chunks;
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::{
    Bucket, Error, digest as stored_digest,
    material::{Missing, away},
    turn::Painted,
};
use crate::picture::{NotAPicture, Origin, Strip};

/// For one object from a store nearby.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// A picture on its way to the vendor, as base64.
#[derive(Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where it is from; the model's own pictures have none.
    pub file: Option<FileId>,
    pub media_type: MediaType,
    pub data: Bytes,
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({:?}, {} bytes)", self.media_type, self.data.len())
    }
}

/// A file that lies in the store.
pub(super) struct File {
    pub(super) id: FileId,
    pub(super) object: String,
    pub(super) bytes: usize,
}

/// A picture of the person's: looked at, stripped, encoded. [`Missing::Away`] when the store does not give it.
pub(super) async fn reference(bucket: &Bucket, file: &File) -> Result<Reference, Missing> {
    let unfit = |error: NotAPicture| match error {
        NotAPicture::Size { .. } => Missing::TooLarge,
        _ => Missing::Unfit(error.to_string()),
    };
    let (mut strip, mut kept) = (Strip::new(Origin::Person), Vec::new());
    let mut encoder = Encoder::new(file.bytes);
    let mut refused = None;
    each_piece(bucket, &file.object, file.bytes, |piece| {
        if refused.is_none() {
            refused = strip.push(piece, &mut kept).err();
            encoder.push(&kept);
            kept.clear();
        }
    })
    .await
    .map_err(away)?;
    if let Some(error) = refused {
        return Err(unfit(error));
    }
    let look = strip.end(&mut kept).map_err(unfit)?;
    encoder.push(&kept);
    Ok(Reference { file: Some(file.id.clone()), media_type: look.media_type, data: encoder.end() })
}

/// A picture of the model's, as it was stored.
pub(super) async fn painted(bucket: &Bucket, picture: &Painted) -> Result<Reference, Error> {
    let mut encoder = Encoder::new(picture.bytes);
    each_piece(bucket, picture.object.as_str(), picture.bytes, |piece| encoder.push(piece)).await?;
    Ok(Reference { file: None, media_type: picture.media_type, data: encoder.end() })
}

pub(super) async fn read(bucket: &Bucket, name: &str, bytes: usize) -> Result<Vec<u8>, Error> {
    let mut all = Vec::with_capacity(bytes);
    each_piece(bucket, name, bytes, |piece| all.extend_from_slice(piece)).await?;
    Ok(all)
}

/// Reads an object of so many bytes; another length is another object.
async fn each_piece(
    bucket: &Bucket,
    name: &str,
    bytes: usize,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let reading = async {
        let info = bucket.info(name).await.map_err(Error::Info)?;
        if info.deleted || info.size != bytes {
            return Err(Error::Another);
        }
        let mut chunks = Chunks::of(&bucket.jetstream, &info).await?;
        let mut digest = Sha256::new();
        while let Some(chunk) = chunks.next().await? {
            digest.update(&chunk);
            take(&chunk);
        }
        if stored_digest(&info).as_deref() == Some(digest.finalize().as_slice()) {
            Ok(())
        } else {
            Err(Error::Another)
        }
    };
    timeout(READ_TIMEOUT, reading).await.unwrap_or(Err(Error::TimedOut))
}

/// Base64 into room that was measured before.
struct Encoder(EncoderWriter<'static, GeneralPurpose, Vec<u8>>);

impl Encoder {
    fn new(bytes: usize) -> Self {
        Self(EncoderWriter::new(Vec::with_capacity(base64_len(bytes)), &BASE64_STANDARD))
    }

    fn push(&mut self, bytes: &[u8]) {
        // Writing to a Vec does not fail.
        let _ = std::io::Write::write_all(&mut self.0, bytes);
    }

    fn end(mut self) -> Bytes {
        self.0.finish().unwrap_or_default().into()
    }
}

pub(super) fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}
