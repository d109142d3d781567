//! What NATS says of itself, as far as the ledger's users may ask; what does not answer at once is unknown.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::{self, Context};
use proto_events::subjects::{CHECKPOINTS_STREAM, CONSUMERS, EVT_STREAM, IMAGES_BUCKET, SESSIONS_BUCKET};
use schemars::JsonSchema;
use serde::Serialize;

/// Of each question.
const PATIENCE: Duration = Duration::from_millis(700);

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NatsSays {
    pub(super) version: String,
    pub(super) connected: bool,
    pub(super) streams: Vec<StreamSays>,
    /// Of the event stream.
    pub(super) consumers: Vec<ConsumerSays>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StreamSays {
    pub(super) name: String,
    /// Nothing: it does not answer, or is not there.
    pub(super) state: Option<StreamState>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StreamState {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// As many as it may hold; below 1: no bound.
    pub(super) bytes_max: i64,
    pub(super) first: u64,
    pub(super) last: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ConsumerSays {
    pub(super) name: String,
    /// The position through which it has told the ledger that everything is done.
    pub(super) done_through: Option<i64>,
    pub(super) state: Option<ConsumerState>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ConsumerState {
    /// Not shown yet.
    pub(super) pending: u64,
    /// Shown, and not acknowledged.
    pub(super) in_hand: u64,
    /// Of those, shown more than once.
    pub(super) redelivered: u64,
    /// Who asks for more.
    pub(super) waiting: u64,
}

pub(super) async fn ask(core: &Client, media: &Client, done: &[(String, i64)]) -> NatsSays {
    let mut context = jetstream::new(core.clone());
    context.set_timeout(PATIENCE);
    let mut pictures = jetstream::new(media.clone());
    pictures.set_timeout(PATIENCE);
    let (images, sessions) = (format!("OBJ_{IMAGES_BUCKET}"), format!("KV_{SESSIONS_BUCKET}"));
    let streams = [
        (&context, EVT_STREAM),
        (&context, CHECKPOINTS_STREAM),
        (&pictures, images.as_str()),
        (&pictures, sessions.as_str()),
    ];
    let streams = futures_util::future::join_all(streams.map(|(context, name)| stream(context, name)));
    let consumers = CONSUMERS.iter().map(|(producer, _)| producer.as_str());
    let consumers = futures_util::future::join_all(consumers.map(|name| consumer(&context, name, done)));
    let (streams, consumers) = tokio::join!(streams, consumers);
    let connected = [core, media]
        .iter()
        .all(|client| client.connection_state() == async_nats::connection::State::Connected);
    NatsSays { version: core.server_info().version, connected, streams, consumers }
}

async fn stream(context: &Context, name: &str) -> StreamSays {
    let state = match tokio::time::timeout(PATIENCE, context.get_stream(name)).await {
        Ok(Ok(stream)) => {
            let info = stream.cached_info();
            Some(StreamState {
                messages: info.state.messages,
                bytes: info.state.bytes,
                bytes_max: info.config.max_bytes,
                first: info.state.first_sequence,
                last: info.state.last_sequence,
            })
        }
        Ok(Err(_)) | Err(_) => None,
    };
    StreamSays { name: name.to_owned(), state }
}

async fn consumer(context: &Context, name: &str, done: &[(String, i64)]) -> ConsumerSays {
    let asked = context.get_consumer_from_stream::<jetstream::consumer::pull::Config, _, _>(name, EVT_STREAM);
    let state = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(consumer)) => {
            let info = consumer.cached_info();
            Some(ConsumerState {
                pending: info.num_pending,
                in_hand: u64::try_from(info.num_ack_pending).unwrap_or(0),
                redelivered: u64::try_from(info.num_redelivered).unwrap_or(0),
                waiting: u64::try_from(info.num_waiting).unwrap_or(0),
            })
        }
        Ok(Err(_)) | Err(_) => None,
    };
    let done_through = done.iter().find(|(who, _)| who == name).map(|(_, at)| *at);
    ConsumerSays { name: name.to_owned(), done_through, state }
}
