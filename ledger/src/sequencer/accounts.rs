//! State of the accounts in use, bounded: as committed, and for those that a batch in flight has
//! touched, as that batch leaves them.

use std::collections::HashMap;
use std::sync::Arc;

use ledger_domain::Account;
use proto_events::AccountId;

use super::draft::Drafted;

/// Accounts kept in memory; a few kB each. Others are loaded again when they are asked for.
const KEPT_MAX: usize = 20_000;
/// People whose account id is remembered; 24 bytes each.
const PEOPLE_MAX: usize = 200_000;

#[derive(Debug, Clone, Default)]
pub struct Loaded {
    pub state: Account,
    /// Of the account's request digests.
    pub key: [u8; 32],
}

#[derive(Debug, Default)]
pub struct Accounts {
    loaded: HashMap<AccountId, (Loaded, u64)>,
    people: HashMap<i64, AccountId>,
    turn: u64,
}

impl Accounts {
    /// Is it in memory? Marks it as used.
    pub fn has(&mut self, account: AccountId) -> bool {
        self.turn += 1;
        self.loaded.get_mut(&account).map(|(_, touched)| *touched = self.turn).is_some()
    }

    /// Its state, without use of it.
    pub fn peek(&self, account: AccountId) -> Option<&Account> {
        self.loaded.get(&account).map(|(loaded, _)| &loaded.state)
    }

    /// Its state, to be put back.
    pub fn take(&mut self, account: AccountId) -> Option<Loaded> {
        self.loaded.remove(&account).map(|(loaded, _)| loaded)
    }

    /// Of the person whose account this was, if it is in memory and erased.
    pub fn fingerprint(&self, account: AccountId) -> Option<&str> {
        self.loaded.get(&account)?.0.state.fingerprint()
    }

    pub fn forget(&mut self, account: AccountId) {
        self.loaded.remove(&account);
    }

    pub fn put(&mut self, account: AccountId, loaded: Loaded) {
        self.turn += 1;
        self.loaded.insert(account, (loaded, self.turn));
    }

    pub fn person(&self, user: i64) -> Option<AccountId> {
        self.people.get(&user).copied()
    }

    pub fn know(&mut self, user: i64, account: AccountId) {
        self.people.insert(user, account);
    }

    pub fn forget_person(&mut self, user: i64) {
        self.people.remove(&user);
    }

    /// Before a batch that may bring so many people: who is known stays known until it ends.
    pub fn make_room_for_people(&mut self, count: usize, ahead: &[Arc<Drafted>]) {
        if self.people.len() + count > PEOPLE_MAX {
            self.people = ahead.iter().flat_map(|batch| batch.people()).collect();
        }
    }

    /// Forgets the accounts that were not used for longest, down to nine tenths of the bound: far more
    /// stay than the batches in flight can touch.
    pub fn evict(&mut self) {
        if self.loaded.len() <= KEPT_MAX {
            return;
        }
        let mut turns: Vec<u64> = self.loaded.values().map(|(_, touched)| *touched).collect();
        let surplus = turns.len() - KEPT_MAX / 10 * 9;
        let (_, oldest_kept, _) = turns.select_nth_unstable(surplus);
        let oldest_kept = *oldest_kept;
        self.loaded.retain(|_, (_, touched)| *touched >= oldest_kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_least_used_go_first() {
        let mut accounts = Accounts::default();
        let first = AccountId::random();
        accounts.put(first, Loaded::default());
        for _ in 0..KEPT_MAX {
            accounts.put(AccountId::random(), Loaded::default());
        }
        let last = AccountId::random();
        accounts.put(last, Loaded::default());
        accounts.evict();
        assert!(accounts.loaded.len() <= KEPT_MAX);
        assert!(!accounts.has(first) && accounts.has(last));
    }
}
