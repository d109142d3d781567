//! MarkdownV2, as far as bots use it: the emphases, links, code and quotes; every reserved
//! character that is not escaped is an error, as on the server.

use serde_json::json;

use super::entities::{Formatted, sorted, utf16_len};

const RESERVED: &str = "_*[]()~`>#+-=|{}.!";

pub(crate) fn markdown_v2(raw: &str) -> Result<Formatted, String> {
    let mut text = String::new();
    let mut entities = Vec::new();
    let mut open: Vec<(&'static str, &'static str, usize)> = Vec::new();
    let mut at = 0;
    while let Some(c) = raw[at..].chars().next() {
        let rest = &raw[at..];
        let offset = utf16_len(&text);
        if c == '\\'
            && let Some(next) = rest[1..].chars().next().filter(char::is_ascii)
        {
            text.push(next);
            at += 1 + next.len_utf8();
            continue;
        }
        if rest.starts_with('`') {
            at += code(rest, at, &mut text, offset, &mut entities)?;
            continue;
        }
        if c == '[' {
            at += link(rest, at, &mut text, offset, &mut entities)?;
            continue;
        }
        let mark =
            [("__", "underline"), ("||", "spoiler"), ("*", "bold"), ("_", "italic"), ("~", "strikethrough")]
                .into_iter()
                .find(|(mark, _)| rest.starts_with(mark));
        if let Some((mark, kind)) = mark {
            at += mark.len();
            match open.last() {
                Some((last, _, start)) if *last == mark => {
                    if offset > *start {
                        entities.push(json!({"type": kind, "offset": start, "length": offset - start}));
                    }
                    open.pop();
                }
                _ => open.push((mark, kind, offset)),
            }
            continue;
        }
        if RESERVED.contains(c) {
            return Err(format!("Character '{c}' is reserved and must be escaped with the preceding '\\'"));
        }
        text.push(c);
        at += c.len_utf8();
    }
    if let Some((_, kind, start)) = open.last() {
        return Err(format!("Can't find end of {} entity at byte offset {start}", capital(kind)));
    }
    Ok(Formatted { text, entities: sorted(entities) })
}

fn capital(kind: &str) -> String {
    let mut chars = kind.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn unescape(raw: &str) -> String {
    let mut out = String::new();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

fn code(
    rest: &str,
    byte: usize,
    text: &mut String,
    offset: usize,
    entities: &mut Vec<serde_json::Value>,
) -> Result<usize, String> {
    let (mark, kind) = if rest.starts_with("```") { ("```", "pre") } else { ("`", "code") };
    let inner = &rest[mark.len()..];
    let end = inner
        .find(mark)
        .ok_or_else(|| format!("Can't find end of {} entity at byte offset {byte}", capital(kind)))?;
    let (language, body) = match inner[..end].split_once('\n') {
        Some((first, body)) if kind == "pre" && !first.contains(' ') => (first, body),
        _ => ("", &inner[..end]),
    };
    text.push_str(&unescape(body));
    let mut entity = json!({"type": kind, "offset": offset, "length": utf16_len(text) - offset});
    if !language.is_empty() {
        entity["language"] = json!(language);
    }
    entities.push(entity);
    Ok(mark.len() * 2 + end)
}

fn link(
    rest: &str,
    byte: usize,
    text: &mut String,
    offset: usize,
    entities: &mut Vec<serde_json::Value>,
) -> Result<usize, String> {
    let lost = || format!("Can't find end of a URL at byte offset {byte}");
    let middle = rest.find("](").ok_or_else(lost)?;
    let end = rest[middle..].find(')').ok_or_else(lost)? + middle;
    text.push_str(&unescape(&rest[1..middle]));
    let length = utf16_len(text) - offset;
    entities.push(json!({"type": "text_link", "offset": offset, "length": length, "url": unescape(&rest[middle + 2..end])}));
    Ok(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emphasis_links_and_escapes() {
        let read = markdown_v2("*b* _i_ `c.d` [x](https://e.org) \\.").unwrap();
        assert_eq!(read.text, "b i c.d x .");
        assert_eq!(read.entities.len(), 4);
        assert!(markdown_v2("a.b").unwrap_err().contains("reserved"));
        assert!(markdown_v2("*a").is_err());
    }
}
