//! What we need to know of a message that was sent, read leniently.

use proto_events::Text;
use proto_events::commands::FileId;
use serde_json::Value;

/// A file in a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentFile {
    pub file_id: FileId,
    /// The same for every copy of it, whoever sends that.
    pub unique_id: Text<64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// 0 if Telegram's answer names none: then it can't be edited or deleted later.
    pub message: i64,
    /// Of the document, or of the largest photo.
    pub file: Option<SentFile>,
}

impl Sent {
    pub(super) fn read(message: &Value) -> Self {
        let largest = message["photo"].as_array().and_then(|sizes| {
            sizes
                .iter()
                .max_by_key(|size| size["width"].as_i64().unwrap_or(0) * size["height"].as_i64().unwrap_or(0))
        });
        let file = Some(&message["document"]).filter(|document| document.is_object()).or(largest);
        Self {
            message: message["message_id"].as_i64().unwrap_or_default(),
            file: file.and_then(|file| {
                let file_id = FileId::new(file["file_id"].as_str()?).ok()?;
                let unique_id = Text::lossy(file["file_unique_id"].as_str().unwrap_or_default());
                Some(SentFile { file_id, unique_id })
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_largest_photo_is_taken_whatever_else_the_message_holds() {
        let message = json!({
            "message_id": 7, "new_field_of_2027": {"a": [1]}, "entities": [{"type": "unheard_of"}],
            "photo": [
                {"file_id": "small", "width": 90, "height": 90},
                {"file_id": "large", "file_unique_id": "u", "width": 1024, "height": 1024},
                {"file_id": "middle", "width": 320, "height": 320},
            ],
        });
        let file = SentFile { file_id: FileId::new("large").unwrap(), unique_id: Text::lossy("u") };
        assert_eq!(Sent::read(&message), Sent { message: 7, file: Some(file) });
        assert_eq!(Sent::read(&json!({"message_id": 8})), Sent { message: 8, file: None });
        assert_eq!(Sent::read(&json!(true)), Sent::default());
    }
}
