//! What is due when, and what is in hand. Time comes in, but for what a panic leaves.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use proto_events::PaymentId;
use tokio::time::Instant;

/// A person who has just paid looks at the chat.
pub(super) const POLL_MIN: Duration = Duration::from_secs(5);
pub(super) const POLL_MAX: Duration = Duration::from_secs(300);
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
pub(super) fn poll_every(age: Duration) -> Duration {
    (age / 4).clamp(POLL_MIN, POLL_MAX)
}

pub(super) fn retry_after(tries: u32) -> Duration {
    let last = RETRIES.len() - 1;
    RETRIES[usize::try_from(tries).unwrap_or(last).min(last)]
}

/// Bounded by what a sweep shows: the rest is forgotten ([`Agenda::keep_only`]).
#[derive(Debug, Clone, Default)]
pub(super) struct Agenda(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    due: HashMap<PaymentId, Due>,
    in_hand: HashSet<PaymentId>,
}

#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    tries: u32,
}

/// A payment in hand, until it is put back or dropped. Dropped (also by a panic), it is due again like
/// after a try without an outcome.
#[derive(Debug)]
#[must_use]
pub(super) struct Place {
    agenda: Agenda,
    payment: PaymentId,
    /// without an outcome, so far
    pub(super) tries: u32,
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    /// Nobody said.
    Lost,
    Due(Instant),
    Ended,
}

impl Agenda {
    /// `None` when it is in hand or not due yet. One that is new is due at `first`.
    pub(super) fn take(&self, payment: PaymentId, first: Instant, now: Instant) -> Option<Place> {
        let mut pages = self.pages();
        let due = *pages.due.entry(payment).or_insert(Due { at: first, tries: 0 });
        let free = due.at <= now && pages.in_hand.insert(payment);
        // Not made for nothing: dropping it would free what another holds.
        free.then(|| Place { agenda: self.clone(), payment, tries: due.tries, next: Next::Lost })
    }

    /// Forgets what is no longer open.
    pub(super) fn keep_only(&self, open: &HashSet<PaymentId>) {
        let mut pages = self.pages();
        let Pages { due, in_hand } = &mut *pages;
        due.retain(|payment, _| open.contains(payment) || in_hand.contains(payment));
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // Pages stay whole whatever panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Due again after that time; `None` is the outcome that ends this stage of the payment.
    pub(super) fn put_back(mut self, after: Option<Duration>, now: Instant) {
        self.next = match after {
            Some(after) => Next::Due(now + after),
            None => Next::Ended,
        };
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let at = match self.next {
            Next::Lost => Some(Instant::now() + retry_after(self.tries)),
            Next::Due(at) => Some(at),
            Next::Ended => None,
        };
        let mut pages = self.agenda.pages();
        pages.in_hand.remove(&self.payment);
        if let Some(at) = at {
            pages.due.insert(self.payment, Due { at, tries: self.tries.saturating_add(1) });
        } else {
            pages.due.remove(&self.payment);
        }
    }
}

#[cfg(test)]
mod tests {
    use proto_events::{AccountId, CommandId, Producer};

    use super::*;

    fn payment(n: u32) -> PaymentId {
        PaymentId::derive(AccountId::CATALOG, Producer::Telegram, &CommandId::new(n.to_string()).unwrap())
    }

    #[test]
    fn a_payment_is_in_hand_once_and_comes_back_when_it_is_due() {
        let (agenda, now) = (Agenda::default(), Instant::now());
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
        let (agenda, now) = (Agenda::default(), Instant::now());
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
        let (agenda, now) = (Agenda::default(), Instant::now());
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
