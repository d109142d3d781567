//! The one writer of the log.
//!
//! Phases of a batch: take what waits (fair, bounded) → look up what it needs → decide it in memory on
//! top of the batches in flight → fly: append and commit once (`flight`) → land: reply. Cost when little
//! waits: one round trip. When much waits, two batches fly: one is inserted while the other commits.
//! Why one writer: commit order is position order, so tailing, hashing and replay are exact.
//!
//! Invariant: no reply leaves before the newest batch whose state it saw has passed the fence: its own,
//! the last one in flight, or, when none flies, a look at the head after it was decided.
//! Invariant: a batch that fails leaves no trace in memory, nor do those decided on top of it.

mod accounts;
mod clock;
mod digest;
mod draft;
mod filter;
mod fingerprint;
mod flight;
mod fresh;
mod known;
mod offline;
mod queue;
mod reply;
mod side_rows;

pub use clock::{Clock, Times};
pub use draft::refused;
pub use known::{KEY_CLAIMED, KEY_PAYMENT, KEY_QUARANTINED, KEY_REFUNDED, KEY_SETTLED, KEY_WELCOME};
pub use offline::{Offline, Written};
pub use queue::{Came, Full, Queue, ReplyTo, Request, Waiting};

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use ledger_domain::{evolve_catalog, evolve_operations};
use proto_events::{AccountId, Position, Refused, Reply};
use sqlx::PgPool;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::log::BadRow;
use crate::store::{self, AppendError, Head, Outgrown, Writer, answered};
use accounts::Accounts;
use draft::{Draft, Drafted, Streams};
use fingerprint::Fingerprints;
use flight::{Failed, Flight, Group, Plan, Tip};
use fresh::Fresh;
use known::Known;

/// Commands in one append: past this a batch's latency grows faster than its rate.
const BATCH_MAX: usize = 512;
/// Batches on their way at once, each on a connection of its own: one commits, one is inserted.
const FLIGHTS_MAX: usize = 2;
/// Batches without events that wait for one flight: a slow one must not gather all that is refused meanwhile.
const RIDERS_MAX: usize = 8;
/// So many commands must wait before a second batch flies; for fewer the overlap costs more than it gains.
pub const DEEP: usize = 64;
/// What a producer is told to wait when nothing was done.
const RETRY_MS: u32 = 300;

