//! Formatted text: HTML to entities (offsets in UTF-16 units), and the entities Telegram finds by
//! itself (commands, links, mentions). Error texts are the Bot API server's.

use serde_json::{Value, json};

use super::{error::ApiError, params::Params};

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Formatted {
    pub(crate) text: String,
    pub(crate) entities: Vec<Value>,
}

/// Reads a text parameter with its `parse_mode` or its list of entities.
pub(crate) fn formatted(params: &Params, name: &str, list: &str) -> Result<Formatted, ApiError> {
    let raw = params.text(name).unwrap_or_default();
    let mode = params.text("parse_mode").unwrap_or_default();
    formatted_as(&raw, &mode, params.json(list)?)
}

pub(crate) fn formatted_as(raw: &str, mode: &str, list: Option<Value>) -> Result<Formatted, ApiError> {
    // The server keeps line breaks and turns other control characters into spaces.
    let raw: String =
        raw.chars().filter(|c| *c != '\r').map(|c| if c < ' ' && c != '\n' { ' ' } else { c }).collect();
    let parsed = match mode.to_ascii_lowercase().as_str() {
        "" => Formatted { text: raw, entities: checked(list)? },
        "html" => html(&raw).map_err(|why| ApiError::bad(format!("can't parse entities: {why}")))?,
        "markdownv2" => super::markdown::markdown_v2(&raw)
            .map_err(|why| ApiError::bad(format!("can't parse entities: {why}")))?,
        "markdown" => {
            return Err(ApiError::bad("the sandbox reads HTML and MarkdownV2, not legacy Markdown"));
        }
        _ => return Err(ApiError::bad("unsupported parse_mode")),
    };
    Ok(with_found(trimmed(parsed)))
}

fn checked(list: Option<Value>) -> Result<Vec<Value>, ApiError> {
    let Some(list) = list else { return Ok(Vec::new()) };
    let wrong = || ApiError::bad("can't parse MessageEntity");
    let entities = list.as_array().ok_or_else(wrong)?;
    for entity in entities {
        if entity["type"].as_str().is_none()
            || entity["offset"].as_i64().is_none()
            || entity["length"].as_i64().is_none()
        {
            return Err(wrong());
        }
    }
    Ok(entities.clone())
}

pub(crate) fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Spaces at both ends go, and entities are cut to what is left.
fn trimmed(parsed: Formatted) -> Formatted {
    let start = utf16_len(&parsed.text) - utf16_len(parsed.text.trim_start());
    let text = parsed.text.trim().to_owned();
    let length = utf16_len(&text);
    let entities = parsed
        .entities
        .into_iter()
        .filter_map(|mut entity| {
            let from = entity["offset"].as_u64()? as usize;
            let to = (from + entity["length"].as_u64()? as usize).saturating_sub(start).min(length);
            let from = from.saturating_sub(start);
            if from >= to {
                return None;
            }
            entity["offset"] = json!(from);
            entity["length"] = json!(to - from);
            Some(entity)
        })
        .collect();
    Formatted { text, entities }
}

pub(crate) struct Open {
    pub(crate) tag: String,
    pub(crate) argument: Option<String>,
    pub(crate) offset: usize,
    pub(crate) start: usize,
}

const TAGS: [&str; 17] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "s",
    "strike",
    "del",
    "u",
    "ins",
    "tg-spoiler",
    "tg-emoji",
    "span",
    "pre",
    "code",
    "blockquote",
    "tg-time",
];

/// The Bot API's HTML.
pub(crate) fn html(raw: &str) -> Result<Formatted, String> {
    let mut text = String::with_capacity(raw.len());
    let mut offset = 0;
    let mut open: Vec<Open> = Vec::new();
    let mut entities = Vec::new();
    let mut at = 0;
    while let Some(c) = raw[at..].chars().next() {
        match c {
            '&' => {
                let (decoded, used) = decode_entity(&raw[at..]).unwrap_or(('&', 1));
                text.push(decoded);
                offset += decoded.len_utf16();
                at += used;
            }
            '<' if raw[at + 1..].starts_with('/') => {
                at += end_tag(&raw[at..], at, offset, &text, &mut open, &mut entities)?;
            }
            '<' => {
                let (tag, argument, used) = start_tag(&raw[at..], at)?;
                open.push(Open { tag, argument, offset, start: text.len() });
                at += used;
            }
            c => {
                text.push(c);
                offset += c.len_utf16();
                at += c.len_utf8();
            }
        }
    }
    if let Some(left) = open.last() {
        return Err(format!("Can't find end tag corresponding to start tag \"{}\"", left.tag));
    }
    Ok(Formatted { text, entities: sorted(entities) })
}

