//! The judge of money: what the vendors' own books say of each payment, against the log.
//!
//! In money, per payment: settled at the provider − refunded there = settled − refunded in the log. And the
//! credits follow: what was granted is what was sold, what was taken back or is owed is what the refunds bought.

use std::collections::{BTreeMap, BTreeSet};

use ledger::log::Row;
use proto_events::events::{CreditsGranted, DebtPayer};
use proto_events::{Event, PaymentId, RefundId};
use serde_json::Value;

use crate::Stage;

/// Minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sides {
    pub paid: i64,
    pub refunded: i64,
}

/// By the provider and its id.
pub type Books = BTreeMap<String, Sides>;

fn kopecks(amount: &Value) -> i64 {
    let text = amount["value"].as_str().unwrap_or_default();
    let (whole, cents) = text.split_once('.').unwrap_or_else(|| panic!("no amount: {amount}"));
    let number = |digits: &str| digits.parse::<i64>().unwrap_or_else(|_| panic!("no amount: {amount}"));
    number(whole) * 100 + number(cents)
}

fn all<'v>(books: &'v Value, vendor: &str, what: &str) -> impl Iterator<Item = &'v Value> {
    books[vendor][what].as_array().into_iter().flatten()
}

/// What the sandbox's vendors have. A payment by provider token is in YooKassa's books.
pub fn theirs(books: &Value) -> Books {
    let mut found = Books::new();
    for payment in all(books, "yookassa", "payments").filter(|p| p["status"] == "succeeded") {
        let id = payment["id"].as_str().unwrap_or_default();
        found.entry(format!("yookassa:{id}")).or_default().paid += kopecks(&payment["amount"]);
    }
    for refund in all(books, "yookassa", "refunds").filter(|r| r["status"] == "succeeded") {
        let id = refund["payment_id"].as_str().unwrap_or_default();
        found.entry(format!("yookassa:{id}")).or_default().refunded += kopecks(&refund["amount"]);
    }
    for charge in all(books, "telegram", "charges").filter(|c| c["currency"] == "XTR") {
        let id = charge["telegram_payment_charge_id"].as_str().unwrap_or_default();
        let stars = charge["total_amount"].as_i64().unwrap_or(0);
        let sides = found.entry(format!("telegram:{id}")).or_default();
        sides.paid += stars;
        sides.refunded += if charge["refunded_at"].is_null() { 0 } else { stars };
    }
    found
}

