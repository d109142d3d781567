//! YooKassa's refunds, as far as we use them; read as leniently as payments.

use std::collections::BTreeMap;

use proto_events::{Micros, RefundId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    METADATA_REFUND, moment,
    types::{Amount, Cancellation, Receipt},
};

/// The body of `POST /refunds`. The same refund must always give the same body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewRefund {
    pub payment_id: String,
    pub amount: Amount,
    /// At most 250 characters.
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    pub metadata: BTreeMap<&'static str, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refund {
    pub id: String,
    pub payment_id: String,
    /// pending, succeeded, canceled
    pub status: String,
    pub amount: Amount,
    #[serde(default)]
    pub created_at: Option<String>,
    #[serde(default)]
    pub cancellation_details: Option<Cancellation>,
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, Value>>,
}

impl Refund {
    /// Our refund, if the metadata names one in our form.
    pub fn ours(&self) -> Option<RefundId> {
        self.metadata.as_ref()?.get(METADATA_REFUND)?.as_str()?.parse().ok()
    }

    /// When it was made: a refund has no later time.
    pub fn made(&self) -> Option<Micros> {
        moment::parse(self.created_at.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refund_of_the_cabinet_is_read_and_is_not_ours() {
        let refund: Refund = serde_json::from_value(json!({
            "id": "216749f7-0016-50be-b000-078d43a63ae4", "status": "succeeded",
            "amount": {"value": "1.00", "currency": "RUB"}, "created_at": "2017-10-04T19:27:51.407Z",
            "payment_id": "216749da-000f-50be-b000-096747fad91e", "new_field": [1],
        }))
        .unwrap();
        assert_eq!((refund.ours(), refund.made().map(Micros::get)), (None, Some(1_507_145_271_407_000)));
    }
}
