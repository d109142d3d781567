//! The way into the stream: publishes consecutive events, and asks for few answers.
//!
//! Each message names the one before it, so the server takes a message only if it has taken all
//! before it: one answer tells of the whole chain that ends with it, and after the first refusal
//! everything is refused. So an answer is asked for at every [`ASK_EVERY`]-th message and at the last
//! at hand. The answers come to one inbox of this pipe alone: a late one of an earlier pipe is
//! never taken for one of this.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{Client, HeaderMap, Message, StatusCode, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _};
use proto_events::subjects;

use super::RelayError;
use super::place::Place;
use crate::tail::Entry;

/// Answers cost the server and the relay about as much as the messages.
const ASK_EVERY: i64 = 64;
/// Messages not known to be taken: each is about 1 kB, in the client's and the server's memory.
const IN_FLIGHT_MAX: i64 = 2_048;
/// An answer takes a millisecond; without one for this long something is lost.
const ANSWER: Duration = Duration::from_secs(5);

const MSG_ID: &str = "Nats-Msg-Id";
const EXPECTED_LAST_MSG_ID: &str = "Nats-Expected-Last-Msg-Id";
const EXPECTED_LAST_SEQUENCE: &str = "Nats-Expected-Last-Sequence";

pub(super) struct Pipe {
    client: Client,
    inbox: String,
    answers: Subscriber,
    incarnation: i64,
    /// Where the next message goes.
    place: Place,
    /// Positions at which an answer was asked for, oldest first.
    asked: VecDeque<i64>,
    /// The last position that the stream is known to hold.
    taken: i64,
}

impl Pipe {
    pub(super) async fn open(client: &Client, incarnation: i64, place: Place) -> Result<Self, RelayError> {
        let inbox = client.new_inbox();
        let answers = client.subscribe(inbox.clone()).await.map_err(away)?;
        let (client, asked, taken) = (client.clone(), VecDeque::new(), place.after);
        Ok(Self { client, inbox, answers, incarnation, place, asked, taken })
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// The last position that the stream is known to hold.
    pub(super) fn taken(&self) -> i64 {
        self.taken
    }

    /// Publishes what follows the last event. After an error the stream holds a beginning of it.
    pub(super) async fn publish(&mut self, entries: &[Arc<Entry>]) -> Result<(), RelayError> {
        for (index, row) in entries.iter().map(|entry| &entry.row).enumerate() {
            fail::fail_point!("ledger.relay.before_publish");
            let subject = subjects::event(row.account(), &row.event_type);
            let headers = headers(row.position, self.place);
            let body = row.published_json(self.incarnation)?.into();
            let last = index + 1 == entries.len();
            if last || row.position % ASK_EVERY == 0 {
                let inbox = self.inbox.clone();
                let sent = self.client.publish_with_reply_and_headers(subject, inbox, headers, body).await;
                sent.map_err(away)?;
                self.asked.push_back(row.position);
            } else {
                self.client.publish_with_headers(subject, headers, body).await.map_err(away)?;
            }
            self.place = Place { after: row.position, empty: false };
            while self.place.after - self.taken >= IN_FLIGHT_MAX {
                self.hear().await?;
            }
        }
        // What has come by now, without waiting.
        while !self.asked.is_empty()
            && let Some(answer) = self.answers.next().now_or_never()
        {
            self.judge(answer)?;
        }
        Ok(())
    }

    /// Waits until everything published is known to be taken.
    pub(super) async fn settle(&mut self) -> Result<(), RelayError> {
        while !self.asked.is_empty() {
            self.hear().await?;
        }
        Ok(())
    }

    async fn hear(&mut self) -> Result<(), RelayError> {
        let answer = tokio::time::timeout(ANSWER, self.answers.next()).await;
        self.judge(answer.map_err(|_| RelayError::Away(format!("no answer for {ANSWER:?}")))?)
    }

    fn judge(&mut self, answer: Option<Message>) -> Result<(), RelayError> {
        let Some(answer) = answer else { return Err(RelayError::Away("the connection ended".to_owned())) };
        let Some(position) = self.asked.pop_front() else {
            return Err(RelayError::Moved("an answer that was not asked for".to_owned()));
        };
        let sequence = sequence_of(&answer)?;
        // Invariant: a message's sequence is its position.
        if i64::try_from(sequence) != Ok(position) {
            return Err(RelayError::Foreign { position });
        }
        metrics::counter!("ledger_relay_published_total").increment(position.abs_diff(self.taken));
        self.taken = position;
        fail::fail_point!("ledger.relay.published");
        Ok(())
    }
}

fn away(error: impl std::fmt::Display) -> RelayError {
    RelayError::Away(error.to_string())
}

fn headers(position: i64, place: Place) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(MSG_ID, position.to_string().as_str());
    // An empty stream has no last id to expect, only a last sequence: which is the position, too.
    let expected = if place.empty { EXPECTED_LAST_SEQUENCE } else { EXPECTED_LAST_MSG_ID };
    headers.insert(expected, place.after.to_string().as_str());
    headers
}

fn sequence_of(answer: &Message) -> Result<u64, RelayError> {
    if answer.status == Some(StatusCode::NO_RESPONDERS) {
        return Err(RelayError::NoStream);
    }
    match serde_json::from_slice::<Response<PublishAck>>(&answer.payload).map_err(away)? {
        Response::Ok(ack) => Ok(ack.sequence),
        Response::Err { error } => Err(match error.error_code() {
            ErrorCode::STREAM_WRONG_LAST_MESSAGE_ID | ErrorCode::STREAM_WRONG_LAST_SEQUENCE => {
                RelayError::Moved(error.to_string())
            }
            ErrorCode::STREAM_NOT_FOUND => RelayError::NoStream,
            _ => RelayError::Away(error.to_string()),
        }),
    }
}
