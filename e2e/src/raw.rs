//! Commands as they stand on the wire, as any other program would send them; also those of the console
//! and of the ledger itself, which come from the ledger's zone of NATS.

use std::time::{Duration, Instant};

use async_nats::Client;
use proto_events::{Producer, subjects};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::stage::{PATIENCE, Stage};

/// Between two tries while nobody answers.
const AGAIN: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub struct Raw {
    rt: Handle,
    clients: Vec<(Producer, Client)>,
}

/// The account of a person in Telegram.
pub fn person(user: i64) -> Value {
    json!({"telegram": user})
}

/// An account by its id.
pub fn of(account: impl serde::Serialize) -> Value {
    json!({"id": account})
}

impl Raw {
    pub fn new(stage: &Stage) -> Self {
        let client = |producer: Producer| match producer {
            // It has no zone of its own.
            Producer::Console => (producer, stage.client("ledger")),
            _ => (producer, stage.client(producer.as_str())),
        };
        Self { rt: stage.rt.handle().clone(), clients: Producer::ALL.map(client).to_vec() }
    }

    /// Until it is answered, as a producer does; its answer.
    pub async fn ask(&self, producer: Producer, verb: &str, id: &str, account: Value, body: Value) -> Value {
        let mut envelope = json!({"id": id, "account": account, "body": body});
        if producer == Producer::Console {
            envelope["actor"] = "operator:ada".into();
        }
        self.ask_with(producer, verb, envelope).await
    }

    /// The same with the whole envelope.
    pub async fn ask_with(&self, producer: Producer, verb: &str, envelope: Value) -> Value {
        let (_, client) = self
            .clients
            .iter()
            .find(|(p, _)| *p == producer)
            .expect("a client was made for each of Producer::ALL");
        let (subject, end) = (subjects::command(producer, verb), Instant::now() + PATIENCE);
        loop {
            if let Ok(answer) = client.request(subject.clone(), envelope.to_string().into()).await {
                let reply: Value = serde_json::from_slice(&answer.payload)
                    .unwrap_or_else(|error| panic!("{subject} should be answered in JSON: {error}"));
                if reply["status"] == "done" || reply["status"] == "refused" {
                    return reply;
                }
            }
            assert!(Instant::now() < end, "nobody answers {subject}");
            tokio::time::sleep(AGAIN).await;
        }
    }

    pub fn send(&self, producer: Producer, verb: &str, id: &str, account: Value, body: Value) -> Value {
        self.rt.block_on(self.ask(producer, verb, id, account, body))
    }

    /// The types of the events it made.
    pub fn done(&self, producer: Producer, verb: &str, id: &str, account: Value, body: Value) -> Vec<String> {
        let reply = self.send(producer, verb, id, account, body);
        assert_eq!(reply["status"], "done", "{verb}: {reply}");
        types(&reply)
    }

    /// The code it was refused with.
    pub fn refused(&self, producer: Producer, verb: &str, id: &str, account: Value, body: Value) -> String {
        let reply = self.send(producer, verb, id, account, body);
        assert_eq!(reply["status"], "refused", "{verb}: {reply}");
        reply["refusal"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("a refusal should have a code: {reply}"))
            .to_owned()
    }

    /// The types of the events that an operator's act made.
    pub fn operator(&self, verb: &str, id: &str, account: Value, body: Value) -> Vec<String> {
        self.done(Producer::Console, verb, id, account, body)
    }
}

/// The types of the events of an answer.
pub fn types(reply: &Value) -> Vec<String> {
    let events = reply["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    events.iter().filter_map(|event| event["type"].as_str()).map(str::to_owned).collect()
}
