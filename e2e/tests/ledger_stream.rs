//! JetStream is transport and may be lost at any time. Under load, its store is wiped, put back to an
//! older state, whole or in part, and written by several relays at once: EVT is an exact window of
//! the log again, no consumer misses an event, and none acts on one twice.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use e2e::crowd::Crowd;
use e2e::deeds::Deeds;
use e2e::hearing::Hearing;
use e2e::{Role, Stage, dice, judge};
use ledger::tail::Tail;
use proto_events::Position;
use proto_events::subjects::{CONSUMERS, EVT_STREAM};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const LINES: usize = 2;
/// One listening process for each adapter.
struct Adapters(Vec<Hearing>);

impl Adapters {
    fn start(stage: &Stage) -> Self {
        Self(CONSUMERS.iter().map(|(producer, _)| Hearing::start(stage, *producer)).collect())
    }

    /// Everything in the log was told to whom it is for, and acted on once; how much that was.
    fn assert_all_once(self, stage: &Stage) -> usize {
        let told = self.0.into_iter().map(|hearing| {
            hearing.assert_all_once(stage, 0);
            hearing.finish(stage).len()
        });
        told.sum()
    }
}

/// A ledger, people on their way, adapters that listen.
struct World {
    stage: Stage,
    deeds: Deeds,
    nats: async_nats::Client,
    crowd: Crowd,
    adapters: Adapters,
    healed: Vec<Duration>,
}

impl World {
    fn new() -> Self {
        let stage = Stage::with_ledger().unwrap();
        let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
        let adapters = Adapters::start(&stage);
        let crowd = Crowd::start(&stage, &deeds, LINES, 1);
        Self { stage, deeds, nats, crowd, adapters, healed: Vec::new() }
    }

    /// Waits until EVT is whole up to what is the end of the log now.
    fn heals(&mut self) {
        let (_, took) = judge::assert_evt_heals(&self.stage, &self.nats);
        self.healed.push(took);
    }

    fn finish(mut self, what: &str) {
        let crossed = self.crowd.finish(&self.stage);
        judge::assert_evt_heals(&self.stage, &self.nats);
        let told = self.adapters.assert_all_once(&self.stage);
        judge::print_times(&format!("{} {what}: EVT exact again after", self.healed.len()), &mut self.healed);
        println!("    {} people; {told} events told, each acted on once", crossed.whole.len());
        assert!(self.stage.is_running(Role::Ledger));
        judge::wait_for_projections(&self.stage);
        self.stage.assert_verified();
        e2e::leaders::assert_true(&self.stage, &self.deeds);
        judge::assert_whole_ways(&self.stage, &crossed.whole);
    }
}

#[test]
fn the_store_is_wiped_again_and_again_under_load() {
    let mut world = World::new();
    let mut chance = dice::Dice::new("the_store_is_wiped_again_and_again_under_load");
    for _ in 0..dice::rounds(4) {
        // Also before the consumers have said what they have done, and long after.
        std::thread::sleep(chance.up_to(Duration::from_millis(3_000)));
        world.stage.nats.wipe_store().unwrap();
        world.heals();
    }
    world.finish("wipes");
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

#[test]
fn a_store_put_back_to_an_older_state_heals_and_skips_nothing() {
    let mut world = World::new();
    let mut chance = dice::Dice::new("a_store_put_back_to_an_older_state");
    for round in 0..dice::rounds(3) {
        let part = [Part::Whole, Part::Messages, Part::Consumers][round % 3];
        std::thread::sleep(Duration::from_millis(300) + chance.up_to(Duration::from_millis(700)));
        let (store, backup) =
            (world.stage.nats.store().to_path_buf(), world.stage.dir().join(format!("store-{round}")));
        // As a snapshot of the disk: the server is not asked.
        world.stage.nats.kill9();
        copy(&store, &backup);
        world.stage.nats.restart().unwrap();
        judge::assert_evt_heals(&world.stage, &world.nats);
        std::thread::sleep(chance.up_to(Duration::from_millis(2_500)));
        world.stage.nats.kill9();
        put_back(&backup, &store, part);
        world.stage.nats.restart().unwrap();
        world.heals();
        std::fs::remove_dir_all(&backup).unwrap();
    }
    world.finish("times put back to an older state (whole, messages only, consumers only)");
}

/// A relay beside the leader's, as of a leader that does not know that it was replaced.
fn second_relay(stage: &Stage) -> CancellationToken {
    let (stop, (_, seen)) = (CancellationToken::new(), watch::channel(Position::ZERO));
    let tail = Tail::new(stage.pool.clone(), seen);
    let relay =
        ledger::relay::run(stage.pool.clone(), stage.client("ledger"), tail, 1, CancellationToken::new());
    // Dropped anywhere, as by a kill.
    stage.rt.spawn(stop.clone().run_until_cancelled_owned(relay));
    stop
}

#[test]
fn relays_that_come_and_go_beside_each_other_publish_everything_once() {
    let mut world = World::new();
    let mut chance = dice::Dice::new("relays_that_come_and_go_beside_each_other");
    for round in 0..dice::rounds(5) {
        let end = Instant::now() + Duration::from_millis(300) + chance.up_to(Duration::from_millis(700));
        let mut relays = Vec::new();
        while Instant::now() < end {
            relays.push(second_relay(&world.stage));
            std::thread::sleep(chance.up_to(Duration::from_millis(150)));
            if chance.below(2) == 0 {
                relays.swap_remove(usize::try_from(chance.below(relays.len() as u64)).unwrap()).cancel();
            }
        }
        // Sometimes with the stream pulled away from under all of them.
        if round % 4 == 3 {
            let context = world.stage.rt.block_on(async { jetstream::new(world.nats.clone()) });
            world.stage.rt.block_on(context.delete_stream(EVT_STREAM)).unwrap();
        }
        world.heals();
        relays.iter().for_each(CancellationToken::cancel);
    }
    world.finish("rounds of several relays");
}
