//! `cargo xtask bench`: builds the ledger, the load and, for the peers, their own package outside the
//! workspace, optimised; then measures (e2e/src/bench).

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
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
    let mut packages = vec!["-p", "e2e", "--bin", "bench", "-p", "ledger", "--bin", "ledger"];
    let (notices, generator, bot) = (wants_notices(extra), wants_generator(extra), wants_bot(extra));
    for (wanted, name) in [
        (notices || bot, "payments-adapter"),
        (generator || bot, "generator"),
        (bot, "telegram-adapter"),
        (notices || generator || bot, "sandbox"),
    ] {
        if wanted {
            packages.extend(["-p", name, "--bin", name]);
        }
    }
    let mut build = up::cargo();
    build.args(["build", "--profile", PROFILE, "--message-format=json-render-diagnostics"]).args(&packages);
    let output = build.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the bench does not build (cargo's messages are above)");
    }
    let built = up::executables(&output.stdout);
    let bin = built.get("bench").context("cargo built no program `bench`")?;
    let mut bench = Command::new(bin);
    if wants_peers(extra)
        && let Some(program) = peers()?
    {
        bench.env("PEERS", program);
    }
    let error = bench.args(extra).current_dir(paths::root()).exec();
    Err(error).with_context(|| format!("cannot run {}", bin.display()))
}

/// The payments adapter and the vendor's stand-in are built only when notifications are measured.
fn wants_notices(extra: &[String]) -> bool {
    let only = extra.iter().any(|argument| argument.starts_with("--only"));
    let others = ["log", "--help", "--replay-10m", "--generator", "--bot", "--console"];
    let none = extra.iter().any(|argument| others.contains(&argument.as_str()));
    !none && (!only || extra.iter().any(|argument| argument.contains("notices")))
}

fn wants_generator(extra: &[String]) -> bool {
    // `--generator`, or a part by this name.
    extra.iter().any(|argument| argument.contains("generator"))
}

fn wants_bot(extra: &[String]) -> bool {
    extra
        .iter()
        .any(|argument| argument == "--bot" || (argument.starts_with("--only") && argument.contains("bot")))
}

/// Published peers take minutes to build: not for a quick look, nor when something else is asked for.
fn wants_peers(extra: &[String]) -> bool {
    let has = |word: &str| extra.iter().any(|argument| argument == word);
    let only = extra.iter().any(|argument| argument.starts_with("--only"));
    let asks = extra.iter().any(|argument| argument.contains("peers"));
    !has("--quick")
        && !has("log")
        && !has("--help")
        && !has("--generator")
        && !has("--bot")
        && !has("--console")
        && (asks || !only)
}

/// The program of `e2e/peers`, which has a lock file and dependencies of its own. `None`: it does not build
/// here, as cargo has said; everything else can be measured without.
fn peers() -> Result<Option<PathBuf>> {
    let target = paths::root().join("target/peers");
    let mut build = up::cargo();
    build.current_dir(paths::root().join("e2e/peers")).env("CARGO_TARGET_DIR", &target);
    let status = build.args(["build", "--release", "--locked"]).status().context("cannot run cargo")?;
    Ok(status.success().then(|| target.join("release/peers")))
}
