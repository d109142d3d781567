//! What YooKassa keeps: payments, refunds, remembered keys, notifications under way.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::index::Index;

/// What the list of settled notifications shows in `/books`.
pub(crate) const SETTLED_MAX: usize = 10_000;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct YooKassa {
    /// Oldest first.
    pub(crate) payments: Vec<Payment>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) receipts: Vec<Receipt>,
    /// By shop, path and key.
    pub(crate) remembered: BTreeMap<String, Remembered>,
    pub(crate) notifications: Vec<Notification>,
    pub(crate) settled: VecDeque<Value>,
    pub(crate) next_notification: u64,
    /// Shops and the keys they first came with; forgotten with the process, since keys change.
    #[serde(skip)]
    pub(crate) shops: BTreeMap<String, String>,
    #[serde(skip)]
    pub(super) index: Index,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) shop: String,
    /// The API's `Payment`.
    pub(crate) object: Value,
    pub(crate) created_ms: i64,
    pub(crate) captured_ms: Option<i64>,
    pub(crate) capture: bool,
    pub(crate) return_url: Option<String>,
    /// As it came with the payment.
    #[serde(default)]
    pub(crate) receipt: Option<Value>,
    /// By the sandbox's clock; while pending or held.
    pub(crate) deadline_ms: i64,
}

impl Payment {
    pub(crate) fn id(&self) -> &str {
        self.object["id"].as_str().unwrap_or_default()
    }

    pub(crate) fn status(&self) -> &str {
        self.object["status"].as_str().unwrap_or_default()
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.status(), "pending" | "waiting_for_capture")
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) shop: String,
    pub(crate) object: Value,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) succeeded_ms: Option<i64>,
    #[serde(default)]
    pub(crate) receipt: Option<Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) shop: String,
    /// The API's `Receipt`, which does not say whom it was sent to.
    pub(crate) object: Value,
    pub(crate) customer: Value,
    pub(crate) created_ms: i64,
}

/// The first answer to an Idempotence-Key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) body_sha256: String,
    pub(crate) answer: Value,
    pub(crate) at_ms: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Notification {
    pub(crate) number: u64,
    pub(crate) event: String,
    pub(crate) object_id: String,
    pub(crate) body: Value,
    pub(crate) created_ms: i64,
    pub(crate) attempts: u32,
    pub(crate) next_attempt_ms: i64,
    pub(crate) last_status: Option<u16>,
    /// Waits until another one was delivered.
    #[serde(default)]
    pub(crate) waits_for_another: bool,
}
