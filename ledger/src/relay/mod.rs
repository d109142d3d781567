//! From the log to the event stream: EVT is an exact, contiguous copy of a window of the log that
//! ends at most at its head.
//!
//! Each message is named by its position and expects the one before it, so a gap, a repeat or a
//! second relay is refused by the server, and the relay finds its place again from the stream
//! itself. Events are read from the log after commit, never from memory.
//!
//! Invariant: nothing is published after what this log does not have. A stream whose last event is
//! not the log's (an old database was restored) is left alone and said aloud, unless the restore was
//! accepted: then the log is of a newer incarnation, and the stream of the old one is deleted.

mod place;

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, HeaderMap};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use proto_events::subjects;
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::log::BadRow;
use crate::tail::{Entry, Tail};
use place::{Place, find_place, stream_info};

/// Events read from the log at once.
const READ_MAX: usize = 500;
/// Publishes without an answer yet; each is about 1 kB.
const IN_FLIGHT_MAX: usize = 256;
/// How often a quiet relay looks whether the stream is still there.
const CHECK: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(250);
/// A relay that stands still says so this often.
const SAY: Duration = Duration::from_secs(10);

const MSG_ID: &str = "Nats-Msg-Id";
const EXPECTED_LAST_MSG_ID: &str = "Nats-Expected-Last-Msg-Id";
const EXPECTED_LAST_SEQUENCE: &str = "Nats-Expected-Last-Sequence";

#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("the log can't be read: {0}")]
    Log(#[from] BadRow),
    #[error("the event stream is not there")]
    NoStream,
    /// The stream's end is not where this relay thought: look again.
    #[error("the event stream ends elsewhere: {0}")]
    Moved(String),
    #[error("JetStream does not answer: {0}")]
    Away(String),
    #[error(
        "position {position}, the last of the event stream, is not what the log has there: an older database was restored, \
         or the stream is another system's. Nothing is published until one of them is right"
    )]
    Foreign { position: i64 },
    #[error("the event stream ends at position {position} of an incarnation of the log that was given up")]
    Superseded { position: i64 },
}

struct Relay {
    pool: PgPool,
    tail: Tail,
    context: Context,
    incarnation: i64,
}

/// Publishes until told to stop.
pub async fn run(pool: PgPool, client: Client, tail: Tail, incarnation: i64, stop: CancellationToken) {
    let relay = Relay { pool, tail, context: jetstream::new(client), incarnation };
    // So that a passing failure is not said aloud, and a lasting one not all the time.
    let mut next_said = Instant::now() + SAY;
    while !stop.is_cancelled() {
        let followed = relay.follow(&stop).await;
        let Err(error) = followed else { return };
        if let RelayError::Superseded { position } = error {
            relay.delete_stream(position).await;
        }
        let grave = matches!(error, RelayError::Foreign { .. });
        if grave && Instant::now() + SAY >= next_said || Instant::now() >= next_said {
            tracing::error!(%error, "the relay stands still");
            next_said = Instant::now() + if grave { 2 * SAY } else { SAY };
        } else {
            tracing::debug!(%error, "finding the relay's place again");
        }
        metrics::counter!("ledger_relay_restarts_total").increment(1);
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = stop.cancelled() => {}
        }
    }
}

impl Relay {
    async fn follow(&self, stop: &CancellationToken) -> Result<(), RelayError> {
        let mut place = find_place(&self.pool, &self.context, self.incarnation).await?;
        tracing::info!(after = place.after, empty = place.empty, "publishing the log");
        let mut checked = Instant::now();
        while !stop.is_cancelled() {
            let entries = self.tail.after(place.after, READ_MAX).await?;
            metrics::gauge!("ledger_relay_lag").set((self.tail.head() - place.after).max(0) as f64);
            if !entries.is_empty() {
                self.publish(&entries, &mut place).await?;
                checked = Instant::now();
                continue;
            }
            if checked.elapsed() >= CHECK {
                self.is_there(place).await?;
                checked = Instant::now();
            }
            tokio::select! {
                () = self.tail.wait_beyond(place.after) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    /// The provisioner makes a new one, which begins where the consumers are done.
    async fn delete_stream(&self, position: i64) {
        tracing::warn!(
            position,
            incarnation = self.incarnation,
            "deleting the event stream of an older incarnation"
        );
        if let Err(error) = self.context.delete_stream(subjects::EVT_STREAM).await {
            tracing::error!(%error, "the event stream of an older incarnation can't be deleted");
        }
    }

    /// In a quiet time: does the stream still end where it should?
    async fn is_there(&self, place: Place) -> Result<(), RelayError> {
        let now = Place::of(&stream_info(&self.context).await?.state);
        if now == place {
            Ok(())
        } else {
            Err(RelayError::Moved(format!("at {} instead of {}", now.after, place.after)))
        }
    }

    /// Publishes consecutive events. After an error the stream holds a beginning of them.
    async fn publish(&self, entries: &[Arc<Entry>], place: &mut Place) -> Result<(), RelayError> {
        let mut answers = FuturesOrdered::new();
        for row in entries.iter().map(|entry| &entry.row) {
            fail::fail_point!("ledger.relay.before_publish");
            let event = row.published(self.incarnation)?;
            let body =
                serde_json::to_vec(&event).map_err(|e| BadRow::Column(sqlx::Error::Encode(Box::new(e))))?;
            let subject = subjects::event(row.account(), &row.event_type);
            let sent =
                self.context.publish_with_headers(subject, headers(row.position, *place), body.into()).await;
            let sent = sent.map_err(|e| RelayError::Away(e.to_string()))?;
            let position = row.position;
            answers.push_back(async move { (position, sent.await) });
            *place = Place { after: position, empty: false };
            if answers.len() >= IN_FLIGHT_MAX
                && let Some((position, answer)) = answers.next().await
            {
                judge(position, answer)?;
            }
        }
        while let Some((position, answer)) = answers.next().await {
            judge(position, answer)?;
        }
        metrics::counter!("ledger_relay_published_total").increment(entries.len() as u64);
        fail::fail_point!("ledger.relay.published");
        Ok(())
    }
}

fn headers(position: i64, place: Place) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(MSG_ID, position.to_string().as_str());
    // An empty stream has no last id to expect, only a last sequence: which is the position, too.
    let expected = if place.empty { EXPECTED_LAST_SEQUENCE } else { EXPECTED_LAST_MSG_ID };
    headers.insert(expected, place.after.to_string().as_str());
    headers
}

fn judge(position: i64, answer: Result<PublishAck, PublishError>) -> Result<(), RelayError> {
    match answer {
        Ok(ack) if i64::try_from(ack.sequence) == Ok(position) => Ok(()),
        Ok(_) => Err(RelayError::Foreign { position }),
        Err(error) => Err(match error.kind() {
            PublishErrorKind::StreamNotFound => RelayError::NoStream,
            PublishErrorKind::WrongLastMessageId | PublishErrorKind::WrongLastSequence => {
                RelayError::Moved(error.to_string())
            }
            _ => RelayError::Away(error.to_string()),
        }),
    }
}
