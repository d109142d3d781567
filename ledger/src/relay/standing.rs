//! The relay's metrics, true also while it stands still or waits for an answer that does not come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use crate::tail::Tail;

const TELL: Duration = Duration::from_millis(250);

/// Before the first place is found, nothing is known of the stream.
const UNKNOWN: i64 = -1;

/// Shared by the relay and by what tells of it.
#[derive(Debug, Clone)]
pub(super) struct Standing(Arc<State>);

#[derive(Debug)]
struct State {
    /// The last position that the stream is known to hold.
    taken: AtomicI64,
    stands: AtomicBool,
}

impl Default for Standing {
    fn default() -> Self {
        Self(Arc::new(State { taken: AtomicI64::new(UNKNOWN), stands: AtomicBool::new(true) }))
    }
}

impl Standing {
    pub(super) fn goes(&self, taken: i64) {
        self.0.taken.store(taken, Relaxed);
        self.0.stands.store(false, Relaxed);
    }

    /// Something is wrong: nothing is published at the moment.
    pub(super) fn stands(&self) {
        self.0.stands.store(true, Relaxed);
    }

    /// Events that are committed and not known to be in the stream.
    fn lag(&self, head: i64) -> i64 {
        match self.0.taken.load(Relaxed) {
            UNKNOWN => head,
            taken => (head - taken).max(0),
        }
    }

    /// Until it is dropped; then this ledger relays nothing, and says so.
    pub(super) async fn tell(&self, tail: &Tail) {
        let _ended = Ended;
        loop {
            metrics::gauge!("ledger_relay_lag").set(self.lag(tail.head()) as f64);
            metrics::gauge!("ledger_relay_stands").set(f64::from(u8::from(self.0.stands.load(Relaxed))));
            tokio::time::sleep(TELL).await;
        }
    }
}

struct Ended;

impl Drop for Ended {
    fn drop(&mut self) {
        metrics::gauge!("ledger_relay_lag").set(0.0);
        metrics::gauge!("ledger_relay_stands").set(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_grows_while_the_relay_stands_still() {
        let standing = Standing::default();
        assert_eq!(standing.lag(7), 7, "nothing is known to be published");
        standing.goes(5);
        standing.stands();
        assert_eq!((standing.lag(5), standing.lag(9), standing.lag(4)), (0, 4, 0));
    }
}
