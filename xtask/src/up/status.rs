//! `status`: what runs, since when, how much memory it takes, and whether it is ready.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Result, bail};

use super::{layout::Layout, remarks, state::State};
use crate::{machine::http, settings::Settings, words::folded};

const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Fails if nothing runs or something is not ready, so that scripts can ask.
pub fn status() -> Result<()> {
    let layout = Layout::open()?;
    let Some(state) = State::running(&layout)? else {
        bail!("nothing is running; `cargo xtask up` starts it")
    };
    let settings = Settings::read();
    let mut page = String::new();
    for remark in settings.iter().flat_map(remarks::of) {
        writeln!(page, "{}", folded(&format!("! {remark}")))?;
    }
    let (pid, data) = (state.supervisor.pid, layout.data.display());
    writeln!(page, "{}\n", folded(&format!("supervisor pid {pid}, {:?}, data in {data}", state.phase)))?;
    writeln!(page, "  {:<16} {:>7} {:>7} {:>8}  {:<9} log", "process", "pid", "memory", "restarts", "state")?;
    let mut unready = Vec::new();
    for record in &state.processes {
        let port = match record.name.as_str() {
            "ledger" => Some(state.ports.ledger),
            "telegram-adapter" => Some(state.ports.telegram),
            "payments-adapter" => Some(state.ports.payments),
            "generator" => Some(state.ports.generator),
            "sandbox" => Some(state.ports.sandbox),
            _ => None,
        };
        let ready = record.is_alive()
            && port.is_none_or(|port| {
                http::get(port, "/ready", READY_TIMEOUT).is_ok_and(|answer| answer.status == 200)
            });
        let word = if ready { "ready" } else { "not ready" };
        let memory = memory_mb(record.pid).map_or_else(|| "?".to_owned(), |mb| format!("{mb} MB"));
        let log = record.log.strip_prefix(&layout.data).unwrap_or(&record.log).display();
        writeln!(
            page,
            "  {:<16} {:>7} {memory:>7} {:>8}  {word:<9} {log}",
            record.name, record.pid, record.restarts
        )?;
        if !ready {
            unready.push(record.name.clone());
        }
    }
    // Whoever reads the first lines alone has seen enough.
    let _ = std::io::stdout().write_all(page.as_bytes());
    if !unready.is_empty() {
        bail!("not ready: {}", unready.join(", "));
    }
    Ok(())
}

/// Resident memory, from the kernel.
fn memory_mb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kb: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kb / 1024)
}
