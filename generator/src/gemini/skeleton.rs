//! An answer's JSON without what makes it large.
//!
//! A [`Scanner`] copies JSON as it comes, in pieces of any length, but for the strings under the names that
//! hold pictures and signatures: these go to a [`Catch`], piece by piece, and a number takes their place. What
//! is left, the skeleton, is small and is parsed at the end, when it is known which part was a thought and
//! which picture counts. The scanner need not know more of JSON than where a string begins and ends: a
//! skeleton that is not JSON shows an answer that is not.
//! Bounds: [`SKELETON_BYTES_MAX`], and what the catch holds.

/// Texts and counts; a model's longest answer is a quarter of it.
pub(super) const SKELETON_BYTES_MAX: usize = 1 << 20;
/// No name of ours is longer.
const NAME_LEN_MAX: usize = 24;

/// What a string is that does not stay in the skeleton.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Big {
    /// Base64 of a picture.
    Data,
    /// Base64, to be sent again as it came.
    Signature,
}

impl Big {
    fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"data" | b"bytesBase64Encoded" | b"bytes_base64_encoded" => Some(Self::Data),
            b"thoughtSignature" | b"thought_signature" => Some(Self::Signature),
            _ => None,
        }
    }
}

/// Where the strings go that do not stay.
pub(super) trait Catch {
    /// The number that stands for it in the skeleton.
    fn begin(&mut self, big: Big) -> usize;
    fn piece(&mut self, bytes: &[u8]);
    fn end(&mut self);
}

/// Lets everything go.
impl Catch for () {
    fn begin(&mut self, _: Big) -> usize {
        0
    }
    fn piece(&mut self, _: &[u8]) {}
    fn end(&mut self) {}
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {SKELETON_BYTES_MAX} bytes beside pictures and signatures")]
pub(super) struct TooLong;

#[derive(Default)]
pub(super) struct Scanner {
    skeleton: Vec<u8>,
    place: Place,
    /// The last short string: a name, if a colon follows.
    last: Vec<u8>,
    /// A colon has come after such a name.
    next: Option<Big>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    /// In a string that stays; after a backslash if `escaped`.
    Plain {
        escaped: bool,
    },
    Big,
    /// After a backslash in a big string.
    Escape,
    /// After `\u`, with so many digits to come.
    Hex {
        left: u8,
        code: u32,
    },
}

impl Scanner {
    pub(super) fn push(&mut self, mut bytes: &[u8], catch: &mut impl Catch) -> Result<(), TooLong> {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.place == Place::Big {
                let len = bytes.iter().position(|b| matches!(b, b'"' | b'\\')).unwrap_or(bytes.len());
                if len > 0 {
                    catch.piece(&bytes[..len]);
                    bytes = &bytes[len..];
                    continue;
                }
            }
            bytes = rest;
            self.step(first, catch);
            if self.skeleton.len() > SKELETON_BYTES_MAX {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    /// Nothing was scanned but white space.
    pub(super) fn is_blank(&self) -> bool {
        self.skeleton.iter().all(u8::is_ascii_whitespace)
    }

    /// What is left of the answer.
    pub(super) fn skeleton(self) -> Vec<u8> {
        self.skeleton
    }

    fn step(&mut self, byte: u8, catch: &mut impl Catch) {
        match self.place {
            Place::Outside => self.outside(byte, catch),
            Place::Plain { escaped } => {
                self.skeleton.push(byte);
                match byte {
                    b'\\' if !escaped => self.place = Place::Plain { escaped: true },
                    b'"' if !escaped => self.place = Place::Outside,
                    _ => {
                        self.place = Place::Plain { escaped: false };
                        if self.last.len() <= NAME_LEN_MAX {
                            self.last.push(byte);
                        }
                    }
                }
            }
            Place::Big if byte == b'"' => {
                catch.end();
                self.skeleton.push(b'"');
                self.place = Place::Outside;
            }
            Place::Big => self.place = Place::Escape,
            Place::Escape if byte == b'u' => self.place = Place::Hex { left: 4, code: 0 },
            Place::Escape => {
                // \n, \r and \t are white space; nothing else but \/ may stand in base64.
                catch.piece(&[if matches!(byte, b'n' | b'r' | b't') { b' ' } else { byte }]);
                self.place = Place::Big;
            }
            Place::Hex { left, code } => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0x80);
                let code = code << 4 | digit;
                self.place = Place::Hex { left: left - 1, code };
                if left == 1 {
                    // What is not ASCII becomes NUL, which no base64 holds.
                    catch.piece(&[u8::try_from(code).ok().filter(u8::is_ascii).unwrap_or(0)]);
                    self.place = Place::Big;
                }
            }
        }
    }

