//! Big logs, as the real ledger would have written them: decided by the core, chained by the ledger's
//! own code, with natural keys and side rows, so that `ledger serve` continues them and `ledger verify`
//! has nothing to say.
//!
//! A log of a size is made once (some 60 000 events a second) and kept as the data folder of a stopped
//! Postgres ([`kept`]); whoever needs it works on a copy.

pub mod insert;
pub mod kept;
pub mod life;
pub mod script;
pub mod write;

pub use write::{FIRST_USER, Size};
