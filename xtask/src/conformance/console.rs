//! The console's API, judged by schemathesis: a ledger with a log in it is asked by a token, and what it answers is held
//! against its own description.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::python::Kit;
use super::{ConformanceArgs, read_checks, report};
use crate::machine::paths;

const KIT: Kit = Kit {
    folder: "python-console",
    packages: &["schemathesis==4.32.5"],
    imports: "schemathesis.cli, requests",
};
const SCRIPT: &str = "xtask/src/conformance/console_judge.py";
const TEST: &str = "judged::the_api_is_as_it_describes_itself";
/// Made up for each operation, fit and unfit.
const EXAMPLES: &str = "40";
const EXAMPLES_QUICK: &str = "5";

/// `true`: nothing was found.
pub(super) fn judged(args: &ConformanceArgs) -> Result<bool> {
    let begun = Instant::now();
    let python = KIT.python()?;
    let examples = if args.quick { EXAMPLES_QUICK } else { EXAMPLES };
    let script = paths::root().join(SCRIPT);
    let judge = [&python.display().to_string(), "-B", &script.display().to_string(), "--examples", examples];
    let mut test = Command::new(std::env::current_exe().context("where is xtask?")?);
    test.args(["test", "--test", "console", "--", "--ignored", "--exact", "--nocapture", TEST]);
    test.env("CONSOLE_JUDGE", judge.join("\n")).stdin(Stdio::null());
    let checks = read_checks(test, !args.json)?;
    report(KIT.sdk(), &checks, begun.elapsed(), args.json);
    Ok(checks.iter().all(|check| check.ok))
}
