//! Faults over the whole system: tests of the package `e2e`, played many rounds.

use anyhow::Result;

/// The test files of each kind of fault. Each reads `PLANTAIN_ROUNDS`.
pub(super) const LEADERS: &[&str] = &["ledger_leaders", "ledger_cut_off"];
pub(super) const EVT: &[&str] = &["event_stream", "ledger_stream"];
pub(super) const DATABASE: &[&str] = &["ledger_crash"];

/// The tests' own words and figures go to the terminal as they are.
pub(super) fn run(tests: &[&str], rounds: u32) -> Result<(bool, serde_json::Value)> {
    let mut words = vec!["-p".to_owned(), "e2e".to_owned()];
    for test in tests {
        words.extend(["--test".to_owned(), (*test).to_owned()]);
    }
    words.extend(["--", "--nocapture", "--test-threads=1"].map(str::to_owned));
    let ok = crate::test::test_with(&words, &[("PLANTAIN_ROUNDS", rounds.to_string())]);
    if let Err(error) = &ok {
        println!("{error:#}");
    }
    Ok((ok.is_ok(), serde_json::json!({ "rounds": rounds, "tests": tests })))
}
