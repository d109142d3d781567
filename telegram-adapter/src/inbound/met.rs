//! What is met by two: a pre-checkout query by its turn in a batch and by the look behind a batch that takes long, an update
//! that comes again. One of them at a time deals with it; who comes after an answer that has arrived has nothing left to do,
//! who comes after one that has not answers it again.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::{Intake, Taken, Update};

/// So many of the newest are known at least (some MB); one that was forgotten and is met again is dealt with again, which does no harm.
const KEPT_MIN: usize = 10_000;

/// What was met lately, in two generations: once the new one is full it is the old one, and what was old is forgotten but for
/// what somebody is dealing with.
#[derive(Debug, Default)]
pub(super) struct Met(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    new: HashMap<String, Entry>,
    old: HashMap<String, Entry>,
}

/// Whether it was dealt with.
type Entry = Arc<tokio::sync::Mutex<bool>>;

/// The right to deal with it.
#[derive(Debug)]
pub(super) struct Turn(OwnedMutexGuard<bool>);

impl Met {
    /// Waits for whoever is dealing with it.
    pub(super) async fn turn(&self, id: &str) -> Turn {
        Turn(self.of(id).lock_owned().await)
    }

    /// `None`: it is being dealt with, or was.
    pub(super) fn try_turn(&self, id: &str) -> Option<Turn> {
        self.of(id).try_lock_owned().ok().filter(|done| !**done).map(Turn)
    }

    /// It is not shown again.
    pub(super) fn forget(&self, id: &str) {
        let mut met = self.generations();
        met.new.remove(id);
        met.old.remove(id);
    }

    fn of(&self, id: &str) -> Entry {
        let mut met = self.generations();
        if met.new.len() >= KEPT_MIN {
            met.turn_over();
        }
        let known = met.old.remove(id).unwrap_or_default();
        Arc::clone(met.new.entry(id.to_owned()).or_insert(known))
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        // The maps stay whole whatever panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn turn_over(&mut self) {
        let mut forgotten = mem::replace(&mut self.old, mem::take(&mut self.new));
        forgotten.retain(|_, entry| Arc::strong_count(entry) > 1);
        self.new = forgotten;
    }
}

impl Turn {
    pub(super) async fn take<I: Intake>(mut self, intake: &I, update: Update) -> Taken {
        if *self.0 {
            return Taken::Done;
        }
        let taken = intake.take(update).await;
        *self.0 = taken == Taken::Done;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with what it is told to, the last first, and counts.
    #[derive(Clone, Default)]
    struct Script(Arc<Mutex<Vec<Taken>>>);

    impl Intake for Script {
        async fn take(&self, _: Update) -> Taken {
            self.0.lock().unwrap().pop().expect("it is not asked more often")
        }
    }

    fn script(answers: &[Taken]) -> Script {
        Script(Arc::new(Mutex::new(answers.iter().rev().copied().collect())))
    }

    const QUERY: Update = Update::Ignored("a query");

    #[tokio::test]
    async fn an_answer_that_did_not_arrive_is_given_again_and_one_that_did_is_not() {
        let (met, intake) = (Met::default(), script(&[Taken::Later, Taken::Done]));
        let ahead = met.try_turn("1").unwrap();
        assert!(met.try_turn("1").is_none(), "it is being answered");
        assert_eq!(ahead.take(&intake, QUERY).await, Taken::Later);
        let again = met.try_turn("1").unwrap();
        assert_eq!(again.take(&intake, QUERY).await, Taken::Done);
        assert!(met.try_turn("1").is_none(), "it was answered");
        assert_eq!(met.turn("1").await.take(&intake, QUERY).await, Taken::Done);
        met.forget("1");
        assert!(met.try_turn("1").is_some());
    }

    #[tokio::test]
    async fn its_turn_waits_for_who_answers_it_ahead() {
        let (met, intake) = (Arc::new(Met::default()), script(&[Taken::Later, Taken::Done]));
        let ahead = met.try_turn("1").unwrap();
        let in_turn = tokio::spawn({
            let (met, intake) = (Arc::clone(&met), intake.clone());
            async move { met.turn("1").await.take(&intake, QUERY).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(ahead.take(&intake, QUERY).await, Taken::Later);
        assert_eq!(in_turn.await.unwrap(), Taken::Done);
        assert!(intake.0.lock().unwrap().is_empty(), "it was asked again in its turn");
    }

    #[tokio::test]
    async fn the_newest_are_known_the_oldest_forgotten_and_what_is_in_hand_stays() {
        let met = Met::default();
        let held = met.try_turn("held").unwrap();
        for n in 0..3 * KEPT_MIN {
            let turn = met.try_turn(&n.to_string()).unwrap();
            assert_eq!(turn.take(&script(&[Taken::Done]), QUERY).await, Taken::Done);
        }
        assert!(met.try_turn(&(2 * KEPT_MIN).to_string()).is_none(), "one of the newest");
        assert!(met.try_turn("0").is_some(), "one of the oldest");
        assert!(met.try_turn("held").is_none());
        let kept = met.0.lock().unwrap();
        assert!(kept.new.len() + kept.old.len() <= 2 * KEPT_MIN + 1);
        drop((kept, held));
    }
}
