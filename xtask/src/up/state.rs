//! `state.json`: what runs, written by the supervisor, read by `down`, `status`, `demo` and the next `up`.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use nix::{sys::signal::Signal, unistd::Pid};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use crate::{
    machine::{Process, paths, process},
    settings::{Ports, Sandboxed},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Starting,
    Ready,
    Stopping,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    pub phase: Phase,
    pub supervisor: Record,
    pub detached: bool,
    pub ports: Ports,
    pub sandboxed: Sandboxed,
    /// True if DATABASE_URL or NATS_URL point elsewhere: those servers are not ours to start or stop.
    pub own_postgres: bool,
    pub own_nats: bool,
    pub postgres_data: Option<PathBuf>,
    pub psql: Option<PathBuf>,
    /// The longest that the services together may take to stop.
    #[serde(default)]
    pub stop_within_s: u64,
    /// In the order of their start.
    pub processes: Vec<Record>,
}

/// A process, told from a stranger with the same pid by when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub name: String,
    pub pid: u32,
    pub born: String,
    pub log: PathBuf,
    pub restarts: u32,
}

impl Record {
    pub fn of(process: &Process, restarts: u32) -> Self {
        let (pid, log) = (process.pid(), process.log().to_path_buf());
        let born = process::born(pid).unwrap_or_default();
        Self { name: process.name().to_owned(), pid, born, log, restarts }
    }

    pub fn of_this_process(log: PathBuf) -> Self {
        let pid = std::process::id();
        Self { name: "xtask".to_owned(), pid, born: process::born(pid).unwrap_or_default(), log, restarts: 0 }
    }

    /// Whether the very process that was recorded still runs.
    pub fn is_alive(&self) -> bool {
        process::born(self.pid).is_some_and(|born| born == self.born)
    }

    /// Sends a signal, if it is still that process.
    pub fn signal(&self, signal: Signal) {
        if self.is_alive() {
            let _ = nix::sys::signal::kill(Pid::from_raw(self.pid.cast_signed()), signal);
        }
    }

    pub fn wait_gone(&self, timeout: Duration) -> bool {
        process::until(timeout, || (!self.is_alive()).then_some(())).is_some()
    }
}

impl State {
    /// None if there is none. A state that cannot be read is an error: it may name running processes.
    pub fn read(layout: &Layout) -> Result<Option<Self>> {
        let file = layout.state();
        match std::fs::read(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
            Ok(text) => {
                let state = serde_json::from_slice(&text);
                state
                    .map(Some)
                    .with_context(|| format!("{} is damaged; look what runs, then delete it", file.display()))
            }
        }
    }

    pub fn write(&self, layout: &Layout) -> Result<()> {
        paths::write_private(&layout.state(), &serde_json::to_vec_pretty(self)?)
    }

    pub fn remove(layout: &Layout) {
        let _ = std::fs::remove_file(layout.state());
    }

    pub fn is_detached(layout: &Layout) -> bool {
        Self::read(layout).ok().flatten().is_some_and(|state| state.detached)
    }

    /// The state of a system that really runs.
    pub fn running(layout: &Layout) -> Result<Option<Self>> {
        Ok(Self::read(layout)?.filter(|state| state.supervisor.is_alive()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_given_to_someone_else_is_not_ours() {
        let mut record = Record::of_this_process(PathBuf::new());
        assert!(record.is_alive());
        record.born = "1".to_owned();
        assert!(!record.is_alive());
        record.signal(Signal::SIGKILL);
    }
}
