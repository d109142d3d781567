//! What one trust zone can do to another over a real nats-server, and what it can't.
//!
//! Each attack also runs against a control configuration, where it must succeed: without that, a test
//! that passes would prove nothing.

#[path = "nats/attempts.rs"]
mod attempts;
#[path = "nats/forging.rs"]
mod forging;
#[path = "nats/media.rs"]
mod media;
#[path = "nats/standing.rs"]
mod standing;
#[path = "nats/world.rs"]
mod world;

use std::io::Write;
use std::sync::Mutex;

use async_nats::ConnectOptions;
use async_nats::jetstream::{self, AckKind, consumer::PullConsumer};
use futures_util::{StreamExt as _, future::join_all};
use proto_events::subjects::{EVT_STREAM, JS_PREFIX};
use world::{ADAPTERS, EVENT, MARKER, World, becomes};
use xtask::machine::{Keys, Scratch};

/// Each adapter, and another that it would be.
const PAIRS: [(&str, &str); 3] =
    [("telegram", "payments"), ("payments", "telegram"), ("generator", "payments")];

#[tokio::test(flavor = "multi_thread")]
async fn the_server_starts_without_warnings() {
    let world = World::apart().await;
    let log = std::fs::read_to_string(world.nats.log()).unwrap();
    let warns = |line: &&str| ["[WRN]", "[ERR]", "[FTL]"].iter().any(|level| line.contains(level));
    // Whoever waits for it may have asked too early whether it is ready.
    let complaints: Vec<_> =
        log.lines().filter(warns).filter(|line| !line.contains("Healthcheck failed")).collect();
    assert!(log.contains("Server is ready"), "{log}");
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_adapter_asks_the_ledger_and_works_through_its_own_consumer() {
    work(&World::apart().await, "$JS.ACK.EVT.").await;
    work(&World::apart_with_second_acks().await, "$JS.ACK._.").await;
}

async fn work(world: &World, acks: &str) {
    for adapter in ADAPTERS {
        let client = world.connect(adapter).await;
        for subject in [format!("cmd.ledger.{adapter}.x"), format!("qry.ledger.{adapter}.y")] {
            let answer = client.request(subject.clone(), "{}".into()).await.unwrap();
            assert!(answer.payload.starts_with(b"{\"status\""), "{subject}");
            let heard = world.heard().into_iter().find(|h| h.subject == subject).unwrap();
            assert!(heard.reply.unwrap().starts_with("_R_."), "{subject}: replies are the server's to route");
        }

        for _ in 0..3 {
            world.publish_for(adapter).await;
        }
        let context = jetstream::with_prefix(client, JS_PREFIX);
        let consumer: PullConsumer = context.get_consumer_from_stream(adapter, EVT_STREAM).await.unwrap();
        let mut batch = consumer.batch().max_messages(3).messages().await.unwrap();
        for kind in [AckKind::Ack, AckKind::Progress, AckKind::Nak(None)] {
            let message = batch.next().await.unwrap().unwrap();
            assert_eq!(message.payload, EVENT);
            let ack = message.reply.as_ref().unwrap().as_str();
            assert!(ack.starts_with(acks), "{ack}");
            message.double_ack_with(kind).await.unwrap();
        }
        let mut again = consumer.batch().max_messages(1).messages().await.unwrap();
        let message = again.next().await.unwrap().unwrap();
        assert_eq!(message.info().unwrap().delivered, 2, "what was put back comes again");
        message.double_ack().await.unwrap();
        assert_eq!(world.in_hand(adapter).await, Some(1), "one is still being worked on");
    }
    assert_eq!(world.refusals(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn forging_fails_between_accounts() {
    let attacks = join_all(PAIRS.map(async |(name, victim)| {
        let world = World::apart().await;
        let attacks = forging::all(&world, name, victim).await;
        let spoken = [forging::ASKED, MARKER].map(|verb| format!("cmd.ledger.{name}.{verb}"));
        assert!(world.heard().iter().all(|h| spoken.contains(&h.subject)), "{:?}", world.heard());
        attacks
    }));
    assert_all(attacks.await, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn control_forging_succeeds_inside_one_account() {
    let attacks = join_all(PAIRS.map(async |(name, victim)| {
        let world = World::control("one_account.conf").await;
        forging::all(&world, name, victim).await
    }));
    assert_all(attacks.await, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_attempts_fail() {
    let tried = join_all(PAIRS.map(async |(name, victim)| {
        let world = World::apart().await;
        attempts::all(&world, name, victim).await
    }));
    assert_all(tried.await, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn control_plain_attempts_succeed_without_permissions() {
    let tried = join_all(PAIRS.map(async |(name, victim)| {
        let world = World::control("no_permissions.conf").await;
        attempts::all(&world, name, victim).await
    }));
    assert_all(tried.await, true);
}

/// Every single one went this way.
fn assert_all(outcomes: Vec<Vec<(String, bool)>>, succeeds: bool) {
    let outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
    let others: Vec<_> = outcomes.iter().filter(|(_, succeeded)| *succeeded != succeeds).collect();
    assert!(
        others.is_empty(),
        "of {} should {}succeed: {others:#?}",
        outcomes.len(),
        if succeeds { "" } else { "not " }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_right_key() {
    let world = World::apart().await;
    let url = world.nats.url();
    let strangers = Scratch::new("strangers").unwrap();
    let strange = Keys::open(strangers.path()).unwrap().seed_file("telegram");
    let seed = |path| std::fs::read_to_string(path).unwrap().trim().to_owned();
    let nobody = ConnectOptions::new().connect(&url).await;
    let stranger = ConnectOptions::with_nkey(seed(strange)).connect(&url).await;
    let impostor = ConnectOptions::with_user_and_password("telegram".into(), "telegram".into());
    for refused in [nobody, stranger, impostor.connect(&url).await] {
        let error = refused.map(|_| ()).expect_err("a stranger was let in");
        assert_eq!(error.kind(), async_nats::ConnectErrorKind::AuthorizationViolation);
    }
    let known = ConnectOptions::with_nkey(seed(world.nats.seed_file("telegram"))).connect(&url).await;
    assert!(known.is_ok(), "the control: the right key opens");
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_publish_is_an_error_in_the_log_and_counted() {
    tracing_subscriber::fmt().json().with_writer(|| Log).init();
    service::telemetry::init("nats-isolation");
    let world = World::apart().await;
    // A name of its own: the other tests of this process are refused things too.
    let config =
        service::nats::NatsConfig { url: world.nats.url(), seed_file: world.nats.seed_file("telegram") };
    let client = service::nats::connect(&config, "denied-probe").await.unwrap();
    client.publish("cmd.ledger.telegram.allowed", "{}".into()).await.unwrap();
    client.publish("cmd.ledger.payments.denied", "{}".into()).await.unwrap();
    let counted = becomes(async || refusals("denied-probe") == 1).await;
    assert!(counted, "{}", service::telemetry::render_metrics());
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let mine: Vec<_> = log.lines().filter(|l| l.contains("denied-probe") && l.contains("ERROR")).collect();
    assert_eq!(mine.len(), 1, "{mine:?}");
    assert!(mine[0].contains("cmd.ledger.payments.denied"), "{}", mine[0]);
}

/// How often NATS refused something to this connection, as /metrics tells it.
fn refusals(connection: &str) -> u64 {
    let metrics = service::telemetry::render_metrics();
    let label = format!("nats_refusals_total{{connection=\"{connection}\"}} ");
    metrics.lines().filter_map(|line| line.strip_prefix(&label)?.parse::<u64>().ok()).sum()
}
