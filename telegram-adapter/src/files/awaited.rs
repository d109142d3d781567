//! Who waits for which file. Equal questions are one download, and one that nobody waits for is none.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_nats::Subject;
use proto_events::commands::FileId;
use proto_events::media::FETCH_PATIENCE;

/// More files than Telegram serves while somebody waits; who asks for another asks again.
const FILES_MAX: usize = 1_000;

/// Where to answer, and until when that is heard.
struct Asker {
    reply: Subject,
    until: Instant,
}

#[derive(Default)]
pub(super) struct Awaited(Mutex<HashMap<FileId, Vec<Asker>>>);

impl Awaited {
    /// Whether the file is to be brought: nobody else has asked for it.
    pub(super) fn hear(&self, file_id: &FileId, reply: Subject, now: Instant) -> bool {
        let mut files = self.files();
        let known = files.contains_key(file_id);
        if !known && files.len() >= FILES_MAX {
            tracing::warn!("too many files are asked for at once; a question is left");
            return false;
        }
        let askers = files.entry(file_id.clone()).or_default();
        askers.retain(|asker| asker.until > now);
        askers.push(Asker { reply, until: now + FETCH_PATIENCE });
        !known
    }

    /// Does anybody still wait for it? If not, whoever asks from here on asks anew.
    pub(super) fn is_awaited(&self, file_id: &FileId, now: Instant) -> bool {
        let mut files = self.files();
        let awaited = files.get(file_id).is_some_and(|askers| askers.iter().any(|asker| asker.until > now));
        if !awaited {
            files.remove(file_id);
        }
        awaited
    }

    /// Whom to answer. Whoever asks from here on asks anew.
    pub(super) fn take(&self, file_id: &FileId) -> Vec<Subject> {
        let askers = self.files().remove(file_id).unwrap_or_default();
        askers.into_iter().map(|asker| asker.reply).collect()
    }

    fn files(&self) -> MutexGuard<'_, HashMap<FileId, Vec<Asker>>> {
        // The map stays whole whatever panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> FileId {
        FileId::new(n.to_string()).unwrap()
    }

    #[test]
    fn equal_questions_are_one_file_and_all_are_answered() {
        let (awaited, now) = (Awaited::default(), Instant::now());
        assert!(awaited.hear(&id(1), "a".into(), now));
        assert!(!awaited.hear(&id(1), "b".into(), now));
        assert!(awaited.hear(&id(2), "c".into(), now));
        assert_eq!(awaited.take(&id(1)), ["a".into(), "b".into()]);
        assert!(awaited.hear(&id(1), "d".into(), now), "asked anew");
    }

    #[test]
    fn nobody_waits_longer_than_his_patience() {
        let (awaited, now) = (Awaited::default(), Instant::now());
        awaited.hear(&id(1), "a".into(), now);
        assert!(awaited.is_awaited(&id(1), now));
        let later = now + FETCH_PATIENCE;
        assert!(!awaited.hear(&id(1), "a again".into(), later), "it is on its way still");
        assert!(awaited.is_awaited(&id(1), later));
        let much_later = later + FETCH_PATIENCE;
        assert!(!awaited.is_awaited(&id(1), much_later));
        assert!(awaited.hear(&id(1), "b".into(), much_later), "asked anew");
        assert_eq!(awaited.take(&id(1)), ["b".into()]);
    }

    #[test]
    fn only_so_many_files_are_awaited() {
        let (awaited, now) = (Awaited::default(), Instant::now());
        assert!((0..FILES_MAX).all(|n| awaited.hear(&id(n), "a".into(), now)));
        assert!(!awaited.hear(&id(FILES_MAX), "b".into(), now));
        assert!(!awaited.is_awaited(&id(FILES_MAX), now));
    }
}
