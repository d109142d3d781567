//! Postgres: the only place with SQL that writes (beside `projections`).
//!
//! A session works under the role `plantain_ledger`, which may only INSERT into and SELECT from
//! `events`. The tables belong to `plantain_owner`, which cannot log in.

mod append;
mod head;
mod lookup;
mod migrate;
mod pool;
mod republish;
pub mod side;
mod work;

pub use append::{AppendError, Batch, NaturalKey, append, was_committed};
pub use head::{Head, LEASE_US, beat, head, incarnation, release, take_over};
pub use lookup::{
    FirstAnswer, StoredAccount, accounts_of_people, first_answers, leases, load_accounts, owners_of_keys,
};
pub use migrate::{MigrateError, migrate};
pub use pool::{OWNER_ROLE, SERVICE_ROLE, answered, connect, connect_relaxed};
pub use republish::{
    Republish, ask_republish, done_through, is_republish_done, open_republish, republish_done,
    rewind_consumers,
};
pub use side::SideWrite;
pub use work::*;
