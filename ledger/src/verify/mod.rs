//! `ledger verify`: reads the whole log and says whether every number in it can be trusted.
//!
//! One pass in order: positions gapless, chain unbroken, each hash right, versions gapless per
//! account, typed effects those of the payload, postings that sum to zero, balances never negative;
//! then the head, and each projection against the fold at its checkpoint.

mod folded;

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use ledger_domain::{effect, postings};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::log::{BadRow, COLUMNS, GENESIS, Hash, Row, hash_of, hex};
use crate::projections::Balance;
use crate::store;

/// Problems named; more are only counted.
const NAMED_MAX: usize = 20;
/// How often progress is said.
const PROGRESS_EVERY: i64 = 20_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where; 0 when it is not about one event.
    pub position: i64,
    pub what: String,
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub verified: bool,
    pub events: i64,
    pub accounts: usize,
    /// Hex, of the last event.
    pub head_hash: String,
    pub available: i64,
    pub reserved: i64,
    pub debt: i64,
    pub findings: Vec<Finding>,
    pub findings_count: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub balances: BTreeMap<Uuid, Balance>,
}

#[derive(Default)]
struct Verifier {
    position: i64,
    hash: Hash,
    recorded_at: i64,
    versions: BTreeMap<Uuid, i64>,
    folded: Folded,
    findings: Vec<Finding>,
    count: usize,
}

impl Verifier {
    fn find(&mut self, position: i64, what: impl Into<String>) {
        self.count += 1;
        if self.findings.len() < NAMED_MAX {
            self.findings.push(Finding { position, what: what.into() });
        }
    }

    fn row(&mut self, row: &Row) {
        if row.position != self.position + 1 {
            let what = format!(
                "position {} is missing: {} follows {}",
                self.position + 1,
                row.position,
                self.position
            );
            self.find(self.position + 1, what);
        }
        if row.prev_hash != self.hash {
            self.find(row.position, "its prev_hash is not the hash of the event before");
        }
        if hash_of(row, &row.prev_hash) != row.hash {
            self.find(row.position, "its hash is not that of its columns: the row was changed");
        }
        let version = self.versions.entry(row.account_id).or_default();
        let expected = *version + 1;
        *version = row.version;
        if row.version != expected {
            self.find(
                row.position,
                format!("version {} of account {} was expected", expected, row.account_id),
            );
        }
        if row.recorded_at < self.recorded_at {
            self.find(row.position, "it is recorded before the event in front of it");
        }
        self.meaning(row);
        (self.position, self.hash, self.recorded_at) = (row.position, row.hash, row.recorded_at);
        if Balance::is_changed_by(row)
            && let Err(error) = self.folded.balances.entry(row.account_id).or_default().add(row)
        {
            self.find(row.position, error.to_string());
        }
    }

    /// The event itself: readable, canonical, its effect the typed columns, its postings balanced.
    fn meaning(&mut self, row: &Row) {
        let event = match row.event() {
            Ok(event) => event,
            Err(error) => return self.find(row.position, with_source(&error)),
        };
        if event.payload().ok().as_deref() != Some(&row.payload) {
            self.find(row.position, "its payload is not in canonical form");
        }
        let e = effect(&event);
        if (e.available, e.reserved, e.debt) != (row.available_delta, row.reserved_delta, row.debt_delta) {
            self.find(row.position, "its effect columns are not those of its payload");
        }
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for posting in postings(&event) {
            *sums.entry(format!("{:?}", posting.asset)).or_default() += posting.amount;
        }
        if sums.values().any(|sum| *sum != 0) {
            self.find(row.position, format!("its postings do not sum to zero: {sums:?}"));
        }
    }
}

fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("Postgres did not answer")]
    Postgres(#[from] sqlx::Error),
    #[error("the log can't be read")]
    Row(#[from] BadRow),
}

/// Verifies the whole log as of now. `progress` is told (done, of).
///
/// # Errors
/// Only what keeps it from looking; what it finds is in the report.
pub async fn verify(pool: &PgPool, mut progress: impl FnMut(i64, i64)) -> Result<Report, VerifyError> {
    // One snapshot for log, head and projections, while the ledger goes on.
    let mut tx = pool.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await?;
    // It reads for as long as the log is, and compares while Postgres waits.
    for unbounded in ["statement_timeout", "idle_in_transaction_session_timeout", "tcp_user_timeout"] {
        sqlx::query(AssertSqlSafe(format!("SET LOCAL {unbounded} = 0"))).execute(&mut *tx).await?;
    }
    let head = store::head(&mut *tx).await?;
    let mut verifier = Verifier { hash: GENESIS, ..Verifier::default() };
    let checkpoints = folded::checkpoints(&mut tx).await?;
    let mut at_checkpoints = BTreeMap::new();
    {
        let sql = format!("SELECT {COLUMNS} FROM events ORDER BY position");
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *tx);
        while let Some(row) = rows.try_next().await? {
            match Row::read(&row) {
                Ok(row) => verifier.row(&row),
                Err(error) => {
                    let position = verifier.position + 1;
                    verifier.find(position, error.to_string());
                    verifier.position = position;
                }
            }
            for instance in checkpoints.iter().filter(|i| i.position == verifier.position) {
                at_checkpoints
                    .insert(instance.name.clone(), folded::rows_of(&instance.name, &verifier.folded));
            }
            if verifier.position % PROGRESS_EVERY == 0 {
                progress(verifier.position, head.position);
            }
        }
    }
    if (verifier.position, verifier.hash) != (head.position, head.hash) {
        let what = format!(
            "the log ends at {} but its head says {}{}",
            verifier.position,
            head.position,
            if verifier.position == head.position { " with another hash" } else { "" }
        );
        verifier.find(verifier.position + 1, what);
    }
    folded::compare(&mut tx, &checkpoints, &at_checkpoints, |what| verifier.find(0, what)).await?;
    tx.rollback().await?;
    progress(head.position, head.position);
    Ok(report(verifier))
}

fn report(verifier: Verifier) -> Report {
    let sum = |get: fn(&Balance) -> i64| verifier.folded.balances.values().map(get).sum();
    Report {
        verified: verifier.count == 0,
        events: verifier.position,
        accounts: verifier.versions.len(),
        head_hash: hex(&verifier.hash),
        available: sum(|b| b.available),
        reserved: sum(|b| b.reserved),
        debt: sum(|b| b.debt),
        findings: verifier.findings,
        findings_count: verifier.count,
    }
}
