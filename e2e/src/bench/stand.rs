//! What is measured: a Postgres on a copy of a log (fsync on, settings as `up` has them), a nats-server,
//! and the ledger as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use service::nats::NatsConfig;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::Runtime;
use xtask::machine::{Nats, Plan, PortLease, Process, Scratch, Signal, lease_port, paths};

use super::cpu::{self, Cpu, Pids};
use crate::bulk::Size;
use crate::bulk::kept::{self, Copy};

const PATIENCE: Duration = Duration::from_secs(300);
/// They are written every 50 000 events.
const SNAPSHOTS_BEHIND_MAX: i64 = 60_000;
/// Of the load: one thread, so that it takes no more than it needs.
const LOAD_THREADS: usize = 1;

pub struct Stand {
    // Dropped in this order.
    ledger: Option<Process>,
    nats: Nats,
    pub log: Copy,
    port: PortLease,
    dir: Scratch,
    pub rt: Runtime,
    /// As superuser.
    pub pool: PgPool,
}

impl Stand {
    /// Postgres and NATS run; the ledger does not yet.
    pub fn new(size: Size, say: &dyn Fn(&str)) -> Result<Self> {
        Self::on(kept::copy(size, say)?)
    }

    /// The same on this log.
    pub fn on(log: Copy) -> Result<Self> {
        let nats = Nats::start_temporary(&paths::root().join("nats.conf"), &[])?;
        let rt =
            tokio::runtime::Builder::new_multi_thread().worker_threads(LOAD_THREADS).enable_all().build()?;
        let pool = rt.block_on(PgPoolOptions::new().max_connections(4).connect(&log.url()))?;
        Ok(Self { ledger: None, nats, log, port: lease_port()?, dir: Scratch::new("bench")?, rt, pool })
    }

    /// Starts the ledger and waits until it is at rest; how long it took until it answered.
    pub fn start_ledger(&mut self, write_path_only: bool) -> Result<Duration> {
        let answered = self.start(&[("WRITE_PATH_ONLY", write_path_only.to_string())])?;
        if !write_path_only {
            self.wait_until_at_rest()?;
        }
        Ok(answered)
    }

    /// The whole of it, with this in its environment.
    pub fn start_ledger_with(&mut self, extra: &[(&str, String)]) -> Result<()> {
        self.start(extra)?;
        self.wait_until_at_rest()
    }

