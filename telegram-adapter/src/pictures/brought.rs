//! Which pictures Telegram has, by digest: one message at a time brings one up, and what failed is let be for some minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proto_events::commands::FileId;
use tokio::time::Instant;

/// Until what failed is tried again.
const FAILED_FOR: Duration = Duration::from_secs(300);
/// Some for each text that may have one, and for those that they had before.
const KNOWN_MAX: usize = 200;
/// At once: the bytes of each are in memory, 5 MB at most.
const BRINGING_MAX: usize = 4;

#[derive(Debug, Clone)]
enum Known {
    Brought(FileId),
    /// By another message; its bytes are in memory.
    Bringing,
    Failed {
        until: Instant,
    },
}

#[derive(Clone, Default)]
pub(super) struct Brought(Arc<Mutex<HashMap<String, Known>>>);

/// What is to be done for a message with a picture.
pub(super) enum Turn {
    ById(FileId),
    Bring(Bringing),
    /// The words go alone: another message is bringing it up.
    Wait,
    /// The words go alone: it failed a short while ago.
    LetBe,
}

impl Brought {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn turn(&self, sha256: &str) -> Turn {
        let mut all = self.lock();
        match all.get(sha256).cloned() {
            Some(Known::Brought(id)) => return Turn::ById(id),
            Some(Known::Bringing) => return Turn::Wait,
            Some(Known::Failed { until }) if Instant::now() < until => return Turn::LetBe,
            Some(Known::Failed { .. }) => {}
            None => {}
        }
        if all.values().filter(|known| matches!(known, Known::Bringing)).count() >= BRINGING_MAX {
            return Turn::Wait;
        }
        if all.len() >= KNOWN_MAX {
            forget_one(&mut all);
        }
        all.insert(sha256.to_owned(), Known::Bringing);
        Turn::Bring(Bringing { all: self.clone(), sha256: sha256.to_owned(), end: End::Failed })
    }

    /// Telegram does not know it under this id any more.
    pub(super) fn forget(&self, sha256: &str, id: &FileId) {
        let mut all = self.lock();
        if matches!(all.get(sha256), Some(Known::Brought(known)) if known == id) {
            all.remove(sha256);
        }
    }
}

/// What is not being brought up; what failed long ago first.
fn forget_one(all: &mut HashMap<String, Known>) {
    let over = |known: &Known| matches!(known, Known::Failed { until } if *until <= Instant::now());
    let one = all.iter().find(|(_, known)| over(known));
    let one = one.or_else(|| all.iter().find(|(_, known)| !matches!(known, Known::Bringing)));
    if let Some(sha256) = one.map(|(sha256, _)| sha256.clone()) {
        all.remove(&sha256);
    }
}

enum End {
    Brought(FileId),
    /// Not for the picture's sake: the next message tries it.
    Free,
    Failed,
}

/// The turn to bring a picture up. Dropped without a word, also by a panic, it has failed.
pub(super) struct Bringing {
    all: Brought,
    sha256: String,
    end: End,
}

impl Bringing {
    pub(super) fn has(mut self, id: FileId) {
        self.end = End::Brought(id);
    }

    pub(super) fn gives_up_the_turn(mut self) {
        self.end = End::Free;
    }
}

impl Drop for Bringing {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        let sha256 = std::mem::take(&mut self.sha256);
        match std::mem::replace(&mut self.end, End::Failed) {
            End::Brought(id) => drop(all.insert(sha256, Known::Brought(id))),
            End::Free => drop(all.remove(&sha256)),
            End::Failed => drop(all.insert(sha256, Known::Failed { until: Instant::now() + FAILED_FOR })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> FileId {
        FileId::new(text).unwrap()
    }

    fn bring(brought: &Brought, sha256: &str) -> Bringing {
        match brought.turn(sha256) {
            Turn::Bring(bringing) => bringing,
            _ => panic!("it is nobody's turn to bring {sha256}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_message_brings_a_picture_and_others_are_not_kept_waiting() {
        let brought = Brought::default();
        let first = bring(&brought, "a");
        assert!(matches!(brought.turn("a"), Turn::Wait));
        bring(&brought, "b").has(id("b1"));
        assert!(matches!(brought.turn("b"), Turn::ById(known) if known == id("b1")));
        first.has(id("a1"));
        assert!(matches!(brought.turn("a"), Turn::ById(known) if known == id("a1")));
        // An older id that was refused late takes nothing away from a newer one.
        brought.forget("a", &id("a0"));
        assert!(matches!(brought.turn("a"), Turn::ById(_)));
        brought.forget("a", &id("a1"));
        drop(bring(&brought, "a"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_let_be_for_some_minutes() {
        let brought = Brought::default();
        drop(bring(&brought, "a"));
        assert!(matches!(brought.turn("a"), Turn::LetBe));
        bring(&brought, "b").gives_up_the_turn();
        bring(&brought, "b").gives_up_the_turn();
        tokio::time::advance(FAILED_FOR - Duration::from_secs(1)).await;
        assert!(matches!(brought.turn("a"), Turn::LetBe));
        tokio::time::advance(Duration::from_secs(1)).await;
        bring(&brought, "a").has(id("a1"));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_remembered_than_is_of_use() {
        let brought = Brought::default();
        for n in 0..KNOWN_MAX {
            bring(&brought, &n.to_string()).has(id("known"));
        }
        drop(bring(&brought, "new"));
        let all = brought.lock();
        assert!(all.len() == KNOWN_MAX && all.contains_key("new"));
    }

    #[tokio::test(start_paused = true)]
    async fn few_are_brought_at_once_and_those_that_are_there_go_by_their_id() {
        let brought = Brought::default();
        bring(&brought, "there").has(id("there"));
        let mut held: Vec<Bringing> = (0..BRINGING_MAX).map(|n| bring(&brought, &n.to_string())).collect();
        assert!(matches!(brought.turn("one more"), Turn::Wait));
        assert!(matches!(brought.turn("there"), Turn::ById(_)));
        held.pop();
        drop(bring(&brought, "one more"));
    }
}
