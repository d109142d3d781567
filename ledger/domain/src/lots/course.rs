//! The events of one command on their way, tried on a copy of the purse.
//!
//! What must follow in the same command follows here: a grant pays the debt, a release of a lot
//! past its time expires it, one of a refunded lot revokes it, a charge of a refunded lot becomes
//! debt.

use proto_events::events::{
    ConsumedPart, CreditsExpired, CreditsGranted, CreditsReserved, CreditsRevoked, DebtIncurred, DebtPaid,
    DebtPayer, LotPart, LotSource, ReleaseReason, ReservationCommitted, ReservationExpired,
    ReservationReleased,
};
use proto_events::{Credits, Event, GenerationId, LotId, Micros, Money, PaymentId, RefundId, ReservationId};

use super::{Purse, Revocation, clamped};
use crate::effect::parts;

pub(crate) struct Course {
    purse: Purse,
    /// The account's version before the first event.
    version: i64,
    now: Micros,
    events: Vec<Event>,
}

pub(crate) struct Grant {
    pub source: LotSource,
    pub credits: Credits,
    pub price: Option<Money>,
    pub payment: Option<PaymentId>,
}

/// How a reservation gives back everything.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Return {
    Release(ReleaseReason),
    Expire,
}

impl Course {
    pub fn new(purse: &Purse, version: i64, now: Micros) -> Self {
        Self { purse: purse.clone(), version, now, events: Vec::new() }
    }

    pub fn done(self) -> Vec<Event> {
        self.events
    }

    pub fn push(&mut self, event: impl Into<Event>) {
        let event = event.into();
        self.purse.evolve(&event);
        self.events.push(event);
    }

    /// A new lot, which pays the debt first. Nothing when there is nothing to grant.
    pub fn grant(&mut self, grant: Grant) {
        if grant.credits.is_zero() {
            return;
        }
        let version = self.version.saturating_add(i64::try_from(self.events.len()).unwrap_or(i64::MAX));
        self.push(CreditsGranted {
            lot: LotId::new(version.saturating_add(1)).unwrap_or_default(),
            source: grant.source,
            credits: grant.credits,
            price: grant.price,
            expires_at: None,
            payment: grant.payment,
            restores: None,
            cause: None,
            reason: None,
        });
        self.pay_debt();
    }

    /// `false`, and no event: the credits are not there.
    pub fn reserve(
        &mut self,
        reservation: ReservationId,
        generation: GenerationId,
        credits: Credits,
        deadline: Micros,
    ) -> bool {
        let taken = self.purse.take(credits.get(), self.now);
        if parts(&taken) != credits.get() {
            return false;
        }
        self.push(CreditsReserved { reservation, generation, credits, taken, deadline });
        true
    }

    /// Charges everything the reservation holds; `None`: it is not open.
    pub fn commit(&mut self, reservation: ReservationId) -> Option<Credits> {
        let taken = self.purse.reservations.get(&reservation)?.taken.clone();
        let charged = self.consume(&taken);
        self.push(ReservationCommitted { reservation, charged, returned: Vec::new() });
        self.owe_what_was_refunded();
        self.pay_debt();
        Some(clamped(parts(&taken)))
    }

    /// Gives back exactly the lots that were taken; `None`: it is not open.
    pub fn give_back(&mut self, reservation: ReservationId, how: Return) -> Option<Credits> {
        let returned = self.purse.reservations.get(&reservation)?.taken.clone();
        let lots: Vec<LotId> = returned.iter().map(|p| p.lot).collect();
        let credits = clamped(parts(&returned));
        match how {
            Return::Release(reason) => self.push(ReservationReleased { reservation, returned, reason }),
            Return::Expire => self.push(ReservationExpired { reservation, returned }),
        }
        self.revoke_what_was_refunded();
        self.expire(&lots);
        self.pay_debt();
        Some(credits)
    }

    fn consume(&self, taken: &[LotPart]) -> Vec<ConsumedPart> {
        taken
            .iter()
            .map(|part| match self.purse.lots.get(&part.lot) {
                Some(lot) => lot.part(part.credits),
                None => ConsumedPart { lot: part.lot, credits: part.credits, revenue: None },
            })
            .collect()
    }

    fn expire(&mut self, lots: &[LotId]) {
        for id in lots {
            let Some(lot) = self.purse.lots.get(id).filter(|lot| lot.is_past(self.now)) else { continue };
            if !lot.left.is_zero() {
                let part = lot.part(lot.left);
                self.push(CreditsExpired { lot: part.lot, credits: part.credits, revenue: part.revenue });
            }
        }
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
        for (refund, revocation) in self.waiting() {
            let lots = self.purse.lots.values().filter(|lot| lot.payment == Some(revocation.payment));
            let there: i64 = lots.map(|lot| lot.left.get() + lot.reserved.get()).sum();
            let credits = clamped(revocation.pending.get() - there);
            if !credits.is_zero() {
                self.push(DebtIncurred { credits, payment: revocation.payment, refund });
            }
        }
    }

    fn waiting(&self) -> Vec<(RefundId, Revocation)> {
        self.purse.revocations.iter().map(|(refund, revocation)| (*refund, *revocation)).collect()
    }

    /// Whatever is available pays the debt first.
    fn pay_debt(&mut self) {
        let taken = self.purse.take(self.purse.totals.debt.max(0), self.now);
        let credits = clamped(parts(&taken));
        if !credits.is_zero() {
            let taken = self.consume(&taken);
            self.push(DebtPaid { credits, taken, by: DebtPayer::Lots });
        }
    }
}
