//! Postgres' clock without a round trip: its last reading plus the monotonic time since.

use std::time::{Duration, Instant};

use crate::store::{JUMP_US, PAUSE_US};

const PAUSE: Duration = Duration::from_micros(PAUSE_US.unsigned_abs());

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

    /// Of a new leader: nothing expires before `expiries_from`, by the clock that shows `read_us`.
    pub fn taken_over(read_us: i64, expiries_from: i64) -> Self {
        // Never longer than after a jump, wherever the clock went meanwhile.
        let left_us = (expiries_from - read_us).clamp(0, PAUSE_US).unsigned_abs();
        let paused_until = (left_us > 0).then(|| Instant::now() + Duration::from_micros(left_us));
        Self { paused_until, ..Self::new(read_us) }
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

    #[test]
    fn a_new_leader_waits_as_long_as_the_one_before_it_would_have() {
        let now = 7_200_000_000;
        assert!(Clock::taken_over(now, 0).is_trusted());
        assert!(Clock::taken_over(now, now - 1).is_trusted());
        assert!(!Clock::taken_over(now, now + 30_000_000).is_trusted());
        let back = Clock::taken_over(now, now + 3_600_000_000);
        assert!(back.paused_until.unwrap() <= Instant::now() + PAUSE, "it jumped back meanwhile");
    }
}
