//! What was made, from the object store in MEDIA, checked before it is sent.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::{
    self,
    object_store::{ObjectInfo, ObjectMetadata},
};
use futures_util::TryStreamExt as _;
use proto_events::events::MediaType;
use proto_events::media::{FetchedFile, sha256_hex};
use proto_events::queries::OutputPlace;
use proto_events::subjects::IMAGES_BUCKET;
use service::objects;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::outbound::Picture;
use crate::texts::is_blank;

/// Made things that are sent at once, as news or because somebody asks for them again: each holds one picture at a time in
/// memory (50 MB at most, 1–2 MB as a rule), and Telegram takes about 30 messages a second.
pub const IN_HAND_MAX: usize = 16;
/// Bot API: what a bot may upload.
const BYTES_MAX: u32 = 50 * 1024 * 1024;
/// For 50 MB from or to a store nearby.
const READ_TIME_MAX: Duration = Duration::from_secs(20);
/// For a question to the store.
const ASK_TIME_MAX: Duration = Duration::from_secs(5);
/// Metadata of a file that was kept here: what it is, as JSON.
const FILE: &str = "plantain-file";
/// Bot API: a photo is at most 10 MB, its sides add up to 10 000 at most and are no more than
/// 20 : 1. Everything else goes as a document.
const PHOTO_BYTES_MAX: u64 = 10 * 1024 * 1024;
const PHOTO_SIDES_MAX: usize = 10_000;
const PHOTO_RATIO_MAX: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The store itself says that they are gone, or they are not what was made: no other try will
    /// bring them.
    #[error("lost: {0}")]
    Lost(String),
    /// The store could not be asked, or has them and did not give them: perhaps later.
    #[error("not reached: {0}")]
    Unreached(String),
}

/// What was made, as it can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    Picture(Picture),
    Words(String),
}

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Shelf {
    media: Client,
    places: Arc<Semaphore>,
}

/// The right to hold one made thing in memory.
pub type Place = OwnedSemaphorePermit;

impl Shelf {
    /// `media` is a connection to the account MEDIA.
    pub fn new(media: Client) -> Self {
        Self { media, places: Arc::new(Semaphore::new(IN_HAND_MAX)) }
    }

    /// Wanted before a thing is fetched, and kept until it is sent; after the person's turn, so that one person holds one.
    /// `None` only when the runtime ends.
    pub async fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// A picture or words that are such, with the digest the ledger has.
    ///
    /// # Errors
    /// See [`Missing`].
    pub async fn fetch(&self, place: &OutputPlace) -> Result<Made, Missing> {
        if place.bytes > BYTES_MAX {
            return Err(Missing::Lost(format!("{} bytes are more than Telegram takes", place.bytes)));
        }
        let bytes = match in_time(READ_TIME_MAX, self.read(place)).await {
            Err(Missing::Unreached(why)) => {
                // A hiccup, or a hole in the store?
                in_time(ASK_TIME_MAX, self.whole(&place.object)).await?;
                return Err(Missing::Unreached(why));
            }
            read => read?,
        };
        check(place, bytes)
    }

    /// Is all of a result there? What is one thing only is left to [`Self::fetch`].
    ///
    /// # Errors
    /// See [`Missing`].
    pub async fn look(&self, places: &[OutputPlace]) -> Result<(), Missing> {
        if places.is_empty() {
            return Err(Missing::Lost("nothing was made".to_owned()));
        }
        for place in places.iter().filter(|_| places.len() > 1) {
            in_time(ASK_TIME_MAX, self.whole(&place.object)).await?;
        }
        Ok(())
    }

    async fn read(&self, place: &OutputPlace) -> Result<Vec<u8>, Missing> {
        let (context, size) = (self.context(), place.bytes as usize);
        let read = objects::read(&context, IMAGES_BUCKET, place.object.as_str(), size).await;
        read.map_err(unreached)?.ok_or_else(gone)
    }

