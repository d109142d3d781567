//! Children: how they are started, told apart from strangers, and ended.
//!
//! A child gets a process group of its own (Ctrl-C in the terminal reaches only us, and we stop things in
//! order) and, where util-linux' `setpriv` is there, a parent-death signal: if we die hard it goes too.
//! That signal follows the *thread* that started the child, so all are started from one that never ends.

use std::{
    ffi::OsString,
    fs::File,
    io::{Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use nix::{sys::signal::Signal, unistd::Pid};

use super::paths;

/// How often a condition is looked at while waiting for it.
pub const POLL: Duration = Duration::from_millis(20);

/// What to start and how.
#[derive(Debug, Clone)]
pub struct Plan {
    pub name: String,
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// Added to our own environment.
    pub env: Vec<(String, String)>,
    /// Taken out of our own environment.
    pub env_remove: Vec<String>,
    pub dir: Option<PathBuf>,
    /// Run as this user (only possible for root).
    pub user: Option<Account>,
    /// Gets stdout and stderr, appended.
    pub log: PathBuf,
    /// Sent to the child when we die without stopping it.
    pub on_our_death: Signal,
}

/// A user of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Plan {
    pub fn new(name: &str, program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            name: name.to_owned(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            env_remove: Vec::new(),
            dir: None,
            user: None,
            log: log.into(),
            on_our_death: Signal::SIGKILL,
        }
    }

    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub fn envs(mut self, env: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(env);
        self
    }

    fn command(&self) -> Result<Command> {
        let mut command = match paths::in_path("setpriv").first() {
            Some(setpriv) => {
                let mut guarded = Command::new(setpriv);
                // setpriv takes the name without SIG.
                guarded.args(["--pdeathsig", self.on_our_death.as_str().trim_start_matches("SIG"), "--"]);
                guarded.arg(&self.program);
                guarded
            }
            None => Command::new(&self.program),
        };
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("cannot open the log {}", self.log.display()))?;
        // Taken out first: what is given here stays.
        self.env_remove.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.args(&self.args).envs(self.env.iter().cloned()).process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        if let Some(account) = self.user {
            command.uid(account.uid).gid(account.gid);
        }
        Ok(command)
    }
}

/// A running child. Dropped, it is killed and waited for.
#[derive(Debug)]
pub struct Process {
    plan: Plan,
    child: Child,
    ended: Option<ExitStatus>,
}

impl Process {
    pub fn start(plan: Plan) -> Result<Self> {
        let command = plan.command()?;
        let child = spawn(command).with_context(|| format!("cannot start {}", plan.program.display()))?;
        Ok(Self { plan, child, ended: None })
    }

    pub fn name(&self) -> &str {
        &self.plan.name
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn log(&self) -> &Path {
        &self.plan.log
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    pub fn is_running(&mut self) -> bool {
        self.ended().is_none()
    }

    /// Sends a signal; nothing happens if the child is gone (its pid is ours until it has been waited for).
    pub fn signal(&mut self, signal: Signal) {
        if self.is_running() {
            let _ = nix::sys::signal::kill(Pid::from_raw(self.child.id().cast_signed()), signal);
        }
    }

    pub fn wait(&mut self, timeout: Duration) -> Option<ExitStatus> {
        until(timeout, || self.ended())
    }

    /// SIGKILL, and the child waited for.
    pub fn kill9(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
    }

    /// Asks with `signal`, and kills what has not gone by the deadline. True if it went by itself.
    pub fn stop(&mut self, signal: Signal, timeout: Duration) -> bool {
        self.signal(signal);
        let went = self.wait(timeout).is_some();
        self.kill9();
        went
    }

    /// Waits until `ready` is true, and says what the log says if the child ends or the time is up.
    pub fn wait_ready(&mut self, timeout: Duration, mut ready: impl FnMut(&mut Self) -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return Err(self.complaint(&format!("ended at once ({status})")));
            }
            if ready(self) {
                return Ok(());
            }
            if start.elapsed() > timeout {
                return Err(self.complaint(&format!("was not ready within {} s", timeout.as_secs())));
            }
            std::thread::sleep(POLL);
        }
    }

