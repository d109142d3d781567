//! `cargo xtask conformance`: are the sandbox's vendors like the real ones, and would the real ones take what
//! our adapters send? The vendors' official Python packages judge both.
//!
//! 1. The adapter's own tests and those of the whole system run once, and the sandboxes they run against
//!    write down what arrives.
//! 2. A sandbox of our own is started, and the SDK drives it, with its errors.
//!    YooKassa's (`--yookassa`): every notification goes through the SDK's parser; the SDK's address check and
//!    our published list judge the same table of addresses. Gemini's (`--gemini`): the SDK's models validate
//!    every answer, with every reason to finish or to block.
//! 3. The official classes (YooKassa's) or protobufs (Google's) judge what was written down; and, as the
//!    control, wrong copies of it.
//!
//! Telegram publishes no SDK: what the adapter sends (`--telegram`) is judged by a program of `e2e` with the types
//! of crate frankenstein, each request and wrong copies of it.
//!
//! The console's API (`--console`) is judged by schemathesis, a program that makes up questions from its description.
//!
//! The packages are pinned and live in virtual environments in the data folder; the scripts beside this file
//! print a line of JSON a check. Exit status 0: all passed; 1: something was found; 2: could not be done.

mod console;
mod gemini;
mod python;
mod telegram;
mod yookassa;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use self::python::Kit;
use crate::{
    machine::{Plan, Process, Scratch, http, lease_port, paths},
    up,
};

/// What the sandbox takes to start, on a busy machine.
const START: Duration = Duration::from_secs(20);
const ARRIVALS: &str = "SANDBOX_ARRIVALS_DIR";
/// Of a line on the screen.
const COLUMNS: usize = 80;

/// A vendor, and who judges.
struct Vendor {
    judge: Judge,
    /// The package whose own tests are recorded.
    adapter: &'static str,
    /// The tests of the whole system in which it speaks.
    whole: &'static [&'static str],
    /// What must have been recorded, or the judgement would be of nothing.
    must: &'static str,
    /// The same of the adapter's own tests alone.
    must_quick: &'static str,
    /// More arguments of the script.
    about: fn() -> Result<Vec<String>>,
}

enum Judge {
    /// The vendor's own packages; they drive a sandbox, too.
    Python { kit: Kit, script: &'static str },
    /// A program of ours around types of others'.
    Program { package: &'static str, program: &'static str, sdk: &'static str },
}

impl Judge {
    fn sdk(&self) -> &'static str {
        match self {
            Self::Python { kit, .. } => kit.sdk(),
            Self::Program { sdk, .. } => sdk,
        }
    }
}

#[derive(Debug, Clone, clap::Args)]
pub struct ConformanceArgs {
    /// YooKassa, judged by its official Python SDK
    #[arg(long)]
    yookassa: bool,
    /// Gemini, judged by Google's official SDK and protobufs
    #[arg(long)]
    gemini: bool,
    /// Telegram, judged by the types of crate frankenstein
    #[arg(long)]
    telegram: bool,
    /// The console's API against its description, judged by schemathesis
    #[arg(long)]
    console: bool,
    /// Record the adapter's own tests only: they need no servers; of the console, make up less
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
    let all = [
        (args.yookassa, &yookassa::VENDOR),
        (args.gemini, &gemini::VENDOR),
        (args.telegram, &telegram::VENDOR),
    ];
    let vendors: Vec<&Vendor> =
        all.into_iter().filter_map(|(wanted, vendor)| wanted.then_some(vendor)).collect();
    if vendors.is_empty() && !args.console {
        bail!("say what to judge: --yookassa, --gemini, --telegram, --console");
    }
    let mut passed = true;
    for vendor in vendors {
        passed &= judged(vendor, args)?;
    }
    if args.console {
        passed &= console::judged(args)?;
    }
    Ok(passed)
}

fn judged(vendor: &Vendor, args: &ConformanceArgs) -> Result<bool> {
    let begun = Instant::now();
    let about = (vendor.about)()?;
    // What can't be had is said before anything long begins.
    let judge = prepared(&vendor.judge)?;
    let scratch = Scratch::new("conformance")?;
    let recorded = scratch.path().join("arrivals");
    record_adapter(vendor, &recorded)?;
    if !args.quick {
        record_whole_system(vendor, &recorded)?;
    }
    for folder in &args.arrivals {
        gather(folder, &recorded)?;
    }
    let must = if args.quick { vendor.must_quick } else { vendor.must };
    let mut command = Command::new(judge);
    let checks = match &vendor.judge {
        Judge::Program { .. } => {
            command.arg("--arrivals").arg(&recorded).args(["--must", must]).args(&about);
            judge_by(command, !args.json)?
        }
        Judge::Python { script, .. } => {
            let lease = lease_port()?;
            let mut sandbox = start_sandbox(&scratch, lease.port())?;
            command.arg("-B").arg(paths::root().join(script));
            command.args(["--base", &format!("http://127.0.0.1:{}", lease.port())]);
            command.arg("--arrivals").arg(&recorded).args(["--must", must]).args(&about);
            let checks = judge_by(command, !args.json)?;
            sandbox.kill9();
            checks
        }
    };
    report(vendor.judge.sdk(), &checks, begun.elapsed(), args.json);
    Ok(checks.iter().all(|check| check.ok))
}

/// The interpreter, or the program.
fn prepared(judge: &Judge) -> Result<PathBuf> {
    match judge {
        Judge::Python { kit, .. } => kit.python(),
        Judge::Program { package, program, .. } => built(package, program),
    }
}

/// Builds a program of the workspace.
fn built(package: &str, program: &str) -> Result<PathBuf> {
    let mut build = up::cargo();
    build.args(["build", "-p", package, "--bin", program, "--message-format=json-render-diagnostics"]);
    let output = build.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("{program} does not build (cargo's messages are above)");
    }
    let built = up::executables(&output.stdout).remove(program);
    built.with_context(|| format!("cargo built no program `{program}`"))
}

