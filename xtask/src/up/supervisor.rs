//! Starts everything in order, keeps it running, stops it in the reverse order.
//!
//! Start: Postgres → NATS → sandbox → ledger → the adapters, each waited for. Watch: what ends is started
//! again, with a pause that doubles up to [`PAUSE_MAX`]. Stop: adapters → ledger → sandbox → NATS → Postgres.

use std::{
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    interrupt,
    layout::{DATABASE, DATABASE_ROLE, Layout, Secrets},
    services::{CHECKPOINT_KEY_FILE, Service, services},
    state::{Phase, Record, State},
};
use crate::{
    machine::{
        Keys, LOG_SETTINGS, Nats, NatsOptions, Postgres, PostgresOptions, Process, Signal, Stop, http, paths,
        process::POLL,
    },
    settings::Settings,
    words::folded,
};

/// A service migrates, connects and provisions before it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);
/// Who takes longer to stop is named.
const TELL_AFTER: Duration = Duration::from_secs(2);
/// Of the log of what ended: enough for a configuration's mistakes.
const TAIL_LINES: usize = 12;
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// A service that cannot start is tried twice a minute, for ever: its cause may pass.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Having run this long it counts as healthy, and the next pause is short again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

pub(super) struct Supervisor<'a> {
    layout: &'a Layout,
    settings: &'a Settings,
    state: State,
    postgres: Option<Postgres>,
    nats: Option<Nats>,
    services: Vec<Running>,
    /// How often Postgres and NATS were started again.
    restarts: [u32; 2],
}

struct Running {
    service: Service,
    /// None between its end and its next start.
    process: Option<Process>,
    started: Instant,
    /// Whether it was waited for and said to be ready.
    told: bool,
    pause: Duration,
    again_at: Option<Instant>,
    restarts: u32,
}

impl<'a> Supervisor<'a> {
    pub(super) fn new(layout: &'a Layout, settings: &'a Settings, detached: bool) -> Self {
        let state = State {
            phase: Phase::Starting,
            supervisor: Record::of_this_process(layout.log("up")),
            detached,
            ports: settings.ports.clone(),
            sandboxed: settings.sandboxed,
            own_postgres: settings.database_url.is_none(),
            own_nats: settings.nats_url.is_none(),
            postgres_data: None,
            psql: None,
            stop_within_s: 0,
            processes: Vec::new(),
        };
        Self { layout, settings, state, postgres: None, nats: None, services: Vec::new(), restarts: [0, 0] }
    }

    /// Once, unless there is one of somebody's own.
    fn make_checkpoint_key(&self) -> Result<()> {
        let file = self.layout.checkpoint_key();
        if self.settings.variables.get(CHECKPOINT_KEY_FILE).is_some() || file.exists() {
            return Ok(());
        }
        let made = Command::new(self.layout.program("ledger")).arg("checkpoint-key").arg(&file).output()?;
        if !made.status.success() {
            bail!("no key for checkpoints could be made: {}", String::from_utf8_lossy(&made.stderr).trim());
        }
        Ok(())
    }

    pub(super) fn start(&mut self) -> Result<()> {
        self.save()?;
        let secrets = Secrets::open(self.layout)?;
        let keys = Keys::open(&self.layout.keys())?;
        self.start_postgres(&secrets)?;
        self.start_nats(&keys)?;
        self.make_checkpoint_key()?;
        let services = services(self.settings, self.layout, &secrets, &keys);
        self.state.stop_within_s = services.iter().map(|service| service.stop_within.as_secs()).sum();
        for service in services {
            let started = Instant::now();
            let process = Process::start(service.plan.clone())?;
            self.services.push(Running {
                service,
                process: Some(process),
                started,
                told: false,
                pause: PAUSE_MIN,
                again_at: None,
                restarts: 0,
            });
            self.save()?;
            // The adapters do not need each other: they come up together.
            let together = self.services.last().is_some_and(|r| r.service.name.ends_with("-adapter"));
            if !together {
                self.wait_for_services()?;
            }
        }
        self.state.phase = Phase::Ready;
        self.save()
    }

    fn start_postgres(&mut self, secrets: &Secrets) -> Result<()> {
        if self.settings.database_url.is_some() {
            println!("  Postgres          yours, as DATABASE_URL says");
            return Ok(());
        }
        let begun = Instant::now();
        let (data, why) = self.layout.postgres_data()?;
        if let Some(why) = why {
            println!("{}", folded(&format!("  Postgres' data is in {}: {why}", data.display())));
        }
        begin("Postgres")?;
        let options = PostgresOptions {
            data: data.clone(),
            port: self.settings.ports.postgres,
            password: secrets.postgres_password.clone(),
            log: self.layout.log("postgres"),
            fsync: true,
            settings: LOG_SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            on_our_death: Signal::SIGINT,
        };
        let postgres = Postgres::start(options)?;
        self.state.psql = Some(postgres.psql_path());
        self.state.postgres_data = Some(data);
        prepare_database(&postgres, &secrets.database_password)?;
        ready(begun, &format!("{}, 127.0.0.1:{}", postgres.major(), postgres.port()));
        self.postgres = Some(postgres);
        self.save()
    }

