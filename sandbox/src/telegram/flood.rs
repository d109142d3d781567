//! Flood control, by the sandbox's clock: a bucket per chat, one per group and minute, one over all chats.
//! Drafts have buckets of their own beside the chats'. Telegram publishes the rates of messages (FAQ, "My bot
//! is hitting limits") and none of drafts.

use std::{collections::HashMap, sync::PoisonError};

use super::error::ApiError;
use crate::{options::FloodLimits, world::World};

/// Full buckets are forgotten past this many.
const BUCKETS_MAX: usize = 10_000;
const FULL_AFTER_MS: i64 = 120_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    /// A message, an edit, an action.
    Message,
    Draft,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Of {
    Chat(i64),
    Group(i64),
    Drafts(i64),
    All,
}

#[derive(Default)]
pub(crate) struct Flood {
    buckets: HashMap<Of, Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at_ms: i64,
}

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy)]
struct Rate {
    per_second: f64,
    burst: f64,
}

impl Bucket {
    /// Filled up to now.
    fn at(self, now_ms: i64, rate: Rate) -> Self {
        let passed = (now_ms - self.at_ms).max(0) as f64 / 1000.0;
        Self { tokens: (self.tokens + passed * rate.per_second).min(rate.burst), at_ms: now_ms }
    }

    /// The seconds until there is a token, if there is none.
    fn wait(self, rate: Rate) -> Option<u64> {
        let lacking = 1.0 - self.tokens;
        (lacking > 0.0).then(|| ((lacking / rate.per_second.max(0.001)).ceil() as u64).max(1))
    }
}

impl Flood {
    /// Takes a token of every bucket that counts this call, or of none.
    fn spend(&mut self, chat: i64, counted: Counted, now_ms: i64, limits: &FloodLimits) -> Result<(), u64> {
        if limits.off {
            return Ok(());
        }
        if self.buckets.len() > BUCKETS_MAX {
            self.buckets.retain(|_, bucket| now_ms - bucket.at_ms < FULL_AFTER_MS);
        }
        let a_second = |per_second, burst| Rate { per_second, burst };
        let mut counting = vec![(Of::All, a_second(limits.overall_per_second, limits.overall_burst))];
        match counted {
            Counted::Draft => {
                counting.push((Of::Drafts(chat), a_second(limits.drafts_per_second, limits.drafts_burst)));
            }
            Counted::Message => {
                counting.push((Of::Chat(chat), a_second(limits.per_chat_per_second, limits.per_chat_burst)));
                if chat < 0 {
                    let a_minute = limits.per_group_per_minute;
                    counting.push((Of::Group(chat), a_second(a_minute / 60.0, a_minute)));
                }
            }
        }
        let filled = |of: &Of, rate: Rate| {
            let full = Bucket { tokens: rate.burst, at_ms: now_ms };
            self.buckets.get(of).copied().unwrap_or(full).at(now_ms, rate)
        };
        let counting: Vec<(Of, Rate, Bucket)> =
            counting.into_iter().map(|(of, rate)| (of, rate, filled(&of, rate))).collect();
        if let Some(wait) = counting.iter().filter_map(|(_, rate, bucket)| bucket.wait(*rate)).max() {
            return Err(wait);
        }
        for (of, _, bucket) in counting {
            self.buckets.insert(of, Bucket { tokens: bucket.tokens - 1.0, ..bucket });
        }
        Ok(())
    }
}

/// Counts one call to `chat`.
pub(crate) fn spend(world: &World, chat: i64, counted: Counted) -> Result<(), ApiError> {
    let limits = world.read(|state| state.settings.flood);
    let mut flood = world.flood.lock().unwrap_or_else(PoisonError::into_inner);
    flood.spend(chat, counted, world.clock.now_ms(), &limits).map_err(ApiError::flood)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_a_second() {
        let limits = FloodLimits { per_chat_burst: 3.0, ..FloodLimits::default() };
        let mut flood = Flood::default();
        let mut message = |chat, at| flood.spend(chat, Counted::Message, at, &limits);
        for _ in 0..3 {
            assert_eq!(message(1, 0), Ok(()));
        }
        assert_eq!(message(1, 0), Err(1));
        assert_eq!(message(2, 0), Ok(()));
        assert_eq!(message(1, 1000), Ok(()));
        assert_eq!(message(1, 1100), Err(1));
        let mut draft = |at| flood.spend(1, Counted::Draft, at, &limits);
        assert_eq!(draft(1100), Ok(()), "drafts are counted apart");
    }

    #[test]
    fn all_chats_together_are_bounded_too_and_a_refused_call_costs_its_chat_nothing() {
        let limits = FloodLimits { per_chat_burst: 1.0, ..FloodLimits::default() };
        let mut flood = Flood::default();
        let passed = (1..=40).filter(|chat| flood.spend(*chat, Counted::Message, 0, &limits).is_ok()).count();
        assert_eq!(passed, 30);
        assert_eq!(flood.spend(40, Counted::Message, 100, &limits), Ok(()));
    }

    #[test]
    fn a_group_hears_twenty_a_minute() {
        let limits = FloodLimits { per_chat_burst: 100.0, ..FloodLimits::default() };
        let mut flood = Flood::default();
        let passed = (0..30).filter(|_| flood.spend(-5, Counted::Message, 0, &limits).is_ok()).count();
        assert_eq!(passed, 20);
        assert_eq!(flood.spend(-5, Counted::Message, 0, &limits), Err(3));
        let off = FloodLimits { off: true, ..limits };
        assert_eq!(flood.spend(-5, Counted::Message, 0, &off), Ok(()));
    }
}
