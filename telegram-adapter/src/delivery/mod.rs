//! What the ledger has for people: pictures, answers, failures, bills, receipts.
//!
//! An event that is to be told is heard from the event stream (fast) or found by the sweep
//! (sure). Either way it is claimed at the ledger first, so that of several instances one tells
//! it; a claim is a lease, renewed until what came of it is recorded, and what could not be told is found
//! by the sweep when it is over, so many times and no more (`outcome`). Told and recorded are two
//! steps: who dies in between tells it again.

mod incidents;
mod lease;
mod news;
mod outcome;
mod picture;
mod shelf;
mod words;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use proto_events::commands::{DeliveryOutcome, Incident};
use proto_events::events::DeliveryTrouble;
use proto_events::queries::{News, OpenDelivery, Telling};
use proto_events::{AccountId, Position, PublishedEvent};
use service::consumer::Verdict;
use service::http::Health;
use service::ledger::SendError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use shelf::{IN_HAND_MAX, Made, Missing, Place, Shelf};

use crate::desk::Desk;
use crate::outbound::Telegram;
use crate::statuses::Statuses;
use crate::texts::{Lang, Texts};
use crate::turns::Turns;
use lease::Lease;
use outcome::Outcome;

/// Each call has its own bound, and the lease is renewed meanwhile; this one is for a telling that
/// hangs all the same. Longer than two uploads (100 s each) with their flood pauses (15 s, three times).
const TIME_MAX: Duration = Duration::from_secs(600);
/// Before a telling that failed is tried once more under the same claim: most failures of
/// Telegram are over at once.
const TRY_AGAIN: Duration = Duration::from_secs(2);
const SWEEP_EVERY: Duration = Duration::from_secs(2);
/// More than can be told until the next sweep.
const SWEEP_MAX: u16 = 64;
/// For one's turn, of an event of the stream: what waits for it waits in the consumer's hands, of which there are few.
const TURN_WAIT_MAX: Duration = Duration::from_secs(2);
/// A telling that was tried so often, and each time so often again, is told of at the ledger.
const STUCK_TRIES: i64 = 5;
/// Until an event that could not be claimed is heard again.
const AGAIN: Duration = Duration::from_secs(5);

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Teller(Arc<Inner>);

struct Inner {
    desk: Desk,
    telegram: Telegram,
    texts: Arc<Texts>,
    statuses: Statuses,
    turns: Turns,
    shelf: Shelf,
    admins: Arc<[i64]>,
    in_hand: Mutex<HashSet<Position>>,
}

impl Teller {
    pub fn new(
        desk: Desk,
        telegram: Telegram,
        texts: Arc<Texts>,
        statuses: Statuses,
        turns: Turns,
        shelf: Shelf,
        admins: Arc<[i64]>,
    ) -> Self {
        Self(Arc::new(Inner {
            desk,
            telegram,
            texts,
            statuses,
            turns,
            shelf,
            admins,
            in_hand: Mutex::default(),
        }))
    }

    /// An event of the stream.
    ///
    /// The person's turn first, then a place: who is told something else meanwhile takes none, and the sweep finds what they
    /// were not told.
    pub async fn heard(&self, event: PublishedEvent) -> Verdict {
        let turn = tokio::time::timeout(TURN_WAIT_MAX, self.0.turns.of(event.account)).await;
        let Ok(_turn) = turn else { return Verdict::Done };
        // Cancelled only when the runtime ends.
        let Some(_place) = self.0.shelf.place().await else { return Verdict::Again(AGAIN) };
        match self.0.tell(event.position).await {
            Ok(()) => Verdict::Done,
            Err(error) => {
                tracing::warn!(position = %event.position, %error, "an event can't be told yet");
                Verdict::Failed { why: error.to_string(), again: AGAIN }
            }
        }
    }

