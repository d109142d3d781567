//! How fast one person may go on: a bucket each, so that nobody's flood is everybody's wait. In this process: with several
//! instances a person may go on as many times as fast.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// People whose buckets are kept; past it, full ones are forgotten.
const KEPT_MAX: usize = 20_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Messages that may come at once.
    left: f64,
    at: Instant,
    /// They were told that they are too fast.
    told: bool,
}

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Rates {
    burst: f64,
    per_second: f64,
    buckets: Arc<Mutex<HashMap<i64, Bucket>>>,
}

impl Rates {
    /// So many at once, and so many a minute after that.
    pub fn new(burst: u32, per_minute: u32) -> Self {
        let per_second = f64::from(per_minute) / 60.0;
        Self { burst: f64::from(burst), per_second, buckets: Arc::default() }
    }

    /// `None`: go on. Else they are too fast, and whether they were told already.
    pub fn take(&self, person: i64) -> Option<bool> {
        self.take_at(person, Instant::now())
    }

    fn take_at(&self, person: i64, now: Instant) -> Option<bool> {
        // The map stays whole whatever panics.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEPT_MAX && !buckets.contains_key(&person) {
            let full = Duration::from_secs_f64(self.burst / self.per_second);
            buckets.retain(|_, bucket| now.duration_since(bucket.at) < full);
        }
        let bucket = buckets.entry(person).or_insert(Bucket { left: self.burst, at: now, told: false });
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = since.mul_add(self.per_second, bucket.left).min(self.burst);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            bucket.told = false;
            return None;
        }
        Some(std::mem::replace(&mut bucket.told, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_it_is_told_once_and_goes_on_after_a_rest() {
        let (rates, start) = (Rates::new(3, 60), Instant::now());
        let take = |ms| rates.take_at(7, start + Duration::from_millis(ms));
        assert_eq!([take(0), take(1), take(2)], [None; 3]);
        assert_eq!([take(3), take(4)], [Some(false), Some(true)], "told once");
        assert_eq!(rates.take_at(8, start), None, "others go on");
        assert_eq!([take(1_100), take(1_200)], [None, Some(false)]);
    }

    #[test]
    fn only_so_many_are_kept() {
        let (rates, start) = (Rates::new(1, 60), Instant::now());
        for person in 0..i64::try_from(KEPT_MAX).unwrap() {
            rates.take_at(person, start);
        }
        rates.take_at(-1, start + Duration::from_secs(5));
        assert_eq!(rates.buckets.lock().unwrap().len(), 1);
    }
}
