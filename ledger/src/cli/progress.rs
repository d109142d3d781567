//! How far a long command is, on stderr: a bar on a terminal, plain lines when asked for.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use super::out::{self, tell};

const WIDTH: usize = 30;
const BAR_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(5);

pub struct Progress {
    what: &'static str,
    bar: bool,
    lines: bool,
    begun: Instant,
    said: Instant,
    drawn: bool,
}

impl Progress {
    /// `lines`: also without a terminal. `quiet`: no bar.
    pub fn new(what: &'static str, lines: bool, quiet: bool) -> Self {
        let bar = !quiet && std::io::stderr().is_terminal();
        let now = Instant::now();
        Self { what, bar, lines: lines && !bar, begun: now, said: now, drawn: false }
    }

    pub fn at(&mut self, done: i64, of: i64) {
        let every = if self.bar { BAR_EVERY } else { LINE_EVERY };
        if !(self.bar || self.lines) || self.said.elapsed() < every {
            return;
        }
        self.said = Instant::now();
        let (part, rate) = (done as f64 / of.max(1) as f64, done as f64 / self.begun.elapsed().as_secs_f64());
        let left = ((of - done).max(0) as f64 / rate.max(1.0)).ceil();
        let text = written(done, of, rate, left);
        if self.bar {
            let full = ((part * WIDTH as f64) as usize).min(WIDTH);
            out::drawn(&format!("\r\x1b[K[{}{}] {text}", "#".repeat(full), ".".repeat(WIDTH - full)));
            self.drawn = true;
        } else {
            tell!("{} {text}", self.what);
        }
    }

    /// Leaves the line free for what comes next.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.drawn) {
            out::drawn("\r\x1b[K");
        }
    }
}

fn written(done: i64, of: i64, rate: f64, left: f64) -> String {
    format!("{done} of {of} events, {rate:.0}/s, {left:.0} s left")
}

/// How far it was, of a line that [`Progress`] wrote: events done, of so many.
pub fn read(line: &str) -> Option<(i64, i64)> {
    let (before, after) = line.split_once(" of ")?;
    let done = before.rsplit(' ').next()?.parse().ok()?;
    Some((done, after.split(' ').next()?.parse().ok()?))
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let line = format!("verifying {}", written(4_096, 10_000, 512.3, 11.5));
        assert_eq!(read(&line), Some((4_096, 10_000)));
        assert_eq!(read("error: out of paper"), None);
    }
}
