//! Postgres at its worst, under load: its disk is full, it dies and comes back, backends are ended or
//! killed in the middle of their COMMIT. No reply may be untrue, and the ledger goes on by itself.

use std::process::Command;
use std::time::{Duration, Instant};

use e2e::crowd::Crowd;
use e2e::deeds::Deeds;
use e2e::dice::Dice;
use e2e::disk::Disk;
use e2e::leaders::assert_true;
use e2e::rivals::Rivals;
use e2e::{Role, Stage, dice, judge};
use sqlx::{Executor as _, PgPool, Row as _};
use xtask::machine::{Postgres, Stop};

const LINES: usize = 2;
/// Where rivals are numbered from.
const RIVALS: i64 = 1_000_000;
/// Each COMMIT takes this long, so that one can be hit in the middle of it.
const SLOW_COMMITS: [(&str, &str); 3] =
    [("commit_delay", "15000"), ("commit_siblings", "0"), ("max_connections", "200")];

struct World {
    stage: Stage,
    deeds: Deeds,
    crowd: Crowd,
    rivals: Rivals,
    took: Vec<Duration>,
}

impl World {
    fn on(postgres: Postgres) -> Self {
        let mut stage = Stage::on(postgres).unwrap();
        stage.start(Role::Ledger, &[]).unwrap();
        let deeds = Deeds::new(&stage);
        let crowd = Crowd::start(&stage, &deeds, LINES, 1);
        let rivals = Rivals::start(&stage, &deeds, RIVALS);
        Self { stage, deeds, crowd, rivals, took: Vec::new() }
    }

    /// Waits until a command that was sent after `since` is committed.
    fn recovers(&mut self, since: Instant) -> Duration {
        let first = || self.deeds.witness.first_done_after(since);
        let took = self.stage.until("a command to be answered again", first);
        self.took.push(took);
        took
    }

    fn finish(mut self, what: &str) {
        assert!(self.stage.is_running(Role::Ledger), "the ledger died of it");
        let tally = self.rivals.finish(&self.stage);
        let crossed = self.crowd.finish(&self.stage);
        judge::print_times(what, &mut self.took);
        println!("    {} people went the whole way; {tally:?}", crossed.whole.len());
        assert_true(&self.stage, &self.deeds);
        judge::assert_at_rest(&self.stage, &self.stage.client("ledger"));
        judge::assert_whole_ways(&self.stage, &crossed.whole);
    }
}

#[test]
fn postgres_dies_under_load_and_comes_back() {
    let mut world = World::on(Postgres::start_temporary().unwrap());
    let mut chance = dice::Dice::new("postgres_dies_under_load_and_comes_back");
    let rounds = dice::rounds(3);
    for round in 0..rounds {
        std::thread::sleep(Duration::from_millis(200) + chance.up_to(Duration::from_millis(600)));
        let how = if round % 2 == 0 { Stop::Immediate } else { Stop::Kill };
        world.stage.postgres.stop(how).unwrap();
        // Now and then it is away for longer than a lease.
        let away = if round % 3 == 2 { Duration::from_secs(5) } else { chance.up_to(Duration::from_secs(1)) };
        std::thread::sleep(away);
        world.stage.postgres.restart().unwrap();
        let took = world.recovers(Instant::now());
        println!(
            "{how:?}, away {:.1} s: going on {:.2} s after it is back",
            away.as_secs_f64(),
            took.as_secs_f64()
        );
    }
    world.finish(&format!("{rounds} deaths of Postgres: commands committed again after"));
}

/// Waits for backends of the ledger in their COMMIT, or in the statement that ends with one, and does `hit` to
/// them: an aggregate in SQL; answers what comes out.
fn hit_in_commit(stage: &Stage, hit: &str) -> i64 {
    let sql = format!(
        "SELECT coalesce({hit}, 0)::bigint FROM pg_stat_activity \
         WHERE application_name = 'plantain-ledger' AND state = 'active' AND query ~* 'commit|log_append'"
    );
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        let asked = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql.as_str())).fetch_one(&stage.pool);
        match stage.rt.block_on(asked) {
            Ok(0) | Err(_) => std::thread::sleep(Duration::from_millis(1)),
            Ok(hits) => return hits,
        }
    }
    panic!("no COMMIT was seen for 20 s");
}

#[test]
fn backends_are_ended_in_their_commit() {
    let mut world = World::on(Postgres::start_temporary_with(&SLOW_COMMITS).unwrap());
    let mut chance = dice::Dice::new("backends_are_ended_in_their_commit");
    let rounds = dice::rounds(6);
    let mut ended = 0;
    for _ in 0..rounds {
        std::thread::sleep(chance.up_to(Duration::from_millis(200)));
        ended += hit_in_commit(&world.stage, "sum(pg_terminate_backend(pid)::int)");
        world.recovers(Instant::now());
    }
    let doubts = said_of_doubt(&world.stage);
    println!("{ended} backends ended in their COMMIT; {doubts} commits in doubt");
    world.finish("    commands committed again after");
}

