//! The judge of money: what the vendors' own books say of each payment, against the log.
//!
//! In money, per payment: settled at the provider − refunded there = settled − refunded in the log, and the fee is
//! that of the provider. The credits follow from the money by the catalog ([`credits`]): what was granted is what was
//! sold, what was taken back or is owed is what the refunds bought, and each account has just that.

mod credits;
mod ours;
mod theirs;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ledger::log::Row;
use serde_json::Value;

use crate::Stage;
use crate::stage::PATIENCE;

pub use self::theirs::theirs;

/// Minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sides {
    pub paid: i64,
    pub refunded: i64,
    /// As far as it is known.
    pub fee: Option<i64>,
}

/// By the provider and its id.
pub type Books = BTreeMap<String, Sides>;

/// What does not agree, in words; nothing is open any more.
pub fn differences(books: &Value, log: &[Row]) -> Vec<String> {
    let (theirs, mut ours) = (theirs(books), ours::read(log));
    let mut found = std::mem::take(&mut ours.found);
    let mut booked = Books::new();
    for (payment, it) in &ours.payments {
        let Some((id, sides)) = &it.settled else { continue };
        if booked.insert(id.clone(), *sides).is_some() {
            found.push(format!("{id} was credited twice, the second time as {payment}"));
        }
    }
    let keys: BTreeSet<&String> = theirs.keys().chain(booked.keys()).collect();
    for id in keys {
        let (there, here) = (theirs.get(id).copied(), booked.get(id).copied());
        // Not credited, and a person has it.
        if here.is_none() && ours.quarantined.contains(id) {
            continue;
        }
        let money = |sides: Option<Sides>| sides.map_or((0, 0), |sides| (sides.paid, sides.refunded));
        if money(there) != money(here) {
            found.push(format!("{id}: the provider has {there:?}, the log {here:?}"));
        }
        let fee = |sides: Option<Sides>| sides.and_then(|sides| sides.fee);
        if here.is_some() && fee(there).is_some_and(|known| fee(here) != Some(known)) {
            found.push(format!("{id}: the provider's fee is {:?}, the log's {:?}", fee(there), fee(here)));
        }
    }
    credits::judge(&theirs, &ours, &mut found);
    found
}

impl Stage {
    /// What of the vendors' books and the log does not agree now.
    pub fn money_differs(&self) -> Vec<String> {
        let log = self.rt.block_on(Self::log(&self.pool));
        differences(&self.books(), &log)
    }

    /// The vendors' books and the log agree on every payment.
    pub fn assert_money_agrees(&self) {
        assert_eq!(self.money_differs(), Vec::<String>::new(), "logs in {}", self.dir().display());
    }

    /// The same, as soon as it is so.
    pub fn until_money_agrees(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.money_differs();
            if found.is_empty() {
                return;
            }
            assert!(Instant::now() < end, "{found:#?}; logs in {}", self.dir().display());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
