//! Checkpoints (C2SP tlog-checkpoint): what the log was at a size, signed.
//!
//! ```text
//! plantain/ledger                                  origin, the name of the key
//! 1000                                             size: the last position
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     root of the Merkle tree
//! incarnation 1                                    extensions: which life of the log,
//! head 5c1f…                                       the hash of the last event,
//! time 1763700000000000                            Postgres' time of signing, µs
//!
//! — plantain/ledger Az3grl…
//! ```
//! Why extensions: a log restored from a backup goes on under the same key, and the incarnation says
//! that the fork was accepted by a person; the head lets one row be compared instead of a tree.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::merkle::Size;
use super::note::{BadNote, Note, PublicKey, SecretKey};
use crate::log::{Hash, from_hex, hex};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: Size,
    pub root: Hash,
    pub incarnation: i64,
    /// The hash of the event at position `size`.
    pub head: Hash,
    /// µs since 1970-01-01 UTC.
    pub time: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    #[error(transparent)]
    Note(#[from] BadNote),
    #[error("this is no checkpoint of a ledger: {0}")]
    Form(&'static str),
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, size, root, incarnation, head, time } = self;
        let (root, head) = (STANDARD.encode(root), hex(head));
        writeln!(f, "{origin}\n{size}\n{root}\nincarnation {incarnation}\nhead {head}\ntime {time}")
    }
}

impl Checkpoint {
    /// As a signed note. Invariant: the origin is the key's name.
    pub fn sign(&self, key: &SecretKey) -> String {
        key.sign(&self.to_string())
    }

    fn read(text: &str) -> Result<Self, BadCheckpoint> {
        let form = BadCheckpoint::Form;
        let mut lines = text.lines();
        let mut line = |what| lines.next().ok_or(form(what));
        let origin = line("its origin is missing")?.to_owned();
        let size = number(line("its size is missing")?).ok_or(form("its size is no number"))?;
        let root = STANDARD.decode(line("its root is missing")?).ok();
        let root = root.and_then(|r| r.try_into().ok()).ok_or(form("its root is not 32 bytes"))?;
        let mut extension = |name: &str, what| {
            lines.next().and_then(|l| l.strip_prefix(name)?.strip_prefix(' ')).ok_or(form(what))
        };
        let incarnation = extension("incarnation", "its line `incarnation` is missing")?;
        let head = extension("head", "its line `head` is missing")?;
        let time = extension("time", "its line `time` is missing")?;
        let signed = |text: &str, what| number(text).and_then(|n| i64::try_from(n).ok()).ok_or(form(what));
        Ok(Self {
            origin,
            size,
            root,
            incarnation: signed(incarnation, "its incarnation is no number")?,
            head: from_hex(head).ok_or(form("its head is not 32 bytes of hex"))?,
            time: signed(time, "its time is no number")?,
        })
    }
}

/// Decimal without a sign or leading zeros.
fn number(text: &str) -> Option<u64> {
    let plain = text == "0" || !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A checkpoint with the note that says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    pub checkpoint: Checkpoint,
    pub note: String,
}

impl SignedCheckpoint {
    pub fn new(checkpoint: Checkpoint, key: &SecretKey) -> Self {
        let note = checkpoint.sign(key);
        Self { checkpoint, note }
    }

    /// Reads a note that should be signed by one of `keys`, under its own origin.
    ///
    /// # Errors
    /// It is not, or it is no checkpoint.
    pub fn open(note: &str, keys: &[PublicKey]) -> Result<Self, BadCheckpoint> {
        let parsed = Note::parse(note)?;
        let key = parsed.verify(keys)?;
        let checkpoint = Checkpoint::read(parsed.text())?;
        if checkpoint.origin != key.name() {
            return Err(BadCheckpoint::Form("its origin is not the name of its key"));
        }
        Ok(Self { checkpoint, note: note.to_owned() })
    }

    /// Reads a note without asking who signed it: only to say what it claims.
    ///
    /// # Errors
    /// It is no checkpoint.
    pub fn peek(note: &str) -> Result<Self, BadCheckpoint> {
        let checkpoint = Checkpoint::read(Note::parse(note)?.text())?;
        Ok(Self { checkpoint, note: note.to_owned() })
    }
}

/// The notes in a file of several, each followed by a blank line. The last one may be cut short by a
/// crash while it was written; it is left out, and the file's length without it is told.
pub fn notes_in(text: &str) -> (Vec<&str>, usize) {
    let (mut notes, mut begin) = (Vec::new(), 0);
    let mut parts = text.match_indices("\n\n").map(|(at, _)| at);
    while let (Some(_), Some(end)) = (parts.next(), parts.next()) {
        notes.push(&text[begin..=end]);
        begin = end + 2;
    }
    (notes, begin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Checkpoint {
        Checkpoint {
            origin: "plantain/test".into(),
            size: 1000,
            root: [1; 32],
            incarnation: 2,
            head: [2; 32],
            time: 1_763_700_000_000_000,
        }
    }

    fn key() -> SecretKey {
        SecretKey::from_seed("plantain/test", [7; 32]).unwrap()
    }

    #[test]
    fn a_signed_checkpoint_reads_back() {
        let keys = [key().public().clone()];
        let signed = SignedCheckpoint::new(sample(), &key());
        assert_eq!(SignedCheckpoint::open(&signed.note, &keys).unwrap(), signed);
        assert!(signed.note.starts_with("plantain/test\n1000\nAQEB"), "{}", signed.note);
        let other = SecretKey::from_seed("plantain/other", [7; 32]).unwrap();
        let borrowed = sample().sign(&other);
        let refused = SignedCheckpoint::open(&borrowed, &[other.public().clone()]).unwrap_err();
        assert!(refused.to_string().contains("origin"), "{refused}");
    }

    #[test]
    fn numbers_have_one_form() {
        for bad in ["", "01", "+1", "-1", "1 ", "٣", "99999999999999999999"] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
        assert_eq!((number("0"), number("90")), (Some(0), Some(90)));
    }

    #[test]
    fn a_file_of_notes_is_read_up_to_where_a_crash_cut_it() {
        let note = sample().sign(&key());
        let file = format!("{note}\n{note}\n");
        assert_eq!(notes_in(&file), (vec![note.as_str(), note.as_str()], file.len()));
        for cut in 1..=note.len() {
            let (notes, whole) = notes_in(&file[..file.floor_char_boundary(file.len() - cut)]);
            assert_eq!((notes.len(), whole), (1, note.len() + 1), "cut {cut}");
        }
        assert_eq!(notes_in(""), (vec![], 0));
    }

    proptest! {
        #[test]
        fn nothing_makes_the_reader_fall(text in "\\PC{0,300}", lines in prop::collection::vec("[a-z0-9 +=]{0,20}", 0..9)) {
            let _ = SignedCheckpoint::peek(&text);
            let _ = SignedCheckpoint::peek(&lines.join("\n"));
            let _ = notes_in(&text);
        }
    }
}
