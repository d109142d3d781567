//! Checkpoints in NATS: a stream of them in the ledger's own account. Losable, like all of JetStream; but
//! whoever changes the database has to change it, too.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::stream::{self, DiscardPolicy, StorageType};
use async_nats::jetstream::{self, Context};
use proto_events::PublishedEvent;
use proto_events::subjects::{CHECKPOINTS, CHECKPOINTS_STREAM, EVT_STREAM};

use crate::provision::incarnation_of;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// About 100 000 checkpoints.
const BYTES_MAX: i64 = 64 << 20;
const ANSWER: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
#[error("JetStream does not answer for {what}")]
pub struct Away {
    what: &'static str,
    #[source]
    source: Source,
}

fn away<E: Into<Source>>(what: &'static str) -> impl FnOnce(E) -> Away {
    move |source| Away { what, source: source.into() }
}

async fn in_time<T>(what: &'static str, work: impl Future<Output = Result<T, Away>>) -> Result<T, Away> {
    tokio::time::timeout(ANSWER, work).await.map_err(away(what))?
}

fn spec() -> stream::Config {
    stream::Config {
        name: CHECKPOINTS_STREAM.to_owned(),
        subjects: vec![CHECKPOINTS.to_owned()],
        max_bytes: BYTES_MAX,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        num_replicas: 1,
        ..stream::Config::default()
    }
}

/// Keeps a note; makes the stream if it is not there.
///
/// # Errors
/// JetStream is away.
pub async fn keep(client: &Client, note: &str) -> Result<(), Away> {
    const WHAT: &str = "the checkpoints' stream";
    let context = jetstream::new(client.clone());
    in_time(WHAT, async {
        context.get_or_create_stream(spec()).await.map_err(away(WHAT))?;
        let sent = context.publish(CHECKPOINTS, note.to_owned().into()).await.map_err(away(WHAT))?;
        sent.await.map(drop).map_err(away(WHAT))
    })
    .await
}

/// The newest note, if there is a stream with one.
///
/// # Errors
/// JetStream is away.
pub async fn newest(client: &Client) -> Result<Option<String>, Away> {
    const WHAT: &str = "the checkpoints' stream";
    let context = jetstream::new(client.clone());
    in_time(WHAT, async {
        let Some((stream, state)) = found(&context, CHECKPOINTS_STREAM, WHAT).await? else { return Ok(None) };
        if state.messages == 0 {
            return Ok(None);
        }
        let last = stream.get_raw_message(state.last_sequence).await.map_err(away(WHAT))?;
        Ok(Some(String::from_utf8_lossy(&last.payload).into_owned()))
    })
    .await
}

/// How the event stream ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvtEnd {
    /// The last event.
    Event(PublishedEvent),
    /// No event, but it ended here once. It was made for this incarnation of the log, if it says so.
    Empty { after: u64, incarnation: Option<i64> },
}

/// # Errors
/// JetStream is away.
pub async fn evt_end(client: &Client) -> Result<Option<EvtEnd>, Away> {
    const WHAT: &str = "the event stream";
    let context = jetstream::new(client.clone());
    in_time(WHAT, async {
        let Some((stream, state)) = found(&context, EVT_STREAM, WHAT).await? else { return Ok(None) };
        let incarnation = incarnation_of(&stream.cached_info().config);
        let empty = EvtEnd::Empty { after: state.last_sequence, incarnation };
        if state.messages == 0 {
            return Ok(Some(empty));
        }
        // Deleted by hand: where it ends is known all the same.
        let Ok(last) = stream.get_raw_message(state.last_sequence).await else { return Ok(Some(empty)) };
        serde_json::from_slice(&last.payload).map(|event| Some(EvtEnd::Event(event))).map_err(away(WHAT))
    })
    .await
}

/// Deletes the event stream of a log that was given up; the provisioner makes a new one.
///
/// # Errors
/// JetStream is away.
pub async fn delete_evt(client: &Client) -> Result<(), Away> {
    const WHAT: &str = "the event stream";
    let context = jetstream::new(client.clone());
    in_time(WHAT, async { context.delete_stream(EVT_STREAM).await.map(drop).map_err(away(WHAT)) }).await
}

async fn found(
    context: &Context,
    name: &str,
    what: &'static str,
) -> Result<Option<(stream::Stream, stream::State)>, Away> {
    use async_nats::jetstream::ErrorCode;
    use async_nats::jetstream::context::GetStreamErrorKind as Kind;
    match context.get_stream(name).await {
        Ok(stream) => {
            let state = stream.cached_info().state.clone();
            Ok(Some((stream, state)))
        }
        Err(error) => match error.kind() {
            Kind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            _ => Err(away(what)(error)),
        },
    }
}
