//! The row of the log: its columns, its canonical encoding and its hash (docs/EVENTS.md, "The row").

mod hash;
mod row;

pub use hash::{GENESIS, Hash, encoded_len, hash_of};
pub use row::{BadRow, COLUMNS, Digest, Row, from_hex, hex};
