//! Reconciliation: is the provider's money ours, and ours theirs, day by day of Moscow.
//!
//! - `operation`: one movement of money, as either side has it.
//! - `compare`: both sides of some days, and every difference by name. Pure.
//! - `registry`: the provider's registry files.

pub mod compare;
pub mod operation;
pub mod registry;

pub use compare::{Difference, Report, Stated, compare};
pub use operation::{Booked, Operation};
