//! Chromium, with which a test sees the chat page as people do: found in PATH, or installed where apt can.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{apt_install, apt_update, can_apt, say};
use crate::machine::paths;

/// As distributions name it; Chrome does as well.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Without an emoji font the stars and pictures of the chat are empty boxes.
const PACKAGES: [&str; 2] = ["chromium", "fonts-noto-color-emoji"];

/// # Errors
/// It is neither here nor can it be installed.
pub fn find_or_install() -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if !can_apt() {
        bail!("{}", what_to_install());
    }
    let _lock = paths::lock(&paths::data_dir()?.join("install.lock"))?;
    if find().is_none() {
        say("Chromium is not here: installing Debian's (this takes a minute)");
        // The lists may be there already; if not, they are fetched.
        apt_install(&PACKAGES).or_else(|_| apt_update().and_then(|()| apt_install(&PACKAGES)))?;
    }
    find().context("Chromium was installed, and is not in PATH")
}

fn find() -> Option<PathBuf> {
    NAMES.iter().find_map(|name| paths::in_path(name).into_iter().next())
}

fn what_to_install() -> String {
    format!(
        "Chromium is needed for the tests of the chat page and is not in PATH (looked for {}).\n\
         Install it: Debian as root `apt-get install {}`, macOS `brew install --cask chromium`",
        NAMES.join(", "),
        PACKAGES.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_browser_says_what_to_install() {
        let text = what_to_install();
        assert!(text.contains("apt-get install chromium fonts-noto-color-emoji"), "{text}");
    }
}
