//! The door: commands and queries from NATS, decoded, checked for who sent them, and answered.
//!
//! What is refused here saw no state, so its answer need not wait for anything.

mod decode;
mod letters;
mod names;
#[cfg(test)]
mod noise;
mod retry;

pub use decode::{Asked, BODY_BYTES_MAX, Decoded, decode_command, decode_query, own_request};
pub use letters::{Letters, Where, may_be_sent_again, set_open};
pub use names::{KEY as NAMES_KEY, Names};

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, Message, Subject, SubscribeError, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{SelectAll, select_all};
use proto_events::commands::Operation;
use proto_events::{Answer, Ask, Position, Producer, QueryReply, Reply, subjects};
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::operations::{self, OperationRequest, message};
use crate::queries;
use crate::sequencer::{Came, Clock, Full, Queue, ReplyTo, Request};
use crate::store;

/// Operational commands and queries under way at once: each uses a database connection.
const SIDE_WORK_MAX: usize = 64;
const BUSY_RETRY_MS: u32 = 200;
/// Side work that takes longer has lost its connection to Postgres; its place is given back.
const SIDE_WORK_TIMEOUT: Duration = Duration::from_secs(10);
const NO_ANSWER: &str = "Postgres did not answer in time";

#[derive(Clone)]
pub struct Inbox {
    pub client: Client,
    pub pool: PgPool,
    pub queue: Arc<Queue>,
    pub clock: Arc<Mutex<Clock>>,
    pub committed: watch::Receiver<Position>,
    pub incarnation: i64,
    pub telling_lease_us: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    #[error("can't subscribe to commands and queries")]
    Subscribe(#[from] SubscribeError),
    #[error("the service's key for command ids can't be read")]
    Key(#[from] sqlx::Error),
}

impl Inbox {
    /// Serves until told to stop, or until the subscription ends. Nothing is taken before the log
    /// has its first event, the catalog: an account opened before would lack its welcome credits.
    ///
    /// # Errors
    /// NATS refuses the subscription, or Postgres does not answer.
    pub async fn run(self, stop: CancellationToken) -> Result<(), InboxError> {
        let mut committed = self.committed.clone();
        let begun = async { committed.wait_for(|position| *position > Position::ZERO).await.is_ok() };
        if stop.run_until_cancelled(begun).await != Some(true) {
            return Ok(());
        }
        let names = Arc::new(Names::new(store::service_key(&self.pool, names::KEY).await?));
        let letters = Letters::start(self.pool.clone(), Arc::clone(&names), Arc::clone(&self.clock));
        let mut commands = subscribe(&self.client, subjects::command).await?;
        let mut queries = subscribe(&self.client, subjects::query).await?;
        let side_work = Arc::new(Semaphore::new(SIDE_WORK_MAX));
        loop {
            let (message, is_command) = tokio::select! {
                message = commands.next() => (message, true),
                message = queries.next() => (message, false),
                () = stop.cancelled() => return Ok(()),
            };
            let Some(message) = message else { return Ok(()) };
            let Some(reply_to) = message.reply.clone() else {
                tracing::warn!(subject = %message.subject, "a request without a reply subject was dropped");
                continue;
            };
            if is_command {
                self.command(&names, &letters, message, reply_to, &side_work).await;
            } else {
                self.query(message, reply_to, &side_work).await;
            }
        }
    }

    async fn command(
        &self,
        names: &Arc<Names>,
        letters: &Letters,
        message: Message,
        reply_to: Subject,
        side_work: &Arc<Semaphore>,
    ) {
        fail::fail_point!("ledger.inbox.received");
        let Decoded { ask, asked } = decode_command(names, &message.subject, &message.payload);
        let Message { subject, payload, .. } = message;
        let to = |ask| {
            let came = Came { letters: letters.clone(), subject: subject.clone(), payload: payload.clone() };
            ReplyTo::Nats { client: self.client.clone(), subject: reply_to.clone(), ask, came }
        };
        match asked {
            Ok(Asked::Command(request)) => {
                let to = to(ask);
                if !message::needs_look(&request) {
                    return self.push(*request, to).await;
                }
                let Some(permit) = permit(side_work) else {
                    return to.send(&Reply::Busy { retry_after_ms: BUSY_RETRY_MS }).await;
                };
                let inbox = self.clone();
                tokio::spawn(async move {
                    inbox.look(*request, to).await;
                    drop(permit);
                });
            }
            Ok(Asked::Operation(request)) => {
                let Some(permit) = permit(side_work) else {
                    return to(ask).send(&Reply::Busy { retry_after_ms: BUSY_RETRY_MS }).await;
                };
                let (inbox, names, to) = (self.clone(), Arc::clone(names), to(ask));
                tokio::spawn(async move {
                    let reply = match request.operation {
                        Operation::LetterRetry(c) => inbox.retry(&names, &c.letter).await,
                        _ => inbox.operate(*request).await,
                    };
                    to.send(&reply).await;
                    drop(permit);
                });
            }
            Err(refusal) => {
                tracing::warn!(%subject, code = %refusal.code, bytes = payload.len(),
                    "a command was refused at the door");
                metrics::counter!("ledger_refused_at_door_total").increment(1);
                letters.refused(&subject, &payload, Where::Door, &refusal);
                self.answer(reply_to, ask, Reply::Refused { refusal }).await;
            }
        }
    }

    async fn operate(&self, request: OperationRequest) -> Reply {
        let moment = operations::Moment { now: self.now(), telling_lease_us: self.telling_lease_us };
        let work = operations::run(&self.pool, request, self.incarnation, moment);
        let done = tokio::time::timeout(SIDE_WORK_TIMEOUT, work).await;
        done.unwrap_or_else(|_| Reply::Failed { message: NO_ANSWER.to_owned() })
    }

    async fn push(&self, request: Request, to: ReplyTo) {
        if let Err(Full(waiting)) = self.queue.push((request, to)) {
            let (_, to) = *waiting;
            metrics::counter!("ledger_busy_total").increment(1);
            to.send(&Reply::Busy { retry_after_ms: BUSY_RETRY_MS }).await;
        }
    }

    /// Of what must be so beside the log: refused, or on to the sequencer.
    async fn look(&self, mut request: Request, to: ReplyTo) {
        let look = message::look(&self.pool, &mut request);
        match tokio::time::timeout(SIDE_WORK_TIMEOUT, look).await {
            Ok(Ok(None)) => self.push(request, to).await,
            Ok(Ok(Some(refusal))) => to.send(&Reply::Refused { refusal }).await,
            Ok(Err(_)) | Err(_) => to.send(&Reply::Failed { message: NO_ANSWER.to_owned() }).await,
        }
    }

    async fn query(&self, message: Message, reply_to: Subject, side_work: &Arc<Semaphore>) {
        let Decoded { ask, asked } = decode_query(&message.subject, &message.payload);
        let question = match asked {
            Ok(question) => question,
            Err(refusal) => {
                tracing::warn!(subject = %message.subject, code = %refusal.code, "a query was refused at the door");
                return self.answer(reply_to, ask, QueryReply::Refused { refusal }).await;
            }
        };
        let Some(permit) = permit(side_work) else {
            let message = "too many queries at once; ask again".to_owned();
            return self.answer(reply_to, ask, QueryReply::Failed { message }).await;
        };
        let inbox = self.clone();
        tokio::spawn(async move {
            let answer = queries::answer(&inbox.pool, inbox.committed.clone(), question, inbox.now());
            let reply = tokio::time::timeout(SIDE_WORK_TIMEOUT, answer)
                .await
                .unwrap_or_else(|_| QueryReply::Failed { message: NO_ANSWER.to_owned() });
            inbox.answer(reply_to, ask, reply).await;
            drop(permit);
        });
    }

    /// The log's time, µs.
    fn now(&self) -> i64 {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).now()
    }

    async fn answer(&self, to: Subject, ask: Option<Ask>, reply: impl serde::Serialize) {
        match serde_json::to_vec(&Answer { ask, reply }) {
            Ok(body) => {
                if let Err(error) = self.client.publish(to, Bytes::from(body)).await {
                    tracing::warn!(%error, "a reply could not be sent; its sender asks again");
                }
            }
            Err(error) => tracing::error!(%error, "a reply could not be written"),
        }
    }
}

/// A subscription for each producer, read in turn: what one sends beyond what the client keeps of a subscription is
/// lost to it alone.
///
/// # Errors
/// The connection is closed.
pub async fn subscribe(
    client: &Client,
    subject: fn(Producer, &str) -> String,
) -> Result<SelectAll<Subscriber>, SubscribeError> {
    let all = Producer::ALL.map(|producer| client.subscribe(subject(producer, "*")));
    Ok(select_all(futures_util::future::try_join_all(all).await?))
}

fn permit(semaphore: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(semaphore).try_acquire_owned().ok()
}
