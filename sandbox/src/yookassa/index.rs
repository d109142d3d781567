//! Where things stand in the books, so that ten thousand payments are as quick as ten. It is not kept:
//! it is made anew from books that were loaded.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::state::{Payment, Refund, Remembered, YooKassa};

#[derive(Debug, Default)]
pub(crate) struct Index {
    payments: HashMap<String, usize>,
    refunds: HashMap<String, usize>,
    /// By the payment's id.
    refunds_of: HashMap<String, Vec<usize>>,
    /// When a payment ends if nothing happens. What happened to it meanwhile is asked when the time comes.
    deadlines: BTreeSet<(i64, usize)>,
    /// Remembered keys, oldest first.
    keys: VecDeque<(i64, String)>,
}

impl YooKassa {
    /// After the books were loaded.
    pub(crate) fn reindex(&mut self) {
        self.index = Index::default();
        for (at, payment) in self.payments.iter().enumerate() {
            self.index.payments.insert(payment.id().to_owned(), at);
            self.index.deadlines.insert((payment.deadline_ms, at));
        }
        for (at, refund) in self.refunds.iter().enumerate() {
            self.index.note(at, refund);
        }
        let mut keys: Vec<(i64, String)> =
            self.remembered.iter().map(|(slot, one)| (one.at_ms, slot.clone())).collect();
        keys.sort();
        self.index.keys = keys.into();
    }

    pub(crate) fn add_payment(&mut self, payment: Payment) {
        let at = self.payments.len();
        self.index.payments.insert(payment.id().to_owned(), at);
        self.index.deadlines.insert((payment.deadline_ms, at));
        self.payments.push(payment);
    }

    pub(crate) fn add_refund(&mut self, refund: Refund) {
        self.index.note(self.refunds.len(), &refund);
        self.refunds.push(refund);
    }

    pub(crate) fn payment(&self, id: &str) -> Option<&Payment> {
        self.payments.get(*self.index.payments.get(id)?)
    }

    pub(crate) fn payment_mut(&mut self, id: &str) -> Option<&mut Payment> {
        self.payments.get_mut(*self.index.payments.get(id)?)
    }

    pub(crate) fn refund(&self, id: &str) -> Option<&Refund> {
        self.refunds.get(*self.index.refunds.get(id)?)
    }

    pub(crate) fn refund_mut(&mut self, id: &str) -> Option<&mut Refund> {
        self.refunds.get_mut(*self.index.refunds.get(id)?)
    }

    pub(crate) fn refunds_of(&self, payment: &str) -> impl Iterator<Item = &Refund> {
        self.index.refunds_of.get(payment).into_iter().flatten().filter_map(|at| self.refunds.get(*at))
    }

    /// A payment's end is another now.
    pub(crate) fn ends_at(&mut self, id: &str, deadline_ms: i64) {
        let Some(&at) = self.index.payments.get(id) else { return };
        self.payments[at].deadline_ms = deadline_ms;
        self.index.deadlines.insert((deadline_ms, at));
    }

    /// The next deadline, of a payment that may be finished already.
    pub(crate) fn next_deadline(&self) -> Option<i64> {
        self.index.deadlines.first().map(|(deadline_ms, _)| *deadline_ms)
    }

    /// Takes the deadlines that have passed: the ids of payments that are open still.
    pub(crate) fn take_due(&mut self, now_ms: i64) -> Vec<String> {
        let later = self.index.deadlines.split_off(&(now_ms + 1, 0));
        let passed = std::mem::replace(&mut self.index.deadlines, later);
        let open = passed.into_iter().filter_map(|(deadline_ms, at)| {
            let payment = self.payments.get(at)?;
            (payment.is_open() && payment.deadline_ms == deadline_ms).then(|| payment.id().to_owned())
        });
        open.collect()
    }

    pub(crate) fn remember(&mut self, slot: String, first: Remembered) {
        self.index.keys.push_back((first.at_ms, slot.clone()));
        self.remembered.insert(slot, first);
    }

    /// Forgets the keys that came before.
    pub(crate) fn forget_keys(&mut self, before_ms: i64) {
        while let Some((_, slot)) = self.index.keys.pop_front_if(|(at_ms, _)| *at_ms <= before_ms) {
            self.remembered.remove(&slot);
        }
    }
}

impl Index {
    fn note(&mut self, at: usize, refund: &Refund) {
        let text = |field: &str| refund.object[field].as_str().unwrap_or_default().to_owned();
        self.refunds.insert(text("id"), at);
        self.refunds_of.entry(text("payment_id")).or_default().push(at);
    }
}
