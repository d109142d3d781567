//! Which picture stands above which text of the bot's: whoever changes one has seen what stood there.

use std::collections::BTreeMap;

use proto_events::Event;
use proto_events::commands::PicturePut;
use proto_events::events::PictureChanged;

use super::content_name;
use crate::refusal::Refusal;

/// Digests by the names of texts; at most as many as the bot has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pictures(BTreeMap<String, String>);

impl Pictures {
    pub(super) fn put(&self, c: PicturePut) -> Result<Event, Refusal> {
        let there = self.0.get(&content_name(&c.language, &c.key));
        if there.map(String::as_str) != c.replaces.as_deref() {
            return Err(Refusal::PictureDiffers { sha256: there.cloned() });
        }
        let PicturePut { key, language, picture, reason, .. } = c;
        if there.map(String::as_str) == picture.as_ref().map(|picture| picture.sha256.as_str()) {
            return Err(Refusal::Unchanged);
        }
        Ok(PictureChanged { key, language, picture, reason }.into())
    }

    pub(super) fn evolve(&mut self, event: &Event) {
        let Event::PictureChanged(e) = event else { return };
        let name = content_name(&e.language, &e.key);
        match &e.picture {
            Some(picture) => drop(self.0.insert(name, picture.sha256.to_string())),
            None => drop(self.0.remove(&name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proto_events::Text;
    use proto_events::events::{MediaType, TextPicture};

    use super::*;

    fn put(language: &str, picture: Option<&str>, replaces: Option<&str>) -> PicturePut {
        PicturePut {
            key: Text::lossy("welcome"),
            language: Text::lossy(language),
            picture: picture.map(|digest| TextPicture {
                sha256: Text::lossy(digest),
                media_type: MediaType::Png,
                bytes: 7,
            }),
            replaces: replaces.map(Text::lossy),
            reason: Text::lossy("nicer"),
        }
    }

    fn did(pictures: &mut Pictures, command: PicturePut) {
        let event = pictures.put(command).unwrap();
        pictures.evolve(&event);
    }

    #[test]
    fn a_picture_is_put_over_what_was_seen_there_alone() {
        let mut pictures = Pictures::default();
        assert_eq!(pictures.put(put("ru", None, None)), Err(Refusal::Unchanged));
        did(&mut pictures, put("ru", Some("a"), None));
        let there = |sha256: &str| Err(Refusal::PictureDiffers { sha256: Some(sha256.to_owned()) });
        assert_eq!(pictures.put(put("ru", Some("b"), None)), there("a"));
        assert_eq!(pictures.put(put("ru", None, None)), there("a"));
        assert_eq!(pictures.put(put("ru", Some("a"), Some("a"))), Err(Refusal::Unchanged));
        assert_eq!(
            pictures.put(put("en", None, Some("a"))),
            Err(Refusal::PictureDiffers { sha256: None }),
            "each language has its own"
        );
        did(&mut pictures, put("ru", Some("b"), Some("a")));
        did(&mut pictures, put("ru", None, Some("b")));
        assert_eq!(pictures, Pictures::default());
    }
}
