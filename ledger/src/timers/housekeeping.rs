//! What is kept for a while only is deleted when its time is over; tellings of people who are away are set aside.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::PgPool;

use crate::inbox::set_open;
use crate::sequencer::Clock;
use crate::store;

const LOOK: Duration = Duration::from_secs(60);
const HOUR_US: i64 = 3_600_000_000;
/// A photo of an album that comes again within this is known.
const DONE_ALBUMS_US: i64 = HOUR_US;
/// What no adapter could deal with in a day it won't: Telegram itself keeps updates no longer.
const STUCK_ALBUMS_US: i64 = 24 * HOUR_US;

/// In half a year a conversation with the support is over.
const SUPPORT_NOTES_US: i64 = 183 * 24 * HOUR_US;
/// A draft that nobody has sent for so long, and who got what was sent so long ago, are of no use.
const BROADCASTS_US: i64 = 92 * 24 * HOUR_US;
/// What refused commands say may be personal; and who is stuck at an event says so again.
const LETTERS_US: i64 = 30 * 24 * HOUR_US;
/// Pictures that were looked at and never put, or stand above no text any more.
const PICTURES_US: i64 = 24 * HOUR_US;
/// Tellings set aside at once: each is a statement.
const PARKED_MAX: i64 = 2_000;

/// For whoever watches the metrics.
#[allow(clippy::cast_precision_loss)]
fn set_stuck(stuck: i64) {
    metrics::gauge!("ledger_stuck_events").set(stuck as f64);
}

/// Until it is dropped.
pub async fn run(pool: PgPool, clock: Arc<Mutex<Clock>>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let now = clock.lock().unwrap_or_else(PoisonError::into_inner).now();
        if let Err(error) = tidy(&pool, now).await {
            tracing::warn!(%error, "what is over could not be deleted");
        }
    }
}

/// `now`: the log's time, µs.
///
/// # Errors
/// Postgres does not answer.
pub async fn tidy(pool: &PgPool, now: i64) -> Result<(), sqlx::Error> {
    let pruned = store::prune_albums(pool, now - DONE_ALBUMS_US, now - STUCK_ALBUMS_US);
    let (_, stuck) = store::answered(pruned).await?;
    if stuck > 0 {
        tracing::error!(count = stuck, "albums were given up: nobody could deal with them for a day");
    }
    store::answered(store::park_deliveries(pool, PARKED_MAX, now)).await?;
    store::answered(store::prune_broadcasts(pool, now - BROADCASTS_US)).await?;
    store::answered(store::prune_letters(pool, now - LETTERS_US)).await?;
    set_open(store::answered(store::open_letters(pool)).await?);
    store::answered(store::prune_pictures(pool, now - PICTURES_US)).await?;
    store::answered(store::prune_stuck_events(pool, now - LETTERS_US)).await?;
    set_stuck(store::answered(store::count_stuck_events(pool)).await?);
    store::answered(store::prune_support_notes(pool, now - SUPPORT_NOTES_US)).await?;
    Ok(())
}
