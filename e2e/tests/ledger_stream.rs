//! JetStream is transport and may be lost at any time: its store is wiped under load, or put back
//! to an older state, whole or in part; EVT is an exact window of the log again, and no consumer
//! misses an event.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use e2e::crowd::Crowd;
use e2e::deeds::Deeds;
use e2e::{Role, Stage, dice, judge};
use proto_events::subjects::{CONSUMERS, EVT_STREAM};
use proto_events::{Producer, PublishedEvent};
use service::consumer::{self, Verdict};
use tokio_util::sync::CancellationToken;

const LINES: usize = 2;

/// Waits until each adapter's consumer is there; how long it took.
fn wait_for_consumers(stage: &Stage, client: &async_nats::Client) -> Duration {
    let start = Instant::now();
    let context = stage.rt.block_on(async { jetstream::new(client.clone()) });
    stage.until("the consumers to be made again", || {
        stage.rt.block_on(async {
            let stream = context.get_stream(EVT_STREAM).await.ok()?;
            for (producer, _) in CONSUMERS {
                stream.consumer_info(producer.as_str()).await.ok()?;
            }
            Some(())
        })
    });
    start.elapsed()
}

/// The consumers say that they are done up to somewhere in the log, never less than before.
fn say_done(stage: &Stage, chance: &mut dice::Dice) {
    let head = stage.rt.block_on(ledger::store::head(&stage.pool)).unwrap().position;
    for (producer, _) in CONSUMERS {
        let through = head - i64::try_from(chance.below(100)).unwrap();
        let sql = "INSERT INTO consumers VALUES ($1, greatest($2, 0)) ON CONFLICT (consumer) \
                   DO UPDATE SET done_through = greatest(consumers.done_through, $2)";
        let said = sqlx::query(sql).bind(producer.as_str()).bind(through).execute(&stage.pool);
        stage.rt.block_on(said).unwrap();
    }
}

/// The first position that some consumer has still to be told.
fn first_undone(stage: &Stage) -> i64 {
    let done: Vec<(String, i64)> = stage
        .rt
        .block_on(sqlx::query_as("SELECT consumer, done_through FROM consumers").fetch_all(&stage.pool))
        .unwrap();
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    let undone = CONSUMERS.iter().filter_map(|(producer, types)| {
        let through = done.iter().find(|(name, _)| name == producer.as_str()).map_or(0, |(_, at)| *at);
        log.iter().find(|r| r.position > through && types.contains(&r.event_type.as_str()))
    });
    undone.map(|row| row.position).min().unwrap_or(i64::MAX)
}

#[test]
fn the_store_is_wiped_at_random_moments_under_load() {
    let mut stage = Stage::with_ledger().unwrap();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    let mut chance = dice::Dice::new("the_store_is_wiped_at_random_moments_under_load");
    let crowd = Crowd::start(&stage, &deeds, LINES, 1);
    let (mut healed, mut made) = (Vec::new(), Vec::new());
    for wipe in 0..dice::rounds(20) {
        std::thread::sleep(chance.up_to(Duration::from_millis(400)));
        if wipe % 2 == 1 {
            say_done(&stage, &mut chance);
        }
        stage.nats.wipe_store().unwrap();
        let undone = first_undone(&stage);
        let (first, took) = judge::assert_evt_heals(&stage, &nats);
        assert!(first <= undone, "EVT begins at {first}, but {undone} has still to be told");
        healed.push(took);
        made.push(wait_for_consumers(&stage, &nats));
    }
    let crossed = crowd.finish(&stage);
    healed.sort();
    made.sort();
    println!(
        "{} wipes: EVT exact again after min {:.2} s, median {:.2} s, max {:.2} s; consumers at most {:.2} s later; {} people",
        healed.len(),
        healed[0].as_secs_f64(),
        healed[healed.len() / 2].as_secs_f64(),
        healed[healed.len() - 1].as_secs_f64(),
        made[made.len() - 1].as_secs_f64(),
        crossed.whole.len(),
    );
    judge::assert_evt_heals(&stage, &nats);
    judge::wait_for_projections(&stage);
    stage.assert_verified();
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    assert_eq!(deeds.witness.lies(&log), Vec::<String>::new());
    assert_eq!(deeds.witness.not_done(), Vec::<String>::new());
    judge::assert_whole_ways(&stage, &crossed.whole);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn replace(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).unwrap();
    copy(from, to);
}

