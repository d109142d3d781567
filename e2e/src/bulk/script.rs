//! Many accounts at once: who does what next, and the rows that come of it.

use std::collections::HashSet;

use anyhow::{Result, bail};
use ledger::inbox::{Names, own_request};
use ledger::sequencer::{Offline, Request, Written};
use proto_events::AccountId;
use proto_events::catalog::Catalog;
use proto_events::commands::CatalogPublish;
use proto_events::envelope::AccountRef;

use super::life::{self, Cycle};
use crate::deeds::id;
use crate::dice::Dice;

/// Cycles that run side by side, so that an account's events stand apart as they do in life.
const SIDE_BY_SIDE: usize = 500;

/// Chooses commands and has them decided.
pub struct Script {
    offline: Offline,
    names: Names,
    dice: Dice,
    /// Begins the names of its cycles: different for each script that writes into a log.
    name: String,
    accounts: Vec<AccountId>,
    running: Vec<Cycle>,
    busy: HashSet<AccountId>,
    begun: u64,
}

impl Script {
    pub fn new(offline: Offline, names: Names, name: &str, seed: u64) -> Self {
        Self {
            offline,
            names,
            dice: Dice::seeded(seed),
            name: name.to_owned(),
            accounts: Vec::new(),
            running: Vec::new(),
            busy: HashSet::new(),
            begun: 0,
        }
    }

    /// The first catalog, into an empty log.
    pub fn publish_catalog(&mut self, now: i64) -> Result<Written> {
        let command =
            CatalogPublish { version: 1, catalog: Catalog::default_catalog()?, reason: None }.into();
        let request = own_request(id("catalog:1"), AccountRef::Id(AccountId::CATALOG), command, None);
        self.decide(&[request], now)
    }

    /// Opens the accounts of these people: two events each.
    pub fn open(&mut self, users: impl Iterator<Item = i64>, now: i64) -> Result<Written> {
        let requests: Vec<Request> = users.map(|user| life::open(user).request(&self.names)).collect();
        let written = self.decide(&requests, now)?;
        self.accounts.extend(written.opened.iter().map(|(_, account)| *account));
        Ok(written)
    }

    /// The next commands, about so many; fewer only when the cycles run out ([`Self::wind_down`]).
    pub fn commands(&mut self, count: usize, now: i64) -> Result<Written> {
        while self.running.len() < SIDE_BY_SIDE.min(self.accounts.len().div_ceil(2)) {
            let cycle = self.begin();
            self.running.push(cycle);
        }
        let mut requests = Vec::with_capacity(count);
        while requests.len() < count {
            let index = self.pick();
            requests.extend(self.running[index].next(&self.names).map(|said| said.request(&self.names)));
            if self.running[index].is_over() {
                let new = self.begin();
                let old = std::mem::replace(&mut self.running[index], new);
                self.busy.remove(&old.account());
            }
        }
        self.decide(&requests, now)
    }

    /// Ends the cycles that run, so that no work is left open. Nothing is written when all are over.
    pub fn wind_down(&mut self, now: i64) -> Result<Written> {
        let mut requests = Vec::new();
        for cycle in &mut self.running {
            requests
                .extend(std::iter::from_fn(|| cycle.next(&self.names)).map(|said| said.request(&self.names)));
        }
        self.running.clear();
        self.busy.clear();
        self.decide(&requests, now)
    }

    fn pick(&mut self) -> usize {
        usize::try_from(self.dice.below(self.running.len() as u64)).unwrap_or(0)
    }

    /// A new cycle of an account that has none.
    fn begin(&mut self) -> Cycle {
        self.begun += 1;
        let name = format!("{}:{}", self.name, self.begun);
        loop {
            let index = usize::try_from(self.dice.below(self.accounts.len() as u64)).unwrap_or(0);
            let account = self.accounts[index];
            if self.busy.insert(account) || self.busy.len() >= self.accounts.len() {
                return Cycle::new(account, name);
            }
        }
    }

    fn decide(&mut self, requests: &[Request], now: i64) -> Result<Written> {
        match self.offline.decide(requests, now) {
            Ok(written) => Ok(written),
            Err((index, refusal)) => {
                bail!(
                    "{} was refused: {} ({})",
                    requests[index].command.verb(),
                    refusal.message,
                    refusal.code
                )
            }
        }
    }
}
