//! Snapshots of accounts against the fold of the log, through the position that they claim.
//!
//! Accounts are folded once more on the same way through the log. A bounded number of them is in memory;
//! the others wait in a temporary table of this session, where Postgres compares them in the end. Cost: an
//! `evolve` an event, and for a log of very many accounts a row written and read now and then.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use ledger_domain::{Account, evolve};
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use super::finding::{Findings, Kind};
use crate::store;
use crate::tail::Entry;

/// Accounts in memory, each of some kB.
const KEPT_MAX: usize = 20_000;
/// Accounts written at once.
const WRITE_MAX: usize = 1_000;
/// Accounts named.
const NAMED_MAX: usize = 10;

/// The temporary table's form is that of `account_snapshots`.
const TABLE: &str = "CREATE TEMPORARY TABLE verified_accounts \
     (account_id uuid PRIMARY KEY, version bigint NOT NULL, position bigint NOT NULL, state text NOT NULL)";
const WRITE: &str = "INSERT INTO pg_temp.verified_accounts \
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[]) \
     ON CONFLICT (account_id) DO UPDATE SET version = excluded.version, position = excluded.position, \
         state = excluded.state";
const READ: &str =
    "SELECT account_id, position, state FROM pg_temp.verified_accounts WHERE account_id = ANY($1)";
const COMPARE: &str = "SELECT coalesce(w.account_id, s.account_id), s.position, \
         (w.version, w.position) IS NOT DISTINCT FROM (s.version, s.position), w.state, s.state \
     FROM pg_temp.verified_accounts w \
     FULL JOIN (SELECT * FROM account_snapshots WHERE format = $1) s USING (account_id) \
     WHERE (w.version, w.position, w.state) IS DISTINCT FROM (s.version, s.position, s.state) \
     ORDER BY 1";

pub struct Accounts {
    /// Through which position the snapshots claim to be complete.
    through: i64,
    /// With the position of the last event.
    states: HashMap<Uuid, (Account, i64)>,
    kept_max: usize,
    /// Some accounts are in the table only.
    spilled: bool,
    reached: i64,
    broken: Option<(i64, String)>,
}

/// The comparison, and how many snapshots there are; `None`: no snapshots of this version's form.
pub(super) async fn begin(
    tx: &mut PgConnection,
    kept_max: usize,
) -> Result<Option<(Accounts, i64)>, sqlx::Error> {
    let through = store::snapshots_through(&mut *tx).await?;
    if through == 0 {
        return Ok(None);
    }
    let count = sqlx::query_scalar("SELECT count(*) FROM account_snapshots WHERE format = $1")
        .bind(Account::FORMAT)
        .fetch_one(&mut *tx)
        .await?;
    tx.execute(TABLE).await?;
    let (states, kept_max) = (HashMap::new(), if kept_max == 0 { KEPT_MAX } else { kept_max });
    Ok(Some((Accounts { through, states, kept_max, spilled: false, reached: 0, broken: None }, count)))
}

impl Accounts {
    pub(super) async fn fold(
        &mut self,
        tx: &mut PgConnection,
        entries: &[Arc<Entry>],
    ) -> Result<(), sqlx::Error> {
        let count = entries.partition_point(|entry| entry.row.position <= self.through);
        let entries = &entries[..count];
        if self.broken.is_some() || entries.is_empty() {
            return Ok(());
        }
        self.load(tx, entries).await?;
        for entry in entries {
            let position = entry.row.position;
            match entry.event() {
                Ok(event) => {
                    let (state, at) = self.states.entry(entry.row.account_id).or_default();
                    (*state, *at) = (evolve(std::mem::take(state), event), position);
                    self.reached = position;
                }
                Err(error) => {
                    self.broken = Some((position, error.in_full()));
                    return Ok(());
                }
            }
        }
        if self.states.len() > self.kept_max {
            self.spill(tx).await?;
        }
        Ok(())
    }

    /// Takes from the table what these events go on with.
    async fn load(&mut self, tx: &mut PgConnection, entries: &[Arc<Entry>]) -> Result<(), sqlx::Error> {
        if !self.spilled {
            return Ok(());
        }
        let wanted: HashSet<Uuid> = entries.iter().map(|entry| entry.row.account_id).collect();
        let wanted: Vec<Uuid> = wanted.into_iter().filter(|id| !self.states.contains_key(id)).collect();
        let found: Vec<(Uuid, i64, String)> = sqlx::query_as(READ).bind(&wanted).fetch_all(tx).await?;
        for (id, position, state) in found {
            let state = serde_json::from_str(&state).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
            self.states.insert(id, (state, position));
        }
        Ok(())
    }

    async fn spill(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let all: Vec<(Uuid, (Account, i64))> = self.states.drain().collect();
        for some in all.chunks(WRITE_MAX) {
            let states = some.iter().map(|(_, (state, _))| serde_json::to_string(state));
            let states = states.collect::<Result<Vec<_>, _>>();
            sqlx::query(WRITE)
                .bind(some.iter().map(|(id, _)| *id).collect::<Vec<_>>())
                .bind(some.iter().map(|(_, (state, _))| state.version()).collect::<Vec<_>>())
                .bind(some.iter().map(|(_, (_, position))| *position).collect::<Vec<_>>())
                .bind(states.map_err(|e| sqlx::Error::Encode(Box::new(e)))?)
                .execute(&mut *tx)
                .await?;
        }
        self.spilled = true;
        Ok(())
    }

    pub(super) async fn look(
        &mut self,
        tx: &mut PgConnection,
        findings: &mut Findings,
    ) -> Result<(), sqlx::Error> {
        if let Some((position, what)) = &self.broken {
            let what = format!("snapshots of accounts can't be compared from here on: {what}");
            findings.find(*position, Kind::Snapshot, what);
            return Ok(());
        }
        if self.reached < self.through {
            let what =
                format!("snapshots of accounts claim position {}, which the log has not", self.through);
            findings.find(0, Kind::Snapshot, what);
            return Ok(());
        }
        self.spill(&mut *tx).await?;
        type Differs = (Uuid, Option<i64>, bool, Option<String>, Option<String>);
        let mut differs = sqlx::query_as::<_, Differs>(COMPARE).bind(Account::FORMAT).fetch(tx);
        let mut named = 0;
        while let Some((id, position, same_place, wanted, stored)) = differs.try_next().await? {
            let Some(what) = wrong(same_place, wanted.as_deref(), stored.as_deref()) else { continue };
            findings.find(
                position.unwrap_or(0),
                Kind::Snapshot,
                format!("the snapshot of account {id} {what}"),
            );
            named += 1;
            if named == NAMED_MAX {
                break;
            }
        }
        Ok(())
    }
}

/// The texts differ: do the states? Another build may have written the same one otherwise.
fn wrong(same_place: bool, wanted: Option<&str>, stored: Option<&str>) -> Option<&'static str> {
    let (Some(wanted), Some(stored)) = (wanted, stored) else {
        return Some(if stored.is_none() { "is missing" } else { "is of an account that has no events" });
    };
    let read = |text| serde_json::from_str::<Account>(text).ok();
    match read(stored) {
        None => Some("can't be read"),
        Some(_) if !same_place => Some("ends at another event than its account"),
        state if state != read(wanted) => Some("is not the fold of its account's events"),
        _ => None,
    }
}
