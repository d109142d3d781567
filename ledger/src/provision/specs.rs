//! What is asked of JetStream, as pure values, and what of it must be kept.

use std::time::Duration;

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

pub fn event_stream() -> stream::Config {
    stream::Config {
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

/// What the server keeps differently, if anything.
pub fn stream_differs(wanted: &stream::Config, kept: &stream::Config) -> Option<&'static str> {
    [
        (wanted.subjects != kept.subjects, "subjects"),
        (wanted.max_bytes != kept.max_bytes, "max_bytes"),
        (kept.max_age != Duration::ZERO, "max_age"),
        (wanted.duplicate_window != kept.duplicate_window, "duplicate_window"),
        (wanted.discard != kept.discard, "discard"),
        (wanted.storage != kept.storage, "storage"),
    ]
    .into_iter()
    .find_map(|(differs, what)| differs.then_some(what))
}

pub fn event_consumer(name: &str, types: &[&str]) -> consumer::pull::Config {
    consumer::pull::Config {
        durable_name: Some(name.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_ack_pending: ACK_PENDING_MAX,
        filter_subjects: types.iter().map(|t| events_of(t)).collect(),
        ..consumer::pull::Config::default()
    }
}

/// What the server keeps differently, if anything.
pub fn consumer_differs(wanted: &consumer::pull::Config, kept: &consumer::Config) -> Option<&'static str> {
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

/// Picture bytes; after their time they are had again from Telegram by file id.
pub fn images() -> object_store::Config {
    object_store::Config {
        bucket: IMAGES_BUCKET.to_owned(),
        max_age: IMAGES_AGE_MAX,
        max_bytes: IMAGES_BYTES_MAX,
        storage: StorageType::File,
        ..object_store::Config::default()
    }
}

pub fn sessions() -> kv::Config {
    kv::Config {
        bucket: SESSIONS_BUCKET.to_owned(),
        max_age: SESSIONS_AGE_MAX,
        max_bytes: SESSIONS_BYTES_MAX,
        storage: StorageType::File,
        ..kv::Config::default()
    }
}
