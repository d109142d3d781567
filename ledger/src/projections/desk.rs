//! How far a rebuild is, for whoever waits for it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// How one rebuild is getting on.
#[derive(Debug)]
pub struct Desk {
    pub name: &'static str,
    done: AtomicI64,
    target: AtomicI64,
    stage: Mutex<&'static str>,
    begun: Instant,
}

/// As it is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Progress {
    pub name: &'static str,
    pub stage: &'static str,
    pub done: i64,
    pub target: i64,
    /// Events/s.
    pub rate: i64,
    pub left_s: Option<i64>,
}

impl Desk {
    pub(super) fn new(name: &'static str) -> Self {
        let (done, target) = (AtomicI64::new(0), AtomicI64::new(0));
        Self { name, done, target, stage: Mutex::new("waiting"), begun: Instant::now() }
    }

    pub(super) fn enter(&self, stage: &'static str) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    pub(super) fn aim(&self, target: i64) {
        self.target.store(target, Ordering::Relaxed);
    }

    pub(super) fn reach(&self, position: i64) {
        self.done.store(position, Ordering::Relaxed);
    }

    pub fn progress(&self) -> Progress {
        let (done, target) = (self.done.load(Ordering::Relaxed), self.target.load(Ordering::Relaxed));
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        let rate = (done as f64 / seconds) as i64;
        let left_s = (rate > 0).then(|| (target - done).max(0) / rate);
        let stage = *self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        Progress { name: self.name, stage, done, target, rate, left_s }
    }
}
