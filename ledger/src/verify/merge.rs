//! What depends on the rows before: chunks are merged in the order of positions.
//!
//! Positions without a gap, the chain from row to row, times that don't go back, versions without a
//! gap and balances not below zero for each account, the Merkle tree, and the checkpoints at their sizes.
//! Memory: an entry an account, and 32 bytes for each 256 events.

use std::collections::HashMap;

use uuid::Uuid;

use super::anchors::{Anchors, What};
use super::chunk::{BLOCK, BLOCK_LEVEL, Chunk};
use super::finding::{Findings, Kind};
use crate::log::{Hash, Row, hash_of};
use crate::proofs::merkle::{Frontier, Size};

/// Levels of the tree whose nodes are stored: subtrees of 256, 65 536 and 16 777 216 leaves.
pub const STORED_LEVELS: [u32; 3] = [8, 16, 24];
/// Missing positions that are tried as the origin of a row that was moved.
const MISSING_MAX: usize = 256;
const SUSPECTS_MAX: usize = 256;

#[derive(Debug, Clone, Copy, Default)]
pub struct Account {
    pub version: i64,
    pub available: i64,
    pub reserved: i64,
    pub debt: i64,
}

/// From where the rows are checked.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The position before the first.
    pub after: i64,
    /// Its hash.
    pub hash: Hash,
    /// The tree through it.
    pub frontier: Frontier,
}

pub struct Merge {
    /// From position 1: versions and balances are known from their beginning.
    whole: bool,
    pub position: i64,
    pub hash: Hash,
    recorded_at: i64,
    pub events: i64,
    pub bytes: u64,
    pub accounts: HashMap<Uuid, Account>,
    pub frontier: Frontier,
    /// Roots of the complete subtrees of each stored level, with the index of the first.
    pub nodes: [Vec<(Size, Hash)>; 3],
    pub anchors: Anchors,
    pub findings: Findings,
    suspects: Vec<Row>,
    missing: Vec<i64>,
    /// False after a gap or a position that comes again: leaves have lost their places. Either is found.
    in_line: bool,
}

impl Merge {
    pub fn new(start: Start, anchors: Anchors) -> Self {
        Self {
            whole: start.after == 0,
            position: start.after,
            hash: start.hash,
            recorded_at: 0,
            events: 0,
            bytes: 0,
            accounts: HashMap::new(),
            frontier: start.frontier,
            nodes: Default::default(),
            anchors,
            findings: Findings::default(),
            suspects: Vec::new(),
            missing: Vec::new(),
            in_line: true,
        }
    }

    /// Takes the next chunk.
    pub fn take(&mut self, chunk: &mut Chunk) {
        self.findings.extend(std::mem::take(&mut chunk.findings));
        for suspect in chunk.suspects.drain(..) {
            if self.suspects.len() < SUSPECTS_MAX {
                self.suspects.push(suspect);
            }
        }
        self.bytes += chunk.bytes;
        for entry in &chunk.entries {
            self.row(&entry.row);
        }
        if self.in_line {
            self.tree(chunk);
        }
    }

    fn row(&mut self, row: &Row) {
        if row.position > self.position + 1 {
            self.gap(row.position);
        } else if row.position <= self.position {
            let what = format!("it stands behind position {}: each comes once, in order", self.position);
            self.findings.find(row.position, Kind::PositionChanged, what);
            self.in_line = false;
        } else if row.prev_hash != self.hash {
            let what = "its prev_hash is not the hash of the event before";
            self.findings.find(row.position, Kind::ChainBroken, what);
        }
        if row.recorded_at < self.recorded_at {
            let what = "it is recorded before the event in front of it";
            self.findings.find(row.position, Kind::TimeBackwards, what);
        }
        self.account(row);
        self.events += 1;
        self.position = self.position.max(row.position);
        (self.hash, self.recorded_at) = (row.hash, row.recorded_at);
    }

    /// Positions up to `next` have no row.
    pub fn gap(&mut self, next: i64) {
        let first = self.position + 1;
        let what = match next - first {
            1 => "it is missing".to_owned(),
            count => format!("{count} events are missing, through position {}", next - 1),
        };
        self.findings.find(first, Kind::RowMissing, what);
        self.note_missing(first, next - 1);
        self.in_line = false;
    }

    /// Positions that a moved row may come from.
    pub fn note_missing(&mut self, first: i64, last: i64) {
        let room = MISSING_MAX.saturating_sub(self.missing.len());
        self.missing.extend((first..=last).take(room));
    }

