//! The log's time: Postgres' clock without a round trip (its last reading plus the monotonic time since), which
//! never goes back.
//!
//! When Postgres' clock is set back, the log's time runs on ahead of it, and loses an eighth of the time that passes
//! until Postgres' clock has caught up. Why: deadlines and leases are times of the log; would it stand still, they
//! would be late by as much as the clock was set back. Lots have an end of their own, by the calendar: by Postgres'
//! clock, and after a jump ahead by that clock as it would have gone on, until the jump is trusted. They never end early.

use std::time::{Duration, Instant};

use crate::store::{Head, JUMP_US, PAUSE_US};

const PAUSE: Duration = Duration::from_micros(PAUSE_US.unsigned_abs());
/// A reading that is off by less was under way for a while, or the clocks run at slightly different rates.
const STEP_US: i64 = 1_000_000;
/// A time that is ahead loses so much of each unit that passes: slow enough for leases and vendors' waits.
const CATCH_UP: i64 = 8;

/// What a batch is decided at, µs since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// The log's.
    pub now: i64,
    /// By which lots end: never after `now`.
    pub calendar: i64,
}

impl Times {
    /// Where both are the same.
    pub fn at(now: i64) -> Self {
        Self { now, calendar: now }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    read_us: i64,
    at: Instant,
    /// How far the log's time was ahead of the reading.
    ahead_us: i64,
    /// The last time that was told.
    told_us: i64,
    paused_until: Option<Instant>,
    /// By how much the readings jumped since they were trusted last.
    jumped_us: i64,
}

impl Clock {
    pub fn new(read_us: i64) -> Self {
        let (at, ahead_us, jumped_us) = (Instant::now(), 0, 0);
        Self { read_us, at, ahead_us, told_us: read_us, paused_until: None, jumped_us }
    }

    /// Of a new leader, at this head of the log.
    pub fn taken_over(head: &Head) -> Self {
        let Head { now: read_us, recorded_at, expiries_from, jumped_us, .. } = *head;
        // Never longer than after a jump, wherever the clock went meanwhile.
        let left_us = (expiries_from - read_us).clamp(0, PAUSE_US).unsigned_abs();
        let paused_until = (left_us > 0).then(|| Instant::now() + Duration::from_micros(left_us));
        let ahead_us = (recorded_at - read_us).max(0);
        Self { ahead_us, told_us: recorded_at, paused_until, jumped_us, ..Self::new(read_us) }
    }

    /// Postgres' clock, µs since 1970-01-01 UTC.
    pub fn calendar(&self) -> i64 {
        self.read_us.saturating_add(self.since_us())
    }

    /// The log's time and that by which lots end.
    pub fn times(&mut self) -> Times {
        let now = self.now();
        let jumped_us = if self.is_trusted() { 0 } else { self.jumped_us.max(0) };
        Times { now, calendar: self.calendar().saturating_sub(jumped_us).min(now) }
    }

    /// The log's time, µs: never below what was told before.
    pub fn now(&mut self) -> i64 {
        self.told_us = self.told_us.max(self.calendar().saturating_add(self.ahead()));
        self.told_us
    }

    /// Takes a new reading; answers by how much Postgres' clock jumped, if it did.
    pub fn adjust(&mut self, read_us: i64) -> Option<i64> {
        let step = read_us - self.calendar();
        let jumped = step.abs() > JUMP_US;
        let ahead_us = if step.abs() > STEP_US { (self.told_us - read_us).max(0) } else { self.ahead() };
        if jumped {
            let doubted_us = if self.is_trusted() { 0 } else { self.jumped_us };
            self.jumped_us = doubted_us.saturating_add(step);
            self.paused_until = Some(Instant::now() + PAUSE);
        }
        *self = Self { read_us, at: Instant::now(), ahead_us, ..*self };
        jumped.then_some(step)
    }

    /// May deadlines be acted on?
    pub fn is_trusted(&self) -> bool {
        self.paused_until.is_none_or(|until| Instant::now() >= until)
    }

    fn ahead(&self) -> i64 {
        (self.ahead_us - self.since_us() / CATCH_UP).max(0)
    }

