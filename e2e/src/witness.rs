//! Hears every answer of the ledger and holds it against the log afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ledger::log::Row;
use proto_events::envelope::EventRef;
use proto_events::{CommandId, Producer};
use service::ledger::{Done, SendError};

#[derive(Debug, Clone)]
pub struct Answer {
    pub producer: Producer,
    pub id: CommandId,
    pub sent: Instant,
    pub answered: Instant,
    pub said: Said,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Done { events: Vec<EventRef>, result: serde_json::Value },
    Refused(String),
    Unknown(String),
}

#[derive(Debug, Clone, Default)]
pub struct Witness(Arc<Mutex<Vec<Answer>>>);

impl Witness {
    fn heard(&self) -> MutexGuard<'_, Vec<Answer>> {
        // Invariant: answers are only pushed, so a panic elsewhere leaves whole ones.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note(&self, producer: Producer, id: CommandId, sent: Instant, outcome: &Result<Done, SendError>) {
        let said = match outcome {
            Ok(done) => Said::Done { events: done.events.clone(), result: done.result.clone() },
            Err(SendError::Refused(refusal)) => Said::Refused(refusal.code.to_string()),
            Err(SendError::Unknown(why)) => Said::Unknown(why.clone()),
        };
        self.heard().push(Answer { producer, id, sent, answered: Instant::now(), said });
    }

    pub fn answers(&self) -> Vec<Answer> {
        self.heard().clone()
    }

    /// From `since` to the first "done" of a command that was sent after it.
    pub fn first_done_after(&self, since: Instant) -> Option<Duration> {
        let heard = self.heard();
        let done = heard.iter().filter(|a| a.sent >= since && matches!(a.said, Said::Done { .. }));
        done.map(|a| a.answered - since).min()
    }

    /// For how long nothing was committed, as far as anybody heard.
    pub fn quiet_for(&self) -> Duration {
        let heard = self.heard();
        let done = heard.iter().filter(|a| matches!(a.said, Said::Done { .. })).map(|a| a.answered).max();
        done.map_or(Duration::ZERO, |last| last.elapsed())
    }

    /// The longest that a command under way at `since`, or sent later, took to be answered.
    pub fn longest_after(&self, since: Instant) -> Option<Duration> {
        self.heard().iter().filter(|a| a.answered >= since).map(|a| a.answered - a.sent).max()
    }

    /// What was said and is not so: every "done" is in the log, once, at the positions and with the
    /// types it named; the same command got the same answer each time.
    pub fn lies(&self, log: &[Row]) -> Vec<String> {
        let mut in_log: BTreeMap<(&str, &str), Vec<(i64, &str)>> = BTreeMap::new();
        for row in log {
            let of = in_log.entry((row.producer.as_str(), row.command_id.as_str())).or_default();
            of.push((row.position, row.event_type.as_str()));
        }
        let mut lies = Vec::new();
        let mut first: BTreeMap<(&str, String), Vec<EventRef>> = BTreeMap::new();
        let mut told_at: BTreeMap<i64, (&str, String)> = BTreeMap::new();
        for answer in self.heard().iter() {
            let Said::Done { events, .. } = &answer.said else { continue };
            let key = (answer.producer.as_str(), answer.id.to_string());
            let said: Vec<_> = events.iter().map(|e| (e.position.get(), e.r#type.as_str())).collect();
            // Telegram's ids are stored under another name: the one at the position it was told.
            let at = said.first().and_then(|(position, _)| log.get(usize::try_from(position - 1).ok()?));
            let stored_as = at.map_or(key.1.as_str(), |row| row.command_id.as_str());
            let stored = in_log.get(&(key.0, stored_as)).cloned().unwrap_or_default();
            if said != stored {
                lies.push(format!("{} {}: it was told {said:?}, the log has {stored:?}", key.0, key.1));
            }
            for (position, _) in said {
                let owner = told_at.entry(position).or_insert_with(|| key.clone());
                if *owner != key {
                    lies.push(format!("position {position} was told to {owner:?} and to {key:?}"));
                }
            }
            if first.entry(key.clone()).or_insert_with(|| events.clone()) != events {
                lies.push(format!("{} {}: it was told two things", key.0, key.1));
            }
        }
        lies
    }

    /// Everything that was refused or never answered, as "id: what".
    pub fn not_done(&self) -> Vec<String> {
        let heard = self.heard();
        let not_done = heard.iter().filter(|a| !matches!(a.said, Said::Done { .. }));
        not_done.map(|a| format!("{} {}: {:?}", a.producer, a.id, a.said)).collect()
    }
}
