//! The console's API, judged by schemathesis: a ledger with a log in it is asked by a token, and what it answers is held
//! against its own description.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Result;

use super::python::Kit;
use super::{ConformanceArgs, judge_by, report};
use crate::machine::{self, PROGRAMS_DIR, paths};
use crate::test;

const KIT: Kit = Kit {
    folder: "python-console",
    packages: &["schemathesis==4.32.5"],
    imports: "schemathesis.cli, requests",
};
const SCRIPT: &str = "xtask/src/conformance/console_judge.py";
/// Made up for each operation, fit and unfit.
const EXAMPLES: &str = "40";
const EXAMPLES_QUICK: &str = "5";

/// `true`: nothing was found.
pub(super) fn judged(args: &ConformanceArgs) -> Result<bool> {
    let begun = Instant::now();
    let python = KIT.python()?;
    machine::ensure()?;
    let programs = test::build()?;
    let mut judge = Command::new(programs.path().join("judged"));
    judge.env(PROGRAMS_DIR, programs.path()).arg("--").arg(python).arg("-B").arg(paths::root().join(SCRIPT));
    judge.args(["--examples", if args.quick { EXAMPLES_QUICK } else { EXAMPLES }]).stdin(Stdio::null());
    let checks = judge_by(judge, !args.json)?;
    report(KIT.sdk(), &checks, begun.elapsed(), args.json);
    Ok(checks.iter().all(|check| check.ok))
}
