//! Commands that wait: bounded, and fair between producers.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use async_nats::{Client, Subject};
use bytes::Bytes;
use proto_events::commands::Command;
use proto_events::envelope::{AccountRef, Approval, TraceId};
use proto_events::events::ActApproved;
use proto_events::{Answer, Ask, CommandId, Event, Position, Producer, Reply};
use tokio::sync::{Notify, oneshot};

use crate::inbox::{Letters, Where};

/// Commands that may wait for each producer: about 0.1 s of work at full speed, so that waiting
/// in memory never outlives a requester's patience.
pub const WAITING_MAX: usize = 4_096;

/// A command that was decoded and is allowed.
#[derive(Debug)]
pub struct Request {
    pub producer: Producer,
    pub id: CommandId,
    pub account: AccountRef,
    pub actor: String,
    /// Who else has agreed to it.
    pub approval: Option<Approval>,
    pub causation: Option<Position>,
    pub trace_id: Option<TraceId>,
    pub command: Command,
}

impl Request {
    /// Who of us wants it, by name; `None`: nobody of us.
    pub fn operator(&self) -> Option<&str> {
        self.actor.strip_prefix("operator:")
    }

    /// Who of us has agreed to it, by name.
    pub fn approver(&self) -> Option<&str> {
        self.approval.as_ref().and_then(|approval| approval.by.strip_prefix("operator:"))
    }

    /// What it makes: with the second name, where there is one.
    pub fn approved(&self, mut events: Vec<Event>) -> Vec<Event> {
        if let Some(Approval { by, reason }) = self.approval.clone() {
            events.push(ActApproved { approver: by, reason }.into());
        }
        events
    }
}

/// Where a command's reply goes.
#[derive(Debug)]
pub enum ReplyTo {
    /// To a task of the ledger's own; dropped without a reply, the task knows as much.
    Here(oneshot::Sender<Reply>),
    Nats {
        client: Client,
        subject: Subject,
        ask: Option<Ask>,
        /// The command as it came, for when it is refused.
        came: Came,
    },
}

/// A command as it came, and who keeps it if it is refused and should not be.
#[derive(Debug)]
pub struct Came {
    pub letters: Letters,
    pub subject: Subject,
    pub payload: Bytes,
}

impl ReplyTo {
    /// Nobody may be listening any more: the same command again gets the same answer.
    pub async fn send(self, reply: &Reply) {
        match self {
            Self::Here(sender) => {
                let _ = sender.send(reply.clone());
            }
            Self::Nats { client, subject, ask, came } => {
                if let Reply::Refused { refusal } = reply {
                    came.letters.refused(&came.subject, &came.payload, Where::Decision, refusal);
                }
                match serde_json::to_vec(&Answer { ask, reply }) {
                    Ok(body) => {
                        if let Err(error) = client.publish(subject, Bytes::from(body)).await {
                            tracing::warn!(%error, "a reply could not be sent; its sender asks again");
                        }
                    }
                    Err(error) => tracing::error!(%error, "a reply could not be written"),
                }
            }
        }
    }
}

pub type Waiting = (Request, ReplyTo);

#[derive(Debug, Default)]
struct Lines {
    /// One for each producer, in the order of `Producer::ALL`; money has that of payments, whoever brings it.
    lines: [VecDeque<Waiting>; Producer::ALL.len()],
    /// Whose turn is first in the next batch.
    turn: usize,
}

#[derive(Debug, Default)]
pub struct Queue {
    lines: Mutex<Lines>,
    arrived: Notify,
}

/// Whose line it waits in. What a payment brings goes with the payments: Stars are paid in Telegram, and must not
/// wait behind its messages. A person who only asks for a payment is one of the crowd.
fn line(request: &Request) -> Producer {
    let asks = matches!(request.command, Command::TopupOpen(_));
    if request.command.rail().is_some() && !asks { Producer::Payments } else { request.producer }
}

/// The line is full: nothing was queued.
#[derive(Debug)]
pub struct Full(pub Box<Waiting>);

impl Queue {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        // A panic while the lock was held leaves whole requests in whole lines.
        self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// # Errors
    /// Its line is full.
    pub fn push(&self, waiting: Waiting) -> Result<(), Full> {
        let line = line(&waiting.0);
        let index = Producer::ALL.iter().position(|p| *p == line).unwrap_or(0);
        let mut lines = self.lines();
        if lines.lines[index].len() >= WAITING_MAX {
            return Err(Full(Box::new(waiting)));
        }
        lines.lines[index].push_back(waiting);
        drop(lines);
        self.arrived.notify_one();
        Ok(())
    }

