//! Refusals: what a command may not do, in codes that are stable and words a person understands.

use proto_events::{
    AccountId, Attempt, Credits, Currency, Micros, Money, PaymentId, Rail, RefundId, ReservationId,
};
use serde_json::{Value, json};

/// What an erasure would give up; money in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    pub credits: i64,
    pub paid: i64,
    pub rub: i64,
    pub xtr: i64,
}

impl Lost {
    pub(crate) fn add(&mut self, worth: Money) {
        match worth.currency {
            Currency::Rub => self.rub += worth.minor(),
            Currency::Xtr => self.xtr += worth.minor(),
        }
    }
}

/// A refusal changes nothing, and asking again changes nothing either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such account")]
    AccountNotFound,
    #[error("this person has an account already")]
    AccountExists { account: AccountId },
    #[error("this account is banned")]
    AccountBanned,
    #[error("this account is not banned")]
    AccountNotBanned,
    #[error("{} requests are still being worked on; wait until they are done, or cancel them", reservations.len())]
    OpenReservations { reservations: Vec<ReservationId> },
    #[error("payments or refunds are still open; wait until they are done")]
    OpenPayments { payments: Vec<PaymentId>, refunds: Vec<RefundId>, quarantined: usize },
    #[error("{} credits would be lost, {} of them paid for; say `forfeit` to give them up", lost.credits, lost.paid)]
    CreditsWouldBeLost { lost: Lost },

    #[error("nobody can invite themselves")]
    SelfReferral,
    #[error("who is said to have invited has no account")]
    InviterNotFound,
    #[error("this person was invited by somebody already")]
    AlreadyInvited,
    #[error("this person was here before")]
    AccountKnown,
    #[error("this account was not invited")]
    NotInvited,
    #[error("the bonus for this invitation was given already")]
    AlreadyRewarded,
    #[error("the catalog gives no bonus for this")]
    BonusOff,
    #[error("{max} bonuses for inviting were given today already, more are not")]
    DailyBound { max: u16 },

    #[error("there is no such lot of credits, or nothing is left of it")]
    LotNotFound,
    #[error("this lot of credits has not expired")]
    LotNotExpired { expires_at: Option<Micros> },
    #[error("all that is left of this lot is reserved; it expires when it comes back")]
    LotHeld,
    #[error("these credits would end before they are given")]
    EndInThePast { now: Micros },
    #[error("the debt is {debt} credits, no more can be forgiven")]
    DebtSmaller { debt: i64 },

    #[error("there is no package {package:?} in the catalog")]
    PackageUnknown { package: String },
    #[error("this package can't be paid this way")]
    RailOff { rails: Vec<Rail> },
    #[error("only what is paid on YooKassa's page has a method; leave it out")]
    MethodOff,
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
    #[error("this payment of the provider is, or was, in quarantine already")]
    AlreadyQuarantined { account: AccountId },
    #[error("no such payment is in quarantine here")]
    QuarantineNotFound,
    #[error("this is a refund, money that has gone: there is nothing to credit; see to it, then dismiss it")]
    QuarantineIsRefund,
    #[error("this payment is not settled: there is nothing to give back")]
    PaymentNotSettled,
    #[error("what the provider kept of this payment is known already")]
    FeeKnown,
    #[error("the account has changed since this was agreed to: look again")]
    AccountChanged { version: i64 },
    #[error("{found} is more than can be given back: {left}")]
    RefundExceedsPayment { left: Money, found: Money },
    #[error("Stars are given back whole: {price}")]
    RefundNotWhole { price: Money },
    #[error("there is no such refund")]
    RefundNotFound,
    #[error("this refund of the provider belongs to another refund of ours")]
    RefundIdTaken { refund: RefundId },
    #[error("this refund is closed")]
    RefundClosed,

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
    #[error("others of this person's requests are being worked on; this one waits for its turn")]
    PersonBusy { until: Micros },
    #[error("all {max} attempts at this generation are used up")]
    AttemptsExhausted { max: i64, attempt: Attempt },
    #[error("the attempt is not the one expected; the last one is {attempt}")]
    StaleAttempt { attempt: Attempt },
    #[error("a completion must bring at least one output")]
    NoOutputs,
    #[error("more can't be charged than is held: {max}")]
    ChargeTooLarge { max: Credits },
    #[error("there is no such reservation")]
    ReservationNotFound,
    #[error("this reservation is closed")]
    ReservationClosed,
    #[error("the deadline is still ahead")]
    DeadlineAhead { deadline: Micros },
    #[error("this generation has no result to deliver")]
    GenerationNotSucceeded,
    #[error("the delivery of this generation is closed")]
    GenerationDelivered,

    #[error("above {above} credits a second administrator has to agree")]
    NeedsApproval { above: Credits },
    #[error("it is so already")]
    Unchanged,

    #[error("this broadcast is being sent already")]
    BroadcastRunning,
    #[error("this broadcast is not being sent")]
    BroadcastNotRunning,
    #[error("this broadcast is over")]
    BroadcastFinished,
    #[error("another picture stands there than was seen")]
    PictureDiffers { sha256: Option<String> },

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
            Self::AccountNotBanned => "account_not_banned",
            Self::OpenReservations { .. } => "open_reservations",
            Self::OpenPayments { .. } => "open_payments",
            Self::CreditsWouldBeLost { .. } => "credits_would_be_lost",
            Self::SelfReferral => "self_referral",
            Self::InviterNotFound => "inviter_not_found",
            Self::AlreadyInvited => "already_invited",
            Self::AccountKnown => "account_known",
            Self::NotInvited => "not_invited",
            Self::AlreadyRewarded => "already_rewarded",
            Self::BonusOff => "bonus_off",
            Self::DailyBound { .. } => "daily_bound",
            Self::LotNotFound => "lot_not_found",
            Self::LotNotExpired { .. } => "lot_not_expired",
            Self::LotHeld => "lot_held",
            Self::EndInThePast { .. } => "end_in_the_past",
            Self::DebtSmaller { .. } => "debt_smaller",
            Self::PackageUnknown { .. } => "package_unknown",
            Self::RailOff { .. } => "rail_off",
            Self::MethodOff => "method_off",
            Self::TooManyOpen { .. } => "too_many_open",
            Self::PaymentNotFound => "payment_not_found",
            Self::RailDiffers { .. } => "rail_differs",
            Self::PaymentClosed => "payment_closed",
            Self::ProviderIdTaken { .. } => "provider_id_taken",
            Self::AlreadyRegistered { .. } => "already_registered",
            Self::PaymentSettled => "payment_settled",
            Self::ProviderIdDiffers { .. } => "provider_id_differs",
            Self::AmountDiffers { .. } => "amount_differs",
            Self::AlreadyQuarantined { .. } => "already_quarantined",
            Self::QuarantineNotFound => "quarantine_not_found",
            Self::QuarantineIsRefund => "quarantine_is_refund",
            Self::PaymentNotSettled => "payment_not_settled",
            Self::FeeKnown => "fee_known",
            Self::AccountChanged { .. } => "account_changed",
            Self::RefundExceedsPayment { .. } => "refund_exceeds_payment",
            Self::RefundNotWhole { .. } => "refund_not_whole",
            Self::RefundNotFound => "refund_not_found",
            Self::RefundIdTaken { .. } => "refund_id_taken",
            Self::RefundClosed => "refund_closed",
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
            Self::PersonBusy { .. } => "person_busy",
            Self::AttemptsExhausted { .. } => "attempts_exhausted",
            Self::StaleAttempt { .. } => "stale_attempt",
            Self::NoOutputs => "no_outputs",
            Self::ChargeTooLarge { .. } => "charge_too_large",
            Self::ReservationNotFound => "reservation_not_found",
            Self::ReservationClosed => "reservation_closed",
            Self::DeadlineAhead { .. } => "deadline_ahead",
            Self::GenerationNotSucceeded => "generation_not_succeeded",
            Self::GenerationDelivered => "generation_delivered",
            Self::NeedsApproval { .. } => "needs_approval",
            Self::Unchanged => "unchanged",
            Self::BroadcastRunning => "broadcast_running",
            Self::BroadcastNotRunning => "broadcast_not_running",
            Self::BroadcastFinished => "broadcast_finished",
            Self::PictureDiffers { .. } => "picture_differs",
            Self::VersionNotNext { .. } => "version_not_next",
            Self::CatalogInvalid { .. } => "catalog_invalid",
        }
    }

    /// What a program needs to go on; `Null` when the code says it all. Nothing personal.
    pub fn details(&self) -> Value {
        match self {
            Self::AccountExists { account } => json!({ "account": account }),
            Self::OpenReservations { reservations } => json!({ "reservations": reservations }),
            Self::OpenPayments { payments, refunds, quarantined } => {
                json!({ "payments": payments, "refunds": refunds, "quarantined": quarantined })
            }
            Self::CreditsWouldBeLost { lost } => {
                json!({ "credits": lost.credits, "paid": lost.paid, "RUB": lost.rub, "XTR": lost.xtr })
            }
            Self::NeedsApproval { above } => json!({ "above": above }),
            Self::DailyBound { max } => json!({ "max": max }),
            Self::LotNotExpired { expires_at } => json!({ "expires_at": expires_at }),
            Self::EndInThePast { now } => json!({ "now": now }),
            Self::DebtSmaller { debt } => json!({ "debt": debt }),
            Self::AccountChanged { version } => json!({ "version": version }),
            Self::RefundExceedsPayment { left, found } => json!({ "left": left, "found": found }),
            Self::RefundNotWhole { price } => json!({ "price": price }),
            Self::RefundIdTaken { refund } => json!({ "refund": refund }),
            Self::ChargeTooLarge { max } => json!({ "max": max }),
            Self::PackageUnknown { package } => json!({ "package": package }),
            Self::RailOff { rails } => json!({ "rails": rails }),
            Self::TooManyOpen { max } | Self::TooManyRunning { max } => json!({ "max": max }),
            Self::RailDiffers { rail } => json!({ "rail": rail }),
            Self::ProviderIdTaken { payment } => json!({ "payment": payment }),
            Self::AlreadyQuarantined { account } => json!({ "account": account }),
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
            Self::GenerationHeld { until } | Self::PersonBusy { until } => json!({ "until": until }),
            Self::AttemptsExhausted { max, attempt } => json!({ "max": max, "attempt": attempt }),
            Self::StaleAttempt { attempt } => json!({ "attempt": attempt }),
            Self::DeadlineAhead { deadline } => json!({ "deadline": deadline }),
            Self::PictureDiffers { sha256 } => json!({ "sha256": sha256 }),
            Self::VersionNotNext { next } => json!({ "next": next }),
            Self::CatalogInvalid { problems } => json!({ "problems": problems }),
            _ => Value::Null,
        }
    }
}