    pub const fn is_in_line(&self) -> bool {
        self.in_line
    }

    fn account(&mut self, row: &Row) {
        let fresh = !self.accounts.contains_key(&row.account_id);
        let account = self.accounts.entry(row.account_id).or_default();
        if !self.whole && fresh {
            account.version = row.version - 1;
        }
        let expected = account.version + 1;
        account.version = row.version;
        if row.version != expected {
            let what = format!(
                "version {expected} of account {} was expected, it is {}",
                row.account_id, row.version
            );
            self.findings.find(row.position, Kind::VersionGap, what);
        }
        // A file may say anything.
        account.available = account.available.saturating_add(row.available_delta);
        account.reserved = account.reserved.saturating_add(row.reserved_delta);
        account.debt = account.debt.saturating_add(row.debt_delta);
        let Account { available, reserved, debt, .. } = *account;
        if self.whole && (available < 0 || reserved < 0 || debt < 0) {
            let what = format!(
                "the balance of {} falls to {available} available, {reserved} reserved, {debt} owed",
                row.account_id
            );
            self.findings.find(row.position, Kind::Negative, what);
        }
    }

    /// Adds the chunk's leaves, by whole blocks where no checkpoint lies inside of one.
    fn tree(&mut self, chunk: &Chunk) {
        let (mut at, leaves) = (0, &chunk.leaves);
        let aligned = self.frontier.size().is_multiple_of(BLOCK as Size);
        while at < leaves.len() {
            let size = self.frontier.size();
            let block = (aligned && at.is_multiple_of(BLOCK)).then(|| chunk.blocks.get(at / BLOCK)).flatten();
            let inside = self.anchors.next_size().is_some_and(|next| next < size + BLOCK as Size);
            match block {
                Some(root) if !inside => {
                    self.push(BLOCK_LEVEL, *root);
                    at += BLOCK;
                }
                _ => {
                    self.push(0, leaves[at]);
                    at += 1;
                }
            }
            if self.anchors.next_size() == Some(self.frontier.size()) {
                let head = chunk.entries[at - 1].row.hash;
                self.anchors.compare(&self.frontier, &head, &mut self.findings);
            }
        }
    }

    fn push(&mut self, level: u32, root: Hash) {
        let nodes = &mut self.nodes;
        let mut keep = |level: u32, index: Size, root: &Hash| {
            if let Some(stored) = STORED_LEVELS.iter().position(|l| *l == level) {
                nodes[stored].push((index, *root));
            }
        };
        if level == BLOCK_LEVEL {
            keep(level, self.frontier.size() >> level, &root);
        }
        self.frontier.push_subtree(level, root, keep);
    }

    /// Rows behind the head: nothing leads to them.
    pub fn behind_head(&mut self, chunk: &mut Chunk) {
        self.findings.extend(std::mem::take(&mut chunk.findings));
        self.suspects.append(&mut chunk.suspects);
        for entry in &chunk.entries {
            let what = "it is behind the head of the log";
            self.findings.find(entry.row.position, Kind::BehindHead, what);
        }
    }

    /// After the last row: says what has become of rows that don't fit their hash, and which
    /// checkpoints were not reached.
    pub fn finish(&mut self, what: What, end: i64) {
        self.explain();
        self.anchors.finish(what, end, self.in_line, &mut self.findings);
    }

    /// A row that fits its hash at another position was moved there.
    fn explain(&mut self) {
        let at = |row: &Row, position: i64| {
            let moved = Row { position, ..row.clone() };
            hash_of(&moved, &moved.prev_hash) == row.hash
        };
        let suspects = std::mem::take(&mut self.suspects);
        for row in &suspects {
            let other = suspects
                .iter()
                .find(|o| o.position != row.position && at(row, o.position) && at(o, row.position));
            if let Some(other) = other {
                let what = format!(
                    "the events of positions {} and {} were swapped",
                    row.position.min(other.position),
                    row.position.max(other.position)
                );
                self.refine(row.position, Kind::RowsSwapped, &what);
            } else if let Some(from) = self.missing.iter().copied().find(|m| at(row, *m)) {
                let what = format!("it is the event of position {from}: its position was changed");
                self.refine(row.position, Kind::PositionChanged, &what);
            }
        }
    }

    fn refine(&mut self, position: i64, to: Kind, what: &str) {
        for from in [Kind::RowChanged, Kind::BehindHead] {
            self.findings.refine(position, from, to, what);
        }
    }
}
