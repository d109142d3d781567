//! What is due when, and what is in hand. Time comes in, but for what a panic leaves.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// What an agenda is about: a payment, a refund.
pub(crate) trait Key: Copy + Eq + Hash {}
impl<T: Copy + Eq + Hash> Key for T {}

/// A person who has just paid looks at the chat.
pub(crate) const POLL_MIN: Duration = Duration::from_secs(5);
pub(crate) const POLL_MAX: Duration = Duration::from_secs(300);
/// Waits after tries without an outcome; the last repeats. YooKassa asks for about one a minute; the
/// first come sooner, because a person waits for the link.
const RETRIES: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// A quarter of the payment's age, within bounds.
pub(crate) fn poll_every(age: Duration) -> Duration {
    (age / 4).clamp(POLL_MIN, POLL_MAX)
}

pub(crate) fn retry_after(tries: u32) -> Duration {
    let last = RETRIES.len() - 1;
    RETRIES[usize::try_from(tries).unwrap_or(last).min(last)]
}

/// Bounded by what a sweep shows: the rest is forgotten ([`Agenda::keep_only`]).
#[derive(Debug)]
pub(crate) struct Agenda<K: Key>(Arc<Mutex<Pages<K>>>);

#[derive(Debug)]
struct Pages<K> {
    due: HashMap<K, Due>,
    in_hand: HashSet<K>,
}

impl<K: Key> Default for Agenda<K> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Pages { due: HashMap::new(), in_hand: HashSet::new() })))
    }
}

impl<K: Key> Clone for Agenda<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    tries: u32,
}

/// One in hand, until it is put back or dropped. Dropped (also by a panic), it is due again like
/// after a try without an outcome.
#[derive(Debug)]
#[must_use]
pub(crate) struct Place<K: Key> {
    agenda: Agenda<K>,
    key: K,
    /// without an outcome, so far
    pub(crate) tries: u32,
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    /// Nobody said.
    Lost,
    Due(Instant),
    Ended,
}

impl<K: Key> Agenda<K> {
    /// `None` when it is in hand or not due yet. One that is new is due at `first`.
    pub(crate) fn take(&self, key: K, first: Instant, now: Instant) -> Option<Place<K>> {
        let mut pages = self.pages();
        let due = *pages.due.entry(key).or_insert(Due { at: first, tries: 0 });
        let free = due.at <= now && pages.in_hand.insert(key);
        // Not made for nothing: dropping it would free what another holds.
        free.then(|| Place { agenda: self.clone(), key, tries: due.tries, next: Next::Lost })
    }

    /// Forgets what is no longer open.
    pub(crate) fn keep_only(&self, open: &HashSet<K>) {
        let mut pages = self.pages();
        let Pages { due, in_hand } = &mut *pages;
        due.retain(|key, _| open.contains(key) || in_hand.contains(key));
    }

    fn pages(&self) -> MutexGuard<'_, Pages<K>> {
        // Pages stay whole whatever panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> Place<K> {
    /// Due again after that time; `None` is the outcome that ends this stage of it.
    pub(crate) fn put_back(mut self, after: Option<Duration>, now: Instant) {
        self.next = match after {
            Some(after) => Next::Due(now + after),
            None => Next::Ended,
        };
    }
}

impl<K: Key> Drop for Place<K> {
    fn drop(&mut self) {
        let at = match self.next {
            Next::Lost => Some(Instant::now() + retry_after(self.tries)),
            Next::Due(at) => Some(at),
            Next::Ended => None,
        };
        let mut pages = self.agenda.pages();
        pages.in_hand.remove(&self.key);
        if let Some(at) = at {
            pages.due.insert(self.key, Due { at, tries: self.tries.saturating_add(1) });
        } else {
            pages.due.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proto_events::{AccountId, CommandId, PaymentId, Producer};

    use super::*;

    fn payment(n: u32) -> PaymentId {
        PaymentId::derive(AccountId::CATALOG, Producer::Telegram, &CommandId::new(n.to_string()).unwrap())
    }

    #[test]
    fn a_payment_is_in_hand_once_and_comes_back_when_it_is_due() {
        let (agenda, now) = (Agenda::<PaymentId>::default(), Instant::now());
        let second = Duration::from_secs(1);
        let place = agenda.take(payment(1), now, now).unwrap();
        assert!(agenda.take(payment(1), now, now).is_none(), "in hand");
        place.put_back(Some(2 * second), now);
        assert!(agenda.take(payment(1), now, now + second).is_none(), "not due");
        let place = agenda.take(payment(1), now, now + 2 * second).unwrap();
        assert_eq!(place.tries, 1);
        place.put_back(None, now);
        assert_eq!(agenda.take(payment(1), now, now).unwrap().tries, 0, "a new stage");
    }

    #[test]
    fn a_panic_puts_its_payment_back() {
        let (agenda, now) = (Agenda::<PaymentId>::default(), Instant::now());
        let place = agenda.take(payment(1), now, now).unwrap();
        let panicked = std::thread::spawn(move || {
            let _place = place;
            panic!("a bug in a try");
        });
        assert!(panicked.join().is_err());
        assert!(agenda.take(payment(1), now, now).is_none(), "not at once");
        let place = agenda.take(payment(1), now, Instant::now() + retry_after(0)).unwrap();
        assert_eq!(place.tries, 1);
    }

    #[test]
    fn what_is_closed_is_forgotten() {
        let (agenda, now) = (Agenda::<PaymentId>::default(), Instant::now());
        for n in 0..3 {
            let place = agenda.take(payment(n), now, now).unwrap();
            place.put_back(Some(POLL_MIN), now);
        }
        agenda.keep_only(&[payment(1)].into());
        assert_eq!(agenda.pages().due.keys().copied().collect::<Vec<_>>(), [payment(1)]);
    }

    #[test]
    fn waits_grow_to_their_bounds() {
        let seconds = |age| poll_every(Duration::from_secs(age)).as_secs();
        assert_eq!([0, 20, 60, 600, 4000].map(seconds), [5, 5, 15, 150, 300]);
        assert_eq!([0, 1, 4, 99].map(|tries| retry_after(tries).as_secs()), [2, 5, 60, 60]);
    }
}
