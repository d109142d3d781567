//! A private Postgres: its own data folder, port and password, on loopback only, never as root.
//!
//! Phases: find the programs → choose who runs it and where that user can write → `initdb` once → start →
//! wait until `postmaster.pid` says ready (no client needed, and it names the process: ours).

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{sys::signal::Signal, unistd::User};

use super::{
    install::{self, PostgresPrograms},
    paths,
    ports::{self, PortLease},
    process::{Account, Plan, Process},
    scratch::Scratch,
};

/// The superuser of every instance.
pub const SUPERUSER: &str = "postgres";

/// How an instance with a ledger's log is set, whatever its size: rare checkpoints, since after each one
/// every page that is touched is written whole, and room for the hot end of tables and indexes.
pub const LOG_SETTINGS: [(&str, &str); 4] = [
    ("shared_buffers", "256MB"),
    ("max_wal_size", "4GB"),
    ("min_wal_size", "256MB"),
    ("checkpoint_timeout", "15min"),
];

/// A crashed instance first replays its WAL.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// A unix socket's path is at most 107 bytes on Linux, 103 on macOS; the socket's name takes some of it.
const SOCKET_DIR_BYTES_MAX: usize = 80;

#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The data folder; created with `initdb` if it is not there.
    pub data: PathBuf,
    pub port: u16,
    /// Kept in a file beside, mode 600; becomes the superuser's at `initdb`.
    pub password: String,
    pub log: PathBuf,
    /// Off only for tests.
    pub fsync: bool,
    /// More settings, name and value.
    pub settings: Vec<(String, String)>,
    /// Sent to it if we die without stopping it.
    pub on_our_death: Signal,
}

/// The three ways to end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Connections are closed, everything is written: the usual way.
    Fast,
    /// Like a crash of the server: WAL is replayed at the next start.
    Immediate,
    /// SIGKILL of the postmaster; its children notice and go.
    Kill,
}

#[derive(Debug)]
pub struct Postgres {
    programs: PostgresPrograms,
    options: PostgresOptions,
    /// None while stopped.
    process: Option<Process>,
    // Dropped last: after the process.
    _temporary: Option<(PortLease, Scratch)>,
}

impl Postgres {
    /// Starts an instance on `options.data`, created if it is not there yet.
    pub fn start(options: PostgresOptions) -> Result<Self> {
        let major =
            std::fs::read_to_string(options.data.join("PG_VERSION")).ok().and_then(|v| v.trim().parse().ok());
        let programs = install::postgres::find_or_install(major)?;
        let mut instance = Self { programs, options, process: None, _temporary: None };
        if major.is_none() {
            instance.initialise()?;
        }
        instance.run()?;
        Ok(instance)
    }

    /// An empty instance for tests: without fsync, on a leased port, in a temporary folder, gone on drop.
    pub fn start_temporary() -> Result<Self> {
        Self::start_temporary_with(&[
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("max_connections", "200"),
        ])
    }

    /// The same with settings of your own instead of those without fsync.
    pub fn start_temporary_with(settings: &[(&str, &str)]) -> Result<Self> {
        let scratch = Scratch::reachable("postgres", unprivileged()?)?;
        let lease = ports::lease_port()?;
        let options = PostgresOptions {
            data: scratch.path().join("data"),
            port: lease.port(),
            password: paths::random_hex(16)?,
            log: scratch.path().join("postgres.log"),
            fsync: true,
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            // Not SIGKILL: that would leave a shared memory segment behind each time.
            on_our_death: Signal::SIGQUIT,
        };
        let mut instance = Self::start(options)?;
        instance._temporary = Some((lease, scratch));
        Ok(instance)
    }

