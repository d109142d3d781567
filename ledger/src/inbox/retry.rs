//! A dead letter of what has happened is sent again: read as if it came from its producer, and on the one way that commands go. Its id is what it was, so what
//! is done already is told and not done twice.

use proto_events::{Position, Producer, Reply, subjects};
use serde_json::json;
use tokio::sync::oneshot;

use super::decode::{Asked, decode_command};
use super::letters::may_be_sent_again;
use super::names::Names;
use super::{Inbox, NO_ANSWER, SIDE_WORK_TIMEOUT};
use crate::operations::message;
use crate::sequencer::{ReplyTo, refused};
use crate::store::{self, answered};

/// As a letter has it: the answer of what was done.
const DONE: &str = "done";

impl Inbox {
    /// What it was answered, by its code; `Failed`: nobody knows, and asking again finds out.
    pub(super) async fn retry(&self, names: &Names, letter: &str) -> Reply {
        match tokio::time::timeout(SIDE_WORK_TIMEOUT, self.try_again(names, letter)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => {
                tracing::warn!(%error, letter, "a letter can't be sent again");
                Reply::Failed { message: NO_ANSWER.to_owned() }
            }
            Err(_) => Reply::Failed { message: NO_ANSWER.to_owned() },
        }
    }

    async fn try_again(&self, names: &Names, letter: &str) -> Result<Reply, sqlx::Error> {
        let refuse = |code, why: &str| Ok(Reply::Refused { refusal: refused(code, why) });
        let Some(kept) = answered(store::letter(&self.pool, letter)).await? else {
            return refuse("letter_not_found", "there is no such letter");
        };
        match kept.state.as_str() {
            "open" => {}
            // The same press again.
            DONE => return Ok(self.told(DONE, kept.answered_position)),
            _ => return refuse("letter_closed", "this letter was dropped"),
        }
        let of = kept.producer.parse::<Producer>().ok();
        let Some(producer) = of.filter(|producer| may_be_sent_again(*producer, &kept.verb)) else {
            return refuse(
                "letter_only_seen",
                "only what has happened may be sent again, no wish and no claim",
            );
        };
        let content = answered(store::letter_content(&self.pool, letter)).await?;
        let Some(body) = content.and_then(|(_, body)| body) else {
            return refuse("letter_gone", "what the command said is not kept any more");
        };
        let reply = self.send_again(names, producer, &kept.verb, &body).await;
        let (answer, position) = match &reply {
            Reply::Done { position, .. } => {
                (DONE, Some(position.get()).filter(|_| *position != Position::ZERO))
            }
            Reply::Refused { refusal } => (refusal.code.as_str(), None),
            Reply::Busy { .. } | Reply::Failed { .. } => return Ok(reply),
        };
        answered(store::letter_answered(&self.pool, letter, answer, position, self.now())).await?;
        Ok(self.told(answer, position))
    }

    fn told(&self, answer: &str, position: Option<i64>) -> Reply {
        let result = json!({"answer": answer, "position": position});
        Reply::Done { position: Position::ZERO, events: Vec::new(), result, incarnation: self.incarnation }
    }

    async fn send_again(&self, names: &Names, producer: Producer, verb: &str, body: &str) -> Reply {
        match decode_command(names, &subjects::command(producer, verb), body.as_bytes()).asked {
            Ok(Asked::Command(request)) => {
                let (sender, receiver) = oneshot::channel();
                if message::needs_look(&request) {
                    self.look(*request, ReplyTo::Here(sender)).await;
                } else {
                    self.push(*request, ReplyTo::Here(sender)).await;
                }
                receiver.await.unwrap_or_else(|_| Reply::Failed { message: NO_ANSWER.to_owned() })
            }
            // None of these may be sent again.
            Ok(Asked::Operation(_)) => {
                Reply::Refused { refusal: refused("not_allowed", "what has no id is not sent again") }
            }
            Err(refusal) => Reply::Refused { refusal },
        }
    }
}
