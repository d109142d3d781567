//! The keys, and which of them may be used for what at this moment.
//!
//! Used turn by turn among those that are free. A quota is of a key and a model and passes by itself, and so is a model that
//! Google denies to a key. A key that Google refuses, and a region it does not serve, stay refused until a probe finds them
//! good again. A probe is free and so proves little: the waits between probes go on growing until a call succeeds.

use std::{
    collections::{BTreeSet, HashMap},
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
/// A model that is denied to a key is a matter for a person. A refusal is free, so it is tried again soon.
const DENIED_REST: Duration = Duration::from_secs(60);
/// The wait between two probes of something that was refused is doubled so often.
const PROBE_DOUBLINGS_MAX: u32 = 5;

/// May a job of a model be taken?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    Ready,
    /// Every good key is over its quota; the first is free again then.
    RestsUntil(Instant),
    /// Every good key is over its day's quota, or is denied the model.
    QuotaGone,
    /// Google denies the model to every good key: a person must look at the catalog or the keys.
    Denied,
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
    /// Google has taken a key since the start, in a call or a probe.
    proven: bool,
}

struct Rest {
    until: Instant,
    why: Why,
    in_row: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Over the minute's quota.
    Minute,
    /// Over the day's quota.
    Day,
    Denied,
}

/// A key, or this place.
#[derive(Clone, Copy)]
struct Refused {
    probe_at: Instant,
    probes: u32,
    /// A probe has found it good, and no call has succeeded since: it is used, and a further refusal waits longer.
    on_trial: bool,
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
        if state.is_blocked() || self.secrets.is_empty() {
            return Vec::new();
        }
        let count = self.secrets.len();
        let free: Vec<usize> = (0..count)
            .map(|at| (state.next + at) % count)
            .filter(|key| !state.is_bad(*key) && state.resting(*key, model, now).is_none())
            .collect();
        if let Some(first) = free.first() {
            state.next = first + 1;
        }
        free
    }

    pub(super) fn ready(&self, model: &str, now: Instant) -> Ready {
        let state = self.state();
        let mut good = (0..self.secrets.len()).filter(|key| !state.is_bad(*key)).peekable();
        if state.is_blocked() || good.peek().is_none() {
            return Ready::NoGoodKey;
        }
        let (mut first, mut denied) = (None, true);
        for key in good {
            let Some(rest) = state.resting(key, model, now) else { return Ready::Ready };
            denied &= rest.why == Why::Denied;
            if rest.why == Why::Minute {
                first = Some(first.map_or(rest.until, |until: Instant| until.min(rest.until)));
            }
        }
        first.map_or(if denied { Ready::Denied } else { Ready::QuotaGone }, Ready::RestsUntil)
    }

    /// Models that none of the keys may be used for, and until when.
    pub(super) fn resting(&self, now: Instant) -> Vec<(String, Instant)> {
        let models: BTreeSet<String> = self.state().rests.keys().map(|(_, model)| model.clone()).collect();
        let until = |model: String| match self.ready(&model, now) {
            Ready::RestsUntil(until) => Some((model, until)),
            Ready::Ready | Ready::QuotaGone | Ready::Denied | Ready::NoGoodKey => None,
        };
        models.into_iter().filter_map(until).collect()
    }

    /// What is wrong when no key is good.
    pub(super) fn trouble(&self) -> Trouble {
        if self.state().is_blocked() { Trouble::RegionBlocked } else { Trouble::KeyInvalid }
    }

    /// Google named so long, or nothing.
    pub(super) fn over_quota(&self, key: usize, model: &str, after: Option<Duration>, now: Instant) {
        let mut state = self.state();
        let rest = state.rests.entry((key, model.to_owned())).or_insert(Rest {
            until: now,
            why: Why::Minute,
            in_row: 0,
        });
        // Calls that were under way together are refused together.
        if rest.until <= now {
            rest.in_row += 1;
        }
        let doubled = REST_FIRST * (1 << (rest.in_row.clamp(1, 8) - 1));
        let wait = doubled.min(REST_MAX).max(after.unwrap_or_default());
        *rest = Rest { until: now + wait, why: Why::Minute, in_row: rest.in_row };
    }

    pub(super) fn over_days_quota(&self, key: usize, model: &str, now: Instant) {
        let rest = Rest { until: now + DAY_REST, why: Why::Day, in_row: 0 };
        self.state().rests.insert((key, model.to_owned()), rest);
    }

    /// Google does not let this key use this model; of others that says nothing.
    pub(super) fn denied(&self, key: usize, model: &str, now: Instant) {
        let rest = Rest { until: now + DENIED_REST, why: Why::Denied, in_row: 0 };
        self.state().rests.insert((key, model.to_owned()), rest);
    }

    pub(super) fn refused(&self, key: usize, now: Instant) {
        let mut state = self.state();
        let refused = self.refused_again(state.bad.get(&key).copied(), now);
        state.bad.insert(key, refused);
    }

    pub(super) fn blocked(&self, now: Instant) {
        let mut state = self.state();
        state.blocked = Some(self.refused_again(state.blocked, now));
    }

    /// Calls that were under way together are refused together: once it is refused nothing changes.
    fn refused_again(&self, before: Option<Refused>, now: Instant) -> Refused {
        match before {
            Some(refused) if !refused.on_trial => refused,
            before => {
                let probes = before.map_or(0, |refused| refused.probes);
                Refused { probe_at: now + self.until_probe(probes), probes, on_trial: false }
            }
        }
    }

    fn until_probe(&self, probes: u32) -> Duration {
        self.probe_after * (1 << probes.min(PROBE_DOUBLINGS_MAX))
    }

    /// A call with this key has succeeded: the next refusal is the first in a row.
    pub(super) fn answered(&self, key: usize, model: &str, now: Instant) {
        let mut state = self.state();
        state.proven = true;
        state.rests.retain(|of, rest| rest.until > now || *of != (key, model.to_owned()));
        state.bad.retain(|of, refused| *of != key || !refused.on_trial);
        state.blocked = state.blocked.filter(|refused| !refused.on_trial);
    }

    /// Keys to be probed now: bad ones, and any if this place is blocked.
    pub(super) fn to_probe(&self, now: Instant) -> Vec<usize> {
        let mut state = self.state();
        let mut due: Vec<usize> =
            state.bad.iter().filter(|(_, bad)| bad.is_due(now)).map(|(key, _)| *key).collect();
        if state.blocked.is_some_and(|blocked| blocked.is_due(now)) {
            let any = (0..self.secrets.len()).find(|key| !state.is_bad(*key)).unwrap_or(0);
            due.push(any);
        }
        due.sort_unstable();
        due.dedup();
        let State { bad, blocked, .. } = &mut *state;
        for refused in bad.values_mut().chain(blocked).filter(|refused| refused.is_due(now)) {
            refused.probes += 1;
            refused.probe_at = now + self.until_probe(refused.probes);
        }
        due
    }

    /// A probe says that Google takes this key, and so serves this place. Whether it does so for calls these will show.
    pub(super) fn good(&self, key: usize) {
        let mut state = self.state();
        state.proven = true;
        let State { bad, blocked, .. } = &mut *state;
        bad.get_mut(&key).into_iter().chain(blocked).for_each(|refused| refused.on_trial = true);
    }

    pub(super) fn is_proven(&self) -> bool {
        self.state().proven
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refused {
    fn is_due(&self, now: Instant) -> bool {
        !self.on_trial && self.probe_at <= now
    }
}

impl State {
    fn is_bad(&self, key: usize) -> bool {
        self.bad.get(&key).is_some_and(|refused| !refused.on_trial)
    }

    fn is_blocked(&self) -> bool {
        self.blocked.is_some_and(|refused| !refused.on_trial)
    }

    fn resting(&self, key: usize, model: &str, now: Instant) -> Option<&Rest> {
        self.rests.get(&(key, model.to_owned())).filter(|rest| rest.until > now)
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