/// The folder of EVT in a store.
fn evt_folder(store: &Path) -> PathBuf {
    let mut dirs = vec![store.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        if dir.ends_with(Path::new("streams").join(EVT_STREAM)) {
            return dir;
        }
        let inside = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        dirs.extend(inside.filter(|path| path.is_dir()));
    }
    panic!("EVT is not in {}", store.display());
}

/// What of the store is put back.
#[derive(Debug, Clone, Copy)]
enum Part {
    Whole,
    Messages,
    Consumers,
}

fn put_back(backup: &Path, store: &Path, part: Part) {
    match part {
        Part::Whole => replace(backup, store),
        Part::Messages => replace(&evt_folder(backup).join("msgs"), &evt_folder(store).join("msgs")),
        Part::Consumers => replace(&evt_folder(backup).join("obs"), &evt_folder(store).join("obs")),
    }
}

fn ways(stage: &Stage, deeds: &Deeds, people: std::ops::Range<i64>) {
    for user in people {
        stage.rt.block_on(deeds.whole_way(user)).unwrap();
    }
}

#[test]
fn a_store_put_back_to_an_older_state_heals_and_skips_nothing() {
    let mut stage = Stage::with_ledger().unwrap();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    let told: Arc<Mutex<BTreeSet<i64>>> = Arc::default();
    let (stop, heard) = (CancellationToken::new(), Arc::clone(&told));
    let telling = consumer::run(
        stage.client("telegram"),
        Producer::Telegram,
        stage.ledger_as(Producer::Telegram),
        consumer::Options { in_flight_max: 4, ack_wait: Duration::from_secs(30) },
        stop.clone(),
        move |event: PublishedEvent| {
            let heard = Arc::clone(&heard);
            async move {
                heard.lock().unwrap().insert(event.position.get());
                Verdict::Done
            }
        },
    );
    let telling = stage.rt.spawn(telling);
    let (_, types) = CONSUMERS.iter().find(|(p, _)| *p == Producer::Telegram).unwrap();
    let everything_told = |stage: &Stage| {
        let log = stage.rt.block_on(Stage::log(&stage.pool));
        let wanted: BTreeSet<i64> =
            log.iter().filter(|r| types.contains(&r.event_type.as_str())).map(|r| r.position).collect();
        stage.until("telegram to be told everything", || {
            wanted.is_subset(&told.lock().unwrap()).then_some(())
        });
    };
    let mut next = 1;
    for (round, part) in [Part::Whole, Part::Messages, Part::Consumers].into_iter().enumerate() {
        ways(&stage, &deeds, next..next + 2);
        everything_told(&stage);
        judge::assert_evt_heals(&stage, &nats);
        let (store, backup) = (stage.nats.store().to_path_buf(), stage.dir().join(format!("store-{round}")));
        stage.nats.stop();
        copy(&store, &backup);
        stage.nats.restart().unwrap();
        ways(&stage, &deeds, next + 2..next + 4);
        everything_told(&stage);
        judge::assert_evt_heals(&stage, &nats);
        stage.nats.stop();
        put_back(&backup, &store, part);
        stage.nats.restart().unwrap();
        let quiet = judge::assert_evt_heals(&stage, &nats).1;
        ways(&stage, &deeds, next + 4..next + 6);
        everything_told(&stage);
        let (first, _) = judge::assert_evt_heals(&stage, &nats);
        println!("{part:?} put back: EVT exact again after {:.2} s, begins at {first}", quiet.as_secs_f64());
        next += 6;
    }
    stop.cancel();
    stage.rt.block_on(telling).unwrap();
    assert!(stage.is_running(Role::Ledger));
    judge::assert_whole_ways(&stage, &(1..next).collect::<Vec<_>>());
    stage.assert_verified();
}
