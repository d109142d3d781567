//! Ctrl-C, SIGTERM and SIGHUP as a question that loops can ask.
//!
//! The signals are blocked in every thread and taken by one that waits for them, so no handler runs and no
//! system call is cut short. Children start with nothing blocked (std resets the mask).

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal};

use crate::machine::process::POLL;

static ASKED: AtomicU32 = AtomicU32::new(0);

/// Takes over the signals; call it before anything else starts a thread.
pub(super) fn watch() -> Result<()> {
    let mut set = SigSet::empty();
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().for_each(|signal| set.add(signal));
    set.thread_block().context("cannot take over Ctrl-C")?;
    std::thread::spawn(move || {
        while set.wait().is_ok() {
            ASKED.fetch_add(1, Ordering::Relaxed);
        }
    });
    Ok(())
}

/// Whether we were asked to stop.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed) > 0
}

/// Whether we were asked again while stopping: in a hurry.
pub(super) fn insisted() -> bool {
    ASKED.load(Ordering::Relaxed) > 1
}

/// Sleeps, unless asked to stop.
pub(super) fn sleep(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration && !asked() {
        std::thread::sleep(POLL);
    }
}
