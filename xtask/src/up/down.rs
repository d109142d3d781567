//! `down`: stops what `up` started, by the pids it wrote down, each checked to be that process.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use nix::sys::signal::Signal;

use super::{layout::Layout, prepare, state::State, supervisor::patience};

/// For the servers and the supervisor itself, beside what the services may take.
const STOP_MARGIN: Duration = Duration::from_secs(60);
/// Who is still waited for is named so often.
const TELL_EVERY: Duration = Duration::from_secs(5);

pub fn down() -> Result<()> {
    let layout = Layout::open()?;
    let begun = Instant::now();
    let Some(state) = State::read(&layout)? else {
        println!("nothing is running");
        return Ok(());
    };
    if state.supervisor.is_alive() {
        state.supervisor.signal(Signal::SIGTERM);
        wait_gone(&state, &layout)?;
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

/// Until the supervisor is gone; says meanwhile what it waits for.
fn wait_gone(state: &State, layout: &Layout) -> Result<()> {
    let (begun, within) = (Instant::now(), Duration::from_secs(state.stop_within_s) + STOP_MARGIN);
    while !state.supervisor.wait_gone(TELL_EVERY) {
        if begun.elapsed() > within {
            bail!(
                "the supervisor (pid {}) has not stopped in {} s; its log: {}",
                state.supervisor.pid,
                within.as_secs(),
                layout.log("up").display()
            );
        }
        let alive: Vec<&str> =
            state.processes.iter().filter(|r| r.is_alive()).map(|r| r.name.as_str()).collect();
        println!(
            "  not yet ended: {} ({})",
            alive.join(", "),
            patience(within.saturating_sub(begun.elapsed()))
        );
    }
    Ok(())
}
