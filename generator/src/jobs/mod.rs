//! The desk where jobs come in: from the event stream (fast) and from a sweep of the ledger (sure).
//!
//! A job is taken when a slot is free, at most once in this process ([`Desk::take`]), and then worked
//! on in a task of its own ([`work`]). Between workers the ledger's claims decide. Nothing of a job is
//! kept here: a process that dies leaves a lease that ends and a job that the sweep shows again.

mod lease;
mod pace;
mod say;
mod work;
mod worker;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use proto_events::{Attempt, Event, GenerationId, PublishedEvent, queries};
use service::{consumer::Verdict, http::Health, ledger::Ledger};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::worker::Worker;
use crate::{gemini::Gemini, prices::Prices, shelf::Shelf};

/// How often the ledger is asked for open jobs: how long a job may lie when the stream is silent.
const SWEEP_EVERY: Duration = Duration::from_secs(2);
/// Jobs in one sweep: enough to fill the slots, also when some are taken by others meanwhile.
const SWEEP_LEN_MAX: u16 = 64;

/// What working on a job needs.
pub struct Tools {
    pub ledger: Ledger,
    pub gemini: Gemini,
    pub shelf: Shelf,
    pub prices: Prices,
    pub worker: Worker,
}

#[derive(Clone)]
pub struct Desk {
    tools: Arc<Tools>,
    slots: Arc<Semaphore>,
    taken: Arc<Mutex<HashSet<GenerationId>>>,
    tasks: TaskTracker,
    /// No new jobs from here on.
    closing: CancellationToken,
    /// Work stops where it is.
    dropped: CancellationToken,
}

impl Desk {
    pub fn new(tools: Tools, concurrency: usize, closing: CancellationToken) -> Self {
        Self {
            tools: Arc::new(tools),
            slots: Arc::new(Semaphore::new(concurrency)),
            taken: Arc::default(),
            tasks: TaskTracker::new(),
            closing,
            dropped: CancellationToken::new(),
        }
    }

    /// An event of the stream. Done when a slot has taken the job: from there on the ledger's lease
    /// and the sweep look after it, not the stream.
    pub async fn hear(&self, event: PublishedEvent) -> Verdict {
        match event.event() {
            Ok(Event::GenerationRequested(request)) => {
                if self.take(request.generation, Attempt::ZERO.next()).await {
                    Verdict::Done
                } else {
                    Verdict::Again(Duration::from_secs(1))
                }
            }
            Ok(_) => Verdict::Done,
            Err(error) => {
                tracing::error!(position = %event.position, %error, "an event can't be read; the sweep will show its job");
                Verdict::Done
            }
        }
    }

    /// Asks the ledger for open jobs until the desk closes.
    pub async fn sweep(&self, health: Health) {
        let mut tick = tokio::time::interval(SWEEP_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ledger = self.tools.ledger.clone().with_deadline(SWEEP_EVERY * 2);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.closing.cancelled() => return,
            }
            let query = queries::Sweep { limit: SWEEP_LEN_MAX };
            let jobs = ledger.ask::<Vec<queries::OpenJob>>("jobs", &query, None).await;
            health.set("ledger", jobs.is_ok());
            match jobs {
                Ok(jobs) => self.fill(jobs),
                Err(error) => tracing::warn!(%error, "the ledger did not show its open jobs"),
            }
        }
    }

    /// Fills the free slots, oldest job first; the rest is there at the next sweep.
    fn fill(&self, jobs: Vec<queries::OpenJob>) {
        for job in jobs {
            let Some(place) = self.place(job.generation) else { continue };
            let Ok(slot) = self.slots.clone().try_acquire_owned() else { return };
            self.start(place, slot, job.attempt.next());
        }
    }

    /// Waits for a slot and starts on the job, unless this process is at it. False: the desk closed.
    pub async fn take(&self, generation: GenerationId, attempt: Attempt) -> bool {
        let Some(place) = self.place(generation) else { return true };
        let slot = tokio::select! {
            slot = self.slots.clone().acquire_owned() => slot,
            () = self.closing.cancelled() => return false,
        };
        if let Ok(slot) = slot {
            self.start(place, slot, attempt);
        }
        true
    }

    fn start(&self, place: Place, slot: OwnedSemaphorePermit, attempt: Attempt) {
        let tools = self.tools.clone();
        let (closing, dropped) = (self.closing.clone(), self.dropped.clone());
        metrics::gauge!("generator_jobs_in_flight").increment(1);
        self.tasks.spawn(async move {
            let generation = place.generation;
            tokio::select! {
                () = work::run(&tools, generation, attempt, &closing) => {}
                () = dropped.cancelled() => {
                    tracing::warn!(%generation, "stopped in the middle; its lease will end and another goes on");
                }
            }
            metrics::gauge!("generator_jobs_in_flight").decrement(1);
            drop((place, slot));
        });
    }

    /// Lets what is under way end, for so long; then stops it.
    pub async fn drain(&self, within: Duration) {
        self.tasks.close();
        if tokio::time::timeout(within, self.tasks.wait()).await.is_err() {
            self.dropped.cancel();
            self.tasks.wait().await;
        }
    }

    /// `None` when this process is at it already.
    fn place(&self, generation: GenerationId) -> Option<Place> {
        let new = self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(generation);
        new.then(|| Place { generation, taken: self.taken.clone() })
    }
}

/// Gives its place free when it is dropped.
struct Place {
    generation: GenerationId,
    taken: Arc<Mutex<HashSet<GenerationId>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.generation);
    }
}
