//! Where the relay goes on: after the last event that the stream has, or, in an empty stream,
//! after what every consumer has done.

use async_nats::jetstream::Context;
use proto_events::PublishedEvent;
use proto_events::subjects::{CONSUMERS, EVT_STREAM};
use sqlx::PgPool;

use super::RelayError;
use crate::log::{BadRow, hex};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The last position that is published.
    pub after: i64,
    /// The stream holds no message to expect.
    pub empty: bool,
    /// Of an empty stream: 0, or where a purge left it.
    pub last_sequence: u64,
}

pub(super) async fn find_place(pool: &PgPool, context: &Context) -> Result<Place, RelayError> {
    let mut stream = context.get_stream(EVT_STREAM).await.map_err(|_| RelayError::NoStream)?;
    let state = stream.info().await.map_err(|_| RelayError::NoStream)?.state.clone();
    if state.messages == 0 {
        let after = done_by_all(pool).await.map_err(BadRow::from)?;
        return Ok(Place { after, empty: true, last_sequence: state.last_sequence });
    }
    let last =
        stream.get_raw_message(state.last_sequence).await.map_err(|e| RelayError::Moved(e.to_string()))?;
    let event: PublishedEvent =
        serde_json::from_slice(&last.payload).map_err(|e| RelayError::Moved(e.to_string()))?;
    let position = event.position.get();
    let stored: Option<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM events WHERE position = $1")
        .bind(position)
        .fetch_optional(pool)
        .await
        .map_err(BadRow::from)?;
    if stored.is_none_or(|hash| hex(&hash) != event.hash) {
        return Err(RelayError::Foreign { position });
    }
    Ok(Place { after: position, empty: false, last_sequence: 0 })
}

/// The position through which every consumer has done everything.
async fn done_by_all(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let done: Vec<(String, i64)> =
        sqlx::query_as("SELECT consumer, done_through FROM consumers").fetch_all(pool).await?;
    let through = |name: &str| done.iter().find(|(consumer, _)| consumer == name).map_or(0, |(_, at)| *at);
    Ok(CONSUMERS.iter().map(|(producer, _)| through(producer.as_str())).min().unwrap_or(0))
}
