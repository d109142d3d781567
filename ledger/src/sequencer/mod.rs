//! The one writer of the log.
//!
//! Phases of a batch: take what waits (fair, bounded) → look up what it needs → decide it in
//! memory on speculative state → append and commit once → make the state the committed one →
//! reply. Cost: one look-up and five round trips a batch, whatever its size.
//! Why one writer: commit order is position order, so tailing, hashing and replay are exact.
//!
//! Invariant: no reply leaves before the fence was checked after the state it saw: an accepted
//! command's by its commit, any other's by reading the head again.
//! Invariant: an append that failed leaves no trace in memory.

mod accounts;
mod clock;
mod digest;
mod draft;
mod known;
mod queue;
mod reply;
mod side_rows;

pub use accounts::Loaded;
pub use clock::Clock;
pub use draft::refused;
pub use queue::{Full, Queue, Request, Waiting};

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ledger_domain::{CatalogStream, evolve_catalog};
use proto_events::{AccountId, Position, Refused, Reply};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::log::{BadRow, Hash};
use crate::store::{self, AppendError, Batch, Head, answered};
use accounts::Accounts;
use draft::{Draft, Outcome};
use known::Known;

/// Commands in one append: past this a batch's latency grows faster than its rate.
const BATCH_MAX: usize = 512;
/// A commit in doubt is asked about for this long before the leader steps down.
const DOUBT_TRIES: u32 = 50;
const DOUBT_PAUSE: Duration = Duration::from_millis(200);
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
}

/// The sequencer's way out of a batch: replies in the order of the requests.
type Replies = Result<Vec<Reply>, Lost>;

pub struct Sequencer {
    pool: PgPool,
    position: i64,
    hash: Hash,
    recorded_at: i64,
    epoch: i64,
    incarnation: i64,
    clock: Arc<Mutex<Clock>>,
    accounts: Accounts,
    catalog: CatalogStream,
    committed: watch::Sender<Position>,
}

impl Sequencer {
    /// Starts where the log ends.
    ///
    /// # Errors
    /// The catalog's stream can't be read.
    pub async fn start(
        pool: PgPool,
        head: Head,
        clock: Arc<Mutex<Clock>>,
        committed: watch::Sender<Position>,
    ) -> Result<Self, BadRow> {
        store::extend_leases(&pool).await?;
        let stored = store::load_accounts(&pool, &[AccountId::CATALOG]).await?;
        let mut catalog = CatalogStream::default();
        for row in stored.values().flat_map(|s| &s.rows) {
            catalog = evolve_catalog(catalog, &row.event()?);
        }
        let sequencer = Self {
            pool,
            position: head.position,
            hash: head.hash,
            recorded_at: head.recorded_at,
            epoch: head.epoch,
            incarnation: head.incarnation,
            clock,
            accounts: Accounts::default(),
            catalog,
            committed,
        };
        sequencer.announce();
        Ok(sequencer)
    }

