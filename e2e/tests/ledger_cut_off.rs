//! The leader's way to Postgres goes dead without closing, at many moments of a transaction and in
//! either direction; backends are ended, commits reset: nothing acknowledged is lost, nothing is
//! there twice, nothing is refused that should not be, and somebody goes on within seconds.

use std::time::{Duration, Instant};

use e2e::crowd::Crowd;
use e2e::deeds::Deeds;
use e2e::leaders::{assert_true, epoch, lead_and_stand_by, leads, take_over, with_a_reservation};
use e2e::proxy::{Dead, Moment, Proxy, Reach};
use e2e::{Role, Stage, dice, judge};

const LINES: usize = 3;
/// Two batches are under way at once though little waits.
const OVERLAP: (&str, &str) = ("OVERLAP_FROM", "1");

/// Two ledgers; the leader's connections go through the proxy.
struct World {
    stage: Stage,
    proxy: Proxy,
    deeds: Deeds,
    crowd: Crowd,
    took: Vec<Duration>,
}

impl World {
    fn new(standby: bool) -> Self {
        let mut stage = Stage::new().unwrap();
        let port = stage.postgres.port();
        let proxy = stage.rt.block_on(Proxy::start(port)).unwrap();
        let url = proxy.url(&stage.database_url(), port);
        assert_ne!(url, stage.database_url());
        if standby {
            lead_and_stand_by(&mut stage, &[("DATABASE_URL", &url), OVERLAP]);
        } else {
            stage.start(Role::Ledger, &[("DATABASE_URL", &url), OVERLAP]).unwrap();
        }
        let deeds = Deeds::new(&stage);
        let crowd = Crowd::start(&stage, &deeds, LINES, 1);
        Self { stage, proxy, deeds, crowd, took: Vec::new() }
    }

    /// Plays a moment, and waits until commands are answered again.
    fn play(&mut self, moment: Moment) {
        let (at, dead, reach) = (moment.message, moment.dead, moment.reach);
        let place = at.map_or("COMMIT".to_owned(), |n| format!("message {n}"));
        let side = if moment.before { "before" } else { "after" };
        let came = self.proxy.came();
        self.proxy.at(moment);
        // An append has no message with this number if it writes little: then the moment is now.
        let end = Instant::now() + Duration::from_secs(5);
        while self.proxy.came() == came && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        if self.proxy.came() == came {
            self.proxy.cut(dead, if reach == Reach::One { Reach::Existing } else { reach });
        }
        let cut = Instant::now();
        let what = format!("{dead:?} dead for {reach:?}, {side} {place}");
        self.took.push(take_over(&self.stage, &self.deeds.witness, cut, &what));
        let longest = self.deeds.witness.longest_after(cut).unwrap_or_default();
        println!("    the longest that a command waited: {:.2} s", longest.as_secs_f64());
    }

    /// Heals the way, and brings the lead back to the one behind the proxy.
    fn heal(&mut self) {
        self.proxy.heal();
        let stage = &mut self.stage;
        stage.until("one leader", || {
            (leads(stage, Role::Ledger) != leads(stage, Role::Standby)).then_some(())
        });
        if leads(stage, Role::Standby) {
            let killed = Instant::now();
            stage.kill9(Role::Standby);
            let what = "the other killed, taken over by the one that was cut off";
            self.took.push(take_over(stage, &self.deeds.witness, killed, what));
            stage.start(Role::Standby, &[]).unwrap();
        }
        stage.until("the lead to be back", || leads(stage, Role::Ledger).then_some(()));
    }

    fn finish(mut self) {
        let crossed = self.crowd.finish(&self.stage);
        self.took.sort();
        println!(
            "{} take-overs: min {:.2} s, median {:.2} s, max {:.2} s; {} people, epoch {}",
            self.took.len(),
            self.took[0].as_secs_f64(),
            self.took[self.took.len() / 2].as_secs_f64(),
            self.took[self.took.len() - 1].as_secs_f64(),
            crossed.whole.len(),
            epoch(&self.stage),
        );
        assert_true(&self.stage, &self.deeds);
        judge::assert_at_rest(&self.stage, &self.stage.client("ledger"));
        judge::assert_whole_ways(&self.stage, &crossed.whole);
    }
}

/// Moments in turn: the rows, the head, the COMMIT; before and after; each direction.
fn moment(round: usize, reach: Reach) -> Moment {
    let places = [
        (None, false, Dead::ToClient),
        (None, true, Dead::Both),
        (Some(0), false, Dead::Both),
        (None, false, Dead::Both),
        (Some(1), true, Dead::ToServer),
        (Some(0), false, Dead::ToClient),
        (None, true, Dead::ToServer),
        (Some(2), false, Dead::Both),
        (Some(0), true, Dead::ToServer),
        (Some(3), false, Dead::ToClient),
    ];
    let (message, before, dead) = places[round % places.len()];
    let appends = u32::try_from(20 + 7 * round).unwrap();
    Moment { appends, message, before, dead, reach }
}