#[test]
fn backends_are_killed_in_their_commit() {
    let mut world = World::on(Postgres::start_temporary_with(&SLOW_COMMITS).unwrap());
    let mut chance = dice::Dice::new("backends_are_killed_in_their_commit");
    let rounds = dice::rounds(2);
    for _ in 0..rounds {
        std::thread::sleep(Duration::from_millis(200) + chance.up_to(Duration::from_millis(400)));
        // As kill -9 of one backend: Postgres throws all others out and replays its log.
        // One may have ended since it was seen.
        world.stage.until("a backend to be killed", || {
            let pid = hit_in_commit(&world.stage, "max(pid)").to_string();
            Command::new("kill").args(["-9", &pid]).status().unwrap().success().then_some(())
        });
        world.recovers(Instant::now());
    }
    let doubts = said_of_doubt(&world.stage);
    println!("{rounds} backends killed in their COMMIT; {doubts} commits in doubt");
    world.finish("    commands committed again after");
}

/// How many commits the ledger did not know the outcome of.
fn said_of_doubt(stage: &Stage) -> usize {
    let log = std::fs::read_to_string(stage.log_path(Role::Ledger)).unwrap();
    log.lines().filter(|line| line.contains("in doubt")).count()
}

#[test]
fn a_full_disk_stops_the_ledger_without_a_lie_and_room_lets_it_go_on() {
    let logs =
        xtask::machine::Scratch::reachable("disk-logs", xtask::machine::postgres::unprivileged().unwrap());
    let logs = logs.unwrap();
    let Some(disk) = Disk::mount(320).unwrap() else {
        println!("NOT RUN: this user may not mount a small file system");
        return;
    };
    let settings = [
        ("min_wal_size", "32MB"),
        ("max_wal_size", "48MB"),
        ("wal_recycle", "off"),
        ("max_connections", "200"),
    ];
    let mut world = World::on(disk.postgres(logs.path(), &settings).unwrap());
    let mut chance = dice::Dice::new("a_full_disk");
    for round in 0..dice::rounds(2) {
        std::thread::sleep(Duration::from_millis(500) + chance.up_to(Duration::from_millis(500)));
        let filled = disk.fill().unwrap();
        let since = Instant::now();
        // Rows still fit into pages that are there; a new segment of the log does not.
        if round % 2 == 1 {
            let switched = sqlx::query("SELECT pg_switch_wal()").execute(&world.stage.pool);
            let _ = world.stage.rt.block_on(switched);
        }
        world.stage.until("commands to fail", || {
            let quiet = world.deeds.witness.quiet_for();
            (quiet > Duration::from_secs(2) && since.elapsed() > Duration::from_secs(2)).then_some(())
        });
        std::thread::sleep(chance.up_to(Duration::from_secs(2)));
        disk.free().unwrap();
        let freed = Instant::now();
        // Without room for its own log Postgres ends; whoever looks after it starts it again.
        let died = !world.stage.postgres.process().is_some_and(xtask::machine::Process::is_running);
        if died {
            world.stage.postgres.restart().unwrap();
        }
        let took = world.recovers(freed);
        println!(
            "{filled} kB of ballast, full for {:.1} s, Postgres {}: going on {:.2} s after there is room",
            freed.duration_since(since).as_secs_f64(),
            if died { "died of it" } else { "lived" },
            took.as_secs_f64()
        );
    }
    let complaints = std::fs::read_to_string(logs.path().join("postgres.log")).unwrap();
    let refused = complaints.lines().filter(|line| line.contains("No space left on device")).count();
    println!("Postgres complained {refused} times");
    assert!(refused > 0, "the disk was never full");
    world.finish("a full disk: commands committed again after");
}

/// A connection that goes back to the pool in the middle of something does the next one's work in a transaction that nobody
/// commits, or answers another question.
#[test]
fn who_is_cut_off_leaves_nobody_in_the_middle_of_something() {
    let stage = Stage::new().unwrap();
    let mut dice = Dice::new("cut off in the middle");
    stage.rt.block_on(async {
        let pool = ledger::store::connect_serving(&stage.database_url(), 1).await.unwrap();
        let (mut cut, mut done) = (0, 0);
        for n in 0..300_i64 {
            // Every other one comes to its end, so that the next finds a connection.
            let patience = if n % 2 == 0 { u64::MAX } else { 1 << dice.below(14) };
            let impatient = async {
                for _ in 0..patience {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                () = copies(&pool) => done += 1,
                () = impatient => cut += 1,
            }
            let asked = format!("SELECT now() = statement_timestamp(), {n}::bigint");
            let answer = sqlx::raw_sql(sqlx::AssertSqlSafe(asked)).fetch_one(&pool).await.unwrap();
            let answer: (bool, i64) = (answer.get(0), answer.get(1));
            assert_eq!(answer, (true, n), "after {cut} that were cut off");
        }
        println!("{cut} cut off, {done} not");
        assert!(cut > 20 && done > 20, "{cut} cut off, {done} not");
    });
}

/// What a projection does.
async fn copies(pool: &PgPool) {
    let mut tx = ledger::store::begin(pool).await.unwrap();
    tx.execute("CREATE TEMP TABLE numbers (n bigint) ON COMMIT DROP").await.unwrap();
    let mut copy = tx.copy_in_raw("COPY numbers FROM STDIN").await.unwrap();
    copy.send(&b"1\n2\n"[..]).await.unwrap();
    copy.finish().await.unwrap();
    tx.commit().await.unwrap();
}
