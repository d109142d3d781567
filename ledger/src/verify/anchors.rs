//! Checkpoints that the log must agree with, from wherever they were kept.
//!
//! A checkpoint holds for its own incarnation. When the log was restored and that was accepted, the
//! first checkpoint of the next incarnation says where it went on; what older incarnations say about
//! sizes beyond that was given up. Only signed checkpoints say so, never a row of the database.

use std::collections::BTreeMap;

use super::finding::{Findings, Kind};
use crate::books::words::are;
use crate::log::Hash;
use crate::proofs::merkle::{Frontier, Size};
use crate::proofs::{BadCheckpoint, BadNote, PublicKey, SignedCheckpoint};

#[derive(Debug, Clone)]
pub struct Anchor {
    /// Where it was found, for people.
    pub from: String,
    pub signed: SignedCheckpoint,
}

/// What the checkpoints are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It must hold all that is vouched for.
    Log,
    /// It may be an older one.
    File,
}

#[derive(Debug, Default)]
pub struct Anchors {
    /// By size, those that still are to be compared.
    open: BTreeMap<Size, Vec<Anchor>>,
    /// The largest size that agreed.
    agreed: Size,
    /// The largest of all that count.
    pub known: Size,
    pub compared: usize,
    /// Those that were given up with their incarnation.
    pub superseded: usize,
    /// A checkpoint has differed: each after it does.
    rewritten: bool,
}

/// Opens notes; what is no checkpoint, or not signed by one of the keys, is found. Without keys nobody
/// is asked who signed.
pub fn open<'n>(
    from: &str,
    notes: impl IntoIterator<Item = &'n str>,
    keys: &[PublicKey],
    findings: &mut Findings,
) -> Vec<Anchor> {
    let mut anchors = Vec::new();
    for note in notes {
        let opened =
            if keys.is_empty() { SignedCheckpoint::peek(note) } else { SignedCheckpoint::open(note, keys) };
        match opened {
            Ok(signed) => anchors.push(Anchor { from: from.to_owned(), signed }),
            Err(error) => {
                let forged = matches!(error, BadCheckpoint::Note(BadNote::Forged(_) | BadNote::Unsigned(_)));
                let kind = if forged { Kind::CheckpointForged } else { Kind::CheckpointUnreadable };
                let claims = SignedCheckpoint::peek(note).map_or_else(
                    |_| "a checkpoint".to_owned(),
                    |s| format!("the checkpoint of size {}", s.checkpoint.size),
                );
                findings.find(0, kind, format!("{claims} in {from}: {error}"));
            }
        }
    }
    anchors
}

impl Anchors {
    /// Sorts out what was given up, and what can't be true at once.
    pub fn new(all: Vec<Anchor>, findings: &mut Findings) -> Self {
        // Where each incarnation began: the first checkpoint of it or of a later one.
        let mut begins: BTreeMap<i64, Size> = BTreeMap::new();
        for c in all.iter().map(|a| &a.signed.checkpoint) {
            let begin = begins.entry(c.incarnation).or_insert(c.size);
            *begin = c.size.min(*begin);
        }
        let mut anchors = Self::default();
        for anchor in all {
            let c = &anchor.signed.checkpoint;
            let given_up = begins.range(c.incarnation + 1..).any(|(_, begin)| c.size > *begin);
            if given_up {
                anchors.superseded += 1;
                continue;
            }
            anchors.known = anchors.known.max(c.size);
            let same = anchors.open.entry(c.size).or_default();
            if let Some(other) = same.iter().find(|o| o.signed.checkpoint.root != c.root) {
                let what = format!(
                    "{} and {} have checkpoints of size {} with different roots",
                    other.from, anchor.from, c.size
                );
                findings.find(i64::try_from(c.size).unwrap_or(0), Kind::CheckpointsDisagree, what);
            }
            same.push(anchor);
        }
        anchors
    }

    /// Keeps those that the log after `before` can be compared with. `last`: who asks for a part knows that the
    /// log goes on; else all that is vouched for must be there.
    pub fn keep(&mut self, before: i64, last: Option<i64>) {
        let size = |position| Size::try_from(position).unwrap_or(0);
        let (before, last) = (size(before), last.map_or(Size::MAX, size));
        self.open.retain(|size, _| *size > before && *size <= last);
        self.agreed = before;
    }

