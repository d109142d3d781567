//! What one round knows from those before it, so that it asks for nothing in vain.
//!
//! Refunds that are pending are asked for until they end. Those that say nothing to us (of a shared shop's other
//! software, or that a person has to decide or has decided) are asked for once a Moscow day, and sooner when
//! somebody has settled their payment since. A look far back that did not come to its end waits some rounds.
//!
//! In memory only: a process that starts anew looks far, and asks once for each.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use proto_events::events::ProviderId;

use crate::proof::{Away, Outcome, Proof};

/// Between a far look that broke off and the next.
const REST: Duration = Duration::from_secs(3_600);
/// The same in rounds, at most: tests are in a hurry.
const REST_ROUNDS_MAX: u128 = 12;
/// About 20 MB. Beyond it refunds are asked for each round.
const SILENT_MAX: usize = 100_000;

#[derive(Default)]
pub(super) struct Followed {
    /// The day of the last far look that was whole.
    looked_far: Option<i32>,
    /// Rounds before a far look is tried again, after one that broke off.
    rest_rounds: u128,
    rest: u128,
    /// Few: banks take days, and then YooKassa ends them.
    pub(super) pending: HashSet<ProviderId>,
    silent: HashMap<ProviderId, Silent>,
}

/// Asked for, and nothing to act on.
struct Silent {
    /// The Moscow day.
    asked: i32,
    /// Its payment was settled here by then.
    settled: bool,
}

/// What to do about a refund that the ledger does not know.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    First,
    Again,
    /// Nothing has changed since it was asked for.
    Rest,
}

impl Followed {
    /// With a round so often.
    pub(super) fn new(every: Duration) -> Self {
        let rest_rounds = (REST.as_millis() / every.as_millis().max(1)).min(REST_ROUNDS_MAX);
        Self { rest_rounds, ..Self::default() }
    }

    /// Whether this round looks far; once for each round.
    pub(super) const fn begin_far(&mut self, today: i32) -> bool {
        if matches!(self.looked_far, Some(day) if day == today) {
            return false;
        }
        if self.rest > 0 {
            self.rest -= 1;
            return false;
        }
        // Until it is known to be whole.
        self.rest = self.rest_rounds;
        true
    }

    /// Everything it found was asked for. What it did not find is forgotten.
    pub(super) fn end_far(&mut self, today: i32) {
        (self.looked_far, self.rest) = (Some(today), 0);
        self.silent.retain(|_, silent| silent.asked == today);
    }

    pub(super) fn turn(&self, id: &ProviderId, settled: bool, today: i32) -> Turn {
        match self.silent.get(id) {
            None => Turn::First,
            Some(silent) if silent.asked == today && (silent.settled || !settled) => Turn::Rest,
            Some(_) => Turn::Again,
        }
    }

    /// How asking for it ended; `settled` is of before.
    pub(super) fn asked(&mut self, id: &ProviderId, settled: bool, today: i32, proven: &Result<Proof, Away>) {
        match proven.as_ref().map(|proof| proof.outcome) {
            Ok(Outcome::NotOurs | Outcome::Quarantined) => {
                if self.silent.len() < SILENT_MAX || self.silent.contains_key(id) {
                    self.silent.insert(id.clone(), Silent { asked: today, settled });
                }
            }
            Ok(Outcome::Final | Outcome::Waiting | Outcome::Unknown) => {
                self.silent.remove(id);
            }
            // Nobody answered, or one of ours has to end first: it is asked for again at once.
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: i32 = 20_000;

    fn id(n: usize) -> ProviderId {
        crate::yookassa::provider_id(&format!("2c5a{n:04}-0016-50be-b000-078d43a63ae4")).unwrap()
    }

    const fn ended(outcome: Outcome) -> Result<Proof, Away> {
        Ok(Proof { outcome, payment: None })
    }

    #[test]
    fn what_says_nothing_is_asked_for_once_a_day_and_when_its_payment_is_settled() {
        let mut followed = Followed::default();
        for outcome in [Outcome::NotOurs, Outcome::Quarantined] {
            assert_eq!(followed.turn(&id(0), false, MONDAY), Turn::First);
            followed.asked(&id(0), false, MONDAY, &ended(outcome));
            assert_eq!(followed.turn(&id(0), false, MONDAY), Turn::Rest);
            assert_eq!(followed.turn(&id(0), true, MONDAY), Turn::Again, "settled since");
            followed.asked(&id(0), true, MONDAY, &ended(outcome));
            assert_eq!(followed.turn(&id(0), true, MONDAY), Turn::Rest);
            assert_eq!(followed.turn(&id(0), true, MONDAY + 1), Turn::Again);
            followed.asked(&id(0), true, MONDAY + 1, &ended(Outcome::Final));
        }
    }

    #[test]
    fn what_may_change_at_any_time_is_asked_for_each_round() {
        let mut followed = Followed::default();
        let early = || Err(Away::TooEarly("one of ours has to end first"));
        for proven in [early(), ended(Outcome::Waiting), ended(Outcome::Unknown)] {
            followed.asked(&id(0), true, MONDAY, &proven);
            assert_eq!(followed.turn(&id(0), true, MONDAY), Turn::First);
        }
        // Not quite silent after all.
        followed.asked(&id(0), true, MONDAY, &ended(Outcome::Quarantined));
        followed.asked(&id(0), true, MONDAY + 1, &early());
        assert_eq!(followed.turn(&id(0), true, MONDAY + 1), Turn::Again);
    }

    #[test]
    fn no_more_is_kept_than_the_far_look_asked_for() {
        let mut followed = Followed::default();
        for n in 0..=SILENT_MAX {
            followed.asked(&id(n), false, MONDAY, &ended(Outcome::NotOurs));
        }
        assert_eq!(followed.silent.len(), SILENT_MAX);
        followed.asked(&id(7), false, MONDAY + 1, &ended(Outcome::NotOurs));
        followed.end_far(MONDAY + 1);
        assert_eq!(followed.silent.keys().collect::<Vec<_>>(), [&id(7)]);
    }

    #[test]
    fn a_far_look_is_taken_once_a_day_and_one_that_broke_off_waits() {
        let mut followed = Followed::new(Duration::from_secs(300));
        let mut rounds = |days: &[i32]| days.iter().filter(|day| followed.begin_far(**day)).count();
        assert_eq!((rounds(&[MONDAY]), rounds(&[MONDAY; 12]), rounds(&[MONDAY])), (1, 0, 1));
        followed.end_far(MONDAY);
        let mut rounds = |days: &[i32]| days.iter().filter(|day| followed.begin_far(**day)).count();
        assert_eq!((rounds(&[MONDAY; 30]), rounds(&[MONDAY + 1; 3])), (0, 1));
        let mut rare = Followed::new(Duration::from_secs(86_400));
        assert!(rare.begin_far(MONDAY) && rare.begin_far(MONDAY), "rounds are far apart themselves");
    }
}