pub(crate) fn sorted(mut entities: Vec<Value>) -> Vec<Value> {
    entities.sort_by_key(|entity| {
        (entity["offset"].as_i64().unwrap_or_default(), -entity["length"].as_i64().unwrap_or_default())
    });
    entities
}

fn decode_entity(rest: &str) -> Option<(char, usize)> {
    let end = rest.find(';').filter(|end| *end <= 10)?;
    let name = &rest[1..end];
    let decoded = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).filter(|c| *c != '\0')?
        }
    };
    Some((decoded, end + 1))
}

/// The tag, its argument (link, language, …) and the bytes it took.
fn start_tag(rest: &str, byte: usize) -> Result<(String, Option<String>, usize), String> {
    let name_end = rest[1..].find(|c: char| c.is_whitespace() || c == '>').map(|at| at + 1);
    let Some(name_end) = name_end else {
        return Err("Unclosed start tag at byte offset ".to_owned() + &byte.to_string());
    };
    let tag = rest[1..name_end].to_ascii_lowercase();
    if !TAGS.contains(&tag.as_str()) {
        return Err(format!("Unsupported start tag \"{tag}\" at byte offset {byte}"));
    }
    let (attributes, used) = attributes(rest, name_end)
        .ok_or_else(|| format!("Unclosed start tag \"{tag}\" at byte offset {byte}"))?;
    let value = |name: &str| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let argument = match tag.as_str() {
        "a" => value("href"),
        "code" => value("class").and_then(|class| class.strip_prefix("language-").map(str::to_owned)),
        "span" => {
            if value("class").as_deref() != Some("tg-spoiler") {
                return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {byte}"));
            }
            None
        }
        "tg-emoji" => value("emoji-id"),
        "blockquote" => attributes.iter().any(|(key, _)| key == "expandable").then(String::new),
        _ => None,
    };
    Ok((tag, argument, used))
}

fn attributes(rest: &str, from: usize) -> Option<(Vec<(String, String)>, usize)> {
    let mut found = Vec::new();
    let mut at = from;
    loop {
        at += rest[at..].len() - rest[at..].trim_start().len();
        if rest[at..].starts_with('>') {
            return Some((found, at + 1));
        }
        let length = rest[at..].find(|c: char| c.is_whitespace() || c == '=' || c == '>')?;
        let name = rest[at..at + length].to_ascii_lowercase();
        at += length;
        if !rest[at..].starts_with('=') {
            if length == 0 {
                return None;
            }
            found.push((name, String::new()));
            continue;
        }
        at += 1;
        let quote = rest[at..].chars().next()?;
        let raw = if quote == '"' || quote == '\'' {
            let end = rest[at + 1..].find(quote)?;
            let raw = &rest[at + 1..at + 1 + end];
            at += end + 2;
            raw
        } else {
            let end = rest[at..].find(|c: char| c.is_whitespace() || c == '>')?;
            let raw = &rest[at..at + end];
            at += end;
            raw
        };
        found.push((name, unescaped(raw)));
    }
}

fn unescaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(c) = raw[at..].chars().next() {
        let (c, used) =
            if c == '&' { decode_entity(&raw[at..]).unwrap_or((c, 1)) } else { (c, c.len_utf8()) };
        out.push(c);
        at += used;
    }
    out
}

fn end_tag(
    rest: &str,
    byte: usize,
    offset: usize,
    text: &str,
    open: &mut Vec<Open>,
    entities: &mut Vec<Value>,
) -> Result<usize, String> {
    let end = rest.find('>').ok_or_else(|| format!("Unclosed end tag at byte offset {byte}"))?;
    let name = rest[2..end].trim().to_ascii_lowercase();
    let Some(last) = open.pop() else { return Err(format!("Unexpected end tag at byte offset {byte}")) };
    if !name.is_empty() && name != last.tag {
        return Err(format!(
            "Unmatched end tag at byte offset {byte}, expected \"</{}>\", found \"</{name}>\"",
            last.tag
        ));
    }
    let length = offset - last.offset;
    if length > 0 {
        add_entity(&last, length, &text[last.start..], open, entities);
    }
    Ok(end + 1)
}

