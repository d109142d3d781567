//! What was made, from the object store in MEDIA; checked to be what the log says was made before anybody is given it.

use std::time::Duration;

use async_nats::jetstream;
use imagesize::ImageType;
use proto_events::media::sha256_hex;
use proto_events::subjects::IMAGES_BUCKET;
use service::objects::{self, ReadError};
use tokio::sync::Semaphore;

/// As large as what is delivered may be.
const BYTES_MAX: i64 = 50 << 20;
/// Pictures in memory at once: 50 MB at most each, 1–2 MB as a rule.
static IN_HAND: Semaphore = Semaphore::const_new(2);
/// For 50 MB from a store nearby.
const READ_TIME_MAX: Duration = Duration::from_secs(10);
/// For a question to the store.
const ASK_TIME_MAX: Duration = Duration::from_secs(3);

/// Where a thing is that a request made, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Object {
    pub(super) ordinal: i16,
    pub(super) object: String,
    pub(super) sha256: String,
    pub(super) media_type: String,
    pub(super) bytes: i64,
    pub(super) width: Option<i64>,
    pub(super) height: Option<i64>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Missing {
    #[error("the store does not have it any more")]
    Gone,
    #[error("the store does not answer")]
    Late,
    #[error("the store can't be read")]
    Unread(#[from] ReadError),
    #[error("it is not what was made: {0}")]
    Other(&'static str),
}

impl Object {
    pub(super) fn is_text(&self) -> bool {
        self.media_type == "text"
    }

    /// Of a picture.
    pub(super) fn content_type(&self) -> Option<&'static str> {
        match self.media_type.as_str() {
            "jpeg" => Some("image/jpeg"),
            "png" => Some("image/png"),
            "webp" => Some("image/webp"),
            _ => None,
        }
    }

    /// Is it the very thing, and of the kind that it says?
    fn check(&self, bytes: &[u8]) -> Result<(), Missing> {
        if i64::try_from(bytes.len()).ok() != Some(self.bytes) {
            return Err(Missing::Other("another size"));
        }
        if !sha256_hex(bytes).eq_ignore_ascii_case(&self.sha256) {
            return Err(Missing::Other("another digest"));
        }
        let is_of_kind = match (self.media_type.as_str(), imagesize::image_type(bytes)) {
            ("jpeg", Ok(ImageType::Jpeg)) | ("png", Ok(ImageType::Png)) | ("webp", Ok(ImageType::Webp)) => {
                true
            }
            (kind, _) => kind == "text",
        };
        if is_of_kind { Ok(()) } else { Err(Missing::Other("not of its kind")) }
    }
}

/// # Errors
/// See [`Missing`].
pub(super) async fn fetch(media: &async_nats::Client, object: &Object) -> Result<Vec<u8>, Missing> {
    if object.bytes > BYTES_MAX {
        return Err(Missing::Other("too large"));
    }
    let read = async {
        let _in_hand = IN_HAND.acquire().await;
        let context = jetstream::new(media.clone());
        let most = usize::try_from(object.bytes).unwrap_or_default();
        objects::read(&context, IMAGES_BUCKET, &object.object, most).await
    };
    let read = tokio::time::timeout(READ_TIME_MAX, read).await.map_err(|_| Missing::Late)?;
    let bytes = read?.ok_or(Missing::Gone)?;
    object.check(&bytes)?;
    Ok(bytes)
}

/// Whether the store has it, without reading it.
///
/// # Errors
/// See [`Missing`].
pub(super) async fn is_there(media: &async_nats::Client, object: &Object) -> Result<(), Missing> {
    let context = jetstream::new(media.clone());
    let asked = objects::find(&context, IMAGES_BUCKET, &object.object);
    let found = tokio::time::timeout(ASK_TIME_MAX, asked).await.map_err(|_| Missing::Late)?;
    found?.map(drop).ok_or(Missing::Gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_picture_of_its_kind_is_given_out() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0@\0\0\0@\x08\x02\0\0\0".to_vec();
        let of = |bytes: &[u8], kind: &str| Object {
            ordinal: 0,
            object: "o".to_owned(),
            sha256: sha256_hex(bytes),
            media_type: kind.to_owned(),
            bytes: i64::try_from(bytes.len()).unwrap(),
            width: None,
            height: None,
        };
        let good = of(&png, "png");
        assert!(good.check(&png).is_ok());
        assert!(of(&png, "jpeg").check(&png).is_err());
        let page = b"<html><script>alert(1)</script>".as_slice();
        for kind in ["png", "jpeg", "webp", "svg"] {
            assert!(of(page, kind).check(page).is_err(), "{kind}");
        }
        assert!(of(page, "text").check(page).is_ok());
        png.push(0);
        assert!(good.check(&png).is_err());
        png.truncate(png.len() - 2);
        assert!(good.check(&png).is_err());
        assert_eq!([of(page, "text").content_type(), of(page, "svg").content_type()], [None, None]);
    }
}
