//! Text for Telegram with its HTML, and the same without it.

/// HTML as Telegram reads it; everything that came from outside is escaped in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    pub(super) fn trusted(html: String) -> Self {
        Self(html)
    }

    /// Somebody's words, as they are.
    pub fn escaped(words: &str) -> Self {
        Self(escape(words))
    }

    /// What one of us wrote for people, as HTML.
    pub fn written(html: &str) -> Self {
        Self(html.to_owned())
    }

    /// An empty line between two texts.
    pub fn empty() -> Self {
        Self(String::new())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a person sees: without tags and escapes.
    pub fn plain(&self) -> String {
        let mut plain = String::with_capacity(self.0.len());
        let mut in_tag = false;
        for c in self.0.chars() {
            match c {
                '<' => in_tag = true,
                '>' => in_tag = false,
                c if !in_tag => plain.push(c),
                _ => {}
            }
        }
        plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }

    /// Two texts, one above the other.
    #[must_use]
    pub fn and(self, below: &Self) -> Self {
        Self(format!("{}\n{}", self.0, below.0))
    }
}

/// The four characters that Telegram's HTML gives a meaning.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_reads_the_same_when_plain() {
        for text in ["a < b && c > \"d\"", "&amp;", "<b>not bold</b>", "🍌 плоды"] {
            assert_eq!(Html(format!("<b>{}</b>", escape(text))).plain(), text);
        }
    }
}
