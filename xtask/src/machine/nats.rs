//! A private nats-server with the repository's nats.conf (or another): its own ports, store and keys.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::{
    Keys, http, install, ports,
    ports::PortLease,
    process::{Plan, Process},
    scratch::Scratch,
};

/// A big store is read through before it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct NatsOptions {
    pub conf: PathBuf,
    /// What the configuration reads: the public keys of [`Keys::environment`], and more if it needs more.
    pub env: Vec<(String, String)>,
    pub port: u16,
    pub monitor_port: u16,
    /// The JetStream store.
    pub store: PathBuf,
    pub log: PathBuf,
    /// Sent to it if we die without stopping it.
    pub on_our_death: Signal,
}

#[derive(Debug)]
pub struct Nats {
    program: PathBuf,
    options: NatsOptions,
    keys: Keys,
    /// None while stopped.
    process: Option<Process>,
    // Dropped last: after the process.
    _temporary: Option<([PortLease; 2], Scratch)>,
}

impl Nats {
    pub fn start(options: NatsOptions, keys: Keys) -> Result<Self> {
        let program = install::nats::find_or_install()?.path;
        let mut server = Self { program, options, keys, process: None, _temporary: None };
        server.run()?;
        Ok(server)
    }

    /// A server for tests: an empty store, keys of its own, leased ports, gone on drop. `env` is added to
    /// the keys' environment and wins over it.
    pub fn start_temporary(conf: &Path, env: &[(String, String)]) -> Result<Self> {
        let scratch = Scratch::new("nats")?;
        let leases = [ports::lease_port()?, ports::lease_port()?];
        let keys = Keys::open(&scratch.path().join("keys"))?;
        let options = NatsOptions {
            conf: conf.to_path_buf(),
            env: keys.environment().into_iter().chain(env.iter().cloned()).collect(),
            port: leases[0].port(),
            monitor_port: leases[1].port(),
            store: scratch.path().join("store"),
            log: scratch.path().join("nats.log"),
            on_our_death: Signal::SIGKILL,
        };
        let mut server = Self::start(options, keys)?;
        server._temporary = Some((leases, scratch));
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.options.port)
    }

    pub fn monitor_port(&self) -> u16 {
        self.options.monitor_port
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The file with a user's seed; users are in [`super::keys::USERS`].
    pub fn seed_file(&self, user: &str) -> PathBuf {
        self.keys.seed_file(user)
    }

    pub fn log(&self) -> &Path {
        &self.options.log
    }

    pub fn store(&self) -> &Path {
        &self.options.store
    }

    /// The running server, for signals; None while stopped.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// SIGTERM, and SIGKILL if that does not help in time.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop(Signal::SIGTERM, STOP_TIMEOUT);
        }
    }

    pub fn kill9(&mut self) {
        self.process = None;
    }

    /// Stops it if it runs, and starts it again on the same ports and store.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.run()
    }

    /// Kills the server, deletes the whole JetStream store, and starts it again empty.
    pub fn wipe_store(&mut self) -> Result<()> {
        self.kill9();
        match std::fs::remove_dir_all(&self.options.store) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot delete {}", self.options.store.display()))
            }
            _ => self.run(),
        }
    }

    fn run(&mut self) -> Result<()> {
        let options = &self.options;
        std::fs::create_dir_all(&options.store)
            .with_context(|| format!("cannot create {}", options.store.display()))?;
        let mut plan =
            Plan::new("nats-server", &self.program, &options.log).envs(options.env.iter().cloned());
        plan = plan.args([
            "-a",
            "127.0.0.1",
            "-p",
            &options.port.to_string(),
            "-m",
            &options.monitor_port.to_string(),
        ]);
        plan = plan.args(["-sd".into(), options.store.clone().into_os_string()]);
        plan = plan.args(["-c".into(), options.conf.clone().into_os_string()]);
        plan.on_our_death = options.on_our_death;
        let mut process = Process::start(plan)?;
        let monitor = options.monitor_port;
        let healthy =
            |_: &mut Process| http::get(monitor, "/healthz", HEALTH_TIMEOUT).is_ok_and(|a| a.status == 200);
        process.wait_ready(READY_TIMEOUT, healthy)?;
        self.process = Some(process);
        Ok(())
    }
}
