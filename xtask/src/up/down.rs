//! `down`: stops what `up` started, by the pids it wrote down, each checked to be that process.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use nix::sys::signal::Signal;

use super::{layout::Layout, prepare, state::State};

/// The supervisor gives each group of services 30 s and the servers as long; this is more than all of them.
const STOP_TIMEOUT: Duration = Duration::from_secs(180);

pub fn down() -> Result<()> {
    let layout = Layout::open()?;
    let begun = Instant::now();
    let Some(state) = State::read(&layout)? else {
        println!("nothing is running");
        return Ok(());
    };
    if state.supervisor.is_alive() {
        state.supervisor.signal(Signal::SIGTERM);
        if !state.supervisor.wait_gone(STOP_TIMEOUT) {
            bail!(
                "the supervisor (pid {}) has not stopped in {} s; its log: {}",
                state.supervisor.pid,
                STOP_TIMEOUT.as_secs(),
                layout.log("up").display()
            );
        }
    }
    // The supervisor stops its children; what is alive now was left by one that died.
    if state.processes.iter().any(super::state::Record::is_alive) {
        println!("the supervisor died hard; stopping what it left");
        prepare::stop_all(&state.processes);
    }
    State::remove(&layout);
    println!(
        "stopped in {:.1} s; the data is kept in {}",
        begun.elapsed().as_secs_f64(),
        layout.data.display()
    );
    Ok(())
}
