//! NATS subjects, streams and buckets: written here once.

use crate::{AccountId, GenerationId, Producer};

pub const EVT_STREAM: &str = "EVT";
/// Signed checkpoints of the log, in the ledger's own account.
pub const CHECKPOINTS_STREAM: &str = "CHECKPOINTS";
pub const CHECKPOINTS: &str = "checkpoints.ledger";
/// Object store of picture bytes, in the MEDIA account.
pub const IMAGES_BUCKET: &str = "images";
/// Request to the Telegram adapter, in the MEDIA account: bring a file into the object store.
pub const FETCH_FILE: &str = "media.file.fetch";
/// What an instance of the Telegram adapter learned of flood control, for the others, in the MEDIA account: messages of
/// [`crate::media::FloodNotice`], losable.
pub const LIVE_FLOOD: &str = "live.flood";
/// Key-value bucket of chat sessions and drafts, in the MEDIA account.
pub const SESSIONS_BUCKET: &str = "sessions";
/// What the adapters put before `.JS.API` to reach their consumer in the ledger's account.
pub const JS_PREFIX: &str = "core.JS.API";

pub fn command(producer: Producer, verb: &str) -> String {
    format!("cmd.ledger.{producer}.{verb}")
}

pub fn query(producer: Producer, name: &str) -> String {
    format!("qry.ledger.{producer}.{name}")
}

pub fn event(account: AccountId, event_type: &str) -> String {
    format!("evt.ledger.{}.{event_type}.{account}", account.bucket())
}

/// What of a text is there so far: messages of [`crate::media::LivePiece`], losable.
pub fn live(generation: GenerationId) -> String {
    format!("live.generation.{generation}")
}

/// All events of one type, as consumers filter.
pub fn events_of(event_type: &str) -> String {
    format!("evt.ledger.*.{event_type}.*")
}

/// The producer and the last token of `cmd.ledger.<producer>.<verb>` or `qry.ledger.<producer>.<name>`.
pub fn parse(subject: &str) -> Option<(Producer, &str)> {
    let mut tokens = subject.split('.');
    let (kind, ledger, producer, name) = (tokens.next()?, tokens.next()?, tokens.next()?, tokens.next()?);
    let known = matches!(kind, "cmd" | "qry") && ledger == "ledger" && tokens.next().is_none();
    known.then_some((producer.parse().ok()?, name))
}

/// The durable consumer of EVT that each adapter has, with the event types it is shown.
pub const CONSUMERS: &[(Producer, &[&str])] = &[
    (
        Producer::Telegram,
        &[
            "PaymentRegistered",
            "PaymentSettled",
            "PaymentCanceled",
            "RefundOpened",
            "RefundSettled",
            "RefundFailed",
            "GenerationStarted",
            "GenerationSucceeded",
            "GenerationFailed",
            "GenerationCanceled",
            "DeliveryFailed",
            "CreditsGranted",
            "CreditsRevoked",
            "CreditsExpired",
            "DebtPaid",
            "AccountBanned",
            "AccountUnbanned",
            "MessageRequested",
            "PaymentQuarantined",
            "BroadcastStarted",
            "OperatorActed",
        ],
    ),
    (Producer::Payments, &["PaymentOpened", "PaymentSettled", "RefundOpened"]),
    (Producer::Generator, &["GenerationRequested", "GenerationCanceled"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_its_producer_and_verb() {
        assert_eq!(parse("cmd.ledger.telegram.topup_open"), Some((Producer::Telegram, "topup_open")));
        for bad in [
            "cmd.ledger.telegram",
            "cmd.ledger.nobody.x",
            "cmd.ledger.telegram.x.y",
            "evt.ledger.telegram.x",
            "",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