    fn since_us(&self) -> i64 {
        i64::try_from(self.at.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    fn taken_over(now: i64, recorded_at: i64, expiries_from: i64, jumped_us: i64) -> Clock {
        let (position, epoch, incarnation, lease_until) = (1, 1, 1, 0);
        let hash = [0; 32];
        Clock::taken_over(&Head {
            position,
            hash,
            recorded_at,
            epoch,
            incarnation,
            now,
            lease_until,
            expiries_from,
            jumped_us,
        })
    }

    /// As if so much time had passed since the last reading.
    fn later(clock: &mut Clock, us: i64) {
        clock.at = clock.at.checked_sub(Duration::from_micros(us.unsigned_abs())).unwrap();
    }

    #[test]
    fn a_jump_of_more_than_a_minute_pauses_expiries() {
        let mut clock = Clock::new(1_000_000_000);
        assert_eq!(clock.adjust(1_000_500_000), None);
        assert!(clock.is_trusted());
        assert!(clock.adjust(1_000_000_000 + HOUR_US).is_some());
        assert!(!clock.is_trusted());
        assert!(clock.adjust(clock.calendar() - 86_400_000_000).is_some());
    }

    #[test]
    fn a_new_leader_waits_as_long_as_the_one_before_it_would_have() {
        let now = 2 * HOUR_US;
        assert!(taken_over(now, now, 0, 0).is_trusted());
        assert!(taken_over(now, now, now - 1, 0).is_trusted());
        assert!(!taken_over(now, now, now + 30_000_000, 0).is_trusted());
        let back = taken_over(now, now, now + HOUR_US, 0);
        assert!(back.paused_until.unwrap() <= Instant::now() + PAUSE, "it jumped back meanwhile");
    }

    #[test]
    fn after_a_jump_back_the_logs_time_runs_on_until_the_clock_has_caught_up() {
        let mut clock = Clock::new(5 * HOUR_US);
        let told = clock.now();
        assert!(clock.adjust(4 * HOUR_US).is_some());
        later(&mut clock, 8_000_000);
        let after = clock.now();
        assert!((told + 7_000_000..told + 8_000_000).contains(&after), "{}", after - told);
        assert!(clock.calendar() < told, "what ends by the calendar does not end early");
        // The clock goes on, and is never gone back behind.
        clock.adjust(clock.calendar());
        later(&mut clock, 9 * HOUR_US);
        assert_eq!(clock.now(), clock.told_us);
        assert!(clock.now() - clock.calendar() < STEP_US, "it never catches up");
    }

    #[test]
    fn lots_do_not_end_by_a_jump_that_is_not_trusted_yet() {
        let mut clock = Clock::new(HOUR_US);
        clock.adjust(9 * HOUR_US);
        later(&mut clock, 5_000_000);
        let times = clock.times();
        assert!(times.now >= 9 * HOUR_US, "the log's time is another thing");
        assert!((HOUR_US + 5_000_000..HOUR_US + 6_000_000).contains(&times.calendar), "{times:?}");
        // Another jump in the same minute, and one that puts it right.
        clock.adjust(20 * HOUR_US);
        assert!(clock.times().calendar < HOUR_US + 7_000_000);
        clock.adjust(clock.calendar() - 19 * HOUR_US);
        assert!((HOUR_US..HOUR_US + 7_000_000).contains(&clock.times().calendar));
        // It stays as it is for a minute: now it counts.
        clock.adjust(9 * HOUR_US);
        clock.paused_until = Some(Instant::now());
        assert!(clock.times().calendar >= 9 * HOUR_US);
    }

    #[test]
    fn lots_do_not_end_by_a_clock_that_a_new_leader_does_not_trust() {
        let (before, read) = (HOUR_US, 9 * HOUR_US);
        let jumped = read - before;
        // The jump is long past, and counts.
        assert!(taken_over(read, read, read - 1, jumped).times().calendar >= read);
        // Events were recorded after it.
        let doubted = taken_over(read, read, read + 30_000_000, jumped).times();
        assert!((before..before + 1_000_000).contains(&doubted.calendar), "{doubted:?}");
        let back = taken_over(before, read, before + 30_000_000, -jumped).times();
        assert!(back.now >= read && back.calendar < before + 1_000_000, "{back:?}");
    }

    #[test]
    fn a_new_leader_goes_on_where_the_log_is() {
        let mut clock = taken_over(HOUR_US, 2 * HOUR_US, 0, 0);
        later(&mut clock, 8_000_000);
        assert!(clock.now() >= 2 * HOUR_US + 7_000_000);
    }

    #[test]
    fn a_jump_ahead_that_is_put_right_before_anything_was_told_is_forgotten() {
        let mut clock = Clock::new(HOUR_US);
        let told = clock.now();
        clock.adjust(9 * HOUR_US);
        clock.adjust(told + 1_000_000);
        assert!(clock.now() < told + 2_000_000);
    }
}
