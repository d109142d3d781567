//! Ctrl-C, SIGTERM and SIGHUP as a question that loops can ask.
//!
//! Handlers, not a mask of blocked signals: children would inherit the mask and could not be asked to stop.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::machine::process::POLL;

static ASKED: AtomicU32 = AtomicU32::new(0);

/// Takes over the signals, for good.
pub(super) fn watch() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot take over Ctrl-C")?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
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
