//! A notification, turned into a closed enum at the door. Only ids are taken from it.

use proto_events::events::ProviderId;
use serde::Deserialize;

use crate::yookassa::provider_id;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    /// Something happened to this payment; what, is asked of YooKassa. With the event's name.
    Payment(&'static str, ProviderId),
    Refund(&'static str, ProviderId),
    /// payment_method.active, and whatever else comes.
    Other(String),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// serde's own words may quote the body.
    #[error("it is not a notification, at line {line} column {column}")]
    Form { line: usize, column: usize },
    #[error("its object has no id of YooKassa's form")]
    Id,
}

const PAYMENTS: [&str; 3] = ["payment.succeeded", "payment.canceled", "payment.waiting_for_capture"];
const REFUNDS: [&str; 1] = ["refund.succeeded"];

#[derive(Deserialize)]
struct Wire {
    event: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    id: String,
}

pub(super) fn read(body: &[u8]) -> Result<Notice, Error> {
    let wire: Wire = serde_json::from_slice(body)
        .map_err(|error| Error::Form { line: error.line(), column: error.column() })?;
    let id = || provider_id(&wire.object.id).ok_or(Error::Id);
    let known = |names: &[&'static str]| names.iter().find(|name| **name == wire.event).copied();
    if let Some(event) = known(&PAYMENTS) {
        return Ok(Notice::Payment(event, id()?));
    }
    if let Some(event) = known(&REFUNDS) {
        return Ok(Notice::Refund(event, id()?));
    }
    Ok(Notice::Other(wire.event.chars().filter(char::is_ascii_graphic).take(60).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn notifications_are_told_apart_by_their_event() {
        let read = |event: &str| {
            let body = json!({"type": "notification", "event": event, "object": {"id": "2-a", "status": "succeeded"}});
            read(body.to_string().as_bytes()).unwrap()
        };
        let id = ProviderId::lossy("2-a");
        assert_eq!(read("payment.succeeded"), Notice::Payment("payment.succeeded", id.clone()));
        assert_eq!(read("payment.canceled"), Notice::Payment("payment.canceled", id.clone()));
        assert_eq!(read("refund.succeeded"), Notice::Refund("refund.succeeded", id));
        assert_eq!(read("payment_method.active"), Notice::Other("payment_method.active".into()));
        assert_eq!(read("deal.closed\n\u{1b}[31m"), Notice::Other("deal.closed[31m".into()));
    }

    #[test]
    fn what_is_no_notification_is_refused() {
        let deep = format!("{{\"event\":\"payment.succeeded\",\"object\":{}", "[".repeat(100_000));
        let bad = [
            "",
            "null",
            "[]",
            "{}",
            "{\"event\":7,\"object\":{}}",
            "{\"event\":\"payment.succeeded\"}",
            "{\"event\":\"payment.succeeded\",\"object\":{}}",
            "{\"event\":\"payment.succeeded\",\"object\":{\"id\":7}}",
            "{\"event\":\"payment.succeeded\",\"object\":{\"id\":\"../me\"}}",
            "{\"event\":\"payment.succeeded\",\"object\":{\"id\":\"a\\u0000b\"}}",
            &deep,
        ];
        for body in bad {
            assert!(read(body.as_bytes()).is_err(), "{:?} was taken", body.get(..80));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}
