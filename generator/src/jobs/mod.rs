//! The desk where jobs come in: from the event stream (fast) and from a sweep of the ledger (sure).
//!
//! A heard request is taken at once when a slot is free. Else nothing waits here: whenever a slot comes free, and every
//! [`SWEEP_EVERY`], the ledger is asked what is open, in the order that is fair. Between workers the ledger's claims decide.
//! Before a claim the keys are asked ([`Gate`]): what could not be made now is left where it is. Nothing of a job is kept here: a
//! process that dies leaves a lease that ends and a job that the sweep shows again.

mod alarm;
mod ask;
mod ending;
mod gate;
mod hands;
mod lease;
mod pace;
mod plan;
mod say;
mod work;
mod worker;

use std::{sync::Arc, time::Duration};

use proto_events::{Attempt, Event, GenerationId, PublishedEvent, Text, queries};
use service::{consumer::Verdict, http::Health, ledger::Ledger};
use tokio::{sync::Notify, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::worker::Worker;
use self::{
    alarm::Alarm,
    gate::{Gate, Shut},
    hands::{Hands, InHand},
};
use crate::{gemini::Gemini, prices::Prices, shelf::Shelf};

/// How often the ledger is asked for open jobs: how long a job may lie when the stream is silent.
const SWEEP_EVERY: Duration = Duration::from_secs(2);
/// Jobs in one sweep: enough to fill the slots, also when some are taken by others meanwhile.
const SWEEP_LEN_MAX: u16 = 64;
/// For an event that a newer version can read.
const UNREAD: Duration = Duration::from_secs(20);

/// What working on a job needs.
pub struct Tools {
    pub ledger: Ledger,
    pub gemini: Arc<Gemini>,
    pub shelf: Shelf,
    pub prices: Prices,
    pub worker: Worker,
    /// How often a call is made again whose outcome is not known: each may have been paid.
    pub retries_in_doubt: u16,
}

#[derive(Clone)]
pub struct Desk {
    tools: Arc<Tools>,
    hands: Hands,
    gate: Gate,
    /// Something may be done that could not be done before.
    nudge: Arc<Notify>,
    /// Something may be done then, before the next sweep.
    alarm: Arc<Alarm>,
    tasks: TaskTracker,
    /// No new jobs from here on.
    closing: CancellationToken,
    /// Work stops where it is.
    dropped: CancellationToken,
}

impl Desk {
    pub fn new(tools: Tools, concurrency: usize, closing: CancellationToken) -> Self {
        Self {
            gate: Gate::new(tools.gemini.clone()),
            tools: Arc::new(tools),
            hands: Hands::new(concurrency),
            nudge: Arc::default(),
            alarm: Arc::default(),
            tasks: TaskTracker::new(),
            closing,
            dropped: CancellationToken::new(),
        }
    }

    /// An event of the stream: a wake-up, done whatever comes of it, unless only a newer version can read it. From here on the
    /// ledger's lease and the sweep look after the job, not the stream.
    pub async fn hear(&self, event: PublishedEvent) -> Verdict {
        match event.event() {
            Ok(Event::GenerationRequested(request)) => {
                self.take(request.generation, Attempt::ZERO.next(), &request.model);
            }
            Ok(Event::GenerationCanceled(canceled)) => self.hands.cancel(canceled.generation),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(position = %event.position, %error, "an event can't be read; the sweep will show its job");
                return Verdict::Failed { why: error.to_string(), again: UNREAD };
            }
        }
        Verdict::Done
    }

    /// Asks the ledger for open jobs until the desk closes.
    pub async fn sweep(&self, health: Health) {
        let ledger = self.tools.ledger.clone().with_deadline(SWEEP_EVERY * 2);
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP_EVERY) => {}
                () = self.nudge.notified() => {}
                () = self.alarm.rung() => {}
                () = self.closing.cancelled() => return,
            }
            // Asked also when nothing could be taken: whether the ledger is there is on our page.
            let query = queries::JobSweep { limit: SWEEP_LEN_MAX, resting: self.resting() };
            let jobs = ledger.ask::<Vec<queries::OpenJob>>("jobs", &query, None).await;
            health.set("ledger", jobs.is_ok());
            match jobs {
                Ok(jobs) => {
                    jobs.iter().for_each(|job| self.take(job.generation, job.attempt.next(), &job.model))
                }
                Err(error) => tracing::warn!(%error, "the ledger did not show its open jobs"),
            }
        }
    }

    /// Models of which nothing can be made yet. The ledger does not show their jobs, and is asked again when the first is free.
    fn resting(&self) -> Vec<Text<64>> {
        let resting = self.gate.resting();
        resting.iter().for_each(|(_, until)| self.alarm.ring_at(*until));
        resting.iter().map(|(model, _)| Text::lossy(model)).collect()
    }

    /// Watches whether Gemini takes our keys, until the desk closes.
    pub async fn watch(&self, health: Health) {
        let opened = || self.nudge.notify_one();
        let report = async |up: bool| say::report_shut(&self.tools, !up).await;
        self.gate.watch(&health, &self.closing, opened, report).await;
    }

    /// Starts on a job if a slot is free, a key is, and this process is not at it already.
    fn take(&self, generation: GenerationId, attempt: Attempt, model: &str) {
        if self.closing.is_cancelled() {
            return;
        }
        match self.gate.shut(model) {
            Some(Shut::Until(at)) => return self.alarm.ring_at(at),
            Some(Shut::Down) => return,
            None => {}
        }
        if let Some(job) = self.hands.take(generation) {
            self.start(job, attempt);
        }
    }

    fn start(&self, job: InHand, attempt: Attempt) {
        let desk = self.clone();
        metrics::gauge!("generator_jobs_in_flight").increment(1);
        self.tasks.spawn(async move {
            let generation = job.generation;
            let again = tokio::select! {
                again = work::run(&desk.tools, generation, attempt, &job.unwanted) => again,
                () = desk.dropped.cancelled() => {
                    tracing::warn!(%generation, "stopped in the middle; its lease will end and another goes on");
                    None
                }
            };
            metrics::gauge!("generator_jobs_in_flight").decrement(1);
            drop(job);
            desk.nudge.notify_one();
            if let Some(after) = again {
                desk.alarm.ring_at(Instant::now() + after);
            }
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
}
