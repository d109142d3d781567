//! One row of the bot's book of Stars: a person paid, or got Stars back.
//!
//! A refund has its payment's id (core.telegram.org/bots/api#startransaction). Rows of other kinds, such as
//! withdrawals and gifts, are nobody's payment and passed over.

use proto_events::commands::{ChatContext, ProviderRow};
use proto_events::events::{MoneyMoved, ProviderId};
use proto_events::{Currency, Micros, Money, Rail};
use serde_json::Value;

use crate::clock;
use crate::till::{Charge, Return, provider_id};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Paid,
    Returned,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub side: Side,
    pub id: ProviderId,
    pub user: i64,
    /// What the invoice said.
    pub payload: String,
    pub stars: Money,
    pub at: Micros,
}

impl Row {
    /// `None`: of another kind.
    pub fn read(row: &Value) -> Option<Self> {
        let (side, partner) = match (&row["source"], &row["receiver"]) {
            (partner @ Value::Object(_), _) => (Side::Paid, partner),
            (_, partner @ Value::Object(_)) => (Side::Returned, partner),
            _ => return None,
        };
        let kind = partner["transaction_type"].as_str().unwrap_or("invoice_payment");
        if partner["type"] != "user" || kind != "invoice_payment" {
            return None;
        }
        Some(Self {
            side,
            id: provider_id(row["id"].as_str().filter(|id| !id.is_empty())?),
            user: partner["user"]["id"].as_i64()?,
            payload: partner["invoice_payload"].as_str().unwrap_or_default().to_owned(),
            stars: Money::new(row["amount"].as_i64()?, Currency::Xtr).ok()?,
            at: clock::of_seconds(row["date"].as_i64()?)?,
        })
    }

    /// The payment of this row, or the one whose Stars went back. Told in the person's chat, whose id is theirs.
    pub fn charge(&self) -> Charge {
        let context = ChatContext { chat: self.user, message: 0, status_message: None };
        Charge {
            rail: Rail::Stars,
            payload: self.payload.clone(),
            id: self.id.clone(),
            id_is_its_own: true,
            amount: Some(self.stars),
            written: self.stars.to_string(),
            at: (self.side == Side::Paid).then_some(self.at),
            context: Some(context),
        }
    }

    pub fn returned(&self) -> Return {
        Return { charge: self.charge(), at: Some(self.at) }
    }

    /// As the ledger compares it.
    pub fn for_books(&self) -> ProviderRow {
        let (of, payment_id) = match self.side {
            Side::Paid => (MoneyMoved::Payment, None),
            Side::Returned => (MoneyMoved::Refund, Some(self.id.clone())),
        };
        ProviderRow { of, id: self.id.clone(), payment_id, amount: self.stars, net: None, at: self.at }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(fields: Value) -> Option<Row> {
        let mut row = json!({"id": "stx1", "amount": 75, "date": 1_790_000_000});
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Row::read(&row)
    }

    fn partner() -> Value {
        json!({"type": "user", "transaction_type": "invoice_payment", "user": {"id": 42}, "invoice_payload": "p-1"})
    }

    #[test]
    fn a_payment_and_its_refund_have_one_id_and_two_sides() {
        let paid = row(json!({"source": partner()})).unwrap();
        let back = row(json!({"receiver": partner()})).unwrap();
        assert_eq!((paid.side, back.side), (Side::Paid, Side::Returned));
        assert_eq!((&paid.id, paid.user, &*paid.payload), (&back.id, 42, "p-1"));
        assert_eq!(back.for_books().payment_id, Some(paid.id.clone()));
        assert_eq!(paid.for_books().payment_id, None);
        assert_eq!((paid.charge().at, back.charge().at), (Some(paid.at), None));
    }

    #[test]
    fn rows_of_other_kinds_are_passed_over() {
        let mut gift = partner();
        gift["transaction_type"] = json!("gift_purchase");
        assert_eq!(row(json!({"receiver": gift})), None);
        assert_eq!(row(json!({"receiver": {"type": "fragment"}})), None);
        assert_eq!(row(json!({})), None);
        assert_eq!(row(json!({"source": partner(), "id": ""})), None);
        assert_eq!(Row::read(&json!("not a row")), None);
    }
}