fn add_entity(tag: &Open, length: usize, inner: &str, open: &[Open], entities: &mut Vec<Value>) {
    let place = json!({"offset": tag.offset, "length": length});
    let mut push = |kind: &str, more: Option<(&str, String)>| {
        let mut entity = place.clone();
        entity["type"] = json!(kind);
        if let Some((name, value)) = more {
            entity[name] = json!(value);
        }
        entities.push(entity);
    };
    match tag.tag.as_str() {
        "b" | "strong" => push("bold", None),
        "i" | "em" => push("italic", None),
        "s" | "strike" | "del" => push("strikethrough", None),
        "u" | "ins" => push("underline", None),
        "tg-spoiler" | "span" => push("spoiler", None),
        "tg-emoji" => {
            push("custom_emoji", Some(("custom_emoji_id", tag.argument.clone().unwrap_or_default())))
        }
        "blockquote" if tag.argument.is_some() => push("expandable_blockquote", None),
        "blockquote" => push("blockquote", None),
        "a" => link(tag.argument.as_deref().unwrap_or(inner), &mut push),
        // `<pre><code class="language-x">` is one block with a language.
        "code" if open.last().is_some_and(|outer| outer.tag == "pre" && outer.offset == tag.offset) => {
            if let Some(language) = &tag.argument {
                push("pre", Some(("language", language.clone())));
            }
        }
        "code" => push("code", None),
        "pre" => {
            let known = entities.iter().any(|entity| {
                entity["type"] == "pre" && entity["offset"] == tag.offset && entity["length"] == length
            });
            if !known {
                entities.push(json!({"offset": tag.offset, "length": length, "type": "pre"}));
            }
        }
        _ => {}
    }
}

/// A link whose address is no link stays plain text.
fn link(href: &str, push: &mut impl FnMut(&str, Option<(&str, String)>)) {
    if let Some(id) = href.strip_prefix("tg://user?id=").and_then(|id| id.parse::<i64>().ok()) {
        push("text_link", Some(("url", format!("tg://user?id={id}"))));
        return;
    }
    let whole = if href.contains("://") { href.to_owned() } else { format!("http://{href}") };
    if let Ok(url) = reqwest::Url::parse(&whole)
        && url.host_str().is_some_and(|host| host.contains('.') || url.scheme() == "tg")
    {
        push("text_link", Some(("url", url.to_string())));
    }
}

/// Adds what Telegram finds by itself where no entity stands yet.
pub(crate) fn with_found(mut formatted: Formatted) -> Formatted {
    let mut offset = 0;
    let mut found = Vec::new();
    for word in formatted.text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if let Some((kind, skip, length)) = kind_of(bare) {
            found.push(json!({"type": kind, "offset": offset + skip, "length": length}));
        }
        offset += utf16_len(word);
    }
    let taken = |entity: &Value| {
        let (from, length) = (entity["offset"].as_u64(), entity["length"].as_u64());
        formatted.entities.iter().any(|other| {
            let quoting =
                matches!(other["type"].as_str(), Some("pre" | "code" | "text_link" | "url" | "bot_command"));
            let from_other = other["offset"].as_u64();
            let to_other = from_other.zip(other["length"].as_u64()).map(|(a, b)| a + b);
            quoting && from_other < from.zip(length).map(|(a, b)| a + b) && from < to_other
        })
    };
    let fresh: Vec<Value> = found.into_iter().filter(|entity| !taken(entity)).collect();
    formatted.entities.extend(fresh);
    formatted.entities = sorted(formatted.entities);
    formatted
}

/// What a word is, where in it that starts, and how long it is (UTF-16).
fn kind_of(word: &str) -> Option<(&'static str, usize, usize)> {
    let name = |text: &str| text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    if let Some(rest) = word.strip_prefix('/') {
        let length = name(rest);
        if !(1..=32).contains(&length) {
            return None;
        }
        let bot = rest[length..].strip_prefix('@').map_or(0, |at| 1 + name(at));
        let end = &rest[length + bot..];
        return (!end.starts_with('/')).then_some(("bot_command", 0, 1 + length + bot));
    }
    if let Some(rest) = word.strip_prefix('@') {
        let length = name(rest);
        return (length >= 4).then_some(("mention", 0, 1 + length));
    }
    if word.starts_with("http://") || word.starts_with("https://") {
        let bare = word.trim_end_matches(['.', ',', ')', '!', '?', ';', ':', '"', '»']);
        let url = reqwest::Url::parse(bare).ok()?;
        return url.host_str()?.contains('.').then(|| ("url", 0, utf16_len(bare)));
    }
    let (user, host) = word.split_once('@')?;
    let host = host.trim_end_matches(['.', ',']);
    let email = !user.is_empty() && user.is_ascii() && host.contains('.') && host.is_ascii();
    email.then_some(("email", 0, user.len() + 1 + host.len()))
}

#[cfg(test)]
#[path = "entities_tests.rs"]
mod tests;
