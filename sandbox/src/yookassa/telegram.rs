//! Payments that come from a Telegram invoice with a provider's token: YooKassa's payments like any
//! other, made and captured at once, and known to Telegram by their id.

use serde_json::{Value, json};

use super::{
    payments::{self, Making, Shop},
    receipt_rules,
};
use crate::world::{State, World};

/// What Telegram hands over once the bot has agreed to the payment.
pub(crate) struct Bill {
    /// Kopecks.
    pub(crate) total: i64,
    pub(crate) description: String,
    pub(crate) test: bool,
    /// Of provider_data; null when there is none.
    pub(crate) receipt: Value,
    /// What the bot wants the provider told.
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    /// The card is declined for this reason.
    pub(crate) declined: Option<String>,
}

/// The payment's id. `Err` says to the payer why there is none.
pub(crate) fn charge(world: &World, state: &mut State, bill: &Bill) -> Result<String, String> {
    let receipt = receipt(bill);
    if let Some(receipt) = &receipt {
        receipt_rules::check(receipt, bill.total)
            .map_err(|error| format!("PAYMENT_FAILED: {}", error.description))?;
    }
    let shop = Shop { id: world.options.yookassa_shop_id.clone(), test: bill.test };
    let making = Making {
        total: bill.total,
        description: Some(json!(bill.description)),
        method: Some("bank_card"),
        receipt,
        capture: true,
        ..Making::default()
    };
    let id = payments::make(world, state, &shop, making);
    match &bill.declined {
        None => payments::succeed(world, state, &id, None)?,
        Some(reason) => {
            payments::give_up(world, state, &id, "payment_network", reason)?;
            return Err(format!("PAYMENT_FAILED: {reason}"));
        }
    };
    Ok(id)
}

/// The bot's receipt, completed by what it wants the provider told.
fn receipt(bill: &Bill) -> Option<Value> {
    let mut receipt = Some(bill.receipt.clone()).filter(|receipt| !receipt.is_null())?;
    for (field, said) in [("email", &bill.email), ("phone", &bill.phone)] {
        if let (Some(said), true) = (said, receipt.is_object() && receipt["customer"][field].is_null()) {
            if receipt["customer"].is_null() {
                receipt["customer"] = json!({});
            }
            if let Some(customer) = receipt["customer"].as_object_mut() {
                customer.insert(field.to_owned(), json!(said));
            }
        }
    }
    Some(receipt)
}
