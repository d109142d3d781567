//! Server-sent events as Google sends them, in pieces of any length.
//!
//! Each event is the JSON of an answer, with signatures that do not stay (see [`super::skeleton`]). There is no
//! last event that says so: the line just ends, also within an event when it was cut. An error in the middle
//! may come as bare JSON without `data:`; from there on everything is that error.
//! Bounds: a skeleton's, for an event; [`TAIL_BYTES_MAX`].

use super::skeleton::{Scanner, TooLong};

/// An error's body.
pub(super) const TAIL_BYTES_MAX: usize = 64 << 10;
const DATA: &[u8] = b"data:";

#[derive(Default)]
pub(super) struct Events {
    place: Place,
    /// The beginning of a line, until it is known what it is.
    name: Vec<u8>,
    /// The last byte was a CR: an LF after it ends the same line.
    after_cr: bool,
    /// The event so far.
    scanner: Scanner,
    whole: Vec<Vec<u8>>,
    tail: Vec<u8>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Name,
    /// A space may follow the colon.
    Colon,
    Data,
    /// In a line that is of no use to us.
    Other,
    Tail,
}

/// How a stream ended.
pub(super) enum End {
    /// Between two events.
    Clean,
    /// In an event: its skeleton so far.
    Within(Vec<u8>),
    Tail(Vec<u8>),
}

impl Events {
    /// Takes the next bytes and gives the events that they made whole.
    ///
    /// # Errors
    /// An event is too long.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        for line in bytes.split_inclusive(|b| matches!(b, b'\n' | b'\r')) {
            let same = self.after_cr && line == b"\n" && self.place == Place::Name;
            self.after_cr = line.ends_with(b"\r");
            if !same {
                self.line(line)?;
            }
        }
        Ok(std::mem::take(&mut self.whole))
    }

    pub(super) fn end(self) -> End {
        if self.place == Place::Tail {
            End::Tail(self.tail)
        } else if self.scanner.is_blank() {
            End::Clean
        } else {
            End::Within(self.scanner.skeleton())
        }
    }

    /// A line, or a part of one; its end is the last byte, if it is there.
    fn line(&mut self, line: &[u8]) -> Result<(), TooLong> {
        let mut rest = line;
        while let Some((&first, after)) = rest.split_first() {
            let end = matches!(first, b'\n' | b'\r');
            match self.place {
                Place::Tail => {
                    let room = TAIL_BYTES_MAX.saturating_sub(self.tail.len());
                    self.tail.extend_from_slice(&rest[..rest.len().min(room)]);
                    return Ok(());
                }
                Place::Data => {
                    self.scanner.push(rest, &mut ())?;
                    if rest.ends_with(b"\n") || rest.ends_with(b"\r") {
                        self.place = Place::Name;
                    }
                    return Ok(());
                }
                Place::Name if end && self.name.is_empty() => self.dispatch(),
                Place::Name if self.name.is_empty() && matches!(first, b'{' | b'[') => {
                    self.place = Place::Tail;
                    continue;
                }
                Place::Name if end => self.name.clear(),
                Place::Name => {
                    self.name.push(first);
                    if !DATA.starts_with(&self.name) {
                        self.name.clear();
                        self.place = Place::Other;
                    } else if self.name == DATA {
                        self.name.clear();
                        self.place = Place::Colon;
                    }
                }
                Place::Colon => {
                    self.place = Place::Data;
                    if first != b' ' {
                        continue;
                    }
                }
                Place::Other if end => self.place = Place::Name,
                Place::Other => {}
            }
            rest = after;
        }
        Ok(())
    }

    /// An empty line.
    fn dispatch(&mut self) {
        if !self.scanner.is_blank() {
            self.whole.push(std::mem::take(&mut self.scanner).skeleton());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All events, and how it ended, when it comes in pieces of this size.
    fn read(stream: &str, size: usize) -> (Vec<String>, String) {
        let (mut events, mut whole) = (Events::default(), Vec::new());
        for piece in stream.as_bytes().chunks(size) {
            whole.extend(events.push(piece).unwrap());
        }
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
        let end = match events.end() {
            End::Clean => "clean".to_owned(),
            End::Within(skeleton) => format!("within {}", text(skeleton)),
            End::Tail(tail) => format!("tail {}", text(tail)),
        };
        (whole.into_iter().map(text).collect(), end)
    }

    fn everywhere(stream: &str, events: &[&str], end: &str) {
        for size in 1..=stream.len() {
            let (seen, ended) = read(stream, size);
            assert_eq!(
                (seen.iter().map(String::as_str).collect::<Vec<_>>(), ended.as_str()),
                (events.to_vec(), end),
                "{stream:?} by {size}"
            );
        }
    }

    #[test]
    fn events_end_with_an_empty_line_of_any_kind() {
        everywhere("data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\n", &["{\"a\":1}", "{\"b\":2}"], "clean");
        everywhere("data:{\"a\":1}\n\ndata: [2]\n\n\n", &["{\"a\":1}", "[2]"], "clean");
        everywhere("data: {\"a\":\r\rdata: 1}\r\r", &["{\"a\":", "1}"], "clean");
    }

    #[test]
    fn an_event_of_several_lines_is_one_and_other_lines_are_none() {
        let stream = ": hello\r\nevent: x\nid: {7}\ndatum: 1\ndata: {\"a\":\r\ndata: 1}\r\nretry: 5\r\n\r\n";
        everywhere(stream, &["{\"a\":\r1}"], "clean");
    }

    #[test]
    fn the_last_event_may_lack_its_empty_line() {
        everywhere("data: {\"a\":1}\n\ndata: {\"b\":2}", &["{\"a\":1}"], "within {\"b\":2}");
        everywhere("data: {\"a\":1}\n\ndata: {\"b\"", &["{\"a\":1}"], "within {\"b\"");
    }

    #[test]
    fn bare_json_is_the_tail() {
        let stream = "data: {\"a\":1}\r\n\r\n{\n  \"error\": {\r\n\r\n\"code\": 503}}\n";
        everywhere(stream, &["{\"a\":1}"], "tail {\n  \"error\": {\r\n\r\n\"code\": 503}}");
    }

    #[test]
    fn signatures_do_not_stay_and_the_rest_is_bounded() {
        let mut events = Events::default();
        events.push(b"data: {\"thoughtSignature\":\"").unwrap();
        for _ in 0..64 {
            events.push(&[b'A'; 64 << 10]).unwrap();
        }
        assert_eq!(events.push(b"\"}\n\n").unwrap(), [b"{\"thoughtSignature\":\"0\"}\n".to_vec()]);
        events.push(b"data: {\"text\":\"").unwrap();
        let long = (0..32).find_map(|_| events.push(&[b'A'; 64 << 10]).err());
        assert_eq!(long, Some(TooLong));
    }
}
