//! `cargo xtask test`: every test, on servers and ports of its own.
//!
//! The programs are built first, with their crash points, and linked aside: what is built meanwhile (by `cargo xtask up`,
//! say, without crash points) does not touch what the tests of the whole system start.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{
    machine::{self, PROGRAMS_DIR, Scratch},
    up,
};

/// The packages that have named crash points.
const WITH_CRASH_POINTS: [&str; 4] = ["ledger", "telegram-adapter", "payments-adapter", "generator"];

const THREADS: &str = "RUST_TEST_THREADS";

/// Runs all tests; `extra` goes to `cargo test` as it is.
pub fn test(extra: &[String]) -> Result<()> {
    test_with(extra, &[])
}

/// The same, under these variables.
pub(crate) fn test_with(extra: &[String], variables: &[(&str, String)]) -> Result<()> {
    let (postgres, nats) = machine::ensure()?;
    println!(
        "Postgres {} in {}, nats-server {}",
        postgres.major,
        postgres.bin.display(),
        nats.path.display()
    );
    let chosen = chosen_packages(extra);
    let programs = build()?;
    let mut test = up::cargo();
    test.args(["test", "--no-fail-fast"]);
    if chosen.is_empty() {
        test.arg("--workspace");
    }
    let features = crash_points(&chosen);
    if !features.is_empty() {
        test.args(["--features", &features]);
    }
    // First, so that whoever asks for something else has it.
    if std::env::var_os(THREADS).is_none() {
        test.env(THREADS, threads().to_string());
    }
    test.env(PROGRAMS_DIR, programs.path());
    test.args(extra).envs(variables.iter().map(|(name, value)| (name, value)));
    succeed(&mut test)
}

/// The folder with the programs, gone on drop.
pub(crate) fn build() -> Result<Scratch> {
    let mut build = up::cargo();
    build.args(["build", "--workspace", "--bins", "--features", &crash_points(&[])]);
    println!("\n$ cargo {}", arguments(&build));
    build.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = build.output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the programs do not build (cargo's messages are above)");
    }
    let built = up::executables(&output.stdout);
    let beside = built.values().find_map(|program| program.parent()).context("cargo built no program")?;
    let aside = Scratch::within(beside, "tested")?;
    for (name, program) in &built {
        let to = aside.path().join(name);
        std::fs::hard_link(program, &to)
            .or_else(|_| std::fs::copy(program, &to).map(drop))
            .with_context(|| format!("cannot put {} aside", program.display()))?;
    }
    Ok(aside)
}

/// Tests of the whole system wait for leases and starts more than they work: two of them to a core.
fn threads() -> usize {
    2 * std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// Cargo refuses a feature of a package that was not chosen.
pub(crate) fn crash_points(chosen: &[String]) -> String {
    let wanted =
        WITH_CRASH_POINTS.iter().filter(|name| chosen.is_empty() || chosen.iter().any(|c| c == *name));
    wanted.map(|name| format!("{name}/crash-points")).collect::<Vec<_>>().join(",")
}

/// The packages named by `-p` before any `--`.
fn chosen_packages(extra: &[String]) -> Vec<String> {
    let mut words = extra.iter().take_while(|word| *word != "--");
    let mut chosen = Vec::new();
    while let Some(word) = words.next() {
        if word == "-p" || word == "--package" {
            chosen.extend(words.next().cloned());
        } else if let Some(name) = word.strip_prefix("--package=").or_else(|| word.strip_prefix("-p")) {
            chosen.push(name.to_owned());
        }
    }
    // `name@version` is how cargo tells packages of one name apart.
    chosen.iter_mut().for_each(|name| name.truncate(name.find('@').unwrap_or(name.len())));
    chosen
}

pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let words = arguments(command);
    println!("\n$ cargo {words}");
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("`cargo {words}` failed ({status}); its words are above");
    }
    Ok(())
}

fn arguments(command: &Command) -> String {
    command.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn packages_are_chosen_as_cargo_understands_it() {
        assert_eq!(
            chosen_packages(&words("-p e2e@0.1.0 --package=ledger -pxtask whole_way -- -p no")),
            ["e2e", "ledger", "xtask"]
        );
        assert!(chosen_packages(&words("whole_way -- --nocapture")).is_empty());
    }

    #[test]
    fn features_follow_the_chosen_packages() {
        assert_eq!(crash_points(&words("e2e")), "");
        assert_eq!(crash_points(&words("ledger e2e")), "ledger/crash-points");
        assert_eq!(crash_points(&[]).split(',').count(), 4);
    }
}
