//! What a person has, told by where each credit lies.
//!
//! A mint makes credits once; each of them then lies in the purse, is held for a job, or is gone.
//! The k-th credit of a mint to go earns the k-th share of its price. Nothing here knows of parts,
//! of reservations with lists, or of events.

use std::collections::BTreeMap;

use proto_events::{GenerationId, Money, PaymentId, RefundId};

#[derive(Debug, Clone)]
pub struct Mint {
    pub size: i64,
    pub price: Option<Money>,
    pub ends: Option<i64>,
    pub payment: Option<PaymentId>,
    pub purse: i64,
    pub held: BTreeMap<GenerationId, i64>,
    pub gone: i64,
}

impl Mint {
    pub fn held(&self) -> i64 {
        self.held.values().sum()
    }

    /// Minor units earned so far.
    pub fn earned(&self) -> i64 {
        let price = self.price.map_or(0, Money::minor);
        i64::try_from(i128::from(price) * i128::from(self.gone) / i128::from(self.size)).unwrap()
    }

    pub fn over(&self, now: i64) -> bool {
        self.ends.is_some_and(|at| at <= now)
    }
}

/// (account, asset) → debits − credits.
pub type Books = BTreeMap<(String, &'static str), i128>;

/// Credits to be made. `source` is `None` for those that a failed refund gives back.
#[derive(Debug, Clone, Copy)]
pub struct New {
    pub source: Option<&'static str>,
    pub size: i64,
    pub price: Option<Money>,
    pub ends: Option<i64>,
    pub payment: Option<PaymentId>,
}

/// A refund, as far as it is about credits.
#[derive(Debug, Clone)]
pub struct Recall {
    pub payment: PaymentId,
    /// What it still waits for.
    pub wanted: i64,
    /// What it took, the money that moved with that, and the debt it made and nobody forgave.
    pub taken: i64,
    pub moved: i64,
    pub owed: i64,
}

#[derive(Debug, Clone, Default)]
pub struct Purse {
    /// In the order they were made.
    pub mints: Vec<Mint>,
    pub recalls: BTreeMap<RefundId, Recall>,
    /// Credits of a payment that were never spent, but are gone.
    pub lapsed: BTreeMap<PaymentId, i64>,
    pub debt: i64,
    pub books: Books,
}

/// Why credits leave for good: the account that takes them, and the one that takes their money.
#[derive(Debug, Clone, Copy)]
pub struct Leave(&'static str, &'static str);

pub const SPENT: Leave = Leave("consumed", "revenue");
pub const ENDED: Leave = Leave("expired", "breakage");
pub const TAKEN_BACK: Leave = Leave("revoked", "refunds");
pub const TAKEN_AWAY: Leave = Leave("revoked", "breakage");

impl Purse {
    pub fn post(&mut self, asset: &'static str, debit: &str, credit: &str, n: i64) {
        *self.books.entry((debit.to_owned(), asset)).or_default() += i128::from(n);
        *self.books.entry((credit.to_owned(), asset)).or_default() -= i128::from(n);
    }

    /// Makes credits; a debt takes its part at once. Nothing when there is nothing to make.
    pub fn mint(&mut self, new: New, now: i64) {
        let New { source, size, price, ends, payment } = new;
        if size == 0 {
            return;
        }
        self.mints.push(Mint { size, price, ends, payment, purse: size, held: BTreeMap::new(), gone: 0 });
        match source {
            Some(source) => self.post("CREDIT", &format!("issued:{source}"), "customer:available", size),
            // A refund that failed: credits and money go back where they came from.
            None => {
                self.post("CREDIT", "revoked", "customer:available", size);
                if let Some(price) = price {
                    self.post(price.currency.code(), "refunds", "deferred", price.minor());
                }
            }
        }
        self.pay_debt(now);
    }

    /// Mints with something to spend, best first: what ends first, then free, then oldest.
    fn in_order(&self, now: i64) -> Vec<usize> {
        let mut all: Vec<usize> =
            (0..self.mints.len()).filter(|i| self.mints[*i].purse > 0 && !self.mints[*i].over(now)).collect();
        all.sort_by_key(|i| (self.mints[*i].ends.unwrap_or(i64::MAX), self.mints[*i].price.is_some(), *i));
        all
    }

    pub fn spendable(&self, now: i64) -> i64 {
        self.in_order(now).iter().map(|i| self.mints[*i].purse).sum()
    }

    /// Puts credits aside for a job; `false`: they aren't there.
    pub fn hold(&mut self, job: GenerationId, mut n: i64, now: i64) -> bool {
        if self.spendable(now) < n {
            return false;
        }
        self.post("CREDIT", "customer:available", "customer:reserved", n);
        for i in self.in_order(now) {
            let part = n.min(self.mints[i].purse);
            if part > 0 {
                self.mints[i].purse -= part;
                *self.mints[i].held.entry(job).or_default() += part;
                n -= part;
            }
        }
        true
    }

    /// Of what is held for the job, so much is spent, best first; the rest comes back.
    pub fn charge(&mut self, job: GenerationId, mut n: i64, now: i64) {
        let mut order: Vec<usize> = (0..self.mints.len()).collect();
        order.sort_by_key(|i| (self.mints[*i].ends.unwrap_or(i64::MAX), self.mints[*i].price.is_some(), *i));
        let mut back = Vec::new();
        for i in order {
            let Some(held) = self.mints[i].held.remove(&job) else { continue };
            let part = n.min(held);
            n -= part;
            self.leave(i, part, "customer:reserved", SPENT);
            if held > part {
                self.mints[i].purse += held - part;
                self.post("CREDIT", "customer:reserved", "customer:available", held - part);
                back.push(i);
            }
        }
        self.came_back(&back, now);
    }

    /// Everything that is held for the job comes back.
    pub fn give_back(&mut self, job: GenerationId, now: i64) {
        let mut back = Vec::new();
        for i in 0..self.mints.len() {
            let Some(part) = self.mints[i].held.remove(&job) else { continue };
            self.mints[i].purse += part;
            self.post("CREDIT", "customer:reserved", "customer:available", part);
            back.push(i);
        }
        self.came_back(&back, now);
    }

    /// What came back goes to a refund that waits for it, to its end if that is over, to the debt,
    /// and else stays.
    fn came_back(&mut self, mints: &[usize], now: i64) {
        self.recall();
        for i in mints {
            self.end(*i, now);
        }
        self.pay_debt(now);
    }

    /// What is left of this mint is gone if its time is over; how much.
    pub fn end(&mut self, mint: usize, now: i64) -> i64 {
        let n = if self.mints[mint].over(now) { self.mints[mint].purse } else { 0 };
        self.lapse(mint, n);
        self.take(mint, n, ENDED);
        n
    }

    /// Takes credits that were never spent, best first; `false`: they aren't there.
    pub fn take_away(&mut self, mut n: i64, now: i64) -> bool {
        if self.spendable(now) < n {
            return false;
        }
        for i in self.in_order(now) {
            let part = n.min(self.mints[i].purse);
            n -= part;
            self.lapse(i, part);
            self.take(i, part, TAKEN_AWAY);
        }
        true
    }

    fn lapse(&mut self, mint: usize, n: i64) {
        if let Some(payment) = self.mints[mint].payment {
            *self.lapsed.entry(payment).or_default() += n;
        }
    }

    /// Refunds take what is there of their payment; what is neither there nor held is owed.
    pub fn recall(&mut self) {
        let mut awaited: BTreeMap<PaymentId, i64> = BTreeMap::new();
        for (id, payment, _) in self.waiting() {
            for i in 0..self.mints.len() {
                if self.mints[i].payment == Some(payment) {
                    let part = self.mints[i].purse.min(self.recalls[&id].wanted);
                    let before = self.mints[i].earned();
                    self.take(i, part, TAKEN_BACK);
                    let moved = self.mints[i].earned() - before;
                    let recall = self.recalls.get_mut(&id).expect("it waits");
                    (recall.wanted, recall.taken) = (recall.wanted - part, recall.taken + part);
                    recall.moved += moved;
                }
            }
        }
        for (id, payment, wanted) in self.waiting() {
            let of_it = self.mints.iter().filter(|m| m.payment == Some(payment));
            let there: i64 = of_it.map(|m| m.purse + m.held()).sum();
            // Of two refunds of one payment, the first waits for what is there.
            let awaited = awaited.entry(payment).or_default();
            let waits = wanted.min((there - *awaited).max(0));
            *awaited += waits;
            let recall = self.recalls.get_mut(&id).expect("it waits");
            (recall.wanted, recall.owed) = (waits, recall.owed + wanted - waits);
            self.owe(wanted - waits);
        }
    }

    fn waiting(&self) -> Vec<(RefundId, PaymentId, i64)> {
        self.recalls
            .iter()
            .map(|(id, r)| (*id, r.payment, r.wanted))
            .filter(|(.., wanted)| *wanted > 0)
            .collect()
    }

    /// Credits leave the purse for good.
    pub fn take(&mut self, mint: usize, n: i64, why: Leave) {
        assert!(n <= self.mints[mint].purse, "the model itself is wrong");
        self.mints[mint].purse -= n;
        self.leave(mint, n, "customer:available", why);
    }

    fn leave(&mut self, mint: usize, n: i64, from: &str, Leave(to, money_to): Leave) {
        let before = self.mints[mint].earned();
        self.mints[mint].gone += n;
        let share = self.mints[mint].earned() - before;
        self.post("CREDIT", from, to, n);
        if let Some(price) = self.mints[mint].price {
            self.post(price.currency.code(), "deferred", money_to, share);
        }
    }

    pub fn owe(&mut self, n: i64) {
        self.debt += n;
        self.post("CREDIT", "customer:debt", "owed", n);
    }

    /// A debt goes that nothing was paid for.
    pub fn drop_debt(&mut self, n: i64, account: &str) {
        self.debt -= n;
        self.post("CREDIT", account, "customer:debt", n);
    }

    pub fn pay_debt(&mut self, now: i64) {
        for i in self.in_order(now) {
            let part = self.debt.min(self.mints[i].purse);
            self.debt -= part;
            self.post("CREDIT", "owed", "customer:debt", part);
            self.take(i, part, SPENT);
        }
    }

    /// Available, reserved, owed.
    pub fn balance(&self) -> (i64, i64, i64) {
        let sum = |of: fn(&Mint) -> i64| self.mints.iter().map(of).sum();
        (sum(|m| m.purse), sum(Mint::held), self.debt)
    }
}
