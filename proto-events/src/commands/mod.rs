//! What services ask of the ledger: imperative, one account each.

mod account;
mod credits;
mod generation;
mod incident;
mod message;
mod operations;
mod payment;
mod person;
mod reconciliation;
mod service;
mod staff;

pub use account::*;
pub use credits::*;
pub use generation::*;
pub use incident::*;
pub use message::*;
pub use operations::*;
pub use payment::*;
pub use person::*;
pub use reconciliation::*;
pub use service::*;
pub use staff::*;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Rail;

/// Where in Telegram a request came from and where its status is shown. Kept in a side table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatContext {
    pub chat: i64,
    /// The message that asked.
    pub message: i64,
    /// The bot's message that shows how it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message: Option<i64>,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $enum:ident { $($verb:literal => $name:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $enum { $($name($name)),+ }

        impl $enum {
            pub const VERBS: &[&str] = &[$($verb),+];

            pub const fn verb(&self) -> &'static str {
                match self { $(Self::$name(_) => $verb),+ }
            }

            /// `None` when the verb is not one of these.
            pub fn decode(verb: &str, body: Value) -> Option<Result<Self, serde_json::Error>> {
                match verb {
                    $($verb => Some(serde_json::from_value(body).map(Self::$name)),)+
                    _ => None,
                }
            }

            /// # Errors
            /// Never in practice: these types are all plain JSON.
            pub fn body(&self) -> Result<Value, serde_json::Error> {
                match self { $(Self::$name(c) => serde_json::to_value(c)),+ }
            }
        }

        $(impl From<$name> for $enum {
            fn from(command: $name) -> Self { Self::$name(command) }
        })+
    )+};
}

commands! {
    /// What may change a balance or a life: decided by the sequencer, recorded as events.
    Command {
        "account_open" => AccountOpen,
        "account_ban" => AccountBan,
        "account_unban" => AccountUnban,
        "account_erase" => AccountErase,
        "referral_register" => ReferralRegister,
        "referral_bonus" => ReferralBonus,
        "credits_grant" => CreditsGrant,
        "credits_revoke" => CreditsRevoke,
        "debt_forgive" => DebtForgive,
        "lots_expire" => LotsExpire,
        "topup_open" => TopupOpen,
        "payment_register" => PaymentRegister,
        "payment_settle" => PaymentSettle,
        "payment_fee" => PaymentFee,
        "payment_cancel" => PaymentCancel,
        "payment_quarantine" => PaymentQuarantine,
        "quarantine_resolve" => QuarantineResolve,
        "refund_open" => RefundOpen,
        "refund_settle" => RefundSettle,
        "refund_fail" => RefundFail,
        "generation_request" => GenerationRequest,
        "generation_claim" => GenerationClaim,
        "generation_attempt" => GenerationAttempt,
        "generation_complete" => GenerationComplete,
        "generation_fail" => GenerationFail,
        "generation_cancel" => GenerationCancel,
        "reservation_expire" => ReservationExpire,
        "delivery_confirm" => DeliveryConfirm,
        "delivery_fail" => DeliveryFail,
        "message_request" => MessageRequest,
        "broadcast_start" => BroadcastStart,
        "broadcast_pause" => BroadcastPause,
        "broadcast_finish" => BroadcastFinish,
        "content_put" => ContentPut,
        "picture_put" => PicturePut,
        "staff_put" => StaffPut,
        "four_eyes_set" => FourEyesSet,
        "catalog_publish" => CatalogPublish,
        "operator_act" => OperatorAct,
        "projection_swap" => ProjectionSwap,
        "reconciliation_record" => ReconciliationRecord,
    }
    /// What changes operational tables and leaves no event.
    Operation {
        "generation_renew" => GenerationRenew,
        "delivery_claim" => DeliveryClaim,
        "delivery_renew" => DeliveryRenew,
        "delivery_done" => DeliveryDone,
        "profile_update" => ProfileUpdate,
        "references_put" => ReferencesPut,
        "references_remove" => ReferencesRemove,
        "album_put" => AlbumPut,
        "album_claim" => AlbumClaim,
        "album_done" => AlbumDone,
        "wish_keep" => WishKeep,
        "person_reach" => PersonReach,
        "support_note" => SupportNote,
        "broadcast_draft" => BroadcastDraft,
        "broadcast_claim" => BroadcastClaim,
        "broadcast_told" => BroadcastTold,
        "texts_known" => TextsKnown,
        "context_update" => ContextUpdate,
        "consumer_done" => ConsumerDone,
        "consumer_stuck" => ConsumerStuck,
        "notice_keep" => NoticeKeep,
        "provider_rows_put" => ProviderRowsPut,
        "provider_day_done" => ProviderDayDone,
        "receipt_done" => ReceiptDone,
        "incident_report" => IncidentReport,
        "incident_claim" => IncidentClaim,
        "incident_told" => IncidentTold,
        "service_report" => ServiceReport,
        "letter_retry" => LetterRetry,
    }
}