    /// A file that was kept here and is whole.
    ///
    /// # Errors
    /// The store can't be asked.
    pub async fn kept(&self, object: &str) -> Result<Option<FetchedFile>, Missing> {
        match in_time(ASK_TIME_MAX, self.whole(object)).await {
            Ok(info) => Ok(info.metadata.get(FILE).and_then(|file| serde_json::from_str(file).ok())),
            Err(Missing::Lost(_)) => Ok(None),
            Err(unreached) => Err(unreached),
        }
    }

    /// # Errors
    /// It may or may not be there.
    pub async fn keep(&self, file: &FetchedFile, bytes: &[u8]) -> Result<(), Missing> {
        let described = serde_json::to_string(file).map_err(unreached)?;
        let meta = ObjectMetadata {
            name: file.object.to_string(),
            metadata: [(FILE.to_owned(), described)].into(),
            ..ObjectMetadata::default()
        };
        in_time(READ_TIME_MAX, async {
            let store = self.context().get_object_store(IMAGES_BUCKET).await.map_err(unreached)?;
            store.put(meta, &mut &*bytes).await.map(drop).map_err(unreached)
        })
        .await
    }

    /// Asks the store whether it has every chunk of an object.
    async fn whole(&self, object: &str) -> Result<ObjectInfo, Missing> {
        let context = self.context();
        let object = info(&context, object).await?;
        let stream = context.get_stream_no_info(format!("OBJ_{IMAGES_BUCKET}")).await.map_err(unreached)?;
        let mut subjects = stream.info_with_subjects(objects::subject(&object)).await.map_err(unreached)?;
        let mut chunks = 0;
        while let Some((_, count)) = subjects.try_next().await.map_err(unreached)? {
            chunks += count;
        }
        if chunks < object.chunks {
            return Err(Missing::Lost(format!("the store has {chunks} of its {} chunks", object.chunks)));
        }
        Ok(object)
    }

    fn context(&self) -> jetstream::Context {
        jetstream::new(self.media.clone())
    }
}

/// What the store says of an object.
async fn info(context: &jetstream::Context, object: &str) -> Result<ObjectInfo, Missing> {
    objects::find(context, IMAGES_BUCKET, object).await.map_err(unreached)?.ok_or_else(gone)
}

async fn in_time<T>(
    time_max: Duration,
    asked: impl Future<Output = Result<T, Missing>>,
) -> Result<T, Missing> {
    let late = |_| Missing::Unreached("the object store does not answer".to_owned());
    tokio::time::timeout(time_max, asked).await.map_err(late)?
}

fn unreached(error: impl std::fmt::Display) -> Missing {
    Missing::Unreached(error.to_string())
}

fn gone() -> Missing {
    Missing::Lost("it is not in the object store".to_owned())
}

fn check(place: &OutputPlace, bytes: Vec<u8>) -> Result<Made, Missing> {
    let lost = |why: &str| Err(Missing::Lost(why.to_owned()));
    if bytes.len() as u64 != u64::from(place.bytes) {
        return lost("it has another size than what was made");
    }
    if !sha256_hex(&bytes).eq_ignore_ascii_case(&place.sha256) {
        return lost("it has another digest than what was made");
    }
    match place.media_type {
        MediaType::Text => words(bytes).map(Made::Words),
        MediaType::Jpeg | MediaType::Png | MediaType::Webp => {
            picture(place.media_type, bytes).map(Made::Picture)
        }
    }
}

/// Without what Telegram does not take, and not blank.
fn words(bytes: Vec<u8>) -> Result<String, Missing> {
    let words = String::from_utf8(bytes).map_err(|_| Missing::Lost("it is no text".to_owned()))?;
    let words: String = words.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if is_blank(&words) {
        return Err(Missing::Lost("it is an empty text".to_owned()));
    }
    Ok(words)
}

