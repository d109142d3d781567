//! Generations: asked, claimed, attempted, made or not, delivered or not.

mod decide;
mod delivery;
mod evolve;
mod finish;
mod prune;
mod request;

use std::collections::BTreeMap;

use proto_events::{Attempt, Credits, GenerationId};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::refusal::Refusal;

pub(crate) use decide::{attempt, claim};
pub(crate) use delivery::{confirm, undelivered};
pub(crate) use evolve::evolve;
pub(crate) use finish::{cancel, complete, expire, fail};
pub(crate) use request::request;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GenerationState {
    Open,
    /// Made, not delivered yet.
    Succeeded,
    /// Nothing was delivered in time: a result may still come, once.
    TimedOut,
    Failed,
    Canceled,
    Delivered,
    /// Its bytes were lost before they were delivered, or Telegram takes them in no form; compensated.
    Lost,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Generation {
    pub state: GenerationState,
    /// The last attempt that was claimed; 0 before the first.
    pub attempt: Attempt,
    /// What that attempt cost is on record.
    pub recorded: bool,
    /// What the one before it cost is not: it was claimed over.
    pub lost: bool,
    /// Attempts on record for which nothing was paid: they don't count toward `attempts_max`.
    pub unpaid: u16,
    /// Attempts on record whose calls may have been paid.
    pub doubts: u16,
    /// Settled by its late reservation.
    pub late: bool,
    /// Its price; once it succeeded, what was charged.
    pub credits: Credits,
    /// The account's version when it last changed.
    pub changed: i64,
}

pub(crate) type Generations = BTreeMap<GenerationId, Generation>;

impl Generation {
    /// The fencing token must be the last attempt's.
    pub fn must_be_current(&self, attempt: Attempt) -> Result<(), Refusal> {
        if attempt != self.attempt {
            return Err(Refusal::StaleAttempt { attempt: self.attempt });
        }
        Ok(())
    }

    /// Nothing is on record yet of this attempt, the last or the one it was claimed over.
    pub fn lacks_record_of(&self, attempt: Attempt) -> bool {
        let current = attempt == self.attempt && !self.recorded;
        attempt != Attempt::ZERO && (current || self.lost && attempt.next() == self.attempt)
    }

    /// It is claimed, and the attempt is not over.
    pub fn is_in_hand(&self) -> bool {
        self.state == GenerationState::Open && self.attempt != Attempt::ZERO && !self.recorded
    }
}

pub(crate) fn find(state: &Account, id: GenerationId) -> Result<&Generation, Refusal> {
    state.generations.get(&id).ok_or(Refusal::GenerationNotFound)
}

pub(crate) fn running_count(generations: &Generations) -> usize {
    generations.values().filter(|g| g.state == GenerationState::Open).count()
}
