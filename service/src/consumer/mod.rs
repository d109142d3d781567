//! The event stream, as an adapter sees it: its own durable consumer, each event at least once.
//!
//! Events are recognised by their position in the log, never by the stream's sequence. How far
//! everything was done is reported to the ledger, which after a wipe publishes from there.
//!
//! A slot is taken before an event is pulled, so that nothing that was pulled waits while its
//! ack_wait runs. A pull whose end never comes (the connection or the store was lost) is given up
//! after [`SILENCE`] and the consumer is looked for again, until it is back.

mod progress;

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{self, AckKind, Message};
use futures_util::StreamExt as _;
use proto_events::commands::ConsumerDone;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, Position, Producer, PublishedEvent, Text, subjects};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ledger::{Ledger, operation_id};
use progress::{Place, Progress, Taken};

/// After a failure of the stream or the consumer: the ledger recreates what is gone within about 1 s.
const RETRY: Duration = Duration::from_millis(500);
/// How long one pull waits at the server.
const PULL: Duration = Duration::from_secs(2);
/// A pull that has not ended by then is lost.
const SILENCE: Duration = Duration::from_secs(3);
const REPORT: Duration = Duration::from_secs(2);
/// How long a report may take; the next one says the same and more.
const REPORT_DEADLINE: Duration = Duration::from_secs(2);
/// For an event that this version can't read: a newer one may come.
const UNREADABLE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Events in hand at once.
    pub in_flight_max: usize,
    /// As in the consumer's configuration; a third of it passes between in-progress acks.
    pub ack_wait: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Done for good: never shown again.
    Done,
    /// Not now: shown again after this time.
    Again(Duration),
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
    let follower = Follower { client, producer, options, progress: Progress::default(), slots, handler };
    let reporter = Reporter {
        ledger: ledger.with_deadline(REPORT_DEADLINE),
        producer,
        progress: follower.progress.clone(),
    };
    let ended = CancellationToken::new();
    let reports = tokio::spawn(reporter.run(ended.clone()));
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
    options: Options,
    progress: Progress,
    slots: Arc<Semaphore>,
    handler: F,
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
            let work = one(
                message?,
                self.options.ack_wait,
                self.handler.clone(),
                self.progress.clone(),
                self.producer,
            );
            tokio::spawn(async move {
                work.await;
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

async fn one<F, Fut>(message: Message, ack_wait: Duration, handler: F, progress: Progress, producer: Producer)
where
    F: Fn(PublishedEvent) -> Fut,
    Fut: Future<Output = Verdict>,
{
    let event: PublishedEvent = match serde_json::from_slice(&message.payload) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(subject = %message.subject, %error, "an event can't be read; it is left for a newer version");
            if let Some(place) = place_of_unreadable(&message) {
                progress.wait_for(place, UNREADABLE, Instant::now());
            }
            return ack(&message, AckKind::Nak(Some(UNREADABLE))).await;
        }
    };
    let in_hand = match progress.take((event.incarnation, event.position)) {
        Taken::Work(in_hand) => in_hand,
        Taken::AlreadyInHand => return ack(&message, AckKind::Progress).await,
        Taken::AlreadyDone => return ack(&message, AckKind::Ack).await,
    };
    let work = handler(event);
    tokio::pin!(work);
    let mut tick = tokio::time::interval(ack_wait / 3);
    tick.tick().await;
    let verdict = loop {
        tokio::select! {
            verdict = &mut work => break verdict,
            _ = tick.tick() => ack(&message, AckKind::Progress).await,
        }
    };
    let outcome = match verdict {
        Verdict::Done => {
            in_hand.done();
            ack(&message, AckKind::Ack).await;
            "done"
        }
        Verdict::Again(after) => {
            in_hand.again(after);
            ack(&message, AckKind::Nak(Some(after))).await;
            "again"
        }
    };
    metrics::counter!("consumer_events_total", "consumer" => producer.as_str(), "outcome" => outcome)
        .increment(1);
}

/// From what can still be read of it.
fn place_of_unreadable(message: &Message) -> Option<Place> {
    #[derive(serde::Deserialize)]
    struct Named {
        incarnation: i64,
        position: Position,
    }
    let named: Named = serde_json::from_slice(&message.payload).ok()?;
    Some((named.incarnation, named.position))
}

async fn ack(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(%error, "an ack was lost; the event comes again and is known");
    }
}

struct Reporter {
    ledger: Ledger,
    producer: Producer,
    progress: Progress,
}

impl Reporter {
    async fn run(self, ended: CancellationToken) {
        loop {
            let last = tokio::select! {
                () = tokio::time::sleep(REPORT) => false,
                () = ended.cancelled() => true,
            };
            self.report().await;
            if last {
                return;
            }
        }
    }

    async fn report(&self) {
        let Some(place @ (_, position)) = self.progress.to_report(Instant::now()) else { return };
        let done = ConsumerDone { consumer: Text::lossy(self.producer.as_str()), position };
        let Ok(id) = operation_id("done", position) else { return };
        match self.ledger.operate(id, AccountRef::Id(AccountId::OPERATIONS), done.into()).await {
            Ok(_) => self.progress.reported(place),
            Err(error) => tracing::debug!(%error, "progress is reported later"),
        }
    }
}
