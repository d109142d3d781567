//! Where the generator is measured: everything is real but Gemini and the people, and Telegram is away.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use proto_events::GenerationId;
use proto_events::catalog::Catalog;
use proto_events::commands::{ChatContext, GenerationRequest};
use proto_events::events::GenerationKind;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use xtask::machine::Postgres;

use crate::bench::cpu::{self, Pids};
use crate::deeds::{Deeds, text};
use crate::dice::Dice;
use crate::{Role, Stage, stage};

/// As many as the generator may have at work.
pub const CONCURRENCY: usize = 64;
/// Everybody's, to begin with.
const CREDITS: i64 = 1_000_000;
/// Between two looks at the log for what has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Whose processor time is told apart.
pub const WHO: [&str; 5] = ["generator", "sandbox", "ledger", "postgres", "nats"];

/// What people ask for.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    pub kind: GenerationKind,
    pub model: &'static str,
    pub size: Option<&'static str>,
}

pub const PICTURE: Wish =
    Wish { kind: GenerationKind::Picture, model: "gemini-3-pro-image", size: Some("1K") };
pub const HUGE: Wish = Wish { size: Some("4K"), ..PICTURE };
pub const WORDS: Wish = Wish { kind: GenerationKind::Text, model: "gemini-3.8-flash", size: None };

pub struct Floor {
    pub stage: Stage,
    pub deeds: Deeds,
    next_user: AtomicI64,
    ended: Arc<Ended>,
    watching: JoinHandle<()>,
}

impl Floor {
    /// All but the generator run.
    pub fn open() -> Result<Self> {
        let postgres = Postgres::start_temporary_with(&[("fsync", "on"), ("synchronous_commit", "on")])?;
        let mut stage = Stage::on(postgres)?;
        let catalog = stage.dir().join("catalog.json");
        std::fs::write(&catalog, rich()?)?;
        let quiet = ("RUST_LOG", "warn");
        stage.start(Role::Sandbox, &[quiet, ("SANDBOX_GEMINI_PREPAINTED", "true")])?;
        stage.start(Role::Ledger, &[quiet, ("CATALOG_FILE", &catalog.display().to_string())])?;
        let (deeds, ended) = (Deeds::new(&stage), Arc::new(Ended::default()));
        let watching = stage.rt.spawn(Arc::clone(&ended).watch(stage.pool.clone()));
        Ok(Self { stage, deeds, next_user: AtomicI64::new(1), ended, watching })
    }

    /// A generator that has done nothing yet.
    pub fn start_generator(&mut self) -> Result<()> {
        self.stop_generator();
        let concurrency = CONCURRENCY.to_string();
        self.stage.start(Role::Generator, &[("RUST_LOG", "warn"), ("GENERATOR_CONCURRENCY", &concurrency)])
    }

    pub fn stop_generator(&mut self) {
        self.stage.stop(Role::Generator);
    }

    /// How long Gemini thinks.
    pub fn think(&self, latency_ms: u64) -> Result<()> {
        let url = format!("{}/settings", self.stage.url(Role::Sandbox));
        let set = self.stage.http.put(url).json(&json!({"gemini_latency_ms": latency_ms}));
        let status = self.stage.rt.block_on(async { anyhow::Ok(set.send().await?.status()) })?;
        ensure!(status.is_success(), "the sandbox takes no settings: {status}");
        Ok(())
    }

    /// New people with an account and credits.
    pub fn people(&self, count: usize) -> Result<Vec<i64>> {
        let first = self.next_user.fetch_add(i64::try_from(count)?, Ordering::SeqCst);
        let users: Vec<i64> = (first..).take(count).collect();
        self.stage.rt.block_on(try_join_all(users.iter().map(|user| self.deeds.start(*user))))?;
        Ok(users)
    }

    /// `prompt` names the job in Gemini's books.
    pub async fn order(&self, user: i64, message: i64, wish: Wish, prompt: &str) -> Result<GenerationId> {
        let context = ChatContext { chat: user, message, status_message: None };
        let mut request = GenerationRequest::new(wish.kind, text(prompt), context);
        request.model = Some(text(wish.model));
        request.size = wish.size.map(text);
        Ok(self.deeds.order(request).await?)
    }

    /// So many jobs, so many of them in flight: one of each person. `tag` is unique to this round.
    pub fn play(&self, wish: Wish, tag: &str, in_flight: usize, count: usize) -> Result<Played> {
        let users = self.people(in_flight.min(count))?;
        let (next, begun) = (AtomicUsize::new(0), Instant::now());
        let next = &next;
        let lanes = users.into_iter().map(|user| async move {
            let mut made = Vec::new();
            for message in 1.. {
                let n = next.fetch_add(1, Ordering::SeqCst);
                if n >= count {
                    break;
                }
                let prompt = format!("{tag} {n}.");
                let generation = self.order(user, message, wish, &prompt).await?;
                self.ended.wait(generation).await?;
                made.push((prompt, generation));
            }
            anyhow::Ok(made)
        });
        let jobs = self.stage.rt.block_on(try_join_all(lanes))?.concat();
        Ok(Played { jobs, seconds: begun.elapsed().as_secs_f64() })
    }

