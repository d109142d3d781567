//! Commands about top-ups.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ChatContext;
use crate::events::{PayMethod, PaymentProblem, PaymentSeen, ProviderId};
use crate::{Micros, Money, PaymentId, Rail, RefundId, SomeCredits, SomeMoney, Text};

/// Where a receipt of a payment goes. Personal: kept in side tables.
pub type Email = Text<254>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopupOpen {
    pub package: Text<64>,
    pub rail: Rail,
    pub context: ChatContext,
    /// rail yookassa only
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<PayMethod>,
    /// for the receipt, where the shop gives one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentRegister {
    pub payment: PaymentId,
    pub rail: Rail,
    pub provider_payment_id: ProviderId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_url: Option<Text<2048>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentSettle {
    pub payment: PaymentId,
    pub rail: Rail,
    pub provider_payment_id: ProviderId,
    pub amount: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Money>,
    pub test: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Micros>,
    /// where it was paid, if in a chat: a bill that is paid once more is told there
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ChatContext>,
}

/// What the provider kept of a payment, learned after it was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentFee {
    pub payment: PaymentId,
    pub rail: Rail,
    pub provider_payment_id: ProviderId,
    /// after the fee
    pub net: Money,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentCancel {
    pub payment: PaymentId,
    pub rail: Rail,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_payment_id: Option<ProviderId>,
    pub party: Text<64>,
    pub reason: Text<128>,
}

/// Something about a payment disagrees: nothing is credited until a person has decided. One that
/// names no payment of ours goes to the stream `operations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentQuarantine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    pub rail: Rail,
    pub provider_payment_id: ProviderId,
    pub problems: Vec<PaymentProblem>,
    pub seen: PaymentSeen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum QuarantineVerdict {
    /// The money is there: so much of it, for so many credits.
    Settle { amount: SomeMoney, credits: SomeCredits, test: bool },
    /// Nothing is owed to anybody here.
    Dismiss,
}

/// What a person decided about a quarantined payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarantineResolve {
    pub rail: Rail,
    pub provider_payment_id: ProviderId,
    pub verdict: QuarantineVerdict,
    pub reason: Text<500>,
}

/// Money is to go back (console), or was taken back by the provider (adapters: a chargeback).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundOpen {
    pub payment: PaymentId,
    pub rail: Rail,
    pub amount: SomeMoney,
    pub reason: Text<500>,
    /// the provider has given it back already, under this id: it is settled at once
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_refund_id: Option<ProviderId>,
    /// by the provider's clock; with the id only
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_at: Option<Micros>,
    /// how many events the account had when a person agreed to what this takes; another number is refused
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// The provider has given the money back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundSettle {
    pub refund: RefundId,
    pub rail: Rail,
    pub provider_refund_id: ProviderId,
    pub amount: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_at: Option<Micros>,
}

/// The provider will not give the money back: the credits return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundFail {
    pub refund: RefundId,
    pub rail: Rail,
    pub reason: Text<128>,
}
