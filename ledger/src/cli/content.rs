//! What an operator writes to people, as the command line takes it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use proto_events::Text;
use proto_events::commands::{CopyOf, LinkButton, MessageContent};

/// Read at most: more than a text can be.
const READ_BYTES_MAX: u64 = 64 * 1024;

/// The parts of a message beside its text.
#[derive(Args)]
pub struct Parts {
    /// Above the text: a photo the bot knows by this id.
    #[arg(long, value_name = "FILE_ID")]
    picture: Option<String>,
    /// Below it: "Label=https://…"
    #[arg(long, value_name = "LABEL=URL")]
    button: Option<String>,
    /// In place of all that: a message of the bot's.
    #[arg(long, value_name = "CHAT:MESSAGE", allow_hyphen_values = true)]
    copy: Option<String>,
}

impl Parts {
    /// With this text.
    ///
    /// # Errors
    /// What can't be sent, and why.
    pub fn content(&self, text: Option<String>) -> anyhow::Result<MessageContent> {
        let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let content = MessageContent {
            text: text.map(Text::new).transpose().context("the text is too long")?,
            picture: self.picture.clone().map(Text::new).transpose().context("--picture is no file id")?,
            button: self.button.as_deref().map(button).transpose()?,
            copy_of: self.copy.as_deref().map(copy).transpose()?,
        };
        if let Err(why) = content.check() {
            bail!("it can't be sent: {why}");
        }
        Ok(content)
    }
}

fn button(text: &str) -> anyhow::Result<LinkButton> {
    let (label, url) = text.split_once('=').context("write a button as \"Label=https://…\"")?;
    let label = Text::new(label.trim()).context("the button's label is at most 64 characters")?;
    let url = Text::new(url.trim()).context("the button's address is at most 512 characters")?;
    Ok(LinkButton { label, url })
}

fn copy(text: &str) -> anyhow::Result<CopyOf> {
    text.parse().with_context(|| format!("--copy {text:?}"))
}

/// A text as it is given: in words, in a file, or on the standard input (`-`).
///
/// # Errors
/// The file can't be read, is too large, or is no text.
pub fn text(words: Option<&str>, file: Option<&PathBuf>) -> anyhow::Result<Option<String>> {
    match (words, file) {
        (Some("-"), _) => read_from(std::io::stdin(), "the standard input").map(Some),
        (Some(words), _) => Ok(Some(words.to_owned())),
        (None, Some(path)) => from_file(path).map(Some),
        (None, None) => Ok(None),
    }
}

fn from_file(path: &Path) -> anyhow::Result<String> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path).with_context(|| format!("can't open {name}"))?;
    read_from(file, &name)
}

fn read_from(source: impl std::io::Read, name: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let read = source.take(READ_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("can't read {name}"))?;
    if u64::try_from(bytes.len()).is_ok_and(|n| n > READ_BYTES_MAX) {
        bail!("{name} is too long: a text has at most 4096 characters");
    }
    String::from_utf8(bytes).with_context(|| format!("{name} is no text in UTF-8"))
}

/// In lines of a terminal, as it would be sent.
pub fn paper(content: &MessageContent) -> String {
    let mut out = String::new();
    if let Some(copy) = content.copy_of {
        out += &format!("  a copy of message {} of chat {}\n", copy.message, copy.chat);
    }
    if content.picture.is_some() {
        out += "  [picture]\n";
    }
    for line in content.text.as_deref().unwrap_or_default().lines() {
        for part in super::table::wrapped(line, super::table::WIDTH - 2) {
            out += format!("  {part}").trim_end();
            out.push('\n');
        }
    }
    if let Some(button) = &content.button {
        out += &format!("  [{}] {}\n", button.label, button.url);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(picture: Option<&str>, button: Option<&str>, copy: Option<&str>) -> Parts {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Parts { picture: owned(picture), button: owned(button), copy: owned(copy) }
    }

    #[test]
    fn what_is_written_is_what_is_sent() {
        let text = || Some(" Hello \n".to_owned());
        let plain = parts(None, Some("Read = https://example.com/?a=b"), None).content(text()).unwrap();
        assert_eq!(plain.text.as_deref(), Some("Hello"));
        assert_eq!(plain.button.map(|b| b.url.to_string()).as_deref(), Some("https://example.com/?a=b"));
        let copy = parts(None, None, Some("-1001:7")).content(None).unwrap();
        assert_eq!(copy.copy_of, Some(CopyOf { chat: -1_001, message: 7 }));
        assert!(parts(Some("f"), None, None).content(None).is_ok());
        for bad in [parts(None, None, None), parts(None, Some("Read"), None), parts(None, None, Some("7"))] {
            assert!(bad.content(None).is_err());
        }
        assert!(parts(None, None, Some("1:2")).content(text()).is_err(), "a copy has no text");
    }

    #[test]
    fn a_message_fits_its_paper() {
        let content = parts(Some("f"), Some("Read=https://example.com"), None);
        let text = paper(&content.content(Some("word ".repeat(60))).unwrap());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
