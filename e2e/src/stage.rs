//! A test's own machines and services.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use ledger::log::{COLUMNS, Row};
use ledger::proofs::shelf::HISTORY;
use ledger::proofs::{PublicKey, SecretKey, notes_in};
use ledger::verify::{Options, Report, verify_with};
use proto_events::Producer;
use service::ledger::Ledger;
use service::nats::NatsConfig;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::runtime::Runtime;
use xtask::machine::{Nats, PROGRAMS_DIR, Plan, PortLease, Postgres, Process, Signal, lease_port, paths};

/// How long anything here may take before the test gives up. Below the two minutes after which what got lost on its way is looked for.
pub const PATIENCE: Duration = Duration::from_secs(100);
const DATABASE: &str = "plantain";
const CHECKPOINT_KEY: &str = "checkpoint.key";

/// A service under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Ledger,
    /// A second ledger, standing by.
    Standby,
    Telegram,
    /// A second bot, under the same name.
    Sibling,
    Payments,
    Generator,
    /// A second generator.
    Painter,
    Sandbox,
}

impl Role {
    fn program(self) -> &'static str {
        match self {
            Self::Ledger | Self::Standby => "ledger",
            Self::Telegram | Self::Sibling => "telegram-adapter",
            Self::Payments => "payments-adapter",
            Self::Generator | Self::Painter => "generator",
            Self::Sandbox => "sandbox",
        }
    }

    fn users(self) -> (&'static str, &'static str) {
        match self {
            Self::Ledger | Self::Standby => ("ledger", "media-ledger"),
            Self::Telegram | Self::Sibling => ("telegram", "media-telegram"),
            Self::Payments => ("payments", "payments"),
            Self::Generator | Self::Painter | Self::Sandbox => ("generator", "media-generator"),
        }
    }

    fn port_variable(self) -> &'static str {
        match self {
            Self::Ledger | Self::Standby => "PORT",
            Self::Telegram | Self::Sibling => "TELEGRAM_PORT",
            Self::Payments => "PAYMENTS_PORT",
            Self::Generator | Self::Painter => "GENERATOR_PORT",
            Self::Sandbox => "SANDBOX_PORT",
        }
    }

    const ALL: [Self; 8] = [
        Self::Ledger,
        Self::Standby,
        Self::Telegram,
        Self::Sibling,
        Self::Payments,
        Self::Generator,
        Self::Painter,
        Self::Sandbox,
    ];
}

