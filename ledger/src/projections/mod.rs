//! What is read: folded from the log by position, rows and checkpoint in one transaction, no side effects.
//!
//! - `definition`: what a projection is. One file a projection: balances, commands, …; [`ALL`] lists them.
//! - `registry`: which instances there are. An instance has tables of its own, `projections.<name>_<n>`.
//! - `live`: the leader follows the log with the live instance of each.
//! - `rebuild` (`build`, `desk`, `held`, `throttle`): makes an instance anew beside the live one.
//! - `diff`, `swap` (`level`): compares it with the live one, and exchanges them.
//! - `keeper`: what the leader looks after: other versions, what dead rebuilds left.
//! - `bench` (`works`): rebuilds and comparisons for whoever does not wait for them.
//! - `readers`: how the live instance is found and read.
//!
//! Each projection goes its own way: one that fails stops before the event it can't take and says so in the
//! registry, and the others go on.

mod balances;
mod bench;
mod build;
mod commands;
mod copy;
mod daily;
mod definition;
mod desk;
mod diff;
mod generations;
mod held;
mod ids;
mod keeper;
mod level;
mod live;
mod lots;
mod operators;
mod payments;
mod people;
mod readers;
mod rebuild;
mod referrals;
pub mod registry;
mod revenue;
mod rows;
mod statement;
mod swap;
mod throttle;
mod trial_balance;
mod works;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Semaphore;

use crate::store;
use crate::tail::Tail;

pub use balances::Balance;
pub use bench::{Bench, NotBegun};
pub use build::BuildError;
pub use daily::{slot_end_ms, slot_of};
pub use definition::{Definition, Fold, FoldError, Needs, TableDef, Tables};
pub use desk::{Desk, Progress};
pub(crate) use diff::diff_all;
pub use diff::{Diff, RowDiff, TableDiff, diff};
pub use held::{Canceled, Held, cancel};
pub use keeper::keep;
pub use lots::{Lot, moves};
pub use readers::{Standing, balance, balance_near, live, live_of};
pub use rebuild::{Made, Rebuild, RefusedRebuild};
pub use registry::{
    Instance, Kept, State, Way, all as instances, find as find_instance, take_back_wish, wish_kept,
    wish_ready,
};
pub use rows::Rows;
pub use statement::{Running, is_line, money};
pub use swap::fulfil;
pub use works::{Kind as WorkKind, Work, has_begun as work_has_begun, last as last_work};

/// Every projection.
pub static ALL: [&Definition; 12] = [
    &balances::DEFINITION,
    &commands::DEFINITION,
    &statement::DEFINITION,
    &lots::DEFINITION,
    &payments::DEFINITION,
    &generations::DEFINITION,
    &trial_balance::DEFINITION,
    &revenue::DEFINITION,
    &daily::DEFINITION,
    &referrals::DEFINITION,
    &operators::DEFINITION,
    &people::DEFINITION,
];

/// Connections of the followers together: as many steps at once. They have the rest of the machine that commands
/// leave.
const CONNECTIONS_MAX: u32 = 3;

/// How Postgres finds the rows that folds name: by their keys. A plan that was made while a table was small
/// would read the whole of it for ever after.
pub(crate) const BY_KEYS: &str =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// A pool for the followers. Commits don't wait for the disk: what is lost is folded again, and the log
/// itself is always on disk before.
///
/// # Errors
/// The URL is wrong or Postgres is away.
pub async fn connect(database_url: &str) -> Result<PgPool, sqlx::Error> {
    store::connect_relaxed(database_url, CONNECTIONS_MAX).await
}

/// Connections of a rebuild of all: each fold holds one while it gathers rows, then two reads, and two for signs of
/// life and wishes; and of one more of one projection, for the console.
const PATIENT_MAX: u32 = ALL.len() as u32 + 4 + 5;

/// A pool for rebuilds, comparisons and swaps.
///
/// # Errors
/// The URL is wrong or Postgres is away.
pub async fn connect_patient(database_url: &str) -> Result<PgPool, sqlx::Error> {
    store::connect_patient(database_url, PATIENT_MAX).await
}

/// The definition by its name.
pub fn find(name: &str) -> Option<&'static Definition> {
    ALL.into_iter().find(|definition| definition.name == name)
}

/// One follower for each projection; each follows until dropped.
pub fn followers(pool: &PgPool, tail: &Tail) -> Vec<impl Future<Output = ()> + Send + use<>> {
    let turns = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
    let live = live::Live { pool: pool.clone(), tail: tail.clone(), turns };
    ALL.into_iter().map(|definition| live.clone().follow(definition)).collect()
}
