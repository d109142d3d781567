//! Markdown as people see it, and that whatever comes in, Telegram takes what comes out.

use proptest::prelude::*;

use super::split::{is_blank, units};
use super::{Html, MESSAGE_UNITS_MAX, Rich, split};

fn html(markdown: &str) -> String {
    Rich::of_markdown(markdown).html().as_str().to_owned()
}

fn unfinished(markdown: &str) -> String {
    Rich::of_unfinished_markdown(markdown).html().as_str().to_owned()
}

fn pieces(markdown: &str, units_max: usize) -> Vec<String> {
    let pieces = Rich::of_markdown(markdown).split(units_max);
    pieces.iter().map(|piece| piece.as_str().to_owned()).collect()
}

#[test]
fn formatting_becomes_telegrams() {
    for (markdown, expected) in [
        ("**bold** *it* _it_ ~~no~~ `a<b`", "<b>bold</b> <i>it</i> <i>it</i> <s>no</s> <code>a&lt;b</code>"),
        ("***both***", "<b><i>both</i></b>"),
        ("**a `b` c**", "<b>a </b><code>b</code><b> c</b>"),
        ("# Title\ntext", "<b>Title</b>\n\ntext"),
        ("one\ntwo\n\n\n\nthree", "one\ntwo\n\nthree"),
        ("a < b && c > \"d\"", "a &lt; b &amp;&amp; c &gt; &quot;d&quot;"),
        ("<b>not bold</b><br>x", "&lt;b&gt;not bold&lt;/b&gt;\nx"),
        ("5 * 3 * 2 and snake_case_name", "5 * 3 * 2 and snake_case_name"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
        ("", ""),
    ] {
        assert_eq!(html(markdown), expected, "{markdown:?}");
    }
}

#[test]
fn lists_have_bullets_and_numbers_and_go_deeper() {
    let list = "Вот:\n\n* раз\n* **два**\n  - a\n  - b\n\n    more\n* три\n\nend";
    assert_eq!(html(list), "Вот:\n\n• раз\n• <b>два</b>\n  • a\n  • b\n\nmore\n• три\n\nend");
    assert_eq!(html("3. c\n4. d\n\n   ```\n   x\n   ```\n5. e"), "3. c\n4. d\n\n<pre>x</pre>\n5. e");
    assert_eq!(html("- [x] done\n- [ ] open\n-"), "• ☑ done\n• ☐ open\n•  ");
}

#[test]
fn code_keeps_its_lines_and_its_language() {
    let code = "Так:\n```rust ignore\nfn a() {\n\n    b < 1\n}\n```\nВсё.";
    let expected =
        "Так:\n\n<pre><code class=\"language-rust\">fn a() {\n\n    b &lt; 1\n}</code></pre>\n\nВсё.";
    assert_eq!(html(code), expected);
    assert_eq!(html("```\"><b>\nx\n```\n```\ny\n```"), "<pre>x</pre>\n\n<pre>y</pre>");
    assert_eq!(html("| a | b |\n|---|---|\n| **1** | 2 |"), "<pre>a | b\n1 | 2</pre>");
}

#[test]
fn quotes_stay_quotes_and_do_not_nest() {
    assert_eq!(html("> one\n>\n> > two\n\nthree"), "<blockquote>one\n\ntwo</blockquote>\n\nthree");
    assert_eq!(html("> a\n\n---\n> b"), "<blockquote>a</blockquote>\n\n———\n\n<blockquote>b</blockquote>");
    assert_eq!(html("> ```\n> x\n> ```"), "<blockquote><pre>x</pre></blockquote>");
}

#[test]
fn only_links_that_telegram_opens_are_links() {
    assert_eq!(
        html("[**a** `b`](https://e.org/?a=1&b=\"2\") [c](tg://resolve?domain=x)"),
        "<a href=\"https://e.org/?a=1&amp;b=%222%22\"><b>a</b> b</a> <a href=\"tg://resolve?domain=x\">c</a>"
    );
    for (dead, words) in [
        ("[a](javascript:alert(1))", "a"),
        ("[a](/docs)", "a"),
        ("[a](mailto:x@y.ru)", "a"),
        ("[a](file:///etc/passwd)", "a"),
    ] {
        assert_eq!(html(dead), words, "{dead}");
    }
    assert_eq!(html("![кот](https://e.org/a.png)"), "<a href=\"https://e.org/a.png\">кот</a>");
    assert_eq!(html("![](https://e.org/a.png)"), "<a href=\"https://e.org/a.png\">🖼</a>");
}

#[test]
fn a_long_answer_is_cut_where_a_reader_would_pause_and_goes_on_as_it_was() {
    assert_eq!(pieces("**one two three four**", 10), ["<b>one two</b>", "<b>three four</b>"]);
    assert_eq!(
        pieces("intro text\n\n```py\nif a:\n    b()\n    c()\n```", 16),
        [
            "intro text",
            "<pre><code class=\"language-py\">if a:\n    b()</code></pre>",
            "<pre><code class=\"language-py\">    c()</code></pre>"
        ]
    );
    assert_eq!(
        pieces("[один два три](https://e.org)", 9),
        ["<a href=\"https://e.org/\">один два</a>", "<a href=\"https://e.org/\">три</a>"]
    );
    assert_eq!(pieces("**&&&&**", 3), ["<b>&amp;&amp;&amp;</b>", "<b>&amp;</b>"]);
    assert_eq!(pieces("**🦊🦊**", 3), ["<b>🦊</b>", "<b>🦊</b>"]);
    assert_eq!(pieces(" \n\n", 5), Vec::<String>::new());
    let long = "Слово **за** слово, и `сказка` сложилась.\n\n".repeat(500);
    let parts = Rich::of_markdown(&long).split(MESSAGE_UNITS_MAX);
    assert!(
        parts.iter().all(|part| units(&part.plain()) > 3_900 || Some(part) == parts.last()),
        "they are full"
    );
}

#[test]
fn a_text_that_grows_looks_as_it_will_look() {
    for (so_far, expected) in [
        ("Ответ: **жирн", "Ответ: <b>жирн</b>"),
        ("Ответ: **", "Ответ:"),
        ("Ответ: **жирный*", "Ответ: <b>жирный</b>"),
        ("a ***both", "a <b><i>both</i></b>"),
        ("**a *b***", "<b>a <i>b</i></b>"),
        ("a `co", "a <code>co</code>"),
        ("a `", "a"),
        ("a ~~b", "a <s>b</s>"),
        ("5 * 3", "5 * 3"),
        ("2*3", "2*3"),
        ("* раз\n* дв", "• раз\n• дв"),
        ("see [the docs](https://exam", "see the docs"),
        ("see ![the cat](https://exam", "see the cat"),
        ("a [b] c", "a [b] c"),
        ("**done**\n\nnext *it", "<b>done</b>\n\nnext <i>it</i>"),
        (
            "code:\n```rust\nlet a = \"**\"",
            "code:\n\n<pre><code class=\"language-rust\">let a = &quot;**&quot;</code></pre>",
        ),
        ("code:\n```rust\nx\n``", "code:\n\n<pre><code class=\"language-rust\">x</code></pre>"),
        ("code:\n```rust\nx\n```", "code:\n\n<pre><code class=\"language-rust\">x</code></pre>"),
        ("a ``", "a"),
        ("", ""),
    ] {
        assert_eq!(unfinished(so_far), expected, "{so_far:?}");
    }
}

/// What Telegram says of HTML that it does not take; also tags within code.
fn check(html: &Html) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.as_str();
    while let Some(at) = rest.find(['<', '>', '&']) {
        let from = &rest[at..];
        if from.starts_with('>') {
            return Err("a bare >".to_owned());
        }
        if from.starts_with('&') {
            let known = ["&lt;", "&gt;", "&amp;", "&quot;"].into_iter().find(|one| from.starts_with(one));
            rest = &from[known.ok_or("a bare &")?.len()..];
            continue;
        }
        let end = from.find('>').ok_or("a tag without an end")?;
        let tag = &from[1..end];
        rest = &from[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let (name, attribute) = tag.split_once(' ').unwrap_or((tag, ""));
        let fits = match name {
            "b" | "i" | "s" | "pre" | "blockquote" => attribute.is_empty(),
            "code" => attribute.is_empty() || open.last() == Some(&"pre"),
            "a" => attribute.starts_with("href=\"") && attribute[6..].find('"') == Some(attribute.len() - 7),
            _ => false,
        };
        let within = open.iter().any(|one| {
            matches!(*one, "code" | "a") && matches!(name, "code" | "pre" | "a" | "blockquote")
                || *one == "code"
                || *one == "pre" && name != "code"
                || *one == name
                || matches!(name, "pre" | "code" | "blockquote") && matches!(*one, "b" | "i" | "s")
        });
        if !fits || within {
            return Err(format!("<{tag}> within {open:?}"));
        }
        open.push(name);
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} stay open")) }
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let checked = |html: &str| check(&Html::trusted(html.to_owned()));
    assert_eq!(checked("<b>a</b> &lt; <pre><code class=\"language-x\">b</code></pre>"), Ok(()));
    for bad in [
        "<b>",
        "</b>",
        "<b><i></b></i>",
        "a & b",
        "a > b",
        "<u>x</u>",
        "<code><b>x</b></code>",
        "<b><b>x</b></b>",
        "<a href=\"x\"onclick=\"y\">z</a>",
        "<blockquote><blockquote></blockquote></blockquote>",
        "<b",
    ] {
        assert!(checked(bad).is_err(), "{bad}");
    }
}

/// What can be seen, without the white space at which pieces are cut.
fn solid(text: &str) -> String {
    text.chars().filter(|c| !is_blank(c.encode_utf8(&mut [0; 4]))).collect()
}

fn markdown() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-zа-я]{1,8}",
        2 => Just(" ".to_owned()),
        2 => prop::sample::select(vec!["*", "**", "***", "_", "__", "~~", "~", "`", "``", "```", "```rust\n", "\n```\n",
            "\n", "\n\n", "\n# ", "\n- ", "\n  - ", "\n1. ", "\n> ", "\n> > ", "\n    ", "\n---\n", "\\", "&", "&amp;",
            "<b>", "</b>", "<br>", "<!--", "<", ">", "\"", "[", "](", ")", "](https://e.org/a_b?c=\"d\"&e)", "![",
            "](javascript:x)", "<https://e.org>", "\n|a|b|\n|-|-|\n|", "|", "\n- [ ] ", "🦊", "👩\u{200d}👧", "🇷🇺", "e\u{301}",
            "\u{200b}", "\t", "\0", "\r\n", "==", "[^1]", "$x$"]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_telegram_takes_what_comes_out(text in markdown(), units_max in 2_usize..120) {
        let rich = Rich::of_markdown(&text);
        prop_assert_eq!(check(&rich.html()), Ok(()));
        prop_assert_eq!(rich.html().plain(), rich.plain());
        let pieces = rich.split(units_max);
        for piece in &pieces {
            prop_assert_eq!(check(piece), Ok(()));
            let plain = piece.plain();
            prop_assert!(units(&plain) <= units_max && !is_blank(&plain), "{:?}", plain);
        }
        let together: String = pieces.iter().map(Html::plain).collect();
        prop_assert_eq!(solid(&together), solid(rich.plain()));
    }

    #[test]
    fn whatever_has_come_so_far_telegram_takes_it(text in markdown()) {
        for (at, _) in text.char_indices() {
            let rich = Rich::of_unfinished_markdown(&text[..at]);
            prop_assert_eq!(check(&rich.html()), Ok(()));
        }
    }

    #[test]
    fn plain_words_are_cut_alike(text in markdown(), units_max in 2_usize..120) {
        let pieces = split(&text, units_max);
        prop_assert!(pieces.iter().all(|piece| units(piece) <= units_max && !is_blank(piece)));
        prop_assert_eq!(solid(&pieces.concat()), solid(&text));
    }
}
