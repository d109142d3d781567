//! Folding events into a purse. Never fails: what does not fit is counted, and `check` tells.

use proto_events::events::{ConsumedPart, LotPart, RefundBy, RefundOpened, RevokeReason};
use proto_events::{Credits, Event, LotId, RefundId, ReservationId};

use super::{Lot, Purse, Reservation, Revocation, clamped};
use crate::effect::{consumed, effect};

impl Purse {
    pub fn evolve(&mut self, event: &Event) {
        self.add_effect(event);
        match event {
            Event::CreditsGranted(e) => self.add_lot(Lot::new(e)),
            Event::CreditsReserved(e) => {
                self.move_parts(&e.taken, Lot::reserve);
                let open =
                    Reservation { generation: e.generation, deadline: e.deadline, taken: e.taken.clone() };
                if self.reservations.insert(e.reservation, open).is_some() {
                    self.misfit();
                }
            }
            Event::ReservationCommitted(e) => {
                self.close(e.reservation);
                self.move_parts(&lot_parts(&e.charged), Lot::charge);
                self.move_parts(&e.returned, Lot::give_back);
            }
            Event::ReservationReleased(e) => {
                self.close(e.reservation);
                self.move_parts(&e.returned, Lot::give_back);
            }
            Event::ReservationExpired(e) => {
                self.close(e.reservation);
                self.move_parts(&e.returned, Lot::give_back);
            }
            Event::CreditsRevoked(e) => {
                if e.refund.is_none() {
                    e.taken.iter().for_each(|part| self.lapse(part.lot, part.credits));
                }
                self.move_parts(&lot_parts(&e.taken), Lot::lose);
                if let Some(refund) = e.refund {
                    self.less_pending(refund, consumed(&e.taken));
                }
            }
            Event::CreditsExpired(e) => {
                self.lapse(e.lot, e.credits);
                self.move_part(e.lot, e.credits, Lot::lose);
            }
            Event::DebtIncurred(e) => self.less_pending(e.refund, e.credits.get()),
            Event::DebtPaid(e) => self.move_parts(&lot_parts(&e.taken), Lot::lose),
            Event::RefundOpened(e) => self.open_revocation(e),
            Event::RefundFailed(e) => {
                self.revocations.remove(&e.refund);
            }
            _ => {}
        }
    }

    pub fn misfit(&mut self) {
        self.misfits = self.misfits.saturating_add(1);
    }

    fn add_effect(&mut self, event: &Event) {
        let e = effect(event);
        let t = &mut self.totals;
        t.available = t.available.saturating_add(e.available);
        t.reserved = t.reserved.saturating_add(e.reserved);
        t.debt = t.debt.saturating_add(e.debt);
    }

    fn lapse(&mut self, lot: LotId, credits: Credits) {
        if let Some(payment) = self.lots.get(&lot).and_then(|lot| lot.payment) {
            let lapsed = self.lapsed.entry(payment).or_default();
            *lapsed = lapsed.saturating_add(credits.get());
        }
    }

    fn add_lot(&mut self, lot: Lot) {
        if lot.is_used_up() || self.lots.insert(lot.id, lot).is_some() {
            self.misfit();
        }
    }

    fn close(&mut self, reservation: ReservationId) {
        if self.reservations.remove(&reservation).is_none() {
            self.misfit();
        }
    }

    fn move_parts(&mut self, parts: &[LotPart], step: fn(&mut Lot, Credits) -> Option<()>) {
        for part in parts {
            self.move_part(part.lot, part.credits, step);
        }
    }

    fn move_part(&mut self, id: LotId, credits: Credits, step: fn(&mut Lot, Credits) -> Option<()>) {
        let moved = self.lots.get_mut(&id).and_then(|lot| {
            step(lot, credits)?;
            Some(lot.is_used_up())
        });
        match moved {
            None => self.misfit(),
            Some(true) => {
                self.lots.remove(&id);
            }
            Some(false) => {}
        }
    }

    fn open_revocation(&mut self, e: &RefundOpened) {
        let reason = match e.by {
            RefundBy::Operator => RevokeReason::Refund,
            RefundBy::Provider => RevokeReason::Chargeback,
        };
        if !e.credits.is_zero() {
            self.revocations.insert(e.refund, Revocation { payment: e.payment, reason, pending: e.credits });
        }
    }

    fn less_pending(&mut self, refund: RefundId, credits: i64) {
        let Some(revocation) = self.revocations.get_mut(&refund) else { return };
        revocation.pending = clamped(revocation.pending.get() - credits);
        if revocation.pending.is_zero() {
            self.revocations.remove(&refund);
        }
    }
}

/// Steps of credits within a lot. `None`, and nothing changed: they are not there.
impl Lot {
    fn reserve(&mut self, credits: Credits) -> Option<()> {
        let left = self.left.checked_sub(credits)?;
        self.reserved = self.reserved.checked_add(credits)?;
        self.left = left;
        Some(())
    }

    fn give_back(&mut self, credits: Credits) -> Option<()> {
        let reserved = self.reserved.checked_sub(credits)?;
        self.left = self.left.checked_add(credits)?;
        self.reserved = reserved;
        Some(())
    }

    fn charge(&mut self, credits: Credits) -> Option<()> {
        self.reserved = self.reserved.checked_sub(credits)?;
        Some(())
    }

    fn lose(&mut self, credits: Credits) -> Option<()> {
        self.left = self.left.checked_sub(credits)?;
        Some(())
    }
}

fn lot_parts(parts: &[ConsumedPart]) -> Vec<LotPart> {
    parts.iter().map(|p| LotPart { lot: p.lot, credits: p.credits }).collect()
}
