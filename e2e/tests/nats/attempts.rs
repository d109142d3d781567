//! What an adapter might simply try.

use async_nats::jetstream;
use async_nats::{Client, HeaderMap};
use futures_util::StreamExt as _;
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use serde_json::json;

use super::world::{EVENT, World, event_for};

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

type Try = for<'a> fn(&'a Attempt<'a>) -> LocalBoxFuture<'a, bool>;

/// All of them, the most destructive last.
const ALL: [(&str, Try); 13] = [
    ("send a command as another", |a| a.command_of_another().boxed_local()),
    ("send a query as another", |a| a.query_of_another().boxed_local()),
    ("have a trace sent as a command of another", |a| a.trace_as_command().boxed_local()),
    ("publish an event", |a| a.event().boxed_local()),
    ("hear commands", |a| a.hears(|_| "cmd.ledger.>".into()).boxed_local()),
    ("hear everything", |a| a.hears(|_| ">".into()).boxed_local()),
    ("hear events", |a| a.hears(|_| "evt.ledger.>".into()).boxed_local()),
    ("hear another's answers", |a| a.hears(|victim| format!("_INBOX_{victim}.>")).boxed_local()),
    ("read the stream", |a| a.read_stream().boxed_local()),
    ("pull another's consumer", |a| a.pull_of_another().boxed_local()),
    ("ack another's event", |a| a.ack_of_another().boxed_local()),
    ("make a consumer", |a| a.make_consumer().boxed_local()),
    ("delete the stream", |a| a.delete_stream().boxed_local()),
];

impl Attempt<'_> {
    async fn publish(&self, subject: &str, payload: &'static str) {
        self.client.publish(subject.to_owned(), payload.into()).await.unwrap();
        self.world.settle(&self.client, self.name).await;
    }

    /// Asks JetStream's API on both ways that lead to it; true if an answer is such.
    async fn api(&self, call: &str, payload: String, such: impl Fn(&[u8]) -> bool) -> bool {
        for prefix in ["$JS.API", "core.JS.API"] {
            let inbox = self.client.new_inbox();
            let mut answers = self.client.subscribe(inbox.clone()).await.unwrap();
            let subject = format!("{prefix}.{call}");
            self.client.publish_with_reply(subject, inbox, payload.clone().into()).await.unwrap();
            if self.world.brings(&mut answers, |answer| such(&answer.payload)).await {
                return true;
            }
        }
        false
    }

    async fn is_heard(&self, subject: &str) -> bool {
        self.world.happens(async || self.world.heard_on(subject)).await
    }

    async fn command_of_another(&self) -> bool {
        let subject = format!("cmd.ledger.{}.payment_settle", self.victim);
        self.publish(&subject, "{}").await;
        self.is_heard(&subject).await
    }

    async fn query_of_another(&self) -> bool {
        let subject = format!("qry.ledger.{}.payments_open", self.victim);
        self.publish(&subject, "{}").await;
        self.is_heard(&subject).await
    }

    async fn trace_as_command(&self) -> bool {
        let forged = format!("cmd.ledger.{}.traced", self.victim);
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Trace-Dest", forged.as_str());
        let own = format!("cmd.ledger.{}.harmless", self.name);
        self.client.publish_with_headers(own, headers, "{}".into()).await.unwrap();
        self.world.settle(&self.client, self.name).await;
        self.is_heard(&forged).await
    }

    async fn event(&self) -> bool {
        let before = self.world.events().await;
        self.publish(&event_for(self.victim), "{}").await;
        self.world.happens(async || self.world.events().await > before).await
    }

    /// Listens while the victim asks and the ledger answers and publishes; own answers do not count.
    async fn hears(&self, subject: impl Fn(&str) -> String) -> bool {
        let mut ear = self.client.subscribe(subject(self.victim)).await.unwrap();
        self.world.settle(&self.client, self.name).await;
        let victim = self.world.connect(self.victim).await;
        self.world.settle(&victim, self.victim).await;
        self.world.publish_for(self.victim).await;
        self.world.brings(&mut ear, |message| !message.subject.contains(self.name)).await
    }

    async fn read_stream(&self) -> bool {
        self.world.publish_for(self.victim).await;
        let last = json!({"last_by_subj": event_for(self.victim)}).to_string();
        let direct = format!("DIRECT.GET.EVT.{}", event_for(self.victim));
        self.api("STREAM.MSG.GET.EVT", last, |p| contains(p, b"\"message\"")).await
            || self.api(&direct, String::new(), |p| p == EVENT).await
    }

    async fn pull_of_another(&self) -> bool {
        self.world.publish_for(self.victim).await;
        let next = format!("CONSUMER.MSG.NEXT.EVT.{}", self.victim);
        self.api(&next, "1".into(), |p| p == EVENT).await || self.world.in_hand(self.victim).await != Some(0)
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
        self.world.happens(async || self.world.in_hand(self.victim).await.unwrap() < before).await
    }

    async fn make_consumer(&self) -> bool {
        let consumer = json!({"durable_name": "spy", "ack_policy": "none", "deliver_policy": "all"});
        let body = json!({"stream_name": "EVT", "config": consumer}).to_string();
        let made = |p: &[u8]| !contains(p, b"\"error\"");
        self.api("CONSUMER.CREATE.EVT.spy", body.clone(), made).await
            || self.api("CONSUMER.DURABLE.CREATE.EVT.spy", body, made).await
            || self.world.in_hand("spy").await.is_some()
    }

    async fn delete_stream(&self) -> bool {
        self.api("STREAM.DELETE.EVT", String::new(), |_| true).await || self.world.events().await.is_none()
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