#[derive(Debug, thiserror::Error)]
pub enum Lost {
    #[error("another leader has taken the log over")]
    Fenced,
    #[error("the outcome of a commit could not be found out")]
    Doubt,
    #[error("the log holds what this version can't read")]
    Log(#[from] BadRow),
    #[error(transparent)]
    Outgrown(#[from] Outgrown),
}

/// What a sequencer stands on.
pub struct Ground {
    /// For look-ups of a batch, and for what must not wait for readers.
    pub pool: PgPool,
    /// For what is read to reply.
    pub readers: PgPool,
    pub head: Head,
    /// Of the lead; raised when a doubt is resolved.
    pub epoch: Arc<AtomicI64>,
    pub clock: Arc<Mutex<Clock>>,
    /// So many commands must wait before a second batch flies.
    pub overlap_from: usize,
}

pub struct Sequencer {
    pool: PgPool,
    readers: PgPool,
    writers: Vec<Writer>,
    overlap_from: usize,
    /// As the batches in flight leave the log.
    tip: Tip,
    epoch: Arc<AtomicI64>,
    incarnation: i64,
    clock: Arc<Mutex<Clock>>,
    accounts: Accounts,
    streams: Streams,
    fingerprints: Fingerprints,
    fresh: Fresh,
    /// Oldest first.
    flights: VecDeque<Flight>,
    /// To be decided again, each alone in the air: after a batch that failed.
    again: VecDeque<Vec<Waiting>>,
    committed: watch::Sender<Position>,
}

impl Sequencer {
    /// Starts where the log ends.
    ///
    /// # Errors
    /// The streams of nobody can't be read.
    pub async fn start(ground: Ground, committed: watch::Sender<Position>) -> Result<Self, BadRow> {
        let Ground { pool, readers, head, epoch, clock, overlap_from } = ground;
        let now = clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner).now();
        store::extend_leases(&pool, now).await?;
        let streams = read_streams(&pool).await?;
        let fingerprints = Fingerprints::new(store::service_key(&pool, fingerprint::KEY).await?);
        let sequencer = Self {
            writers: (0..FLIGHTS_MAX).map(|_| Writer::new(pool.clone())).collect(),
            fresh: Fresh::start(readers.clone(), head.position),
            pool,
            readers,
            overlap_from,
            tip: Tip { position: head.position, hash: head.hash, recorded_at: head.recorded_at },
            epoch,
            incarnation: head.incarnation,
            clock,
            accounts: Accounts::default(),
            streams,
            fingerprints,
            flights: VecDeque::new(),
            again: VecDeque::new(),
            committed,
        };
        sequencer.announce(head.position);
        Ok(sequencer)
    }

    /// Works until told to stop or until someone else leads.
    ///
    /// # Errors
    /// See [`Lost`]: the leader steps down.
    pub async fn run(mut self, queue: &Queue, stop: CancellationToken) -> Result<(), Lost> {
        let outcome = self.work(queue, &stop).await;
        // What was committed of these, if anything, the successor's first answer tells.
        let unknown =
            Reply::Failed { message: "the ledger stopped leading; the outcome is in the log".to_owned() };
        let flying = std::mem::take(&mut self.flights).into_iter().flat_map(|f| {
            f.task.abort();
            std::iter::once(f.group).chain(f.riders).flat_map(|g| g.waiting)
        });
        for (_, to) in flying.chain(std::mem::take(&mut self.again).into_iter().flatten()) {
            to.send(&unknown).await;
        }
        for writer in self.writers {
            writer.close().await;
        }
        outcome
    }

    async fn work(&mut self, queue: &Queue, stop: &CancellationToken) -> Result<(), Lost> {
        loop {
            let stopping = stop.is_cancelled();
            if self.flights.is_empty() {
                if stopping {
                    return Ok(());
                }
                if let Some(waiting) = self.again.pop_front() {
                    self.launch(waiting).await?;
                    continue;
                }
            }
            let full = self.flights.back().is_some_and(|last| last.riders.len() >= RIDERS_MAX);
            let room = !stopping && self.again.is_empty() && self.flights.len() < FLIGHTS_MAX && !full;
            let min = if self.flights.is_empty() { 1 } else { self.overlap_from };
            tokio::select! {
                biased;
                landed = landing(&mut self.flights) => self.land(landed).await?,
                waiting = queue.take(min, BATCH_MAX), if room => self.launch(waiting).await?,
                () = stop.cancelled(), if !stopping => {}
            }
        }
    }

    /// Decides what waits, and sends it on its way.
    async fn launch(&mut self, waiting: Vec<Waiting>) -> Result<(), Lost> {
        metrics::histogram!("ledger_batch_commands").record(waiting.len() as f64);
        let ahead: Vec<Arc<Drafted>> = self.flights.iter().map(|f| Arc::clone(&f.drafted)).collect();
        let requests: Vec<&Request> = waiting.iter().map(|(request, _)| request).collect();
        let (fresh, fingerprints) = (&self.fresh, self.fingerprints);
        let gathered =
            Known::gather(&self.pool, &requests, &mut self.accounts, &ahead, fresh, fingerprints).await;
        let known = match gathered {
            Ok(known) => known,
            Err(BadRow::Column(error)) => {
                if let Err(lost) = self.still_knows(&error).await {
                    self.again.push_front(waiting);
                    return Err(lost);
                }
                tracing::warn!(%error, "Postgres did not answer; nothing was done");
                busy(waiting).await;
                return Ok(());
            }
            Err(error) => {
                self.find_unreadable(waiting, &error).await;
                return Ok(());
            }
        };
        let (before, times) = (self.tip, self.times());
        let mut draft =
            Draft::new(&mut self.accounts, &mut self.streams, &known, &ahead, before.position, times)
                .for_people(self.fingerprints);
        let outcomes = requests.iter().enumerate().map(|(index, r)| draft.decide(index, r)).collect();
        let (drafted, hash) = draft.done(before.hash);
        self.fresh.note(&drafted, &ahead, before.position);
        fail::fail_point!("ledger.batch.decided");
        let group = Group { waiting, outcomes };
        match (drafted.rows.last(), self.flights.back_mut()) {
            (None, Some(last)) if !last.drafted.rows.is_empty() => last.riders.push(group),
            // Not with one that only looks at the head: it may have looked before this was decided.
            (None, _) => self.take_off(drafted, group, before),
            (Some(row), _) => {
                let after = Tip { position: row.position, hash, recorded_at: times.now };
                self.take_off(drafted, group, after);
            }
        }
        Ok(())
    }

    fn take_off(&mut self, drafted: Drafted, group: Group, after: Tip) {
        let drafted = Arc::new(drafted);
        let (arrived, arrival) = oneshot::channel();
        let plan = Plan {
            pool: self.pool.clone(),
            // Invariant: no more fly than there are writers; a new one is only opened when it is used.
            writer: self.writers.pop().unwrap_or_else(|| Writer::new(self.pool.clone())),
            prev_position: self.tip.position,
            epoch: Arc::clone(&self.epoch),
            drafted: Arc::clone(&drafted),
            before: self.flights.back_mut().and_then(|last| last.arrival.take()),
            arrived,
        };
        let before = std::mem::replace(&mut self.tip, after);
        let task = tokio::spawn(plan.fly());
        let (arrival, behind) = (Some(arrival), !self.flights.is_empty());
        let riders = Vec::new();
        self.flights.push_back(Flight { drafted, group, riders, before, after, behind, task, arrival });
    }

    /// The oldest flight is in the log, or has failed with those behind it.
    async fn land(&mut self, (writer, outcome): (Writer, Result<(), Failed>)) -> Result<(), Lost> {
        self.writers.push(writer);
        let Some(flight) = self.flights.pop_front() else { return Ok(()) };
        match outcome {
            Ok(()) => {
                metrics::counter!("ledger_events_total").increment(flight.drafted.rows.len() as u64);
                self.announce(flight.after.position);
                self.reply(flight);
                Ok(())
            }
            Err(Failed::Append(AppendError::Rejected { constraint, source })) => {
                let behind = flight.behind;
                let mut groups = self.fall(flight).await;
                if behind {
                    // Only alone in the air it shows whether the database refuses it.
                    self.again.extend(groups);
                    return Ok(());
                }
                let rejected = groups.remove(0);
                self.again.extend(groups);
                self.find_refused(rejected, constraint.as_deref(), &source).await
            }
            Err(Failed::Append(AppendError::Fenced)) => self.lose(flight, Lost::Fenced),
            Err(Failed::Append(AppendError::InDoubt(_)) | Failed::Doubt) => self.lose(flight, Lost::Doubt),
            Err(failed) => {
                tracing::warn!(?failed, "the append failed before its commit; nothing was done");
                if let Failed::Append(AppendError::NotCommitted(error)) = &failed
                    && let Err(lost) = self.still_knows(error).await
                {
                    return self.lose(flight, lost);
                }
                for waiting in self.fall(flight).await {
                    busy(waiting).await;
                }
                Ok(())
            }
        }
    }

    /// Takes a failed flight and those behind it back; their commands, the failed flight's first.
    async fn fall(&mut self, failed: Flight) -> Vec<Vec<Waiting>> {
        self.tip = failed.before;
        let mut flights = vec![failed];
        for mut flight in std::mem::take(&mut self.flights) {
            // It hears that the one before did not arrive, and undoes its inserts.
            match (&mut flight.task).await {
                Ok((writer, _)) => self.writers.push(writer),
                Err(error) => tracing::error!(%error, "a flight's task failed"),
            }
            flights.push(flight);
        }
        for flight in flights.iter().rev() {
            flight.drafted.forget(&mut self.accounts, &mut self.streams);
        }
        let groups = flights.into_iter().flat_map(|f| std::iter::once(f.group).chain(f.riders));
        groups.map(|group| group.waiting).collect()
    }

    /// Keeps the flight's commands with those that are told that the lead is over.
    fn lose(&mut self, flight: Flight, lost: Lost) -> Result<(), Lost> {
        self.again.extend(std::iter::once(flight.group).chain(flight.riders).map(|group| group.waiting));
        Err(lost)
    }

    /// Answers on a task of its own.
    fn reply(&self, flight: Flight) {
        let lease_ms = self.streams.catalog.published.as_ref().map_or(0, |p| p.catalog.limits.lease_ms);
        let replier = reply::Replier { pool: self.readers.clone(), incarnation: self.incarnation, lease_ms };
        tokio::spawn(async move {
            let rows = &flight.drafted.rows;
            let mut later = Vec::with_capacity(1 + flight.riders.len());
            for group in std::iter::once(flight.group).chain(flight.riders) {
                later.push(replier.at_once(group, rows).await);
            }
            for later in later {
                replier.with_jobs(later, rows).await;
            }
            fail::fail_point!("ledger.reply.sent");
        });
    }

    /// The log's time is never below the tip's.
    fn times(&self) -> Times {
        let times = self.clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner).times();
        Times { now: times.now.max(self.tip.recorded_at), ..times }
    }

