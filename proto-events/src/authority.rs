//! Who may send what: producer × verb × payment rail, and producer × query.
//!
//! What is not listed is refused. NATS accounts make sure that a producer is who its subject
//! says; this table says what it may do.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who sends commands; read from the subject, never from the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Producer {
    Telegram,
    Payments,
    Generator,
    /// The ledger itself: its timers and the tailer of its log.
    Ledger,
    Console,
}

impl Producer {
    pub const ALL: [Self; 5] = [Self::Telegram, Self::Payments, Self::Generator, Self::Ledger, Self::Console];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
            Self::Payments => "payments",
            Self::Generator => "generator",
            Self::Ledger => "ledger",
            Self::Console => "console",
        }
    }
}

impl fmt::Display for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl FromStr for Producer {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|p| p.as_str() == s).ok_or(())
    }
}

/// A way of paying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// YooKassa by link.
    Yookassa,
    /// YooKassa through Telegram Payments, by provider token.
    TelegramYookassa,
    /// Telegram Stars.
    Stars,
}

/// In whose books a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Yookassa,
    /// Stars
    Telegram,
}

impl Provider {
    pub const ALL: [Self; 2] = [Self::Yookassa, Self::Telegram];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yookassa => "yookassa",
            Self::Telegram => "telegram",
        }
    }

    /// The natural key of what this provider calls so: its payment, its refund. Commands look for it, events take it.
    pub fn key(self, id: &str) -> String {
        format!("{}:{id}", self.as_str())
    }

    /// What its books are in.
    pub const fn currency(self) -> crate::Currency {
        match self {
            Self::Yookassa => crate::Currency::Rub,
            Self::Telegram => crate::Currency::Xtr,
        }
    }
}

impl FromStr for Provider {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|p| p.as_str() == s).ok_or(())
    }
}

impl Rail {
    pub const ALL: [Self; 3] = [Self::Yookassa, Self::TelegramYookassa, Self::Stars];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yookassa => "yookassa",
            Self::TelegramYookassa => "telegram_yookassa",
            Self::Stars => "stars",
        }
    }

    /// Whose books the payment is in: the first part of its natural key.
    pub const fn provider(self) -> Provider {
        match self {
            Self::Yookassa | Self::TelegramYookassa => Provider::Yookassa,
            Self::Stars => Provider::Telegram,
        }
    }

    /// The natural key of what this provider calls so: its payment, its refund. Commands look for it, events take it.
    pub fn key(self, id: &str) -> String {
        self.provider().key(id)
    }
}

use Producer::{Console, Generator, Ledger, Payments, Telegram};
use Rail::{Stars, TelegramYookassa, Yookassa};

