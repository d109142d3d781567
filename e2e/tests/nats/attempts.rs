//! What an adapter might simply try.

use async_nats::jetstream;
use async_nats::{Client, HeaderMap};
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use serde_json::json;

use super::world::{EVENT, World, catch, event_for};

/// Everything tried on this world by this adapter, and whether it worked.
pub async fn all(world: &World, name: &'static str, victim: &'static str) -> Vec<(String, bool)> {
    let attempt = Attempt { world, client: world.connect(name).await, name, victim };
    let mut tried = Vec::new();
    for (what, run) in ALL {
        tried.push((format!("{name}: {what}"), run(&attempt).await));
    }
    tried
}

struct Attempt<'a> {
    world: &'a World,
    client: Client,
    name: &'static str,
    victim: &'static str,
}

type Try = for<'a> fn(&'a Attempt<'a>) -> BoxFuture<'a, bool>;

/// All of them, the most destructive last.
const ALL: [(&str, Try); 13] = [
    ("send a command as another", |a| a.command_of_another().boxed()),
    ("send a query as another", |a| a.query_of_another().boxed()),
    ("have a trace sent as a command of another", |a| a.trace_as_command().boxed()),
    ("publish an event", |a| a.event().boxed()),
    ("hear commands", |a| a.hears(|_| "cmd.ledger.>".into()).boxed()),
    ("hear everything", |a| a.hears(|_| ">".into()).boxed()),
    ("hear events", |a| a.hears(|_| "evt.ledger.>".into()).boxed()),
    ("hear another's answers", |a| a.hears(|victim| format!("_INBOX_{victim}.>")).boxed()),
    ("read the stream", |a| a.read_stream().boxed()),
    ("pull another's consumer", |a| a.pull_of_another().boxed()),
    ("ack another's event", |a| a.ack_of_another().boxed()),
    ("make a consumer", |a| a.make_consumer().boxed()),
    ("delete the stream", |a| a.delete_stream().boxed()),
];

impl Attempt<'_> {
    async fn publish(&self, subject: &str, payload: &'static str) {
        self.client.publish(subject.to_owned(), payload.into()).await.unwrap();
        self.world.settle(&self.client, self.name).await;
    }

    /// Asks JetStream's API on both ways that lead to it; true if any answer has what `good` looks for.
    async fn api(&self, call: &str, payload: String, good: impl Fn(&[u8]) -> bool) -> bool {
        let mut worked = false;
        for prefix in ["$JS.API", "core.JS.API"] {
            let inbox = self.client.new_inbox();
            let mut answers = self.client.subscribe(inbox.clone()).await.unwrap();
            let subject = format!("{prefix}.{call}");
            self.client.publish_with_reply(subject, inbox, payload.clone().into()).await.unwrap();
            worked |= catch(&mut answers).await.is_some_and(|answer| good(&answer.payload));
        }
        worked
    }

    async fn command_of_another(&self) -> bool {
        let subject = format!("cmd.ledger.{}.payment_settle", self.victim);
        self.publish(&subject, "{}").await;
        self.world.heard_on(&subject)
    }

    async fn query_of_another(&self) -> bool {
        let subject = format!("qry.ledger.{}.payments_open", self.victim);
        self.publish(&subject, "{}").await;
        self.world.heard_on(&subject)
    }

    async fn trace_as_command(&self) -> bool {
        let forged = format!("cmd.ledger.{}.traced", self.victim);
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Trace-Dest", forged.as_str());
        let own = format!("cmd.ledger.{}.harmless", self.name);
        self.client.publish_with_headers(own, headers, "{}".into()).await.unwrap();
        self.world.settle(&self.client, self.name).await;
        self.world.heard_on(&forged)
    }

    async fn event(&self) -> bool {
        let before = self.world.events().await;
        self.publish(&event_for(self.victim), "{}").await;
        self.world.events().await > before
    }

    /// Listens while the victim asks and the ledger answers and publishes; own answers do not count.
    async fn hears(&self, subject: impl Fn(&str) -> String) -> bool {
        let mut ear = self.client.subscribe(subject(self.victim)).await.unwrap();
        self.client.flush().await.unwrap();
        let victim = self.world.connect(self.victim).await;
        self.world.settle(&victim, self.victim).await;
        self.world.publish_for(self.victim).await;
        catch(&mut ear).await.is_some()
    }

    async fn read_stream(&self) -> bool {
        self.world.publish_for(self.victim).await;
        let by_seq = json!({"last_by_subj": event_for(self.victim)}).to_string();
        let raw = self.api("STREAM.MSG.GET.EVT", by_seq, |p| contains(p, b"\"message\"")).await;
        let direct = format!("DIRECT.GET.EVT.{}", event_for(self.victim));
        self.api(&direct, String::new(), |p| p == EVENT).await || raw
    }

    async fn pull_of_another(&self) -> bool {
        self.world.publish_for(self.victim).await;
        let before = self.world.in_hand(self.victim).await;
        let next = format!("CONSUMER.MSG.NEXT.EVT.{}", self.victim);
        let got = self.api(&next, "1".into(), |p| p == EVENT).await;
        got || self.world.in_hand(self.victim).await > before
    }

    /// The event is then never shown to the victim again.
    async fn ack_of_another(&self) -> bool {
        self.world.publish_for(self.victim).await;
        let evt = self.world.jetstream().get_stream("EVT").await.unwrap();
        let consumer: jetstream::consumer::PullConsumer = evt.get_consumer(self.victim).await.unwrap();
        let mut batch = consumer.fetch().max_messages(1).messages().await.unwrap();
        let message = batch.next().await.unwrap().unwrap();
        let before = self.world.in_hand(self.victim).await.unwrap();
        self.publish(message.reply.as_ref().unwrap().as_str(), "+ACK").await;
        self.world.in_hand(self.victim).await.unwrap() < before
    }

    async fn make_consumer(&self) -> bool {
        let consumer = json!({"durable_name": "spy", "ack_policy": "none", "deliver_policy": "all"});
        let body = json!({"stream_name": "EVT", "config": consumer}).to_string();
        let made = self.api("CONSUMER.CREATE.EVT.spy", body.clone(), |p| !contains(p, b"\"error\"")).await;
        let durable = self.api("CONSUMER.DURABLE.CREATE.EVT.spy", body, |p| !contains(p, b"\"error\"")).await;
        made || durable || self.world.in_hand("spy").await.is_some()
    }

    async fn delete_stream(&self) -> bool {
        self.api("STREAM.DELETE.EVT", String::new(), |_| true).await || self.world.events().await.is_none()
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
