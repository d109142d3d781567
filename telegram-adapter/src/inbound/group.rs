//! Whether a message in a group is for the bot, and its words without the bot's name.
//!
//! It is for us when a command names us (`/help@plantain_bot`), when it mentions us, or when it answers a message
//! of ours. Everything else people write there is none of our business.

use serde_json::Value;

use super::us::Us;

/// What an entity marks, in bytes of the text.
type Span = std::ops::Range<usize>;

/// Whether the words call us, and the words without our name where they mention it.
pub(super) fn called(words: &str, entities: &Value, us: &Us, username: &str) -> (bool, String) {
    let mut mentions: Vec<Span> = Vec::new();
    let mut commanded = false;
    for entity in entities.as_array().map(Vec::as_slice).unwrap_or_default() {
        let Some(span) = span(words, entity) else { continue };
        let marked = &words[span.clone()];
        let names_us = |name: &str| name.eq_ignore_ascii_case(username);
        match entity["type"].as_str() {
            Some("mention") if marked.strip_prefix('@').is_some_and(names_us) => mentions.push(span),
            Some("text_mention") if entity["user"]["id"].as_i64() == Some(us.id()) => mentions.push(span),
            Some("bot_command") => {
                commanded |= marked.split_once('@').is_some_and(|(_, name)| names_us(name));
            }
            _ => {}
        }
    }
    (commanded || !mentions.is_empty(), without(words, mentions))
}

/// Where an entity stands; Telegram counts UTF-16 units. `None`: outside the text, or within a character.
fn span(words: &str, entity: &Value) -> Option<Span> {
    let offset = usize::try_from(entity["offset"].as_u64()?).ok()?;
    let end = offset.checked_add(usize::try_from(entity["length"].as_u64()?).ok()?)?;
    let (mut from, mut to, mut units) = (None, None, 0);
    for (at, c) in words.char_indices().chain([(words.len(), '\0')]) {
        if units == offset {
            from = Some(at);
        }
        if units >= end {
            to = (units == end).then_some(at);
            break;
        }
        units += c.len_utf16();
    }
    Some(from?..to?)
}

/// Cuts the spans out, with the comma after a name and the white space that would stand twice.
fn without(words: &str, mut spans: Vec<Span>) -> String {
    spans.sort_by_key(|span| span.start);
    let mut left = words.to_owned();
    for span in spans.into_iter().rev() {
        // Two entities may mark the same name.
        let (Some(head), Some(tail)) = (left.get(..span.start), left.get(span.end..)) else { continue };
        let (head, tail) = (head.trim_end(), tail.trim_start());
        let tail = tail.trim_start_matches([',', ':']).trim_start();
        left = match (head.is_empty(), tail.is_empty()) {
            (false, false) => format!("{head} {tail}"),
            (false, true) => head.to_owned(),
            (true, _) => tail.to_owned(),
        };
    }
    left
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(words: &str, entities: &Value) -> (bool, String) {
        let us = Us::new(7);
        called(words, entities, &us, "plantain_bot")
    }

    /// The entity that marks this part, as Telegram counts it.
    fn marks(words: &str, kind: &str, part: &str) -> Value {
        let at = words.find(part).unwrap();
        let units = |text: &str| text.encode_utf16().count();
        json!({"type": kind, "offset": units(&words[..at]), "length": units(part)})
    }

    #[test]
    fn a_mention_is_found_by_utf16_units_and_cut_out() {
        for (words, left) in [
            ("@plantain_bot нарисуй кота", "нарисуй кота"),
            ("@Plantain_Bot, нарисуй кота", "нарисуй кота"),
            ("👩‍👩‍👧 🦊 @plantain_bot: кот", "👩‍👩‍👧 🦊 кот"),
            ("🦊 кот @PLANTAIN_BOT", "🦊 кот"),
            ("@plantain_bot", ""),
        ] {
            let name = words.split(' ').find(|word| word.contains('@')).unwrap();
            let entities = json!([marks(words, "mention", name.trim_end_matches([',', ':']))]);
            assert_eq!(read(words, &entities), (true, left.to_owned()), "{words}");
        }
    }

    #[test]
    fn a_name_that_nothing_marks_or_that_is_anothers_is_left_alone() {
        let words = "@plantain_bot and @plantain_bot2";
        assert_eq!(read(words, &Value::Null), (false, words.to_owned()));
        assert_eq!(
            read(words, &json!([marks(words, "mention", "@plantain_bot2")])),
            (false, words.to_owned())
        );
    }

    #[test]
    fn a_command_counts_only_with_our_name() {
        for (words, ours) in [
            ("/help@plantain_bot", true),
            ("/help@PlanTain_bot x", true),
            ("/help", false),
            ("/help@other_bot", false),
        ] {
            let command = words.split(' ').next().unwrap();
            assert_eq!(read(words, &json!([marks(words, "bot_command", command)])), (ours, words.to_owned()));
        }
    }

    #[test]
    fn one_without_a_username_is_mentioned_by_id() {
        let words = "Бот, кот";
        let mut entity = marks(words, "text_mention", "Бот");
        entity["user"] = json!({"id": 7});
        assert_eq!(read(words, &json!([entity])), (true, "кот".to_owned()));
        entity["user"] = json!({"id": 8});
        assert!(!read(words, &json!([entity])).0);
    }

    #[test]
    fn entities_that_point_nowhere_are_let_be() {
        let words = "🦊@plantain_bot";
        let whole = marks(words, "mention", "@plantain_bot");
        let odd = json!([17, null, {"type": "mention"}, {"type": "mention", "offset": 1, "length": 13},
            {"type": "mention", "offset": 2, "length": 99}, {"type": "mention", "offset": -1, "length": 2},
            {"type": "mention", "offset": u64::MAX, "length": u64::MAX}, {"type": "mention", "offset": 99, "length": 0},
            {"type": "mention", "offset": 0, "length": 1}]);
        assert_eq!(read(words, &odd), (false, words.to_owned()));
        assert_eq!(read(words, &json!([whole, whole])), (true, "🦊".to_owned()));
    }
}
