//! The events of one command on their way, tried on a copy of the purse.
//!
//! What must follow in the same command follows here: a grant pays the debt, a release of a lot
//! past its time expires it, one of a refunded lot revokes it, a charge of a refunded lot becomes
//! debt.

use proto_events::events::{
    ConsumedPart, CreditsExpired, CreditsGranted, CreditsReserved, CreditsRevoked, DebtCarried, DebtPaid,
    DebtPayer, LotPart, LotSource, ReleaseReason, ReservationCommitted, ReservationExpired,
    ReservationReleased, RevokeReason,
};
use proto_events::{
    Credits, Event, GenerationId, LotId, Micros, Money, PaymentId, Position, RefundId, ReservationId, Text,
};

use super::{Purse, clamped};
use crate::effect::{consumed, parts};
use crate::planted::{self, Bug};
use crate::refusal::Lost;

pub(crate) struct Course {
    pub(super) purse: Purse,
    /// The account's version before the first event.
    version: i64,
    /// By which lots end.
    calendar: Micros,
    events: Vec<Event>,
}

pub(crate) struct Grant {
    pub source: LotSource,
    pub credits: Credits,
    pub price: Option<Money>,
    pub expires_at: Option<Micros>,
    pub payment: Option<PaymentId>,
    pub restores: Option<RefundId>,
    pub cause: Option<Position>,
    pub reason: Option<Text<500>>,
    pub day: Option<u32>,
}

impl Grant {
    /// Free, and without an end.
    pub fn new(source: LotSource, credits: Credits) -> Self {
        Self {
            source,
            credits,
            price: None,
            expires_at: None,
            payment: None,
            restores: None,
            cause: None,
            reason: None,
            day: None,
        }
    }
}

/// How a reservation gives back everything.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Return {
    Release(ReleaseReason),
    Expire,
}

impl Course {
    pub fn new(purse: &Purse, version: i64, calendar: Micros) -> Self {
        Self { purse: purse.clone(), version, calendar, events: Vec::new() }
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
            expires_at: grant.expires_at,
            payment: grant.payment,
            restores: grant.restores,
            cause: grant.cause,
            reason: grant.reason,
            day: grant.day,
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
        let taken = self.purse.take(credits.get(), self.calendar);
        if parts(&taken) != credits.get() {
            return false;
        }
        self.push(CreditsReserved { reservation, generation, credits, taken, deadline });
        true
    }

    /// Charges so much of what the reservation holds, in spending order, and gives back the rest;
    /// what was charged. `None`: it is not open.
    pub fn commit(&mut self, reservation: ReservationId, charge: Option<Credits>) -> Option<Credits> {
        let taken = self.purse.reservations.get(&reservation)?.taken.clone();
        let (charged, returned) = split(&taken, charge.map_or(i64::MAX, Credits::get));
        let lots: Vec<LotId> = returned.iter().map(|p| p.lot).collect();
        let credits = clamped(parts(&charged));
        let charged = self.consume(&charged);
        self.push(ReservationCommitted { reservation, charged, returned });
        self.settle_refunds();
        self.expire(&lots);
        self.pay_debt();
        Some(credits)
    }

    /// Gives back exactly the lots that were taken; `None`: it is not open.
    pub fn give_back(&mut self, reservation: ReservationId, how: Return) -> Option<Credits> {
        let mut returned = self.purse.reservations.get(&reservation)?.taken.clone();
        if planted::is(Bug::ReleaseOtherLots) {
            let newest = self.purse.lots.keys().last().copied().unwrap_or_default();
            returned.iter_mut().for_each(|part| part.lot = newest);
        }
        let lots: Vec<LotId> = returned.iter().map(|p| p.lot).collect();
        let credits = clamped(parts(&returned));
        match how {
            Return::Release(reason) => self.push(ReservationReleased { reservation, returned, reason }),
            Return::Expire => self.push(ReservationExpired { reservation, returned }),
        }
        self.settle_refunds();
        self.expire(&lots);
        self.pay_debt();
        Some(credits)
    }

    /// So many credits of what can be spent leave; `false`, and no event: they are not there.
    pub fn revoke(&mut self, credits: Credits, reason: RevokeReason) -> bool {
        let taken = self.purse.take(credits.get(), self.calendar);
        if parts(&taken) != credits.get() {
            return false;
        }
        let taken = self.consume(&taken);
        self.push(CreditsRevoked { taken, reason, payment: None, refund: None });
        true
    }

    /// Everything that is available leaves; how much that was.
    pub fn revoke_all(&mut self, reason: RevokeReason) -> Credits {
        let left = self.purse.lots.values().filter(|lot| !lot.left.is_zero());
        let taken: Vec<ConsumedPart> = left.map(|lot| lot.part(lot.left)).collect();
        let credits = clamped(consumed(&taken));
        if !taken.is_empty() {
            self.push(CreditsRevoked { taken, reason, payment: None, refund: None });
        }
        credits
    }

    /// Of what is available: how much, how much of it is paid for, and what for.
    pub fn left(&self) -> Lost {
        let mut lost = Lost::default();
        for lot in self.purse.lots.values() {
            lost.credits += lot.left.get();
            if let Some(worth) = lot.part(lot.left).revenue {
                lost.paid += lot.left.get();
                lost.add(worth);
            }
        }
        lost
    }

    pub fn debt(&self) -> i64 {
        self.purse.totals.debt.max(0)
    }

    /// The debt leaves the account; how much it was.
    pub fn set_debt_aside(&mut self) -> Credits {
        let credits = clamped(self.debt());
        if !credits.is_zero() {
            self.push(DebtPaid { credits, taken: Vec::new(), by: DebtPayer::SetAside });
        }
        credits
    }

    /// A debt that was set aside is this account's; nothing when there is none.
    pub fn carry_debt(&mut self, credits: Credits) {
        if !credits.is_zero() {
            self.push(DebtCarried { credits });
        }
    }

    pub fn expire_all(&mut self) {
        let lots: Vec<LotId> = self.purse.lots.keys().copied().collect();
        self.expire(&lots);
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

    /// What is left of these lots leaves, of those past their time.
    pub fn expire(&mut self, lots: &[LotId]) {
        for id in lots {
            let Some(lot) = self.purse.lots.get(id).filter(|lot| lot.is_past(self.calendar)) else {
                continue;
            };
            let mut ending = lot.left;
            if planted::is(Bug::ExpiryIgnoresHold) {
                ending = clamped(lot.left.get() + lot.reserved.get());
            }
            if !ending.is_zero() {
                let part = lot.part(ending);
                self.push(CreditsExpired { lot: part.lot, credits: part.credits, revenue: part.revenue });
            }
        }
    }

    /// Whatever is available pays the debt first.
    pub(super) fn pay_debt(&mut self) {
        let taken = self.purse.take(self.purse.totals.debt.max(0), self.calendar);
        let credits = clamped(parts(&taken));
        if !credits.is_zero() {
            let taken = self.consume(&taken);
            self.push(DebtPaid { credits, taken, by: DebtPayer::Lots });
        }
    }
}

/// The first so many credits, and the rest.
fn split(taken: &[LotPart], first: i64) -> (Vec<LotPart>, Vec<LotPart>) {
    let (mut charged, mut returned, mut need) = (Vec::new(), Vec::new(), first);
    for part in taken {
        let now = clamped(need.min(part.credits.get()));
        let later = clamped(part.credits.get() - now.get());
        need -= now.get();
        for (credits, to) in [(now, &mut charged), (later, &mut returned)] {
            if !credits.is_zero() {
                to.push(LotPart { lot: part.lot, credits });
            }
        }
    }
    (charged, returned)
}
