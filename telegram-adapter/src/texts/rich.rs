//! A text with its formatting, from which Telegram's HTML is made: whole, or in pieces of a bounded length.
//!
//! The words and their formatting are kept apart: [`Rich::split`] cuts the words alone, and each piece is written
//! with the tags of what is in it. So no piece is cut within a tag or an escape, what is open at its end is closed
//! there and opened again in the next, and tags never overlap.

use std::ops::Range;
use std::sync::Arc;

use super::html::{Html, escape};
use super::split::{is_blank, ranges};

/// How some words look. Telegram shows code as nothing but code, and a link not within code; quotes don't nest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// A number for each, so that two that stand one below the other stay two.
    pub quote: Option<u32>,
    pub block: Option<Block>,
    pub link: Option<Arc<str>>,
    pub code: bool,
    pub bold: bool,
    pub italic: bool,
    pub strike: bool,
}

/// Lines of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub number: u32,
    /// Of letters, digits and `+ # . _ -`.
    pub language: Option<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tag {
    Quote(u32),
    Block(Block),
    Link(Arc<str>),
    Code,
    Bold,
    Italic,
    Strike,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rich {
    words: String,
    /// Without gaps, each with where it ends.
    runs: Vec<(usize, Style)>,
}

impl Rich {
    pub(super) fn push(&mut self, words: &str, style: &Style) {
        if words.is_empty() {
            return;
        }
        self.words.push_str(words);
        let end = self.words.len();
        match self.runs.last_mut() {
            Some((last, same)) if same == style => *last = end,
            _ => self.runs.push((end, style.clone())),
        }
    }

    pub(super) fn last_style(&self) -> Option<&Style> {
        self.runs.last().map(|(_, style)| style)
    }

    /// What a person sees.
    pub fn plain(&self) -> &str {
        &self.words
    }

    /// Whether nothing of it is seen.
    pub fn is_blank(&self) -> bool {
        is_blank(&self.words)
    }

    pub fn html(&self) -> Html {
        self.write(0..self.words.len())
    }

    /// Pieces of at most so many UTF-16 units of what is seen, at least 2. Cut where a reader would pause, as
    /// [`super::split`]; lines of code keep what they begin with.
    pub fn split(&self, units_max: usize) -> Vec<Html> {
        self.ranges(units_max).into_iter().map(|range| self.write(range)).collect()
    }

    pub(super) fn ranges(&self, units_max: usize) -> Vec<Range<usize>> {
        ranges(&self.words, units_max, |at| self.style_at(at).is_some_and(|style| style.block.is_some()))
    }

    fn style_at(&self, at: usize) -> Option<&Style> {
        let run = self.runs.partition_point(|(end, _)| *end <= at);
        self.runs.get(run).map(|(_, style)| style)
    }

    fn write(&self, range: Range<usize>) -> Html {
        let mut html = String::with_capacity(range.len() * 2);
        let mut open: Vec<Tag> = Vec::new();
        let mut from = range.start;
        let first = self.runs.partition_point(|(end, _)| *end <= from);
        for (end, style) in &self.runs[first..] {
            if from >= range.end {
                break;
            }
            let to = (*end).min(range.end);
            let tags = style.tags();
            let same = open.iter().zip(&tags).take_while(|(open, tag)| open == tag).count();
            open.drain(same..).rev().for_each(|tag| html.push_str(tag.end()));
            for tag in tags.into_iter().skip(same) {
                tag.begin(&mut html);
                open.push(tag);
            }
            html.push_str(&escape(&self.words[from..to]));
            from = to;
        }
        open.into_iter().rev().for_each(|tag| html.push_str(tag.end()));
        Html::trusted(html)
    }
}

impl Style {
    /// Outermost first, always in the same order.
    fn tags(&self) -> Vec<Tag> {
        let mut tags: Vec<Tag> = self.quote.map(Tag::Quote).into_iter().collect();
        if let Some(block) = &self.block {
            tags.push(Tag::Block(block.clone()));
            return tags;
        }
        if self.code && self.link.is_none() {
            tags.push(Tag::Code);
            return tags;
        }
        tags.extend(self.link.clone().map(Tag::Link));
        let plain = [(self.bold, Tag::Bold), (self.italic, Tag::Italic), (self.strike, Tag::Strike)];
        tags.extend(plain.into_iter().filter(|(set, _)| *set).map(|(_, tag)| tag));
        tags
    }
}

impl Tag {
    fn begin(&self, html: &mut String) {
        match self {
            Self::Quote(_) => html.push_str("<blockquote>"),
            Self::Block(Block { language: Some(language), .. }) => {
                html.push_str("<pre><code class=\"language-");
                html.push_str(&escape(language));
                html.push_str("\">");
            }
            Self::Block(_) => html.push_str("<pre>"),
            Self::Link(url) => {
                html.push_str("<a href=\"");
                html.push_str(&escape(url));
                html.push_str("\">");
            }
            Self::Code => html.push_str("<code>"),
            Self::Bold => html.push_str("<b>"),
            Self::Italic => html.push_str("<i>"),
            Self::Strike => html.push_str("<s>"),
        }
    }

    const fn end(&self) -> &'static str {
        match self {
            Self::Quote(_) => "</blockquote>",
            Self::Block(Block { language: Some(_), .. }) => "</code></pre>",
            Self::Block(_) => "</pre>",
            Self::Link(_) => "</a>",
            Self::Code => "</code>",
            Self::Bold => "</b>",
            Self::Italic => "</i>",
            Self::Strike => "</s>",
        }
    }
}
