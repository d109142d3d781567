//! Events that move credits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConsumedPart, LotPart};
use crate::{
    Credits, GenerationId, LotId, Micros, Money, PaymentId, Position, RefundId, ReservationId, Text,
};

/// Where a lot of credits came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LotSource {
    Purchase,
    Welcome,
    Referral,
    Promo,
    Admin,
    Compensation,
}

/// A new lot. available +credits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditsGranted {
    pub lot: LotId,
    pub source: LotSource,
    pub credits: Credits,
    /// of the whole lot; absent when free
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Micros>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    /// the refund that failed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<RefundId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<500>>,
    /// of an inviter's bonus, days since 1970-01-01 UTC: there is a daily bound
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<u32>,
}

/// available −, reserved +. The lots taken are written here, in spending order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditsReserved {
    pub reservation: ReservationId,
    pub generation: GenerationId,
    pub credits: Credits,
    pub taken: Vec<LotPart>,
    pub deadline: Micros,
}

/// reserved −(charged + returned), available +returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationCommitted {
    pub reservation: ReservationId,
    pub charged: Vec<ConsumedPart>,
    pub returned: Vec<LotPart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseReason {
    Failed,
    Canceled,
}

/// reserved −, available +; exactly the lots that were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationReleased {
    pub reservation: ReservationId,
    pub returned: Vec<LotPart>,
    pub reason: ReleaseReason,
}

/// As a release, by the ledger's timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationExpired {
    pub reservation: ReservationId,
    pub returned: Vec<LotPart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevokeReason {
    Refund,
    Chargeback,
    Operator,
    Erasure,
}

/// available −.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditsRevoked {
    pub taken: Vec<ConsumedPart>,
    pub reason: RevokeReason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
}

/// available −.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditsExpired {
    pub lot: LotId,
    pub credits: Credits,
    /// breakage
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue: Option<Money>,
}

/// debt +: what a refund takes back was already spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DebtIncurred {
    pub credits: Credits,
    pub payment: PaymentId,
    pub refund: RefundId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DebtPayer {
    Lots,
    /// The refund that made it failed.
    Undone,
    Forgiven,
    /// The account is erased: kept with the person's fingerprint, for an account opened later.
    SetAside,
}

/// debt −; available −(taken).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DebtPaid {
    pub credits: Credits,
    pub taken: Vec<ConsumedPart>,
    pub by: DebtPayer,
}

/// debt +: an account of this person that was erased left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DebtCarried {
    pub credits: Credits,
}
