//! What `cargo xtask bench` measures: the ledger against ceilings of the same machine in the same minute.

pub mod append;
pub mod ceiling;
pub mod cpu;
pub mod load;
pub mod stand;
pub mod stats;
