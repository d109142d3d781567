//! CPU seconds that processes have used and memory they take, from /proc: who takes how much of the machine.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

/// Ticks of /proc/<pid>/stat a second: fixed on Linux.
const TICKS: f64 = 100.0;

#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu {
    pub ledger: f64,
    pub postgres: f64,
    pub nats: f64,
    pub load: f64,
}

impl std::ops::Sub for Cpu {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            ledger: self.ledger - other.ledger,
            postgres: self.postgres - other.postgres,
            nats: self.nats - other.nats,
            load: self.load - other.load,
        }
    }
}

impl std::ops::Add for Cpu {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            ledger: self.ledger + other.ledger,
            postgres: self.postgres + other.postgres,
            nats: self.nats + other.nats,
            load: self.load + other.load,
        }
    }
}

/// Pids of the processes that are told apart.
#[derive(Debug, Clone, Copy)]
pub struct Pids {
    pub ledger: u32,
    pub postmaster: u32,
    pub nats: u32,
}

pub fn now(pids: Pids) -> Cpu {
    let all = all();
    let own = |pid: u32| all.get(&pid).map_or(0.0, |p| p.own);
    let postmaster = all.get(&pids.postmaster).map_or(0.0, |p| p.own + p.ended_children);
    let backends: f64 = all.values().filter(|p| p.parent == pids.postmaster).map(|p| p.own).sum();
    Cpu {
        ledger: own(pids.ledger),
        postgres: postmaster + backends,
        nats: own(pids.nats),
        load: own(std::process::id()),
    }
}

/// MB of a process, by this line of its status: `VmRSS` now, `VmHWM` at the most.
///
/// # Errors
/// There is no such process, or no such line.
pub fn resident(pid: u32, name: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kb: f64 = line.and_then(|line| line.split_whitespace().next()).context("no such line")?.parse()?;
    Ok(kb / 1024.0)
}

struct Seen {
    parent: u32,
    own: f64,
    ended_children: f64,
}

fn all() -> HashMap<u32, Seen> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return HashMap::new() };
    let pids = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, seen(pid)?))).collect()
}

fn seen(pid: u32) -> Option<Seen> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let seconds = |i: usize| fields.get(i)?.parse::<f64>().ok().map(|ticks| ticks / TICKS);
    Some(Seen {
        parent: fields.get(1)?.parse().ok()?,
        own: seconds(11)? + seconds(12)?,
        ended_children: seconds(13)? + seconds(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_some() {
        let nobody = Pids { ledger: 0, postmaster: 0, nats: 0 };
        let begun = now(nobody).load;
        let mut n = 0u64;
        while now(nobody).load - begun < 0.02 {
            n = std::hint::black_box(n + 1);
        }
    }
}
