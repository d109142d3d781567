//! The ring of keys: used in turn; one that was refused rests and is then tried last.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use secrecy::SecretString;
use tokio::time::Instant;

pub(super) struct Keys {
    ring: Vec<Key>,
    next: AtomicUsize,
}

pub(super) struct Key {
    number: usize,
    secret: SecretString,
    rests_until: Mutex<Option<Instant>>,
}

impl Keys {
    pub(super) fn new(secrets: Vec<SecretString>) -> Self {
        let key = |(at, secret)| Key { number: at + 1, secret, rests_until: Mutex::new(None) };
        Self { ring: secrets.into_iter().enumerate().map(key).collect(), next: AtomicUsize::new(0) }
    }

    /// Every key once: from the next in turn on, those at rest after the others, soonest first. A lone
    /// key is always tried: only Google knows when it is good again.
    pub(super) fn in_turn(&self) -> Vec<&Key> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let mut keys: Vec<_> =
            (0..self.ring.len()).map(|at| &self.ring[(start + at) % self.ring.len()]).collect();
        keys.sort_by_key(|key| key.at_rest(now));
        keys
    }
}

impl Key {
    /// From 1, in the order of the configuration: the name of a key in the log.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.secret
    }

    pub(super) fn rest(&self, time: Duration) {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + time);
    }

    fn at_rest(&self, now: Instant) -> Option<Instant> {
        let until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(keys: &Keys) -> Vec<usize> {
        keys.in_turn().iter().map(|key| key.number()).collect()
    }

    #[test]
    fn keys_are_used_in_turn_and_a_refused_one_comes_last() {
        let keys = Keys::new(["a", "b", "c"].map(SecretString::from).to_vec());
        assert_eq!(numbers(&keys), [1, 2, 3]);
        assert_eq!(numbers(&keys), [2, 3, 1]);
        keys.ring[0].rest(Duration::from_secs(60));
        assert_eq!(numbers(&keys), [3, 2, 1]);
        assert_eq!(numbers(&keys), [2, 3, 1]);
        keys.ring[0].rest(Duration::ZERO);
        assert_eq!(numbers(&keys), [2, 3, 1]);
    }

    #[test]
    fn a_lone_key_is_tried_although_it_rests() {
        let keys = Keys::new(vec![SecretString::from("a")]);
        keys.ring[0].rest(Duration::from_secs(60));
        assert_eq!(numbers(&keys), [1]);
        assert!(Keys::new(Vec::new()).in_turn().is_empty());
    }
}
