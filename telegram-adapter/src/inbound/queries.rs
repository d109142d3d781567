//! What is met by two: a pre-checkout query by its turn in a batch and by the look behind a batch that takes long, an update
//! that comes again. One of them at a time deals with it; who comes after an answer that has arrived has nothing left to do,
//! who comes after one that has not answers it again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::{Intake, Taken, Update};

/// Past this many (some MB), those that nobody is dealing with are forgotten; one that is met again is dealt with again, which does
/// no harm.
const KEPT_MAX: usize = 10_000;

/// Query → whether Telegram has its answer.
#[derive(Debug, Default)]
pub(super) struct Queries(Mutex<HashMap<String, Arc<tokio::sync::Mutex<bool>>>>);

/// The right to answer a query.
#[derive(Debug)]
pub(super) struct Turn(OwnedMutexGuard<bool>);

impl Queries {
    /// Waits for whoever is answering it.
    pub(super) async fn turn(&self, id: &str) -> Turn {
        Turn(self.of(id).lock_owned().await)
    }

    /// `None`: it is being answered, or was.
    pub(super) fn try_turn(&self, id: &str) -> Option<Turn> {
        self.of(id).try_lock_owned().ok().filter(|answered| !**answered).map(Turn)
    }

    /// It is not shown again.
    pub(super) fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    fn of(&self, id: &str) -> Arc<tokio::sync::Mutex<bool>> {
        // The map stays whole whatever panics.
        let mut queries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queries.len() >= KEPT_MAX {
            queries.retain(|_, query| Arc::strong_count(query) > 1);
        }
        Arc::clone(queries.entry(id.to_owned()).or_default())
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
        let (queries, intake) = (Queries::default(), script(&[Taken::Later, Taken::Done]));
        let ahead = queries.try_turn("1").unwrap();
        assert!(queries.try_turn("1").is_none(), "it is being answered");
        assert_eq!(ahead.take(&intake, QUERY).await, Taken::Later);
        let again = queries.try_turn("1").unwrap();
        assert_eq!(again.take(&intake, QUERY).await, Taken::Done);
        assert!(queries.try_turn("1").is_none(), "it was answered");
        assert_eq!(queries.turn("1").await.take(&intake, QUERY).await, Taken::Done);
        queries.forget("1");
        assert!(queries.try_turn("1").is_some());
    }

    #[tokio::test]
    async fn its_turn_waits_for_who_answers_it_ahead() {
        let (queries, intake) = (Arc::new(Queries::default()), script(&[Taken::Later, Taken::Done]));
        let ahead = queries.try_turn("1").unwrap();
        let in_turn = tokio::spawn({
            let (queries, intake) = (Arc::clone(&queries), intake.clone());
            async move { queries.turn("1").await.take(&intake, QUERY).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(ahead.take(&intake, QUERY).await, Taken::Later);
        assert_eq!(in_turn.await.unwrap(), Taken::Done);
        assert!(intake.0.lock().unwrap().is_empty(), "it was asked again in its turn");
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_in_hand_stays() {
        let queries = Queries::default();
        let held = queries.try_turn("held").unwrap();
        (0..3 * KEPT_MAX).for_each(|n| drop(queries.try_turn(&n.to_string())));
        assert!(queries.0.lock().unwrap().len() <= KEPT_MAX);
        assert!(queries.try_turn("held").is_none());
        drop(held);
    }
}
