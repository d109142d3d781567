//! The pure core of the ledger: what may happen, and what it means.
//!
//! [`decide`] turns a command into events or a [`Refusal`]; [`evolve`] folds events into an
//! [`Account`]; replay and live use the same one. [`effect`] and [`postings`] say what an event
//! does to a balance and to the books. Rules and orders of refusals: `docs/EVENTS.md`.
//!
//! Invariant: no IO, no clock, no randomness; time and ids arrive in [`Facts`].

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

mod account;
mod catalog;
mod effect;
mod four_eyes;
mod generations;
mod lots;
mod operations;
mod payments;
pub mod planted;
mod postings;
mod referrals;
mod refunds;
mod refusal;
mod reply;

pub use account::{Account, Broken, Facts, Kept, check, decide, evolve};
pub use catalog::{
    CatalogStream, Problem, PublishedCatalog, decide_catalog, evolve_catalog, problems as catalog_problems,
};
pub use effect::{Effect, effect};
pub use lots::Balance;
pub use operations::{
    CONTENT_PUT, OperationsStream, content_name, decide_operations, evolve_operations, is_operations,
};
pub use postings::{Asset, Posting, postings};
pub use refusal::{Lost, Refusal};
pub use reply::result;
