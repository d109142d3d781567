//! What is asked of JetStream, as pure values, and what of it must be kept.

use std::collections::HashMap;
use std::time::Duration;

use crate::store::Republish;
use async_nats::jetstream::consumer::{self, AckPolicy, DeliverPolicy};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{kv, object_store};
use proto_events::subjects::{EVT_STREAM, IMAGES_BUCKET, SESSIONS_BUCKET, events_of};

/// The window of the log that EVT holds: bounded by bytes, never by age, so that it never
/// empties by itself.
const EVENTS_BYTES_MAX: i64 = 2 * 1024 * 1024 * 1024;
/// Longer than any pause of the relay between a publish and its repeat.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// A worker that has said nothing for this long has lost the event; long work says so in between.
pub const ACK_WAIT: Duration = Duration::from_secs(30);
/// Events a consumer may hold unacknowledged over all its instances.
const ACK_PENDING_MAX: i64 = 1_000;
const IMAGES_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
const IMAGES_BYTES_MAX: i64 = 4 * 1024 * 1024 * 1024;
const SESSIONS_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
const SESSIONS_BYTES_MAX: i64 = 256 * 1024 * 1024;

/// Names the incarnation of the log that a stream was made for: what an empty one can't say by its last event.
const INCARNATION: &str = "plantain-incarnation";

/// The stream, of which the first message is the event after `after`, with its position as sequence.
pub(super) fn event_stream(after: i64, incarnation: i64) -> stream::Config {
    stream::Config {
        metadata: HashMap::from([(INCARNATION.to_owned(), incarnation.to_string())]),
        first_sequence: Some(after.unsigned_abs() + 1),
        name: EVT_STREAM.to_owned(),
        subjects: vec!["evt.ledger.>".to_owned()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        max_bytes: EVENTS_BYTES_MAX,
        duplicate_window: DUPLICATE_WINDOW,
        allow_direct: true,
        num_replicas: 1,
        ..stream::Config::default()
    }
}

/// `None`: it does not say.
pub fn incarnation_of(kept: &stream::Config) -> Option<i64> {
    kept.metadata.get(INCARNATION)?.parse().ok()
}

/// Names the operator's wish that a stream was made for.
const WISH: &str = "plantain-republish";

/// The stream of an operator's wish.
pub(super) fn wished_stream(wish: Republish, incarnation: i64) -> stream::Config {
    let mut config = event_stream(wish.from - 1, incarnation);
    config.metadata.insert(WISH.to_owned(), wish.request.to_string());
    config
}

pub(super) fn is_made_for(kept: &stream::Config, request: i64) -> bool {
    kept.metadata.get(WISH).is_some_and(|made_for| *made_for == request.to_string())
}

/// What the server keeps differently, if anything.
pub(super) fn stream_differs(wanted: &stream::Config, kept: &stream::Config) -> Option<&'static str> {
    [
        (wanted.first_sequence.unwrap_or(1) != kept.first_sequence.unwrap_or(1), "first_seq"),
        (wanted.subjects != kept.subjects, "subjects"),
        (wanted.retention != kept.retention, "retention"),
        (wanted.allow_direct != kept.allow_direct, "allow_direct"),
        (wanted.max_bytes != kept.max_bytes, "max_bytes"),
        (kept.max_age != Duration::ZERO, "max_age"),
        (wanted.duplicate_window != kept.duplicate_window, "duplicate_window"),
        (wanted.discard != kept.discard, "discard"),
        (wanted.storage != kept.storage, "storage"),
    ]
    .into_iter()
    .find_map(|(differs, what)| differs.then_some(what))
}

pub(super) fn event_consumer(name: &str, types: &[&str], done_through: i64) -> consumer::pull::Config {
    consumer::pull::Config {
        durable_name: Some(name.to_owned()),
        // Sequences are positions.
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: done_through.unsigned_abs() + 1 },
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_ack_pending: ACK_PENDING_MAX,
        filter_subjects: types.iter().map(|t| events_of(t)).collect(),
        ..consumer::pull::Config::default()
    }
}

