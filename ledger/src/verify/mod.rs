//! `ledger verify`: reads the log and says whether every number in it can be trusted.
//!
//! Phases: the log is cut into chunks of positions; readers, each with a connection of one exported
//! snapshot (or the lines of an export), check chunks on all cores ([`chunk`]); what depends on the
//! rows before is merged in order ([`merge`]), and with it the Merkle tree, the checkpoints
//! ([`anchors`]) and the folds that projections ([`folded`]) and snapshots of accounts ([`accounts`]) are
//! compared with. Memory: a few chunks, and a small entry an account.

mod accounts;
mod anchors;
mod canonical;
mod chunk;
mod database;
mod file;
mod finding;
mod folded;
mod merge;
mod report;
mod speed;

pub use anchors::Anchor;
pub use database::{Options, verify, verify_with};
pub use file::verify_file;
pub use finding::{Finding, Kind};
pub use report::Report;
pub use speed::bare_sha256;

use crate::log::BadRow;

/// Rows checked at once: a multiple of the tree's blocks, so that most chunks begin one.
const CHUNK: i64 = 4_096;

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("Postgres did not answer")]
    Postgres(#[from] sqlx::Error),
    #[error("the log can't be read")]
    Row(#[from] BadRow),
    #[error("a reader of the log ended before its time")]
    Reader(#[from] tokio::task::JoinError),
    #[error("there are no positions {from} to {to}: the log has 1 to {head}")]
    Range { from: i64, to: i64, head: i64 },
    #[error("the export holds the positions {from} to {to}, not those that were asked for")]
    Part { from: i64, to: i64 },
    #[error("the file can't be read")]
    File(#[source] std::io::Error),
    #[error("this is no export of a ledger: {0}")]
    NoExport(&'static str),
    #[error("the export has the format {found:?}; this version reads {known:?}")]
    Format { found: String, known: &'static str },
}
