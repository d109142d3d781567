//! What is wrong, where, and under which stable name.

use std::fmt;

use serde::Serialize;

/// Problems named; more are only counted.
const NAMED_MAX: usize = 50;

/// What kind of wrong. The names are stable: scripts may go by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Columns and hash of a row don't fit each other.
    RowChanged,
    /// The typed effect is not that of the payload.
    EffectChanged,
    /// A row stands at a position that is another's.
    PositionChanged,
    /// Two rows stand in each other's place.
    RowsSwapped,
    /// A position that no row has.
    RowMissing,
    /// Events behind the head of the log, or behind a checkpoint, are gone.
    TailMissing,
    /// Rows behind the head of the log.
    BehindHead,
    /// The chain is broken between two rows that are each whole.
    ChainBroken,
    /// Each hash fits and the chain holds, but a checkpoint says otherwise: the log was written anew.
    HistoryRewritten,
    /// A checkpoint that its key has not signed.
    CheckpointForged,
    /// What should be a checkpoint is none.
    CheckpointUnreadable,
    /// A checkpoint of an event that is there, with which the log was not compared.
    CheckpointSkipped,
    /// Two checkpoints that can't both be true.
    CheckpointsDisagree,
    /// A stored node of the Merkle tree is not that of the log.
    TreeChanged,
    /// A row or a line that can't be read.
    Unreadable,
    /// An event type or schema version that this version of the ledger does not know.
    UnknownEvent,
    /// The payload is not in canonical form.
    NotCanonical,
    /// The versions of an account have a gap.
    VersionGap,
    /// Recorded before the event in front of it.
    TimeBackwards,
    /// The postings do not sum to zero.
    Unbalanced,
    /// A part of a balance falls below zero.
    Negative,
    /// A projection is not the fold of the log.
    Projection,
    /// A stored state of an account is not the fold of the log.
    Snapshot,
    /// An export that says something else about itself than it holds.
    ExportDiffers,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where; 0 when it is not about one event.
    pub position: i64,
    pub kind: Kind,
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            0 => f.write_str(&self.what),
            position => write!(f, "position {position}: {}", self.what),
        }
    }
}

/// All findings: the first ones named, all counted.
#[derive(Debug, Default)]
pub struct Findings {
    named: Vec<Finding>,
    count: usize,
}

impl Findings {
    pub fn find(&mut self, position: i64, kind: Kind, what: impl Into<String>) {
        self.push(Finding { position, kind, what: what.into() });
    }

    pub fn push(&mut self, finding: Finding) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(finding);
        }
    }

    pub fn extend(&mut self, more: Self) {
        self.count += more.count - more.named.len();
        more.named.into_iter().for_each(|finding| self.push(finding));
    }

    /// Says better what has happened at a position.
    pub fn refine(&mut self, position: i64, from: Kind, to: Kind, what: &str) {
        let found = self.named.iter_mut().find(|f| f.position == position && f.kind == from);
        if let Some(finding) = found {
            (finding.kind, finding.what) = (to, what.to_owned());
        }
    }

    pub const fn count(&self) -> usize {
        self.count
    }

    /// Those about a position first, in its order; what only says that something must have been changed
    /// somewhere follows what says where.
    pub fn into_named(mut self) -> Vec<Finding> {
        self.named.sort_by_key(|f| (f.position == 0, f.kind == Kind::HistoryRewritten, f.position));
        self.named
    }
}
