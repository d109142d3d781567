//! What was done, what is in hand and what is to be shown again, by place in the log.
//!
//! What is to be shown again may never be shown here: another instance has done it, or it was purged.
//! So it is waited for only so long; then what is done passes it, and should nobody have done it, the
//! adapters' sweeps of the ledger find its work.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proto_events::Position;
use tokio::time::Instant;

/// Incarnation and position: the name of an event for ever, also after a restore.
pub(super) type Place = (i64, Position);

/// Done places kept for recognising repeats; an older repeat is worked on again, which handlers
/// stand, since their commands have ids of their own. About 0.5 MB.
const REMEMBERED_MAX: usize = 10_000;

/// How much later than asked for the stream may show something again: four times the ack_wait that all
/// consumers have (30 s), after which it repeats what nobody acked.
pub(super) const WAITING_MAX: Duration = Duration::from_secs(120);

#[derive(Debug, Default)]
struct Sets {
    /// At most the consumer's slots.
    in_hand: BTreeSet<Place>,
    /// To be shown again, and until when that is waited for; at most the consumer's max_ack_pending.
    waiting: BTreeMap<Place, Instant>,
    done: BTreeSet<Place>,
    reported: Option<Place>,
}

/// What to do with an event that was shown.
pub(super) enum Taken {
    Work(InHand),
    /// A repeat of what is being worked on.
    AlreadyInHand,
    AlreadyDone,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<Mutex<Sets>>);

impl Progress {
    fn sets(&self) -> MutexGuard<'_, Sets> {
        // Sets stay whole whatever panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self, place: Place) -> Taken {
        let mut sets = self.sets();
        if sets.done.contains(&place) {
            return Taken::AlreadyDone;
        }
        if !sets.in_hand.insert(place) {
            return Taken::AlreadyInHand;
        }
        sets.waiting.remove(&place);
        Taken::Work(InHand { progress: self.clone(), place, done: false, again: Duration::ZERO })
    }

    /// Something that can't be worked on now and is shown again after that time: until then, and a while
    /// longer, what is done does not pass it.
    fn wait_for(&self, place: Place, after: Duration, now: Instant) {
        self.sets().waiting.insert(place, waits_until(after, now));
    }

    /// The last place through which all that was shown is done, if that was not reported yet.
    pub(super) fn to_report(&self, now: Instant) -> Option<Place> {
        let mut sets = self.sets();
        sets.waiting.retain(|(_, position), until| {
            let waits = *until > now;
            if !waits {
                tracing::debug!(%position, "not shown again here; left to other instances and the sweep");
            }
            waits
        });
        let waiting = sets.waiting.first_key_value().map(|(place, _)| place);
        let open = sets.in_hand.first().into_iter().chain(waiting).min();
        let through = match open {
            Some(open) => sets.done.range(..open).next_back(),
            None => sets.done.last(),
        };
        through.copied().filter(|place| sets.reported.is_none_or(|reported| *place > reported))
    }

    pub(super) fn reported(&self, place: Place) {
        self.sets().reported = Some(place);
    }
}

fn waits_until(after: Duration, now: Instant) -> Instant {
    now + after + WAITING_MAX
}

/// An event that is being worked on. Dropped without being done (also by a panic), it waits to be
/// shown again.
#[derive(Debug)]
pub(super) struct InHand {
    progress: Progress,
    place: Place,
    done: bool,
    /// If it is not done: asked to be shown again after this time.
    again: Duration,
}

impl InHand {
    pub(super) fn done(mut self) {
        self.done = true;
    }

