//! From the log to the event stream: EVT is an exact, contiguous copy of a window of the log that
//! ends at most at its head.
//!
//! Each message is named by its position and expects the one before it, so a gap, a repeat or a
//! second relay is refused by the server, and the relay finds its place again from the stream
//! itself. Events are read from the log after commit, never from memory.
//!
//! A stream out of which messages were taken (a subject was purged, a message deleted by hand) is no
//! window any more. It is deleted; the provisioner makes a new one.
//!
//! Invariant: nothing is published after what this log does not have. A stream whose last event is
//! not the log's (an old database was restored) is left alone and said aloud, unless the restore was
//! accepted: then the log is of a newer incarnation, and the stream of the old one is deleted.
//! `ledger republish` gives it up by hand.

mod pipe;
mod place;
mod standing;

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::{self, Context};
use proto_events::subjects;
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::log::BadRow;
use crate::store::{answered, last_republish};
use crate::tail::Tail;
use pipe::Pipe;
use place::{Place, find_place, holes, stream_info};
use standing::Standing;

/// Events taken from the log at once.
const READ_MAX: usize = 1_000;
/// How often the relay looks whether the stream is still there and whole.
const CHECK: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(250);
/// A relay that stands still says so this often.
const SAY: Duration = Duration::from_secs(10);

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
         or the stream is another system's. Nothing is published until one of them is right (`ledger republish` gives \
         the stream up)"
    )]
    Foreign { position: i64 },
    #[error("the event stream ends at position {position} of an incarnation of the log that was given up")]
    Superseded { position: i64 },
    #[error("{missing} messages were taken out of the event stream")]
    Holes { missing: u64 },
}

struct Relay {
    pool: PgPool,
    tail: Tail,
    client: Client,
    context: Context,
    incarnation: i64,
    standing: Standing,
}

/// Publishes until told to stop.
pub async fn run(pool: PgPool, client: Client, tail: Tail, incarnation: i64, stop: CancellationToken) {
    let (context, standing) = (jetstream::new(client.clone()), Standing::default());
    let relay = Relay { pool, tail: tail.clone(), client, context, incarnation, standing: standing.clone() };
    tokio::select! {
        () = relay.go_on(&stop) => {}
        () = standing.tell(&tail) => {}
    }
}

impl Relay {
    async fn go_on(&self, stop: &CancellationToken) {
        // So that a passing failure is not said aloud, and a lasting one not all the time.
        let mut next_said = Instant::now() + SAY;
        // The last `ledger republish` that was told of.
        let mut told = 0;
        while !stop.is_cancelled() {
            let done = self.republish(true).await.unwrap_or(i64::MAX);
            let Err(error) = self.follow(stop).await else { return };
            self.standing.stands();
            // What was planned is no failure, unless it lasts.
            if let Some(request) = self.republish(false).await.filter(|request| *request > done.max(told)) {
                tracing::info!(
                    request,
                    "the event stream is made anew, as was asked: the relay finds its place in it"
                );
                told = request;
                next_said = Instant::now() + SAY;
            }
            if matches!(error, RelayError::Superseded { .. } | RelayError::Holes { .. }) {
                self.delete_stream(&error).await;
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

    async fn follow(&self, stop: &CancellationToken) -> Result<(), RelayError> {
        let place = find_place(&self.pool, &self.context, self.incarnation).await?;
        tracing::info!(after = place.after, empty = place.empty, "publishing the log");
        let mut pipe = Pipe::open(&self.client, self.incarnation, place).await?;
        let mut checked = Instant::now();
        while !stop.is_cancelled() {
            self.standing.goes(pipe.taken());
            if checked.elapsed() >= CHECK {
                pipe.settle().await?;
                self.is_whole(pipe.place()).await?;
                checked = Instant::now();
            }
            let entries = self.tail.after(pipe.place().after, READ_MAX).await?;
            if !entries.is_empty() {
                pipe.publish(&entries).await?;
                continue;
            }
            pipe.settle().await?;
            self.standing.goes(pipe.taken());
            tokio::select! {
                () = self.tail.wait_beyond(pipe.place().after) => {}
                () = stop.cancelled() => {}
            }
        }
        pipe.settle().await
    }

    /// The newest wish for a fresh stream, or the newest that is done. `None`: Postgres does not answer.
    async fn republish(&self, done: bool) -> Option<i64> {
        answered(last_republish(&self.pool, done)).await.ok()
    }

    /// The provisioner makes a new one, which begins where the consumers are done.
    async fn delete_stream(&self, why: &RelayError) {
        tracing::warn!(%why, incarnation = self.incarnation, "deleting the event stream");
        metrics::counter!("ledger_relay_streams_deleted_total").increment(1);
        if let Err(error) = self.context.delete_stream(subjects::EVT_STREAM).await {
            tracing::error!(%error, "the event stream can't be deleted");
        }
    }

    /// Does the stream end where it should, with nothing taken out of it?
    async fn is_whole(&self, place: Place) -> Result<(), RelayError> {
        let state = stream_info(&self.context).await?.state;
        let now = Place::of(&state);
        if now != place {
            return Err(RelayError::Moved(format!("at {} instead of {}", now.after, place.after)));
        }
        // Found out about, and acted on, by `find_place`.
        match holes(&state) {
            0 => Ok(()),
            missing => Err(RelayError::Moved(format!("{missing} messages are missing in it"))),
        }
    }
}
