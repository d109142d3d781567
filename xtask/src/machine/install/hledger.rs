//! hledger, with which a test reads the journal that `ledger export --hledger` writes: found in PATH, or
//! installed where apt can.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{apt_install, apt_update, can_apt, say};
use crate::machine::paths;

/// # Errors
/// It is neither here nor can it be installed.
pub fn find_or_install() -> Result<PathBuf> {
    if let Some(found) = paths::in_path("hledger").into_iter().next() {
        return Ok(found);
    }
    if !can_apt() {
        bail!(
            "hledger is not here: install it (Debian: `apt install hledger`, or https://hledger.org/install)"
        );
    }
    let _lock = paths::lock(&paths::data_dir()?.join("install.lock"))?;
    if paths::in_path("hledger").is_empty() {
        say("hledger is not here: installing Debian's");
        // The lists may be there already; if not, they are fetched.
        apt_install(&["hledger"]).or_else(|_| apt_update().and_then(|()| apt_install(&["hledger"])))?;
    }
    paths::in_path("hledger").into_iter().next().context("hledger was installed, and is not in PATH")
}
