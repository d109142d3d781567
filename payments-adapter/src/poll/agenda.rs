//! What is due when, and what is in hand. Plain data; time comes in.

use std::{
    collections::{HashMap, HashSet},
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
#[derive(Debug, Default)]
pub(super) struct Agenda {
    due: HashMap<PaymentId, Due>,
    in_hand: HashSet<PaymentId>,
}

#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    tries: u32,
}

/// A payment in hand. Must be put back.
#[derive(Debug)]
#[must_use]
pub(super) struct Place {
    payment: PaymentId,
    /// without an outcome, so far
    pub(super) tries: u32,
}

impl Agenda {
    /// `None` when it is in hand or not due yet. One that is new is due at `first`.
    pub(super) fn take(&mut self, payment: PaymentId, first: Instant, now: Instant) -> Option<Place> {
        let due = *self.due.entry(payment).or_insert(Due { at: first, tries: 0 });
        let free = due.at <= now && self.in_hand.insert(payment);
        free.then_some(Place { payment, tries: due.tries })
    }

    /// Due again after that time; `None` is the outcome that ends this stage of the payment.
    pub(super) fn put_back(&mut self, place: Place, after: Option<Duration>, now: Instant) {
        self.in_hand.remove(&place.payment);
        match after {
            Some(after) => {
                let due = Due { at: now + after, tries: place.tries.saturating_add(1) };
                self.due.insert(place.payment, due);
            }
            None => {
                self.due.remove(&place.payment);
            }
        }
    }

    /// Forgets what is no longer open.
    pub(super) fn keep_only(&mut self, open: HashSet<PaymentId>) {
        self.due.retain(|payment, _| open.contains(payment) || self.in_hand.contains(payment));
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
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        let second = Duration::from_secs(1);
        let place = agenda.take(payment(1), now, now).unwrap();
        assert!(agenda.take(payment(1), now, now).is_none(), "in hand");
        agenda.put_back(place, Some(2 * second), now);
        assert!(agenda.take(payment(1), now, now + second).is_none(), "not due");
        let place = agenda.take(payment(1), now, now + 2 * second).unwrap();
        assert_eq!(place.tries, 1);
        agenda.put_back(place, None, now);
        assert_eq!(agenda.take(payment(1), now, now).unwrap().tries, 0, "a new stage");
    }

    #[test]
    fn what_is_closed_is_forgotten() {
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        for n in 0..3 {
            let place = agenda.take(payment(n), now, now).unwrap();
            agenda.put_back(place, Some(POLL_MIN), now);
        }
        agenda.keep_only([payment(1)].into());
        assert_eq!(agenda.due.keys().copied().collect::<Vec<_>>(), [payment(1)]);
    }

    #[test]
    fn waits_grow_to_their_bounds() {
        let seconds = |age| poll_every(Duration::from_secs(age)).as_secs();
        assert_eq!([0, 20, 60, 600, 4000].map(seconds), [5, 5, 15, 150, 300]);
        assert_eq!([0, 1, 4, 99].map(|tries| retry_after(tries).as_secs()), [2, 5, 60, 60]);
    }
}