/// What the server keeps differently, if anything.
pub(super) fn consumer_differs(
    wanted: &consumer::pull::Config,
    kept: &consumer::Config,
) -> Option<&'static str> {
    let mut filters = kept.filter_subjects.clone();
    if filters.is_empty() && !kept.filter_subject.is_empty() {
        filters.push(kept.filter_subject.clone());
    }
    [
        (wanted.filter_subjects != filters, "filter_subjects"),
        (wanted.ack_wait != kept.ack_wait, "ack_wait"),
        (wanted.ack_policy != kept.ack_policy, "ack_policy"),
        (wanted.max_ack_pending != kept.max_ack_pending, "max_ack_pending"),
    ]
    .into_iter()
    .find_map(|(differs, what)| differs.then_some(what))
}

pub(super) enum Kind {
    Objects,
    Values,
}

/// A bucket of MEDIA by the stream under it, with what must be kept of its configuration.
pub(super) struct Bucket {
    pub stream: &'static str,
    pub kind: Kind,
    pub age_max: Duration,
    pub bytes_max: i64,
}

/// A full bucket lets go of its oldest. The client library would refuse new objects instead, when
/// the picture has been paid for already; bytes that went are compensated.
pub(super) const BUCKET_DISCARD: DiscardPolicy = DiscardPolicy::Old;

pub(super) const BUCKETS: [Bucket; 2] = [
    Bucket {
        stream: "OBJ_images",
        kind: Kind::Objects,
        age_max: IMAGES_AGE_MAX,
        bytes_max: IMAGES_BYTES_MAX,
    },
    Bucket {
        stream: "KV_sessions",
        kind: Kind::Values,
        age_max: SESSIONS_AGE_MAX,
        bytes_max: SESSIONS_BYTES_MAX,
    },
];

impl Bucket {
    pub(super) fn differs(&self, kept: &stream::Config) -> Option<&'static str> {
        [
            (self.age_max != kept.max_age, "max_age"),
            (self.bytes_max != kept.max_bytes, "max_bytes"),
            (kept.storage != StorageType::File, "storage"),
            (kept.discard != BUCKET_DISCARD, "discard"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}

/// Picture bytes; after their time they are had again from Telegram by file id.
pub(super) fn images() -> object_store::Config {
    object_store::Config {
        bucket: IMAGES_BUCKET.to_owned(),
        max_age: IMAGES_AGE_MAX,
        max_bytes: IMAGES_BYTES_MAX,
        storage: StorageType::File,
        ..object_store::Config::default()
    }
}

pub(super) fn sessions() -> kv::Config {
    kv::Config {
        bucket: SESSIONS_BUCKET.to_owned(),
        max_age: SESSIONS_AGE_MAX,
        max_bytes: SESSIONS_BYTES_MAX,
        storage: StorageType::File,
        ..kv::Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_the_streams_of_their_names() {
        let [images, sessions] = BUCKETS;
        assert_eq!(images.stream, format!("OBJ_{IMAGES_BUCKET}"));
        assert_eq!(sessions.stream, format!("KV_{SESSIONS_BUCKET}"));
    }

    #[test]
    fn a_field_that_an_old_server_drops_is_named() {
        let wanted = event_consumer("telegram", &["PaymentSettled", "GenerationFailed"], 7);
        let mut kept = consumer::Config {
            filter_subjects: wanted.filter_subjects.clone(),
            ack_policy: wanted.ack_policy,
            ack_wait: wanted.ack_wait,
            max_ack_pending: wanted.max_ack_pending,
            ..consumer::Config::default()
        };
        assert_eq!(consumer_differs(&wanted, &kept), None);
        kept.filter_subjects.clear();
        assert_eq!(consumer_differs(&wanted, &kept), Some("filter_subjects"));
        let mut stream = event_stream(7, 1);
        assert_eq!(stream_differs(&event_stream(7, 1), &stream), None);
        assert_eq!(incarnation_of(&stream), Some(1));
        stream.max_age = Duration::from_secs(1);
        assert_eq!(
            stream_differs(&event_stream(7, 1), &stream),
            Some("max_age"),
            "EVT must never age to empty"
        );
    }
}
