//! What follows a call that made nothing: the end of the job, or another attempt and when.
//!
//! A call that the vendor did no work for (rate-limited, overloaded, out of reach) costs nothing and is waited out for as long as the deadline
//! allows. A call in doubt may have been paid: it is made again as often as the owner has said and no more. Everything else may be tried up to the
//! catalog's `attempts_max`.

use std::time::Duration;

use proto_events::{Attempt, Micros};

use super::pace;
use crate::gemini::{Failure, Remedy};

/// What the plan is made from.
pub(super) struct Course {
    pub(super) attempt: Attempt,
    /// Of the attempts up to this one, and with it, those that were refused before any work.
    pub(super) unpaid: u16,
    /// Of the attempts before this one, those whose calls ended in doubt, also by the death of their workers.
    pub(super) doubts: u16,
    pub(super) deadline: Micros,
    pub(super) now: Micros,
    /// The catalog's bound on paid attempts; `None` when the catalog is not known.
    pub(super) attempts_max: Option<u16>,
    /// The owner's bound on calls that are made again after one in doubt.
    pub(super) retries_in_doubt: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The job ends with this trouble; its credits go back.
    Fail,
    /// On record; nobody claims the job before this has passed.
    Again { after: Duration },
}

/// `dice` spreads those who come back.
pub(super) fn after(course: &Course, failure: &Failure, dice: u64) -> Next {
    let Remedy::Later { after: asked } = failure.remedy else { return Next::Fail };
    if failure.trouble.is_in_doubt() && course.doubts >= course.retries_in_doubt {
        return Next::Fail;
    }
    let paid = course.attempt.get() - i64::from(course.unpaid);
    if course.attempts_max.is_some_and(|max| paid >= i64::from(max)) {
        return Next::Fail;
    }
    let after = pace::wait(course.attempt, asked, dice);
    let then = course.now.plus_ms(i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
    match pace::left_for_call(course.deadline, then) {
        Some(_) => Next::Again { after },
        None => Next::Fail,
    }
}

#[cfg(test)]
mod tests {
    use proto_events::events::Trouble;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn course(attempt: i64) -> Course {
        let now = Micros::new(1_000_000_000).unwrap();
        Course {
            attempt: Attempt::new(attempt).unwrap(),
            unpaid: 0,
            doubts: 0,
            deadline: now.plus_ms(600_000),
            now,
            attempts_max: Some(3),
            retries_in_doubt: 1,
        }
    }

    fn failure(trouble: Trouble, remedy: Remedy, in_doubt: bool) -> Failure {
        Failure { trouble, remedy, codes: String::new(), in_doubt, text: None }
    }

    fn later(trouble: Trouble) -> Failure {
        failure(trouble, Remedy::Later { after: None }, false)
    }

    #[test]
    fn what_the_vendor_refuses_for_good_is_not_tried_again() {
        let refused = failure(Trouble::Policy, Remedy::GiveUp, false);
        assert_eq!(after(&course(1), &refused, 0), Next::Fail);
    }

    #[test]
    fn paid_attempts_are_bounded_and_refusals_before_any_work_are_not() {
        let broken = later(Trouble::VendorError);
        assert_eq!(after(&course(2), &broken, 0), Next::Again { after: 2 * SECOND });
        assert_eq!(after(&course(3), &broken, 0), Next::Fail);
        let after_two_refusals = Course { unpaid: 2, ..course(4) };
        assert_eq!(after(&after_two_refusals, &broken, 0), Next::Again { after: 8 * SECOND });
        let nine_refusals = Course { unpaid: 9, ..course(9) };
        assert_eq!(after(&nine_refusals, &later(Trouble::Overloaded), 0), Next::Again { after: 30 * SECOND });
    }

    #[test]
    fn a_call_in_doubt_is_made_again_as_often_as_the_owner_said() {
        let doubtful = failure(Trouble::TimedOut, Remedy::Later { after: None }, true);
        assert_eq!(after(&course(1), &doubtful, 0), Next::Again { after: SECOND });
        assert_eq!(after(&Course { doubts: 1, ..course(2) }, &doubtful, 0), Next::Fail);
        assert_eq!(after(&Course { retries_in_doubt: 0, ..course(1) }, &doubtful, 0), Next::Fail);
        // A definite failure after one in doubt is another matter.
        let broken = later(Trouble::VendorError);
        assert_eq!(after(&Course { doubts: 1, ..course(2) }, &broken, 0), Next::Again { after: 2 * SECOND });
    }

    #[test]
    fn the_wait_that_the_vendor_asks_for_is_kept_if_the_deadline_leaves_room_for_a_call() {
        let wait = |seconds| Remedy::Later { after: Some(seconds * SECOND) };
        let limited = |seconds| failure(Trouble::RateLimited, wait(seconds), false);
        assert_eq!(after(&course(1), &limited(34), 0), Next::Again { after: 34 * SECOND });
        assert_eq!(after(&course(1), &limited(595), 0), Next::Fail);
    }

    #[test]
    fn a_vendor_that_asks_for_no_wait_can_fill_the_log_with_few_attempts() {
        let at_once = failure(Trouble::RateLimited, Remedy::Later { after: Some(Duration::ZERO) }, false);
        let (mut course, mut attempts) = (course(1), 0);
        while let Next::Again { after } = after(&course, &at_once, 0) {
            attempts += 1;
            assert!(attempts < 50, "it goes on and on");
            course.now = course.now.plus_ms(i64::try_from(after.as_millis()).unwrap());
            course.attempt = course.attempt.next();
            course.unpaid += 1;
        }
    }
}
