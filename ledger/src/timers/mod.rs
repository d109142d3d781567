//! Deadlines: reservations, lots and payments whose time is over are ended by commands of the ledger's own.
//!
//! Open jobs, with their reservations' deadlines, and lots that end are rows of tables, so that deadlines survive restarts and
//! take-overs. After a take-over the first look comes later than the commands that wait; after a jump of
//! the clock nothing expires. Reservations end by the log's time, as they began; lots by the calendar.

pub mod books;
mod broadcasts;
pub mod housekeeping;
mod lots;
mod payments;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proto_events::commands::ReservationExpire;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Reply, ReservationId};
use sqlx::PgPool;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::inbox::own_request;
use crate::sequencer::{Clock, Queue, ReplyTo, Times};
use crate::store;

const LOOK: Duration = Duration::from_millis(500);
/// When there is more than one look takes: what was asked is done by then.
const AT_ONCE: Duration = Duration::ZERO;
/// Waiting commands go before timers after a take-over.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// Expiries asked for at once: a small part of the ledger's own line.
const DUE_MAX: i64 = 256;

pub async fn run(pool: PgPool, queue: Arc<Queue>, clock: Arc<Mutex<Clock>>, stop: CancellationToken) {
    let mut wait = FIRST_LOOK;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        wait = LOOK;
        let Times { now, calendar } = {
            let mut clock = clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if !clock.is_trusted() {
                continue;
            }
            clock.times()
        };
        match store::answered(store::due_jobs(&pool, now, DUE_MAX)).await {
            Ok(due) => expire(due, &queue).await,
            Err(error) => tracing::warn!(%error, "can't look for expired reservations"),
        }
        if let Err(error) = payments::close_due(&pool, &queue, now).await {
            tracing::warn!(%error, "can't look for payments past their end");
        }
        if let Err(error) = broadcasts::finish_over(&pool, &queue).await {
            tracing::warn!(%error, "can't look for broadcasts of which nobody is left");
        }
        match lots::expire_due(&pool, &queue, calendar).await {
            // A whole campaign's lots end at once.
            Ok(more) if more => wait = AT_ONCE,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "can't look for lots that have ended"),
        }
    }
}

async fn expire(due: Vec<(String, AccountId)>, queue: &Queue) {
    let mut answers = Vec::new();
    for (generation, account) in due {
        let Ok(reservation) = generation.parse().map(ReservationId::of) else {
            tracing::error!(generation, "an open job has no proper id");
            continue;
        };
        let Ok(id) = CommandId::new(format!("expire:{reservation}")) else { continue };
        fail::fail_point!("ledger.timer.fired");
        let command = ReservationExpire { reservation }.into();
        let (sender, receiver) = oneshot::channel();
        let request = own_request(id, AccountRef::Id(account), command, None);
        if queue.push((request, ReplyTo::Here(sender))).is_ok() {
            answers.push((reservation, receiver));
        }
    }
    for (reservation, answer) in answers {
        if let Ok(Reply::Refused { refusal }) = answer.await {
            tracing::error!(%reservation, code = %refusal.code, "a due reservation could not be expired");
        }
    }
}
