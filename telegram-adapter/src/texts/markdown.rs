//! Markdown, as models write it, as what Telegram can show.
//!
//! Telegram knows bold, italic, strikethrough, code, lines of code, links and quotes. Of the rest: headings are bold,
//! lists have bullets and numbers, tables are lines of code with bars between the cells, HTML is words like any other.
//! Whatever it is, what comes out is well-formed.

use std::sync::Arc;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use reqwest::Url;

use super::mend::mended;
use super::rich::{Block, Rich, Style};

/// Deeper ones are shown as this deep.
const INDENTS_MAX: usize = 6;
const LANGUAGE_CHARS_MAX: usize = 32;

impl Rich {
    pub fn of_markdown(text: &str) -> Self {
        let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
        let mut writer = Writer::default();
        for event in Parser::new_ext(text, options) {
            writer.take(event);
        }
        writer.rich
    }

    /// Of a text that is still being written: what it has opened last is taken as closed where it ends.
    pub fn of_unfinished_markdown(text: &str) -> Self {
        Self::of_markdown(&mended(text))
    }
}

#[derive(Default)]
struct Writer {
    rich: Rich,
    style: Style,
    /// How many of each are open.
    bold: u32,
    italic: u32,
    strike: u32,
    quotes: u32,
    links: Vec<Option<Arc<str>>>,
    /// The number of the next item; without, bullets.
    lists: Vec<Option<u64>>,
    /// Line breaks before the next words.
    gap: usize,
    /// What the next words begin with.
    marker: Option<String>,
    /// For quotes and lines of code.
    numbers: u32,
    in_table: bool,
    cells: usize,
    /// Where the words of a picture begin.
    picture_from: usize,
}

