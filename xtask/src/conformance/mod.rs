//! `cargo xtask conformance --yookassa`: is the sandbox's YooKassa the real one's like, and would the real
//! one take what our adapter sends? YooKassa's official Python SDK judges both.
//!
//! 1. The adapter's own tests and those of the whole system's payments run once, and the sandboxes they run
//!    against write down what arrives.
//! 2. A sandbox of our own is started, and the SDK drives it: payments, refunds, receipts, lists, errors.
//!    Every notification it sends goes through the SDK's parser; the SDK's address check and our
//!    published list judge the same table of addresses.
//! 3. The SDK's request classes judge what was written down; and, as the control, wrong copies of it.
//!
//! The SDK is pinned and lives in a virtual environment in the data folder; the scripts beside this file
//! print a line of JSON a check. Exit status 0: all passed; 1: something was found; 2: could not be done.

mod python;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{
    machine::{Plan, Process, Scratch, http, lease_port, paths},
    up,
};

/// What the sandbox takes to start, on a busy machine.
const START: Duration = Duration::from_secs(20);
const ARRIVALS: &str = "SANDBOX_ARRIVALS_DIR";
/// What must have been recorded, or the judgement would be of nothing.
const CALLS: &str = "create_payment,get_payment,list_payments,create_refund,get_refund,list_refunds";
const QUICK_CALLS: &str = "create_payment,get_payment,list_payments";
const SCRIPT: &str = "xtask/src/conformance/sdk.py";
const ADDRESSES: &str = "payments-adapter/src/notify/address.rs";
/// Of a line on the screen.
const COLUMNS: usize = 80;

#[derive(Debug, Clone, clap::Args)]
pub struct ConformanceArgs {
    /// YooKassa, judged by its official Python SDK
    #[arg(long)]
    yookassa: bool,
    /// Record the adapter's own tests only: they need no servers
    #[arg(long)]
    quick: bool,
    /// More requests to judge: a SANDBOX_ARRIVALS_DIR
    #[arg(long, value_name = "FOLDER")]
    arrivals: Vec<PathBuf>,
    /// Only the result, as one JSON object
    #[arg(long)]
    json: bool,
}

/// One line of the script.
#[derive(Debug, Serialize, Deserialize)]
struct Check {
    group: String,
    check: String,
    ok: bool,
    detail: String,
}

/// Runs what was asked for; the exit status says what came of it.
pub fn conformance(args: &ConformanceArgs) -> ExitCode {
    match run(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::from(2)
        }
    }
}

fn run(args: &ConformanceArgs) -> Result<bool> {
    if !args.yookassa {
        bail!("say what to judge: --yookassa");
    }
    let begun = Instant::now();
    let ranges = published(&paths::root().join(ADDRESSES))?;
    let python = python::with_sdk()?;
    let scratch = Scratch::new("conformance")?;
    let recorded = scratch.path().join("arrivals");
    record_adapter(&recorded)?;
    if !args.quick {
        record_whole_system(&recorded)?;
    }
    for folder in &args.arrivals {
        gather(folder, &recorded)?;
    }
    let lease = lease_port()?;
    let mut sandbox = start_sandbox(&scratch, lease.port())?;
    let must = if args.quick { QUICK_CALLS } else { CALLS };
    let about = [&*recorded.to_string_lossy(), &ranges.join(","), must];
    let checks = judge(&python, lease.port(), &about, !args.json)?;
    sandbox.kill9();
    report(&checks, begun.elapsed(), args.json);
    Ok(checks.iter().all(|check| check.ok))
}

/// The ranges our filter knows as YooKassa's, from its source: the strings of its list.
fn published(file: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let list = text.split_once("const YOOKASSA").and_then(|(_, rest)| rest.split_once("];"));
    let list = list.with_context(|| format!("{} has no list named YOOKASSA any more", file.display()))?.0;
    let ranges: Vec<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    if ranges.is_empty() {
        bail!("the list YOOKASSA of {} is empty", file.display());
    }
    Ok(ranges)
}

/// The adapter's tests against sandboxes that write down what arrives.
fn record_adapter(folder: &Path) -> Result<()> {
    let mut tests = up::cargo();
    tests.args(["test", "-p", "payments-adapter", "--test", "*"]).env(ARRIVALS, folder);
    let ran = tests.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !ran.status.success() {
        bail!(
            "the adapter's tests fail, so its requests are not all here:\n{}",
            String::from_utf8_lossy(&ran.stdout)
        );
    }
    Ok(())
}

/// The tests of the whole system's payments, on servers of their own. What they sent counts also when one
/// of them fails: that is not for us to judge.
fn record_whole_system(folder: &Path) -> Result<()> {
    let mut tests = Command::new(std::env::current_exe().context("where is xtask?")?);
    tests.args(["test", "-p", "e2e", "--test", "payments"]).env(ARRIVALS, folder);
    let ran = tests.stderr(Stdio::inherit()).output().context("cannot run the tests")?;
    if !ran.status.success() {
        #[allow(clippy::print_stderr)]
        {
            eprintln!("note: a test of e2e's payments failed; what was sent up to then is judged");
        }
    }
    Ok(())
}

