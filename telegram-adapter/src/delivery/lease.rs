//! Keeping the right to tell while the telling takes long: an upload may take five leases.

use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proto_events::Micros;
use proto_events::queries::Telling;
use service::ledger::SendError;

use crate::desk::Desk;

/// Whatever the clocks here and at the ledger say: often enough for a lease of 20 s, and not so
/// often that it is a load.
const RENEW_EVERY_MIN: Duration = Duration::from_millis(300);
const RENEW_EVERY_MAX: Duration = Duration::from_secs(5);

/// The right to tell something, while we have it.
pub(super) struct Lease<'a> {
    pub(super) telling: &'a Telling,
    desk: &'a Desk,
    renew_every: Duration,
}

impl<'a> Lease<'a> {
    /// Right after it was granted.
    pub(super) fn new(desk: &'a Desk, telling: &'a Telling) -> Self {
        Self { telling, desk, renew_every: third(telling.lease_until, SystemTime::now()) }
    }

    /// Renews the lease until the work is done. `None`: the right is gone, the work was left.
    pub(super) async fn keep<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        keep(self.renew_every, || self.desk.keep_telling(self.telling), work).await
    }

    /// Renews the lease until what was told is recorded: a ledger that is slow to record gives the right to nobody
    /// else meanwhile. The record itself ends the lease, so a right that is gone stops nothing.
    pub(super) async fn keep_until<T>(&self, recorded: impl Future<Output = T>) -> T {
        keep_until(self.renew_every, || self.desk.keep_telling(self.telling), recorded).await
    }
}

/// A third of what is left of a lease: two renewals may fail.
fn third(lease_until: Micros, now: SystemTime) -> Duration {
    let until = UNIX_EPOCH + Duration::from_micros(u64::try_from(lease_until.get()).unwrap_or(0));
    let left = until.duration_since(now).unwrap_or_default();
    (left / 3).clamp(RENEW_EVERY_MIN, RENEW_EVERY_MAX)
}

async fn keep<T, R: Future<Output = Result<(), SendError>>>(
    every: Duration,
    renew: impl Fn() -> R,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = until_gone(every, renew) => None,
    }
}

async fn keep_until<T, R: Future<Output = Result<(), SendError>>>(
    every: Duration,
    renew: impl Fn() -> R,
    recorded: impl Future<Output = T>,
) -> T {
    let renewing = async {
        until_gone(every, renew).await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        recorded = recorded => recorded,
        never = renewing => match never {},
    }
}

/// A renewal that gets no answer ends nothing: a ledger that does not answer gives the right to
/// nobody else either.
async fn until_gone<R: Future<Output = Result<(), SendError>>>(every: Duration, renew: impl Fn() -> R) {
    loop {
        tokio::time::sleep(every).await;
        match renew().await {
            Ok(()) => {}
            Err(error) if error.code() == Some("stale_attempt") => {
                tracing::warn!(%error, "the right to tell is gone");
                return;
            }
            Err(error) => tracing::warn!(%error, "the right to tell could not be renewed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const EVERY: Duration = Duration::from_millis(10);

    fn refused() -> SendError {
        let refusal = serde_json::json!({"code": "stale_attempt", "message": "another has it"});
        SendError::Refused(serde_json::from_value(refusal).unwrap())
    }

    #[test]
    fn a_lease_is_renewed_every_third_of_it_within_bounds() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        let third_of = |seconds: i64| third(Micros::new(seconds * 1_000_000).unwrap(), now);
        assert_eq!(third_of(1_003), Duration::from_secs(1));
        assert_eq!(third_of(1_300), RENEW_EVERY_MAX);
        assert_eq!(third_of(1_000), RENEW_EVERY_MIN);
        assert_eq!(third_of(3), RENEW_EVERY_MIN, "a clock that is ahead");
    }

    #[tokio::test]
    async fn long_work_is_done_under_a_lease_that_is_renewed() {
        let renewed = Cell::new(0);
        let renew = || async {
            renewed.set(renewed.get() + 1);
            if renewed.get() == 1 { Err(SendError::Unknown("a take-over".to_owned())) } else { Ok(()) }
        };
        let work = async {
            while renewed.get() < 4 {
                tokio::time::sleep(EVERY).await;
            }
            7
        };
        assert_eq!(keep(EVERY, renew, work).await, Some(7));
        assert!(renewed.get() >= 4);
    }

    #[tokio::test]
    async fn work_whose_lease_another_has_is_left() {
        let renew = || async { Err(refused()) };
        assert_eq!(keep(EVERY, renew, std::future::pending::<()>()).await, None);
        assert_eq!(keep(EVERY, renew, async { 7 }).await, Some(7), "it was over before");
    }

    #[tokio::test]
    async fn what_was_told_is_recorded_under_a_lease_that_is_renewed_and_whoever_has_it() {
        let renewed = Cell::new(0);
        let recorded = async {
            while renewed.get() < 2 {
                tokio::time::sleep(EVERY).await;
            }
            tokio::time::sleep(3 * EVERY).await;
            7
        };
        let renew = || async {
            renewed.set(renewed.get() + 1);
            if renewed.get() == 1 { Ok(()) } else { Err(refused()) }
        };
        assert_eq!(keep_until(EVERY, renew, recorded).await, 7);
        assert_eq!(renewed.get(), 2, "nobody asks for a right that is gone");
    }
}
