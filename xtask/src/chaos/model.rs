//! The core against its model: the test `model` of `ledger-domain`, optimised, on all cores.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{machine::paths, up};

/// The test that plays sequences, and the variables it reads.
const TEST: [&str; 8] = [
    "test",
    "--profile",
    "measured",
    "-p",
    "ledger-domain",
    "--test",
    "model",
    "the_core_does_what_the_model_says",
];

pub(super) fn run(sequences: u64, seed: Option<u64>) -> Result<(bool, Value)> {
    let report = paths::data_dir()?.join("chaos-model.json");
    let _ = std::fs::remove_file(&report);
    let mut cargo = up::cargo();
    cargo.args(TEST).args(["--", "--exact", "--nocapture"]);
    cargo.env("PLANTAIN_MODEL_SEQUENCES", sequences.to_string()).env("PLANTAIN_MODEL_REPORT", &report);
    if let Some(seed) = seed {
        cargo.env("PLANTAIN_MODEL_SEED", seed.to_string());
    }
    let ok = cargo.status().context("cannot run cargo")?.success();
    let text = std::fs::read_to_string(&report).context("the model did not run (see above)")?;
    Ok((ok, serde_json::from_str(&text).context("the model's report can't be read")?))
}
