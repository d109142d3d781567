//! Faults over the whole system: tests of the package `e2e`, played many rounds.

use anyhow::Result;

/// The test files of each kind of fault. Each reads `PLANTAIN_ROUNDS`.
pub(super) const LEADERS: &[&str] = &["leaders_chaos"];
pub(super) const EVT: &[&str] = &["ledger_stream"];
pub(super) const DATABASE: &[&str] = &["postgres_faults"];
pub(super) const PAYMENTS: &[&str] = &["payments_chaos"];
pub(super) const GENERATOR: &[&str] = &["generator_chaos"];

/// The tests' own words and figures go to the terminal as they are.
pub(super) fn run(tests: &[&str], rounds: u32, seed: Option<u64>) -> Result<(bool, serde_json::Value)> {
    // Not `-p e2e`: the features of the whole workspace are what is built already.
    let mut words = Vec::new();
    for test in tests {
        words.extend(["--test".to_owned(), (*test).to_owned()]);
    }
    words.extend(["--", "--nocapture", "--test-threads=1"].map(str::to_owned));
    let mut variables = vec![("PLANTAIN_ROUNDS", rounds.to_string())];
    variables.extend(seed.map(|seed| ("PLANTAIN_SEED", seed.to_string())));
    let ok = crate::test::test_with(&words, &variables);
    if let Err(error) = &ok {
        println!("{error:#}");
    }
    Ok((ok.is_ok(), serde_json::json!({ "rounds": rounds, "tests": tests })))
}
