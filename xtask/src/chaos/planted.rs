//! Known bugs, planted one at a time: a check that never fails proves nothing.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{machine::paths, up};

/// Each bug is switched on by the test itself; the feature is what makes the switch exist.
const TEST: [&str; 10] = [
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
    cargo.args(TEST).args(["--", "--exact", "--nocapture"]).env("PLANTAIN_MODEL_REPORT", &report);
    if let Some(seed) = seed {
        cargo.env("PLANTAIN_MODEL_SEED", seed.to_string());
    }
    let ok = cargo.status().context("cannot run cargo")?.success();
    let text = std::fs::read_to_string(&report).context("the planted bugs did not run (see above)")?;
    Ok((ok, serde_json::from_str(&text).context("the report can't be read")?))
}