    /// Works until told to stop or until someone else leads.
    ///
    /// # Errors
    /// See [`Lost`]: the leader steps down.
    pub async fn run(mut self, queue: &Queue, stop: CancellationToken) -> Result<(), Lost> {
        loop {
            let batch = tokio::select! {
                batch = queue.take(BATCH_MAX) => batch,
                () = stop.cancelled() => return Ok(()),
            };
            let (requests, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            metrics::histogram!("ledger_batch_commands").record(requests.len() as f64);
            let replies = match self.process(&requests).await {
                Ok(replies) => replies,
                Err(lost) => {
                    // Not answered: what was committed, if anything, the successor's first answer tells.
                    drop(senders);
                    return Err(lost);
                }
            };
            for (sender, reply) in senders.into_iter().zip(replies) {
                // The requester may have gone; its retry gets the same answer.
                let _ = sender.send(reply);
            }
            fail::fail_point!("ledger.reply.sent");
        }
    }

    /// Decides, appends and answers; a batch that the database refuses is halved until the row is found.
    fn process<'a>(
        &'a mut self,
        requests: &'a [Request],
    ) -> Pin<Box<dyn Future<Output = Replies> + Send + 'a>> {
        Box::pin(async move {
            let known = match Known::gather(&self.pool, requests, &mut self.accounts).await {
                Ok(known) => known,
                Err(BadRow::Column(error)) => {
                    tracing::warn!(%error, "Postgres did not answer; nothing was done");
                    return Ok(busy(requests.len()));
                }
                Err(error) => return self.find_unreadable(requests, &error).await,
            };
            let now = self.now();
            let mut draft = Draft::new(&mut self.accounts, &self.catalog, &known, self.position, now);
            let outcomes: Vec<Outcome> =
                requests.iter().enumerate().map(|(index, request)| draft.decide(index, request)).collect();
            fail::fail_point!("ledger.batch.decided");
            if draft.rows.is_empty() {
                drop(draft);
                return self.answer_unchanged(outcomes).await;
            }
            let hash = draft.chain(self.hash);
            let batch = Batch {
                prev_position: self.position,
                epoch: self.epoch,
                rows: &draft.rows,
                keys: &draft.keys,
                side: &draft.side,
            };
            match append(&self.pool, &batch).await {
                Ok(()) => {}
                Err(AppendError::Rejected { constraint, source }) => {
                    drop(draft);
                    return self.find_refused(requests, constraint.as_deref(), &source).await;
                }
                Err(AppendError::NotCommitted(error)) => {
                    tracing::warn!(error = %error, "the append failed before its commit; nothing was done");
                    return Ok(busy(requests.len()));
                }
                Err(AppendError::Fenced) => return Err(Lost::Fenced),
                Err(AppendError::InDoubt(_)) => return Err(Lost::Doubt),
            }
            let (rows, last_at) = (std::mem::take(&mut draft.rows), now);
            draft.commit(&mut self.catalog);
            self.position += i64::try_from(rows.len()).unwrap_or(0);
            (self.hash, self.recorded_at) = (hash, last_at);
            metrics::counter!("ledger_events_total").increment(rows.len() as u64);
            self.announce();
            Ok(reply::all(&self.pool, outcomes, &rows, self.incarnation, &self.catalog).await)
        })
    }

    /// Postgres' time, never below the head's.
    fn now(&self) -> i64 {
        let clock = self.clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        clock.now().max(self.recorded_at)
    }

    fn announce(&self) {
        self.committed.send_replace(Position::new(self.position).unwrap_or_default());
    }

    /// Refusals and repeats only: they are true if nobody else has led since the state they saw.
    async fn answer_unchanged(&mut self, outcomes: Vec<Outcome>) -> Replies {
        match self.still_leads().await? {
            true => Ok(reply::all(&self.pool, outcomes, &[], self.incarnation, &self.catalog).await),
            false => Ok(busy(outcomes.len())),
        }
    }

    /// Is the head of the log as this leader left it? `false`: Postgres did not say.
    async fn still_leads(&self) -> Result<bool, Lost> {
        match answered(store::head(&self.pool)).await {
            Ok(head) if head.epoch != self.epoch || head.position != self.position => Err(Lost::Fenced),
            Ok(_) => Ok(true),
            Err(error) => {
                tracing::warn!(%error, "Postgres did not answer; nothing was done");
                Ok(false)
            }
        }
    }

    /// An account whose events this version can't read is answered alone; the others go on.
    async fn find_unreadable(&mut self, requests: &[Request], error: &BadRow) -> Replies {
        if let [request] = requests {
            tracing::error!(command = %request.id, verb = request.command.verb(), %error,
                "this command's account can't be read");
            return Ok(vec![Reply::Failed { message: error.to_string() }]);
        }
        self.halve(requests).await
    }

    async fn halve(&mut self, requests: &[Request]) -> Replies {
        let (first, second) = requests.split_at(requests.len() / 2);
        let mut replies = self.process(first).await?;
        replies.extend(self.process(second).await?);
        Ok(replies)
    }

    async fn find_refused(
        &mut self,
        requests: &[Request],
        constraint: Option<&str>,
        error: &sqlx::Error,
    ) -> Replies {
        // A leader that was replaced collides with what its successor wrote: no reason to refuse.
        if !self.still_leads().await? {
            return Ok(busy(requests.len()));
        }
        if let [request] = requests {
            tracing::error!(command = %request.id, verb = request.command.verb(), constraint, %error,
                "the database refuses this command alone");
            return Ok(vec![Reply::Refused { refusal: refusal_of(constraint) }]);
        }
        self.halve(requests).await
    }
}

/// Appends; a commit in doubt is looked up, never guessed.
async fn append(pool: &PgPool, batch: &Batch<'_>) -> Result<(), AppendError> {
    let error = match store::append(pool, batch).await {
        Err(AppendError::InDoubt(error)) => error,
        outcome => return outcome,
    };
    tracing::warn!(%error, "a commit's outcome is in doubt; asking the head of the log");
    let Some(last) = batch.rows.last() else { return Err(AppendError::InDoubt(error)) };
    for _ in 0..DOUBT_TRIES {
        match answered(store::was_committed(pool, batch.epoch, batch.prev_position, last)).await {
            Ok(Some(true)) => return Ok(()),
            Ok(Some(false)) => return Err(AppendError::NotCommitted(error)),
            Ok(None) => return Err(AppendError::Fenced),
            Err(_) => tokio::time::sleep(DOUBT_PAUSE).await,
        }
    }
    Err(AppendError::InDoubt(error))
}

fn busy(count: usize) -> Vec<Reply> {
    vec![Reply::Busy { retry_after_ms: RETRY_MS }; count]
}

fn refusal_of(constraint: Option<&str>) -> Refused {
    match constraint {
        Some("natural_keys_once") => {
            refused("provider_id_taken", "this provider's payment belongs to another top-up")
        }
        Some("telegram_identities_once") => refused("account_exists", "this person has an account"),
        _ => refused("rejected_by_database", "the database refuses this command; the log says why"),
    }
}
