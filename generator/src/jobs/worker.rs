//! Who claims a job.

use std::sync::atomic::{AtomicU64, Ordering};

use proto_events::Text;

/// This process, and the number of a claim of its own.
///
/// Invariant: no two claims bear the same name. The ledger answers a command that is sent again with
/// its first answer, so a claim under an old name would look granted, also after the job was closed or
/// has gone on to its next attempt.
pub struct Worker {
    process: String,
    claims: AtomicU64,
}

impl Default for Worker {
    /// New for each start, so that a claim of a former life is another's.
    fn default() -> Self {
        let drawn = uuid::Uuid::new_v4().simple().to_string();
        Self { process: format!("w-{}", &drawn[..16]), claims: AtomicU64::new(0) }
    }
}

impl Worker {
    pub fn process(&self) -> &str {
        &self.process
    }

    /// At most 39 characters.
    pub(super) fn claims(&self) -> Text<64> {
        let number = self.claims.fetch_add(1, Ordering::Relaxed) + 1;
        Text::lossy(&format!("{}-{number}", self.process))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_claims_bear_the_same_name() {
        let (one, other) = (Worker::default(), Worker::default());
        let names = [one.claims(), one.claims(), other.claims(), other.claims()];
        let different: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(different.len(), 4);
        assert!(names[0].starts_with(one.process()) && names[0].ends_with("-1"));
        assert!("claim:".len() + 51 + 1 + 4 + 1 + 39 <= proto_events::CommandId::LEN_MAX);
    }
}
