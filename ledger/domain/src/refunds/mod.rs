//! Refunds and chargebacks: money that goes back, and the credits it bought.
//!
//! Phases: open (the credits are taken: what is left at once, what is reserved when it comes back,
//! what is spent as debt) → settled, or failed, which gives back what was taken.

mod decide;
mod evolve;

use std::collections::BTreeMap;

use proto_events::{Credits, Money, PaymentId, Rail, RefundId};
use serde::{Deserialize, Serialize};

pub(crate) use decide::{fail, open, settle, worth};
pub(crate) use evolve::evolve;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundState {
    Open,
    Settled,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub state: RefundState,
    pub payment: PaymentId,
    pub amount: Money,
    pub credits: Credits,
    /// Taken from the payment's lots so far, and the money that moved with them, minor units.
    pub revoked: i64,
    pub moved: i64,
    /// Of the debt it made, what was not forgiven since.
    pub owed: i64,
}

pub(crate) type Refunds = BTreeMap<RefundId, Refund>;

/// Money and credits of a payment that went back, or are on their way.
pub(crate) fn of_payment(refunds: &Refunds, payment: PaymentId) -> (i64, i64) {
    refunds
        .values()
        .filter(|r| r.payment == payment && r.state != RefundState::Failed)
        .fold((0, 0), |(money, credits), r| (money + r.amount.minor(), credits + r.credits.get()))
}

/// Money of a payment that went back, or is on its way; minor units.
pub(crate) fn money_back(refunds: &Refunds, payment: PaymentId) -> i64 {
    of_payment(refunds, payment).0
}

/// Those of a payment that did not fail: what each gives back, and whether it is open.
pub(crate) fn standing(refunds: &Refunds, payment: PaymentId) -> Vec<(RefundId, Money, bool)> {
    let of = |(_, r): &(&RefundId, &Refund)| r.payment == payment && r.state != RefundState::Failed;
    refunds.iter().filter(of).map(|(id, r)| (*id, r.amount, r.state == RefundState::Open)).collect()
}

pub(crate) fn open_ones(refunds: &Refunds) -> impl Iterator<Item = RefundId> {
    refunds.iter().filter(|(_, r)| r.state == RefundState::Open).map(|(id, _)| *id)
}

/// The rail a refund goes by is its payment's.
pub(crate) fn rail_of(state: &crate::account::Account, refund: &Refund) -> Option<Rail> {
    state.payments.get(&refund.payment).map(|p| p.rail)
}
