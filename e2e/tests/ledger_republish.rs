//! EVT damaged by hand mends itself, and what can't mend itself is given up by `ledger republish`:
//! beside a running leader, asked for before one runs, and killed in the middle of it.

use std::collections::BTreeSet;
use std::process::Output;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use e2e::crowd::Crowd;
use e2e::deeds::Deeds;
use e2e::hearing::Hearing;
use e2e::{Role, Stage, dice, judge};
use proto_events::Producer;
use proto_events::subjects::EVT_STREAM;

const LINES: usize = 2;

fn ways(stage: &Stage, deeds: &Deeds, people: std::ops::Range<i64>) {
    for user in people {
        stage.rt.block_on(deeds.whole_way(user)).unwrap();
    }
}

fn head(stage: &Stage) -> i64 {
    stage.rt.block_on(ledger::store::head(&stage.pool)).unwrap().position
}

fn stream(stage: &Stage) -> jetstream::stream::Stream {
    let client = stage.client("ledger");
    stage.rt.block_on(async { jetstream::new(client).get_stream(EVT_STREAM).await }).unwrap()
}

/// How EVT is damaged.
#[derive(Debug, Clone, Copy)]
enum Damage {
    LastDeleted,
    MiddleDeleted,
    SubjectPurged,
    Purged,
}

fn damage(stage: &Stage, how: Damage, chance: &mut dice::Dice) {
    let evt = stream(stage);
    let state = evt.cached_info().state.clone();
    stage.rt.block_on(async {
        match how {
            Damage::LastDeleted => drop(evt.delete_message(state.last_sequence).await),
            Damage::MiddleDeleted => {
                let at = state.first_sequence + chance.below(state.messages);
                drop(evt.delete_message(at).await);
            }
            Damage::SubjectPurged => {
                evt.purge().filter("evt.ledger.*.CreditsReserved.*").await.unwrap();
            }
            Damage::Purged => {
                evt.purge().await.unwrap();
            }
        }
    });
}

#[test]
fn a_stream_damaged_by_hand_mends_itself_and_nothing_is_skipped_or_told_twice() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    let mut chance = dice::Dice::new("a_stream_damaged_by_hand");
    let telegram = Hearing::start(&stage, Producer::Telegram);
    let crowd = Crowd::start(&stage, &deeds, LINES, 1);
    let rounds = dice::rounds(3);
    let mut took = Vec::new();
    for round in 0..rounds {
        std::thread::sleep(Duration::from_millis(300) + chance.up_to(Duration::from_millis(300)));
        let how = [Damage::LastDeleted, Damage::SubjectPurged, Damage::MiddleDeleted][round % 3];
        damage(&stage, how, &mut chance);
        took.push(judge::assert_evt_heals_whole(&stage, &nats));
    }
    let crossed = crowd.finish(&stage);
    judge::print_times(&format!("{rounds} times damaged by hand: EVT a window again after"), &mut took);
    telegram.assert_all_once(&stage, 0);
    telegram.finish(&stage);
    judge::wait_for_projections(&stage);
    stage.assert_verified();
    judge::assert_whole_ways(&stage, &crossed.whole);
}

