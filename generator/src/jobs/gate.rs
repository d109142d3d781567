//! Whether a job may be claimed at all: a claim is an attempt, and none is spent on what can't be made.
//!
//! Over a minute's quota a job waits where it lies, unseen, so that others come before it. Over the day's quota, and of a model
//! that Google denies us, it is claimed and ends at once, so that the credits go back and the person knows. When Google takes no
//! key, or nobody from here, nothing is claimed, the page says so, and [`probe`] finds out when it is over: a person must act.
//!
//! [`probe`]: Gemini::probe

use std::{sync::Arc, time::Duration};

use service::http::Health;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::gemini::{Gemini, Ready};

/// Whether a key is good again is asked at the keys' own pace; this is only how often somebody looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What stands in the way of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shut {
    /// It opens by itself then.
    Until(Instant),
    /// Nobody knows when.
    Down,
}

#[derive(Clone)]
pub(super) struct Gate(Arc<Gemini>);

impl Gate {
    pub(super) fn new(gemini: Arc<Gemini>) -> Self {
        Self(gemini)
    }

    /// `None`: go ahead.
    pub(super) fn shut(&self, model: &str) -> Option<Shut> {
        match self.0.ready(model) {
            Ready::Ready | Ready::QuotaGone | Ready::Denied => None,
            Ready::RestsUntil(at) => Some(Shut::Until(at)),
            Ready::NoGoodKey => Some(Shut::Down),
        }
    }

    /// Models of which nothing can be made before the time that is given.
    pub(super) fn resting(&self) -> Vec<(String, Instant)> {
        self.0.resting()
    }

    /// Keeps the page and the gauge true and calls a person once each time, until told to stop. `opened` is called when
    /// jobs may be taken again; `report` tells whether they are, until it was heard: also after the start, as whoever was here
    /// before may have died while they were not, but not that they are before Google has taken a key.
    pub(super) async fn watch(
        &self,
        health: &Health,
        closing: &CancellationToken,
        opened: impl Fn(),
        report: impl AsyncFn(bool) -> bool,
    ) {
        let mut up = true;
        let mut reported = None;
        loop {
            health.set("gemini", up);
            metrics::gauge!("generator_breaker_open").set(f64::from(u8::from(!up)));
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = closing.cancelled() => return,
            }
            self.0.probe().await;
            let good = self.0.has_good_key();
            match (up, good) {
                (true, false) => tracing::error!(
                    "Gemini takes none of the keys, or nobody from this place: no jobs are taken until it does (GEMINI_API_KEYS)"
                ),
                (false, true) => {
                    tracing::warn!("Gemini takes a key again: jobs are taken");
                    opened();
                }
                _ => {}
            }
            up = good;
            let known = !up || self.0.is_proven();
            if known && reported != Some(up) && report(up).await {
                reported = Some(up);
            }
        }
    }
}
