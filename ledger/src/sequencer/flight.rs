//! A batch on its way into the log, on a connection and a task of its own.
//!
//! At most two fly: while one commits, the next one's rows are inserted on the other connection. It
//! finishes only after the one before has committed, under the epoch that one left; if that one fails,
//! it takes its inserts back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::draft::{Drafted, Outcome};
use super::queue::Waiting;
use crate::log::Hash;
use crate::store::{self, AppendError, Batch, Resolved, Writer, answered};

/// A commit in doubt is asked about for this long before the leader steps down.
const DOUBT_TRIES: u32 = 50;
const DOUBT_PAUSE: Duration = Duration::from_millis(200);

/// The end of the log, as it is or as the batches in flight leave it.
#[derive(Debug, Clone, Copy)]
pub struct Tip {
    pub position: i64,
    pub hash: Hash,
    /// µs.
    pub recorded_at: i64,
}

/// Commands with what was decided of them, whose replies wait for a flight.
#[derive(Debug)]
pub struct Group {
    pub waiting: Vec<Waiting>,
    pub outcomes: Vec<Outcome>,
}

#[derive(Debug)]
pub struct Flight {
    pub drafted: Arc<Drafted>,
    pub group: Group,
    /// Without events of their own: they saw the state that this flight leaves.
    pub riders: Vec<Group>,
    pub before: Tip,
    pub after: Tip,
    /// Another one was under way when it set out: its inserts may have met rows that one was about to delete.
    pub behind: bool,
    pub task: JoinHandle<(Writer, Result<(), Failed>)>,
    /// Told when this flight is in the log.
    pub arrival: Option<oneshot::Receiver<()>>,
}

#[derive(Debug)]
pub enum Failed {
    Append(AppendError),
    /// The flight before did not arrive: nothing was written.
    Before,
    /// The outcome could not be found out.
    Doubt,
}

/// What a flight's task owns.
pub struct Plan {
    pub pool: PgPool,
    pub writer: Writer,
    pub prev_position: i64,
    /// The leader's epoch; raised when a doubt is resolved.
    pub epoch: Arc<AtomicI64>,
    pub drafted: Arc<Drafted>,
    /// The flight before, if it is still under way.
    pub before: Option<oneshot::Receiver<()>>,
    pub arrived: oneshot::Sender<()>,
}

impl Plan {
    /// Flies; answers with the connection for the next one.
    pub async fn fly(self) -> (Writer, Result<(), Failed>) {
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::REPLY_BEFORE_COMMIT) {
            return self.arrive_first();
        }
        self.go().await
    }

    /// Tells that it has arrived, and flies then.
    #[cfg(feature = "planted-bugs")]
    fn arrive_first(self) -> (Writer, Result<(), Failed>) {
        let next = Writer::new(self.pool.clone());
        tokio::spawn(async move {
            tokio::time::sleep(crate::planted::IN_THE_AIR).await;
            let (writer, _) = self.go().await;
            writer.close().await;
        });
        (next, Ok(()))
    }

    async fn go(mut self) -> (Writer, Result<(), Failed>) {
        let outcome = match self.before.take() {
            before if self.drafted.rows.is_empty() => self.check(before).await,
            None => self.alone().await,
            Some(before) => self.after(before).await,
        };
        if outcome.is_ok() {
            // The flight behind may be none.
            let _ = self.arrived.send(());
        }
        (self.writer, outcome)
    }

    async fn alone(&mut self) -> Result<(), Failed> {
        let batch = batch(&self.drafted, self.prev_position, &self.epoch);
        let appended = self.writer.append(&batch).await;
        settle(&self.pool, &batch, &self.epoch, appended).await
    }

    /// Refusals and repeats only: they are true if nobody else has led since the state they saw.
    async fn check(&self, before: Option<oneshot::Receiver<()>>) -> Result<(), Failed> {
        if let Some(before) = before
            && before.await.is_err()
        {
            return Err(Failed::Before);
        }
        let head = answered(store::head(&self.pool)).await;
        let head = head.map_err(|error| Failed::Append(AppendError::NotCommitted(error)))?;
        let ours = head.position == self.prev_position && head.epoch == self.epoch.load(Ordering::SeqCst);
        if ours { Ok(()) } else { Err(Failed::Append(AppendError::Fenced)) }
    }

    async fn after(&mut self, before: oneshot::Receiver<()>) -> Result<(), Failed> {
        let batch_before = batch(&self.drafted, self.prev_position, &self.epoch);
        let inserted = self.writer.insert(&batch_before).await;
        if before.await.is_err() {
            self.writer.undo().await;
            return Err(Failed::Before);
        }
        inserted.map_err(Failed::Append)?;
        fail::fail_point!("ledger.append.overlapped");
        // The flight before may have raised the epoch.
        let batch = batch(&self.drafted, self.prev_position, &self.epoch);
        let finished = self.writer.finish(&batch).await;
        settle(&self.pool, &batch, &self.epoch, finished).await
    }
}

fn batch<'a>(drafted: &'a Drafted, prev_position: i64, epoch: &AtomicI64) -> Batch<'a> {
    Batch {
        prev_position,
        epoch: epoch.load(Ordering::SeqCst),
        rows: &drafted.rows,
        keys: &drafted.keys,
        side: &drafted.side,
    }
}

/// A commit in doubt is found out, never guessed.
async fn settle(
    pool: &PgPool,
    batch: &Batch<'_>,
    epoch: &AtomicI64,
    appended: Result<(), AppendError>,
) -> Result<(), Failed> {
    let error = match appended {
        Err(AppendError::InDoubt(error)) => error,
        outcome => return outcome.map_err(Failed::Append),
    };
    tracing::warn!(%error, "a commit's outcome is in doubt; asking the head of the log");
    for _ in 0..DOUBT_TRIES {
        match answered(store::resolve(pool, batch)).await {
            Ok(Resolved::Committed { epoch: raised }) => {
                epoch.store(raised, Ordering::SeqCst);
                return Ok(());
            }
            Ok(Resolved::Absent { epoch: raised }) => {
                epoch.store(raised, Ordering::SeqCst);
                return Err(Failed::Append(AppendError::NotCommitted(error)));
            }
            Ok(Resolved::Fenced) => return Err(Failed::Append(AppendError::Fenced)),
            Err(_) => tokio::time::sleep(DOUBT_PAUSE).await,
        }
    }
    Err(Failed::Doubt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_batch_without_events_looks_at_the_head_only_when_the_one_before_has_arrived() {
        // Takes connections and never says a word.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        silent.set_nonblocking(true).unwrap();
        let url = format!("postgres://nobody@127.0.0.1:{}/nothing", silent.local_addr().unwrap().port());
        let pool = PgPool::connect_lazy(&url).unwrap();
        let (arrive, before) = oneshot::channel();
        let plan = Plan {
            writer: Writer::new(pool.clone()),
            pool,
            prev_position: 1,
            epoch: Arc::default(),
            drafted: Arc::default(),
            before: Some(before),
            arrived: oneshot::channel().0,
        };
        let flight = tokio::spawn(plan.fly());
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(silent.accept().is_err(), "it looked while the one before could still fail");
        arrive.send(()).unwrap();
        let looked = async {
            while silent.accept().is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), looked).await.expect("it never looked");
        flight.abort();
    }
}
