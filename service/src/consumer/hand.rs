//! One event in hand: read, worked on while the server is told that it is, and acked by what came of it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use futures_util::FutureExt as _;
use proto_events::{Position, PublishedEvent};

use super::Verdict;
use super::progress::{InHand, Place, Progress, Taken};
use super::reporter::Reporter;

/// For an event that this version can't read: a newer one may come.
const UNREADABLE: Duration = Duration::from_secs(20);
/// For an event at which the handler panicked.
const PANICKED: Duration = Duration::from_secs(5);
/// What was shown so often, and each time so often again, is told to the ledger: most failures are over by then.
const STUCK_TRIES: u32 = 5;

#[derive(Debug, Clone)]
pub(super) struct Hand<F> {
    /// As in the consumer's configuration; a third of it passes between in-progress acks.
    pub(super) ack_wait: Duration,
    pub(super) progress: Progress,
    pub(super) reporter: Reporter,
    pub(super) handler: F,
}

impl<F, Fut> Hand<F>
where
    F: Fn(PublishedEvent) -> Fut,
    Fut: Future<Output = Verdict>,
{
    pub(super) async fn take(&self, message: Message) {
        let read = serde_json::from_slice::<PublishedEvent>(&message.payload);
        let place = match &read {
            Ok(event) => Some((event.incarnation, event.position)),
            Err(_) => place_of_unreadable(&message),
        };
        let Some(place) = place else {
            // No event of the log has no place.
            tracing::error!(subject = %message.subject, "what is no event at all is left");
            return ack(&message, AckKind::Nak(Some(UNREADABLE))).await;
        };
        let in_hand = match self.progress.take(place) {
            Taken::Work(in_hand) => in_hand,
            Taken::AlreadyInHand => return ack(&message, AckKind::Progress).await,
            Taken::AlreadyDone => return ack(&message, AckKind::Ack).await,
        };
        let verdict = match read {
            Ok(event) => self.work(&message, event).await,
            Err(error) => {
                tracing::error!(subject = %message.subject, %error, "an event can't be read; it is left for a newer version");
                Verdict::Failed { why: format!("this version can't read it: {error}"), again: UNREADABLE }
            }
        };
        let outcome = self.end(&message, in_hand, place.1, verdict).await;
        let consumer = self.reporter.producer.as_str();
        metrics::counter!("consumer_events_total", "consumer" => consumer, "outcome" => outcome).increment(1);
    }

    async fn work(&self, message: &Message, event: PublishedEvent) -> Verdict {
        let work = AssertUnwindSafe(async { (self.handler)(event).await }).catch_unwind();
        tokio::pin!(work);
        let mut tick = tokio::time::interval(self.ack_wait / 3);
        tick.tick().await;
        loop {
            tokio::select! {
                verdict = &mut work => return verdict.unwrap_or_else(|_| {
                    Verdict::Failed { why: "its handler panicked".to_owned(), again: PANICKED }
                }),
                _ = tick.tick() => ack(message, AckKind::Progress).await,
            }
        }
    }

    async fn end(
        &self,
        message: &Message,
        in_hand: InHand,
        position: Position,
        verdict: Verdict,
    ) -> &'static str {
        let shown = message.info().map_or(1, |info| u32::try_from(info.delivered).unwrap_or(1));
        match verdict {
            Verdict::Done => {
                in_hand.done();
                ack(message, AckKind::Ack).await;
                if shown >= STUCK_TRIES {
                    self.reporter.done_after_all(position, shown).await;
                }
                "done"
            }
            Verdict::Again(after) => {
                in_hand.again(after);
                ack(message, AckKind::Nak(Some(after))).await;
                "again"
            }
            Verdict::Failed { why, .. } if self.is_dropped(position, shown, &why).await => {
                tracing::warn!(%position, why, "an event that can't be done was dropped by hand");
                in_hand.done();
                ack(message, AckKind::Ack).await;
                "dropped"
            }
            Verdict::Failed { again, .. } => {
                in_hand.again(again);
                ack(message, AckKind::Nak(Some(again))).await;
                "failed"
            }
        }
    }

    async fn is_dropped(&self, position: Position, shown: u32, why: &str) -> bool {
        shown.is_multiple_of(STUCK_TRIES) && self.reporter.is_dropped(position, shown, why).await
    }
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
