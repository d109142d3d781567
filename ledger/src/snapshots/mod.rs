//! Snapshots of accounts, so that an account is loaded without reading its whole life and a start takes
//! seconds whatever the log's length.
//!
//! A follower folds the log and now and then writes the accounts that changed together with the position
//! through which all are complete. Loading is: the account's snapshot, then its events after that
//! position. Cost of a load: two round trips and one for keys, for any number of accounts.
//!
//! Invariant: a snapshot is only the fold of the log; it may be deleted at any time. One of another form
//! is not read, one that does not fit the events after it neither: the account is folded whole.

mod follow;

use std::collections::HashMap;

use ledger_domain::{Account, evolve};
use proto_events::AccountId;
use sqlx::PgPool;

use crate::log::{BadRow, Row};
use crate::store::{self, Snapshot, answered};

pub use follow::run;

/// The states of these accounts as committed now, an entry for each.
///
/// # Errors
/// Postgres does not answer, or an account has an event that this version does not know.
pub async fn load(pool: &PgPool, accounts: &[AccountId]) -> Result<HashMap<AccountId, Account>, BadRow> {
    let (through, mut snapshots) = answered(store::snapshots_of(pool, accounts)).await?;
    let mut rows = answered(store::events_of_accounts(pool, accounts, through)).await?;
    let mut loaded = HashMap::with_capacity(accounts.len());
    for account in accounts {
        let (snapshot, tail) = (snapshots.remove(account), rows.remove(account).unwrap_or_default());
        let state = match continued(snapshot.as_ref(), &tail)? {
            Some(state) => state,
            None => {
                tracing::error!(%account, "its snapshot does not fit its events; it is folded from the log");
                let mut whole = answered(store::events_of_accounts(pool, &[*account], 0)).await?;
                fold(Account::default(), &whole.remove(account).unwrap_or_default())?
            }
        };
        loaded.insert(*account, state);
    }
    Ok(loaded)
}

/// The snapshot and the events after it; `None`: they don't fit.
fn continued(snapshot: Option<&Snapshot>, tail: &[Row]) -> Result<Option<Account>, BadRow> {
    let state = match snapshot.map(read) {
        None => Account::default(),
        Some(Some(state)) => state,
        Some(None) => return Ok(None),
    };
    if tail.first().is_some_and(|row| row.version != state.version() + 1) {
        return Ok(None);
    }
    fold(state, tail).map(Some)
}

/// `None`: not readable, or not of the version it says.
fn read(snapshot: &Snapshot) -> Option<Account> {
    let state: Account = serde_json::from_str(&snapshot.state).ok()?;
    (state.version() == snapshot.version).then_some(state)
}

fn fold(mut state: Account, rows: &[Row]) -> Result<Account, BadRow> {
    for row in rows {
        state = evolve(state, &row.event()?);
    }
    Ok(state)
}