    /// Finds what is to be told, until told to stop; then waits for what is in hand.
    pub async fn sweep(&self, health: Health, shutdown: CancellationToken) {
        let tasks = TaskTracker::new();
        while !shutdown.is_cancelled() {
            match self.0.desk.deliveries(SWEEP_MAX).await {
                Ok(open) => {
                    health.set("ledger", true);
                    for (account, positions) in by_person(open) {
                        // Somebody tells them something: the next sweep finds what is left.
                        let Some(turn) = self.0.turns.try_of(account) else { continue };
                        let place = tokio::select! {
                            () = shutdown.cancelled() => break,
                            place = self.0.shelf.place() => place,
                        };
                        // Cancelled only when the runtime ends.
                        let Some(place) = place else { return };
                        let (inner, stop) = (Arc::clone(&self.0), shutdown.clone());
                        tasks.spawn(async move {
                            inner.tell_all(&positions, &stop).await;
                            drop((place, turn));
                        });
                        if shutdown.is_cancelled() {
                            break;
                        }
                    }
                }
                Err(error) => {
                    health.set("ledger", false);
                    tracing::warn!(%error, "the sweep for undelivered news failed");
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(SWEEP_EVERY) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }
}

/// Each person's in their order; whose is the oldest comes first.
fn by_person(open: Vec<OpenDelivery>) -> Vec<(AccountId, Vec<Position>)> {
    let mut people: Vec<(AccountId, Vec<Position>)> = Vec::new();
    for OpenDelivery { position, account, .. } in open {
        match people.iter_mut().find(|(person, _)| *person == account) {
            Some((_, positions)) => positions.push(position),
            None => people.push((account, vec![position])),
        }
    }
    people
}

impl Inner {
    fn in_hand(&self) -> MutexGuard<'_, HashSet<Position>> {
        // The set stays whole whatever panics.
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One person's, one after another, by whoever has their turn.
    async fn tell_all(&self, positions: &[Position], shutdown: &CancellationToken) {
        for position in positions {
            if shutdown.is_cancelled() {
                return;
            }
            if let Err(error) = self.tell(*position).await {
                tracing::warn!(%position, %error, "an event can't be told yet");
            }
        }
    }

    /// Whoever calls it has the person's turn and a place.
    ///
    /// # Errors
    /// The ledger could not be asked for the claim.
    async fn tell(&self, position: Position) -> Result<(), SendError> {
        if !self.in_hand().insert(position) {
            return Ok(());
        }
        let _held = Held { inner: self, position };
        let Some(telling) = self.desk.claim(position).await? else { return Ok(()) };
        let lease = Lease::new(&self.desk, &telling);
        let told =
            AssertUnwindSafe(tokio::time::timeout(TIME_MAX, self.tell_twice(&lease))).catch_unwind().await;
        // What hangs or panics may have sent something.
        let outcome = told.ok().and_then(Result::ok).unwrap_or(Outcome::InDoubt);
        let (news, attempt) = (name(&telling.news), telling.attempt.get());
        metrics::counter!("telegram_deliveries_total", "news" => news, "outcome" => outcome.word())
            .increment(1);
        if outcome.is_last(telling.attempt) {
            tracing::error!(%position, news, attempt, outcome = outcome.word(), "an event can't be told; it is given up");
            self.end(&telling).await;
            self.desk.report(Incident::TellingsGivenUp).await;
        } else if outcome.is_open() {
            tracing::warn!(%position, news, attempt, outcome = outcome.word(), "an event could not be told; it is tried again");
        } else {
            tracing::info!(%position, news, attempt, outcome = outcome.word(), "an event was told");
        }
        self.say_stuck(&telling, outcome).await;
        Ok(())
    }

    /// What is tried again and again is seen at the ledger, with why; also that it was told after all.
    async fn say_stuck(&self, telling: &Telling, outcome: Outcome) {
        let (tries, is_tried) =
            (telling.attempt.get(), outcome.is_open() && !outcome.is_last(telling.attempt));
        if tries < STUCK_TRIES || (is_tried && tries % STUCK_TRIES != 0) || outcome == Outcome::Overtaken {
            return;
        }
        let why = outcome.why().filter(|_| is_tried);
        if let Err(error) = self.desk.stuck(telling, why).await {
            tracing::debug!(position = %telling.position, %error, "that a telling is stuck, or no more, is not said");
        }
    }

    async fn tell_twice(&self, lease: &Lease<'_>) -> Outcome {
        let first = self.tell_claimed(lease).await;
        if !first.is_passing() {
            return first;
        }
        tokio::time::sleep(TRY_AGAIN).await;
        first.then(self.tell_claimed(lease).await)
    }

    /// Tells it and records that.
    async fn tell_claimed(&self, lease: &Lease<'_>) -> Outcome {
        let telling = lease.telling;
        let lang = Lang::of(Some(&telling.language));
        if let News::GenerationSucceeded { generation, credits, outputs, .. } = &telling.news {
            let finished = picture::Finished { generation: *generation, credits: *credits, outputs };
            return self.deliver(lease, lang, finished).await;
        }
        fail::fail_point!("telegram.before_send");
        let outcome = lease.keep(self.tell_news(telling, lang)).await.unwrap_or(Outcome::Overtaken);
        fail::fail_point!("telegram.sent");
        let recorded = match outcome {
            // A group that threw us out says nothing of the person.
            Outcome::Blocked if telling.chat < 0 => DeliveryOutcome::Refused,
            Outcome::Told => DeliveryOutcome::Told,
            Outcome::Blocked => DeliveryOutcome::Blocked,
            Outcome::Refused => DeliveryOutcome::Refused,
            Outcome::Later | Outcome::InDoubt | Outcome::Unrecorded | Outcome::Overtaken => return outcome,
        };
        if let Err(error) = lease.keep_until(self.desk.told(telling, recorded)).await {
            tracing::error!(position = %telling.position, %error, "what was told is not recorded; it may be told again");
            return Outcome::Unrecorded;
        }
        fail::fail_point!("telegram.confirmed");
        outcome
    }

    /// After the last try: whoever waits for a picture gets the credits back and is told so.
    async fn end(&self, telling: &Telling) {
        if let News::GenerationSucceeded { generation, .. } = &telling.news {
            self.give_up(telling, *generation, DeliveryTrouble::Refused).await;
        } else if let Err(error) = self.desk.told(telling, DeliveryOutcome::Refused).await {
            tracing::error!(position = %telling.position, %error, "what was given up is not recorded; it is tried again");
        }
    }
}

const fn name(news: &News) -> &'static str {
    match news {
        News::PaymentReady { .. } => "payment_ready",
        News::PaymentSettled { .. } => "payment_settled",
        News::PaymentCanceled { .. } => "payment_canceled",
        News::RefundSettled { .. } => "refund_settled",
        News::RefundFailed { .. } => "refund_failed",
        News::GenerationSucceeded { .. } => "generation_succeeded",
        News::GenerationFailed { .. } => "generation_failed",
        News::DeliveryFailed { .. } => "delivery_failed",
        News::GenerationCanceled { .. } => "generation_canceled",
        News::CreditsGranted { .. } => "credits_granted",
        News::CreditsRevoked { .. } => "credits_revoked",
        News::CreditsExpired { .. } => "credits_expired",
        News::DebtForgiven { .. } => "debt_forgiven",
        News::AccountBanned {} => "account_banned",
        News::AccountUnbanned {} => "account_unbanned",
        News::Message { .. } => "message",
        News::PaymentQuarantined { .. } => "payment_quarantined",
    }
}

/// Gives the position back, also when the telling panics.
struct Held<'a> {
    inner: &'a Inner,
    position: Position,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.inner.in_hand().remove(&self.position);
    }
}
