//! Lots of credits, what is reserved of them, and what is owed.
//!
//! Phases of a credit: left in its lot → reserved → gone (consumed, expired, revoked), or back.
//! A [`Purse`] is what `decide` may copy to try events on: lots that are used up are dropped, so
//! it stays small however long the account lives.

mod course;
mod decide;
mod evolve;
mod lot;
mod refunded;

use std::collections::BTreeMap;

use proto_events::events::{LotPart, RevokeReason};
use proto_events::{Credits, GenerationId, LotId, Micros, PaymentId, RefundId, ReservationId};
use serde::{Deserialize, Serialize};

pub(crate) use course::{Course, Grant, Return};
pub(crate) use decide::{expire, forgive, grant, revoke};
pub(crate) use lot::Lot;

/// What a person has. Debt > 0 means available = 0, but for lots about to expire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    pub available: Credits,
    pub reserved: Credits,
    pub debt: Credits,
}

/// A balance as the sum of effects; wider than [`Credits`], since sums of many grants may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub available: i64,
    pub reserved: i64,
    pub debt: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reservation {
    pub generation: GenerationId,
    pub deadline: Micros,
    /// In spending order.
    pub taken: Vec<LotPart>,
}

/// A refund that still has to take back credits that were reserved when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revocation {
    pub payment: PaymentId,
    pub reason: RevokeReason,
    pub pending: Credits,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Purse {
    pub totals: Totals,
    /// Without those that are used up.
    pub lots: BTreeMap<LotId, Lot>,
    /// Open ones only.
    pub reservations: BTreeMap<ReservationId, Reservation>,
    /// Those with something pending.
    pub revocations: BTreeMap<RefundId, Revocation>,
    /// Of payments' lots: credits that were never spent, since they expired or were revoked by an
    /// operator or an erasure. A refund makes no debt of them.
    pub lapsed: BTreeMap<PaymentId, i64>,
    /// Events that did not fit: `check` reports them, `evolve` goes on.
    pub misfits: u32,
}

/// `n` within the bounds of [`Credits`].
pub(crate) fn clamped(n: i64) -> Credits {
    Credits::new(n.clamp(0, Credits::MAX.get())).unwrap_or(Credits::ZERO)
}

impl Purse {
    pub fn balance(&self) -> Balance {
        Balance {
            available: clamped(self.totals.available),
            reserved: clamped(self.totals.reserved),
            debt: clamped(self.totals.debt),
        }
    }

    /// What could be reserved now: lots past their time don't count, even before they expire.
    pub fn spendable(&self, calendar: Micros) -> i64 {
        self.lots.values().filter(|lot| !lot.is_past(calendar)).map(|lot| lot.left.get()).sum()
    }

    /// Up to `need` credits in spending order.
    pub fn take(&self, need: i64, calendar: Micros) -> Vec<LotPart> {
        let mut lots: Vec<&Lot> =
            self.lots.values().filter(|lot| !lot.left.is_zero() && !lot.is_past(calendar)).collect();
        lots.sort_unstable_by_key(|lot| lot.spending_order());
        let mut need = need;
        let mut taken = Vec::new();
        for lot in lots {
            let credits = clamped(need.min(lot.left.get()));
            if credits.is_zero() {
                break;
            }
            need -= credits.get();
            taken.push(LotPart { lot: lot.id, credits });
        }
        taken
    }
}
