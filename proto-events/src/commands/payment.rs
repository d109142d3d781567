//! Commands about top-ups.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ChatContext;
use crate::events::ProviderId;
use crate::{Micros, Money, PaymentId, Rail, Text};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopupOpen {
    pub package: Text<64>,
    pub rail: Rail,
    pub context: ChatContext,
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
