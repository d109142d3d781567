//! Even steps for whoever sends to many: a broadcast.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Of Telegram's 30 a second over all chats (FAQ, "My bot is hitting limits"); the rest is for conversations.
pub const BROADCAST_PER_SECOND: u32 = 25;

/// So many a second and no more, over all clones of the handle. It is the process' own: where several
/// instances send at the same time, each is to get its part of the rate.
#[derive(Debug, Clone)]
pub struct Pace {
    step: Duration,
    next: Arc<Mutex<Instant>>,
}

impl Pace {
    pub fn broadcast() -> Self {
        Self::new(BROADCAST_PER_SECOND)
    }

    /// At least one a second.
    pub fn new(per_second: u32) -> Self {
        let step = Duration::from_secs(1) / per_second.max(1);
        Self { step, next: Arc::new(Mutex::new(Instant::now())) }
    }

    /// Waits for the next turn. Time in which nobody asked is not saved up.
    pub async fn turn(&self) {
        let turn = {
            // An instant is whole whatever panics.
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn + self.step;
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_are_a_step_apart_whoever_takes_them() {
        let pace = Pace::new(200);
        let began = Instant::now();
        let takers = (0..4).map(|_| {
            let pace = pace.clone();
            async move {
                for _ in 0..5 {
                    pace.turn().await;
                }
            }
        });
        futures_util::future::join_all(takers).await;
        // 20 turns are 19 steps; never sooner, whatever the machine does.
        assert!(began.elapsed() >= Duration::from_millis(19 * 5));
    }
}