    fn announce(&self, position: i64) {
        self.committed.send_replace(Position::new(position).unwrap_or_default());
    }

    /// Is the head of the log as this leader left it? `false`: Postgres did not say.
    async fn still_leads(&self) -> Result<bool, Lost> {
        match answered(store::head(&self.pool)).await {
            Ok(head)
                if head.epoch != self.epoch.load(Ordering::SeqCst) || head.position != self.tip.position =>
            {
                Err(Lost::Fenced)
            }
            Ok(_) => Ok(true),
            Err(error) => {
                tracing::warn!(%error, "Postgres did not answer; nothing was done");
                Ok(false)
            }
        }
    }

    /// An error that comes of tables that a newer version has migrated would come again with every batch: the lead is
    /// that one's.
    async fn still_knows(&self, error: &sqlx::Error) -> Result<(), Lost> {
        if !store::may_be_outgrown(error) {
            return Ok(());
        }
        match answered(store::outgrown(&self.pool)).await {
            Ok(Some(outgrown)) => Err(outgrown.into()),
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "whether a newer version has migrated the database is not known");
                Ok(())
            }
        }
    }

    /// An account whose events this version can't read is answered alone; the others go on.
    async fn find_unreadable(&mut self, mut waiting: Vec<Waiting>, error: &BadRow) {
        if waiting.len() > 1 {
            return self.halve(waiting);
        }
        if let Some((request, to)) = waiting.pop() {
            let message = error.in_full();
            tracing::error!(command = %request.id, verb = request.command.verb(), error = message,
                "this command's account can't be read");
            to.send(&Reply::Failed { message }).await;
        }
    }

    /// Both halves go before whatever else is to be decided again.
    fn halve(&mut self, mut waiting: Vec<Waiting>) {
        let second = waiting.split_off(waiting.len() / 2);
        self.again.push_front(second);
        self.again.push_front(waiting);
    }

    async fn find_refused(
        &mut self,
        mut waiting: Vec<Waiting>,
        constraint: Option<&str>,
        error: &sqlx::Error,
    ) -> Result<(), Lost> {
        // A leader that was replaced collides with what its successor wrote: no reason to refuse.
        let still_leads = match self.still_knows(error).await {
            Ok(()) => self.still_leads().await,
            Err(lost) => Err(lost),
        };
        match still_leads {
            Ok(true) => {}
            Ok(false) => {
                busy(waiting).await;
                return Ok(());
            }
            Err(lost) => {
                self.again.push_front(waiting);
                return Err(lost);
            }
        }
        if waiting.len() > 1 {
            self.halve(waiting);
        } else if let Some((request, to)) = waiting.pop() {
            tracing::error!(command = %request.id, verb = request.command.verb(), constraint, %error,
                "the database refuses this command alone");
            to.send(&Reply::Refused { refusal: refusal_of(constraint) }).await;
        }
        Ok(())
    }
}

