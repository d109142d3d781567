//! Telegram ⇄ NATS. Holds no state that matters: commands go to the ledger before Telegram gets
//! its 200, and what people are to be told is kept by the ledger until they were.
//!
//! `inbound` takes updates, `talk` answers them, `delivery` tells what the ledger has for people,
//! `outbound` is Telegram as we call it, `desk` the ledger as we ask it, `texts` every word.

mod bill;
pub mod config;
pub mod delivery;
pub mod desk;
pub mod inbound;
pub mod outbound;
mod registration;
mod run;
pub mod statuses;
pub mod talk;
pub mod texts;
pub mod turns;

pub use run::{Error, run};
