//! What refunds take: what is left of the payment's lots at once, what is reserved when it comes
//! back, what is spent as debt.

use std::collections::BTreeMap;

use proto_events::events::{CreditsRevoked, DebtIncurred};
use proto_events::{PaymentId, RefundId};

use super::{Course, Revocation, clamped};

impl Course {
    /// After a refund was opened: what it takes now, and the debt that whatever else there is pays.
    pub fn take_back(&mut self) {
        self.settle_refunds();
        self.pay_debt();
    }

    /// Whenever credits have come back or gone for good.
    pub(super) fn settle_refunds(&mut self) {
        self.revoke_what_was_refunded();
        self.owe_what_was_refunded();
    }

    /// What is left of a refunded payment's lots, as far as refunds wait for it.
    fn revoke_what_was_refunded(&mut self) {
        for (refund, revocation) in self.waiting() {
            let mut wanted = revocation.pending.get();
            let mut taken = Vec::new();
            for lot in self.purse.lots.values().filter(|lot| lot.payment == Some(revocation.payment)) {
                let credits = clamped(wanted.min(lot.left.get()));
                if !credits.is_zero() {
                    wanted -= credits.get();
                    taken.push(lot.part(credits));
                }
            }
            if !taken.is_empty() {
                let Revocation { payment, reason, .. } = revocation;
                self.push(CreditsRevoked { taken, reason, payment: Some(payment), refund: Some(refund) });
            }
        }
    }

    /// What refunds wait for but can no longer come back, since it was charged.
    fn owe_what_was_refunded(&mut self) {
        // Of two refunds of one payment, the first waits for what is there.
        let mut awaited: BTreeMap<PaymentId, i64> = BTreeMap::new();
        for (refund, revocation) in self.waiting() {
            let Revocation { payment, pending, .. } = revocation;
            let lots = self.purse.lots.values().filter(|lot| lot.payment == Some(payment));
            let there: i64 = lots.map(|lot| lot.left.get() + lot.reserved.get()).sum();
            let awaited = awaited.entry(payment).or_default();
            let credits = clamped(pending.get() - (there - *awaited).max(0));
            *awaited += pending.get() - credits.get();
            if !credits.is_zero() {
                self.push(DebtIncurred { credits, payment, refund });
            }
        }
    }

    fn waiting(&self) -> Vec<(RefundId, Revocation)> {
        self.purse.revocations.iter().map(|(refund, revocation)| (*refund, *revocation)).collect()
    }
}