pub struct Stage {
    // Dropped in this order: services, then what they stand on.
    services: BTreeMap<Role, Process>,
    pub nats: Nats,
    pub postgres: Postgres,
    ports: BTreeMap<Role, PortLease>,
    dir: PathBuf,
    pub rt: Runtime,
    /// As superuser.
    pub pool: PgPool,
    pub http: reqwest::Client,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Stage {
    /// Postgres and NATS run, the database is migrated, no service runs yet.
    pub fn new() -> Result<Self> {
        Self::on(Postgres::start_temporary()?)
    }

    /// The same on a Postgres of the test's own.
    pub fn on(postgres: Postgres) -> Result<Self> {
        postgres.create_database(DATABASE)?;
        let nats = Nats::start_temporary(&paths::root().join("nats.conf"), &[])?;
        let dir = std::env::temp_dir().join(format!(
            "plantain-stage-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::SeqCst)
        ));
        std::fs::create_dir_all(&dir)?;
        std::fs::write(dir.join(CHECKPOINT_KEY), checkpoint_key().reveal())?;
        let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let url = postgres.url(DATABASE);
        let pool = rt.block_on(async {
            ledger::store::migrate(&url).await?;
            anyhow::Ok(as_superuser(&url).await?)
        })?;
        let ports = Role::ALL.into_iter().map(|role| Ok((role, lease_port()?))).collect::<Result<_>>()?;
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
        Ok(Self { services: BTreeMap::new(), nats, postgres, ports, dir, rt, pool, http })
    }

    /// With the ledger running.
    pub fn with_ledger() -> Result<Self> {
        let mut stage = Self::new()?;
        stage.start(Role::Ledger, &[])?;
        Ok(stage)
    }

    /// Everything: ledger, adapters, sandbox.
    pub fn whole() -> Result<Self> {
        Self::whole_with(&[])
    }

    /// The same, with this in the bot's environment.
    pub fn whole_with(bot: &[(&str, &str)]) -> Result<Self> {
        Self::whole_where(&[(Role::Telegram, bot)])
    }

    /// The same, with this in the environment of each.
    pub fn whole_where(more: &[(Role, &[(&str, &str)])]) -> Result<Self> {
        let mut stage = Self::new()?;
        let hasty = stage.hasty()?;
        for role in [Role::Sandbox, Role::Ledger, Role::Payments, Role::Generator, Role::Telegram] {
            let mut extra = Vec::new();
            if role == Role::Ledger {
                extra.push(("CATALOG_FILE", hasty.as_str()));
            }
            extra.extend(more.iter().filter(|(of, _)| *of == role).flat_map(|(_, more)| more.iter()));
            stage.start(role, &extra)?;
        }
        Ok(stage)
    }

    /// A catalog like the default one, but with short leases, so that tests need not wait for them.
    fn hasty(&self) -> Result<String> {
        self.catalog_with(&[("lease_ms", 2_000), ("attempts_max", 9)])
    }

    /// The file of a catalog like the default one, but with these limits.
    pub fn catalog_with(&self, limits: &[(&str, i64)]) -> Result<String> {
        let mut catalog = serde_json::to_value(proto_events::catalog::Catalog::default_catalog()?)?;
        for (name, value) in limits {
            catalog["limits"][*name] = (*value).into();
        }
        let file = self.dir.join("catalog.json");
        std::fs::write(&file, catalog.to_string())?;
        Ok(file.display().to_string())
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn port(&self, role: Role) -> u16 {
        self.ports[&role].port()
    }

    pub fn url(&self, role: Role) -> String {
        format!("http://127.0.0.1:{}", self.port(role))
    }

    /// The database's name.
    pub const fn database(&self) -> &'static str {
        DATABASE
    }

    pub fn database_url(&self) -> String {
        self.postgres.url(DATABASE)
    }

    pub fn log_path(&self, role: Role) -> PathBuf {
        self.dir.join(format!("{role:?}.log"))
    }

    /// The public key of the stage's checkpoints.
    pub fn vkey() -> PublicKey {
        checkpoint_key().public().clone()
    }

    /// Where a ledger keeps its checkpoints outside the database.
    pub fn checkpoints(&self, role: Role) -> PathBuf {
        self.dir.join(format!("checkpoints-{role:?}"))
    }

    /// The checkpoints that a ledger has kept outside the database, the newest last.
    pub fn notes(&self, role: Role) -> Vec<String> {
        let text = std::fs::read_to_string(self.checkpoints(role).join(HISTORY)).unwrap_or_default();
        notes_in(&text).0.into_iter().map(str::to_owned).collect()
    }

    fn environment(&self, role: Role) -> Vec<(String, String)> {
        let (user, media) = role.users();
        let sandbox = self.url(Role::Sandbox);
        let hook = |role: Role, path: &str| format!("{}{path}", self.url(role));
        let variables = [
            ("NATS_URL", self.nats.url()),
            ("NATS_NKEY_SEED_FILE", self.nats.seed_file(user).display().to_string()),
            ("NATS_MEDIA_NKEY_SEED_FILE", self.nats.seed_file(media).display().to_string()),
            (role.port_variable(), self.port(role).to_string()),
            ("DATABASE_URL", self.database_url()),
            ("RUST_LOG", "info".to_owned()),
            ("CHECKPOINT_KEY_FILE", self.dir.join(CHECKPOINT_KEY).display().to_string()),
            ("CHECKPOINT_DIR", self.checkpoints(role).display().to_string()),
            ("CHECKPOINT_EVERY_SECONDS", "1".to_owned()),
            ("TELLING_LEASE_MS", "2000".to_owned()),
            ("SANDBOX_FLOOD_PER_CHAT", "1000".to_owned()),
            ("SANDBOX_FLOOD_BURST", "1000".to_owned()),
            ("SANDBOX_FLOOD_OVERALL", "1000".to_owned()),
            ("TELEGRAM_CHAT_PER_SECOND", "1000".to_owned()),
            ("TELEGRAM_BURST", "10000".to_owned()),
            ("TELEGRAM_PER_MINUTE", "10000".to_owned()),
            ("TELEGRAM_BOT_TOKEN", "123456:AAEsandboxsandboxsandboxsandboxsand".to_owned()),
            ("TELEGRAM_API_URL", format!("{sandbox}/telegram")),
            ("TELEGRAM_WEBHOOK_URL", hook(Role::Telegram, "/telegram/webhook")),
            ("TELEGRAM_WEBHOOK_SECRET", "a-webhook-secret".to_owned()),
            ("YOOKASSA_SHOP_ID", "100500".to_owned()),
            ("YOOKASSA_SECRET_KEY", "test_secret".to_owned()),
            ("YOOKASSA_API_URL", format!("{sandbox}/yookassa/v3")),
            ("YOOKASSA_RETURN_URL", "https://t.me/plantain_sandbox_bot".to_owned()),
            ("SANDBOX_YOOKASSA_NOTIFY_URL", hook(Role::Payments, "/yookassa/webhook")),
            ("GEMINI_API_KEY", "sandbox-key".to_owned()),
            ("GEMINI_API_URL", format!("{sandbox}/gemini")),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Starts a service and waits until it is ready. `extra` is added to its environment.
    pub fn start(&mut self, role: Role, extra: &[(&str, &str)]) -> Result<()> {
        self.spawn(role, extra)?;
        self.wait_ready(role)
    }

    /// Starts a service without waiting.
    pub fn spawn(&mut self, role: Role, extra: &[(&str, &str)]) -> Result<()> {
        let args: &[&str] = if role.program() == "ledger" { &["serve"] } else { &[] };
        self.spawn_with(role, args, extra)
    }

    /// The same with other arguments.
    pub fn spawn_with(&mut self, role: Role, args: &[&str], extra: &[(&str, &str)]) -> Result<()> {
        let plan = Plan::new(&format!("{role:?}"), binary(role.program())?, self.log_path(role))
            .args(args.iter().copied())
            .envs(self.environment(role))
            .envs(extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        // One that has died at a crash point may still hold its port.
        self.kill9(role);
        self.services.insert(role, Process::start(plan)?);
        Ok(())
    }

    pub fn wait_ready(&mut self, role: Role) -> Result<()> {
        let url = format!("{}/ready", self.url(role));
        let (http, rt) = (self.http.clone(), self.rt.handle().clone());
        let process = self.services.get_mut(&role).context("not started")?;
        process.wait_ready(PATIENCE, |_| {
            rt.block_on(async { http.get(&url).send().await.is_ok_and(|r| r.status().is_success()) })
        })
    }

    /// Is it ready at this moment?
    pub fn http_ok(&self, role: Role) -> bool {
        let request = self.http.get(format!("{}/ready", self.url(role))).timeout(Duration::from_secs(1));
        self.rt.block_on(async { request.send().await.is_ok_and(|r| r.status().is_success()) })
    }

    pub fn pid(&self, role: Role) -> Option<u32> {
        self.services.get(&role).map(Process::pid)
    }

    pub fn is_running(&mut self, role: Role) -> bool {
        self.services.get_mut(&role).is_some_and(Process::is_running)
    }

    /// Waits until it has ended by itself; its exit code.
    pub fn wait_ended(&mut self, role: Role) -> Option<i32> {
        self.services.remove(&role)?.wait(PATIENCE)?.code()
    }

    pub fn kill9(&mut self, role: Role) {
        if let Some(mut process) = self.services.remove(&role) {
            process.kill9();
        }
    }

    /// SIGTERM; true if it ended by itself in time.
    pub fn stop(&mut self, role: Role) -> bool {
        self.services.remove(&role).is_some_and(|mut p| p.stop(Signal::SIGTERM, Duration::from_secs(10)))
    }

    pub fn signal(&mut self, role: Role, signal: Signal) {
        if let Some(process) = self.services.get_mut(&role) {
            process.signal(signal);
        }
    }

    /// One of the ledger's own commands, such as `verify`, run to its end.
    pub fn ledger_command(&self, args: &[&str]) -> Result<std::process::Output> {
        self.ledger_command_with(args, &[])
    }

    /// The same with more in its environment.
    pub fn ledger_command_with(&self, args: &[&str], extra: &[(&str, &str)]) -> Result<std::process::Output> {
        Ok(self.ledger_command_plan(args)?.envs(extra.iter().copied()).output()?)
    }

    /// The same, not yet run.
    pub fn ledger_command_plan(&self, args: &[&str]) -> Result<std::process::Command> {
        let mut command = std::process::Command::new(binary("ledger")?);
        command.args(args).envs(self.environment(Role::Ledger)).stdin(std::process::Stdio::null());
        Ok(command)
    }

    /// A gauge or counter of a service, by its name; `None` if it does not answer or has none.
    pub fn metric(&self, role: Role, name: &str) -> Option<f64> {
        let request = self.http.get(format!("{}/metrics", self.url(role))).timeout(Duration::from_secs(1));
        let text = self.rt.block_on(async { request.send().await.ok()?.text().await.ok() })?;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
    }

    /// A connection as a user of nats.conf.
    pub fn client(&self, user: &str) -> async_nats::Client {
        let config = NatsConfig { url: self.nats.url(), seed_file: self.nats.seed_file(user) };
        self.rt
            .block_on(service::nats::connect(&config, user))
            .unwrap_or_else(|error| panic!("NATS should let {user} in: {error:?}"))
    }

    /// The ledger as this producer sees it.
    pub fn ledger_as(&self, producer: Producer) -> Ledger {
        Ledger::new(self.client(producer.as_str()), producer).with_deadline(PATIENCE)
    }

    /// Asks Postgres; a test can't go on without its answer.
    pub fn sql<T>(&self, asked: impl Future<Output = Result<T, sqlx::Error>>) -> T {
        let dir = self.dir().display().to_string();
        self.rt
            .block_on(asked)
            .unwrap_or_else(|error| panic!("Postgres should answer: {error:?}; logs in {dir}"))
    }

    /// The whole log.
    pub async fn log(pool: &PgPool) -> Vec<Row> {
        let sql = format!("SELECT {COLUMNS} FROM events ORDER BY position");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await;
        let rows = rows.unwrap_or_else(|error| panic!("Postgres should show the log: {error:?}"));
        let read = |row| Row::read(row).unwrap_or_else(|error| panic!("the log: {}", error.in_full()));
        rows.iter().map(read).collect()
    }

    /// How an auditor looks: with the public key, and with the checkpoints that are kept outside the database.
    pub fn audit(&self) -> Options {
        let kept = |role| (format!("the folder of {role:?}"), self.notes(role));
        let outside = [Role::Ledger, Role::Standby].map(kept).into();
        Options { keys: vec![Self::vkey()], outside, ..Options::default() }
    }

    /// Verifies the log, its checkpoints, and the projections and snapshots as far as they are.
    pub fn verify(&self) -> Report {
        let options = self.audit();
        let verified = verify_with(&self.pool, &options, |_, _| {});
        self.rt.block_on(verified).unwrap_or_else(|error| panic!("the log should be readable: {error:?}"))
    }

    pub fn assert_verified(&self) {
        let report = self.verify();
        assert!(report.verified, "{:#?}", report.findings);
    }

    /// Waits for a condition.
    pub fn until<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        self.until_within(PATIENCE, what, look)
    }

    /// The same, of what takes long by itself on a full machine.
    pub fn until_within<T>(&self, patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + patience;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < end, "waited {patience:?} for {what}; logs in {}", self.dir.display());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.services.clear();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// A superuser's connections. Without `jit`: compiling what looks costly takes Postgres seconds, and a test's tables are
/// small.
pub async fn as_superuser(url: &str) -> Result<PgPool> {
    let options = url.parse::<PgConnectOptions>()?.options([("jit", "off")]);
    Ok(PgPoolOptions::new().max_connections(8).connect_with(options).await?)
}

/// Always the same: what it signs is a test's.
fn checkpoint_key() -> SecretKey {
    SecretKey::from_seed("plantain/test", [7; 32]).expect("plantain/test is a name as keys have them")
}

/// A service's program: where `cargo xtask test` has put it aside, else beside this test's own.
fn binary(name: &str) -> Result<PathBuf> {
    let dir = match std::env::var_os(PROGRAMS_DIR) {
        Some(dir) => PathBuf::from(dir),
        None => {
            let beside = std::env::current_exe()?;
            let deps = beside.ancestors().find(|dir| dir.ends_with("deps"));
            deps.unwrap_or(&beside).with_file_name("")
        }
    };
    let path = dir.join(name);
    if !path.is_file() {
        bail!("{} is not built: run the tests by `cargo xtask test`", path.display());
    }
    Ok(path)
}
