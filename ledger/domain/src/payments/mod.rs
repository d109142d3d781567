//! Top-ups.

mod decide;
mod evolve;

use std::collections::BTreeMap;

use proto_events::events::ProviderId;
use proto_events::{Credits, Micros, Money, PaymentId, Rail};
use serde::{Deserialize, Serialize};

pub(crate) use decide::{cancel, open, register, settle};
pub(crate) use evolve::evolve;

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
    pub credits: Credits,
    pub price: Money,
    pub expires_at: Micros,
    pub provider_payment_id: Option<ProviderId>,
}

pub(crate) type Payments = BTreeMap<PaymentId, Payment>;

/// Those that a person could still pay.
pub(crate) fn open_count(payments: &Payments, now: Micros) -> usize {
    payments.values().filter(|p| p.state == PaymentState::Open && p.expires_at > now).count()
}
