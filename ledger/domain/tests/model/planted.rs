//! Known bugs, one at a time: the same lives must catch each, and find nothing without.

use ledger_domain::planted::{Bug, plant};
use serde_json::json;

use crate::play::{hush_panics, play_seed, wrong_with};
use crate::tally::Tally;

/// Lives played with each bug.
const LIVES: u64 = 400;

#[test]
fn every_planted_bug_is_caught() {
    hush_panics();
    let first = crate::number("PLANTAIN_MODEL_SEED").unwrap_or_else(crate::any_seed);
    let seeds = || first..first + LIVES;
    println!("{LIVES} lives from seed {first}, with one bug at a time");
    plant(None);
    assert_eq!(seeds().find_map(wrong_with), None, "without a bug nothing may be found");
    println!("{:<22}{:>10}  {:<44}", "planted", "caught in", "by");
    let mut report = Vec::new();
    for bug in Bug::ALL {
        plant(Some(bug));
        let caught: Vec<u64> = seeds().filter(|seed| wrong_with(*seed).is_some()).collect();
        let shortest = caught.first().and_then(|seed| play_seed(*seed, &mut Tally::default()).err());
        plant(None);
        let by =
            shortest.as_ref().map_or("nothing", |f| f.wrong.lines().next().unwrap_or_default()).to_owned();
        println!(
            "{:<22}{:>6} of {LIVES}  {}",
            bug.name(),
            caught.len(),
            by.chars().take(44).collect::<String>()
        );
        report.push(json!({
            "bug": bug.name(), "lives": LIVES, "caught": caught.len(), "by": by,
            "shortest": shortest.map(|f| f.steps.len()),
        }));
    }
    crate::write_report(&json!({ "seed": first, "bugs": report }));
    let missed: Vec<_> = report.iter().filter(|one| one["caught"] == 0).collect();
    assert!(missed.is_empty(), "nothing catches {missed:?}");
}
