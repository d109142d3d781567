//! The sandbox's clock: real time for what is shown, and a clock that can run faster or be pushed
//! forward for what passes (deadlines, redelivery, expiry).

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::Notify;

/// The longest single sleep; a push of the clock wakes sleepers earlier.
const SLEEP_MAX: Duration = Duration::from_secs(3600);

pub(crate) struct Clock {
    start: Instant,
    start_ms: i64,
    speed: f64,
    pushed_ms: AtomicI64,
    pushed: Notify,
}

impl Clock {
    /// A clock that never shows less than `at_least_ms` (where it stood before a restart).
    pub(crate) fn new(speed: f64, at_least_ms: i64) -> Self {
        Self {
            start: Instant::now(),
            start_ms: wall_ms().max(at_least_ms),
            speed: if speed.is_finite() && speed > 0.0 { speed } else { 1.0 },
            pushed_ms: AtomicI64::new(0),
            pushed: Notify::new(),
        }
    }

    /// The running clock in milliseconds; only differences of it mean something.
    pub(crate) fn now_ms(&self) -> i64 {
        let passed = self.start.elapsed().as_secs_f64() * 1000.0 * self.speed;
        self.start_ms + passed as i64 + self.pushed_ms.load(Ordering::SeqCst)
    }

    /// How much faster than real time it runs.
    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    pub(crate) fn push(&self, ms: i64) {
        self.pushed_ms.fetch_add(ms.max(0), Ordering::SeqCst);
        self.pushed.notify_waiters();
    }

    pub(crate) async fn sleep_until(&self, deadline_ms: i64) {
        loop {
            let pushed = self.pushed.notified();
            tokio::pin!(pushed);
            pushed.as_mut().enable();
            let left_ms = deadline_ms - self.now_ms();
            if left_ms <= 0 {
                return;
            }
            let real =
                Duration::from_secs_f64((left_ms as f64 / 1000.0 / self.speed).max(0.001)).min(SLEEP_MAX);
            tokio::select! {
                () = tokio::time::sleep(real) => {}
                () = pushed => {}
            }
        }
    }
}

/// Real UTC milliseconds since 1970.
pub(crate) fn wall_ms() -> i64 {
    // A machine whose clock stands before 1970 shows 1970.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}
