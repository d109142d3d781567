//! The event stream, as an adapter sees it: its own durable consumer, each event at least once.
//!
//! Events are recognised by their position in the log, never by the stream's sequence. How far
//! everything was done is reported to the ledger, which after a wipe publishes from there.
//!
//! A slot is taken before an event is pulled, so that nothing that was pulled waits while its
//! ack_wait runs. A pull whose end never comes (the connection or the store was lost) is given up
//! after [`SILENCE`] and the consumer is looked for again, until it is back.

mod hand;
mod progress;
mod reporter;

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::{self, consumer::PullConsumer};
use futures_util::StreamExt as _;
use proto_events::{Producer, PublishedEvent, subjects};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ledger::Ledger;
use hand::Hand;
use progress::Progress;
use reporter::Reporter;

/// After a failure of the stream or the consumer: the ledger recreates what is gone within about 1 s.
const RETRY: Duration = Duration::from_millis(500);
/// How long one pull waits at the server.
const PULL: Duration = Duration::from_secs(2);
/// A pull that has not ended by then is lost.
const SILENCE: Duration = Duration::from_secs(3);
const REPORT: Duration = Duration::from_secs(2);
/// How long a report may take; it is said again.
const REPORT_DEADLINE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Events in hand at once.
    pub in_flight_max: usize,
    /// As in the consumer's configuration; a third of it passes between in-progress acks.
    pub ack_wait: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done for good: never shown again.
    Done,
    /// Not now: shown again after this time.
    Again(Duration),
    /// It can't be done, and why; shown again after this time. Where that does not help, the ledger is told, and somebody may drop it.
    Failed { why: String, again: Duration },
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Follows the stream until told to stop; what is in hand then is finished.
pub async fn run<F, Fut>(
    client: Client,
    producer: Producer,
    ledger: Ledger,
    options: Options,
    shutdown: CancellationToken,
    handler: F,
) where
    F: Fn(PublishedEvent) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Verdict> + Send + 'static,
{
    let slots_max = options.in_flight_max.clamp(1, Semaphore::MAX_PERMITS);
    let slots = Arc::new(Semaphore::new(slots_max));
    let reporter = Reporter { ledger: ledger.with_deadline(REPORT_DEADLINE), producer };
    let progress = Progress::default();
    let hand =
        Hand { ack_wait: options.ack_wait, progress: progress.clone(), reporter: reporter.clone(), handler };
    let follower = Follower { client, producer, slots, hand };
    let ended = CancellationToken::new();
    let reports = tokio::spawn(report(reporter, progress, ended.clone()));
    while !shutdown.is_cancelled() {
        if let Err(error) = follower.follow(&shutdown).await {
            tracing::debug!(%producer, %error, "the event stream is not there; trying again");
            metrics::counter!("consumer_restarts_total", "consumer" => producer.as_str()).increment(1);
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = shutdown.cancelled() => {}
        }
    }
    // All slots free: nothing is in hand. Then what was done is reported a last time.
    let all = u32::try_from(slots_max).unwrap_or(u32::MAX);
    let _ = follower.slots.acquire_many(all).await;
    ended.cancel();
    let _ = reports.await;
}

struct Follower<F> {
    client: Client,
    producer: Producer,
    slots: Arc<Semaphore>,
    hand: Hand<F>,
}

impl<F, Fut> Follower<F>
where
    F: Fn(PublishedEvent) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Verdict> + Send + 'static,
{
    async fn follow(&self, shutdown: &CancellationToken) -> Result<(), Failure> {
        let context = jetstream::with_prefix(self.client.clone(), subjects::JS_PREFIX);
        let consumer: PullConsumer =
            context.get_consumer_from_stream(self.producer.as_str(), subjects::EVT_STREAM).await?;
        loop {
            tokio::select! {
                pulled = self.pull(&consumer) => pulled?,
                () = shutdown.cancelled() => return Ok(()),
            }
        }
    }

    /// One pull for as many events as there are free slots.
    async fn pull(&self, consumer: &PullConsumer) -> Result<(), Failure> {
        let mut slots = self.free_slots().await?;
        let mut batch = consumer.batch().max_messages(slots.num_permits()).expires(PULL).messages().await?;
        while let Some(slot) = slots.split(1) {
            let next = tokio::time::timeout(SILENCE, batch.next());
            let Some(message) = next.await.map_err(|_| "a pull was not answered")? else { return Ok(()) };
            let (hand, message) = (self.hand.clone(), message?);
            tokio::spawn(async move {
                hand.take(message).await;
                drop(slot);
            });
        }
        Ok(())
    }

    /// At least one.
    async fn free_slots(&self) -> Result<OwnedSemaphorePermit, tokio::sync::AcquireError> {
        let mut slots = Arc::clone(&self.slots).acquire_owned().await?;
        let more = u32::try_from(self.slots.available_permits()).unwrap_or(u32::MAX);
        if let Ok(more) = Arc::clone(&self.slots).try_acquire_many_owned(more) {
            slots.merge(more);
        }
        Ok(slots)
    }
}

async fn report(reporter: Reporter, progress: Progress, ended: CancellationToken) {
    loop {
        let last = tokio::select! {
            () = tokio::time::sleep(REPORT) => false,
            () = ended.cancelled() => true,
        };
        if let Some(place) = progress.to_report(Instant::now())
            && reporter.done_through(place).await
        {
            progress.reported(place);
        }
        if last {
            return;
        }
    }
}