    fn start_nats(&mut self, keys: &Keys) -> Result<()> {
        if self.settings.nats_url.is_some() {
            let file = self.layout.keys().join("nats.env");
            let lines: Vec<String> = keys.environment().iter().map(|(n, v)| format!("{n}={v}\n")).collect();
            paths::write_private(&file, lines.concat().as_bytes())?;
            println!("  NATS              yours, as NATS_URL says; the users it must know are in");
            println!("                    {}", file.display());
            return Ok(());
        }
        let begun = Instant::now();
        begin("NATS")?;
        let options = NatsOptions {
            conf: paths::root().join("nats.conf"),
            env: keys.environment(),
            port: self.settings.ports.nats,
            monitor_port: self.settings.ports.nats_monitor,
            store: self.layout.nats_store(),
            log: self.layout.log("nats"),
            on_our_death: Signal::SIGTERM,
        };
        self.nats = Some(Nats::start(options, keys.clone())?);
        ready(begun, &format!("127.0.0.1:{}", self.settings.ports.nats));
        self.save()
    }

    /// Waits for every service that was started and not yet said to be ready.
    fn wait_for_services(&mut self) -> Result<()> {
        for running in self.services.iter_mut().filter(|r| !r.told) {
            let Some(process) = running.process.as_mut() else { continue };
            begin(running.service.name)?;
            let port = running.service.port;
            process.wait_ready(READY_TIMEOUT, |_| interrupt::asked() || is_ready(port))?;
            if interrupt::asked() {
                bail!("interrupted");
            }
            ready(running.started, &format!("127.0.0.1:{port}"));
            running.told = true;
        }
        Ok(())
    }

