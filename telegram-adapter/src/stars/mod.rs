//! The bot's Stars: refunds that are asked for, and Telegram's own book compared with the log.
//!
//! `book` reads getStarTransactions, `row` one line of it, `refunds` gives Stars back, `reconcile` finds
//! what messages did not bring and hands each finished day to the ledger. Nothing is kept: losing this
//! process costs a few calls.

mod book;
mod reconcile;
mod refunds;
mod row;

pub use book::Book;
pub use reconcile::Reconciler;
pub use refunds::Refunds;
pub use row::{Row, Side};