impl Writer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(words) if self.style.block.is_some() && !self.in_table => self.lines(&words),
            Event::Text(words) => self.words(&words),
            Event::Html(words) => self.lines(&words),
            Event::InlineHtml(html) if is_break(&html) => self.words("\n"),
            Event::InlineHtml(html) => self.words(&html),
            Event::Code(words) => {
                self.style.code = true;
                self.words(&words);
                self.style.code = false;
            }
            Event::SoftBreak | Event::HardBreak => self.words("\n"),
            Event::Rule => {
                self.space(2);
                self.words("———");
                self.space(2);
            }
            Event::TaskListMarker(done) => self.words(if done { "☑ " } else { "☐ " }),
            Event::InlineMath(words) | Event::DisplayMath(words) | Event::FootnoteReference(words) => {
                self.words(&words);
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.space(2),
            Tag::Heading { .. } => {
                self.space(2);
                self.bold += 1;
            }
            Tag::BlockQuote(_) => {
                self.space(2);
                self.quotes += 1;
                if self.quotes == 1 {
                    self.style.quote = Some(self.number());
                }
            }
            Tag::CodeBlock(kind) => {
                self.space(2);
                let language = match kind {
                    CodeBlockKind::Fenced(info) => language(&info),
                    CodeBlockKind::Indented => None,
                };
                self.style.block = Some(Block { number: self.number(), language });
            }
            Tag::List(first) => {
                self.space(if self.lists.is_empty() { 2 } else { 1 });
                self.lists.push(first);
            }
            Tag::Item => {
                self.space(1);
                let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(INDENTS_MAX));
                let marker = match self.lists.last_mut() {
                    Some(Some(n)) => {
                        let marker = format!("{indent}{n}. ");
                        *n = n.saturating_add(1);
                        marker
                    }
                    _ => format!("{indent}• "),
                };
                self.marker = Some(marker);
            }
            Tag::Table(_) => {
                self.space(2);
                self.in_table = true;
                self.style.block = Some(Block { number: self.number(), language: None });
            }
            Tag::TableHead | Tag::TableRow => {
                self.space(1);
                self.cells = 0;
            }
            Tag::TableCell => {
                if self.cells > 0 {
                    self.words(" | ");
                }
                self.cells += 1;
            }
            Tag::Emphasis => self.italic += 1,
            Tag::Strong => self.bold += 1,
            Tag::Strikethrough => self.strike += 1,
            Tag::Link { dest_url, .. } => self.links.push(address(&dest_url)),
            Tag::Image { dest_url, .. } => {
                self.links.push(address(&dest_url));
                self.picture_from = self.rich.plain().len();
            }
            _ => {}
        }
        self.restyle();
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.space(2),
            TagEnd::Heading(_) => {
                self.bold = self.bold.saturating_sub(1);
                self.space(2);
            }
            TagEnd::BlockQuote(_) => {
                self.quotes = self.quotes.saturating_sub(1);
                if self.quotes == 0 {
                    self.style.quote = None;
                }
                self.space(2);
            }
            TagEnd::CodeBlock | TagEnd::Table => {
                self.style.block = None;
                self.in_table = false;
                self.space(2);
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.space(if self.lists.is_empty() { 2 } else { 1 });
            }
            TagEnd::Item => {
                // One with nothing in it.
                if self.marker.is_some() {
                    self.words(" ");
                }
                self.gap = self.gap.min(1);
                self.space(1);
            }
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Strikethrough => self.strike = self.strike.saturating_sub(1),
            TagEnd::Link => {
                self.links.pop();
            }
            TagEnd::Image => {
                if self.rich.plain().len() == self.picture_from {
                    self.words("🖼");
                }
                self.links.pop();
            }
            _ => {}
        }
        self.restyle();
    }

    fn restyle(&mut self) {
        (self.style.bold, self.style.italic) = (self.bold > 0, self.italic > 0);
        self.style.strike = self.strike > 0;
        self.style.link = self.links.iter().find_map(Clone::clone);
    }

    /// At least so many line breaks before the next words; none between an item's marker and its words.
    fn space(&mut self, lines: usize) {
        if self.marker.is_none() {
            self.gap = self.gap.max(lines);
        }
    }

    fn words(&mut self, words: &str) {
        if !words.is_empty() {
            self.fill_gap();
            self.rich.push(words, &self.style);
        }
    }

    /// The last of them ends with a line break that nobody is to see: it becomes a gap, written when more comes.
    fn lines(&mut self, lines: &str) {
        self.fill_gap();
        let kept = lines.strip_suffix('\n').unwrap_or(lines);
        self.rich.push(kept, &self.style);
        if kept.len() < lines.len() {
            self.gap = self.gap.saturating_add(1);
        }
    }

    /// Line breaks belong to what stands around them on both sides.
    fn fill_gap(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        if gap > 0 && !self.rich.plain().is_empty() {
            let last = self.rich.last_style().cloned().unwrap_or_default();
            let between = Style {
                quote: last.quote.filter(|quote| Some(*quote) == self.style.quote),
                block: last.block.filter(|block| Some(block) == self.style.block.as_ref()),
                ..Style::default()
            };
            self.rich.push(&"\n".repeat(gap), &between);
        }
        if let Some(marker) = self.marker.take() {
            let style = Style { quote: self.style.quote, ..Style::default() };
            self.rich.push(&marker, &style);
        }
    }

    fn number(&mut self) -> u32 {
        self.numbers = self.numbers.wrapping_add(1);
        self.numbers
    }
}

fn is_break(html: &str) -> bool {
    matches!(html.to_ascii_lowercase().replace(' ', "").as_str(), "<br>" | "<br/>")
}

/// Telegram opens these only; of anything else the words stay.
fn address(url: &str) -> Option<Arc<str>> {
    let url = Url::parse(url).ok()?;
    matches!(url.scheme(), "http" | "https" | "tg").then(|| url.as_str().into())
}

fn language(info: &str) -> Option<Arc<str>> {
    let word = info.split_whitespace().next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "+#._-".contains(c);
    (word.len() <= LANGUAGE_CHARS_MAX && word.chars().all(plain)).then(|| word.into())
}