impl Command {
    /// The payment rail it names, if it does.
    pub const fn rail(&self) -> Option<Rail> {
        match self {
            Self::TopupOpen(c) => Some(c.rail),
            Self::PaymentRegister(c) => Some(c.rail),
            Self::PaymentSettle(c) => Some(c.rail),
            Self::PaymentFee(c) => Some(c.rail),
            Self::PaymentCancel(c) => Some(c.rail),
            Self::PaymentQuarantine(c) => Some(c.rail),
            Self::QuarantineResolve(c) => Some(c.rail),
            Self::RefundOpen(c) => Some(c.rail),
            Self::RefundSettle(c) => Some(c.rail),
            Self::RefundFail(c) => Some(c.rail),
            _ => None,
        }
    }

    /// The fields that mean something, for the request digest: marked **d** in docs/EVENTS.md.
    pub fn meaning(&self) -> Value {
        match self {
            Self::AccountOpen(_) => json!({}),
            Self::AccountBan(c) => json!({"reason": c.reason}),
            Self::AccountUnban(c) => json!({"reason": c.reason}),
            Self::AccountErase(c) => json!({"forfeit": c.forfeit}),
            Self::ReferralRegister(c) => json!({"inviter": c.inviter}),
            Self::ReferralBonus(c) => json!({"invited": c.invited, "side": c.side, "cause": c.cause}),
            Self::CreditsGrant(c) => json!({
                "credits": c.credits, "source": c.source, "reason": c.reason, "lasts_days": c.lasts_days,
                "expires_at": c.expires_at,
            }),
            Self::CreditsRevoke(c) => json!({"credits": c.credits, "reason": c.reason}),
            Self::DebtForgive(c) => json!({"credits": c.credits, "reason": c.reason}),
            Self::LotsExpire(c) => json!({"lot": c.lot}),
            Self::TopupOpen(TopupOpen { package, rail, method: None, email: None, .. }) => {
                json!({"package": package, "rail": rail})
            }
            Self::TopupOpen(c) => json!({
                "package": c.package, "rail": c.rail, "method": c.method, "email": c.email,
            }),
            Self::PaymentRegister(c) => json!({
                "payment": c.payment, "rail": c.rail, "provider_payment_id": c.provider_payment_id,
            }),
            Self::PaymentSettle(c) => json!({
                "payment": c.payment, "rail": c.rail, "provider_payment_id": c.provider_payment_id,
                "amount": c.amount, "test": c.test,
            }),
            Self::PaymentFee(c) => json!({
                "payment": c.payment, "rail": c.rail, "provider_payment_id": c.provider_payment_id,
                "net": c.net,
            }),
            Self::PaymentCancel(c) => json!({
                "payment": c.payment, "rail": c.rail, "party": c.party, "reason": c.reason,
            }),
            Self::PaymentQuarantine(c) => json!({
                "rail": c.rail, "provider_payment_id": c.provider_payment_id, "problems": c.problems,
            }),
            Self::QuarantineResolve(c) => json!({
                "rail": c.rail, "provider_payment_id": c.provider_payment_id, "verdict": c.verdict,
            }),
            Self::RefundOpen(RefundOpen { payment, rail, amount, provider_refund_id: None, .. }) => {
                json!({"payment": payment, "rail": rail, "amount": amount})
            }
            Self::RefundOpen(c) => json!({
                "payment": c.payment, "rail": c.rail, "amount": c.amount,
                "provider_refund_id": c.provider_refund_id,
            }),
            Self::RefundSettle(c) => json!({
                "refund": c.refund, "rail": c.rail, "provider_refund_id": c.provider_refund_id,
                "amount": c.amount,
            }),
            Self::RefundFail(c) => json!({"refund": c.refund, "rail": c.rail, "reason": c.reason}),
            Self::GenerationRequest(c) => c.meaning(),
            Self::GenerationClaim(c) => json!({
                "generation": c.generation, "worker": c.worker, "attempt": c.attempt,
            }),
            Self::GenerationAttempt(c) => json!({
                "generation": c.generation, "attempt": c.attempt, "outcome": c.outcome,
            }),
            // What was added later counts only where it is given: older digests stay what they are.
            Self::GenerationComplete(GenerationComplete {
                charge: None,
                generation,
                attempt,
                outputs,
                ..
            }) => {
                json!({"generation": generation, "attempt": attempt, "outputs": outputs})
            }
            Self::GenerationComplete(c) => json!({
                "generation": c.generation, "attempt": c.attempt, "outputs": c.outputs, "charge": c.charge,
            }),
            Self::GenerationFail(c) => json!({
                "generation": c.generation, "attempt": c.attempt, "reason": c.reason,
            }),
            Self::GenerationCancel(c) => json!({"generation": c.generation}),
            Self::ReservationExpire(c) => json!({"reservation": c.reservation}),
            Self::DeliveryConfirm(c) => json!({"generation": c.generation}),
            Self::DeliveryFail(c) => json!({
                "generation": c.generation, "reason": c.reason, "final": c.r#final,
            }),
            Self::MessageRequest(c) => json!({"message": c.message, "kind": c.kind, "content": c.content}),
            Self::BroadcastStart(BroadcastStart { broadcast, recipients, drafted_at: None }) => {
                json!({"broadcast": broadcast, "recipients": recipients})
            }
            Self::BroadcastStart(c) => json!({
                "broadcast": c.broadcast, "recipients": c.recipients, "drafted_at": c.drafted_at,
            }),
            Self::BroadcastPause(c) => json!({"broadcast": c.broadcast, "reason": c.reason}),
            Self::BroadcastFinish(c) => json!({"broadcast": c.broadcast}),
            Self::ContentPut(c) => json!({"key": c.key, "language": c.language, "text": c.text}),
            Self::PicturePut(c) => json!({"key": c.key, "language": c.language, "picture": c.picture}),
            Self::StaffPut(c) => json!({
                "name": c.name, "roles": c.roles, "password": c.password_hash.is_some(),
            }),
            Self::FourEyesSet(c) => json!({"above": c.above}),
            Self::CatalogPublish(c) => json!({"version": c.version, "catalog": c.catalog}),
            Self::OperatorAct(c) => json!({"act": c.act, "subject": c.subject, "reason": c.reason}),
            Self::ProjectionSwap(c) => json!({
                "projection": c.projection, "from": c.from, "to": c.to, "position": c.position,
            }),
            Self::ReconciliationRecord(c) => json!({
                "finished": c.finished, "differences": c.differences,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::COMMANDS;

    #[test]
    fn the_table_of_authority_names_exactly_the_verbs() {
        let mut verbs: Vec<_> = Command::VERBS.iter().chain(Operation::VERBS).copied().collect();
        let mut table: Vec<_> = COMMANDS.iter().map(|(verb, _)| *verb).collect();
        verbs.sort_unstable();
        table.sort_unstable();
        assert_eq!(verbs, table);
    }
}
