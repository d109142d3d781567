//! The ledger service: the log, its one writer, what is read from it, and the doors to both.
//!
//! The way of a command: `inbox` (decode, who sent it) → `sequencer` (decide → append → commit) →
//! reply; then `log` → `relay` → the event stream, and `log` → `projections`.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod books;
pub mod cases;
pub mod cli;
pub mod config;
pub mod console;
pub mod ear;
pub mod follow_ups;
pub mod four_eyes;
pub mod inbox;
pub mod leader;
pub mod log;
pub mod operations;
#[cfg(feature = "planted-bugs")]
pub mod planted;
pub mod projections;
pub mod proofs;
pub mod provision;
pub mod queries;
pub mod reconcile;
pub mod relay;
mod report;
pub mod sequencer;
pub mod serve;
pub mod snapshots;
pub mod store;
pub mod tail;
pub mod texts;
pub mod timers;
pub mod verify;
