//! The status messages this process has sent ("Drawing…"), until their pictures are told of.
//!
//! The ledger keeps where a status message is; this is only for the moments before it knows: the
//! same update twice at once, and a picture that is finished before its status message is sent.
//! Losing it costs a leftover message, never a picture.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto_events::GenerationId;

/// Enough for every picture that can be in the making at once.
const KEPT_MAX: usize = 4096;

#[derive(Debug, Clone, Copy)]
struct Entry {
    message: Option<i64>,
    told: bool,
}

/// What to do with a status message that was just sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The person knows the outcome already.
    Late,
    InTime,
}

#[derive(Clone, Default)]
pub struct Statuses(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    entries: HashMap<GenerationId, Entry>,
    order: VecDeque<GenerationId>,
}

impl Statuses {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // The maps stay whole whatever panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller is the first and is to send the status message.
    pub fn begin(&self, generation: GenerationId) -> bool {
        let mut kept = self.kept();
        if kept.entries.contains_key(&generation) {
            return false;
        }
        while kept.order.len() >= KEPT_MAX {
            if let Some(oldest) = kept.order.pop_front() {
                kept.entries.remove(&oldest);
            }
        }
        let entry = Entry { message: None, told: false };
        kept.entries.insert(generation, entry);
        kept.order.push_back(generation);
        true
    }

    /// The status message is there.
    pub fn shown(&self, generation: GenerationId, message: i64) -> Shown {
        match self.kept().entries.get_mut(&generation) {
            Some(entry) if entry.told => Shown::Late,
            Some(entry) => {
                entry.message = Some(message);
                Shown::InTime
            }
            None => Shown::InTime,
        }
    }

    /// The person is being told the outcome: where its status message is, if it is there yet.
    pub fn told(&self, generation: GenerationId) -> Option<i64> {
        let mut kept = self.kept();
        let entry = kept.entries.get_mut(&generation)?;
        entry.told = true;
        entry.message
    }

    pub fn is_told(&self, generation: GenerationId) -> bool {
        self.kept().entries.get(&generation).is_some_and(|entry| entry.told)
    }
}

#[cfg(test)]
mod tests {
    use proto_events::{AccountId, CommandId, Producer};

    use super::*;

    fn generation(n: usize) -> GenerationId {
        let command = CommandId::new(format!("msg:1:2:{n}")).unwrap();
        GenerationId::derive(AccountId::OPERATIONS, Producer::Telegram, &command)
    }

    fn begin(statuses: &Statuses, n: usize) -> bool {
        statuses.begin(generation(n))
    }

    #[test]
    fn the_same_update_twice_shows_one_status() {
        let statuses = Statuses::default();
        assert!(begin(&statuses, 1));
        assert!(!begin(&statuses, 1));
        assert!(begin(&statuses, 2));
    }

    #[test]
    fn a_status_that_comes_after_the_outcome_is_late() {
        let statuses = Statuses::default();
        begin(&statuses, 1);
        assert_eq!(statuses.told(generation(1)), None);
        assert_eq!(statuses.shown(generation(1), 7), Shown::Late);
    }

    #[test]
    fn only_so_many_are_kept() {
        let statuses = Statuses::default();
        for n in 0..KEPT_MAX + 10 {
            begin(&statuses, n);
        }
        assert_eq!(statuses.kept().entries.len(), KEPT_MAX);
        assert!(begin(&statuses, 0), "the oldest was forgotten");
    }
}
