//! Calls about money: invoices, Stars that go back, the bot's book of Stars.
//!
//! Answers to pre-checkout queries are elsewhere (`express`): they may not wait for anything.

use serde::Serialize;
use serde_json::Value;
use teloxide::payloads::{RefundStarPayment, SendInvoice};
use teloxide::requests::Payload;
use teloxide::types::{ChatId, LabeledPrice, UserId};

use super::{Error, InDoubt, Sent, Telegram};
use crate::flood::Traffic;

/// An invoice as it is sent. Title 1–32 and description 1–255 characters, payload 1–128 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    pub title: String,
    pub description: String,
    pub payload: String,
    /// `XTR` or `RUB`
    pub currency: &'static str,
    /// Stars, or kopecks.
    pub amount: u32,
    /// What the Pay button of a forwarded copy becomes: a link that starts the bot with this.
    pub start_parameter: &'static str,
    /// For rubles.
    pub provider: Option<ProviderPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderPart {
    pub token: String,
    /// A receipt in YooKassa's words: JSON as text. With it the payer's e-mail is asked for and sent along.
    pub data: Option<String>,
}

/// teloxide's own takes an offset of 32 bits and reads types of an older Bot API.
#[derive(Debug, Clone, Serialize)]
struct GetStarTransactions {
    offset: u64,
    limit: u8,
}

impl Payload for GetStarTransactions {
    type Output = Value;

    const NAME: &'static str = "GetStarTransactions";
}

/// Bot API: 1–100.
pub const STAR_ROWS_MAX: u8 = 100;

impl Telegram {
    /// # Errors
    /// See [`Error`]. In doubt it may have been sent.
    pub async fn invoice(&self, chat: i64, invoice: &Invoice) -> Result<Sent, Error> {
        let Invoice { title, description, payload, currency, amount, start_parameter, provider } =
            invoice.clone();
        let prices = [LabeledPrice::new(title.clone(), amount)];
        let mut send = SendInvoice::new(ChatId(chat), title, description, payload, currency, prices);
        send.start_parameter = Some(start_parameter.to_owned());
        if let Some(ProviderPart { token, data }) = provider {
            send.provider_token = Some(token);
            let receipt = data.is_some().then_some(true);
            (send.need_email, send.send_email_to_provider) = (receipt, receipt);
            send.provider_data = data;
        }
        self.call(&self.calls, Traffic::one(chat), InDoubt::Leave, send)
            .await
            .map(|message| Sent::read(&message))
    }

    /// A repeat of one that was carried out is refused with `CHARGE_ALREADY_REFUNDED`.
    ///
    /// # Errors
    /// See [`Error`]. In doubt they may have gone back.
    pub async fn refund_stars(&self, user: u64, charge: &str) -> Result<(), Error> {
        let refund = RefundStarPayment::new(UserId(user), charge.to_owned().into());
        self.call(&self.calls, Traffic::Free, InDoubt::Leave, refund).await.map(drop)
    }

    /// Rows of the bot's book of Stars, oldest first, from the row with this number on (the first is 0).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn star_rows(&self, offset: u64, limit: u8) -> Result<Vec<Value>, Error> {
        let mut book = self
            .call(&self.calls, Traffic::Free, InDoubt::Repeat, GetStarTransactions { offset, limit })
            .await?;
        match book["transactions"].take() {
            Value::Array(rows) => Ok(rows),
            _ => Err(Error::InDoubt("getStarTransactions did not answer with a list".to_owned())),
        }
    }
}
