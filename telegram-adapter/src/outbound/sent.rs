//! What we need to know of a message that was sent, read leniently.

use proto_events::commands::FileId;
use serde_json::Value;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// 0 if Telegram's answer names none: then it can't be edited or deleted later.
    pub message: i64,
    /// Of the document, or of the largest photo.
    pub file: Option<FileId>,
}

impl Sent {
    pub(super) fn read(message: &Value) -> Self {
        let largest = message["photo"].as_array().and_then(|sizes| {
            sizes
                .iter()
                .max_by_key(|size| size["width"].as_i64().unwrap_or(0) * size["height"].as_i64().unwrap_or(0))
        });
        let file = message["document"]["file_id"].as_str().or_else(|| largest?["file_id"].as_str());
        Self {
            message: message["message_id"].as_i64().unwrap_or_default(),
            file: file.and_then(|id| FileId::new(id).ok()),
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
                {"file_id": "large", "width": 1024, "height": 1024},
                {"file_id": "middle", "width": 320, "height": 320},
            ],
        });
        assert_eq!(Sent::read(&message), Sent { message: 7, file: Some(FileId::new("large").unwrap()) });
        assert_eq!(Sent::read(&json!({"message_id": 8})), Sent { message: 8, file: None });
        assert_eq!(Sent::read(&json!(true)), Sent::default());
    }
}
