//! One lot of credits.

use proto_events::amounts::Minor;
use proto_events::events::{ConsumedPart, CreditsGranted, LotSource};
use proto_events::{Credits, LotId, Micros, Money, PaymentId};
use serde::{Deserialize, Serialize};

use crate::planted::{self, Bug};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lot {
    pub id: LotId,
    pub source: LotSource,
    /// When it was new.
    pub credits: Credits,
    /// Of the whole lot; `None`: free.
    pub price: Option<Money>,
    pub expires_at: Option<Micros>,
    pub payment: Option<PaymentId>,
    pub left: Credits,
    pub reserved: Credits,
}

impl Lot {
    pub fn new(e: &CreditsGranted) -> Self {
        Self {
            id: e.lot,
            source: e.source,
            credits: e.credits,
            price: e.price,
            expires_at: e.expires_at,
            payment: e.payment,
            left: e.credits,
            reserved: Credits::ZERO,
        }
    }

    /// Credits that have left it for good.
    pub fn gone(&self) -> i64 {
        self.credits.get() - self.left.get() - self.reserved.get()
    }

    pub fn is_used_up(&self) -> bool {
        self.left.is_zero() && self.reserved.is_zero()
    }

    pub fn is_past(&self, calendar: Micros) -> bool {
        self.expires_at.is_some_and(|at| at <= calendar)
    }

    /// What expires first, then free before paid, then oldest.
    pub fn spending_order(&self) -> (Micros, bool, LotId) {
        (self.expires_at.unwrap_or(Micros::MAX), self.price.is_some(), self.id)
    }

    /// These credits leaving for good next, with what they earn.
    pub fn part(&self, credits: Credits) -> ConsumedPart {
        let gone = self.gone();
        let revenue = self.price.map(|price| {
            let mut minor = self.earned(price, gone.saturating_add(credits.get())) - self.earned(price, gone);
            if planted::is(Bug::RevenueRounding) {
                minor = self.earned(price, credits.get());
            }
            // Invariant: a difference of floors of parts of the price is between 0 and the price.
            Money { amount: Minor::new(minor).unwrap_or(Minor::MIN), currency: price.currency }
        });
        ConsumedPart { lot: self.id, credits, revenue }
    }

    /// Earned in all once `gone` credits have left: floors of the whole, so that the parts add up
    /// to the price exactly.
    fn earned(&self, price: Money, gone: i64) -> i64 {
        // At most 10^12 × 10^9 before the division: past i64, within i128.
        let whole = i128::from(price.minor()) * i128::from(gone.clamp(0, self.credits.get()));
        i64::try_from(whole / i128::from(self.credits.get().max(1))).unwrap_or(i64::MAX)
    }
}
