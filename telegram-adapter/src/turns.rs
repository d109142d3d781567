//! One thing at a time per account: two tellings to one person, or a telling and an edit of the
//! same status message, must not overtake each other on their way to Telegram.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use proto_events::AccountId;
use tokio::sync::OwnedMutexGuard;

/// Past this many, the locks that nobody holds are forgotten.
const KEPT_MAX: usize = 1024;

#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<HashMap<AccountId, Arc<tokio::sync::Mutex<()>>>>>);

impl Turns {
    pub async fn of(&self, account: AccountId) -> OwnedMutexGuard<()> {
        self.lock(account).lock_owned().await
    }

    /// `None`: it is somebody else's.
    pub fn try_of(&self, account: AccountId) -> Option<OwnedMutexGuard<()>> {
        self.lock(account).try_lock_owned().ok()
    }

    fn lock(&self, account: AccountId) -> Arc<tokio::sync::Mutex<()>> {
        // The map stays whole whatever panics.
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= KEPT_MAX {
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(turns.entry(account).or_default())
    }
}
