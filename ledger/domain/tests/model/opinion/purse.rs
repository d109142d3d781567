//! What a person has, told by where each credit lies.
//!
//! A mint makes credits once; each of them then lies in the purse, is held for a job, or is gone.
//! The k-th credit of a mint to go earns the k-th share of its price. Nothing here knows of parts,
//! of reservations with lists, or of events.

use std::collections::BTreeMap;

use proto_events::{GenerationId, Money, PaymentId};

#[derive(Debug, Clone)]
pub struct Mint {
    pub size: i64,
    pub price: Option<Money>,
    pub ends: Option<i64>,
    #[expect(dead_code, reason = "refunds will name it")]
    pub payment: Option<PaymentId>,
    pub purse: i64,
    pub held: BTreeMap<GenerationId, i64>,
    pub gone: i64,
    /// What refunds still wait for to come back.
    pub recalled: i64,
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

    fn over(&self, now: i64) -> bool {
        self.ends.is_some_and(|at| at <= now)
    }
}

/// (account, asset) → debits − credits.
pub type Books = BTreeMap<(String, &'static str), i128>;

#[derive(Debug, Clone, Default)]
pub struct Purse {
    /// In the order they were made.
    pub mints: Vec<Mint>,
    pub debt: i64,
    pub books: Books,
}

/// Why credits leave for good: the account that takes them, and the one that takes their money.
#[derive(Debug, Clone, Copy)]
pub struct Leave(&'static str, &'static str);

pub const SPENT: Leave = Leave("consumed", "revenue");
pub const ENDED: Leave = Leave("expired", "breakage");
pub const TAKEN_BACK: Leave = Leave("revoked", "refunds");

impl Purse {
    pub fn post(&mut self, asset: &'static str, debit: &str, credit: &str, n: i64) {
        *self.books.entry((debit.to_owned(), asset)).or_default() += i128::from(n);
        *self.books.entry((credit.to_owned(), asset)).or_default() -= i128::from(n);
    }

    /// Makes credits; a debt takes its part at once. Nothing when there is nothing to make.
    pub fn mint(
        &mut self,
        source: &'static str,
        size: i64,
        price: Option<Money>,
        payment: Option<PaymentId>,
        now: i64,
    ) {
        self.mint_until(source, size, price, payment, None, now);
    }

    pub fn mint_until(
        &mut self,
        source: &'static str,
        size: i64,
        price: Option<Money>,
        payment: Option<PaymentId>,
        ends: Option<i64>,
        now: i64,
    ) {
        if size == 0 {
            return;
        }
        let held = BTreeMap::new();
        self.mints.push(Mint { size, price, ends, payment, purse: size, held, gone: 0, recalled: 0 });
        self.post("CREDIT", &format!("issued:{source}"), "customer:available", size);
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

    /// What is held for the job is spent. What a refund waited for and can't have now is owed.
    pub fn charge(&mut self, job: GenerationId, now: i64) {
        for i in 0..self.mints.len() {
            let part = self.mints[i].held.remove(&job).unwrap_or(0);
            self.leave(i, part, "customer:reserved", SPENT);
            let can = self.mints[i].held() + self.mints[i].purse;
            let owed = (self.mints[i].recalled - can).max(0);
            self.mints[i].recalled -= owed;
            self.owe(owed);
        }
        self.pay_debt(now);
    }

    /// What is held for the job comes back: to a refund that waits for it, to its end if it is
    /// over, to the debt, and else to the purse.
    pub fn give_back(&mut self, job: GenerationId, now: i64) {
        for i in 0..self.mints.len() {
            let Some(part) = self.mints[i].held.remove(&job) else { continue };
            self.mints[i].purse += part;
            self.post("CREDIT", "customer:reserved", "customer:available", part);
            let back = self.mints[i].recalled.min(self.mints[i].purse);
            self.mints[i].recalled -= back;
            self.take(i, back, TAKEN_BACK);
            if self.mints[i].over(now) {
                self.take(i, self.mints[i].purse, ENDED);
            }
        }
        self.pay_debt(now);
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