    /// The address of a database, with user and password.
    pub fn url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, &self.options.password, database)
    }

    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.options.port)
    }

    pub fn port(&self) -> u16 {
        self.options.port
    }

    pub fn major(&self) -> u32 {
        self.programs.major
    }

    pub fn data(&self) -> &Path {
        &self.options.data
    }

    pub fn log(&self) -> &Path {
        &self.options.log
    }

    pub fn psql_path(&self) -> PathBuf {
        self.programs.program("psql")
    }

    /// The running postmaster, for signals (SIGSTOP, say); None while stopped.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    pub fn create_database(&self, name: &str) -> Result<()> {
        self.query("postgres", &format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""))).map(drop)
    }

    /// Runs SQL as the superuser through psql: rows as lines, columns joined by `|`.
    pub fn query(&self, database: &str, sql: &str) -> Result<String> {
        query(&self.psql_path(), self.options.port, SUPERUSER, &self.options.password, database, sql)
    }

    pub fn stop(&mut self, how: Stop) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let signal = match how {
            Stop::Fast => Signal::SIGINT,
            Stop::Immediate => Signal::SIGQUIT,
            Stop::Kill => Signal::SIGKILL,
        };
        if !process.stop(signal, STOP_TIMEOUT) {
            return Err(process
                .complaint(&format!("did not stop within {} s and was killed", STOP_TIMEOUT.as_secs())));
        }
        Ok(())
    }

    /// Starts again what was stopped, on the same port and data.
    pub fn restart(&mut self) -> Result<()> {
        self.stop(Stop::Fast)?;
        self.run()
    }

    fn run(&mut self) -> Result<()> {
        self.remove_stale_pid_file();
        // After SIGKILL the old backends need a moment to notice; until then a start is refused.
        let mut refused = None;
        for _ in 0..20 {
            match self.run_once() {
                Ok(process) => {
                    self.process = Some(process);
                    return Ok(());
                }
                Err(error) if format!("{error:#}").contains("still in use") => refused = Some(error),
                Err(error) => return Err(error),
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        Err(refused.unwrap_or_else(|| anyhow::anyhow!("Postgres did not start")))
    }

    fn run_once(&self) -> Result<Process> {
        let options = &self.options;
        let sockets = options.data.display().to_string();
        let sockets = if sockets.len() > SOCKET_DIR_BYTES_MAX { String::new() } else { sockets };
        let mut settings = vec![
            ("listen_addresses".to_owned(), "127.0.0.1".to_owned()),
            ("port".to_owned(), options.port.to_string()),
            ("unix_socket_directories".to_owned(), sockets),
            ("fsync".to_owned(), if options.fsync { "on" } else { "off" }.to_owned()),
            ("log_line_prefix".to_owned(), "%m [%p] ".to_owned()),
        ];
        settings.extend(options.settings.iter().cloned());
        let mut plan = Plan::new("postgres", self.programs.program("postgres"), &options.log);
        plan = plan.args(["-D".into(), options.data.clone().into_os_string()]);
        plan =
            plan.args(settings.iter().flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]));
        plan.dir = Some(options.data.clone());
        plan.user = unprivileged()?;
        plan.on_our_death = options.on_our_death;
        let mut process = Process::start(plan)?;
        let pid_file = options.data.join("postmaster.pid");
        process.wait_ready(READY_TIMEOUT, |process| says_ready(&pid_file, process.pid()))?;
        Ok(process)
    }

    fn initialise(&self) -> Result<()> {
        let data = &self.options.data;
        let user = unprivileged()?;
        std::fs::create_dir_all(data).with_context(|| format!("cannot create {}", data.display()))?;
        own(data, user)?;
        if !can_enter(user, data) {
            bail!("the user that runs Postgres cannot reach {}", data.display());
        }
        // initdb reads the password from a file, as the user it runs as.
        let password_file = data.with_added_extension("password");
        paths::write_private(&password_file, format!("{}\n", self.options.password).as_bytes())?;
        own(&password_file, user)?;
        let mut initdb = Command::new(self.programs.program("initdb"));
        initdb.args(["--username", SUPERUSER, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]);
        initdb.args(["--data-checksums", "--no-instructions"]);
        if !self.options.fsync || self.options.settings.iter().any(|(n, v)| n == "fsync" && v == "off") {
            initdb.arg("--no-sync");
        }
        initdb.arg("--pwfile").arg(&password_file).arg("-D").arg(data).current_dir(data);
        if let Some(account) = user {
            initdb.uid(account.uid).gid(account.gid);
        }
        let output = initdb.output().context("cannot run initdb");
        let _ = std::fs::remove_file(&password_file);
        let output = output?;
        if !output.status.success() {
            // A half made folder would be taken for a finished one.
            let _ = std::fs::remove_dir_all(data);
            bail!("initdb failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    /// A pid file left by a dead instance is harmless unless its pid was given to someone else since.
    fn remove_stale_pid_file(&self) {
        let file = self.options.data.join("postmaster.pid");
        let Some(pid) =
            std::fs::read_to_string(&file).ok().and_then(|t| t.lines().next()?.trim().parse::<u32>().ok())
        else {
            return;
        };
        let command = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        if command.is_ok_and(|name| name.trim() != "postgres") {
            let _ = std::fs::remove_file(&file);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Tests need no orderly end, and a served instance was stopped before.
        if let Some(mut process) = self.process.take() {
            process.stop(Signal::SIGQUIT, Duration::from_secs(5));
        }
    }
}

/// The version that made a data folder; no other reads it.
pub fn major_of(data: &Path) -> Option<u32> {
    std::fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Runs SQL through psql; an error carries what psql said. The SQL goes in by stdin: arguments can be read
/// by anyone on the machine.
pub fn query(
    psql: &Path,
    port: u16,
    user: &str,
    password: &str,
    database: &str,
    sql: &str,
) -> Result<String> {
    let mut command = Command::new(psql);
    command.args([
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        "127.0.0.1",
        "-U",
        user,
        "-d",
        database,
    ]);
    command.args(["-p", &port.to_string(), "-f", "-"]);
    command.env("PGPASSWORD", password).env("PGCONNECT_TIMEOUT", "10");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot run {}", psql.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // If psql ended early, its words say why.
        let _ = stdin.write_all(sql.as_bytes());
    }
    let output = child.wait_with_output().with_context(|| format!("cannot run {}", psql.display()))?;
    if !output.status.success() {
        bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Who runs Postgres: we ourselves, or if we are root someone who is not, since it refuses to run as root.
pub fn unprivileged() -> Result<Option<Account>> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some(Account { uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
        }
    }
    bail!("Postgres does not run as root, and there is neither a user `postgres` nor `nobody` to run it as")
}

/// Whether `user` can work in `dir`: tried, not computed from modes.
pub fn can_enter(user: Option<Account>, dir: &Path) -> bool {
    let Some(account) = user else { return dir.is_dir() };
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "cd \"$0\"", &dir.display().to_string()])
        .uid(account.uid)
        .gid(account.gid)
        .current_dir("/");
    shell.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn own(path: &Path, user: Option<Account>) -> Result<()> {
    let Some(account) = user else { return Ok(()) };
    std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid))
        .with_context(|| format!("cannot give {} to the user that runs Postgres", path.display()))
}

/// `postmaster.pid`: its first line is the pid, its eighth the state.
fn says_ready(file: &Path, pid: u32) -> bool {
    let Ok(text) = std::fs::read_to_string(file) else { return false };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.first() == Some(&pid.to_string().as_str()) && lines.get(7) == Some(&"ready")
}
