//! What was checked and what was found.

use serde::Serialize;

use super::finding::Finding;
use super::merge::Merge;
use crate::log::hex;

#[derive(Debug, Serialize)]
pub struct Report {
    pub verified: bool,
    /// How many were checked, from `from` to `to`.
    pub events: i64,
    pub from: i64,
    pub to: i64,
    pub accounts: usize,
    /// Hex, of the last event.
    pub head_hash: String,
    /// Hex, of the Merkle tree through `to`.
    pub root: String,
    pub available: i64,
    pub reserved: i64,
    pub debt: i64,
    /// Checkpoints that were compared with the log.
    pub checkpoints: usize,
    /// The position through which a checkpoint vouches for the log; 0: none does.
    pub vouched: u64,
    /// The position through which checkpoints know the log, also beyond `to`.
    pub known: u64,
    /// Of a file: nothing contradicts it, but checkpoints know the log beyond its end. Not verified: it is an older
    /// export, or its end was cut off, which only `--to` can tell apart.
    pub ends_early: bool,
    /// Checkpoints that were given up when a restored database was accepted.
    pub superseded: usize,
    /// Whether a public key was given to check the signatures of checkpoints with.
    pub signatures_checked: bool,
    /// Projections that were compared with the fold of the log.
    pub projections: usize,
    /// Snapshots of accounts that were compared with the fold of the log.
    pub snapshots: i64,
    pub seconds: f64,
    /// That were hashed for the chain: what [`super::bare_sha256`] is compared by.
    pub bytes: u64,
    pub findings: Vec<Finding>,
    /// All, each row of a projection one.
    pub findings_count: usize,
    /// Of these, those that are only counted.
    pub findings_unnamed: usize,
}

impl Report {
    pub(super) fn new(from: i64, merge: Merge) -> Self {
        let accounts = merge.accounts.values();
        let (mut available, mut reserved, mut debt) = (0i64, 0i64, 0i64);
        for account in accounts {
            available = available.saturating_add(account.available);
            reserved = reserved.saturating_add(account.reserved);
            debt = debt.saturating_add(account.debt);
        }
        let (findings_count, findings_unnamed) = (merge.findings.count(), merge.findings.unnamed());
        Self {
            verified: findings_count == 0,
            events: merge.events,
            from,
            to: merge.position,
            accounts: merge.accounts.len(),
            head_hash: hex(&merge.hash),
            root: hex(&merge.frontier.root()),
            available,
            reserved,
            debt,
            checkpoints: merge.anchors.compared,
            vouched: if merge.anchors.compared > 0 { merge.anchors.agreed() } else { 0 },
            known: merge.anchors.known,
            ends_early: false,
            superseded: merge.anchors.superseded,
            signatures_checked: false,
            projections: 0,
            snapshots: 0,
            seconds: 0.0,
            bytes: merge.bytes,
            findings: merge.findings.into_named(),
            findings_count,
            findings_unnamed,
        }
    }
}
