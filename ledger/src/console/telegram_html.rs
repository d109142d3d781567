//! Telegram's HTML as a page shows it. Nothing of it reaches the page as it was written: it is read, refused where Telegram would
//! refuse it, and made anew of the few elements below with everything else escaped.
//!
//! Source: <https://core.telegram.org/bots/api#html-style>.

use maud::{Markup, PreEscaped, Render as _, html};

use super::lang::Words;

/// Why Telegram would not take it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("there is no tag {0}")]
    Unknown(String),
    #[error("the tag {0} is not ended")]
    NotEnded(String),
    #[error("the end of {0} has no beginning")]
    NotBegun(String),
    #[error("a < begins no tag")]
    NoTag,
    #[error("nothing of it is seen")]
    Empty,
}

impl Unfit {
    /// For whoever wrote it.
    pub(super) fn say(&self, words: Words<'_>) -> String {
        match self {
            Self::Unknown(tag) => words.with("tag-unknown", [("tag", tag.as_str().into())]),
            Self::NotEnded(tag) => words.with("tag-not-ended", [("tag", tag.as_str().into())]),
            Self::NotBegun(tag) => words.with("tag-not-begun", [("tag", tag.as_str().into())]),
            Self::NoTag => words.t("tag-none"),
            Self::Empty => words.t("broadcast-empty"),
        }
    }
}

/// Why something that people wrote is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// By the name of its text.
    Said(&'static str),
    Html(Unfit),
}

impl From<&'static str> for Wrong {
    fn from(why: &'static str) -> Self {
        Self::Said(why)
    }
}

impl Wrong {
    pub(super) fn say(&self, words: Words<'_>) -> String {
        match self {
            Self::Said(why) => words.t(why),
            Self::Html(why) => why.say(words),
        }
    }
}

/// How a tag looks here; `None`: it has no look of its own.
fn element(tag: &str, attributes: &[(String, String)]) -> Result<Option<Element>, Unfit> {
    let value = |name: &str| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let plain = |name: &'static str| Ok(Some(Element { name, class: None, href: None }));
    match tag {
        "b" | "strong" => plain("strong"),
        "i" | "em" => plain("em"),
        "u" | "ins" => plain("u"),
        "s" | "strike" | "del" => plain("s"),
        "code" => plain("code"),
        "pre" => plain("pre"),
        "blockquote" => plain("blockquote"),
        "tg-spoiler" => Ok(Some(Element { name: "span", class: Some("spoiler"), href: None })),
        "span" if value("class") == Some("tg-spoiler") => {
            Ok(Some(Element { name: "span", class: Some("spoiler"), href: None }))
        }
        "span" => Err(Unfit::Unknown("span".to_owned())),
        "a" => Ok(value("href").and_then(address).map(|href| Element {
            name: "a",
            class: None,
            href: Some(href),
        })),
        "tg-emoji" | "tg-time" => Ok(None),
        other => Err(Unfit::Unknown(cut(other))),
    }
}

struct Element {
    name: &'static str,
    class: Option<&'static str>,
    href: Option<String>,
}

impl Element {
    fn open(&self, out: &mut String) {
        out.push('<');
        out.push_str(self.name);
        if let Some(class) = self.class {
            out.push_str(&format!(" class=\"{class}\""));
        }
        if let Some(href) = &self.href {
            out.push_str(" rel=\"noopener noreferrer\" target=\"_blank\" href=\"");
            href.as_str().render_to(out);
            out.push('"');
        }
        out.push('>');
    }
}

/// Where a link may lead; what is none stays plain, as Telegram has it.
fn address(href: &str) -> Option<String> {
    let lower = href.to_ascii_lowercase();
    if ["https://", "http://", "tg://"].iter().any(|scheme| lower.starts_with(scheme)) {
        return Some(href.to_owned());
    }
    let is_plain = !href.is_empty() && href.contains('.') && !href.contains([':', ' ']);
    is_plain.then(|| format!("http://{href}"))
}