/// A verb with who may send it and, where it moves money, by which rails.
type Row = (&'static str, &'static [(Producer, &'static [Rail])]);

/// Every command verb.
pub const COMMANDS: &[Row] = &[
    ("account_open", &[(Telegram, &[])]),
    ("account_ban", &[(Console, &[]), (Telegram, &[])]),
    ("account_unban", &[(Console, &[]), (Telegram, &[])]),
    ("account_erase", &[(Telegram, &[]), (Console, &[])]),
    ("referral_register", &[(Telegram, &[])]),
    ("referral_bonus", &[(Ledger, &[])]),
    ("credits_grant", &[(Console, &[]), (Telegram, &[])]),
    ("credits_revoke", &[(Console, &[]), (Telegram, &[])]),
    ("debt_forgive", &[(Console, &[])]),
    ("lots_expire", &[(Ledger, &[])]),
    ("topup_open", &[(Telegram, &Rail::ALL)]),
    ("payment_register", &[(Payments, &[Yookassa]), (Telegram, &[TelegramYookassa, Stars])]),
    ("payment_settle", &[(Payments, &[Yookassa, TelegramYookassa]), (Telegram, &[TelegramYookassa, Stars])]),
    ("payment_fee", &[(Payments, &[Yookassa, TelegramYookassa]), (Console, &Rail::ALL)]),
    (
        "payment_cancel",
        &[
            (Payments, &[Yookassa, TelegramYookassa]),
            (Telegram, &[TelegramYookassa, Stars]),
            (Ledger, &[TelegramYookassa, Stars]),
            (Console, &Rail::ALL),
        ],
    ),
    (
        "payment_quarantine",
        &[
            (Payments, &[Yookassa, TelegramYookassa]),
            (Telegram, &[TelegramYookassa, Stars]),
            (Console, &Rail::ALL),
        ],
    ),
    ("quarantine_resolve", &[(Console, &Rail::ALL)]),
    (
        "refund_open",
        &[(Console, &Rail::ALL), (Payments, &[Yookassa, TelegramYookassa]), (Telegram, &[Stars])],
    ),
    (
        "refund_settle",
        &[(Payments, &[Yookassa, TelegramYookassa]), (Telegram, &[Stars]), (Console, &Rail::ALL)],
    ),
    (
        "refund_fail",
        &[(Payments, &[Yookassa, TelegramYookassa]), (Telegram, &[Stars]), (Console, &Rail::ALL)],
    ),
    ("generation_request", &[(Telegram, &[])]),
    ("generation_claim", &[(Generator, &[])]),
    ("generation_attempt", &[(Generator, &[])]),
    ("generation_complete", &[(Generator, &[])]),
    ("generation_fail", &[(Generator, &[])]),
    ("generation_cancel", &[(Telegram, &[]), (Console, &[])]),
    ("reservation_expire", &[(Ledger, &[])]),
    ("delivery_confirm", &[(Telegram, &[])]),
    ("delivery_fail", &[(Telegram, &[]), (Console, &[])]),
    ("message_request", &[(Console, &[]), (Telegram, &[]), (Ledger, &[])]),
    ("broadcast_start", &[(Console, &[]), (Telegram, &[])]),
    ("broadcast_pause", &[(Console, &[]), (Telegram, &[])]),
    ("broadcast_finish", &[(Console, &[]), (Telegram, &[]), (Ledger, &[])]),
    ("content_put", &[(Console, &[])]),
    ("picture_put", &[(Console, &[])]),
    ("staff_put", &[(Console, &[]), (Ledger, &[])]),
    ("four_eyes_set", &[(Ledger, &[])]),
    ("catalog_publish", &[(Ledger, &[]), (Console, &[])]),
    ("operator_act", &[(Console, &[])]),
    ("projection_swap", &[(Console, &[]), (Ledger, &[])]),
    ("reconciliation_record", &[(Console, &[]), (Ledger, &[])]),
    ("generation_renew", &[(Generator, &[])]),
    ("delivery_claim", &[(Telegram, &[])]),
    ("delivery_renew", &[(Telegram, &[])]),
    ("delivery_done", &[(Telegram, &[])]),
    ("profile_update", &[(Telegram, &[])]),
    ("references_put", &[(Telegram, &[])]),
    ("references_remove", &[(Telegram, &[])]),
    ("album_put", &[(Telegram, &[])]),
    ("album_claim", &[(Telegram, &[])]),
    ("album_done", &[(Telegram, &[])]),
    ("wish_keep", &[(Telegram, &[])]),
    ("person_reach", &[(Telegram, &[])]),
    ("support_note", &[(Telegram, &[])]),
    ("broadcast_draft", &[(Telegram, &[]), (Console, &[])]),
    ("broadcast_claim", &[(Telegram, &[])]),
    ("broadcast_told", &[(Telegram, &[])]),
    ("texts_known", &[(Telegram, &[])]),
    ("context_update", &[(Telegram, &[])]),
    ("consumer_done", &[(Telegram, &[]), (Payments, &[]), (Generator, &[])]),
    ("consumer_stuck", &[(Telegram, &[]), (Payments, &[]), (Generator, &[])]),
    ("notice_keep", &[(Telegram, &[]), (Payments, &[])]),
    ("provider_rows_put", &[(Telegram, &[]), (Payments, &[])]),
    ("provider_day_done", &[(Telegram, &[]), (Payments, &[])]),
    ("receipt_done", &[(Payments, &[])]),
    ("incident_report", &[(Generator, &[]), (Telegram, &[])]),
    ("incident_claim", &[(Telegram, &[])]),
    ("incident_told", &[(Telegram, &[])]),
    ("letter_retry", &[(Console, &[])]),
    ("service_report", &[(Telegram, &[]), (Payments, &[]), (Generator, &[])]),
];

/// Every query with who may ask it.
pub const QUERIES: &[(&str, &[Producer])] = &[
    ("balance", &[Telegram]),
    ("account", &[Telegram]),
    ("catalog", &[Telegram, Generator]),
    ("generation", &[Telegram, Generator]),
    ("payment", &[Telegram, Payments]),
    ("jobs", &[Generator]),
    ("deliveries", &[Telegram]),
    ("payments_open", &[Payments]),
    ("payment_of", &[Telegram, Payments]),
    ("refund", &[Telegram, Payments]),
    ("refunds_open", &[Telegram, Payments]),
    ("known_to_us", &[Telegram, Payments]),
    ("reconciled", &[Telegram, Payments]),
    ("receipts_due", &[Payments]),
    ("references", &[Telegram]),
    ("albums_due", &[Telegram]),
    ("wish", &[Telegram]),
    ("generation_of_file", &[Telegram]),
    ("result", &[Telegram]),
    ("queue", &[Telegram]),
    ("history", &[Telegram]),
    ("statement", &[Telegram]),
    ("totals", &[Telegram]),
    ("referrals", &[Telegram]),
    ("support_of", &[Telegram]),
    ("contents", &[Telegram]),
    ("pictures", &[Telegram]),
    ("picture", &[Telegram]),
    ("broadcast", &[Telegram]),
    ("broadcasts", &[Telegram]),
    ("people", &[Telegram]),
    ("statistics", &[Telegram]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    NotAllowed,
    UnknownVerb,
}

/// May this producer send this verb, for this rail if the command names one?
pub fn may_send(producer: Producer, verb: &str, rail: Option<Rail>) -> Verdict {
    let Some((_, who)) = COMMANDS.iter().find(|(name, _)| *name == verb) else {
        return Verdict::UnknownVerb;
    };
    let allowed =
        who.iter().any(|(p, rails)| *p == producer && rail.is_none_or(|rail| rails.contains(&rail)));
    if allowed { Verdict::Allowed } else { Verdict::NotAllowed }
}

/// Is this an act of an operator, who must be named in the envelope's `actor`?
pub fn names_operator(producer: Producer, verb: &str) -> bool {
    /// What administrators do in Telegram.
    const ACTS: [&str; 8] = [
        "credits_grant",
        "credits_revoke",
        "account_ban",
        "account_unban",
        "message_request",
        "broadcast_start",
        "broadcast_pause",
        "broadcast_finish",
    ];
    producer == Console || (producer == Telegram && ACTS.contains(&verb))
}

/// Acts that another operator may have to agree to.
pub fn takes_approval(verb: &str) -> bool {
    const ACTS: [&str; 7] = [
        "credits_grant",
        "credits_revoke",
        "debt_forgive",
        "refund_open",
        "quarantine_resolve",
        "staff_put",
        "catalog_publish",
    ];
    ACTS.contains(&verb)
}

pub fn may_ask(producer: Producer, query: &str) -> Verdict {
    match QUERIES.iter().find(|(name, _)| *name == query) {
        None => Verdict::UnknownVerb,
        Some((_, who)) if who.contains(&producer) => Verdict::Allowed,
        Some(_) => Verdict::NotAllowed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_id_is_known_by_one_key_whatever_the_way_it_was_paid() {
        assert_eq!(Yookassa.key("2d1"), "yookassa:2d1");
        assert_eq!(TelegramYookassa.key("2d1"), Yookassa.key("2d1"));
        assert_eq!(Stars.key("2d1"), "telegram:2d1");
    }

    #[test]
    fn money_verbs_are_held_to_their_rails() {
        assert_eq!(may_send(Payments, "payment_settle", Some(Yookassa)), Verdict::Allowed);
        assert_eq!(may_send(Payments, "payment_settle", Some(Stars)), Verdict::NotAllowed);
        assert_eq!(may_send(Telegram, "payment_settle", Some(Yookassa)), Verdict::NotAllowed);
        assert_eq!(may_send(Generator, "payment_settle", Some(Yookassa)), Verdict::NotAllowed);
        assert_eq!(may_send(Telegram, "generation_complete", None), Verdict::NotAllowed);
        assert_eq!(may_send(Telegram, "drop_everything", None), Verdict::UnknownVerb);
    }
}