    /// Until we are asked to stop, starts again what ends.
    pub(super) fn watch(&mut self) -> Result<()> {
        while !interrupt::asked() {
            let mut changed = self.revive_servers();
            for running in &mut self.services {
                changed |= running.look();
            }
            if changed {
                self.save()?;
            }
            interrupt::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    fn revive_servers(&mut self) -> bool {
        let [postgres_restarts, nats_restarts] = &mut self.restarts;
        let mut changed = false;
        if let Some(postgres) = &mut self.postgres
            && postgres.process().is_none_or(|process| !process.is_running())
        {
            let log = postgres.log().to_path_buf();
            revive("Postgres", &log, postgres_restarts, || postgres.restart());
            changed = true;
        }
        if let Some(nats) = &mut self.nats
            && nats.process().is_none_or(|process| !process.is_running())
        {
            let log = nats.log().to_path_buf();
            revive("NATS", &log, nats_restarts, || nats.restart());
            changed = true;
        }
        changed
    }

    /// Stops what runs, in order; a second Ctrl-C kills it.
    pub(super) fn stop(&mut self) {
        self.state.phase = Phase::Stopping;
        // The state only helps `down` and `status`; stopping goes on without it.
        let _ = self.save();
        let begun = Instant::now();
        let (adapters, others): (Vec<Running>, Vec<Running>) = std::mem::take(&mut self.services)
            .into_iter()
            .partition(|r| !["sandbox", "ledger"].contains(&r.service.name));
        stop_together(adapters);
        for running in others.into_iter().rev() {
            stop_together(vec![running]);
        }
        if let Some(mut nats) = self.nats.take() {
            nats.stop();
        }
        if let Some(mut postgres) = self.postgres.take()
            && let Err(error) = postgres.stop(Stop::Fast)
        {
            println!("{}", folded(&format!("! {error:#}")));
        }
        State::remove(self.layout);
        println!("  everything is stopped ({:.1} s); the data is kept", begun.elapsed().as_secs_f64());
    }

    fn save(&mut self) -> Result<()> {
        let mut processes = Vec::new();
        if let Some(process) = self.postgres.as_mut().and_then(Postgres::process) {
            processes.push(Record::of(process, self.restarts[0]));
        }
        if let Some(process) = self.nats.as_mut().and_then(Nats::process) {
            processes.push(Record::of(process, self.restarts[1]));
        }
        let services = self.services.iter().filter_map(|r| Some(Record::of(r.process.as_ref()?, r.restarts)));
        processes.extend(services);
        self.state.processes = processes;
        self.state.write(self.layout)
    }
}

impl Running {
    /// Notices its end, and starts it again when its pause is over. True if something changed.
    fn look(&mut self) -> bool {
        if let Some(process) = &mut self.process {
            let Some(status) = process.ended() else { return false };
            if self.started.elapsed() > HEALTHY_AFTER {
                self.pause = PAUSE_MIN;
            }
            let next = format!("starting it again in {} s", self.pause.as_secs());
            tell_end(self.service.name, &status.to_string(), process.log(), &next);
            self.again_at = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(PAUSE_MAX);
            self.process = None;
            return true;
        }
        if self.again_at.is_none_or(|at| Instant::now() < at) {
            return false;
        }
        self.restarts += 1;
        self.started = Instant::now();
        match Process::start(self.service.plan.clone()) {
            Ok(process) => self.process = Some(process),
            Err(error) => {
                println!("{}", folded(&format!("! {error:#}")));
                self.again_at = Some(Instant::now() + PAUSE_MAX);
            }
        }
        true
    }
}

/// The ledger's role and database, made if they are not there.
fn prepare_database(postgres: &Postgres, password: &str) -> Result<()> {
    let ask = |sql: String| postgres.query("postgres", &sql).map(|answer| !answer.is_empty());
    let has_role = ask(format!("SELECT 1 FROM pg_roles WHERE rolname = '{DATABASE_ROLE}'"));
    if !has_role
        .context("Postgres refuses the password in secrets.json; was its data made by another run?")?
    {
        let create = format!("CREATE ROLE {DATABASE_ROLE} LOGIN CREATEROLE PASSWORD '{password}'");
        postgres.query("postgres", &create)?;
    }
    if postgres.major() >= 16 {
        // Since 16 who creates a role may not become it, unless it says so.
        let may_become = format!("ALTER ROLE {DATABASE_ROLE} SET createrole_self_grant = 'set, inherit'");
        postgres.query("postgres", &may_become)?;
    }
    if !ask(format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"))? {
        postgres.query("postgres", &format!("CREATE DATABASE {DATABASE} OWNER {DATABASE_ROLE}"))?;
    }
    Ok(())
}

/// Starts a server again at once; if that fails, the next try is a long pause later.
fn revive(name: &str, log: &Path, restarts: &mut u32, restart: impl FnOnce() -> Result<()>) {
    tell_end(name, "it was not stopped by us", log, "starting it again");
    *restarts += 1;
    if let Err(error) = restart() {
        println!("{}", folded(&format!("! {error:#}")));
        interrupt::sleep(PAUSE_MAX);
    }
}

/// How long something is waited for, and what to do who can't wait.
pub(super) fn patience(within: Duration) -> String {
    format!(
        "it is waited for, at most {} s; whoever asks again (Ctrl-C, `down`) has it killed",
        within.as_secs()
    )
}

fn tell_end(name: &str, how: &str, log: &Path, next: &str) {
    let tail = crate::machine::process::tail(log, TAIL_LINES);
    println!("{}", folded(&format!("! {name} ended ({how}); {next}. Its last lines:")));
    println!("{tail}\n    the whole log: {}", log.display());
}

fn is_ready(port: u16) -> bool {
    http::get(port, "/ready", HEALTH_TIMEOUT).is_ok_and(|answer| answer.status == 200)
}

/// Asks all of them at once, waits for all, kills those that stay.
fn stop_together(mut group: Vec<Running>) {
    for process in group.iter_mut().filter_map(|r| r.process.as_mut()) {
        process.signal(Signal::SIGTERM);
    }
    let begun = Instant::now();
    for running in &mut group {
        let (within, mut told) = (running.service.stop_within, false);
        let Some(process) = running.process.as_mut() else { continue };
        while process.is_running() && begun.elapsed() < within && !interrupt::insisted() {
            if !told && begun.elapsed() > TELL_AFTER {
                told = true;
                let what = format!("  {} ends what is under way: {}", process.name(), patience(within));
                println!("{}", folded(&what));
            }
            std::thread::sleep(POLL);
        }
        if process.is_running() {
            println!("! {} did not stop in {} s: killed", process.name(), begun.elapsed().as_secs());
            process.kill9();
        }
    }
}

fn begin(name: &str) -> Result<()> {
    if interrupt::asked() {
        bail!("interrupted");
    }
    print!("  {name:<18}");
    std::io::stdout().flush()?;
    Ok(())
}

fn ready(since: Instant, what: &str) {
    println!("ready after {:>5.1} s   {what}", since.elapsed().as_secs_f64());
}
