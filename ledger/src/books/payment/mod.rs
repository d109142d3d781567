//! A payment's whole life, from the log: what was asked and paid, the lots it bought and what became of them, what went
//! back, what was doubted, and every event of it.
//!
//! Phases: an id of any kind → the payment it belongs to (`find`) → its account's events → folded (`life`).
//! Cost: that account's events, found by its index; never the log's length.

mod find;
mod life;

use proto_events::events::{PayMethod, PaymentProblem, QuarantineOutcome};
use proto_events::{AccountId, Money, PaymentId, Rail, RefundId};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgPool;

pub use find::{Found, find};
#[cfg(test)]
pub(crate) use life::tests::sample;

use super::{BooksError, account_rows};
use crate::projections::Lot;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Opened,
    Registered,
    Settled,
    Canceled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    Opened,
    Settled,
    Failed,
}

/// Times are µs since 1970-01-01 UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Life {
    pub payment: PaymentId,
    pub account: AccountId,
    pub rail: Rail,
    pub method: Option<PayMethod>,
    pub package: String,
    /// What was asked for.
    pub credits: i64,
    pub price: Money,
    pub state: State,
    pub provider_payment_id: Option<String>,
    /// Of whose bill this was one more payment.
    pub again_of: Option<PaymentId>,
    pub opened_at: i64,
    pub expires_at: i64,
    pub closed_at: Option<i64>,
    pub canceled: Option<String>,
    pub paid: Option<Money>,
    /// By the provider's clock.
    pub paid_at: Option<i64>,
    pub fee: Option<Money>,
    pub net: Option<Money>,
    pub test: Option<bool>,
    pub lots: Vec<Bought>,
    pub refunds: Vec<Refund>,
    pub quarantine: Vec<Quarantine>,
    pub events: Vec<Line>,
}

/// A lot that the payment bought, or that a refund which failed gave back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bought {
    pub lot: i64,
    pub restores: Option<RefundId>,
    #[serde(flatten)]
    pub stands: Lot,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refund {
    pub refund: RefundId,
    pub state: RefundState,
    pub amount: Money,
    pub credits: i64,
    /// Taken back of the payment's lots, and what became debt since it was spent.
    pub taken: i64,
    pub debt: i64,
    pub by: String,
    pub reason: String,
    pub provider_refund_id: Option<String>,
    pub opened_at: i64,
    /// By the provider's clock.
    pub refunded_at: Option<i64>,
    pub closed_at: Option<i64>,
    pub failure: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quarantine {
    pub position: i64,
    pub recorded_at: i64,
    pub provider_payment_id: String,
    pub problems: Vec<PaymentProblem>,
    /// The provider's word.
    pub status: String,
    pub amount: Option<Money>,
    /// `None`: a person still has to decide.
    pub outcome: Option<QuarantineOutcome>,
    pub decided: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    pub position: i64,
    pub recorded_at: i64,
    pub r#type: String,
    pub what: String,
    pub actor: String,
}

/// # Errors
/// The payment is not in the log, or its account's events can't be read.
pub async fn life(pool: &PgPool, payment: PaymentId) -> Result<Option<Life>, BooksError> {
    let rows = account_rows(pool, payment.account(), i64::MAX).await?;
    life::fold(&rows, payment)
}