/// One payment's and one refund's part in the log.
#[derive(Debug, Default)]
struct Ours {
    payments: BTreeMap<PaymentId, (String, Sides)>,
    refunds: BTreeMap<RefundId, Refund>,
    sold: BTreeMap<PaymentId, i64>,
    granted: BTreeMap<PaymentId, i64>,
    /// Provider's ids that a person has, or had, to look at.
    quarantined: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Refund {
    payment: PaymentId,
    credits: i64,
    taken: i64,
    /// Of a failed one: given back, or no longer owed.
    restored: i64,
    failed: bool,
    settled: bool,
}

fn read(log: &[Row]) -> Ours {
    let (mut ours, mut failed) = (Ours::default(), None);
    for row in log {
        match row.event().expect("an event that is known") {
            Event::PaymentOpened(e) => drop(ours.sold.insert(e.payment, e.credits.get())),
            Event::PaymentSettled(e) => {
                let sides = Sides { paid: e.amount.minor(), refunded: 0 };
                let before = ours.payments.insert(e.payment, (e.rail.key(&e.provider_payment_id), sides));
                assert!(before.is_none(), "{} was settled twice", e.payment);
            }
            Event::PaymentQuarantined(e) => drop(ours.quarantined.insert(e.rail.key(&e.provider_payment_id))),
            Event::CreditsGranted(CreditsGranted { restores: Some(refund), credits, .. }) => {
                ours.refunds.get_mut(&refund).expect("it was opened").restored += credits.get();
            }
            Event::CreditsGranted(e) => {
                if let Some(payment) = e.payment {
                    *ours.granted.entry(payment).or_default() += e.credits.get();
                }
            }
            Event::RefundOpened(e) => {
                let refund = Refund {
                    payment: e.payment,
                    credits: e.credits.get(),
                    taken: 0,
                    restored: 0,
                    failed: false,
                    settled: false,
                };
                ours.refunds.insert(e.refund, refund);
            }
            Event::CreditsRevoked(e) => {
                if let Some(refund) = e.refund.and_then(|refund| ours.refunds.get_mut(&refund)) {
                    refund.taken += e.taken.iter().map(|part| part.credits.get()).sum::<i64>();
                }
            }
            Event::DebtIncurred(e) => {
                if let Some(refund) = ours.refunds.get_mut(&e.refund) {
                    refund.taken += e.credits.get();
                }
            }
            Event::RefundSettled(e) => {
                let refund = ours.refunds.get_mut(&e.refund).expect("it was opened");
                refund.settled = true;
                ours.payments.get_mut(&refund.payment).expect("it was paid").1.refunded += e.amount.minor();
            }
            Event::RefundFailed(e) => {
                ours.refunds.get_mut(&e.refund).expect("it was opened").failed = true;
                failed = Some(e.refund);
            }
            // Follows its failure in the same command.
            Event::DebtPaid(e) if e.by == DebtPayer::Undone => {
                let refund =
                    failed.and_then(|refund| ours.refunds.get_mut(&refund)).expect("a refund failed");
                refund.restored += e.credits.get();
            }
            _ => {}
        }
    }
    ours
}

/// What does not agree, in words; nothing is open any more.
pub fn differences(books: &Value, log: &[Row]) -> Vec<String> {
    let (theirs, ours) = (theirs(books), read(log));
    let mut found = Vec::new();
    let mut booked = Books::new();
    for (payment, (id, sides)) in &ours.payments {
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
        if there.unwrap_or_default() != here.unwrap_or_default() {
            found.push(format!("{id}: the provider has {there:?}, the log {here:?}"));
        }
    }
    for (payment, granted) in &ours.granted {
        let sold = ours.sold.get(payment).copied().unwrap_or_default();
        let (id, _) = &ours.payments[payment];
        // A person may have settled it for other credits.
        if *granted != sold && !ours.quarantined.contains(id) {
            found.push(format!("{payment}: {granted} credits were granted, {sold} were sold"));
        }
    }
    for payment in ours.payments.keys().filter(|payment| !ours.granted.contains_key(payment)) {
        found.push(format!("{payment} was paid, and nothing was granted"));
    }
    for (refund, it) in &ours.refunds {
        if it.settled == it.failed {
            found.push(format!("{refund} has no end"));
        }
        if it.failed && it.taken != it.restored {
            found
                .push(format!("{refund} failed: {} credits were taken, {} came back", it.taken, it.restored));
        }
        if !it.failed && it.taken != it.credits {
            found.push(format!("{refund}: {} credits were to be taken, {} were", it.credits, it.taken));
        }
    }
    for (payment, (_, sides)) in &ours.payments {
        let of = |refund: &&Refund| refund.payment == *payment && !refund.failed;
        let taken: i64 = ours.refunds.values().filter(of).map(|refund| refund.credits).sum();
        let bought = i128::from(ours.granted.get(payment).copied().unwrap_or(0)) * i128::from(sides.refunded)
            / i128::from(sides.paid.max(1));
        if i128::from(taken) != bought {
            found.push(format!("{payment}: refunds took {taken} credits, their money bought {bought}"));
        }
    }
    found
}

impl Stage {
    /// The vendors' books and the log agree on every payment.
    pub fn assert_money_agrees(&self) {
        let log = self.rt.block_on(Self::log(&self.pool));
        assert_eq!(
            differences(&self.books(), &log),
            Vec::<String>::new(),
            "logs in {}",
            self.dir().display()
        );
    }

    /// The same, as soon as it is so.
    pub fn until_money_agrees(&self) {
        let end = std::time::Instant::now() + crate::stage::PATIENCE;
        loop {
            let log = self.rt.block_on(Self::log(&self.pool));
            let found = differences(&self.books(), &log);
            if found.is_empty() {
                return;
            }
            assert!(std::time::Instant::now() < end, "{found:#?}; logs in {}", self.dir().display());
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
}
