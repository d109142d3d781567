//! `cargo xtask check`: format, lints with and without crash points, licences, house rules.

pub mod house_rules;

use std::process::Command;

use anyhow::{Result, bail};

use crate::{
    machine::paths,
    test::{crash_points, succeed},
    up,
};

/// Runs every check, also after one has failed, and names those that did.
pub fn check() -> Result<()> {
    let clippy = ["clippy", "--workspace", "--all-targets"];
    let deny_warnings = ["--", "-D", "warnings"];
    let crash_points = crash_points(&[]);
    let mut failed = Vec::new();
    let mut run = |what: &'static str, command: &mut Command| {
        if let Err(error) = succeed(command) {
            println!("{error:#}");
            failed.push(what);
        }
    };
    run("format", up::cargo().args(["fmt", "--all", "--check"]));
    run("lints", up::cargo().args(clippy).args(deny_warnings));
    run(
        "lints with crash points",
        up::cargo().args(clippy).args(["--features", &crash_points]).args(deny_warnings),
    );
    let deny_is_here =
        up::cargo().args(["deny", "--version"]).output().is_ok_and(|output| output.status.success());
    if deny_is_here {
        run("licences and sources", up::cargo().args(["deny", "check"]));
    }
    let broken = house_rules::broken(&paths::root())?;
    broken.iter().for_each(|line| println!("{line}"));
    if !broken.is_empty() {
        failed.push("house rules");
    }
    println!();
    if !deny_is_here {
        println!("unchecked: licences and sources (cargo-deny is not installed)");
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    println!("all checks passed");
    Ok(())
}