#[test]
fn a_leader_cut_off_from_postgres_is_replaced_and_stands_by_again() {
    let mut world = World::new(true);
    for round in 0..dice::rounds(6) {
        let before = epoch(&world.stage);
        world.play(moment(round, Reach::All));
        assert!(epoch(&world.stage) > before, "nobody took over");
        world.heal();
    }
    world.finish();
}

#[test]
fn connections_that_die_silently_are_replaced() {
    let mut world = World::new(true);
    for round in 0..dice::rounds(6) {
        let reach = if round % 2 == 0 { Reach::One } else { Reach::Existing };
        world.play(moment(round, reach));
        world.heal();
    }
    world.finish();
}

#[test]
fn a_commit_in_doubt_is_found_out() {
    let mut world = World::new(false);
    for round in 0..dice::rounds(20) {
        let reach = if round % 4 < 3 { Reach::One } else { Reach::Existing };
        let before = round % 2 == 0;
        let appends = u32::try_from(3 + round % 7).unwrap();
        world.play(Moment { appends, message: None, before, dead: Dead::Reset, reach });
    }
    assert!(world.stage.is_running(Role::Ledger));
    // A doubt is resolved by raising the epoch; the lead stays.
    let log = std::fs::read_to_string(world.stage.log_path(Role::Ledger)).unwrap();
    assert_eq!(log.matches("stepping down").count(), 0, "the lead was lost over a doubt");
    println!("{} commits were in doubt", log.matches("outcome is in doubt").count());
    world.finish();
}

#[test]
fn a_leader_cut_off_from_nats_lets_the_other_lead() {
    let mut stage = Stage::new().unwrap();
    let port = stage.nats.url().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = stage.rt.block_on(Proxy::start(port)).unwrap();
    let url = format!("nats://127.0.0.1:{}", proxy.port());
    lead_and_stand_by(&mut stage, &[("NATS_URL", &url)]);
    let deeds = Deeds::new(&stage);
    let crowd = Crowd::start(&stage, &deeds, LINES, 1);
    for dead in [Dead::Both, Dead::ToClient, Dead::ToServer, Dead::Reset] {
        let reach = Reach::All;
        std::thread::sleep(Duration::from_millis(500));
        let cut = Instant::now();
        proxy.cut(dead, reach);
        take_over(&stage, &deeds.witness, cut, &format!("NATS: {dead:?} for {reach:?}"));
        proxy.heal();
        stage.until("the other to lead", || {
            (leads(&stage, Role::Standby) && !leads(&stage, Role::Ledger)).then_some(())
        });
        // It hears again, and leads when it is its turn.
        stage.until("the one that was cut off to be ready", || stage.http_ok(Role::Ledger).then_some(()));
        let killed = Instant::now();
        stage.kill9(Role::Standby);
        take_over(&stage, &deeds.witness, killed, "the other killed");
        stage.start(Role::Standby, &[]).unwrap();
    }
    let crossed = crowd.finish(&stage);
    assert_true(&stage, &deeds);
    judge::assert_at_rest(&stage, &stage.client("ledger"));
    judge::assert_whole_ways(&stage, &crossed.whole);
}

#[test]
fn deadlines_are_kept_with_nats_down() {
    const HELD: Duration = Duration::from_secs(2);
    let (mut stage, deeds) = with_a_reservation(HELD);
    let asked = Instant::now();
    stage.nats.kill9();
    stage.until("the reservation to expire", || {
        let log = stage.rt.block_on(Stage::log(&stage.pool));
        log.iter().any(|r| r.event_type == "ReservationExpired").then_some(())
    });
    let late = asked.elapsed().saturating_sub(HELD);
    println!("with NATS down, expired {:.2} s after the deadline", late.as_secs_f64());
    assert!(late < Duration::from_secs(5), "{late:?}");
    stage.nats.restart().unwrap();
    stage.rt.block_on(deeds.whole_way(2)).unwrap();
    judge::assert_at_rest(&stage, &stage.client("ledger"));
}

#[test]
fn backends_are_ended_at_random_moments() {
    let mut stage = Stage::with_ledger().unwrap();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    let mut chance = dice::Dice::new("backends_are_ended_at_random_moments");
    let crowd = Crowd::start(&stage, &deeds, LINES, 1);
    let mut ended = 0;
    for round in 0..dice::rounds(30) {
        std::thread::sleep(chance.up_to(Duration::from_millis(300)));
        // All, or only those in the middle of a transaction.
        let which = if round % 3 == 0 { "true" } else { "state <> 'idle' OR xact_start IS NOT NULL" };
        let sql = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE application_name = 'plantain-ledger' AND ({which})"
        );
        let now = Instant::now();
        ended += stage
            .rt
            .block_on(sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql)).fetch_one(&stage.pool))
            .unwrap();
        stage.until("a command to be answered again", || deeds.witness.first_done_after(now));
    }
    assert!(stage.is_running(Role::Ledger));
    let crossed = crowd.finish(&stage);
    println!("{ended} backends ended, {} people went the whole way", crossed.whole.len());
    assert!(ended > 0);
    assert_true(&stage, &deeds);
    judge::assert_at_rest(&stage, &nats);
    judge::assert_whole_ways(&stage, &crossed.whole);
}