    pub fn next_size(&self) -> Option<Size> {
        self.open.keys().next().copied()
    }

    /// Compares those of the frontier's size.
    pub fn compare(&mut self, frontier: &Frontier, head: &Hash, findings: &mut Findings) {
        let (size, root) = (frontier.size(), frontier.root());
        let mut all_agree = true;
        for anchor in self.open.remove(&size).unwrap_or_default() {
            self.compared += 1;
            let c = &anchor.signed.checkpoint;
            if c.root == root && c.head == *head {
                continue;
            }
            all_agree = false;
            let first = i64::try_from(self.agreed).unwrap_or(0) + 1;
            if !self.rewritten {
                let what = format!(
                    "the log is not what the checkpoint of size {size} in {} says: an event from position {first} to {size} was \
                     replaced, and those after it hashed anew",
                    anchor.from
                );
                findings.find(first, Kind::HistoryRewritten, what);
            }
            self.rewritten = true;
        }
        if all_agree {
            self.agreed = size;
        }
    }

    /// The largest size at which the log and a checkpoint agreed.
    pub const fn agreed(&self) -> Size {
        self.agreed
    }

    /// Those that `what`, the log or a file of it, does not reach. `in_line`: each leaf had its place, so all others
    /// were compared.
    pub fn finish(&mut self, what: What, end: i64, in_line: bool, findings: &mut Findings) {
        let open = std::mem::take(&mut self.open);
        let name = |(size, all): (&Size, &Vec<Anchor>)| {
            Some((i64::try_from(*size).unwrap_or(i64::MAX), all.first()?.from.clone()))
        };
        let within = open.iter().filter_map(name).take_while(|(size, _)| *size <= end);
        for (size, from) in within.filter(|_| in_line) {
            let what = format!("the checkpoint of size {size} in {from} was not compared with the log");
            findings.find(size, Kind::CheckpointSkipped, what);
        }
        if let Some((size, from)) = open.iter().next_back().and_then(name).filter(|(size, _)| *size > end) {
            let events = are(size - end, "event");
            let what = match what {
                What::Log => format!(
                    "the log ends at {end}, but a checkpoint in {from} knows it up to {size}: at its end {events} \
                     missing"
                ),
                What::File => format!(
                    "the file ends at {end}, but a checkpoint in {from} knows the log up to {size}: {events} \
                     missing from it"
                ),
            };
            findings.find(end + 1, Kind::TailMissing, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proofs::{Checkpoint, SecretKey};

    fn anchor(size: Size) -> Anchor {
        let key = SecretKey::from_seed("plantain/test", [7; 32]).unwrap();
        let frontier = Frontier::default();
        let (origin, root) = (key.public().name().to_owned(), frontier.root());
        let checkpoint = Checkpoint { origin, size, root, incarnation: 1, head: [0; 32], time: 0 };
        Anchor { from: "a folder".to_owned(), signed: SignedCheckpoint::new(checkpoint, &key) }
    }

    #[test]
    fn a_checkpoint_of_nothing_stands_in_no_other_ones_way() {
        let mut anchors = Anchors::new(vec![anchor(0), anchor(4), anchor(9)], &mut Findings::default());
        anchors.keep(0, Some(7));
        assert_eq!((anchors.next_size(), anchors.open.len()), (Some(4), 1));
    }

    #[test]
    fn what_was_not_compared_is_found_unless_the_log_itself_is_broken() {
        let finish = |in_line| {
            let mut findings = Findings::default();
            let mut anchors = Anchors::new(vec![anchor(4), anchor(7), anchor(9)], &mut findings);
            anchors.finish(What::Log, 7, in_line, &mut findings);
            findings.into_named().into_iter().map(|f| (f.position, f.kind)).collect::<Vec<_>>()
        };
        let skipped = |size| (size, Kind::CheckpointSkipped);
        assert_eq!(finish(true), [skipped(4), skipped(7), (8, Kind::TailMissing)]);
        assert_eq!(finish(false), [(8, Kind::TailMissing)]);
    }
}
