//! The event stream, as an adapter sees it: its own durable consumer, each event at least once.
//!
//! Events are deduplicated by their position in the log, never by the stream's sequence: after a
//! lost tail or a wipe the same sequence carries another event. How far everything was done is
//! reported to the ledger, which after a wipe publishes from there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{self, AckKind, Message};
use futures_util::StreamExt as _;
use proto_events::commands::ConsumerDone;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, Position, Producer, PublishedEvent, Text, subjects};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::ledger::{Ledger, operation_id};

/// After a failure of the stream or the consumer: the ledger recreates what is gone within about 1 s.
const RETRY: Duration = Duration::from_millis(500);
/// How long one pull waits; also how soon a consumer that is gone is noticed.
const PULL: Duration = Duration::from_secs(2);
const REPORT: Duration = Duration::from_secs(2);
/// Done positions kept above the contiguous part.
const REMEMBERED_MAX: usize = 10_000;

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

/// Which positions were done, by incarnation.
#[derive(Debug, Default)]
struct Progress {
    incarnation: i64,
    in_hand: BTreeSet<Position>,
    /// To be shown again.
    waiting: BTreeSet<Position>,
    done: BTreeSet<Position>,
    reported: Position,
}

impl Progress {
    /// False: it was done, or is in hand.
    fn take(&mut self, incarnation: i64, position: Position) -> bool {
        if incarnation != self.incarnation {
            *self = Self { incarnation, ..Self::default() };
        }
        self.waiting.remove(&position);
        !self.done.contains(&position) && self.in_hand.insert(position)
    }

    fn put_back(&mut self, position: Position, done: bool) {
        self.in_hand.remove(&position);
        if !done {
            self.waiting.insert(position);
        } else {
            self.done.insert(position);
            while self.done.len() > REMEMBERED_MAX {
                self.done.pop_first();
            }
        }
    }

    /// The last position through which all that was shown is done, if it has grown.
    fn done_through(&self) -> Option<Position> {
        let open = self.in_hand.first().into_iter().chain(self.waiting.first()).min();
        let through = match open {
            Some(open) => self.done.range(..open).next_back(),
            None => self.done.last(),
        };
        through.copied().filter(|p| *p > self.reported)
    }
}

type Shared = Arc<Mutex<Progress>>;

