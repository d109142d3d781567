//! One movement of money: as the provider states it, and as the log has it.

use proto_events::Money;
use proto_events::events::MoneyMoved;

pub const KINDS: [MoneyMoved; 2] = [MoneyMoved::Payment, MoneyMoved::Refund];

/// Several of a kind.
pub const fn plural(kind: MoneyMoved) -> &'static str {
    match kind {
        MoneyMoved::Payment => "payments",
        MoneyMoved::Refund => "refunds",
    }
}

/// What is the same on both sides: a star's payment and its refund share their id.
pub type Key = (MoneyMoved, String);

/// As the provider states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub kind: MoneyMoved,
    /// The provider's.
    pub id: String,
    /// Of a refund: the payment it is of, by the provider's id.
    pub payment_id: Option<String>,
    pub amount: Money,
    /// After the provider's fee, if it says.
    pub net: Option<Money>,
    /// µs since 1970-01-01 UTC. In a registry the time the payment was created, so maybe of another day than the file's.
    pub at: Option<i64>,
}

impl Operation {
    pub fn key(&self) -> Key {
        (self.kind, self.id.clone())
    }
}

/// As the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    pub kind: MoneyMoved,
    /// Of the event that settled it.
    pub position: i64,
    /// Our id: `p-…`, `f-…`.
    pub ours: String,
    /// The provider's.
    pub id: String,
    pub amount: Money,
    pub net: Option<Money>,
    /// µs since 1970-01-01 UTC: when the provider says that the money moved; else when it was recorded here.
    pub at: i64,
}

impl Booked {
    pub fn key(&self) -> Key {
        (self.kind, self.id.clone())
    }
}
