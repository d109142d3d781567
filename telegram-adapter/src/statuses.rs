//! The status messages this process has sent ("Drawing…"), until their pictures are told of.
//!
//! The ledger keeps where a status message is; this is only for the moments before it knows: the
//! same update twice at once, and a picture that is finished before its status message is sent.
//! Losing it costs a leftover message, never a picture.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto_events::{Credits, GenerationId};

use crate::texts::Lang;

/// Enough for every picture that can be in the making at once.
const KEPT_MAX: usize = 4096;

#[derive(Debug, Clone, Copy)]
struct Entry {
    chat: i64,
    lang: Lang,
    credits: Credits,
    message: Option<i64>,
    told: bool,
    started: bool,
}

/// What to do with a status message that was just sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The person knows the outcome already.
    Late,
    /// The work has begun meanwhile.
    Started,
    InTime,
}

/// A status message to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub chat: i64,
    pub message: i64,
    pub lang: Lang,
    pub credits: Credits,
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
    pub fn begin(&self, generation: GenerationId, chat: i64, lang: Lang, credits: Credits) -> bool {
        let mut kept = self.kept();
        if kept.entries.contains_key(&generation) {
            return false;
        }
        while kept.order.len() >= KEPT_MAX {
            if let Some(oldest) = kept.order.pop_front() {
                kept.entries.remove(&oldest);
            }
        }
        let entry = Entry { chat, lang, credits, message: None, told: false, started: false };
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
                if entry.started { Shown::Started } else { Shown::InTime }
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

    /// The work has begun: the status message to change, the first time it is heard.
    pub fn started(&self, generation: GenerationId) -> Option<Status> {
        let mut kept = self.kept();
        let entry = kept.entries.get_mut(&generation)?;
        if entry.told || std::mem::replace(&mut entry.started, true) {
            return None;
        }
        entry.message.map(|message| Status {
            chat: entry.chat,
            message,
            lang: entry.lang,
            credits: entry.credits,
        })
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
        statuses.begin(generation(n), 42, Lang::Ru, Credits::new(10).unwrap())
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
        assert_eq!(statuses.started(generation(1)), None);
    }

    #[test]
    fn the_start_is_shown_once_whichever_comes_first() {
        let statuses = Statuses::default();
        begin(&statuses, 1);
        assert_eq!(statuses.started(generation(1)), None);
        assert_eq!(statuses.shown(generation(1), 7), Shown::Started);
        begin(&statuses, 2);
        assert_eq!(statuses.shown(generation(2), 8), Shown::InTime);
        assert_eq!(statuses.started(generation(2)).map(|status| status.message), Some(8));
        assert_eq!(statuses.started(generation(2)), None);
        assert_eq!(statuses.told(generation(2)), Some(8));
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