/// A tag's name in a refusal.
fn cut(name: &str) -> String {
    name.chars().take(24).collect()
}

/// Neither a space nor without width, which Telegram cuts off.
fn is_ink(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// As it looks.
///
/// # Errors
/// Telegram would refuse it.
pub(super) fn shown(text: &str) -> Result<Markup, Unfit> {
    let mut out = String::with_capacity(text.len() * 2);
    let mut open: Vec<(String, Option<Element>)> = Vec::new();
    let mut rest = text;
    let mut is_seen = false;
    while let Some(c) = rest.chars().next() {
        match c {
            '&' => {
                let (decoded, used) = entity(rest).unwrap_or(('&', 1));
                is_seen |= is_ink(decoded);
                decoded.encode_utf8(&mut [0; 4]).render_to(&mut out);
                rest = &rest[used..];
            }
            '<' if rest[1..].starts_with('/') => {
                let end = rest.find('>').ok_or(Unfit::NoTag)?;
                let name = rest[2..end].trim().to_ascii_lowercase();
                let (tag, element) = open.pop().ok_or_else(|| Unfit::NotBegun(cut(&name)))?;
                if !name.is_empty() && name != tag {
                    return Err(Unfit::NotEnded(tag));
                }
                if let Some(element) = element {
                    out.push_str(&format!("</{}>", element.name));
                }
                rest = &rest[end + 1..];
            }
            '<' => {
                let (tag, attributes, after) = tag(&rest[1..])?;
                let element = element(&tag, &attributes)?;
                if let Some(element) = &element {
                    element.open(&mut out);
                }
                open.push((tag, element));
                rest = after;
            }
            _ => {
                let end = rest.find(['&', '<']).unwrap_or(rest.len());
                is_seen |= rest[..end].contains(is_ink);
                rest[..end].render_to(&mut out);
                rest = &rest[end..];
            }
        }
    }
    match open.pop() {
        Some((tag, _)) => Err(Unfit::NotEnded(tag)),
        None if !is_seen => Err(Unfit::Empty),
        None => Ok(html! { div class="telegram" { (PreEscaped(out)) } }),
    }
}

/// How long what is seen of it is, in UTF-16 units.
pub(super) fn units(text: &str) -> usize {
    let (mut units, mut rest) = (0, text);
    while let Some(c) = rest.chars().next() {
        if c == '<'
            && let Some(end) = rest.find('>')
        {
            rest = &rest[end + 1..];
            continue;
        }
        let (c, used) = if c == '&' { entity(rest).unwrap_or((c, 1)) } else { (c, c.len_utf8()) };
        units += c.len_utf16();
        rest = &rest[used..];
    }
    units
}

type Tag<'a> = (String, Vec<(String, String)>, &'a str);

/// What stands behind a `<`: name, attributes and the rest behind its `>`.
fn tag(text: &str) -> Result<Tag<'_>, Unfit> {
    let end = text.find(|c: char| c.is_whitespace() || c == '>').ok_or(Unfit::NoTag)?;
    let name = text[..end].to_ascii_lowercase();
    if name.is_empty() {
        return Err(Unfit::NoTag);
    }
    let not_ended = || Unfit::NotEnded(cut(&name));
    let mut attributes = Vec::new();
    let mut rest = text[end..].trim_start();
    while !rest.starts_with('>') {
        let end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '>').ok_or_else(not_ended)?;
        let key = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let value = match rest.strip_prefix('=') {
            Some(after) => {
                let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
                let (value, after) = match quote {
                    Some(quote) => after[1..].split_once(quote).ok_or_else(not_ended)?,
                    None => {
                        let end = after.find(|c: char| c.is_whitespace() || c == '>');
                        after.split_at(end.ok_or_else(not_ended)?)
                    }
                };
                rest = after;
                decoded(value)
            }
            None if key.is_empty() => return Err(not_ended()),
            None => String::new(),
        };
        attributes.push((key, value));
        rest = rest.trim_start();
    }
    Ok((name, attributes, &rest[1..]))
}

