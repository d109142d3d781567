//! The follower that keeps the snapshots.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use ledger_domain::{Account, evolve};
use proto_events::AccountId;
use sqlx::PgPool;

use super::read;
use crate::log::BadRow;
use crate::store::{self, Snapshot, answered};
use crate::tail::{Entry, Tail};

/// Events folded at a time.
const STEP: usize = 2_000;
/// Events between two writings, at least: what a start reads of the log beside snapshots.
const EVENTS_MIN: i64 = 50_000;
/// And so many bytes of states for each event since: snapshots write less than the log does.
const BYTES_PER_EVENT: i64 = 256;
/// A quiet log's few changes are written after so long.
const QUIET: Duration = Duration::from_secs(60);
/// Accounts kept in memory between writings; others are read from their snapshots. When so many have changed, they
/// are written.
const KEPT_MAX: usize = 20_000;
const RETRY: Duration = Duration::from_secs(1);

struct Follower {
    pool: PgPool,
    /// As written.
    through: i64,
    position: i64,
    states: HashMap<AccountId, (Account, i64)>,
    changed: HashSet<AccountId>,
    written: Instant,
    /// Bytes of the last writing.
    bytes: i64,
}

/// Follows the log until dropped. Snapshots are a convenience: what goes wrong is said, and tried again.
pub async fn run(pool: PgPool, tail: Tail) {
    loop {
        if let Err(error) = follow(&pool, &tail).await {
            tracing::warn!(%error, "snapshots of accounts wait");
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn follow(pool: &PgPool, tail: &Tail) -> Result<(), BadRow> {
    let mut through = answered(store::snapshots_through(pool)).await?;
    if through == 0 || through > answered(store::head(pool)).await?.position {
        store::reset_snapshots(pool).await?;
        through = 0;
    }
    let mut follower = Follower {
        pool: pool.clone(),
        through,
        position: through,
        states: HashMap::new(),
        changed: HashSet::new(),
        written: Instant::now(),
        bytes: 0,
    };
    loop {
        let entries = tail.after(follower.position, STEP).await?;
        if entries.is_empty() {
            tail.wait_beyond(follower.position).await;
        }
        follower.load(entries.iter().map(|entry| entry.row.account())).await?;
        for entry in &entries {
            follower.take(entry)?;
        }
        if follower.is_due() && !follower.write().await? {
            // Another one follows; begin again from where it is.
            return Ok(());
        }
    }
}

impl Follower {
    async fn load(&mut self, accounts: impl Iterator<Item = AccountId>) -> Result<(), BadRow> {
        let missing: HashSet<AccountId> =
            accounts.filter(|account| !self.states.contains_key(account)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<AccountId> = missing.into_iter().collect();
        let (_, found) = answered(store::snapshots_of(&self.pool, &missing)).await?;
        for account in missing {
            let state = match found.get(&account) {
                None => (Account::default(), 0),
                Some(snapshot) => match read(snapshot) {
                    Some(state) => (state, snapshot.position),
                    None => {
                        store::reset_snapshots(&self.pool).await?;
                        return Err(BadRow::Form { position: snapshot.position, what: "a snapshot" });
                    }
                },
            };
            self.states.insert(account, state);
        }
        Ok(())
    }

    fn take(&mut self, entry: &Entry) -> Result<(), BadRow> {
        let (account, position) = (entry.row.account(), entry.row.position);
        // An event this version does not know stops the snapshots, not the ledger.
        let event = entry
            .event()
            .map_err(|_| BadRow::Form { position, what: "an event that this version does not know," })?;
        if let Some((state, at)) = self.states.get_mut(&account) {
            *state = evolve(std::mem::take(state), event);
            *at = position;
        }
        self.changed.insert(account);
        self.position = position;
        Ok(())
    }

    fn is_due(&self) -> bool {
        let events = self.position - self.through;
        let much = events >= EVENTS_MIN.max(self.bytes / BYTES_PER_EVENT);
        much || self.changed.len() >= KEPT_MAX || (events > 0 && self.written.elapsed() > QUIET)
    }

    /// False: another follower has moved on.
    async fn write(&mut self) -> Result<bool, BadRow> {
        let changed: Vec<AccountId> = self.changed.drain().collect();
        let mut snapshots = Vec::with_capacity(changed.len());
        self.bytes = 0;
        for account in changed {
            let Some((state, position)) = self.states.get(&account) else { continue };
            let json =
                serde_json::to_string(state).map_err(|e| BadRow::Column(sqlx::Error::Encode(Box::new(e))))?;
            self.bytes += i64::try_from(json.len()).unwrap_or(0);
            snapshots.push(Snapshot { account, version: state.version(), position: *position, state: json });
        }
        let moved = store::write_snapshots(&self.pool, self.through, self.position, &snapshots).await?;
        (self.through, self.written) = (self.position, Instant::now());
        if self.states.len() > KEPT_MAX {
            self.states.clear();
        }
        metrics::gauge!("ledger_snapshots_position").set(self.through as f64);
        Ok(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn so_many_accounts_that_changed_are_written_whatever_the_last_writing_took() {
        let mut follower = Follower {
            pool: PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/nothing").unwrap(),
            through: 0,
            position: 20_000,
            states: HashMap::new(),
            changed: (1..KEPT_MAX).map(|_| AccountId::random()).collect(),
            written: Instant::now(),
            bytes: i64::MAX,
        };
        assert!(!follower.is_due());
        follower.changed.insert(AccountId::random());
        assert!(follower.is_due());
    }
}
