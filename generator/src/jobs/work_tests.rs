//! A job over a real nats-server and the sandbox's Gemini; the ledger's answers are the tests' own.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_nats::jetstream;
use futures_util::StreamExt as _;
use proto_events::{
    AccountId, CommandId, Producer,
    subjects::{IMAGES_BUCKET, SESSIONS_BUCKET},
};
use serde_json::{Value, json};
use service::ledger::Ledger;
use tokio::net::TcpListener;
use xtask::machine::{Nats, Scratch, Signal};

use super::*;
use crate::{
    gemini,
    jobs::Worker,
    prices::Prices,
    shelf::{REQUESTS_BYTES_MAX, Shelf},
};

const SECOND: Duration = Duration::from_secs(1);
/// Short, so that a renewal comes during a call.
const LEASE_MS: u32 = 4_500;

/// Commands in the order they came: verb and body.
type Heard = Arc<Mutex<Vec<(String, Value)>>>;

struct World {
    tools: Tools,
    heard: Heard,
    /// The ledger shows its catalog.
    shows: Arc<AtomicBool>,
    vendor: String,
    job: GenerationId,
    unwanted: CancellationToken,
    stop: CancellationToken,
    nats: Nats,
    _scratch: Scratch,
}

impl World {
    /// `answer` is asked with the verb, the body and how many of this verb came before.
    async fn start(answer: impl Fn(&str, &Value, usize) -> Value + Send + 'static) -> Self {
        let (nats, scratch) = media_server().await;
        let client = async_nats::connect(nats.url()).await.unwrap();
        let heard = Heard::default();
        let mut asked = client.subscribe("*.ledger.generator.*").await.unwrap();
        client.flush().await.unwrap();
        let shows = Arc::new(AtomicBool::new(true));
        let (ledger, book, shown) = (client.clone(), heard.clone(), shows.clone());
        tokio::spawn(async move {
            while let Some(message) = asked.next().await {
                let verb = message.subject.rsplit('.').next().unwrap().to_owned();
                let body: Value = serde_json::from_slice(&message.payload).unwrap();
                let mut reply = if verb == "catalog" {
                    if shown.load(Ordering::SeqCst) { catalog() } else { refused("no_catalog") }
                } else {
                    let mut book = book.lock().unwrap();
                    let before = book.iter().filter(|(known, _)| *known == verb).count();
                    book.push((verb.clone(), body["body"].clone()));
                    answer(&verb, &body["body"], before)
                };
                reply["ask"] = body["ask"].clone();
                ledger.publish(message.reply.unwrap(), reply.to_string().into()).await.unwrap();
            }
        });
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vendor = format!("http://{}", listener.local_addr().unwrap());
        let arrivals_dir = std::env::var_os("SANDBOX_ARRIVALS_DIR").map(Into::into);
        let options = sandbox::Options { arrivals_dir, ..sandbox::Options::default() };
        tokio::spawn(sandbox::serve(listener, options, stop.clone()));
        let ledger = Ledger::new(client.clone(), Producer::Generator);
        let options = gemini::Options {
            url: format!("{vendor}/gemini/").parse().unwrap(),
            keys: vec!["sandbox-key".into()],
            call_timeout: 30 * SECOND,
            connect_timeout: 5 * SECOND,
            safety: Vec::new(),
            probe_after: gemini::PROBE_AFTER,
        };
        let tools = Tools {
            prices: Prices::new(&ledger.clone().with_deadline(SECOND)),
            ledger,
            gemini: gemini::Gemini::new(options).unwrap().into(),
            shelf: Shelf::new(client, REQUESTS_BYTES_MAX),
            worker: Worker::default(),
            retries_in_doubt: 1,
        };
        Self {
            tools,
            heard,
            shows,
            vendor,
            job: job(),
            unwanted: CancellationToken::new(),
            stop,
            nats,
            _scratch: scratch,
        }
    }

    /// A ledger that grants every claim and takes every word.
    async fn obliging() -> Self {
        Self::start(|verb, body, _| match verb {
            "generation_claim" => granted(body, Duration::ZERO),
            _ => done(&Value::Null),
        })
        .await
    }

    async fn fault(&self, fault: Value) {
        let plan = json!({"vendor": "gemini", "call": "*", "fault": fault});
        let sent = reqwest::Client::new().post(format!("{}/faults", self.vendor)).json(&plan).send().await;
        assert!(sent.unwrap().status().is_success());
    }

