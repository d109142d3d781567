//! Postgres' clock without a round trip: its last reading plus the monotonic time since.

use std::time::{Duration, Instant};

/// A jump above this pauses expiries and alerts.
const JUMP_US: i64 = 60_000_000;
/// For how long after a jump nothing expires.
const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    read_us: i64,
    at: Instant,
    paused_until: Option<Instant>,
}

impl Clock {
    pub fn new(read_us: i64) -> Self {
        Self { read_us, at: Instant::now(), paused_until: None }
    }

    /// µs since 1970-01-01 UTC.
    pub fn now(&self) -> i64 {
        self.read_us.saturating_add(i64::try_from(self.at.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    /// Takes a new reading; answers by how much Postgres' clock jumped, if it did.
    pub fn adjust(&mut self, read_us: i64) -> Option<i64> {
        let jump = read_us - self.now();
        let paused_until =
            if jump.abs() > JUMP_US { Some(Instant::now() + PAUSE) } else { self.paused_until };
        *self = Self { read_us, at: Instant::now(), paused_until };
        (jump.abs() > JUMP_US).then_some(jump)
    }

    /// May deadlines be acted on?
    pub fn is_trusted(&self) -> bool {
        self.paused_until.is_none_or(|until| Instant::now() >= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_more_than_a_minute_pauses_expiries() {
        let mut clock = Clock::new(1_000_000_000);
        assert_eq!(clock.adjust(1_000_500_000), None);
        assert!(clock.is_trusted());
        assert!(clock.adjust(1_000_000_000 + 3_600_000_000).is_some());
        assert!(!clock.is_trusted());
        assert!(clock.adjust(clock.now() - 86_400_000_000).is_some());
    }
}
