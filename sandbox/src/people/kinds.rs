//! What people send besides text, photos and documents, made up on the spot: enough of each for a bot to see
//! what it is and to have its file.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    blobs::Blobs,
    telegram::{
        state::{Telegram, merge},
        upload::{NewFile, Source},
    },
};

/// What people send besides text and files, as they name it in `kind`.
pub const KINDS: [&str; 11] = [
    "sticker",
    "voice",
    "video",
    "video_note",
    "animation",
    "audio",
    "poll",
    "location",
    "contact",
    "dice",
    "unknown",
];

/// Of those that may have a caption.
pub(crate) fn captioned(kind: &str) -> bool {
    matches!(kind, "voice" | "video" | "animation" | "audio")
}

/// The fields of a message of this kind.
pub(crate) fn content(kind: &str, telegram: &mut Telegram, blobs: &Blobs, user: i64) -> Value {
    let file: Option<(&'static str, &str, &str, Value)> = match kind {
        "sticker" => {
            let more = json!({"type": "regular", "width": 512, "height": 512, "is_animated": false,
                "is_video": false, "emoji": "🎨", "set_name": "SandboxStickers"});
            Some(("sticker", "image/webp", "sticker.webp", more))
        }
        "voice" => Some(("voice", "audio/ogg", "voice.oga", json!({"duration": 3}))),
        "video" => {
            Some(("video", "video/mp4", "video.mp4", json!({"width": 640, "height": 360, "duration": 5})))
        }
        "video_note" => Some(("video_note", "video/mp4", "note.mp4", json!({"length": 240, "duration": 4}))),
        "animation" => {
            Some(("animation", "video/mp4", "fun.mp4", json!({"width": 320, "height": 180, "duration": 2})))
        }
        "audio" => {
            let more = json!({"duration": 61, "performer": "The Sandbox", "title": "Sand"});
            Some(("audio", "audio/mpeg", "sand.mp3", more))
        }
        _ => None,
    };
    if let Some((kind, mime, name, more)) = file {
        let id = telegram.keep(blobs, Source::New(made(kind, mime, name)));
        let mut content = telegram.media(&id);
        if kind == "animation" {
            // Telegram sets both, for bots that are older than animations.
            content["document"] = content[kind].clone();
        }
        merge(&mut content[kind], &more);
        return content;
    }
    match kind {
        "poll" => {
            let option = |id: &str, text: &str| json!({"persistent_id": id, "text": text, "voter_count": 0});
            json!({"poll": {
                "id": format!("{}", 5_000_000_000_000_000_000_i64 + user),
                "question": "Which one?",
                "options": [option("0", "This"), option("1", "That")],
                "total_voter_count": 0, "is_closed": false, "is_anonymous": true, "type": "regular",
                "allows_multiple_answers": false, "allows_revoting": true, "members_only": false,
            }})
        }
        "location" => json!({"location": {"latitude": 59.9386, "longitude": 30.3141}}),
        "contact" => {
            json!({"contact": {"phone_number": "+79000000000", "first_name": "Ada", "user_id": user}})
        }
        "dice" => json!({"dice": {"emoji": "🎲", "value": 4}}),
        // A kind of content that no bot knows yet.
        _ => json!({"sand_castle": {"towers": 3, "built_by": {"id": user}}}),
    }
}

fn made(kind: &'static str, mime: &str, name: &str) -> NewFile {
    let bytes = Bytes::from(format!("a {kind} of the sandbox: no real one\n"));
    NewFile {
        kind,
        bytes,
        mime: mime.to_owned(),
        name: Some(name.to_owned()),
        width: 0,
        height: 0,
        small: None,
    }
}
