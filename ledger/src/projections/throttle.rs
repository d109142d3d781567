//! How fast a rebuild may read, so that those who live from the log hardly notice.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;

use super::build::CHUNK;

/// How often to look whether the log is busy.
const LOOK: Duration = Duration::from_secs(1);
/// A log that grows faster is busy, events/s.
const BUSY: f64 = 100.0;
/// For each moment of reading on a busy log, so many of rest: what is read is folded and written meanwhile.
const REST: u32 = 10;

pub(super) struct Throttle {
    pool: PgPool,
    /// Events/s.
    max_rate: Option<u32>,
    begun: Instant,
    sent: u64,
    /// The head of the log when last looked.
    seen: Option<(Instant, i64)>,
    busy: bool,
    worked_since: Instant,
}

impl Throttle {
    pub(super) fn new(pool: PgPool, max_rate: Option<u32>) -> Self {
        let now = Instant::now();
        Self { pool, max_rate, begun: now, sent: 0, seen: None, busy: false, worked_since: now }
    }

    /// Events to read at once: a quarter of a second's at a rate that was asked for.
    pub(super) fn chunk(max_rate: Option<u32>) -> i64 {
        max_rate.map_or(CHUNK, |rate| (i64::from(rate) / 4).clamp(1, CHUNK))
    }

    /// Waits as long as it should after so many events.
    pub(super) async fn sent(&mut self, events: usize) {
        self.sent += events as u64;
        match self.max_rate {
            Some(rate) => {
                let due = Duration::from_secs_f64(self.sent as f64 / f64::from(rate.max(1)));
                tokio::time::sleep_until(self.begun + due).await;
            }
            None => {
                self.look().await;
                if self.busy {
                    tokio::time::sleep(REST * self.worked_since.elapsed()).await;
                }
            }
        }
        self.worked_since = Instant::now();
    }

    async fn look(&mut self) {
        if self.seen.is_some_and(|(at, _)| at.elapsed() < LOOK) {
            return;
        }
        let asked = sqlx::query_scalar("SELECT position FROM log_head").fetch_one(&self.pool).await;
        let Ok(head): Result<i64, _> = asked else { return };
        if let Some((at, before)) = self.seen {
            self.busy = (head - before) as f64 / at.elapsed().as_secs_f64() > BUSY;
        }
        self.seen = Some((Instant::now(), head));
    }
}