fn locked(progress: &Shared) -> MutexGuard<'_, Progress> {
    // Sets stay whole whatever panics.
    progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

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
    let progress: Shared = Arc::default();
    let slots = Arc::new(Semaphore::new(options.in_flight_max));
    let reporter = tokio::spawn(report(ledger, producer, Arc::clone(&progress), shutdown.clone()));
    while !shutdown.is_cancelled() {
        if let Err(error) = follow(&client, producer, options, &shutdown, &handler, &progress, &slots).await {
            tracing::debug!(%producer, %error, "the event stream is not there; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = shutdown.cancelled() => {}
        }
    }
    let in_hand = u32::try_from(options.in_flight_max).unwrap_or(u32::MAX);
    let _ = slots.acquire_many(in_hand).await;
    let _ = reporter.await;
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn follow<F, Fut>(
    client: &Client,
    producer: Producer,
    options: Options,
    shutdown: &CancellationToken,
    handler: &F,
    progress: &Shared,
    slots: &Arc<Semaphore>,
) -> Result<(), Failure>
where
    F: Fn(PublishedEvent) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Verdict> + Send + 'static,
{
    let context = jetstream::with_prefix(client.clone(), subjects::JS_PREFIX);
    let consumer: PullConsumer =
        context.get_consumer_from_stream(producer.as_str(), subjects::EVT_STREAM).await?;
    loop {
        let free = slots.available_permits().clamp(1, options.in_flight_max);
        let mut batch = consumer.batch().max_messages(free).expires(PULL).messages().await?;
        let mut got = false;
        loop {
            let message = tokio::select! {
                message = batch.next() => message,
                () = shutdown.cancelled() => return Ok(()),
            };
            let Some(message) = message else { break };
            got = true;
            let permit = Arc::clone(slots).acquire_owned().await?;
            let (handler, progress) = (handler.clone(), Arc::clone(progress));
            let message = message?;
            tokio::spawn(async move {
                one(message, options, &handler, &progress).await;
                drop(permit);
            });
        }
        if !got {
            // A consumer that was deleted leaves pulls without an answer: make sure it is there.
            context
                .get_consumer_from_stream::<jetstream::consumer::pull::Config, _, _>(
                    producer.as_str(),
                    subjects::EVT_STREAM,
                )
                .await?;
        }
    }
}

async fn one<F, Fut>(message: Message, options: Options, handler: &F, progress: &Shared)
where
    F: Fn(PublishedEvent) -> Fut,
    Fut: Future<Output = Verdict>,
{
    let event: PublishedEvent = match serde_json::from_slice(&message.payload) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(subject = %message.subject, %error, "an event can't be read; it is left for a newer version");
            return ack(&message, AckKind::Nak(Some(Duration::from_secs(60)))).await;
        }
    };
    let position = event.position;
    if !locked(progress).take(event.incarnation, position) {
        return ack(&message, AckKind::Ack).await;
    }
    let work = handler(event);
    tokio::pin!(work);
    let mut tick = tokio::time::interval(options.ack_wait / 3);
    tick.tick().await;
    let verdict = loop {
        tokio::select! {
            verdict = &mut work => break verdict,
            _ = tick.tick() => ack(&message, AckKind::Progress).await,
        }
    };
    locked(progress).put_back(position, verdict == Verdict::Done);
    match verdict {
        Verdict::Done => ack(&message, AckKind::Ack).await,
        Verdict::Again(after) => ack(&message, AckKind::Nak(Some(after))).await,
    }
}

async fn ack(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(%error, "an ack was lost; the event comes again and is known");
    }
}

async fn report(ledger: Ledger, producer: Producer, progress: Shared, shutdown: CancellationToken) {
    loop {
        let last = tokio::select! {
            () = tokio::time::sleep(REPORT) => false,
            () = shutdown.cancelled() => true,
        };
        let through = locked(&progress).done_through();
        if let Some(position) = through {
            let done = ConsumerDone { consumer: Text::lossy(producer.as_str()), position };
            let Ok(id) = operation_id("done", position) else { continue };
            match ledger.operate(id, AccountRef::Id(AccountId::OPERATIONS), done.into()).await {
                Ok(_) => locked(&progress).reported = position,
                Err(error) => tracing::debug!(%error, "progress is reported later"),
            }
        }
        if last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: i64) -> Position {
        Position::new(n).unwrap()
    }

    #[test]
    fn an_event_is_taken_once_whatever_the_stream_repeats() {
        let mut progress = Progress::default();
        assert!(progress.take(1, at(5)));
        assert!(!progress.take(1, at(5)), "in hand");
        progress.put_back(at(5), true);
        assert!(!progress.take(1, at(5)), "done");
        assert!(progress.take(2, at(5)), "another incarnation of the log");
    }

    #[test]
    fn done_through_never_passes_what_is_still_in_hand() {
        let mut progress = Progress::default();
        for n in [1, 2, 4] {
            progress.take(0, at(n));
        }
        progress.put_back(at(1), true);
        progress.put_back(at(4), true);
        assert_eq!(progress.done_through(), Some(at(1)));
        progress.put_back(at(2), false);
        assert_eq!(progress.done_through(), Some(at(1)), "2 is to be shown again");
        assert!(progress.take(0, at(2)));
        progress.put_back(at(2), true);
        assert_eq!(progress.done_through(), Some(at(4)));
        progress.reported = at(4);
        assert_eq!(progress.done_through(), None);
    }
}
