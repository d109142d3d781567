//! The streams of the command line: everything that a command says goes through here.
//!
//! `println!` panics when nobody reads any more or the disk is full, so it is not used (a house rule): [`say!`] passes
//! on why the standard output could not be written, and the command ends. [`tell!`] is for people at stderr, and
//! nothing depends on it.

use std::fmt;
use std::io::{self, IsTerminal as _, Stdout, Write};
use std::process::ExitCode;

use anyhow::Context as _;

use super::table::WIDTH;

/// What a shell says of a program that a closed pipe has ended (128 + SIGPIPE). Not 0: of `verify` that would say that
/// the log is right.
const CLOSED: u8 = 141;

/// A line on the standard output; why it could not be written.
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::out::line(format_args!($($words)*)) };
}

/// A line on stderr, folded to 80 columns.
macro_rules! tell {
    ($($words:tt)*) => { $crate::cli::out::told(&format!($($words)*)) };
}

pub(in crate::cli) use {say, tell};

/// The reader of the standard output has gone: a command just ends.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the standard output any more")]
struct Closed;

/// The standard output, whose closing is told from any other broken pipe.
pub struct Standard(Stdout);

impl Standard {
    pub fn open() -> Self {
        Self(io::stdout())
    }
}

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

fn named(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe { io::Error::new(error.kind(), Closed) } else { error }
}

/// Text on the standard output, as it is.
///
/// # Errors
/// Nobody reads it any more, or the disk is full.
pub fn text(words: fmt::Arguments<'_>) -> anyhow::Result<()> {
    let mut out = Standard::open();
    out.write_fmt(words).and_then(|()| out.flush()).context("can't write to the standard output")
}

/// # Errors
/// As [`text`].
pub fn line(words: fmt::Arguments<'_>) -> anyhow::Result<()> {
    text(format_args!("{words}\n"))
}

pub fn told(words: &str) {
    drawn(&(folded(words, 2) + "\n"));
}

/// Text on stderr, as it is: a bar, a question.
pub fn drawn(words: &str) {
    let mut out = io::stderr();
    let _ = out.write_all(words.as_bytes()).and_then(|()| out.flush());
}

/// Lines of at most 80 columns, broken at spaces; what is broken off begins `hang` columns further in than its line.
/// A longer word stays whole: it is a path or a key, to be copied.
pub fn folded(text: &str, hang: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| folded_line(line, hang)).collect();
    lines.join("\n")
}

fn folded_line(line: &str, hang: usize) -> String {
    let mut out = String::new();
    let indent = line.chars().take_while(|c| *c == ' ').count();
    let (mut column, mut rest) = (0, line);
    // Words with the spaces before them, which are kept within a line.
    while !rest.is_empty() {
        let spaces = rest.chars().take_while(|c| *c == ' ').count();
        let word = rest[spaces..].split(' ').next().unwrap_or_default();
        let width = word.chars().count();
        if column > indent + hang && column + spaces + width > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent + hang));
            column = indent + hang + width;
        } else {
            out.push_str(&" ".repeat(spaces));
            column += spaces + width;
        }
        out.push_str(word);
        rest = &rest[spaces + word.len()..];
    }
    out
}

/// How a command ends. `logs`: unless a person looks on, what it says are lines of a log, which are not folded.
pub fn ended(outcome: anyhow::Result<ExitCode>, logs: bool) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        if is_closed(&error) {
            return ExitCode::from(CLOSED);
        }
        let words = format!("ledger: {error:#}");
        if logs && !io::stderr().is_terminal() {
            drawn(&(words + "\n"))
        } else {
            told(&words)
        }
        ExitCode::from(2)
    })
}

fn is_closed(error: &anyhow::Error) -> bool {
    let io = error.chain().filter_map(|e| e.downcast_ref::<io::Error>());
    io.filter_map(io::Error::get_ref).any(|inner| inner.is::<Closed>())
}

/// What clap says instead of a command: help, or why the words are none.
///
/// # Errors
/// As [`text`].
pub fn no_command(error: &clap::Error) -> anyhow::Result<ExitCode> {
    let plain = error.render().to_string();
    if error.use_stderr() {
        match plain.lines().any(|line| line.chars().count() > WIDTH) {
            true => drawn(&(folded(&plain, 2) + "\n")),
            // In its colours.
            false => drop(error.print()),
        }
        return Ok(ExitCode::from(2));
    }
    let printed = error.print().and_then(|()| io::stdout().flush()).map_err(named);
    printed.context("can't write to the standard output")?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_at_spaces_and_words_stay_whole() {
        let line = "ledger: ".to_owned() + &"word ".repeat(30);
        let folded_line = folded(&line, 2);
        assert!(folded_line.lines().all(|l| l.chars().count() <= WIDTH), "{folded_line}");
        assert!(folded_line.lines().skip(1).all(|l| l.starts_with("  word")), "{folded_line}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&folded_line), words(&line));
        let path = "x".repeat(100);
        assert_eq!(
            folded(&format!("  can't read {path} now"), 2),
            format!("  can't read\n    {path}\n    now")
        );
        assert_eq!(folded("short   as it\n  is", 2), "short   as it\n  is");
    }

    #[test]
    fn only_the_standard_outputs_own_end_is_quiet() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_closed(&anyhow::Error::from(named(broken())).context("can't write")));
        assert!(!is_closed(&anyhow::Error::from(broken()).context("Postgres did not answer")));
        assert!(!is_closed(&named(io::ErrorKind::StorageFull.into()).into()));
    }
}