/// The adapter's tests against sandboxes that write down what arrives.
fn record_adapter(vendor: &Vendor, folder: &Path) -> Result<()> {
    let mut tests = up::cargo();
    tests.args(["test", "-p", vendor.adapter, "--test", "*"]).env(ARRIVALS, folder);
    let ran = tests.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !ran.status.success() {
        bail!(
            "the tests of {} fail, so its requests are not all here:\n{}",
            vendor.adapter,
            String::from_utf8_lossy(&ran.stdout)
        );
    }
    Ok(())
}

/// The tests of the whole system, on servers of their own. What they sent counts also when one of them fails:
/// that is not for us to judge.
fn record_whole_system(vendor: &Vendor, folder: &Path) -> Result<()> {
    let mut tests = Command::new(std::env::current_exe().context("where is xtask?")?);
    tests.args(["test", "-p", "e2e"]).env(ARRIVALS, folder);
    for test in vendor.whole {
        tests.args(["--test", test]);
    }
    let ran = tests.stderr(Stdio::inherit()).output().context("cannot run the tests")?;
    if !ran.status.success() {
        #[allow(clippy::print_stderr)]
        {
            let whole = vendor.whole.join(", ");
            eprintln!("note: a test of e2e's {whole} failed; what was sent up to then is judged");
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
    let program = built("sandbox", "sandbox")?;
    let plan = Plan::new("sandbox", &program, scratch.path().join("sandbox.log"));
    let mut sandbox = Process::start(plan.args(["--port".to_owned(), port.to_string()]))?;
    sandbox.wait_ready(START, |_| http::get(port, "/ready", START).is_ok())?;
    Ok(sandbox)
}

/// Runs the judge, and shows each check as it comes.
fn judge_by(mut script: Command, shown: bool) -> Result<Vec<Check>> {
    // A proxy of the machine's is not for loopback.
    script.env("NO_PROXY", "127.0.0.1").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = script.spawn().context("cannot run the judge")?;
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

fn report(sdk: &str, checks: &[Check], took: Duration, json: bool) {
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
            "sdk": sdk, "passed": passed, "of": checks.len(), "groups": groups,
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
    println!("{:<14} {passed} of {}: {verdict} ({}, {:.0} s)", "", checks.len(), sdk, took.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(group: &str, ok: bool, detail: &str) -> Check {
        Check { group: group.into(), check: "name".into(), ok, detail: detail.into() }
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
