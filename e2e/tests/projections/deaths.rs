//! The worker of a rebuild or the leader dies, at each named point and in the middle.

use std::path::{Path, PathBuf};

use e2e::crowd::Crowd;
use e2e::deeds::Deeds;
use e2e::leaders::{lead_and_stand_by, leads};
use e2e::{Role, Stage, judge};
use ledger::projections::{self, State};
use xtask::machine::Signal;

use crate::hall::Hall;

/// Where a rebuild may die, and whether tables are left then.
const REBUILD: [(&str, bool); 6] = [
    ("ledger.replay.entering", false),
    ("ledger.replay.entered", true),
    ("ledger.replay.before_commit", true),
    ("ledger.replay.committed", true),
    ("ledger.replay.indexed", true),
    ("ledger.replay.ready", true),
];
const SWAP: [&str; 3] = ["ledger.swap.appended", "ledger.swap.before_commit", "ledger.swap.committed"];

fn noted(crashes: &Path) -> String {
    std::fs::read_to_string(crashes).unwrap_or_default().trim().to_owned()
}

fn crashes(stage: &Stage, point: &str) -> PathBuf {
    stage.dir().join(point)
}

/// So that nobody waits ten seconds to believe that a dead worker is dead.
fn time_passes(hall: &Hall) {
    hall.change("UPDATE projection_instances SET alive_at = alive_at - 60000000");
}

#[test]
fn a_rebuild_that_dies_anywhere_is_cleaned_up_by_others() {
    let hall = Hall::open("dead rebuilds");
    for (point, leaves) in REBUILD {
        let file = crashes(&hall.stage, point);
        let armed = [("CRASH_AT", &*format!("{point}:1")), ("CRASH_LOG", file.to_str().unwrap())];
        let (code, why) = hall.start(&["replay", "payments", "--swap", "--yes"], &armed).end();
        assert_eq!((code, noted(&file).as_str()), (None, point), "{why}");
        let left = hall.instances().into_iter().filter(|i| i.name == "payments" && i.state != State::Live);
        assert_eq!(left.count() > 0, leaves, "{point}");
        time_passes(&hall);
        if point == "ledger.replay.ready" {
            // It is whole: the next one takes its place.
            let (code, answer) = hall.json(&["replay", "payments", "--diff-only"]);
            assert_eq!(code, 0, "{answer}");
        }
        hall.stage.until("what it left to be dropped", || {
            hall.instances().iter().all(|i| i.state == State::Live).then_some(())
        });
        hall.assert_nothing_left();
        println!("{point}: reached, {}", if leaves { "cleaned up" } else { "nothing was left" });
    }
    assert_eq!(hall.swaps("payments"), 0);
    hall.stage.assert_verified();
}

#[test]
fn a_leader_that_dies_in_a_swap_is_followed_by_one_that_ends_it() {
    let mut hall = Hall::open("dead swaps");
    for (round, point) in (1..).zip(SWAP) {
        assert!(hall.stage.stop(Role::Ledger));
        let file = crashes(&hall.stage, point);
        let armed = [("CRASH_AT", &*format!("{point}:1")), ("CRASH_LOG", file.to_str().unwrap())];
        hall.stage.start(Role::Ledger, &armed).unwrap();
        let before = hall.live("lots").instance;
        let replay = hall.start(&["replay", "lots", "--swap", "--yes"], &[]);
        hall.stage.until("the leader to die", || (noted(&file) == point).then_some(()));
        let live: i64 = hall.rows::<(i64,)>(
            "SELECT count(*) FROM projection_instances WHERE state = 'live' AND name = 'lots'",
        )[0]
        .0;
        assert_eq!(live, 1, "somebody who reads now finds none, or two");
        hall.stage.start(Role::Ledger, &[]).unwrap();
        let (code, why) = replay.end();
        assert_eq!(code, Some(0), "{point}: {why}");
        assert_ne!(hall.live("lots").instance, before);
        assert_eq!(hall.find("lots", State::Old).map(|i| i.instance), Some(before));
        assert_eq!(hall.swaps("lots"), round, "{point}: the log says it once");
        println!("{point}: reached, and {before} was exchanged once");
    }
    judge::wait_for_projections(&hall.stage);
    hall.assert_nothing_left();
    hall.stage.assert_verified();
}

