//! axe-core, which judges how pages are read by those who don't see them: installed by npm from `e2e/axe`, whose lock file
//! names its digest. It runs in the browser; of npm only the download is used.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{apt_install, apt_update, can_apt, run, say};
use crate::machine::paths;

const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// The script.
///
/// # Errors
/// It is not here, and npm is not or can't reach its registry.
pub fn find_or_install() -> Result<PathBuf> {
    let (wanted, data) = (paths::root().join("e2e/axe"), paths::data_dir()?);
    let here = data.join("axe");
    let script = here.join("node_modules/axe-core/axe.min.js");
    if is_whole(&wanted, &here, &script) {
        return Ok(script);
    }
    let _lock = paths::lock(&data.join("install.lock"))?;
    // Another process may have installed it while we waited.
    if is_whole(&wanted, &here, &script) {
        return Ok(script);
    }
    ensure_npm()?;
    say(&format!("axe-core is not here: npm installs it into {}", here.display()));
    // A half-made folder is no use.
    let _ = std::fs::remove_dir_all(&here);
    std::fs::create_dir_all(&here).with_context(|| format!("cannot create {}", here.display()))?;
    for name in FILES {
        std::fs::copy(wanted.join(name), here.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    run(Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&here))?;
    if !script.is_file() {
        bail!("npm installed axe-core, and {} is not there", script.display());
    }
    Ok(script)
}

/// npm ends with the script in place, so that what an interrupted one left is not taken for whole.
fn is_whole(wanted: &Path, here: &Path, script: &Path) -> bool {
    let lock = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    script.is_file()
        && here.join("node_modules/.package-lock.json").is_file()
        && lock(wanted).is_some_and(|wanted| lock(here) == Some(wanted))
}

fn ensure_npm() -> Result<()> {
    if !paths::in_path("npm").is_empty() {
        return Ok(());
    }
    if !can_apt() {
        bail!(
            "npm is needed for axe-core, which the console's pages are judged by: install Node.js (Debian: `apt-get install npm`)"
        );
    }
    say("npm is not here: installing Debian's");
    // The lists may be there already; if not, they are fetched.
    apt_install(&["npm"]).or_else(|_| apt_update().and_then(|()| apt_install(&["npm"])))
}