/// The streams that are nobody's, as the log has them.
async fn read_streams(pool: &PgPool) -> Result<Streams, BadRow> {
    let nobodys = [AccountId::CATALOG, AccountId::OPERATIONS];
    let mut rows = store::events_of_accounts(pool, &nobodys, 0).await?;
    let mut streams = Streams::default();
    for row in rows.remove(&AccountId::CATALOG).unwrap_or_default() {
        streams.catalog = evolve_catalog(streams.catalog, &row.event()?);
    }
    for row in rows.remove(&AccountId::OPERATIONS).unwrap_or_default() {
        streams.operations = evolve_operations(streams.operations, &row.event()?);
    }
    Ok(streams)
}

/// The oldest flight's end; never, if none flies.
async fn landing(flights: &mut VecDeque<Flight>) -> (Writer, Result<(), Failed>) {
    match flights.front_mut() {
        None => std::future::pending().await,
        Some(flight) => match (&mut flight.task).await {
            Ok(landed) => landed,
            // A bug of ours: what it did is unknown, and the lead ends.
            Err(error) => std::panic::panic_any(error.to_string()),
        },
    }
}

async fn busy(waiting: Vec<Waiting>) {
    for (_, to) in waiting {
        to.send(&Reply::Busy { retry_after_ms: RETRY_MS }).await;
    }
}

fn refusal_of(constraint: Option<&str>) -> Refused {
    match constraint {
        Some("natural_keys_once") => {
            refused("provider_id_taken", "this provider's payment belongs to another top-up")
        }
        Some("telegram_identities_once") => refused("account_exists", "this person has an account"),
        // Deleted since it was looked at.
        Some("text_pictures_bytes") => refused("picture_unknown", "this picture is not kept any more"),
        _ => refused("rejected_by_database", "the database refuses this command; the log says why"),
    }
}
