//! A nats-server with a configuration, EVT with its consumers, and a ledger that answers.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, stream};
use async_nats::{Client, Message, Subscriber};
use futures_util::{StreamExt as _, stream::select_all};
use proto_events::subjects::EVT_STREAM;
use service::nats::NatsConfig;
use tokio::time::{Instant, sleep, timeout};
use xtask::machine::{Nats, Scratch, paths};

/// Longer than anything takes that is to happen.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// How long something is waited for that is not to happen: the server has answered what was sent
/// after it, so only hand-overs inside the server and the ledger are still under way.
const SETTLE: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(20);

pub const ADAPTERS: [&str; 3] = ["telegram", "payments", "generator"];
/// An event of this type is shown to the adapter whose name it bears.
pub const EVENT: &[u8] = b"{}";
/// The verb of the command that tells that all before it has arrived.
pub const MARKER: &str = "marker";
const ANSWER: &str = r#"{"status":"busy","retry_after_ms":1}"#;

/// Something that reached the ledger where it listens for commands and queries.
#[derive(Debug, Clone)]
pub struct Heard {
    pub subject: String,
    pub reply: Option<String>,
}

pub struct World {
    pub nats: Nats,
    pub ledger: Client,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// How long to wait for what an attack does: in a control it is sure to come, and may take its time.
    patience: Duration,
    _conf: Option<Scratch>,
}

impl World {
    /// As the system runs.
    pub async fn apart() -> Self {
        Self::start(paths::root().join("nats.conf"), SETTLE, None).await
    }

    /// As the system runs, on a server that uses the second form of acks and of flow control.
    pub async fn apart_with_second_acks() -> Self {
        let scratch = Scratch::new("nats-conf").unwrap();
        let conf = std::fs::read_to_string(paths::root().join("nats.conf")).unwrap();
        let path = scratch.path().join("nats.conf");
        std::fs::write(&path, conf + "\nfeature_flags { js_ack_fc_v2: true }\n").unwrap();
        Self::start(path, SETTLE, Some(scratch)).await
    }

    /// A control: a configuration beside this file.
    pub async fn control(conf: &str) -> Self {
        Self::start(paths::root().join("e2e/tests/nats").join(conf), PATIENCE, None).await
    }

    async fn start(path: PathBuf, patience: Duration, conf: Option<Scratch>) -> Self {
        let nats = tokio::task::spawn_blocking(move || Nats::start_temporary(&path, &[])).await;
        let nats = nats.expect("no panic").expect("nats-server starts");
        let ledger = connect(&nats, "ledger").await;
        let heard = Arc::default();
        answer(&ledger, Arc::clone(&heard)).await;
        // After it, for its answers tell that the server knows of the subscriptions too.
        provision(&ledger).await;
        Self { nats, ledger, heard, patience, _conf: conf }
    }

    pub async fn connect(&self, user: &str) -> Client {
        connect(&self.nats, user).await
    }

    /// The ledger publishes an event that this adapter's consumer is shown.
    pub async fn publish_for(&self, adapter: &str) {
        let publish = self.jetstream().publish(event_for(adapter), EVENT.into()).await.unwrap();
        publish.await.expect("EVT takes it");
    }

    pub fn jetstream(&self) -> jetstream::Context {
        jetstream::new(self.ledger.clone())
    }

    /// Messages in EVT; None: there is no EVT.
    pub async fn events(&self) -> Option<u64> {
        let evt = self.jetstream().get_stream(EVT_STREAM).await.ok()?;
        Some(evt.cached_info().state.messages)
    }

    /// What EVT's consumer of this name has handed out and not got acknowledged; None: there is none.
    pub async fn in_hand(&self, consumer: &str) -> Option<usize> {
        let evt = self.jetstream().get_stream(EVT_STREAM).await.ok()?;
        Some(evt.consumer_info(consumer).await.ok()?.num_ack_pending)
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    pub fn heard_on(&self, subject: &str) -> bool {
        self.heard().iter().any(|h| h.subject == subject)
    }

    /// What the server refused to whom, by its log.
    pub fn refusals(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.nats.log()).unwrap();
        log.lines().filter(|line| line.contains("Violation")).map(String::from).collect()
    }

    /// After this, everything that this client sent before has reached the server.
    pub async fn settle(&self, client: &Client, adapter: &str) {
        client
            .request(format!("cmd.ledger.{adapter}.{MARKER}"), "".into())
            .await
            .expect("the ledger answers");
    }

    /// Does an attack do this?
    pub async fn happens(&self, so: impl AsyncFnMut() -> bool) -> bool {
        within(self.patience, so).await
    }

    /// Does an attack bring such a message?
    pub async fn brings(&self, to: &mut Subscriber, such: impl Fn(&Message) -> bool) -> bool {
        let brought = async { while !such(&next(to).await) {} };
        timeout(self.patience, brought).await.is_ok()
    }
}

pub fn event_for(adapter: &str) -> String {
    format!("evt.ledger.0.For_{adapter}.00000000-0000-4000-8000-000000000001")
}

pub async fn connect(nats: &Nats, user: &str) -> Client {
    let config = NatsConfig { url: nats.url(), seed_file: nats.seed_file(user) };
    service::nats::connect(&config, user).await.expect("the user is let in")
}

/// Does it become so?
pub async fn becomes(so: impl AsyncFnMut() -> bool) -> bool {
    within(PATIENCE, so).await
}

async fn within(patience: Duration, mut so: impl AsyncFnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if so().await {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        sleep(LOOK).await;
    }
}

/// The next message that comes, as it should.
pub async fn comes(to: &mut Subscriber) -> Message {
    timeout(PATIENCE, next(to)).await.expect("it comes")
}

/// The next message that is not just a status.
async fn next(from: &mut Subscriber) -> Message {
    loop {
        match from.next().await {
            Some(message) if message.status.is_none() => return message,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}

/// EVT and the adapters' consumers, in the shape that the ledger gives them.
async fn provision(ledger: &Client) {
    let config = stream::Config {
        name: EVT_STREAM.into(),
        subjects: vec!["evt.ledger.>".into()],
        allow_direct: true,
        ..stream::Config::default()
    };
    let evt = jetstream::new(ledger.clone()).create_stream(config).await.expect("EVT is made");
    for adapter in ADAPTERS {
        let config = pull::Config {
            durable_name: Some(adapter.into()),
            ack_policy: AckPolicy::Explicit,
            filter_subject: format!("evt.ledger.*.For_{adapter}.*"),
            ..pull::Config::default()
        };
        evt.create_consumer(config).await.expect("the consumer is made");
    }
}

/// As the ledger's inbox does it: hears everything, answers to the reply subject it is given.
async fn answer(ledger: &Client, heard: Arc<Mutex<Vec<Heard>>>) {
    let (commands, queries) =
        (ledger.subscribe("cmd.ledger.>").await, ledger.subscribe("qry.ledger.>").await);
    let mut all = select_all([commands.unwrap(), queries.unwrap()]);
    let ledger = ledger.clone();
    tokio::spawn(async move {
        while let Some(Message { subject, reply, .. }) = all.next().await {
            heard
                .lock()
                .unwrap()
                .push(Heard { subject: subject.to_string(), reply: reply.as_ref().map(ToString::to_string) });
            if let Some(reply) = reply {
                ledger.publish(reply, ANSWER.into()).await.unwrap();
            }
        }
    });
}
