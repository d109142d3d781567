//! A run of rows, checked on its own: what needs no row outside of it. Pure, and where nearly all of the
//! time goes; chunks are checked on all cores at once.
//!
//! Each row: its hash, its payload's form and meaning, its effect, its postings; and the chain inside
//! the chunk. What depends on the rows before is left to [`super::merge`].

use std::sync::Arc;

use ledger_domain::{Asset, effect, postings};
use proto_events::Event;
use proto_events::events::BadEvent;

use super::canonical::is_canonical;
use super::finding::{Findings, Kind};
use crate::log::{BadRow, Hash, Row, encoded_len, hash_of};
use crate::proofs::merkle::{Frontier, leaf_hash};
use crate::tail::Entry;

/// Rows whose columns don't fit their hash, kept to say what has happened to them.
const SUSPECTS_MAX: usize = 256;

/// Leaves under one stored node of the tree's lowest stored level.
pub const BLOCK: usize = 256;
pub const BLOCK_LEVEL: u32 = BLOCK.trailing_zeros();

/// What was read at a position.
pub enum Found {
    Row(Row),
    /// It can't be read: where it should be, and why.
    Bad(i64, String),
}

#[derive(Default)]
pub struct Chunk {
    pub entries: Vec<Arc<Entry>>,
    /// Of each entry, in order.
    pub leaves: Vec<Hash>,
    /// Roots of the whole blocks of [`BLOCK`] leaves from the first entry on, if its place begins one.
    pub blocks: Vec<Hash>,
    /// Rows that don't fit their hash.
    pub suspects: Vec<Row>,
    pub findings: Findings,
    /// That were hashed.
    pub bytes: u64,
}

pub fn check(found: impl IntoIterator<Item = Found>) -> Chunk {
    let mut chunk = Chunk::default();
    for found in found {
        match found {
            Found::Row(row) => chunk.row(row),
            Found::Bad(position, what) => chunk.findings.find(position, Kind::Unreadable, what),
        }
    }
    chunk.blocks = chunk.leaves.chunks_exact(BLOCK).map(root_of).collect();
    chunk
}

fn root_of(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

impl Chunk {
    fn row(&mut self, row: Row) {
        if hash_of(&row, &row.prev_hash) != row.hash {
            self.findings.find(
                row.position,
                Kind::RowChanged,
                "its hash is not that of its columns: the row was changed",
            );
            if self.suspects.len() < SUSPECTS_MAX {
                self.suspects.push(row.clone());
            }
        }
        self.bytes += encoded_len(&row) as u64;
        self.leaves.push(leaf_hash(&row.hash));
        let entry = Entry::new(row);
        meaning(&entry, &mut self.findings);
        self.entries.push(Arc::new(entry));
    }
}

/// The event itself: readable, canonical, its effect the typed columns, its postings balanced.
fn meaning(entry: &Entry, findings: &mut Findings) {
    let row = &entry.row;
    let event = match entry.event() {
        Ok(event) => event,
        Err(error) => return unreadable(row.position, error, findings),
    };
    if !is_canonical(&row.payload) {
        findings.find(row.position, Kind::NotCanonical, "its payload is not in canonical form");
    }
    let e = effect(event);
    if (e.available, e.reserved, e.debt) != (row.available_delta, row.reserved_delta, row.debt_delta) {
        let what = format!(
            "its effect columns say {:+}/{:+}/{:+}, its payload {:+}/{:+}/{:+} (available/reserved/debt)",
            row.available_delta, row.reserved_delta, row.debt_delta, e.available, e.reserved, e.debt
        );
        findings.find(row.position, Kind::EffectChanged, what);
    }
    if !is_balanced(event) {
        findings.find(row.position, Kind::Unbalanced, "its postings do not sum to zero");
    }
}

fn unreadable(position: i64, error: &BadRow, findings: &mut Findings) {
    match error {
        BadRow::Event {
            source: source @ (BadEvent::UnknownType(_) | BadEvent::NewerSchema { .. }), ..
        } => {
            findings.find(position, Kind::UnknownEvent, source.to_string());
        }
        _ => findings.find(position, Kind::Unreadable, error.in_full()),
    }
}

fn is_balanced(event: &Event) -> bool {
    let mut sums = [0i64; 3];
    for posting in postings(event) {
        let asset = match posting.asset {
            Asset::Credit => 0,
            Asset::Rub => 1,
            Asset::Xtr => 2,
        };
        sums[asset] += posting.amount;
    }
    sums == [0; 3]
}
