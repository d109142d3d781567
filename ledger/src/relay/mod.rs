//! From the log to the event stream: EVT is an exact, contiguous copy of a window of the log that
//! ends at most at its head.
//!
//! Each message is named by its position and expects the one before it, so a gap, a repeat or a
//! second relay is refused by the server, and the relay finds its place again from the stream
//! itself. Events are read from the log after commit, never from memory.

mod place;

use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, HeaderMap};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use proto_events::{Position, subjects};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::log::{BadRow, COLUMNS, Row};
use place::{Place, find_place};

/// Events read from the log at once.
const READ_MAX: i64 = 500;
/// Publishes without an answer yet; each is about 1 kB.
const IN_FLIGHT_MAX: usize = 256;
const LOOK: Duration = Duration::from_millis(200);
const RETRY: Duration = Duration::from_millis(500);

const MSG_ID: &str = "Nats-Msg-Id";
const EXPECTED_LAST_MSG_ID: &str = "Nats-Expected-Last-Msg-Id";
const EXPECTED_LAST_SEQUENCE: &str = "Nats-Expected-Last-Sequence";

#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("the log can't be read")]
    Log(#[from] BadRow),
    #[error("the event stream is not there")]
    NoStream,
    /// The stream's end is not where this relay thought: look again.
    #[error("the event stream ends elsewhere: {0}")]
    Moved(String),
    #[error(
        "position {position} of the event stream is not that of the log: the database is behind what was published"
    )]
    Foreign { position: i64 },
}

struct Relay {
    pool: PgPool,
    context: Context,
    incarnation: i64,
}

/// Publishes until told to stop.
pub async fn run(
    pool: PgPool,
    client: Client,
    mut head: watch::Receiver<Position>,
    incarnation: i64,
    stop: CancellationToken,
) {
    let relay = Relay { pool, context: jetstream::new(client), incarnation };
    while !stop.is_cancelled() {
        match relay.follow(&mut head, &stop).await {
            Ok(()) => return,
            Err(error @ (RelayError::NoStream | RelayError::Moved(_))) => {
                tracing::debug!(%error, "finding the relay's place again");
            }
            Err(error) => tracing::error!(%error, "the relay stands still"),
        }
        metrics::counter!("ledger_relay_restarts_total").increment(1);
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = stop.cancelled() => {}
        }
    }
}

impl Relay {
    async fn follow(
        &self,
        head: &mut watch::Receiver<Position>,
        stop: &CancellationToken,
    ) -> Result<(), RelayError> {
        let mut place = find_place(&self.pool, &self.context).await?;
        tracing::info!(after = place.after, empty = place.empty, "publishing the log");
        loop {
            let rows = self.read(place.after).await?;
            if rows.is_empty() {
                let lag = head.borrow().get() - place.after;
                metrics::gauge!("ledger_relay_lag").set(lag as f64);
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => self.is_there(&place).await?,
                    _ = head.changed() => {}
                    () = stop.cancelled() => return Ok(()),
                }
                continue;
            }
            if stop.is_cancelled() {
                return Ok(());
            }
            self.publish(&rows, &mut place).await?;
        }
    }

    async fn read(&self, after: i64) -> Result<Vec<Row>, RelayError> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT $2");
        let found = sqlx::query(AssertSqlSafe(sql)).bind(after).bind(READ_MAX).fetch_all(&self.pool).await;
        let found = found.map_err(BadRow::from)?;
        Ok(found.iter().map(Row::read).collect::<Result<_, _>>()?)
    }

    /// In a quiet time: does the stream still end where it should?
    async fn is_there(&self, place: &Place) -> Result<(), RelayError> {
        let now = find_place(&self.pool, &self.context).await?;
        if now == *place { Ok(()) } else { Err(RelayError::Moved("it was changed from outside".to_owned())) }
    }

    async fn publish(&self, rows: &[Row], place: &mut Place) -> Result<(), RelayError> {
        let mut answers = FuturesOrdered::new();
        for row in rows {
            fail::fail_point!("ledger.relay.before_publish");
            let event = row.published(self.incarnation)?;
            let body =
                serde_json::to_vec(&event).map_err(|e| BadRow::Column(sqlx::Error::Encode(Box::new(e))))?;
            let mut headers = HeaderMap::new();
            headers.insert(MSG_ID, row.position.to_string().as_str());
            if place.empty {
                headers.insert(EXPECTED_LAST_SEQUENCE, place.last_sequence.to_string().as_str());
            } else {
                headers.insert(EXPECTED_LAST_MSG_ID, place.after.to_string().as_str());
            }
            let subject = subjects::event(row.account(), &row.event_type);
            let sent = self.context.publish_with_headers(subject, headers, body.into()).await;
            answers.push_back(sent.map_err(|e| RelayError::Moved(e.to_string()))?.into_future());
            *place = Place { after: row.position, empty: false, last_sequence: place.last_sequence };
            if answers.len() >= IN_FLIGHT_MAX
                && let Some(answer) = answers.next().await
            {
                judge(answer)?;
            }
        }
        while let Some(answer) = answers.next().await {
            judge(answer)?;
        }
        fail::fail_point!("ledger.relay.published");
        Ok(())
    }
}

fn judge(
    answer: Result<jetstream::publish::PublishAck, jetstream::context::PublishError>,
) -> Result<(), RelayError> {
    match answer {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == PublishErrorKind::StreamNotFound => Err(RelayError::NoStream),
        Err(error) => Err(RelayError::Moved(error.to_string())),
    }
}
