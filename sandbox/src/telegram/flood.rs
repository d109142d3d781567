//! Flood control: a bucket per chat, one over all chats, by the sandbox's clock.

use std::{collections::HashMap, sync::PoisonError};

use super::error::ApiError;
use crate::{options::FloodLimits, world::World};

/// Full buckets are forgotten past this many chats.
const CHATS_MAX: usize = 10_000;

#[derive(Default)]
pub(crate) struct Flood {
    chats: HashMap<i64, Bucket>,
    overall: Option<Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at_ms: i64,
}

impl Bucket {
    /// Takes one token, or answers with the seconds until there is one.
    fn take(&mut self, now_ms: i64, per_second: f64, burst: f64) -> Result<(), u64> {
        let passed = (now_ms - self.at_ms).max(0) as f64 / 1000.0;
        self.tokens = (self.tokens + passed * per_second).min(burst);
        self.at_ms = now_ms;
        if self.tokens < 1.0 {
            let wait = (1.0 - self.tokens) / per_second.max(0.001);
            return Err((wait.ceil() as u64).max(1));
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

impl Flood {
    fn spend(&mut self, chat: Option<i64>, now_ms: i64, limits: &FloodLimits) -> Result<(), u64> {
        if self.chats.len() > CHATS_MAX {
            self.chats.retain(|_, bucket| (now_ms - bucket.at_ms) < 60_000);
        }
        if let Some(chat) = chat {
            let bucket =
                self.chats.entry(chat).or_insert(Bucket { tokens: limits.per_chat_burst, at_ms: now_ms });
            bucket.take(now_ms, limits.per_chat_per_second, limits.per_chat_burst)?;
        }
        let overall = self.overall.get_or_insert(Bucket { tokens: limits.overall_burst, at_ms: now_ms });
        overall.take(now_ms, limits.overall_per_second, limits.overall_burst)
    }
}

/// Counts one call to `chat`; drafts count over all chats only (`None`).
pub(crate) fn spend(world: &World, chat: Option<i64>) -> Result<(), ApiError> {
    let limits = world.read(|state| state.settings.flood);
    let mut flood = world.flood.lock().unwrap_or_else(PoisonError::into_inner);
    flood.spend(chat, world.clock.now_ms(), &limits).map_err(ApiError::flood)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_a_second() {
        let limits = FloodLimits { per_chat_burst: 3.0, ..FloodLimits::default() };
        let mut flood = Flood::default();
        for _ in 0..3 {
            assert_eq!(flood.spend(Some(1), 0, &limits), Ok(()));
        }
        assert_eq!(flood.spend(Some(1), 0, &limits), Err(1));
        assert_eq!(flood.spend(Some(2), 0, &limits), Ok(()));
        assert_eq!(flood.spend(Some(1), 1000, &limits), Ok(()));
        assert_eq!(flood.spend(Some(1), 1100, &limits), Err(1));
    }

    #[test]
    fn all_chats_together_are_bounded_too() {
        let limits = FloodLimits::default();
        let mut flood = Flood::default();
        let passed = (0..40).filter(|chat| flood.spend(Some(*chat), 0, &limits).is_ok()).count();
        assert_eq!(passed, 30);
    }
}