    /// Up to `max` commands, one from each producer in turn, as soon as `min` wait.
    pub async fn take(&self, min: usize, max: usize) -> Vec<Waiting> {
        loop {
            if self.len() >= min.max(1) {
                return self.take_now(max);
            }
            self.arrived.notified().await;
        }
    }

    /// Commands that wait.
    pub fn len(&self) -> usize {
        self.lines().lines.iter().map(VecDeque::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take_now(&self, max: usize) -> Vec<Waiting> {
        let mut lines = self.lines();
        let count = lines.lines.len();
        let mut batch = Vec::new();
        let mut empty = 0;
        while batch.len() < max && empty < count {
            let turn = lines.turn;
            lines.turn = (turn + 1) % count;
            match lines.lines[turn].pop_front() {
                Some(waiting) => {
                    batch.push(waiting);
                    empty = 0;
                }
                None => empty += 1,
            }
        }
        batch
    }

    /// Everything that waits, when leadership is lost.
    pub fn drain(&self) -> Vec<Waiting> {
        self.lines().lines.iter_mut().flat_map(std::mem::take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto_events::commands::{ChatContext, PaymentSettle, ReservationExpire, TopupOpen};
    use proto_events::{AccountId, Currency, GenerationId, Money, PaymentId, Rail, ReservationId, Text};

    fn request(producer: Producer, n: usize) -> Waiting {
        let id = CommandId::new(format!("c{n}")).unwrap();
        let generation = GenerationId::derive(AccountId::random(), producer, &id);
        asking(producer, id, ReservationExpire { reservation: ReservationId::of(generation) })
    }

    fn asking(producer: Producer, id: CommandId, command: impl Into<Command>) -> Waiting {
        let command = command.into();
        let account = AccountRef::Telegram(1);
        let request = Request {
            producer,
            id,
            account,
            actor: "system".into(),
            approval: None,
            causation: None,
            trace_id: None,
            command,
        };
        (request, ReplyTo::Here(oneshot::channel().0))
    }

    #[tokio::test]
    async fn a_flood_of_one_producer_does_not_starve_another() {
        let queue = Queue::default();
        for n in 0..100 {
            queue.push(request(Producer::Telegram, n)).unwrap();
        }
        queue.push(request(Producer::Payments, 0)).unwrap();
        let batch = queue.take(1, 4).await;
        assert!(batch.iter().any(|(r, _)| r.producer == Producer::Payments));
        assert_eq!(batch.len(), 4);
    }

    #[test]
    fn what_a_payment_brings_waits_with_the_payments_whoever_brings_it() {
        let queue = Queue::default();
        for n in 0..WAITING_MAX {
            queue.push(request(Producer::Telegram, n)).unwrap();
        }
        let id = |text: &str| CommandId::new(text).unwrap();
        let settle = PaymentSettle {
            payment: PaymentId::derive(AccountId::random(), Producer::Telegram, &id("t")),
            rail: Rail::Stars,
            provider_payment_id: Text::lossy("charge"),
            amount: Money::new(50, Currency::Xtr).unwrap(),
            net: None,
            test: false,
            paid_at: None,
            context: None,
        };
        queue.push(asking(Producer::Telegram, id("settle:stars:charge"), settle)).unwrap();
        let context = ChatContext { chat: 1, message: 1, status_message: None };
        let open = TopupOpen {
            package: Text::lossy("stars-50"),
            rail: Rail::Stars,
            context,
            email: None,
            method: None,
        };
        assert!(queue.push(asking(Producer::Telegram, id("topup"), open)).is_err(), "it is one of the crowd");
        let next = queue.take_now(2);
        assert!(next.iter().any(|(r, _)| matches!(r.command, Command::PaymentSettle(_))), "{next:?}");
    }

    #[test]
    fn a_full_line_refuses_and_others_still_take() {
        let queue = Queue::default();
        for n in 0..WAITING_MAX {
            queue.push(request(Producer::Telegram, n)).unwrap();
        }
        assert!(queue.push(request(Producer::Telegram, 0)).is_err());
        assert!(queue.push(request(Producer::Payments, 0)).is_ok());
        assert_eq!(queue.drain().len(), WAITING_MAX + 1);
    }
}