    async fn calls(&self) -> usize {
        let books: Value =
            reqwest::get(format!("{}/books", self.vendor)).await.unwrap().json().await.unwrap();
        books["gemini"]["calls"].as_array().unwrap().len()
    }

    /// In how long it may be claimed again.
    async fn run(&self, attempt: i64) -> Option<Duration> {
        let attempt = Attempt::new(attempt).unwrap();
        let running = run(&self.tools, self.job, attempt, &self.unwanted);
        tokio::time::timeout(60 * SECOND, running).await.expect("the attempt to end")
    }

    fn all(&self, verb: &str) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(known, _)| known == verb).map(|(_, body)| body.clone()).collect()
    }
}

/// With the buckets that a generator uses.
async fn media_server() -> (Nats, Scratch) {
    let scratch = Scratch::new("generator-work").unwrap();
    let conf = scratch.path().join("nats.conf");
    std::fs::write(&conf, "server_name: work\njetstream { max_file_store: 64MB }\n").unwrap();
    let nats = tokio::task::spawn_blocking(move || Nats::start_temporary(&conf, &[])).await.unwrap().unwrap();
    let media = jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    let bucket = jetstream::object_store::Config { bucket: IMAGES_BUCKET.into(), ..Default::default() };
    media.create_object_store(bucket).await.unwrap();
    let sessions = jetstream::kv::Config { bucket: SESSIONS_BUCKET.into(), ..Default::default() };
    media.create_key_value(sessions).await.unwrap();
    (nats, scratch)
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn job() -> GenerationId {
    GenerationId::derive(AccountId::CATALOG, Producer::Telegram, &CommandId::new("msg:1:2:3").unwrap())
}

fn done(result: &Value) -> Value {
    json!({"status": "done", "position": 1, "events": [], "result": result, "incarnation": 1})
}

/// The answer to the query `generation`.
fn canceled() -> Value {
    json!({"status": "ok", "position": 1, "result": {"generation": job(), "kind": "text", "state": "canceled",
        "model": "gemini-3.8-flash", "size": null, "references": 0, "credits": 1, "attempt": 1, "reason": null}})
}

fn catalog() -> Value {
    let catalog = Catalog::default_catalog().unwrap();
    json!({"status": "ok", "position": 1, "result": {"version": 1, "catalog": catalog}})
}

fn refused(code: &str) -> Value {
    json!({"status": "refused", "refusal": {"code": code, "message": "no", "details": {}}})
}

/// A claim that is granted `ago`.
fn granted(claim: &Value, ago: Duration) -> Value {
    let ago_ms = i64::try_from(ago.as_millis()).unwrap();
    done(&json!({
        "generation": job(), "attempt": claim["attempt"], "kind": "text", "model": "gemini-3.8-flash",
        "aspect_ratio": null, "size": null, "prompt": "a fox in the snow", "references": [], "doubts": 0, "unpaid": 0,
        "lease_until": pace::now().plus_ms(i64::from(LEASE_MS) - ago_ms), "lease_ms": LEASE_MS,
        "deadline": pace::now().plus_ms(120_000),
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_claim_leaves_what_was_paid_for_to_the_next_attempt() {
    let world = World::start(|verb, body, _| match verb {
        "generation_claim" => granted(body, Duration::ZERO),
        // The first attempt is lost during its call.
        "generation_renew" | "generation_complete" if body["attempt"] == 1 => refused("stale_attempt"),
        _ => done(&Value::Null),
    })
    .await;
    world.fault(json!({"delay_ms": 3_500})).await;
    world.run(1).await;
    assert!(!world.all("generation_renew").is_empty(), "the claim was never lost");
    assert!(world.all("generation_fail").is_empty() && world.all("generation_attempt").is_empty());
    world.run(2).await;
    let completed = world.all("generation_complete");
    let attempts: Vec<_> = completed.iter().map(|completed| completed["attempt"].clone()).collect();
    assert_eq!(attempts, [1, 2], "the ledger fences the stale one");
    assert_eq!(completed[1]["outputs"][0]["object"], format!("{}/1/0", world.job));
    assert_eq!(world.calls().await, 1, "paid twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_made_while_an_earlier_result_can_not_be_looked_up() {
    let world = World::start(|verb, body, _| match verb {
        "generation_claim" => granted(body, Duration::ZERO),
        "generation_complete" if body["attempt"] == 1 => refused("stale_attempt"),
        _ => done(&Value::Null),
    })
    .await;
    let (mut media, _scratch) = media_server().await;
    let mut world = world;
    world.tools.shelf = Shelf::new(async_nats::connect(media.url()).await.unwrap(), REQUESTS_BYTES_MAX);
    world.run(1).await;
    media.process().unwrap().signal(Signal::SIGSTOP);
    let mut second = pin!(world.run(2));
    assert!(tokio::time::timeout(3 * SECOND, &mut second).await.is_err(), "it ended without the store");
    assert_eq!(world.calls().await, 1, "paid twice");
    media.process().unwrap().signal(Signal::SIGCONT);
    second.await;
    assert_eq!(world.calls().await, 1, "paid twice");
    assert_eq!(world.all("generation_complete")[1]["outputs"][0]["object"], format!("{}/1/0", world.job));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_worker_died_is_on_record_before_the_next_call() {
    let world = World::start(|verb, body, _| match verb {
        "generation_claim" => {
            let mut granted = granted(body, Duration::ZERO);
            granted["result"]["lost"] = json!(true);
            granted
        }
        _ => done(&Value::Null),
    })
    .await;
    world.run(2).await;
    let verbs: Vec<String> = world.heard.lock().unwrap().iter().map(|(verb, _)| verb.clone()).collect();
    assert_eq!(verbs, ["generation_claim", "generation_attempt", "generation_complete"]);
    let told = &world.all("generation_attempt")[0];
    assert_eq!((&told["attempt"], &told["outcome"]), (&json!(1), &json!("worker_lost")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_is_a_call_in_doubt() {
    let world = World::start(|verb, body, _| match verb {
        "generation_claim" => {
            let mut granted = granted(body, Duration::ZERO);
            granted["result"]["lost"] = json!(true);
            granted
        }
        _ => done(&Value::Null),
    })
    .await;
    world.fault(json!({"drop": "after"})).await;
    assert_eq!(world.run(2).await, None, "the owner allows one call more");
    assert_eq!(world.all("generation_fail")[0]["reason"], "truncated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_only_slow_tells_what_its_call_cost() {
    let world = World::start(|verb, body, _| match verb {
        "generation_claim" => granted(body, Duration::ZERO),
        "generation_renew" => refused("stale_attempt"),
        _ => done(&Value::Null),
    })
    .await;
    world.fault(json!({"status": 500, "delay_ms": 3_500})).await;
    assert_eq!(world.run(1).await, None, "the job is another's");
    let told = &world.all("generation_attempt")[0];
    assert_eq!((&told["attempt"], &told["outcome"]), (&json!(1), &json!("vendor_error")));
    assert!(world.all("generation_fail").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_workers_all_died_is_closed_with_the_last_one_on_record() {
    let world = World::start(|verb, _, _| match verb {
        "generation_claim" => refused("attempts_exhausted"),
        _ => done(&Value::Null),
    })
    .await;
    assert_eq!(world.run(4).await, None);
    let (told, failed) = (world.all("generation_attempt"), world.all("generation_fail"));
    assert_eq!((&told[0]["attempt"], &told[0]["outcome"]), (&json!(3), &json!("worker_lost")));
    assert_eq!((&failed[0]["attempt"], &failed[0]["reason"]), (&json!(3), &json!("attempts_exhausted")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_told_the_vendors_wait_and_the_job_is_given_back_meanwhile() {
    let world = World::obliging().await;
    world.fault(json!({"status": 429, "quota": "minute", "retry_after": 7.0})).await;
    let again = world.run(1).await.expect("another attempt");
    let attempted = world.all("generation_attempt");
    assert_eq!((attempted.len(), &attempted[0]["outcome"]), (1, &json!("rate_limited")));
    assert_eq!(attempted[0]["retry_after_ms"], json!(again.as_millis()));
    assert!((6_900..=10_500).contains(&again.as_millis()), "{again:?}");
    assert_eq!(world.all("generation_claim").len(), 1, "nobody waits with a claim in hand");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_doubt_is_made_again_once_and_what_it_may_have_cost_is_on_record() {
    let world = World::start(|verb, body, before| match verb {
        "generation_claim" => {
            let mut granted = granted(body, Duration::ZERO);
            granted["result"]["doubts"] = json!(before);
            granted
        }
        _ => done(&Value::Null),
    })
    .await;
    world.fault(json!({"drop": "after"})).await;
    world.fault(json!({"drop": "after"})).await;
    assert!(world.run(1).await.is_some());
    assert_eq!(world.run(2).await, None, "the owner allows one call more");
    let (attempted, failed) = (world.all("generation_attempt"), world.all("generation_fail"));
    assert_eq!((attempted.len(), failed.len(), world.calls().await), (1, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_ends_the_call_and_its_cost_is_on_record() {
    let world = World::obliging().await;
    world.fault(json!({"hold_ms": 60_000})).await;
    let canceling = async {
        // It is in the vendor's books and never answered.
        while world.calls().await == 0 {}
        world.unwanted.cancel();
    };
    let (again, ()) = tokio::join!(world.run(1), canceling);
    assert_eq!(again, None);
    let attempted = world.all("generation_attempt");
    assert_eq!((attempted.len(), &attempted[0]["outcome"]), (1, &json!("canceled")));
    assert!(world.all("generation_complete").is_empty() && world.all("generation_fail").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_nobody_told_us_is_learned_from_the_lost_claim() {
    let world = World::start(|verb, body, _| match verb {
        "generation_claim" => granted(body, Duration::ZERO),
        "generation_renew" => refused("stale_attempt"),
        "generation" => canceled(),
        _ => done(&Value::Null),
    })
    .await;
    world.fault(json!({"hold_ms": 60_000})).await;
    assert_eq!(world.run(1).await, None);
    assert_eq!(world.all("generation_attempt")[0]["outcome"], "canceled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_comes_after_the_cancellation_leaves_its_cost_on_record() {
    let world = World::start(|verb, body, _| match verb {
        "generation_claim" => granted(body, Duration::ZERO),
        "generation_complete" => refused("generation_closed"),
        _ => done(&Value::Null),
    })
    .await;
    assert_eq!(world.run(1).await, None);
    let attempted = world.all("generation_attempt");
    assert_eq!(attempted[0]["outcome"], "canceled");
    assert!(attempted[0]["spent"]["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_remembered_before_the_ledger_is_told() {
    let world = World::start(|verb, body, _| match verb {
        "generation_claim" => {
            let mut granted = granted(body, Duration::ZERO);
            granted["result"]["conversation"] = json!("talk-1");
            granted
        }
        _ => done(&Value::Null),
    })
    .await;
    world.run(1).await;
    let kept = world.tools.shelf.conversation(world.job.account(), "talk-1").await;
    assert_eq!(kept.turns.len(), 1);
    assert_eq!(kept.turns[0].prompt, "a fox in the snow");
    assert!(!kept.turns[0].answer.is_empty());
    world.run(1).await;
    let again = world.tools.shelf.conversation(world.job.account(), "talk-1").await;
    assert_eq!(again.turns.len(), 1, "an attempt that is made again takes its own place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_answer_came_late_is_renewed_before_a_call_is_paid() {
    let world = World::start(|verb, body, _| match verb {
        "generation_claim" => granted(body, 2 * SECOND),
        "generation_renew" => refused("stale_attempt"),
        _ => done(&Value::Null),
    })
    .await;
    world.run(1).await;
    assert_eq!(world.all("generation_renew").len(), 1);
    assert_eq!(world.calls().await, 0, "paid for another's job");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_called_while_nobody_knows_how() {
    let world = World::obliging().await;
    world.shows.store(false, Ordering::SeqCst);
    let waiting = tokio::time::timeout(2 * SECOND, world.run(1)).await;
    assert!(waiting.is_err(), "it ended without a catalog");
    assert_eq!(world.calls().await, 0, "called by another API, perhaps");
    world.shows.store(true, Ordering::SeqCst);
    world.run(1).await;
    assert_eq!(world.all("generation_complete").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_paid_for_while_there_is_nowhere_to_put_it() {
    let world = World::obliging().await;
    let client = async_nats::connect(world.nats.url()).await.unwrap();
    let media = jetstream::new(client);
    media.delete_object_store(IMAGES_BUCKET).await.unwrap();
    let waiting = tokio::time::timeout(2 * SECOND, world.run(1)).await;
    assert!(waiting.is_err(), "it ended without a store");
    assert_eq!(world.calls().await, 0, "paid for what can't be kept");
    let bucket = jetstream::object_store::Config { bucket: IMAGES_BUCKET.into(), ..Default::default() };
    media.create_object_store(bucket).await.unwrap();
    world.run(1).await;
    assert_eq!(world.all("generation_complete").len(), 1);
}
