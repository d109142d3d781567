//! What is wrong, where, and under which stable name.

use std::fmt;

use serde::Serialize;

/// Problems named, besides rows of tables; more are only counted.
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
    /// Events behind the head of the log, or behind a checkpoint, are gone, or not in the file.
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
    /// Of these, those that nothing named stands for.
    unnamed: usize,
}

impl Findings {
    pub fn find(&mut self, position: i64, kind: Kind, what: impl Into<String>) {
        self.push(Finding { position, kind, what: what.into() });
    }

    pub fn push(&mut self, finding: Finding) {
        self.count += 1;
        self.name(finding);
    }

    fn name(&mut self, finding: Finding) {
        if self.named.len() < NAMED_MAX {
            self.named.push(finding);
        } else {
            self.unnamed += 1;
        }
    }

    /// Rows of one table: the caller names a bounded number, and one line stands for the rest. Apart from the bound
    /// of all others, so that no table hides another.
    pub fn find_rows(
        &mut self,
        kind: Kind,
        count: usize,
        named: impl Iterator<Item = String>,
        rest: impl FnOnce(usize) -> String,
    ) {
        let before = self.named.len();
        self.named.extend(named.map(|what| Finding { position: 0, kind, what }));
        let more = count.saturating_sub(self.named.len() - before);
        if more > 0 {
            self.named.push(Finding { position: 0, kind, what: rest(more) });
        }
        self.count += count;
    }

    pub fn extend(&mut self, more: Self) {
        self.count += more.count;
        self.unnamed += more.unnamed;
        more.named.into_iter().for_each(|finding| self.name(finding));
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

    pub const fn unnamed(&self) -> usize {
        self.unnamed
    }

    /// Those about a position first, in its order; what only says that something must have been changed
    /// somewhere follows what says where.
    pub fn into_named(mut self) -> Vec<Finding> {
        self.named.sort_by_key(|f| (f.position == 0, f.kind == Kind::HistoryRewritten, f.position));
        self.named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_hides_another_and_each_row_is_counted() {
        let mut findings = Findings::default();
        for position in 1..=60 {
            findings.find(position, Kind::RowChanged, "changed");
        }
        for (table, count) in [("lots", 1_000), ("balances", 2)] {
            let named = (0..count.min(10)).map(|row| format!("{table} {row}"));
            findings.find_rows(Kind::Projection, count, named, |more| format!("{table}: {more} more"));
        }
        assert_eq!((findings.count(), findings.unnamed()), (1_062, 10));
        let said: Vec<String> = findings.into_named().into_iter().map(|f| f.what).collect();
        assert_eq!(said.len(), 50 + 11 + 2);
        assert_eq!(said[60..], ["lots: 990 more", "balances 0", "balances 1"]);
    }
}
