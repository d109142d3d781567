//! Events of top-ups and refunds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Credits, Micros, Money, PaymentId, Rail, RefundId, Text};

/// A provider's id of a payment, a charge or a refund.
pub type ProviderId = Text<128>;

/// What a payer pays with on YooKassa's page, chosen beforehand; in YooKassa's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayMethod {
    BankCard,
    Sbp,
    /// SberPay
    Sberbank,
    /// T-Pay
    TinkoffBank,
    YooMoney,
}

impl PayMethod {
    pub const ALL: [Self; 5] = [Self::BankCard, Self::Sbp, Self::Sberbank, Self::TinkoffBank, Self::YooMoney];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BankCard => "bank_card",
            Self::Sbp => "sbp",
            Self::Sberbank => "sberbank",
            Self::TinkoffBank => "tinkoff_bank",
            Self::YooMoney => "yoo_money",
        }
    }
}

impl std::str::FromStr for PayMethod {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|m| m.as_str() == s).ok_or(())
    }
}

/// The person chose a package. Nothing is owed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentOpened {
    pub payment: PaymentId,
    pub rail: Rail,
    pub package: Text<64>,
    #[serde(deserialize_with = "crate::amounts::version")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub catalog_version: i64,
    pub credits: Credits,
    pub price: Money,
    pub expires_at: Micros,
    /// rail yookassa: chosen in the bot; absent: on YooKassa's page
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<PayMethod>,
    /// this payment's bill was paid before: this one came for the same bill once more
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_of: Option<PaymentId>,
}

/// The provider knows the payment under this id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentRegistered {
    pub payment: PaymentId,
    pub rail: Rail,
    pub provider_payment_id: ProviderId,
}

/// The provider has the money; proven by asking it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentSettled {
    pub payment: PaymentId,
    pub rail: Rail,
    pub provider_payment_id: ProviderId,
    pub amount: Money,
    /// after the provider's fee
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Money>,
    pub test: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Micros>,
}

/// The provider's fee of a settled payment, which its settlement did not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentFeeRecorded {
    pub payment: PaymentId,
    pub rail: Rail,
    pub provider_payment_id: ProviderId,
    pub fee: Money,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentCanceled {
    pub payment: PaymentId,
    pub rail: Rail,
    /// the vendor's word
    pub party: Text<64>,
    /// the vendor's word
    pub reason: Text<128>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentProblem {
    UnknownPayment,
    AmountDiffers,
    CurrencyDiffers,
    ShopDiffers,
    TestDiffers,
    IdDiffers,
    AccountUnknown,
    /// More went back at the provider than was paid here.
    RefundExceeds,
    /// The provider only holds the money.
    NotCaptured,
}

/// What the provider showed of a quarantined payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentSeen {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    pub status: Text<64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<bool>,
    /// as it was written, if it is none of our currencies or no amount
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_amount: Option<Text<40>>,
    /// the provider's id of the shop
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<Text<64>>,
    /// what it said our id was
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<Text<128>>,
}

/// Something disagrees; a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentQuarantined {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    pub rail: Rail,
    pub provider_payment_id: ProviderId,
    pub problems: Vec<PaymentProblem>,
    pub seen: PaymentSeen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineOutcome {
    Settled,
    Dismissed,
}

/// A person has decided. Settled: PaymentSettled follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarantineResolved {
    pub rail: Rail,
    pub provider_payment_id: ProviderId,
    pub outcome: QuarantineOutcome,
    pub reason: Text<500>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundBy {
    Operator,
    Provider,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundOpened {
    pub refund: RefundId,
    pub payment: PaymentId,
    pub amount: Money,
    pub credits: Credits,
    pub by: RefundBy,
    pub reason: Text<500>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundSettled {
    pub refund: RefundId,
    pub rail: Rail,
    pub provider_refund_id: ProviderId,
    pub amount: Money,
    /// by the provider's clock
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_at: Option<Micros>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundFailed {
    pub refund: RefundId,
    pub reason: Text<128>,
}
