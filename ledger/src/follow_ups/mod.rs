//! What an event brings about elsewhere: a referral's bonuses, an erased account's content.
//!
//! Follows the log from where the last leader got to. Phases: read → act on what asks for it, in order →
//! remember how far. Whatever was done twice after a crash changes nothing: a command's id is derived from
//! the event, and what is deleted is deleted.
//! Cost: nothing for events that ask for nothing; the position is written when something was done, and
//! every [`REMEMBER_EVERY`] events.

mod erasure;
pub mod media;
mod referral;

use std::sync::Arc;
use std::time::Duration;

use proto_events::Event;
use sqlx::PgPool;

use crate::log::BadRow;
use crate::sequencer::Queue;
use crate::store::{self, answered};
use crate::tail::{Entry, Tail};

/// Events read at once.
const READ_MAX: usize = 1_000;
/// A restart reads this many events again at most, besides those of the last read.
const REMEMBER_EVERY: i64 = 10_000;
/// Between tries when Postgres is away or the queue is full.
const PAUSE: Duration = Duration::from_millis(300);

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("Postgres does not answer")]
    Postgres(#[from] sqlx::Error),
    #[error("the log can't be read")]
    Log(#[from] BadRow),
    #[error("the ledger does not answer its own command")]
    NoAnswer,
}

/// Until it is dropped.
pub async fn run(pool: PgPool, queue: Arc<Queue>, tail: Tail) {
    let mut at = loop {
        match answered(store::followed_through(&pool)).await {
            Ok(position) => break position,
            Err(error) => tracing::warn!(%error, "can't read how far the follow-ups are"),
        }
        tokio::time::sleep(PAUSE).await;
    };
    let mut remembered = at;
    loop {
        match follow(&pool, &queue, &tail, &mut at, &mut remembered).await {
            Ok(true) => {}
            Ok(false) => tail.wait_beyond(at).await,
            Err(trouble) => {
                tracing::warn!(position = at, error = %trouble, "follow-ups wait");
                tokio::time::sleep(PAUSE).await;
            }
        }
        metrics::gauge!("ledger_follow_ups_position").set(at as f64);
    }
}

/// One read; `false`: there was nothing.
async fn follow(
    pool: &PgPool,
    queue: &Queue,
    tail: &Tail,
    at: &mut i64,
    remembered: &mut i64,
) -> Result<bool, Trouble> {
    let entries = tail.after(*at, READ_MAX).await?;
    let mut acted = false;
    for entry in &entries {
        // Spares the parsing of all others.
        if matches!(entry.row.event_type.as_str(), "ReferralRegistered" | "AccountErased") {
            act(pool, queue, entry).await?;
            acted = true;
        }
        *at = entry.row.position;
    }
    if acted || *at - *remembered >= REMEMBER_EVERY {
        fail::fail_point!("ledger.follow_ups.done");
        answered(store::set_followed_through(pool, *at)).await?;
        *remembered = *at;
    }
    Ok(!entries.is_empty())
}

/// What the event asks for.
async fn act(pool: &PgPool, queue: &Queue, entry: &Entry) -> Result<(), Trouble> {
    match entry.event() {
        Ok(Event::ReferralRegistered(e)) => referral::pay_both(queue, &entry.row, e.inviter).await?,
        Ok(Event::AccountErased(_)) => erasure::delete_content(pool, entry.row.account()).await?,
        Ok(_) => {}
        // The sequencer and the projections say the same; going on would lose it.
        Err(error) => {
            tracing::error!(%error, "a follow-up can't be read");
            return Err(Trouble::NoAnswer);
        }
    }
    Ok(())
}
