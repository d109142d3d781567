//! HTML and found entities, by example.

use super::*;

fn read(raw: &str) -> Formatted {
    formatted_as(raw, "HTML", None).unwrap()
}

fn fails(raw: &str) -> String {
    formatted_as(raw, "HTML", None).unwrap_err().description
}

#[test]
fn offsets_are_utf16() {
    let formatted = read("🌴 <b>жирный <i>и</i></b> &lt;&amp;&gt;");
    assert_eq!(formatted.text, "🌴 жирный и <&>");
    assert_eq!(
        formatted.entities,
        [
            json!({"type": "bold", "offset": 3, "length": 8}),
            json!({"type": "italic", "offset": 10, "length": 1}),
        ]
    );
}

#[test]
fn broken_html_is_refused_in_the_servers_words() {
    assert_eq!(
        fails("a <foo>"),
        "Bad Request: can't parse entities: Unsupported start tag \"foo\" at byte offset 2"
    );
    assert_eq!(
        fails("<b>a"),
        "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""
    );
    assert_eq!(
        fails("<b>a</i>"),
        "Bad Request: can't parse entities: Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\""
    );
    assert_eq!(fails("a</b>"), "Bad Request: can't parse entities: Unexpected end tag at byte offset 1");
    assert!(fails("1 < 2").contains("Unsupported start tag"));
}

#[test]
fn links_code_and_trimming() {
    let formatted = read(
        "  <a href=\"https://example.org/?a=1&amp;b\">x</a>\n<pre><code class=\"language-rust\">fn</code></pre> ",
    );
    assert_eq!(formatted.text, "x\nfn");
    assert_eq!(
        formatted.entities,
        [
            json!({"type": "text_link", "offset": 0, "length": 1, "url": "https://example.org/?a=1&b"}),
            json!({"type": "pre", "offset": 2, "length": 2, "language": "rust"}),
        ]
    );
}

#[test]
fn commands_and_links_are_found() {
    let formatted = formatted_as("/start ref_1 see https://example.org/x, me@example.org", "", None).unwrap();
    let kinds: Vec<_> = formatted
        .entities
        .iter()
        .map(|e| (e["type"].as_str().unwrap(), e["offset"].as_u64().unwrap(), e["length"].as_u64().unwrap()))
        .collect();
    assert_eq!(kinds, [("bot_command", 0, 6), ("url", 17, 21), ("email", 40, 14)]);
}
