//! Telegram ⇄ NATS. Holds no state that matters: commands go to the ledger before Telegram gets
//! its 200, and what people are to be told is kept by the ledger until they were.
//!
//! `inbound` takes updates, `talk` answers them, `delivery` tells what the ledger has for people,
//! `files` brings what they sent to whoever needs it, `outbound` is Telegram as we call it, `flood` how much of that it takes, `desk` the ledger as we ask it, `texts` every word, `pictures` what the owner put above some of them. Of money:
//! `ways` is how one can pay, `checkout` answers before Telegram takes it, `till` brings it into the
//! ledger, `stars` gives Stars back and compares Telegram's book of them with the log.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

mod address;
mod bill;
pub mod broadcasts;
pub mod checkout;
mod clock;
pub mod config;
mod contents;
pub mod delivery;
pub mod desk;
pub mod files;
pub mod flood;
pub mod inbound;
pub mod outbound;
pub mod pictures;
mod posting;
pub mod rates;
pub mod registration;
mod results;
mod run;
pub mod shop;
pub mod stars;
pub mod status;
pub mod statuses;
pub mod talk;
pub mod texts;
pub mod till;
pub mod turns;
pub mod ways;

pub use run::{Error, run};