    /// So many jobs, each of its own person, asked for at random moments, so many a second.
    pub fn arrive(&self, wish: Wish, tag: &str, per_s: u16, count: usize) -> Result<Played> {
        let users = self.people(count)?;
        let (mut dice, mut at, begun) = (Dice::seeded(count as u64), 0.0, tokio::time::Instant::now());
        let jobs = users.into_iter().enumerate().map(|(n, user)| {
            // What lies between two that come by chance.
            at -= (1.0 - dice.below(1 << 20) as f64 / f64::from(1 << 20)).ln() / f64::from(per_s);
            let due = begun + Duration::from_secs_f64(at);
            async move {
                tokio::time::sleep_until(due).await;
                let prompt = format!("{tag} {n}.");
                let generation = self.order(user, 1, wish, &prompt).await?;
                self.ended.wait(generation).await?;
                anyhow::Ok((prompt, generation))
            }
        });
        let jobs = self.stage.rt.block_on(try_join_all(jobs))?;
        Ok(Played { jobs, seconds: begun.elapsed().as_secs_f64() })
    }

    /// Gemini's calls by their prompts.
    pub fn calls(&self) -> HashMap<String, Vec<Value>> {
        let books = self.stage.books();
        let mut calls: HashMap<String, Vec<Value>> = HashMap::new();
        for call in books["gemini"]["calls"].as_array().into_iter().flatten() {
            calls
                .entry(call["prompt"].as_str().unwrap_or_default().to_owned())
                .or_default()
                .push(call.clone());
        }
        calls
    }

    /// When each event of these types was recorded, µs since 1970, by generation and type; the first of each.
    pub fn recorded(&self) -> Result<HashMap<(String, String), i64>> {
        let sql = "SELECT payload::json ->> 'generation', type, min(recorded_at) FROM events \
                   WHERE type LIKE 'Generation%' GROUP BY 1, 2";
        let rows = sqlx::query_as::<_, (String, String, i64)>(sql).fetch_all(&self.stage.pool);
        let rows = self.stage.rt.block_on(rows)?;
        Ok(rows.into_iter().map(|(generation, kind, at)| ((generation, kind), at)).collect())
    }

    /// Processor seconds that each has used so far, as in [`WHO`].
    pub fn cpu(&mut self) -> [f64; 5] {
        let pid = |stage: &Stage, role| stage.pid(role).unwrap_or(0);
        let [generator, sandbox, ledger] =
            [Role::Generator, Role::Sandbox, Role::Ledger].map(|role| pid(&self.stage, role));
        let postmaster = self.stage.postgres.process().map_or(0, |process| process.pid());
        let nats = self.stage.nats.process().map_or(0, |process| process.pid());
        let main = cpu::now(Pids { ledger, postmaster, nats });
        let own = |pid| cpu::now(Pids { ledger: pid, postmaster: 0, nats: 0 }).ledger;
        [own(generator), own(sandbox), main.ledger, main.postgres, main.nats]
    }

    /// Forgets the pictures, so that the store has room for the next round.
    pub fn clear_store(&self) -> Result<()> {
        let client = self.stage.client("media-ledger");
        let _in_runtime = self.stage.rt.enter();
        let jetstream = async_nats::jetstream::new(client);
        self.stage.rt.block_on(async {
            let stream = jetstream.get_stream("OBJ_images").await.context("there is no object store")?;
            stream.purge().await.context("the object store can't be cleared")?;
            Ok(())
        })
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// Jobs that ended, and how long that took.
pub struct Played {
    /// Prompt and generation.
    pub jobs: Vec<(String, GenerationId)>,
    pub seconds: f64,
}

/// What has succeeded or failed, seen in the log by one who looks for all.
#[derive(Default)]
struct Ended {
    seen: Mutex<HashSet<String>>,
    more: Notify,
}

impl Ended {
    async fn watch(self: Arc<Self>, pool: PgPool) {
        let sql = "SELECT position, payload::json ->> 'generation' FROM events WHERE position > $1 \
                   AND type IN ('GenerationSucceeded', 'GenerationFailed') ORDER BY position";
        let mut last = 0;
        loop {
            let found = sqlx::query_as::<_, (i64, String)>(sql).bind(last).fetch_all(&pool).await;
            for (position, generation) in found.unwrap_or_default() {
                last = position;
                self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(generation);
            }
            self.more.notify_waiters();
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn wait(&self, generation: GenerationId) -> Result<()> {
        let name = generation.to_string();
        let waiting = async {
            loop {
                let more = self.more.notified();
                if self.seen.lock().unwrap_or_else(PoisonError::into_inner).contains(&name) {
                    return;
                }
                more.await;
            }
        };
        let ended = tokio::time::timeout(stage::PATIENCE * 5, waiting).await;
        ended.with_context(|| format!("{generation} does not end"))
    }
}

/// The default catalog for people who need not count.
pub fn rich() -> Result<String> {
    let mut catalog = serde_json::to_value(Catalog::default_catalog()?)?;
    catalog["bonuses"]["welcome"] = CREDITS.into();
    Ok(catalog.to_string())
}
