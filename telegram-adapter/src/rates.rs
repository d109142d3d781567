//! How fast one person may go on: a bucket each, so that nobody's flood is everybody's wait. In this process: with several
//! instances a person may go on as many times as fast.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// People whose buckets are kept; past it, full ones are forgotten.
const KEPT_MAX: usize = 20_000;

/// Messages that wait at once, over all people: each holds one of the places that Telegram's updates have.
const WAITING_MAX: usize = 16;
/// For which one person's messages may wait, all in all, until they have rested: in long polling everybody waits with them.
const WAIT_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
struct Bucket {
    /// Messages that may come at once.
    left: f64,
    at: Instant,
    /// They were told that they are too fast.
    told: bool,
    /// The album that came last, and whether it was too fast: its parts are one message.
    album: Option<(String, bool)>,
    /// Until when their messages may wait; past it, they are refused at once.
    patience: Option<Instant>,
}

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Rates {
    burst: f64,
    per_second: f64,
    buckets: Arc<Mutex<HashMap<i64, Bucket>>>,
    waiting: Arc<Semaphore>,
}

impl Rates {
    /// So many at once, and so many a minute after that.
    pub fn new(burst: u32, per_minute: u32) -> Self {
        let per_second = f64::from(per_minute) / 60.0;
        let waiting = Arc::new(Semaphore::new(WAITING_MAX));
        Self { burst: f64::from(burst), per_second, buckets: Arc::default(), waiting }
    }

    /// `None`: go on. Else they are too fast, and whether they were told already.
    pub fn take(&self, person: i64) -> Option<bool> {
        self.take_at(person, Instant::now())
    }

    /// The same of a photo, which waits a little rather than be sent once more; an album is one.
    pub async fn take_patiently(&self, person: i64, album: Option<&str>) -> Option<bool> {
        if let Some(known) = album.and_then(|album| self.known(person, album)) {
            return known;
        }
        if let Some(wait) = self.wait_at(person, Instant::now())
            && let Ok(_place) = self.waiting.try_acquire()
        {
            tokio::time::sleep(wait).await;
        }
        let slow = self.take_at(person, Instant::now());
        if let Some(album) = album {
            self.remember(person, album, slow.is_some());
        }
        slow
    }

    /// What was said of this album, if it is the newest.
    fn known(&self, person: i64, album: &str) -> Option<Option<bool>> {
        let buckets = self.buckets();
        let (newest, too_fast) = buckets.get(&person)?.album.as_ref()?;
        (newest == album).then(|| too_fast.then_some(true))
    }

    fn remember(&self, person: i64, album: &str, too_fast: bool) {
        if let Some(bucket) = self.buckets().get_mut(&person) {
            bucket.album = Some((album.to_owned(), too_fast));
        }
    }

    /// How long until one more may come, if that is worth waiting for and they have patience left.
    fn wait_at(&self, person: i64, now: Instant) -> Option<Duration> {
        let rest = self.rest();
        let mut buckets = self.buckets();
        let bucket = buckets.get_mut(&person)?;
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        let left = since.mul_add(self.per_second, bucket.left).min(self.burst);
        let wait = Duration::from_secs_f64((1.0 - left).max(0.0) / self.per_second);
        let known = bucket.patience.filter(|until| now < *until + rest);
        let until = known.unwrap_or(now + WAIT_MAX);
        if wait.is_zero() || now + wait > until {
            return None;
        }
        bucket.patience = Some(until);
        Some(wait)
    }

    /// After which a bucket is full again.
    fn rest(&self) -> Duration {
        Duration::from_secs_f64(self.burst / self.per_second)
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<i64, Bucket>> {
        // The map stays whole whatever panics.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_at(&self, person: i64, now: Instant) -> Option<bool> {
        let mut buckets = self.buckets();
        if buckets.len() >= KEPT_MAX && !buckets.contains_key(&person) {
            let full = self.rest();
            buckets.retain(|_, bucket| now.duration_since(bucket.at) < full);
        }
        let new = Bucket { left: self.burst, at: now, told: false, album: None, patience: None };
        let bucket = buckets.entry(person).or_insert(new);
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

    #[tokio::test]
    async fn an_album_counts_once_whatever_comes_of_it() {
        let rates = Rates::new(2, 1);
        assert_eq!(rates.take_patiently(7, Some("a")).await, None);
        for _ in 0..9 {
            assert_eq!(rates.take_patiently(7, Some("a")).await, None, "a part of the same");
        }
        assert_eq!(rates.take_patiently(7, Some("b")).await, None, "the second at once");
        // A minute is too long to wait.
        assert_eq!(rates.take_patiently(7, Some("c")).await, Some(false));
        assert_eq!(rates.take_patiently(7, Some("c")).await, Some(true), "all of it, and told once");
        assert_eq!(rates.take_patiently(8, Some("c")).await, None, "another person's");
    }

    #[tokio::test]
    async fn a_photo_waits_a_little_and_words_do_not() {
        let (rates, start) = (Rates::new(1, 600), Instant::now());
        assert_eq!(rates.wait_at(7, start), None);
        assert_eq!(rates.take_at(7, start), None);
        assert_eq!(rates.wait_at(7, start), Some(Duration::from_millis(100)));
        assert_eq!(rates.wait_at(7, start + Duration::from_millis(200)), None, "its time has come");
        assert_eq!(Rates { per_second: 0.1, ..rates.clone() }.wait_at(7, start), None, "too long");
        assert_eq!(rates.take_at(7, start), Some(false), "words");
        for _ in 0..3 {
            assert_eq!(rates.take_patiently(7, None).await, None);
        }
        let _all = rates.waiting.acquire_many(u32::try_from(WAITING_MAX).unwrap()).await.unwrap();
        assert_eq!(rates.take_patiently(7, None).await, Some(false), "nobody waits where many do");
    }

    #[test]
    fn one_persons_photos_wait_five_seconds_in_all_and_again_after_a_rest() {
        let (rates, start) = (Rates::new(10, 30), Instant::now());
        let mut now = start;
        let (mut passed, mut refused) = (0, 0);
        for _ in 0..100 {
            now += rates.wait_at(7, now).unwrap_or_default();
            match rates.take_at(7, now) {
                None => passed += 1,
                Some(_) => refused += 1,
            }
        }
        assert_eq!((passed, refused), (12, 88), "ten at once, and two that waited");
        assert!(now - start <= WAIT_MAX, "{:?}", now - start);
        now += Duration::from_secs(4);
        assert_eq!([rates.take_at(7, now), rates.take_at(7, now)], [None; 2]);
        assert_eq!(rates.wait_at(7, now), None, "the same burst");
        now += WAIT_MAX + rates.rest();
        while rates.take_at(7, now).is_none() {}
        assert!(rates.wait_at(7, now).is_some(), "rested");
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