fn picture(media_type: MediaType, bytes: Vec<u8>) -> Result<Picture, Missing> {
    let lost = |why: &str| Err(Missing::Lost(why.to_owned()));
    let file_name = match (media_type, imagesize::image_type(&bytes)) {
        (MediaType::Jpeg, Ok(imagesize::ImageType::Jpeg)) => "picture.jpg",
        (MediaType::Png, Ok(imagesize::ImageType::Png)) => "picture.png",
        (MediaType::Webp, Ok(imagesize::ImageType::Webp)) => "picture.webp",
        _ => return lost("it is not a picture of its kind"),
    };
    let Ok(size) = imagesize::blob_size(&bytes) else { return lost("it is not a whole picture") };
    let (long, short) = (size.width.max(size.height), size.width.min(size.height));
    if short == 0 {
        return lost("it is an empty picture");
    }
    let as_document = bytes.len() as u64 > PHOTO_BYTES_MAX
        || size.width.saturating_add(size.height) > PHOTO_SIDES_MAX
        || long > short.saturating_mul(PHOTO_RATIO_MAX);
    Ok(Picture { bytes: bytes.into(), file_name, as_document })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a PNG: signature, IHDR with these sides.
    fn png(width: u32, height: u32, len: usize) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
        bytes.resize(bytes.len().max(len), 0);
        bytes
    }

    fn place(bytes: &[u8], media_type: MediaType) -> OutputPlace {
        let sha256 = sha256_hex(bytes);
        OutputPlace {
            object: "o".try_into_text(),
            sha256: sha256.as_str().try_into_text(),
            media_type,
            bytes: u32::try_from(bytes.len()).unwrap(),
            width: None,
            height: None,
        }
    }

    trait IntoText {
        fn try_into_text<const N: usize>(&self) -> proto_events::Text<N>;
    }

    impl IntoText for str {
        fn try_into_text<const N: usize>(&self) -> proto_events::Text<N> {
            proto_events::Text::new(self).unwrap()
        }
    }

    fn as_document(width: u32, height: u32, len: usize) -> bool {
        let bytes = png(width, height, len);
        let Ok(Made::Picture(picture)) = check(&place(&bytes, MediaType::Png), bytes) else {
            panic!("a picture")
        };
        picture.as_document
    }

    #[test]
    fn what_telegram_cannot_show_goes_as_a_document() {
        assert!(!as_document(1024, 1024, 0));
        assert!(!as_document(5000, 5000, 0));
        assert!(as_document(5001, 5000, 0));
        assert!(as_document(2100, 100, 0));
        assert!(!as_document(64, 64, 10 * 1024 * 1024));
        assert!(as_document(64, 64, 10 * 1024 * 1024 + 1));
    }

    #[test]
    fn what_is_not_the_picture_that_was_made_is_never_sent() {
        let bytes = png(64, 64, 0);
        let good = place(&bytes, MediaType::Png);
        assert!(matches!(check(&good, bytes.clone()), Ok(Made::Picture(p)) if p.file_name == "picture.png"));
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(check(&good, changed).is_err());
        assert!(check(&good, bytes[1..].to_vec()).is_err());
        assert!(check(&place(&bytes, MediaType::Jpeg), bytes.clone()).is_err());
        assert!(check(&place(&bytes, MediaType::Text), bytes).is_err());
        let page = b"<html>not a picture</html>".to_vec();
        assert!(check(&place(&page, MediaType::Png), page).is_err());
        let cut = b"\x89PNG\r\n\x1a\n\0\0".to_vec();
        assert!(check(&place(&cut, MediaType::Png), cut).is_err());
        let empty = png(0, 64, 0);
        assert!(check(&place(&empty, MediaType::Png), empty).is_err());
    }

    #[test]
    fn words_are_shown_as_they_are_but_for_what_telegram_does_not_take() {
        let said = |bytes: &[u8]| check(&place(bytes, MediaType::Text), bytes.to_vec());
        assert_eq!(said("a <b>\r\n\tя\0".as_bytes()), Ok(Made::Words("a <b>\n\tя".to_owned())));
        for bad in [b"".as_slice(), b" \n", b"\xff\xfe", "\u{200b}\u{feff}".as_bytes()] {
            assert!(matches!(said(bad), Err(Missing::Lost(_))), "{bad:?}");
        }
    }
}
