//! Who leads: the holder of the head's lease. Everyone else stands by and looks.
//!
//! The lease only decides when to try; what keeps two leaders apart is the fence in each append.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::ear::Ear;
use crate::sequencer::Clock;
use crate::store::{self, Head, LEASE_US};

/// How often a standby looks whether the lease is over.
pub const LOOK: Duration = Duration::from_millis(250);
/// How often a leader renews: four times in a lease.
const BEAT: Duration = Duration::from_millis(500);
/// Between the raise of a leader's own epoch and its word to the lease's keeper.
const OWN_RAISE: Duration = Duration::from_millis(100);
/// A renewal that takes longer is given up and tried again.
const BEAT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// A leader that could not renew for so long is as good as replaced: twice the lease. It steps
/// down, so that it no longer takes commands, and comes back with new connections.
const GIVE_UP: Duration = Duration::from_micros(2 * LEASE_US.unsigned_abs());
/// Longer than a cut-off writer can hold the head's row (2 s), so that no look is given up for it.
const TAKE_OVER_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a deaf standby looks: those who hear go first.
const LOOK_DEAF: Duration = Duration::from_secs(2);

/// Waits until the log can be led, and takes it over. `None`: told to stop.
pub async fn wait_for_lead(pool: &PgPool, ear: &Ear, stop: &CancellationToken) -> Option<Head> {
    let mut said = false;
    while !stop.is_cancelled() {
        if !ear.hears() {
            tokio::select! {
                () = tokio::time::sleep(LOOK_DEAF) => {}
                () = stop.cancelled() => return None,
            }
        }
        let looked = tokio::time::timeout(TAKE_OVER_TIMEOUT, store::take_over(pool)).await;
        match looked.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(Some(head)) => return Some(head),
            Ok(None) if !said => {
                said = true;
                tracing::info!("another ledger leads; standing by");
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "can't look at the head of the log"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => {}
        }
    }
    None
}

/// Renews the lease and reads the clock until told to stop; ends at once when fenced, and when it
/// could not renew for long.
pub async fn keep_lease(
    pool: PgPool,
    epoch: Arc<AtomicI64>,
    clock: Arc<Mutex<Clock>>,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(BEAT);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut renewed = Instant::now();
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return,
        }
        let (asked, epoch_now) = (Instant::now(), epoch.load(Ordering::SeqCst));
        let expected = clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner).calendar();
        match tokio::time::timeout(BEAT_TIMEOUT, store::beat(&pool, epoch_now, expected)).await {
            Ok(Ok(Some(now))) => {
                renewed = asked;
                let mut clock = clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if let Some(jump_us) = clock.adjust(now) {
                    tracing::error!(jump_us, "Postgres' clock jumped; expiries pause for a minute");
                    metrics::counter!("ledger_clock_jumps_total").increment(1);
                }
            }
            Ok(Ok(None)) => {
                // The sequencer may just be raising the epoch itself, to resolve a doubt.
                tokio::time::sleep(OWN_RAISE).await;
                if epoch.load(Ordering::SeqCst) == epoch_now {
                    tracing::warn!(epoch = epoch_now, "fenced: another ledger leads");
                    return;
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "the lease could not be renewed"),
            Err(_) => tracing::warn!("renewing the lease took too long"),
        }
        if renewed.elapsed() > GIVE_UP {
            tracing::warn!(epoch = epoch_now, "the lease could not be renewed for too long");
            return;
        }
    }
}
