//! Refusals: what a command may not do, in codes that are stable and words a person understands.

use proto_events::{AccountId, Attempt, Micros, Money, PaymentId, Rail};
use serde_json::{Value, json};

/// A refusal changes nothing, and asking again changes nothing either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such account")]
    AccountNotFound,
    #[error("this person has an account already")]
    AccountExists { account: AccountId },
    #[error("this account is banned")]
    AccountBanned,

    #[error("there is no package {package:?} in the catalog")]
    PackageUnknown { package: String },
    #[error("this package can't be paid this way")]
    RailOff { rails: Vec<Rail> },
    #[error("{max} top-ups are open already; pay one of them, or wait until one ends")]
    TooManyOpen { max: u8 },
    #[error("there is no such payment")]
    PaymentNotFound,
    #[error("this payment was opened for another way of paying")]
    RailDiffers { rail: Rail },
    #[error("this payment is closed")]
    PaymentClosed,
    #[error("this payment of the provider belongs to another payment of ours")]
    ProviderIdTaken { payment: PaymentId },
    #[error("this payment is registered already")]
    AlreadyRegistered { provider_payment_id: String },
    #[error("this payment is settled already")]
    PaymentSettled,
    #[error("this payment is registered under another id of the provider")]
    ProviderIdDiffers { provider_payment_id: String },
    #[error("{found} were paid where {expected} were asked")]
    AmountDiffers { expected: Money, found: Money },

    #[error("nothing of this kind is made here")]
    KindUnknown,
    #[error("there is no such model in the catalog")]
    ModelUnknown { offered: Vec<String> },
    #[error("this model can't do this: {what}")]
    AbilityMissing { what: &'static str, offered: Vec<String> },
    #[error("the prompt is empty")]
    PromptEmpty,
    #[error("the prompt is too long: {length} characters, at most {max} are allowed")]
    PromptTooLong { max: u32, length: usize },
    #[error("too many reference pictures: {count}, this model takes at most {max}")]
    TooManyReferences { max: u8, count: usize },
    #[error("{max} requests are being worked on already; wait until one is done")]
    TooManyRunning { max: u8 },
    #[error("not enough credits: {need} are needed, {have} are there")]
    InsufficientCredits { have: i64, need: i64 },

    #[error("there is no such generation")]
    GenerationNotFound,
    #[error("this generation is closed")]
    GenerationClosed,
    #[error("another worker holds this generation")]
    GenerationHeld { until: Micros },
    #[error("all {max} attempts at this generation are used up")]
    AttemptsExhausted { max: i64, attempt: Attempt },
    #[error("the attempt is not the one expected; the last one is {attempt}")]
    StaleAttempt { attempt: Attempt },
    #[error("a completion must bring at least one output")]
    NoOutputs,
    #[error("there is no such reservation")]
    ReservationNotFound,
    #[error("this reservation is closed")]
    ReservationClosed,
    #[error("the deadline of this reservation is still ahead")]
    DeadlineAhead { deadline: Micros },
    #[error("this generation has no result to deliver")]
    GenerationNotSucceeded,
    #[error("the delivery of this generation is closed")]
    GenerationDelivered,

    #[error("the next version of the catalog is {next}")]
    VersionNotNext { next: i64 },
    #[error("the catalog can't be sold from: {}", problems.join("; "))]
    CatalogInvalid { problems: Vec<String> },
}

impl Refusal {
    /// As in `docs/EVENTS.md`; stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccountNotFound => "account_not_found",
            Self::AccountExists { .. } => "account_exists",
            Self::AccountBanned => "account_banned",
            Self::PackageUnknown { .. } => "package_unknown",
            Self::RailOff { .. } => "rail_off",
            Self::TooManyOpen { .. } => "too_many_open",
            Self::PaymentNotFound => "payment_not_found",
            Self::RailDiffers { .. } => "rail_differs",
            Self::PaymentClosed => "payment_closed",
            Self::ProviderIdTaken { .. } => "provider_id_taken",
            Self::AlreadyRegistered { .. } => "already_registered",
            Self::PaymentSettled => "payment_settled",
            Self::ProviderIdDiffers { .. } => "provider_id_differs",
            Self::AmountDiffers { .. } => "amount_differs",
            Self::KindUnknown => "kind_unknown",
            Self::ModelUnknown { .. } => "model_unknown",
            Self::AbilityMissing { .. } => "ability_missing",
            Self::PromptEmpty => "prompt_empty",
            Self::PromptTooLong { .. } => "prompt_too_long",
            Self::TooManyReferences { .. } => "too_many_references",
            Self::TooManyRunning { .. } => "too_many_running",
            Self::InsufficientCredits { .. } => "insufficient_credits",
            Self::GenerationNotFound => "generation_not_found",
            Self::GenerationClosed => "generation_closed",
            Self::GenerationHeld { .. } => "generation_held",
            Self::AttemptsExhausted { .. } => "attempts_exhausted",
            Self::StaleAttempt { .. } => "stale_attempt",
            Self::NoOutputs => "no_outputs",
            Self::ReservationNotFound => "reservation_not_found",
            Self::ReservationClosed => "reservation_closed",
            Self::DeadlineAhead { .. } => "deadline_ahead",
            Self::GenerationNotSucceeded => "generation_not_succeeded",
            Self::GenerationDelivered => "generation_delivered",
            Self::VersionNotNext { .. } => "version_not_next",
            Self::CatalogInvalid { .. } => "catalog_invalid",
        }
    }

    /// What a program needs to go on; `Null` when the code says it all. Nothing personal.
    pub fn details(&self) -> Value {
        match self {
            Self::AccountExists { account } => json!({ "account": account }),
            Self::PackageUnknown { package } => json!({ "package": package }),
            Self::RailOff { rails } => json!({ "rails": rails }),
            Self::TooManyOpen { max } | Self::TooManyRunning { max } => json!({ "max": max }),
            Self::RailDiffers { rail } => json!({ "rail": rail }),
            Self::ProviderIdTaken { payment } => json!({ "payment": payment }),
            Self::AlreadyRegistered { provider_payment_id }
            | Self::ProviderIdDiffers { provider_payment_id } => {
                json!({ "provider_payment_id": provider_payment_id })
            }
            Self::AmountDiffers { expected, found } => json!({ "expected": expected, "found": found }),
            Self::ModelUnknown { offered } => json!({ "offered": offered }),
            Self::AbilityMissing { what, offered } => json!({ "what": what, "offered": offered }),
            Self::PromptTooLong { max, length } => json!({ "max": max, "length": length }),
            Self::TooManyReferences { max, count } => json!({ "max": max, "count": count }),
            Self::InsufficientCredits { have, need } => json!({ "have": have, "need": need }),
            Self::GenerationHeld { until } => json!({ "until": until }),
            Self::AttemptsExhausted { max, attempt } => json!({ "max": max, "attempt": attempt }),
            Self::StaleAttempt { attempt } => json!({ "attempt": attempt }),
            Self::DeadlineAhead { deadline } => json!({ "deadline": deadline }),
            Self::VersionNotNext { next } => json!({ "next": next }),
            Self::CatalogInvalid { problems } => json!({ "problems": problems }),
            _ => Value::Null,
        }
    }
}
