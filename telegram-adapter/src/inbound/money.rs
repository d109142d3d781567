//! What Telegram says of money: a question before it is taken, a notice when it came, one when it went back.

use serde_json::Value;

use super::update::{BadUpdate, Person, id, person, text};

/// May this be paid? Wants an answer within 10 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    pub id: String,
    pub from: Person,
    pub currency: String,
    /// In the currency's smallest unit.
    pub amount: i64,
    pub payload: String,
}

/// `successful_payment` or `refunded_payment`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub chat: i64,
    pub message: i64,
    /// Seconds since 1970, by Telegram's clock.
    pub date: i64,
    /// Who paid; of a refund, whose chat it is.
    pub person: Person,
    pub currency: String,
    pub amount: i64,
    pub payload: String,
    pub charge: String,
    /// The provider's own id of the payment, where there is a provider.
    pub provider_charge: String,
    /// As it came: JSON.
    pub words: String,
}

pub(super) fn read_checkout(query: &Value) -> Result<Checkout, BadUpdate> {
    let id = text(query, "id").ok_or(BadUpdate::NotUpdate("a pre-checkout query without an id"))?;
    let from = person(&query["from"]).ok_or(BadUpdate::NotUpdate("a pre-checkout query of nobody"))?;
    Ok(Checkout {
        id,
        from,
        currency: text(query, "currency").unwrap_or_default(),
        amount: query["total_amount"].as_i64().unwrap_or(-1),
        payload: text(query, "invoice_payload").unwrap_or_default(),
    })
}

/// `None`: nothing in it says which charge it is.
pub(super) fn read_notice(message: &Value, paid: &Value) -> Option<Notice> {
    let chat = id(&message["chat"]["id"])?;
    let whose = person(&message["from"]).filter(|_| message["from"]["is_bot"] != true);
    let whose = whose.or_else(|| person(&message["chat"]))?;
    Some(Notice {
        chat,
        message: id(&message["message_id"])?,
        date: message["date"].as_i64().unwrap_or_default(),
        person: whose,
        currency: text(paid, "currency").unwrap_or_default(),
        amount: paid["total_amount"].as_i64().unwrap_or(-1),
        payload: text(paid, "invoice_payload").unwrap_or_default(),
        charge: text(paid, "telegram_payment_charge_id").filter(|charge| !charge.is_empty())?,
        provider_charge: text(paid, "provider_payment_charge_id").unwrap_or_default(),
        words: paid.to_string(),
    })
}