    /// An error that carries the last lines of the log and its place.
    pub fn complaint(&self, what: &str) -> anyhow::Error {
        let tail = tail(&self.plan.log, 12);
        let said =
            if tail.is_empty() { "it wrote nothing".to_owned() } else { format!("its last lines:\n{tail}") };
        anyhow!("{} {what}; {said}\nthe whole log: {}", self.plan.name, self.plan.log.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// Starts `command` from the one thread that lives as long as we do.
fn spawn(command: Command) -> Result<Child> {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static STARTER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in orders {
                let _ = reply.send(command.spawn());
            }
        });
        sender
    });
    let (reply, answer) = mpsc::channel();
    starter.send((command, reply)).map_err(|_| anyhow!("the thread that starts processes has ended"))?;
    Ok(answer.recv().context("the thread that starts processes has ended")??)
}

/// Looks until there is something or the time is up.
pub fn until<T>(timeout: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if start.elapsed() >= timeout {
            return None;
        }
        std::thread::sleep(POLL);
    }
}

/// When the process `pid` began, as a word to compare with: with it a pid that was used again is told from
/// the one that was meant. None if there is no such process, or only its shell (a zombie).
pub fn born(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command's name, in parentheses, may hold spaces: count behind it. Fields 3 (state) and 22 (start).
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let (state, start) = (fields.first()?, fields.get(19)?);
        return (*state != "Z" && *state != "X").then(|| (*start).to_owned());
    }
    let output = Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output().ok()?;
    let start = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!start.is_empty()).then_some(start)
}

/// The last `lines` lines of a file, indented; "" if there is nothing.
pub fn tail(file: &Path, lines: usize) -> String {
    const TAIL_BYTES: u64 = 16 << 10;
    let mut text = Vec::new();
    let read = (|| -> std::io::Result<()> {
        let mut file = File::open(file)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(TAIL_BYTES)))?;
        file.read_to_end(&mut text).map(drop)
    })();
    if read.is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    last.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Scratch;

    fn sleeper(scratch: &Scratch) -> Plan {
        Plan::new("sleeper", "/bin/sh", scratch.path().join("log"))
            .args(["-c", "echo started; exec sleep 60"])
    }

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it_and_is_killed_on_drop() {
        let scratch = Scratch::new("process").unwrap();
        let plan = sleeper(&scratch);
        let mut child = std::thread::spawn(|| Process::start(plan).unwrap()).join().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert!(child.is_running());
        let pid = child.pid();
        assert!(born(pid).is_some());
        drop(child);
        assert_eq!(born(pid), None);
    }

    #[test]
    fn a_child_that_ends_is_reported_with_its_last_words() {
        let scratch = Scratch::new("process").unwrap();
        let plan =
            Plan::new("brief", "/bin/sh", scratch.path().join("log")).args(["-c", "echo no port; exit 3"]);
        let error = Process::start(plan)
            .unwrap()
            .wait_ready(Duration::from_secs(5), |_| false)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("exit status: 3") && error.contains("no port") && error.contains("log"),
            "{error}"
        );
    }

    #[test]
    fn a_child_goes_when_its_starter_is_killed() {
        if paths::in_path("setpriv").is_empty() {
            return;
        }
        // A shell that starts a guarded child, as we do, and is killed.
        let script = "setpriv --pdeathsig KILL -- sleep 60 & echo $!; wait";
        let mut shell = Command::new("/bin/sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(shell.stdout.take().unwrap()), &mut line)
            .unwrap();
        let pid: u32 = line.trim().parse().unwrap();
        // Only when setpriv has become sleep is the guard set.
        let comm = || std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        until(Duration::from_secs(5), || (comm().trim() == "sleep").then_some(())).unwrap();
        shell.kill().unwrap();
        shell.wait().unwrap();
        assert!(until(Duration::from_secs(5), || born(pid).is_none().then_some(())).is_some());
    }
}
