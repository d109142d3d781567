//! What a person has been called to: once is enough, though proofs are repeated for days.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use proto_events::events::ProviderId;

/// Cases that people have; beyond it all are forgotten, and called again.
const TOLD_MAX: usize = 10_000;

/// Of this process.
#[derive(Debug, Default)]
pub struct Told(Mutex<HashSet<(ProviderId, String)>>);

impl Told {
    /// Whether nobody has been called to this, in these words, before.
    pub(super) fn is_news(&self, id: &ProviderId, word: &str) -> bool {
        // It stays whole whatever panics.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= TOLD_MAX {
            told.clear();
        }
        told.insert((id.clone(), word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_called_once_and_again_when_the_words_are_others() {
        let told = Told::default();
        let id = |n: usize| ProviderId::new(format!("refund-{n}")).unwrap();
        assert!(told.is_news(&id(0), "quarantined"));
        assert!(!told.is_news(&id(0), "quarantined"));
        assert!(told.is_news(&id(0), "refused"));
        assert!(told.is_news(&id(1), "quarantined"));
        for n in 0..2 * TOLD_MAX {
            told.is_news(&id(n), "quarantined");
        }
        assert!(told.0.lock().unwrap().len() <= TOLD_MAX);
    }
}
