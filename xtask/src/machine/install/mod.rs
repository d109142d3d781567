//! Finds the programs the system runs on, and installs what is missing where that can be done.
//!
//! Found ones come first: what is in PATH or in the usual places is used as it is. Installing happens under
//! a lock, since tests run in many processes at once.

pub mod axe;
pub mod chromium;
pub mod hledger;
pub mod nats;
pub mod postgres;

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

pub use nats::NatsProgram;
pub use postgres::PostgresPrograms;

/// Finds or installs both servers; what `cargo xtask test` does once before it starts the tests.
pub fn ensure() -> Result<(PostgresPrograms, NatsProgram)> {
    Ok((postgres::find_or_install(None)?, nats::find_or_install()?))
}

/// Says on stderr what takes time here, since downloads do.
#[allow(clippy::print_stderr)]
fn say(what: &str) {
    eprintln!("  {what}");
}

/// Runs a program to its end; an error carries what it wrote.
fn run(command: &mut Command) -> Result<String> {
    let shown = format!("{} {}", command.get_program().display(), shown_args(command));
    let output = command.output().with_context(|| format!("cannot run {shown}"))?;
    if !output.status.success() {
        let said =
            [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
        let lines: Vec<&str> = said.lines().filter(|l| !l.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(8)..].join("\n    ");
        bail!("`{shown}` failed ({}):\n    {last}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shown_args(command: &Command) -> String {
    command.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The numbers of the first version in a text: "nats-server: v2.15.1" → [2, 15, 1].
fn version(text: &str) -> Option<Vec<u32>> {
    let numbers = |word: &str| {
        let word = word.trim_start_matches('v');
        let digits: String = word.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let parts: Option<Vec<u32>> =
            digits.trim_matches('.').split('.').map(|part| part.parse().ok()).collect();
        parts
    };
    text.split_whitespace().find_map(numbers)
}

fn asked_version(program: &Path) -> Option<Vec<u32>> {
    let output = Command::new(program).arg("--version").output().ok()?;
    version(&String::from_utf8_lossy(&output.stdout))
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// True where apt can install things: Debian and its kin, as root.
fn can_apt() -> bool {
    is_root() && Path::new("/etc/debian_version").exists() && !super::paths::in_path("apt-get").is_empty()
}

/// `apt-get install`, quiet, waiting for another apt to end, and answering nothing by itself.
fn apt_install(packages: &[&str]) -> Result<()> {
    let mut command = apt();
    command.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    run(&mut command).map(drop)
}

fn apt_update() -> Result<()> {
    run(apt().arg("update")).map(drop)
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-q", "-o", "DPkg::Lock::Timeout=180"]).env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(std::process::Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_as_programs_print_them() {
        assert_eq!(version("nats-server: v2.15.1\n"), Some(vec![2, 15, 1]));
        assert_eq!(version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(vec![15, 14]));
        assert_eq!(version("postgres (PostgreSQL) 18beta1"), Some(vec![18]));
        assert_eq!(version("no version"), None);
        assert!(vec![2, 9, 10] < vec![2, 15, 1]);
    }
}