/// The log says that it is read: nobody takes that back.
#[test]
fn a_swap_that_is_in_the_log_can_not_be_taken_back_though_its_leader_died() {
    let mut hall = Hall::open("logged swaps");
    assert!(hall.stage.stop(Role::Ledger));
    let (point, before) = (SWAP[0], hall.live("lots").instance);
    let file = crashes(&hall.stage, point);
    let armed = [("CRASH_AT", &*format!("{point}:1")), ("CRASH_LOG", file.to_str().unwrap())];
    hall.stage.start(Role::Ledger, &armed).unwrap();
    let mut replay = hall.start(&["replay", "lots", "--swap", "--yes"], &[]);
    hall.stage.until("the leader to die", || (noted(&file) == point).then_some(()));
    assert_eq!(hall.swaps("lots"), 1);
    time_passes(&hall);
    let (code, answer) = hall.json(&["replay", "lots", "--cancel"]);
    assert_eq!((code, answer["canceled"]["lots"].as_str()), (1, Some("too_late")), "{answer}");
    replay.process.signal(Signal::SIGINT);
    let (code, why) = replay.end();
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == Some(2) && why.contains("the next ledger that leads swaps these in: lots"), "{why}");
    hall.stage.start(Role::Ledger, &[]).unwrap();
    hall.stage.until("the next leader to end it", || (hall.live("lots").instance != before).then_some(()));
    assert_eq!(hall.swaps("lots"), 1);
    judge::wait_for_projections(&hall.stage);
    hall.assert_nothing_left();
    hall.stage.assert_verified();
}

/// A leader that was replaced refuses nothing that the next one is at.
#[test]
fn only_the_leader_that_has_taken_a_wish_up_refuses_it() {
    let hall = Hall::open("refused swaps");
    assert_eq!(hall.run(&["replay", "lots"]).0, 0);
    hall.change(
        "CREATE FUNCTION next_leader() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN NEW.worker := gen_random_uuid(); RETURN NEW; END $$",
    );
    hall.change(
        "CREATE TRIGGER next_leader BEFORE UPDATE ON projection_instances FOR EACH ROW \
         WHEN (NEW.stage = 'swapping in') EXECUTE FUNCTION next_leader()",
    );
    hall.change(
        "UPDATE projection_instances SET version = 99, wished_at = 1, wished_position = position \
         WHERE name = 'lots' AND state = 'ready'",
    );
    let tried = || {
        let log = std::fs::read_to_string(hall.stage.log_path(Role::Ledger)).unwrap_or_default();
        log.matches("could not be swapped in").count()
    };
    hall.stage.until("it to be tried again", || (tried() >= 2).then_some(()));
    let wished = hall.find("lots", State::Ready).unwrap();
    assert_eq!((wished.wished_at, wished.wish_refused), (Some(1), None));
    hall.change("DROP TRIGGER next_leader ON projection_instances");
    let refused = || hall.find("lots", State::Ready)?.wish_refused;
    let why = hall.stage.until("its own leader to refuse it", refused);
    assert!(why.contains("does not know the projection in this version"), "{why}");
}

#[test]
fn a_leader_that_dies_while_projections_are_rebuilt_is_replaced_and_they_are_swapped_in() {
    let mut hall = Hall::closed("leader change");
    lead_and_stand_by(&mut hall.stage, &[]);
    judge::wait_for_projections(&hall.stage);
    // One that the leader itself makes anew, and all others by hand.
    hall.change("UPDATE projection_instances SET version = version - 1 WHERE name = 'referrals'");
    let deeds = Deeds::new(&hall.stage);
    let crowd = Crowd::start(&hall.stage, &deeds, 2, 1);
    let others = projections::ALL.iter().map(|d| d.name).filter(|name| *name != "referrals");
    let mut replays: Vec<_> = others
        .map(|name| hall.start(&["replay", name, "--swap", "--yes", "--max-rate", "2000"], &[]))
        .collect();
    hall.stage.until("some to be under way", || {
        (hall.instances().iter().filter(|i| i.state == State::Building).count() > 3).then_some(())
    });
    hall.stage.kill9(Role::Ledger);
    hall.stage.until("the other to lead", || leads(&hall.stage, Role::Standby).then_some(()));
    for replay in replays.drain(..) {
        let (code, why) = replay.end();
        assert_eq!(code, Some(0), "{why}");
    }
    hall.stage
        .until("the leader to have made its own", || (hall.live("referrals").instance > 1).then_some(()));
    let crossed = crowd.finish(&hall.stage);
    assert_eq!(deeds.witness.not_done(), Vec::<String>::new());
    judge::wait_for_projections(&hall.stage);
    for definition in projections::ALL {
        let name = definition.name;
        assert_eq!((hall.live(name).version, hall.swaps(name)), (definition.version, 1), "{name}");
    }
    hall.stage.assert_verified();
    judge::assert_whole_ways(&hall.stage, &crossed.whole);
}
