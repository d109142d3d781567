//! What happened. Immutable, past tense, without personal data.
//!
//! Invariant: no field here names a person; texts, ids of vendors' users and links are in side
//! tables. The stored payload of an event is exactly the fields of its struct.

mod account;
mod credits;
mod generation;
mod payment;
mod reconciliation;
mod shop;

pub use account::*;
pub use credits::*;
pub use generation::*;
pub use payment::*;
pub use reconciliation::*;
pub use shop::*;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{NotCanonical, to_canonical_json};

#[derive(Debug, thiserror::Error)]
pub enum BadEvent {
    #[error(
        "event type {0:?} is unknown to this version ({version}): a newer version of the ledger wrote it, and only that one or a \
         later one can read on", version = env!("CARGO_PKG_VERSION")
    )]
    UnknownType(String),
    #[error(
        "{event_type} has schema version {found}, and this version ({version}) reads up to {known}: the version of the ledger that \
         wrote it or a later one can read on", version = env!("CARGO_PKG_VERSION")
    )]
    NewerSchema { event_type: String, found: i16, known: i16 },
    #[error("the payload of {event_type} can't be read")]
    Payload {
        event_type: String,
        #[source]
        source: serde_json::Error,
    },
}

macro_rules! events {
    ($($name:ident = $version:literal),+ $(,)?) => {
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type", content = "payload")]
        pub enum Event { $($name($name)),+ }

        impl Event {
            /// Every event type, as in the column `type`.
            pub const TYPES: &[&str] = &[$(stringify!($name)),+];

            pub const fn type_name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),+ }
            }

            pub const fn schema_version(&self) -> i16 {
                match self { $(Self::$name(_) => $version),+ }
            }

            /// The payload as it is stored and hashed.
            ///
            /// # Errors
            /// A bug: a payload that is not canonical (a float, a huge integer).
            pub fn payload(&self) -> Result<String, NotCanonical> {
                match self { $(Self::$name(e) => to_canonical_json(e)),+ }
            }

            /// Is an event of this type and schema version known to this version? Its payload may still be damaged.
            pub fn knows(event_type: &str, schema_version: i16) -> bool {
                match event_type {
                    $(stringify!($name) => schema_version <= $version,)+
                    _ => false,
                }
            }

            /// # Errors
            /// An unknown type, a newer schema version, or a payload of another shape.
            pub fn decode(event_type: &str, schema_version: i16, payload: &str) -> Result<Self, BadEvent> {
                let known = match event_type {
                    $(stringify!($name) => $version,)+
                    other => return Err(BadEvent::UnknownType(other.to_owned())),
                };
                if schema_version > known {
                    return Err(BadEvent::NewerSchema {
                        event_type: event_type.to_owned(), found: schema_version, known,
                    });
                }
                let read = match event_type {
                    $(stringify!($name) => serde_json::from_str(payload).map(Self::$name),)+
                    other => return Err(BadEvent::UnknownType(other.to_owned())),
                };
                read.map_err(|source| BadEvent::Payload { event_type: event_type.to_owned(), source })
            }
        }

        $(impl From<$name> for Event {
            fn from(event: $name) -> Self { Self::$name(event) }
        })+
    };
}

events! {
    AccountOpened = 1, AccountBanned = 1, AccountUnbanned = 1, AccountErased = 1,
    ReferralRegistered = 1, MessageRequested = 1,
    CreditsGranted = 1, CreditsReserved = 1, ReservationCommitted = 1, ReservationReleased = 1,
    ReservationExpired = 1, CreditsRevoked = 1, CreditsExpired = 1, DebtIncurred = 1, DebtPaid = 1,
    DebtCarried = 1,
    PaymentOpened = 1, PaymentRegistered = 1, PaymentSettled = 1, PaymentCanceled = 1,
    PaymentFeeRecorded = 1, PaymentQuarantined = 1, QuarantineResolved = 1, RefundOpened = 1, RefundSettled = 1, RefundFailed = 1,
    GenerationRequested = 1, GenerationStarted = 1, GenerationAttempted = 1, GenerationSucceeded = 1,
    GenerationFailed = 1, GenerationCanceled = 1, GenerationDelivered = 1, DeliveryFailed = 1,
    CatalogPublished = 1, BroadcastStarted = 1, BroadcastPaused = 1, BroadcastFinished = 1,
    ProjectionSwapped = 1, OperatorActed = 1, PictureChanged = 1, FourEyesChanged = 1, ActApproved = 1, DifferenceFound = 1, ReconciliationFinished = 1,
}

impl Event {
    /// The payload as a JSON value, for the event stream.
    pub fn payload_value(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self).map(|mut v| v["payload"].take())
    }
}

/// A part of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LotPart {
    pub lot: crate::LotId,
    pub credits: crate::Credits,
}

/// A part of a lot that has left it for good, with the revenue it earned in minor units of the
/// lot's currency (absent for free lots).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsumedPart {
    pub lot: crate::LotId,
    pub credits: crate::Credits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue: Option<crate::Money>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_type_or_newer_schema_is_refused_by_name() {
        let e = Event::decode("CreditsTeleported", 1, "{}").unwrap_err();
        assert!(e.to_string().contains("CreditsTeleported"));
        let e = Event::decode("AccountOpened", 9, "{}").unwrap_err();
        assert!(matches!(e, BadEvent::NewerSchema { found: 9, known: 1, .. }));
        assert!(Event::decode("AccountOpened", 1, "{\"channel\":\"telegram\",\"name\":\"Eve\"}").is_err());
    }

    #[test]
    fn a_payload_reads_back_as_it_was_stored() {
        let event = Event::from(AccountOpened { channel: Channel::Telegram });
        assert_eq!(event.payload().unwrap(), r#"{"channel":"telegram"}"#);
        let back = Event::decode(event.type_name(), event.schema_version(), &event.payload().unwrap());
        assert_eq!(back.unwrap(), event);
    }
}
