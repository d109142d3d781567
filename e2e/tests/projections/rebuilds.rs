//! Rebuilds that are watched, refused, canceled, taken over; and what is printed.

use e2e::deeds::Deeds;
use e2e::{Role, judge};
use ledger::projections::{self, State};
use xtask::machine::Signal;

use crate::hall::Hall;

/// So slow that a history takes a minute.
const SLOW: [&str; 2] = ["--max-rate", "50"];

#[test]
fn a_rebuild_shows_how_far_it_is_keeps_others_off_and_leaves_nothing_when_canceled() {
    let hall = Hall::open("canceled");
    let slow = |more: &[&str]| hall.start(&[&["replay", "--all", "-v"], &SLOW[..], more].concat(), &[]);

    let first = slow(&[]);
    let building = hall.stage.until("progress in the registry", || {
        hall.find("lots", State::Building).filter(|i| i.rate.is_some_and(|rate| rate > 0))
    });
    assert_eq!((building.stage.as_deref(), building.is_worked_on()), (Some("reading"), true));
    assert!(
        building.target.is_some_and(|target| target >= 3_000) && building.rate < Some(200),
        "{building:?}"
    );
    let (code, shown, _) = hall.run(&["projections"]);
    // How far by now is the machine's affair.
    assert!(code == 0 && shown.contains("  reading: ") && shown.contains(" % of 3 0"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    hall.stage.until("progress on stderr", || {
        let said = first.said();
        (said.contains("events/s") && said.contains("left")).then_some(())
    });

    // A second one of the same is refused clearly; it does not matter which of the two is asked for all.
    let (code, _, why) = hall.run(&["replay", "lots", "--diff-only"]);
    assert_eq!(code, 2, "{why}");
    assert!(why.contains("lots is being rebuilt already") && why.contains("--cancel"), "{why}");

    // Canceled by another process.
    let (code, answer) = hall.json(&["replay", "--all", "--cancel"]);
    assert_eq!((code, &answer["canceled"]["lots"]), (0, &"gone".into()), "{answer}");
    let (code, why) = first.end();
    assert!(code == Some(1) && why.contains("canceled"), "{code:?} {why}");
    hall.assert_nothing_left();

    // One that has done with its work is held until it is known what becomes of it, then it waits for the next.
    let (code, answer) = hall.json(&["replay", "lots"]);
    assert_eq!((code, hall.find("lots", State::Ready).is_some()), (0, true), "{answer}");
    let (code, answer) = hall.json(&["replay", "lots", "--diff-only"]);
    assert_eq!(code, 0, "{answer}");
    hall.assert_nothing_left();

    // Canceled by Ctrl-C.
    let mut second = slow(&["--swap", "--yes"]);
    hall.stage.until("all to be under way", || {
        let building =
            hall.instances().into_iter().filter(|i| i.state == State::Building && i.stage.is_some());
        (building.count() == projections::ALL.len()).then_some(())
    });
    second.process.signal(Signal::SIGINT);
    let (code, why) = second.end();
    assert!(code == Some(2) && why.contains("canceled; nothing was left behind"), "{code:?} {why}");
    hall.assert_nothing_left();
    let (_, answer) = hall.json(&["replay", "--all", "--cancel"]);
    assert_eq!(answer["canceled"]["balances"], "nothing");
    hall.stage.assert_verified();
}

#[test]
fn without_a_leader_nothing_is_swapped_and_it_is_said_what_to_do() {
    let mut hall = Hall::open("without a leader");
    assert!(hall.stage.stop(Role::Ledger));
    let mut waiting = hall.start(&["replay", "referrals", "--swap", "--yes"], &[]);
    let wished = hall
        .stage
        .until("the wish", || hall.find("referrals", State::Ready).filter(|i| i.wished_at.is_some()));
    let (code, _, why) = hall.run(&["replay", "referrals", "--diff-only"]);
    assert!(code == 2 && why.contains("waits to be swapped in") && why.contains("--cancel"), "{why}");
    // Whoever waits may change their mind.
    waiting.process.signal(Signal::SIGINT);
    let (code, why) = waiting.end();
    assert!(code == Some(2) && why.contains("nothing was left behind"), "{code:?} {why}");
    hall.assert_nothing_left();
    let (code, answer) = hall.json(&["replay", "referrals", "--back", "--yes"]);
    assert_eq!(code, 1, "{answer}");
    assert!(answer["projections"][0]["error"].as_str().unwrap().contains("none is kept"), "{answer}");
    assert_eq!(hall.live("referrals").instance, wished.instance - 1);
    hall.stage.start(Role::Ledger, &[]).unwrap();
    judge::wait_for_projections(&hall.stage);
    assert_eq!((hall.live("referrals").instance, hall.swaps("referrals")), (wished.instance - 1, 0));
}

#[test]
fn rows_of_another_version_are_read_and_made_anew_at_the_start() {
    let mut hall = Hall::open("another version");
    let deeds = Deeds::new(&hall.stage);
    assert!(hall.stage.stop(Role::Ledger));
    for (name, table) in [("lots", "projections.lots_1"), ("balances", "projections.balances_1")] {
        hall.change(&format!("UPDATE projection_instances SET version = version - 1 WHERE name = '{name}'"));
        hall.change(&format!("UPDATE {table} SET available = available + 1"));
    }
    hall.stage.start(Role::Ledger, &[]).unwrap();
    // Meanwhile the old balances answer.
    hall.stage.rt.block_on(deeds.start(1)).unwrap();
    for name in ["lots", "balances"] {
        hall.stage.until("the new version to be live", || (hall.live(name).instance == 2).then_some(()));
        let definition = projections::find(name).unwrap();
        assert_eq!((hall.live(name).version, hall.swaps(name)), (definition.version, 1));
        assert_eq!(hall.find(name, State::Old).map(|i| i.instance), Some(1));
    }
    judge::wait_for_projections(&hall.stage);
    hall.stage.assert_verified();
    // What another version wrote is not gone back to by mistake: nobody here could bring it up to date.
    let (code, answer) = hall.json(&["replay", "lots", "--back", "--yes"]);
    assert_eq!(code, 1, "{answer}");
    assert!(answer["projections"][0]["error"].as_str().unwrap().contains("this version"), "{answer}");
}

#[test]
fn what_is_printed_fits_80_columns() {
    let hall = Hall::open("80 columns");
    let lots = hall.live("lots").tables().main();
    hall.change(&format!("UPDATE {lots} SET recognised = recognised + 1"));
    let (code, out, err) = hall.run(&["replay", "lots", "--diff-only"]);
    println!("{out}{err}");
    assert!(code == 1 && err.is_empty(), "{err}");
    assert!(out.contains("ROWS DIFFER") && out.contains("and ") && out.contains(" more"), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    let (code, out, _) = hall.run(&["projections"]);
    println!("{out}");
    assert!(code == 0 && out.lines().all(|line| line.chars().count() <= 80), "{out}");
    let (_, answer) = hall.json(&["projections"]);
    assert_eq!(answer["projections"].as_array().unwrap().len(), projections::ALL.len());
    assert_eq!(
        (&answer["projections"][0]["lag"], &answer["projections"][0]["state"]),
        (&0.into(), &"live".into())
    );
}