    fn outside(&mut self, byte: u8, catch: &mut impl Catch) {
        self.skeleton.push(byte);
        match byte {
            b'"' => {
                self.last.clear();
                self.place = match self.next.take() {
                    Some(big) => {
                        self.skeleton.extend(catch.begin(big).to_string().into_bytes());
                        Place::Big
                    }
                    None => Place::Plain { escaped: false },
                };
            }
            b':' => self.next = Big::named(&self.last),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                self.next = None;
                self.last.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[derive(Default)]
    struct Caught(Vec<(Big, Vec<u8>, bool)>);

    impl Catch for Caught {
        fn begin(&mut self, big: Big) -> usize {
            self.0.push((big, Vec::new(), false));
            self.0.len() - 1
        }
        fn piece(&mut self, bytes: &[u8]) {
            self.0.last_mut().unwrap().1.extend(bytes);
        }
        fn end(&mut self) {
            self.0.last_mut().unwrap().2 = true;
        }
    }

    fn scanned(json: &str, size: usize) -> (String, Caught) {
        let (mut scanner, mut caught) = (Scanner::default(), Caught::default());
        json.as_bytes().chunks(size).for_each(|piece| scanner.push(piece, &mut caught).unwrap());
        (String::from_utf8(scanner.skeleton()).unwrap(), caught)
    }

    #[test]
    fn big_strings_go_and_the_rest_stays_wherever_it_is_split() {
        let json = r#"{"a": "data", "data" : "QUJD\/\u002B\n=", "x": ["data", "x"], "t": "\"data\": \"no\\",
            "thought_signature":"c2ln", "data": null, "data": {"data":7}, "thoughtSignature": ""}"#;
        for size in 1..json.len() {
            let (skeleton, caught) = scanned(json, size);
            let read: Value = serde_json::from_str(&skeleton).unwrap();
            assert_eq!((&read["a"], &read["t"]), (&json!("data"), &json!("\"data\": \"no\\")), "by {size}");
            assert_eq!(read["thought_signature"], "1");
            let expected = [(Big::Data, "QUJD/+ ="), (Big::Signature, "c2ln"), (Big::Signature, "")];
            let seen: Vec<_> = caught
                .0
                .iter()
                .map(|(big, text, ended)| (*big, str::from_utf8(text).unwrap(), *ended))
                .collect();
            assert_eq!(seen, expected.map(|(big, text)| (big, text, true)), "by {size}");
        }
    }

    #[test]
    fn a_cut_leaves_a_skeleton_that_is_cut() {
        let json = r#"{"parts":[{"data":"QUJD","t":"x"}]}"#;
        for end in 0..json.len() {
            let (skeleton, _) = scanned(&json[..end], 7);
            let error = serde_json::from_str::<Value>(&skeleton).unwrap_err();
            assert!(error.is_eof(), "cut at {end}: {skeleton}");
        }
    }

    #[test]
    fn what_is_no_base64_is_not_made_into_some() {
        let (_, caught) = scanned(r#"{"data":"A\u00e9\"\u12zz"}"#, 3);
        assert_eq!(caught.0[0].1, [b'A', 0, b'"', 0]);
    }

    #[test]
    fn what_stays_is_bounded() {
        let mut scanner = Scanner::default();
        let piece = vec![b' '; SKELETON_BYTES_MAX];
        assert_eq!(scanner.push(&piece, &mut ()), Ok(()));
        assert_eq!(scanner.push(b" ", &mut ()), Err(TooLong));
    }
}