#[test]
fn a_purged_stream_is_continued() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    ways(&stage, &deeds, 1..2);
    judge::assert_evt_heals(&stage, &nats);
    let purged_at = head(&stage);
    damage(&stage, Damage::Purged, &mut dice::Dice::new("purged"));
    ways(&stage, &deeds, 2..3);
    assert_eq!(judge::assert_evt_heals(&stage, &nats).0, purged_at + 1);
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs `ledger republish --json --yes`; what it said.
fn republish(stage: &Stage, from: i64, more: &[&str]) -> serde_json::Value {
    let from = from.to_string();
    let args = [&["republish", "--json", "--yes", "--from", from.as_str()], more].concat();
    let output = stage.ledger_command(&args).unwrap();
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn operators_make_the_stream_anew_beside_a_running_leader() {
    let mut stage = Stage::with_ledger().unwrap();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    let telegram = Hearing::start(&stage, Producer::Telegram);
    ways(&stage, &deeds, 1..4);
    telegram.assert_all_once(&stage, 0);
    telegram.until_reported(&stage);
    judge::assert_evt_heals(&stage, &nats);

    // Without --yes and a terminal nothing happens; a position that will not come is refused.
    let made = stream(&stage).cached_info().created;
    let unsure = stage.ledger_command(&["republish", "--from", "1"]).unwrap();
    assert_eq!(unsure.status.code(), Some(2), "{}", said(&unsure));
    assert!(said(&unsure).contains("--yes"), "{}", said(&unsure));
    let beyond = (head(&stage) + 2).to_string();
    let beyond = stage.ledger_command(&["republish", "--yes", "--from", &beyond]).unwrap();
    assert_eq!(beyond.status.code(), Some(2), "{}", said(&beyond));
    assert_eq!(stream(&stage).cached_info().created, made, "the stream was touched");

    // From the middle, with people on their way: what was done is not shown again.
    let crowd = Crowd::start(&stage, &deeds, LINES, 100);
    let answer = republish(&stage, 5, &[]);
    assert_eq!((&answer["from"], &answer["done"]), (&5.into(), &true.into()), "{answer}");
    assert!(stream(&stage).cached_info().created > made);
    let crossed = crowd.finish(&stage);
    assert_eq!(judge::assert_evt_heals(&stage, &nats).0, 5);
    telegram.assert_all_once(&stage, 0);
    telegram.until_reported(&stage);
    // What was planned is said to be.
    let log = std::fs::read_to_string(stage.log_path(Role::Ledger)).unwrap();
    assert!(log.contains("made anew, as was asked") && !log.contains("the relay stands still"), "{log}");

    // Again: one who remembers knows it all, one who does not is shown everything from there on.
    let telegram_before = telegram.positions();
    let answer = republish(&stage, 10, &["--again"]);
    assert_eq!(answer["consumers"][0]["shown_from"], 10, "{answer}");
    assert_eq!(judge::assert_evt_heals(&stage, &nats).0, 10);
    ways(&stage, &deeds, 4..5);
    telegram.assert_all_once(&stage, 0);
    assert!(telegram.positions().len() > telegram_before.len());
    telegram.finish(&stage);
    republish(&stage, 10, &["--again"]);
    let forgetful = Hearing::start(&stage, Producer::Telegram);
    forgetful.assert_all_once(&stage, 9);
    forgetful.finish(&stage);

    // Asked for while nobody leads; the next leader does it. From behind the end: an empty stream.
    assert!(stage.stop(Role::Ledger));
    let next = head(&stage) + 1;
    let asked = stage.rt.block_on(ledger::store::ask_republish(&stage.pool, next, false)).unwrap();
    stage.start(Role::Ledger, &[]).unwrap();
    stage.until("the wish to be carried out", || {
        stage.rt.block_on(ledger::store::is_republish_done(&stage.pool, asked)).unwrap().then_some(())
    });
    ways(&stage, &deeds, 5..6);
    assert_eq!(judge::assert_evt_heals(&stage, &nats).0, next);
    judge::wait_for_projections(&stage);
    stage.assert_verified();
    judge::assert_whole_ways(&stage, &crossed.whole);
}

#[test]
fn what_is_not_the_logs_stops_the_relay_aloud_and_is_given_up_by_hand() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    ways(&stage, &deeds, 1..2);
    judge::assert_evt_heals(&stage, &nats);
    let lag = || stage.metric(Role::Ledger, "ledger_relay_lag");
    stage.until("no lag", || (lag() == Some(0.0)).then_some(()));
    // Somebody with the ledger's key publishes by hand.
    let context = stage.rt.block_on(async { jetstream::new(nats.clone()) });
    stage.rt.block_on(async {
        context.publish("evt.ledger.0.Forged.x", "{}".into()).await.unwrap().await.unwrap();
    });
    ways(&stage, &deeds, 2..3);
    let log = stage.log_path(Role::Ledger);
    stage.until("the relay to say that it stands still", || {
        let said = std::fs::read_to_string(&log).ok()?;
        said.contains("is not what the log has there").then_some(())
    });
    // Honest while it stands: a whole way of 18 events is not published.
    stage.until("the lag to be told", || (lag() == Some(18.0)).then_some(()));
    assert_eq!(stage.metric(Role::Ledger, "ledger_relay_stands"), Some(1.0));
    republish(&stage, 1, &[]);
    assert_eq!(judge::assert_evt_heals(&stage, &nats).0, 1);
    stage.until("no lag", || (lag() == Some(0.0)).then_some(()));
    assert_eq!(stage.metric(Role::Ledger, "ledger_relay_stands"), Some(0.0));
}

#[test]
fn a_death_in_the_middle_of_republishing_leaves_a_wish_that_is_carried_out_once() {
    let mut stage = Stage::new().unwrap();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    stage.start(Role::Ledger, &[]).unwrap();
    ways(&stage, &deeds, 1..2);
    for point in ["ledger.republish.deleted", "ledger.republish.made"] {
        assert!(stage.stop(Role::Ledger));
        let crashes = stage.dir().join(point);
        let armed = [("CRASH_AT", &*format!("{point}:1")), ("CRASH_LOG", crashes.to_str().unwrap())];
        stage.start(Role::Ledger, &armed).unwrap();
        let asked = stage.rt.block_on(ledger::store::ask_republish(&stage.pool, 3, false)).unwrap();
        stage.wait_ended(Role::Ledger);
        assert_eq!(std::fs::read_to_string(&crashes).unwrap().trim(), point, "where it died");
        let made = |stage: &Stage| {
            let context = stage.rt.block_on(async { jetstream::new(nats.clone()) });
            let found = stage.rt.block_on(context.get_stream(EVT_STREAM));
            found.ok().map(|stream| stream.cached_info().created)
        };
        let before = made(&stage);
        let since = Instant::now();
        stage.start(Role::Ledger, &[]).unwrap();
        stage.until("the wish to be carried out", || {
            stage.rt.block_on(ledger::store::is_republish_done(&stage.pool, asked)).unwrap().then_some(())
        });
        assert_eq!(judge::assert_evt_heals(&stage, &nats).0, 3);
        println!("{point}: died, and EVT is anew after {:.2} s", since.elapsed().as_secs_f64());
        if before.is_some() {
            assert_eq!(made(&stage), before, "made a second time for one wish");
        }
    }
    let told: BTreeSet<i64> =
        stage.rt.block_on(judge::evt(&nats)).unwrap().iter().map(|e| e.position.get()).collect();
    assert_eq!(told, (3..=head(&stage)).collect());
}
