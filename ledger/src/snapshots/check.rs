//! Snapshots against the fold, for `ledger verify`.

use std::collections::BTreeSet;

use ledger_domain::Account;
use proto_events::AccountId;
use sqlx::PgPool;
use uuid::Uuid;

use super::{fold, read};
use crate::log::BadRow;
use crate::store;

/// Accounts looked at together.
const PAGE: i64 = 200;

/// A snapshot that is not the fold of its account's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub account: AccountId,
    /// Of the last event that it claims to hold.
    pub position: i64,
    pub what: String,
}

/// Compares every snapshot with the fold of its account's events through the snapshots' position, and
/// finds accounts that lack one. `progress` is told how many were compared.
///
/// # Errors
/// Only what keeps it from looking.
pub async fn check(pool: &PgPool, mut progress: impl FnMut(usize)) -> Result<Vec<Wrong>, BadRow> {
    let through = store::snapshots_through(pool).await?;
    let (mut wrong, mut after, mut count) = (Vec::new(), Uuid::nil(), 0);
    let mut seen: BTreeSet<Uuid> = BTreeSet::new();
    loop {
        let page = store::snapshots_after(pool, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.account.0;
        let accounts: Vec<AccountId> = page.iter().map(|snapshot| snapshot.account).collect();
        let mut rows = store::events_of_accounts(pool, &accounts, 0).await?;
        for snapshot in page {
            // The follower may have moved on since: each is compared at its own last event.
            let mut rows = rows.remove(&snapshot.account).unwrap_or_default();
            rows.retain(|row| row.position <= snapshot.position.max(through));
            let at = rows.last().map_or(0, |row| row.position);
            let what = match (read(&snapshot), fold(Account::default(), &rows)?) {
                (None, _) => Some("it can't be read"),
                (Some(_), _) if at != snapshot.position => Some("it ends at another event than its account"),
                (Some(state), folded) if state != folded => {
                    Some("it is not the fold of its account's events")
                }
                _ => None,
            };
            if let Some(what) = what {
                let (account, position) = (snapshot.account, snapshot.position);
                wrong.push(Wrong { account, position, what: what.to_owned() });
            }
            seen.insert(snapshot.account.0);
            count += 1;
        }
        progress(count);
    }
    for (account, position) in store::accounts_begun(pool, through).await? {
        if !seen.contains(&account.0) {
            wrong.push(Wrong { account, position, what: "its snapshot is missing".to_owned() });
        }
    }
    Ok(wrong)
}
