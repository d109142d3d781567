//! Where the relay goes on: after the last event that the stream has had.
//!
//! The provisioner makes the stream begin where the consumers are done, and gives its first message
//! that position as its sequence. So the stream's sequence is the position, always, and what was
//! lost or purged is continued without a gap.

use std::cmp::Ordering;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::{Info, State};
use proto_events::PublishedEvent;
use proto_events::subjects::EVT_STREAM;
use sqlx::PgPool;

use super::RelayError;
use crate::log::{BadRow, hex};
use crate::provision::incarnation_of;
use crate::store::answered;

/// Every subject of the stream.
const ALL_EVENTS: &str = "evt.ledger.>";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The last position that is published; in an empty stream, the one before its first.
    pub after: i64,
    /// The stream holds no message to expect.
    pub empty: bool,
}

impl Place {
    pub(super) fn of(state: &State) -> Self {
        // Invariant: sequences are positions, below 2^53; another stream's would match no event.
        Self { after: i64::try_from(state.last_sequence).unwrap_or(i64::MAX), empty: state.messages == 0 }
    }
}

/// How many messages were taken out of the stream's middle or end.
pub(super) fn holes(state: &State) -> u64 {
    if state.messages == 0 {
        return 0;
    }
    (state.last_sequence + 1).saturating_sub(state.first_sequence).saturating_sub(state.messages)
}

pub(super) async fn stream_info(context: &Context) -> Result<Info, RelayError> {
    let gone = |error: GetStreamError| match error.kind() {
        GetStreamErrorKind::JetStream(_) => RelayError::NoStream,
        _ => RelayError::Away(error.to_string()),
    };
    Ok(context.get_stream(EVT_STREAM).await.map_err(gone)?.cached_info().clone())
}

/// Reads where the stream ends, and makes sure that it ends as the log says and is whole.
pub(super) async fn find_place(
    pool: &PgPool,
    context: &Context,
    incarnation: i64,
) -> Result<Place, RelayError> {
    let Info { config, state, .. } = stream_info(context).await?;
    let (place, missing) = (Place::of(&state), holes(&state));
    if let Some(made_for) = incarnation_of(&config) {
        made_for_this_log(made_for, incarnation, place.after)?;
    }
    if place.empty {
        let asked = sqlx::query_scalar("SELECT position FROM log_head").fetch_one(pool);
        let head: i64 = answered(asked).await.map_err(BadRow::from)?;
        return if place.after <= head {
            Ok(place)
        } else {
            Err(RelayError::Foreign { position: place.after })
        };
    }
    let foreign = || RelayError::Foreign { position: place.after };
    let stream = context.get_stream_no_info(EVT_STREAM).await.map_err(|e| RelayError::Away(e.to_string()))?;
    // The newest that is left: if messages were taken out, the last of them may be among those.
    let last = stream.get_last_raw_message_by_subject(ALL_EVENTS).await;
    let last = last.map_err(|e| RelayError::Away(e.to_string()))?;
    let event: PublishedEvent = serde_json::from_slice(&last.payload).map_err(|_| foreign())?;
    let asked = sqlx::query_scalar("SELECT hash FROM events WHERE position = $1")
        .bind(event.position.get())
        .fetch_optional(pool);
    let hash: Option<Vec<u8>> = answered(asked).await.map_err(BadRow::from)?;
    let placed = missing > 0 || event.position.get() == place.after;
    let same = placed
        && event.position.get().unsigned_abs() == last.sequence
        && hash.is_some_and(|hash| hex(&hash) == event.hash);
    if same && missing > 0 {
        Err(RelayError::Holes { missing })
    } else if same {
        Ok(place)
    } else if event.incarnation < incarnation {
        Err(RelayError::Superseded { position: place.after })
    } else {
        Err(foreign())
    }
}

/// An empty stream does not say by an event whose it is, and where it ended says nothing about another incarnation.
fn made_for_this_log(made_for: i64, incarnation: i64, position: i64) -> Result<(), RelayError> {
    match made_for.cmp(&incarnation) {
        Ordering::Less => Err(RelayError::Superseded { position }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(RelayError::Foreign { position }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_another_incarnation_is_deleted_if_that_was_given_up_and_else_left_alone() {
        assert!(made_for_this_log(2, 2, 7).is_ok());
        assert!(matches!(made_for_this_log(1, 2, 7), Err(RelayError::Superseded { position: 7 })));
        assert!(matches!(made_for_this_log(3, 2, 7), Err(RelayError::Foreign { position: 7 })));
    }
}