/// Adds what another run collected.
fn gather(from: &Path, into: &Path) -> Result<()> {
    let cannot = || format!("cannot read arrivals from {}", from.display());
    for entry in std::fs::read_dir(from).with_context(cannot)? {
        let file = entry.with_context(cannot)?.path();
        if file.extension().is_some_and(|extension| extension == "jsonl") {
            std::fs::copy(&file, into.join(file.file_name().unwrap_or_default())).with_context(cannot)?;
        }
    }
    Ok(())
}

fn start_sandbox(scratch: &Scratch, port: u16) -> Result<Process> {
    let mut build = up::cargo();
    build.args(["build", "-p", "sandbox", "--bin", "sandbox", "--message-format=json-render-diagnostics"]);
    let output = build.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the sandbox does not build (cargo's messages are above)");
    }
    let built = up::executables(&output.stdout);
    let program = built.get("sandbox").context("cargo built no program `sandbox`")?;
    let plan = Plan::new("sandbox", program, scratch.path().join("sandbox.log"));
    let mut sandbox = Process::start(plan.args(["--port".to_owned(), port.to_string()]))?;
    sandbox.wait_ready(START, |_| http::get(port, "/ready", START).is_ok())?;
    Ok(sandbox)
}

/// Runs the script, and shows each check as it comes.
fn judge(python: &Path, port: u16, [recorded, ranges, must]: &[&str; 3], shown: bool) -> Result<Vec<Check>> {
    let mut script = Command::new(python);
    script.arg("-B").arg(paths::root().join(SCRIPT)).args(["--base", &format!("http://127.0.0.1:{port}")]);
    script.args(["--arrivals", recorded, "--ranges", ranges, "--must", must]);
    // A proxy of the machine's is not for loopback.
    script.env("NO_PROXY", "127.0.0.1").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = script.spawn().with_context(|| format!("cannot run {}", python.display()))?;
    let mut checks: Vec<Check> = Vec::new();
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        let line = line?;
        let check: Check = serde_json::from_str(&line).with_context(|| format!("not a check: {line}"))?;
        if shown {
            println!("{}", shorten(&check));
        }
        checks.push(check);
    }
    let ended = child.wait()?;
    if !ended.success() {
        bail!("the judge broke off ({ended}); its words are above");
    }
    Ok(checks)
}

/// A failure is told in full, the rest fits a line.
fn shorten(check: &Check) -> String {
    let Check { group, check: name, ok, detail } = check;
    let line = format!("{}  {group}: {name}", if *ok { "ok  " } else { "BAD " });
    let line = if detail.is_empty() { line } else { format!("{line} ({detail})") };
    if !ok || line.chars().count() <= COLUMNS {
        return line;
    }
    let short: String = line.chars().take(COLUMNS - 1).collect();
    format!("{short}…")
}

/// (passed, made) by group, in the order of the alphabet.
fn totals(checks: &[Check]) -> BTreeMap<&str, (usize, usize)> {
    let mut totals: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for check in checks {
        let (passed, made) = totals.entry(&check.group).or_default();
        *made += 1;
        *passed += usize::from(check.ok);
    }
    totals
}

fn report(checks: &[Check], took: Duration, json: bool) {
    let totals = totals(checks);
    let passed = checks.iter().filter(|check| check.ok).count();
    if json {
        let groups: serde_json::Map<String, serde_json::Value> = totals
            .iter()
            .map(|(group, (passed, made))| {
                ((*group).to_owned(), serde_json::json!({"passed": passed, "of": made}))
            })
            .collect();
        let report = serde_json::json!({
            "sdk": python::SDK, "passed": passed, "of": checks.len(), "groups": groups,
            "checks": checks, "seconds": (took.as_secs_f64() * 10.0).round() / 10.0,
        });
        println!("{report}");
        return;
    }
    println!();
    for (group, (passed, made)) in &totals {
        println!("{group:<14} {passed} of {made}");
    }
    let verdict = if passed == checks.len() { "all passed" } else { "SOMETHING IS WRONG, see BAD above" };
    println!(
        "{:<14} {passed} of {}: {verdict} ({}, {:.0} s)",
        "",
        checks.len(),
        python::SDK,
        took.as_secs_f64()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(group: &str, ok: bool, detail: &str) -> Check {
        Check { group: group.into(), check: "name".into(), ok, detail: detail.into() }
    }

    #[test]
    fn the_published_list_is_read_from_its_source() {
        let ranges = published(&paths::root().join(ADDRESSES)).unwrap();
        assert!(ranges.contains(&"185.71.76.0/27".to_owned()) && ranges.len() > 5, "{ranges:?}");
        assert!(published(&paths::root().join("xtask/src/lib.rs")).is_err());
    }

    #[test]
    fn a_long_detail_is_cut_and_a_failure_is_not() {
        assert_eq!(shorten(&check("g", true, "")), "ok    g: name");
        assert_eq!(shorten(&check("g", true, &"я".repeat(200))).chars().count(), COLUMNS);
        assert!(shorten(&check("g", false, &"x".repeat(200))).ends_with("x)"));
    }

    #[test]
    fn groups_are_counted() {
        let all = [check("a", true, ""), check("b", false, ""), check("a", true, "")];
        assert_eq!(totals(&all), [("a", (2, 2)), ("b", (0, 1))].into());
    }
}
