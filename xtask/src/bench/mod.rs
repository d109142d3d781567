//! `cargo xtask bench`: builds the ledger, the load and, for the peers, their own package outside the
//! workspace, optimised; then measures (e2e/src/bench).

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{
    machine::{self, paths},
    up,
};

/// Release without LTO: as fast to a few per cent, and built again in a fraction of the time.
const PROFILE: &str = "measured";

/// Builds and measures; `extra` goes to the bench's own command line.
pub fn bench(extra: &[String]) -> Result<()> {
    machine::ensure()?;
    let packages = ["-p", "e2e", "--bin", "bench", "-p", "ledger", "--bin", "ledger"];
    let mut build = up::cargo();
    build.args(["build", "--profile", PROFILE, "--message-format=json-render-diagnostics"]).args(packages);
    let output = build.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the bench does not build (cargo's messages are above)");
    }
    let built = up::executables(&output.stdout);
    let bin = built.get("bench").context("cargo built no program `bench`")?;
    let error = Command::new(bin).args(extra).current_dir(paths::root()).exec();
    Err(error).with_context(|| format!("cannot run {}", bin.display()))
}
