//! What was done, what is in hand and what is to be shown again, by place in the log.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto_events::Position;

/// Incarnation and position: the name of an event for ever, also after a restore.
pub(super) type Place = (i64, Position);

/// Done places kept for recognising repeats; an older repeat is worked on again, which handlers
/// stand, since their commands have ids of their own. About 0.5 MB.
const REMEMBERED_MAX: usize = 10_000;

#[derive(Debug, Default)]
struct Sets {
    /// At most the consumer's slots.
    in_hand: BTreeSet<Place>,
    /// To be shown again; at most the consumer's max_ack_pending.
    waiting: BTreeSet<Place>,
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
        Taken::Work(InHand { progress: self.clone(), place, done: false })
    }

    /// Something that can't be worked on now: what is done does not pass it.
    pub(super) fn wait_for(&self, place: Place) {
        self.sets().waiting.insert(place);
    }

    /// The last place through which all that was shown is done, if that was not reported yet.
    pub(super) fn to_report(&self) -> Option<Place> {
        let sets = self.sets();
        let open = sets.in_hand.first().into_iter().chain(sets.waiting.first()).min();
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

/// An event that is being worked on. Dropped without being done (also by a panic), it waits to be
/// shown again.
#[derive(Debug)]
pub(super) struct InHand {
    progress: Progress,
    place: Place,
    done: bool,
}

impl InHand {
    pub(super) fn done(mut self) {
        self.done = true;
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut sets = self.progress.sets();
        sets.in_hand.remove(&self.place);
        if !self.done {
            sets.waiting.insert(self.place);
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
        assert_eq!(progress.to_report(), Some(at(1)));
        drop(two);
        assert_eq!(progress.to_report(), Some(at(1)), "2 is to be shown again");
        work(&progress, 2).done();
        assert_eq!(progress.to_report(), Some(at(4)));
        progress.reported(at(4));
        assert_eq!(progress.to_report(), None);
        progress.wait_for(at(5));
        work(&progress, 6).done();
        assert_eq!(progress.to_report(), None, "5 can't be read yet");
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
        assert_eq!(progress.to_report(), None);
        assert!(matches!(progress.take(at(1)), Taken::Work(_)));
    }

    #[test]
    fn memory_is_bounded() {
        let progress = Progress::default();
        for n in 1..=12_000 {
            work(&progress, n).done();
        }
        assert_eq!(progress.sets().done.len(), REMEMBERED_MAX);
        assert_eq!(progress.to_report(), Some(at(12_000)));
    }
}
