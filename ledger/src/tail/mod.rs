//! One reader of the committed log for all that follow it: relay, projections, checkpoints,
//! follow-ups. Each event is read from Postgres once, parsed at most once, and shared.
//!
//! A window of the newest events is kept, bounded by their number and by their bytes. Whoever asks
//! for what comes next is answered from it, or makes it longer by one read of Postgres while the
//! others wait for that read; whoever is further behind than the window reads for itself alone.
//! Cost: one SELECT for each [`READ_MAX`] events, however many follow.
//!
//! Invariant: the window holds only what was read from the log after its commit, without a gap.

mod entry;
mod scan;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proto_events::Position;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::log::{BadRow, COLUMNS, Row};
use crate::store::answered;

pub use entry::Entry;
pub use scan::{Columns, scan};
use window::Window;

/// Events that one SELECT brings: about 2 MB.
pub const READ_MAX: usize = 4_000;
/// So many rows are worth a COPY, which is planned each time.
const COPY_MIN: i64 = 50;
/// A log that has not grown for so long is quiet.
const QUIET: Duration = Duration::from_millis(20);
/// How often to look when nobody says that the log grew.
const LOOK: Duration = Duration::from_millis(200);

/// Shared by all followers of a lead.
#[derive(Clone)]
pub struct Tail(Arc<Shared>);

struct Shared {
    pool: PgPool,
    committed: watch::Receiver<Position>,
    window: Mutex<Window>,
    /// Held by the one who makes the window longer.
    reading: tokio::sync::Mutex<()>,
}

impl Tail {
    /// `committed`: the last committed position, as a wake-up; it may lag behind the log.
    pub fn new(pool: PgPool, committed: watch::Receiver<Position>) -> Self {
        let (window, reading) = (Mutex::new(Window::default()), tokio::sync::Mutex::new(()));
        Self(Arc::new(Shared { pool, committed, window, reading }))
    }

    /// The events after `position`, in order and without a gap, at most `max`; none if there are
    /// none yet.
    ///
    /// # Errors
    /// Postgres does not answer, or the very next row is missing or damaged.
    pub async fn after(&self, position: i64, max: usize) -> Result<Vec<Arc<Entry>>, BadRow> {
        if let Some(found) = self.window().after(position, max) {
            return Ok(found);
        }
        if self.window().is_past(position) {
            return self.read(position, max.min(READ_MAX)).await;
        }
        let _reading = self.0.reading.lock().await;
        // Somebody else may just have read it.
        if let Some(found) = self.window().after(position, max) {
            return Ok(found);
        }
        let mut found = self.read(position, READ_MAX).await?;
        self.window().extend(position, &found);
        found.truncate(max);
        Ok(found)
    }

    /// Returns when the log may have grown beyond `position`, after 200 ms at the latest.
    pub async fn wait_beyond(&self, position: i64) {
        let mut committed = self.0.committed.clone();
        let grown = async {
            if committed.wait_for(|p| p.get() > position).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let _ = tokio::time::timeout(LOOK, grown).await;
    }

    /// Waits so long, or until events wait beyond `position` and no more come: whoever gathers many to write their
    /// rows once gains nothing by waiting longer.
    pub async fn gather(&self, position: i64, time: Duration) {
        let end = Instant::now() + time;
        let mut seen = self.head();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(QUIET)).await;
            let head = self.head();
            if head == seen && head > position {
                return;
            }
            seen = head;
        }
    }

    /// The last position that is known to be committed; the log may be longer.
    pub fn head(&self) -> i64 {
        self.window().end().max(self.0.committed.borrow().get())
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.0.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Many rows come by COPY, for well under half of the work; where that fails, the other way says at which row.
    async fn read(&self, position: i64, max: usize) -> Result<Vec<Arc<Entry>>, BadRow> {
        let through = self.head().min(position.saturating_add(i64::try_from(max).unwrap_or(i64::MAX)));
        if through - position >= COPY_MIN
            && let Ok(entries) = answered(scan(&self.0.pool, Columns::All, position, through)).await
        {
            return Ok(entries.into_iter().map(Arc::new).collect());
        }
        self.fetch(position, max).await
    }

    async fn fetch(&self, position: i64, max: usize) -> Result<Vec<Arc<Entry>>, BadRow> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT $2");
        let asked = sqlx::query(AssertSqlSafe(sql))
            .bind(position)
            .bind(i64::try_from(max).unwrap_or(i64::MAX))
            .fetch_all(&self.0.pool);
        let found = answered(asked).await.map_err(BadRow::from)?;
        unbroken(position, found.iter().map(Row::read))
    }
}

/// The beginning of `rows` that follows `position` without a gap; an error if that is nothing.
fn unbroken(
    position: i64,
    rows: impl Iterator<Item = Result<Row, BadRow>>,
) -> Result<Vec<Arc<Entry>>, BadRow> {
    let mut entries: Vec<Arc<Entry>> = Vec::with_capacity(rows.size_hint().0);
    let mut expected = position + 1;
    for row in rows {
        let wrong = match row {
            Ok(row) if row.position == expected => {
                entries.push(Arc::new(Entry::new(row)));
                expected += 1;
                continue;
            }
            Ok(_) => BadRow::Missing { position: expected },
            Err(error) => error,
        };
        return if entries.is_empty() { Err(wrong) } else { Ok(entries) };
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use entry::tests::row;

    #[test]
    fn what_follows_a_gap_is_not_told() {
        let entries = unbroken(4, [row(5), row(6), row(8)].into_iter().map(Ok)).unwrap();
        assert_eq!(entries.iter().map(|e| e.row.position).collect::<Vec<_>>(), [5, 6]);
        let missing = unbroken(6, [row(8)].into_iter().map(Ok));
        assert!(matches!(missing, Err(BadRow::Missing { position: 7 })));
        assert!(unbroken(6, std::iter::empty()).unwrap().is_empty());
    }
}