fn decoded(value: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(value.len()), value);
    while let Some(c) = rest.chars().next() {
        let (c, used) = if c == '&' { entity(rest).unwrap_or((c, 1)) } else { (c, c.len_utf8()) };
        out.push(c);
        rest = &rest[used..];
    }
    out
}

/// `&lt;` and such; what is none is text.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.find(';').filter(|end| *end <= 10)?;
    let c = match &text[1..end] {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        name => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).filter(|c| *c != '\0')?
        }
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inner(text: &str) -> String {
        let all = shown(text).unwrap().into_string();
        all.strip_prefix("<div class=\"telegram\">").unwrap().strip_suffix("</div>").unwrap().to_owned()
    }

    #[test]
    fn what_telegram_shows_is_shown() {
        for (text, looks) in [
            ("a\nb", "a\nb"),
            ("<B>a</B> <strong>b</strong>", "<strong>a</strong> <strong>b</strong>"),
            ("<i><u><s>x</s></u></i>", "<em><u><s>x</s></u></em>"),
            ("a &lt; b &amp; c & d &#33; &#x1F34C;", "a &lt; b &amp; c &amp; d ! 🍌"),
            ("<span class=\"tg-spoiler\">x</span>", "<span class=\"spoiler\">x</span>"),
            ("<blockquote expandable>x</blockquote>", "<blockquote>x</blockquote>"),
            ("<pre><code class=\"language-rust\">x</code></pre>", "<pre><code>x</code></pre>"),
            ("<tg-emoji emoji-id=1>🍌</tg-emoji>", "🍌"),
            ("<b>x</>", "<strong>x</strong>"),
        ] {
            assert_eq!(inner(text), looks, "{text}");
        }
        let link = inner("<a href='https://example.com/?a=1&amp;b=\"'>x</a>");
        assert!(link.contains("href=\"https://example.com/?a=1&amp;b=&quot;\""), "{link}");
    }

    #[test]
    fn what_telegram_refuses_is_refused_with_its_tag() {
        let tag = |name: &str| name.to_owned();
        for (text, why) in [
            ("<script>alert(1)</script>", Unfit::Unknown(tag("script"))),
            ("<img src=x onerror=alert(1)>", Unfit::Unknown(tag("img"))),
            ("<span>x</span>", Unfit::Unknown(tag("span"))),
            ("<b>x", Unfit::NotEnded(tag("b"))),
            ("<b><i>x</b></i>", Unfit::NotEnded(tag("i"))),
            ("x</b>", Unfit::NotBegun(tag("b"))),
            ("<a href=\"x", Unfit::NotEnded(tag("a"))),
            ("a < b", Unfit::NoTag),
            ("a <", Unfit::NoTag),
            ("<b></b>", Unfit::Empty),
            ("<i> &#32;<b>\n\u{200b}</b></i>", Unfit::Empty),
        ] {
            assert_eq!(shown(text).map(|_| ()), Err(why), "{text}");
        }
    }

    #[test]
    fn no_link_runs_anything() {
        for href in
            ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "&#106;avascript:x.y", ""]
        {
            assert_eq!(inner(&format!("<a href=\"{href}\" onclick=\"x\">a</a>")), "a", "{href}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_was_written_becomes_an_element(text in r#"(<|>|/|&|;|"|'|=| |a|b|i|pre|script|href|on|#60|lt|é)*"#) {
            let Ok(markup) = shown(&text) else { return Ok(()) };
            for part in markup.into_string().split('<').skip(1) {
                let name = part.trim_start_matches('/').split([' ', '>']).next().unwrap_or_default();
                prop_assert!(["div", "strong", "em", "pre", "a"].contains(&name), "{name}");
            }
        }
    }
}
