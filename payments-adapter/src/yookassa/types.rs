//! YooKassa's objects as far as we use them. Read leniently: unknown fields are passed over, words
//! that may grow (statuses, reasons) stay strings, what is not vital may be absent.

use std::collections::BTreeMap;

use proto_events::{Micros, Money, PaymentId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{METADATA_PAYMENT, amount, moment};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub value: String,
    pub currency: String,
}

impl Amount {
    pub fn money(&self) -> Option<Money> {
        amount::parse(&self.value, &self.currency)
    }
}

/// The body of `POST /payments`. The same payment must always give the same body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewPayment {
    pub amount: Amount,
    /// false would only hold the money
    pub capture: bool,
    pub confirmation: NewConfirmation,
    /// At most 128 characters.
    pub description: String,
    /// absent: the payer chooses on YooKassa's page
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method_data: Option<NewMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    pub metadata: BTreeMap<&'static str, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewMethod {
    pub r#type: &'static str,
}

/// A receipt after 54-FZ: one line, the credits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    pub customer: Customer,
    pub items: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_system_code: Option<u8>,
}

/// The body of `POST /receipts`: one that comes after a payment's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewReceipt {
    pub r#type: &'static str,
    pub payment_id: String,
    pub customer: Customer,
    pub items: Vec<Item>,
    pub send: bool,
    pub settlements: Vec<Settlement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_system_code: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    pub r#type: String,
    pub amount: Amount,
}

/// A receipt, as far as we look at it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReceiptMade {
    pub id: String,
    #[serde(default)]
    pub settlements: Vec<Settlement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Customer {
    pub email: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// At most 128 characters.
    pub description: String,
    pub quantity: u32,
    pub amount: Amount,
    pub vat_code: u8,
    pub payment_subject: String,
    pub payment_mode: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewConfirmation {
    pub r#type: &'static str,
    pub return_url: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Payment {
    pub id: String,
    /// pending, waiting_for_capture, succeeded, canceled
    pub status: String,
    pub amount: Amount,
    /// after the fee
    #[serde(default)]
    pub income_amount: Option<Amount>,
    #[serde(default)]
    pub paid: Option<bool>,
    #[serde(default)]
    pub test: Option<bool>,
    #[serde(default)]
    pub captured_at: Option<String>,
    #[serde(default)]
    pub confirmation: Option<Confirmation>,
    #[serde(default)]
    pub cancellation_details: Option<Cancellation>,
    #[serde(default)]
    pub recipient: Option<Recipient>,
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, Value>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Confirmation {
    #[serde(default)]
    pub confirmation_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Cancellation {
    #[serde(default)]
    pub party: String,
    #[serde(default)]
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recipient {
    #[serde(default)]
    pub account_id: Option<String>,
}

impl Payment {
    /// What it says our payment is, in whatever form.
    pub fn named(&self) -> Option<String> {
        let said = self.metadata.as_ref()?.get(METADATA_PAYMENT)?;
        Some(said.as_str().map_or_else(|| said.to_string(), str::to_owned))
    }

    /// Our payment, if the metadata names one in our form.
    pub fn ours(&self) -> Option<PaymentId> {
        self.metadata.as_ref()?.get(METADATA_PAYMENT)?.as_str()?.parse().ok()
    }

    pub fn checkout_url(&self) -> Option<&str> {
        self.confirmation.as_ref()?.confirmation_url.as_deref()
    }

    pub fn captured(&self) -> Option<Micros> {
        moment::parse(self.captured_at.as_deref()?)
    }
}

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Page<T> {
    #[serde(default = "Vec::new")]
    pub items: Vec<T>,
    #[serde(default)]
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_real_answer_is_read_with_all_it_has_besides() {
        let payment: Payment = serde_json::from_value(json!({
            "id": "23d93cac-000f-5000-8000-126628f15141", "status": "a_status_of_2030", "paid": false,
            "amount": {"value": "100.00", "currency": "RUB"}, "created_at": "2019-01-22T14:30:45.129Z",
            "confirmation": {"type": "redirect", "confirmation_url": "https://yoomoney.ru/x", "new": [1]},
            "description": "Заказ №1", "metadata": {"payment_id": "nonsense", "cms_name": "x"},
            "recipient": {"account_id": "100500", "gateway_id": "100700"}, "refundable": false, "test": true,
            "payment_method": {"type": "a_new_method", "id": "23d", "saved": false}, "transfers": [],
        }))
        .unwrap();
        assert_eq!(payment.checkout_url(), Some("https://yoomoney.ru/x"));
        assert_eq!(payment.amount.money().unwrap().minor(), 10_000);
        assert_eq!((payment.ours(), payment.captured(), payment.test), (None, None, Some(true)));
    }

    #[test]
    fn the_least_that_makes_a_payment_is_read() {
        let least = json!({"id": "a", "status": "pending", "amount": {"value": "1.00", "currency": "RUB"},
            "metadata": null, "confirmation": null, "paid": null});
        assert!(serde_json::from_value::<Payment>(least).is_ok());
        assert!(serde_json::from_value::<Payment>(json!({"id": "a", "status": "pending"})).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = serde_json::from_slice::<Payment>(&bytes);
            let _ = serde_json::from_slice::<Page<Payment>>(&bytes);
        }
    }
}
