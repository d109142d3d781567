//! The keys, and which of them may be used for what at this moment.
//!
//! Used turn by turn among those that are free. A quota is of a key and a model and passes by itself; a key that
//! Google refuses, and a region it does not serve, stay refused until a probe finds them good again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use proto_events::events::Trouble;
use secrecy::SecretString;
use tokio::time::Instant;

/// When Google names no time, or a shorter one: quotas are per minute. Doubled with each refusal in a row.
const REST_FIRST: Duration = Duration::from_secs(5);
const REST_MAX: Duration = Duration::from_secs(60);
/// A day's quota renews at midnight Pacific time; asking hourly finds that soon enough.
const DAY_REST: Duration = Duration::from_secs(3600);
/// The wait between two probes of something that was refused is doubled so often.
const PROBE_DOUBLINGS_MAX: u32 = 5;

/// May a job of a model be taken?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    Ready,
    /// Every good key is over its quota; the first is free again then.
    RestsUntil(Instant),
    /// Every good key is over its day's quota.
    QuotaGone,
    /// Google takes none of the keys, or nobody from here: a person must act.
    NoGoodKey,
}

pub(super) struct Keys {
    secrets: Vec<SecretString>,
    /// Before the first probe.
    probe_after: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whose turn it is.
    next: usize,
    /// By key and model. Models are the catalog's, a few.
    rests: HashMap<(usize, String), Rest>,
    /// By key.
    bad: HashMap<usize, Refused>,
    blocked: Option<Refused>,
}

struct Rest {
    until: Instant,
    day: bool,
    in_row: u32,
}

/// A key, or this place.
#[derive(Clone, Copy)]
struct Refused {
    probe_at: Instant,
    probes: u32,
}

impl Keys {
    pub(super) fn new(secrets: Vec<SecretString>, probe_after: Duration) -> Self {
        Self { secrets, probe_after, state: Mutex::default() }
    }

    /// By its number, from 0.
    pub(super) fn secret(&self, key: usize) -> Option<&SecretString> {
        self.secrets.get(key)
    }

    /// Those that may be used for this model now, each once, beginning with whose turn it is.
    pub(super) fn free(&self, model: &str, now: Instant) -> Vec<usize> {
        let mut state = self.state();
        if state.blocked.is_some() || self.secrets.is_empty() {
            return Vec::new();
        }
        let count = self.secrets.len();
        let free: Vec<usize> = (0..count)
            .map(|at| (state.next + at) % count)
            .filter(|key| !state.bad.contains_key(key) && state.resting(*key, model, now).is_none())
            .collect();
        if let Some(first) = free.first() {
            state.next = first + 1;
        }
        free
    }

    pub(super) fn ready(&self, model: &str, now: Instant) -> Ready {
        let state = self.state();
        let mut good = (0..self.secrets.len()).filter(|key| !state.bad.contains_key(key)).peekable();
        if state.blocked.is_some() || good.peek().is_none() {
            return Ready::NoGoodKey;
        }
        let mut first = None;
        for key in good {
            match state.resting(key, model, now) {
                None => return Ready::Ready,
                Some(rest) if rest.day => {}
                Some(rest) => first = Some(first.map_or(rest.until, |until: Instant| until.min(rest.until))),
            }
        }
        first.map_or(Ready::QuotaGone, Ready::RestsUntil)
    }

    /// What is wrong when no key is good.
    pub(super) fn trouble(&self) -> Trouble {
        if self.state().blocked.is_some() { Trouble::RegionBlocked } else { Trouble::KeyInvalid }
    }

    /// Google named so long, or nothing.
    pub(super) fn over_quota(&self, key: usize, model: &str, after: Option<Duration>, now: Instant) {
        let mut state = self.state();
        let rest =
            state.rests.entry((key, model.to_owned())).or_insert(Rest { until: now, day: false, in_row: 0 });
        // Calls that were under way together are refused together.
        if rest.until <= now {
            rest.in_row += 1;
        }
        let doubled = REST_FIRST * (1 << (rest.in_row.clamp(1, 8) - 1));
        let wait = doubled.min(REST_MAX).max(after.unwrap_or_default());
        *rest = Rest { until: now + wait, day: false, in_row: rest.in_row };
    }

    pub(super) fn over_days_quota(&self, key: usize, model: &str, now: Instant) {
        let rest = Rest { until: now + DAY_REST, day: true, in_row: 0 };
        self.state().rests.insert((key, model.to_owned()), rest);
    }

    pub(super) fn refused(&self, key: usize, now: Instant) {
        self.state().bad.entry(key).or_insert(Refused { probe_at: now + self.probe_after, probes: 0 });
    }

    pub(super) fn blocked(&self, now: Instant) {
        self.state().blocked.get_or_insert(Refused { probe_at: now + self.probe_after, probes: 0 });
    }

    /// Google has answered with this key: the next refusal is the first in a row.
    pub(super) fn answered(&self, key: usize, model: &str, now: Instant) {
        self.state().rests.retain(|of, rest| rest.until > now || *of != (key, model.to_owned()));
    }

    /// Keys to be probed now: bad ones, and any if this place is blocked.
    pub(super) fn to_probe(&self, now: Instant) -> Vec<usize> {
        let mut state = self.state();
        let mut due: Vec<usize> =
            state.bad.iter().filter(|(_, bad)| bad.probe_at <= now).map(|(key, _)| *key).collect();
        if state.blocked.is_some_and(|blocked| blocked.probe_at <= now) {
            let any = (0..self.secrets.len()).find(|key| !state.bad.contains_key(key)).unwrap_or(0);
            due.push(any);
        }
        due.sort_unstable();
        due.dedup();
        let State { bad, blocked, .. } = &mut *state;
        for refused in bad.values_mut().chain(blocked).filter(|refused| refused.probe_at <= now) {
            refused.probes += 1;
            refused.probe_at = now + self.probe_after * (1 << refused.probes.min(PROBE_DOUBLINGS_MAX));
        }
        due
    }

    /// Google takes this key, and so serves this place.
    pub(super) fn good(&self, key: usize) {
        let mut state = self.state();
        state.bad.remove(&key);
        state.blocked = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn resting(&self, key: usize, model: &str, now: Instant) -> Option<&Rest> {
        self.rests.get(&(key, model.to_owned())).filter(|rest| rest.until > now)
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
