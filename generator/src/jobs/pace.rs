//! When a failed attempt is followed by another one, and when there is time left for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proto_events::{Attempt, Micros};

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// Beyond this waiting longer helps nobody.
const LAST: Duration = Duration::from_secs(30);
/// An attempt with less time than this is not worth its money.
pub(super) const CALL_MIN: Duration = Duration::from_secs(5);
/// Kept for storing the result and telling the ledger, before it gives the credits back.
pub(super) const SETTLE_MARGIN: Duration = Duration::from_secs(5);

/// How long to wait after this attempt: doubling, or longer if the vendor asked for it; and up to half of
/// it more, by `dice`, so that many workers do not come back at once. Never less than doubling, whatever the vendor says:
/// an attempt that was refused before any work is bounded by nothing but its deadline.
pub(super) fn wait(attempt: Attempt, asked: Option<Duration>, dice: u64) -> Duration {
    let doublings = u32::try_from(attempt.get().clamp(1, 16) - 1).unwrap_or(0);
    let base = FIRST.saturating_mul(1 << doublings).min(LAST).max(asked.unwrap_or_default());
    let jitter_max_ms = u64::try_from(base.as_millis() / 2).unwrap_or(0);
    base + Duration::from_millis(dice.checked_rem(jitter_max_ms + 1).unwrap_or(0))
}

/// What is left for a call until the ledger closes the job; `None` when that is too little.
pub(super) fn left_for_call(deadline: Micros, now: Micros) -> Option<Duration> {
    let left = Duration::from_micros(u64::try_from(deadline.get() - now.get()).unwrap_or(0));
    left.checked_sub(SETTLE_MARGIN).filter(|left| *left >= CALL_MIN)
}

/// By this machine's clock.
pub(super) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).ok().and_then(|now| Micros::new(now).ok()).unwrap_or(Micros::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_bound_and_keep_to_what_the_vendor_asks() {
        let wait = |attempt, asked, dice| wait(Attempt::new(attempt).unwrap(), asked, dice);
        let second = Duration::from_secs(1);
        assert_eq!([1, 2, 3, 9].map(|n| wait(n, None, 0)), [second, 2 * second, 4 * second, 30 * second]);
        assert_eq!(wait(1, Some(34 * second), 0), 34 * second);
        for dice in [0, 1, 777, u64::MAX] {
            let waited = wait(2, None, dice);
            assert!((2 * second..=3 * second).contains(&waited), "{waited:?}");
        }
        for too_soon in [Duration::ZERO, Duration::from_millis(1)] {
            assert_eq!([1, 4, 9].map(|n| wait(n, Some(too_soon), 0)), [second, 8 * second, 30 * second]);
        }
    }

    #[test]
    fn a_call_gets_what_the_deadline_leaves_or_is_not_made() {
        let now = Micros::new(1_000_000_000).unwrap();
        let left = |ms| left_for_call(now.plus_ms(ms), now);
        assert_eq!(left(60_000), Some(Duration::from_secs(55)));
        assert_eq!(left(10_000), Some(Duration::from_secs(5)));
        assert_eq!(left(9_999), None);
        assert_eq!(left(-5), None);
    }
}
