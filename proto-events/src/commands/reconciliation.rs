//! What services report of the vendors' own words: notifications as they came, a day of a provider's
//! books, and what comparing it with the log brought.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{DayNumber, DifferenceFound, MoneyMoved, ProviderId, ReconciliationFinished};
use crate::{Micros, Money, PaymentId, Provider, Text};

/// Differences in one command; more are counted and not named.
pub const DIFFERENCES_MAX: usize = 120;
/// Rows in one command: they fit its bytes.
pub const PROVIDER_ROWS_MAX: usize = 100;
/// Of a vendor's words that are kept.
pub const NOTICE_BYTES_MAX: usize = 16 * 1024;

/// A day of a provider was compared with the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationRecord {
    pub finished: ReconciliationFinished,
    /// The first [`DIFFERENCES_MAX`] of them.
    pub differences: Vec<DifferenceFound>,
}

/// Operational: a vendor's words about a payment, as they came, for disputes. Kept once however often they come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeKeep {
    pub provider: Provider,
    /// `payment.succeeded`; `GET payment` for what was read as the proof
    pub event: Text<64>,
    /// the provider's id of what it is about
    pub object: ProviderId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    /// at most [`NOTICE_BYTES_MAX`] bytes, cut beyond
    pub body: String,
    /// what came of it: a word
    pub outcome: Text<64>,
}

/// Operational: the second receipt of a payment, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptDone {
    pub payment: PaymentId,
    /// the provider's id of the receipt, or a word
    pub receipt: Text<128>,
}

/// What the provider's books say of one payment or refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderRow {
    pub of: MoneyMoved,
    pub id: ProviderId,
    /// of a refund: the provider's id of its payment
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<ProviderId>,
    pub amount: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Money>,
    pub at: Micros,
}

/// Operational: a part of what the provider's books say; the same again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderRowsPut {
    pub provider: Provider,
    /// At most [`PROVIDER_ROWS_MAX`].
    pub rows: Vec<ProviderRow>,
}

/// Operational: all of that day's rows are there. The ledger compares them with the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderDayDone {
    pub provider: Provider,
    pub day: DayNumber,
}
