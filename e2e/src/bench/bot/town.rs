//! Where the bot is measured: everything is real but Telegram, YooKassa, Gemini and the people.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use xtask::machine::Postgres;

use super::ear::Ear;
use super::person::Person;
use crate::bench::cpu::{self, Pids};
use crate::bench::generator::rich;
use crate::judge::wait_for_projections;
use crate::{Role, Stage};

/// Telegram ids of the people, from here on.
const FIRST: i64 = 5_000_000;
/// People who say /start at once.
const ARRIVING: usize = 40;
/// How long Gemini thinks.
const THINK_MS: &str = "1000";
/// Updates that Telegram still has are waited for this long.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whose processor time is told apart.
pub const WHO: [&str; 7] = ["bot", "ledger", "generator", "payments", "postgres", "nats", "sandbox"];

pub struct Town {
    // Dropped before what it listens to.
    pub ear: Ear,
    pub stage: Stage,
    pub http: reqwest::Client,
    next: i64,
}

impl Town {
    /// All but the bot run.
    pub fn open() -> Result<Self> {
        let postgres = Postgres::start_temporary_with(&[("fsync", "on"), ("synchronous_commit", "on")])?;
        let mut stage = Stage::on(postgres)?;
        let catalog = stage.dir().join("catalog.json");
        std::fs::write(&catalog, rich()?)?;
        let quiet = ("RUST_LOG", "warn");
        let think = ("SANDBOX_GEMINI_LATENCY_MS", THINK_MS);
        let sandbox = [quiet, ("SANDBOX_GEMINI_PREPAINTED", "true"), ("SANDBOX_FLOOD_OFF", "true"), think];
        stage.start(Role::Sandbox, &sandbox)?;
        stage.start(Role::Ledger, &[quiet, ("CATALOG_FILE", &catalog.display().to_string())])?;
        stage.start(Role::Payments, &[quiet])?;
        stage.start(Role::Generator, &[quiet, ("GENERATOR_CONCURRENCY", "64")])?;
        let ear = Ear::open(&stage)?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { ear, stage, http, next: FIRST })
    }

    pub fn start_bot(&mut self) -> Result<()> {
        self.stage.start(Role::Telegram, &[("RUST_LOG", "warn")])
    }

    pub fn sandbox(&self) -> String {
        self.stage.url(Role::Sandbox)
    }

    /// A method of the Bot API, as the bot would call it.
    pub fn method(&self, name: &str, body: &serde_json::Value) -> Result<serde_json::Value> {
        let url = format!("{}/{name}", self.bot_url());
        let answer = self.stage.rt.block_on(async {
            let sent = self.http.post(url).json(body).send().await?;
            anyhow::Ok(sent.json::<serde_json::Value>().await?)
        })?;
        ensure!(answer["ok"] == true, "{name}: {answer}");
        Ok(answer["result"].clone())
    }

    pub fn bot_url(&self) -> String {
        format!("{}/telegram/bot123456:AAEsandboxsandboxsandboxsandboxsand", self.sandbox())
    }

    /// So many who have said /start and were welcomed.
    pub fn people(&mut self, count: usize) -> Result<Vec<Person>> {
        let first = self.next;
        self.next += i64::try_from(count)?;
        let sandbox = self.sandbox();
        let arriving = stream::iter(first..self.next)
            .map(|id| Person::arrive(id, &self.http, &sandbox, &self.ear))
            .buffer_unordered(ARRIVING);
        self.stage.rt.block_on(arriving.try_collect())
    }

    /// Until Telegram has no update left and everything is projected.
    pub fn at_rest(&self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.method("getWebhookInfo", &json!({}))?["pending_update_count"] != 0 {
            ensure!(Instant::now() < end, "Telegram can't get rid of its updates");
            std::thread::sleep(LOOK_EVERY);
        }
        wait_for_projections(&self.stage);
        Ok(())
    }

    /// How many events of this type there are.
    pub fn count(&self, kind: &str) -> Result<i64> {
        let sql = "SELECT count(*) FROM events WHERE type = $1";
        let count = sqlx::query_scalar(sql).bind(kind).fetch_one(&self.stage.pool);
        Ok(self.stage.rt.block_on(count)?)
    }

    /// Processor seconds that each has used so far, as in [`WHO`].
    pub fn cpu(&mut self) -> [f64; 7] {
        let pid = |stage: &Stage, role| stage.pid(role).unwrap_or(0);
        let roles = [Role::Telegram, Role::Ledger, Role::Generator, Role::Payments, Role::Sandbox];
        let [bot, ledger, generator, payments, sandbox] = roles.map(|role| pid(&self.stage, role));
        let postmaster = self.stage.postgres.process().map_or(0, |process| process.pid());
        let nats = self.stage.nats.process().map_or(0, |process| process.pid());
        let main = cpu::now(Pids { ledger, postmaster, nats });
        let own = |pid| cpu::now(Pids { ledger: pid, postmaster: 0, nats: 0 }).ledger;
        [own(bot), main.ledger, own(generator), own(payments), main.postgres, main.nats, own(sandbox)]
    }

    /// MB of the bot, by this line of its status: `VmRSS`, `VmHWM`.
    pub fn resident(&self, name: &str) -> Result<f64> {
        let pid = self.stage.pid(Role::Telegram).context("the bot does not run")?;
        cpu::resident(pid, name)
    }
}