    /// To be shown again after that time.
    pub(super) fn again(mut self, after: Duration) {
        self.again = after;
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if !self.done {
            self.progress.wait_for(self.place, self.again, Instant::now());
        }
        let mut sets = self.progress.sets();
        sets.in_hand.remove(&self.place);
        if !self.done {
            return;
        }
        sets.done.insert(self.place);
        while sets.done.len() > REMEMBERED_MAX {
            sets.done.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: i64) -> Place {
        (1, Position::new(n).unwrap())
    }

    fn work(progress: &Progress, n: i64) -> InHand {
        match progress.take(at(n)) {
            Taken::Work(in_hand) => in_hand,
            _ => panic!("{n} should be new"),
        }
    }

    #[test]
    fn an_event_is_worked_on_once_whatever_the_stream_repeats() {
        let progress = Progress::default();
        let five = work(&progress, 5);
        assert!(matches!(progress.take(at(5)), Taken::AlreadyInHand));
        five.done();
        assert!(matches!(progress.take(at(5)), Taken::AlreadyDone));
        let other = (2, Position::new(5).unwrap());
        assert!(matches!(progress.take(other), Taken::Work(_)), "another incarnation of the log");
    }

    #[test]
    fn what_is_reported_never_passes_what_is_in_hand_or_to_be_shown_again() {
        let progress = Progress::default();
        let [one, two, four] = [1, 2, 4].map(|n| work(&progress, n));
        one.done();
        four.done();
        assert_eq!(progress.to_report(Instant::now()), Some(at(1)));
        drop(two);
        assert_eq!(progress.to_report(Instant::now()), Some(at(1)), "2 is to be shown again");
        work(&progress, 2).done();
        assert_eq!(progress.to_report(Instant::now()), Some(at(4)));
        progress.reported(at(4));
        assert_eq!(progress.to_report(Instant::now()), None);
        progress.wait_for(at(5), Duration::from_secs(60), Instant::now());
        work(&progress, 6).done();
        assert_eq!(progress.to_report(Instant::now()), None, "5 can't be read yet");
    }

    #[test]
    fn a_panicking_handler_leaves_its_event_to_be_shown_again() {
        let progress = Progress::default();
        let in_hand = work(&progress, 1);
        let panicked = std::thread::spawn(move || {
            let _in_hand = in_hand;
            panic!("a handler's bug");
        });
        assert!(panicked.join().is_err());
        assert_eq!(progress.to_report(Instant::now()), None);
        assert!(matches!(progress.take(at(1)), Taken::Work(_)));
    }

    #[test]
    fn what_is_not_shown_again_here_is_passed_after_a_while() {
        let (progress, began) = (Progress::default(), Instant::now());
        let [one, two, three, four] = [1, 2, 3, 4].map(|n| work(&progress, n));
        one.done();
        drop(two);
        let asked = Duration::from_secs(60);
        three.again(asked);
        four.done();
        let second = Duration::from_secs(1);
        let now = Instant::now();
        assert_eq!(progress.to_report(began + WAITING_MAX - second), Some(at(1)), "2 may come");
        assert_eq!(progress.to_report(now + WAITING_MAX), Some(at(1)), "3 was to come later than 2");
        assert_eq!(progress.to_report(now + asked + WAITING_MAX), Some(at(4)), "nothing is waited for");
        assert!(progress.sets().waiting.is_empty());
    }

    #[test]
    fn what_is_shown_again_is_waited_for_anew() {
        let progress = Progress::default();
        work(&progress, 1).done();
        let first = Instant::now();
        progress.wait_for(at(2), Duration::ZERO, first);
        work(&progress, 3).done();
        let later = first + WAITING_MAX / 2;
        progress.wait_for(at(2), Duration::ZERO, later);
        assert_eq!(progress.to_report(first + WAITING_MAX), Some(at(1)));
        assert_eq!(progress.to_report(later + WAITING_MAX), Some(at(3)));
    }

    #[test]
    fn memory_is_bounded() {
        let progress = Progress::default();
        for n in 1..=12_000 {
            work(&progress, n).done();
        }
        assert_eq!(progress.sets().done.len(), REMEMBERED_MAX);
        assert_eq!(progress.to_report(Instant::now()), Some(at(12_000)));
    }
}
