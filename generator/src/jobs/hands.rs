//! What this process is at: so many jobs at once, each once, each of which can be told to stop.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use proto_events::GenerationId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
pub(super) struct Hands {
    slots: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<GenerationId, CancellationToken>>>,
}

impl Hands {
    pub(super) fn new(concurrency: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(concurrency)), taken: Arc::default() }
    }

    /// `None`: all slots are taken, or this process is at it already.
    pub(super) fn take(&self, generation: GenerationId) -> Option<InHand> {
        let slot = self.slots.clone().try_acquire_owned().ok()?;
        let mut taken = self.taken();
        if taken.contains_key(&generation) {
            return None;
        }
        let unwanted = CancellationToken::new();
        taken.insert(generation, unwanted.clone());
        Some(InHand { generation, unwanted, hands: self.clone(), _slot: slot })
    }

    /// Nobody wants it any more. Nothing happens when we are not at it.
    pub(super) fn cancel(&self, generation: GenerationId) {
        if let Some(unwanted) = self.taken().get(&generation) {
            unwanted.cancel();
        }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<GenerationId, CancellationToken>> {
        // The map stays whole whatever panics.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job in hand; given back when it is dropped.
pub(super) struct InHand {
    pub(super) generation: GenerationId,
    /// Cancelled when nobody wants it any more.
    pub(super) unwanted: CancellationToken,
    hands: Hands,
    _slot: OwnedSemaphorePermit,
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.hands.taken().remove(&self.generation);
    }
}

#[cfg(test)]
mod tests {
    use proto_events::{AccountId, CommandId, Producer};

    use super::*;

    fn job(n: u8) -> GenerationId {
        let command = CommandId::new(format!("msg:1:2:{n}")).unwrap();
        GenerationId::derive(AccountId::CATALOG, Producer::Telegram, &command)
    }

    #[test]
    fn each_job_is_taken_once_and_no_more_than_there_are_slots() {
        let hands = Hands::new(2);
        let first = hands.take(job(1)).unwrap();
        assert!(hands.take(job(1)).is_none(), "in hand already");
        assert_eq!(hands.slots.available_permits(), 1, "a slot that was not used is free");
        let second = hands.take(job(2)).unwrap();
        assert!(hands.take(job(3)).is_none(), "no slot");
        drop(first);
        assert!(hands.take(job(1)).is_some());
        drop(second);
        assert_eq!(hands.slots.available_permits(), 2);
    }

    #[test]
    fn a_cancellation_reaches_the_job_in_hand_only() {
        let hands = Hands::new(2);
        let (one, other) = (hands.take(job(1)).unwrap(), hands.take(job(2)).unwrap());
        hands.cancel(job(1));
        hands.cancel(job(3));
        assert!(one.unwanted.is_cancelled() && !other.unwanted.is_cancelled());
        drop(one);
        assert!(!hands.take(job(1)).unwrap().unwanted.is_cancelled(), "taken anew, wanted anew");
    }
}
