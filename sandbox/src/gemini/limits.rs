//! Google's quotas: so many calls a minute and a day for each key and model. None unless they are set.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::faults::Effect;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// Calls of one key to one model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeminiLimits {
    pub per_minute: Option<u32>,
    pub per_day: Option<u32>,
}

/// When calls were let through, by key and model, oldest first.
#[derive(Default)]
pub(crate) struct Quotas(Mutex<HashMap<(String, String), VecDeque<i64>>>);

impl Quotas {
    /// Counts a call at this moment of a clock that runs so fast, or refuses it.
    pub(crate) fn take(
        &self,
        key: &str,
        model: &str,
        limits: GeminiLimits,
        (now_ms, speed): (i64, f64),
    ) -> Result<(), ApiError> {
        if limits == GeminiLimits::default() {
            return Ok(());
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = all.entry((key.to_owned(), model.to_owned())).or_default();
        while calls.front().is_some_and(|at| now_ms - at >= DAY_MS) {
            calls.pop_front();
        }
        // The oldest of as many as are allowed: when it has gone, there is room.
        let in_the_way = |limit: Option<u32>, window_ms: i64| {
            let limit = usize::try_from(limit?).ok()?;
            let oldest = calls.len().checked_sub(limit).map(|at| calls.get(at).copied().unwrap_or(now_ms))?;
            Some(oldest + window_ms - now_ms).filter(|left_ms| *left_ms > 0)
        };
        if in_the_way(limits.per_day, DAY_MS).is_some() {
            return Err(exceeded("day", None));
        }
        if let Some(left_ms) = in_the_way(limits.per_minute, MINUTE_MS) {
            return Err(exceeded("minute", Some(left_ms as f64 / 1000.0 / speed)));
        }
        calls.push_back(now_ms);
        Ok(())
    }
}

fn exceeded(quota: &str, retry_after: Option<f64>) -> ApiError {
    let effect = Effect { quota: Some(quota.to_owned()), retry_after, ..Effect::default() };
    ApiError::of_effect(&effect, 429)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_minute_and_its_day() {
        let quotas = Quotas::default();
        let limits = GeminiLimits { per_minute: Some(2), per_day: Some(4) };
        let take = |key, at| quotas.take(key, "m", limits, (at, 1.0)).map_err(|error| error.details.len());
        assert_eq!([take("a", 0), take("a", 10_000), take("b", 20_000)], [Ok(()); 3]);
        assert_eq!(take("a", 30_000), Err(2), "with RetryInfo");
        assert_eq!([take("a", 60_000), take("a", 70_000)], [Ok(()); 2], "the oldest has gone");
        assert_eq!(take("a", 200_000), Err(1), "a day's quota names no delay");
        assert_eq!(take("a", DAY_MS), Ok(()));
        assert_eq!(quotas.take("a", "other", limits, (0, 1.0)), Ok(()));
    }

    #[test]
    fn the_delay_is_until_the_oldest_has_gone() {
        let quotas = Quotas::default();
        let limits = GeminiLimits { per_minute: Some(1), per_day: None };
        quotas.take("a", "m", limits, (0, 1.0)).unwrap();
        let error = quotas.take("a", "m", limits, (20_000, 2.0)).unwrap_err();
        assert_eq!((error.code, &error.details[1]["retryDelay"]), (429, &"20s".into()));
        let none = GeminiLimits { per_minute: Some(0), per_day: None };
        assert!(quotas.take("b", "m", none, (0, 1.0)).is_err());
    }
}