    fn start(&mut self, extra: &[(&str, String)]) -> Result<Duration> {
        let url = format!("{}/ready", self.url());
        let variables = [
            ("NATS_URL", self.nats.url()),
            ("NATS_NKEY_SEED_FILE", self.nats.seed_file("ledger").display().to_string()),
            ("NATS_MEDIA_NKEY_SEED_FILE", self.nats.seed_file("media-ledger").display().to_string()),
            ("PORT", self.port.port().to_string()),
            ("DATABASE_URL", self.log.url()),
            ("RUST_LOG", "warn".to_owned()),
        ];
        let plan = Plan::new("ledger", program("ledger")?, self.ledger_log())
            .args(["serve"])
            .envs(variables.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), value.clone())));
        let begun = Instant::now();
        let mut process = Process::start(plan)?;
        let handle = self.rt.handle().clone();
        let http = reqwest::Client::new();
        process.wait_ready(PATIENCE, |_| {
            handle.block_on(async { http.get(&url).send().await.is_ok_and(|r| r.status().is_success()) })
        })?;
        self.ledger = Some(process);
        self.wait_until_answered()?;
        Ok(begun.elapsed())
    }

    /// Of the console.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.port())
    }

    /// Of this run alone; gone after it.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// The first start on a big log makes snapshots of all its accounts: not what is measured.
    fn wait_until_at_rest(&self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        let sql =
            "SELECT coalesce((SELECT position FROM snapshots_through), 0) + $1 >= position FROM log_head";
        while !self
            .rt
            .block_on(sqlx::query_scalar::<_, bool>(sql).bind(SNAPSHOTS_BEHIND_MAX).fetch_one(&self.pool))?
        {
            if Instant::now() > end {
                bail!("snapshots do not reach the head of the log");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Commands and queries are taken: even a question that nobody knows gets an answer.
    fn wait_until_answered(&self) -> Result<()> {
        let client = self.client("telegram")?;
        let end = Instant::now() + PATIENCE;
        while self.rt.block_on(client.request("qry.ledger.telegram.here", "{}".into())).is_err() {
            if Instant::now() > end {
                bail!("the ledger does not answer; its log is {}", self.ledger_log().display());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// SIGTERM; the lead is given back.
    pub fn stop_ledger(&mut self) -> Result<()> {
        if let Some(mut process) = self.ledger.take()
            && !process.stop(Signal::SIGTERM, Duration::from_secs(10))
        {
            bail!("the ledger did not stop; its log is {}", self.ledger_log().display());
        }
        Ok(())
    }

    /// Runs a command of the ledger to its end.
    pub fn ledger(&self, args: &[&str]) -> Result<std::process::Output> {
        let mut command = std::process::Command::new(program("ledger")?);
        command.args(args).env("DATABASE_URL", self.log.url()).env("RUST_LOG", "warn");
        command.output().with_context(|| format!("cannot run ledger {}", args.join(" ")))
    }

    /// The same, beside what goes on.
    pub fn start_command(&self, args: &[&str]) -> Result<std::process::Child> {
        let mut command = std::process::Command::new(program("ledger")?);
        command.args(args).env("DATABASE_URL", self.log.url()).env("RUST_LOG", "warn");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().with_context(|| format!("cannot run ledger {}", args.join(" ")))
    }

    pub fn ledger_log(&self) -> PathBuf {
        self.dir.path().join("ledger.log")
    }

    pub fn cpu(&mut self) -> Cpu {
        let pid = |process: Option<&mut Process>| process.map_or(0, |p| p.pid());
        cpu::now(Pids {
            ledger: pid(self.ledger.as_mut()),
            postmaster: pid(self.log.postgres.process()),
            nats: pid(self.nats.process()),
        })
    }

    /// A connection as a user of nats.conf.
    pub fn client(&self, user: &str) -> Result<async_nats::Client> {
        let config = NatsConfig { url: self.nats.url(), seed_file: self.nats.seed_file(user) };
        Ok(self.rt.block_on(service::nats::connect(&config, user))?)
    }

    pub fn head(&self) -> Result<i64> {
        let head = sqlx::query_scalar("SELECT position FROM log_head").fetch_one(&self.pool);
        Ok(self.rt.block_on(head)?)
    }

    /// Waits until every projection and the event stream have all of the log.
    pub fn drain(&self) -> Result<()> {
        let head = self.head()?;
        let end = Instant::now() + PATIENCE;
        let client = self.client("ledger")?;
        let _in_runtime = self.rt.enter();
        let jetstream = async_nats::jetstream::new(client);
        loop {
            let sql = "SELECT coalesce(min(position), 0) FROM projection_instances WHERE state = 'live'";
            let folded: i64 = self.rt.block_on(sqlx::query_scalar(sql).fetch_one(&self.pool))?;
            let published = self.rt.block_on(published(&jetstream))?;
            if folded >= head && published >= head {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("projections are at {folded} and the stream at {published}, the log at {head}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The position of the stream's last event.
async fn published(jetstream: &async_nats::jetstream::Context) -> Result<i64> {
    let Ok(stream) = jetstream.get_stream("EVT").await else { return Ok(0) };
    let last = stream.cached_info().state.last_sequence;
    if last == 0 {
        return Ok(0);
    }
    let message = stream.get_raw_message(last).await?;
    let id = message.headers.get("Nats-Msg-Id").context("an event without an id")?;
    Ok(id.as_str().parse()?)
}

/// A program beside this one.
fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.is_file() {
        bail!("{} is not built: run `cargo xtask bench`", path.display());
    }
    Ok(path)
}
