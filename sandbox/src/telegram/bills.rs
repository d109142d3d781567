//! What is to be paid, what is being paid, and what was.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Invoice {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) payload: String,
    pub(crate) currency: String,
    pub(crate) total_amount: i64,
    pub(crate) need_email: bool,
    #[serde(default)]
    pub(crate) need_phone: bool,
    /// What of it the provider is told.
    #[serde(default)]
    pub(crate) send_email: bool,
    #[serde(default)]
    pub(crate) send_phone: bool,
    /// Not Stars: the provider's money.
    pub(crate) provider: bool,
    /// The provider's token is one for tests.
    #[serde(default)]
    pub(crate) test: bool,
    #[serde(default)]
    pub(crate) provider_data: Option<String>,
    /// With it a forwarded copy has a link instead of a Pay button.
    #[serde(default)]
    pub(crate) start_parameter: Option<String>,
}

/// A pre-checkout query.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Checkout {
    pub(crate) id: String,
    pub(crate) user: i64,
    pub(crate) asked_ms: i64,
    /// `Some(Ok)` or `Some(Err(why))` once answered.
    pub(crate) answer: Option<Result<(), String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(crate) telegram_payment_charge_id: String,
    pub(crate) provider_payment_charge_id: String,
    pub(crate) user: i64,
    pub(crate) currency: String,
    pub(crate) total_amount: i64,
    pub(crate) invoice_payload: String,
    pub(crate) date: i64,
    pub(crate) refunded_at: Option<i64>,
    /// Its place among all transactions, and its refund's.
    #[serde(default)]
    pub(crate) row: u64,
    #[serde(default)]
    pub(crate) refund_row: u64,
}

impl Charge {
    /// Whether it is this charge, and of Stars.
    pub(crate) fn is_stars(&self, id: &str) -> bool {
        self.telegram_payment_charge_id == id && self.currency == "XTR"
    }
}
