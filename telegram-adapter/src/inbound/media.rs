//! What of a message is no text.

use proto_events::commands::FileId;
use serde_json::Value;

use super::update::text;

/// A photo in its largest size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    pub file_id: FileId,
    /// The same for every copy of the file; names it, but can't be downloaded by.
    pub unique_id: String,
    /// Pixels; 0 if Telegram does not tell, as of pictures that come as documents.
    pub width: u32,
    pub height: u32,
    /// If Telegram tells.
    pub bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub file_id: FileId,
    pub unique_id: String,
    /// As the sender's client says, else by the name's ending; in small letters.
    pub mime: Option<String>,
    pub name: Option<String>,
    pub bytes: Option<u64>,
}

/// What a message is that has neither text nor a photo nor a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    Sticker,
    Voice,
    Video,
    VideoNote,
    Animation,
    Audio,
    Poll,
    Location,
    Contact,
    Dice,
    Story,
    /// Of a kind that is not known here.
    Unknown,
}

impl Document {
    /// Whether it is a picture of pixels, as far as can be told without its bytes.
    pub fn is_picture(&self) -> bool {
        let mime = self.mime.as_deref().unwrap_or_default();
        mime.starts_with("image/") && !mime.starts_with("image/svg")
    }
}

pub(super) fn photo(message: &Value) -> Option<Photo> {
    let sizes = message["photo"].as_array()?.iter().filter_map(size);
    sizes.max_by_key(|size| u64::from(size.width) * u64::from(size.height))
}

fn size(size: &Value) -> Option<Photo> {
    let side = |name: &str| size[name].as_u64().and_then(|side| u32::try_from(side).ok()).unwrap_or_default();
    Some(Photo {
        file_id: file_id(size)?,
        unique_id: text(size, "file_unique_id").unwrap_or_default(),
        width: side("width"),
        height: side("height"),
        bytes: size["file_size"].as_u64(),
    })
}

/// An animation is no document, though Telegram says it again as one.
pub(super) fn document(message: &Value) -> Option<Document> {
    let document = message.get("document").filter(|_| message.get("animation").is_none())?;
    let name = text(document, "file_name");
    let told = text(document, "mime_type").map(|mime| mime.to_ascii_lowercase());
    let told = told.filter(|mime| !mime.is_empty() && mime != "application/octet-stream");
    Some(Document {
        file_id: file_id(document)?,
        unique_id: text(document, "file_unique_id").unwrap_or_default(),
        mime: told.or_else(|| by_ending(name.as_deref()?).map(str::to_owned)),
        name,
        bytes: document["file_size"].as_u64(),
    })
}

/// A picture, whether it came as a photo or as a document.
pub(super) fn picture(photo: Option<&Photo>, document: Option<&Document>) -> Option<Photo> {
    photo.cloned().or_else(|| {
        let document = document.filter(|document| document.is_picture())?;
        Some(Photo {
            file_id: document.file_id.clone(),
            unique_id: document.unique_id.clone(),
            width: 0,
            height: 0,
            bytes: document.bytes,
        })
    })
}

fn file_id(file: &Value) -> Option<FileId> {
    FileId::new(text(file, "file_id")?).ok().filter(|id| !id.as_str().is_empty())
}

fn by_ending(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" | "jfif" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        _ => return None,
    })
}

/// Telegram gives an animation a `document`, and a venue a `location`.
const KINDS: [(&str, Other); 11] = [
    ("sticker", Other::Sticker),
    ("voice", Other::Voice),
    ("video", Other::Video),
    ("video_note", Other::VideoNote),
    ("animation", Other::Animation),
    ("audio", Other::Audio),
    ("poll", Other::Poll),
    ("location", Other::Location),
    ("contact", Other::Contact),
    ("dice", Other::Dice),
    ("story", Other::Story),
];

pub(super) fn kind(message: &Value) -> Option<Other> {
    KINDS.iter().find(|(field, _)| message.get(*field).is_some()).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_largest_size_is_the_photo_and_broken_sizes_are_let_be() {
        let sizes = json!({"photo": [
            {"file_id": "s", "file_unique_id": "us", "width": 90, "height": 60},
            {"file_id": "l", "file_unique_id": "ul", "width": 1280, "height": 853, "file_size": 99},
            17, null, {"width": 9000, "height": 9000}, {"file_id": "", "width": 9000, "height": 9000},
            {"file_id": "x".repeat(257), "width": 9000, "height": 9000},
            {"file_id": "m", "width": "wide", "height": -3},
        ]});
        let photo = photo(&sizes).unwrap();
        assert_eq!((photo.file_id.as_str(), &*photo.unique_id), ("l", "ul"));
        assert_eq!((photo.width, photo.height, photo.bytes), (1280, 853, Some(99)));
        for none in [json!({"photo": []}), json!({"photo": "x"}), json!({})] {
            assert_eq!(super::photo(&none), None);
        }
    }

    #[test]
    fn a_documents_kind_is_told_by_its_type_or_else_by_its_name() {
        let read = |mime: Value, name: &str| {
            let file = json!({"file_id": "f", "mime_type": mime, "file_name": name});
            document(&json!({"document": file})).unwrap()
        };
        assert_eq!(read(json!("IMAGE/PNG"), "x").mime.as_deref(), Some("image/png"));
        assert_eq!(read(Value::Null, "Фото 🦊.JPeG").mime.as_deref(), Some("image/jpeg"));
        assert_eq!(read(json!("application/octet-stream"), "a.webp").mime.as_deref(), Some("image/webp"));
        assert_eq!(read(json!("application/pdf"), "a.png").mime.as_deref(), Some("application/pdf"));
        assert!(read(json!("image/png"), "x").is_picture() && read(Value::Null, "a.heic").is_picture());
        for other in [read(json!("image/svg+xml"), "x"), read(Value::Null, "png"), read(json!(7), "a.txt")] {
            assert!(!other.is_picture(), "{other:?}");
        }
    }

    #[test]
    fn an_animation_is_no_document() {
        let gif =
            json!({"animation": {"file_id": "g"}, "document": {"file_id": "g", "mime_type": "image/gif"}});
        assert_eq!((document(&gif), kind(&gif)), (None, Some(Other::Animation)));
    }
}
