//! Known bugs, planted one at a time: a check that never fails proves nothing.
//!
//! Those of the core are caught by the model's lives, those of the ledger by the witness of `e2e`
//! over a real Postgres and a real nats-server. The feature makes the switches exist; the tests
//! turn them. The ledger that is left in `target/debug` has them too, turned off, until `cargo xtask
//! test` or `up` builds it anew.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    machine::{self, paths},
    test::{crash_points, succeed},
    up,
};

const CORE: [&str; 10] = [
    "test",
    "--profile",
    "measured",
    "-p",
    "ledger-domain",
    "--features",
    "planted-bugs",
    "--test",
    "model",
    "planted::every_planted_bug_is_caught",
];

pub(super) fn run(seed: Option<u64>) -> Result<(bool, Value)> {
    let report = paths::data_dir()?.join("chaos-planted.json");
    let _ = std::fs::remove_file(&report);
    let mut cargo = up::cargo();
    cargo.args(CORE).args(["--", "--exact", "--nocapture"]).env("PLANTAIN_MODEL_REPORT", &report);
    if let Some(seed) = seed {
        cargo.env("PLANTAIN_MODEL_SEED", seed.to_string());
    }
    let core = cargo.status().context("cannot run cargo")?.success();
    let text = std::fs::read_to_string(&report).context("the planted bugs did not run (see above)")?;
    let counts: Value = serde_json::from_str(&text).context("the report can't be read")?;
    let ledger = in_the_ledger()?;
    Ok((core && ledger, json!({ "core": counts, "ledger": { "caught": ledger } })))
}

/// `false`: a bug was not caught, or something was found without one.
fn in_the_ledger() -> Result<bool> {
    machine::ensure()?;
    let features = format!("{},ledger/planted-bugs,e2e/planted-bugs", crash_points(&[]));
    let mut build = up::cargo();
    succeed(build.args(["build", "--workspace", "--bins", "--features", &features]))?;
    let mut test = up::cargo();
    test.args(["test", "--workspace", "--features", &features, "--test", "planted"]);
    let outcome = succeed(test.args(["--", "--nocapture", "--test-threads=1"]));
    if let Err(error) = &outcome {
        println!("{error:#}");
    }
    Ok(outcome.is_ok())
}
