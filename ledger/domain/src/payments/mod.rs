//! Top-ups.

mod again;
mod decide;
mod evolve;
mod quarantine;

use std::collections::BTreeMap;

use proto_events::events::ProviderId;
use proto_events::{Credits, Micros, Money, PaymentId, Rail, Text};
use serde::{Deserialize, Serialize};

pub(crate) use again::settle_again;
pub(crate) use decide::{cancel, fee, find, grant_purchase, must_be_free, open, register, settle};
pub(crate) use evolve::evolve;
pub(crate) use quarantine::{
    Quarantines, evolve_quarantines, must_be_seen, quarantine, quarantine_key, resolve,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentState {
    /// Opened or registered.
    Open,
    Settled,
    Canceled,
}

/// Canceled ones are kept whole: the provider may still turn out to have the money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub state: PaymentState,
    pub rail: Rail,
    /// What was asked for; once it is settled, what was bought and paid.
    pub credits: Credits,
    pub price: Money,
    pub expires_at: Micros,
    pub provider_payment_id: Option<ProviderId>,
    /// Where its terms came from.
    pub package: Text<64>,
    pub catalog_version: i64,
    /// What the provider kept is in the books.
    pub fee_known: bool,
}

pub(crate) type Payments = BTreeMap<PaymentId, Payment>;

/// Those that a person could still pay.
pub(crate) fn open_ones(payments: &Payments, now: Micros) -> impl Iterator<Item = PaymentId> {
    let open = move |p: &Payment| p.state == PaymentState::Open && p.expires_at > now;
    payments.iter().filter(move |(_, p)| open(p)).map(|(id, _)| *id)
}
