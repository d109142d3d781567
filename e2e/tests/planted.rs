//! Known bugs in the ledger itself, planted one at a time: the witness must tell each, and tell
//! nothing without one. Run by `cargo xtask chaos --planted`, which builds a ledger that has them.

#![cfg(feature = "planted-bugs")]

use e2e::deeds::Deeds;
use e2e::witness::Said;
use e2e::{Role, Stage};
use ledger::planted::{NO_DEDUPE, REPLY_BEFORE_COMMIT};

/// Deaths right after an answer.
const DEATHS: i64 = 3;

fn stage_with(bug: &str) -> Stage {
    let mut stage = Stage::new().unwrap();
    stage.start(Role::Ledger, &[("LEDGER_PLANTED", bug)]).unwrap();
    stage
}

/// People who are told that their account is open; the ledger dies at each answer.
fn lies_after_deaths(bug: &str) -> Vec<String> {
    let mut stage = stage_with(bug);
    let deeds = Deeds::new(&stage);
    for user in 1..=DEATHS {
        stage.rt.block_on(deeds.start(user)).expect("an answer");
        stage.kill9(Role::Ledger);
        stage.start(Role::Ledger, &[("LEDGER_PLANTED", bug)]).unwrap();
    }
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    deeds.witness.lies(&log)
}

/// The same commands twice: those that were answered in two ways.
fn answered_in_two_ways(bug: &str) -> Vec<(Said, Said)> {
    let stage = stage_with(bug);
    let deeds = Deeds::new(&stage);
    for _ in 0..2 {
        // The second answer is what is looked at, whatever it is.
        let _ = stage.rt.block_on(deeds.start(1));
        let _ = stage.rt.block_on(deeds.topup(1, "once"));
    }
    let answers = deeds.witness.answers();
    let (first, second) = answers.split_at(2);
    let pairs = first.iter().zip(second);
    pairs.filter(|(a, b)| a.said != b.said).map(|(a, b)| (a.said.clone(), b.said.clone())).collect()
}

#[test]
fn a_reply_before_its_commit_is_told_by_the_witness() {
    assert_eq!(lies_after_deaths("nothing"), Vec::<String>::new(), "without a bug nobody lies");
    let lies = lies_after_deaths(REPLY_BEFORE_COMMIT);
    println!("{REPLY_BEFORE_COMMIT:<22}{:>6} of {DEATHS}  {}", lies.len(), lies.first().map_or("", |l| l));
    assert!(!lies.is_empty(), "nothing catches {REPLY_BEFORE_COMMIT}");
}

#[test]
fn a_command_that_is_decided_twice_is_told_by_its_answers() {
    assert_eq!(answered_in_two_ways("nothing"), Vec::new(), "without a bug an answer stays what it is");
    let pairs = answered_in_two_ways(NO_DEDUPE);
    let second = pairs.first().map(|(_, second)| format!("answered again with {second:?}"));
    println!("{NO_DEDUPE:<22}{:>6} of 2  {}", pairs.len(), second.unwrap_or_default());
    assert!(!pairs.is_empty(), "nothing catches {NO_DEDUPE}");
}
