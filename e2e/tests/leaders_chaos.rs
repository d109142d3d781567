//! Two ledgers under load. Again and again the one that leads is killed, stopped and woken, or cut
//! off from Postgres or NATS: every acknowledged command is in the log once, no answer was untrue,
//! and the other goes on within seconds.

use std::time::{Duration, Instant};

use e2e::crowd::Crowd;
use e2e::deeds::Deeds;
use e2e::leaders::{assert_true, epoch, leads, other, take_over};
use e2e::proxy::{Dead, Proxy, Reach};
use e2e::rivals::Rivals;
use e2e::{Role, Stage, dice, judge};
use xtask::machine::Signal;

const LINES: usize = 2;
/// Where rivals are numbered from.
const RIVALS: i64 = 1_000_000;
/// How long a leader is stopped: in a full run as long as the aim says.
const STOPPED: Duration = Duration::from_secs(20);
const STOPPED_SHORTLY: Duration = Duration::from_secs(4);
/// Rounds from which on a run is a full one.
const FULL: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Killed,
    Stopped,
    CutOffFromPostgres,
    CutOffFromNats,
}

const FAULTS: [Fault; 4] = [Fault::Killed, Fault::Stopped, Fault::CutOffFromPostgres, Fault::CutOffFromNats];

/// Each ledger has ways of its own to Postgres and NATS.
struct Ways {
    postgres: Proxy,
    nats: Proxy,
}

impl Ways {
    fn new(stage: &Stage) -> Self {
        let nats = stage.nats.url().rsplit(':').next().unwrap().parse().unwrap();
        let start = |port| stage.rt.block_on(Proxy::start(port)).unwrap();
        Self { postgres: start(stage.postgres.port()), nats: start(nats) }
    }

    fn start(&self, stage: &mut Stage, role: Role) {
        let database = self.postgres.url(&stage.database_url(), stage.postgres.port());
        let nats = format!("nats://127.0.0.1:{}", self.nats.port());
        stage.start(role, &[("DATABASE_URL", &database), ("NATS_URL", &nats)]).unwrap();
    }
}

#[test]
fn the_leader_is_killed_stopped_or_cut_off_again_and_again() {
    let mut stage = Stage::new().unwrap();
    let ways = [Ways::new(&stage), Ways::new(&stage)];
    let way = |role: Role| &ways[usize::from(role == Role::Standby)];
    way(Role::Ledger).start(&mut stage, Role::Ledger);
    stage.until("a leader", || leads(&stage, Role::Ledger).then_some(()));
    way(Role::Standby).start(&mut stage, Role::Standby);
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    let mut chance = dice::Dice::new("the_leader_is_killed_stopped_or_cut_off_again_and_again");
    let crowd = Crowd::start(&stage, &deeds, LINES, 1);
    let rivals = Rivals::start(&stage, &deeds, RIVALS);
    let rounds = dice::rounds(FAULTS.len());
    let stopped = if rounds >= FULL { STOPPED } else { STOPPED_SHORTLY };
    let mut took = Vec::new();
    for round in 0..rounds {
        std::thread::sleep(Duration::from_millis(300) + chance.up_to(Duration::from_millis(700)));
        let leader =
            stage.until("one leader", || match [Role::Ledger, Role::Standby].map(|r| leads(&stage, r)) {
                [true, false] => Some(Role::Ledger),
                [false, true] => Some(Role::Standby),
                _ => None,
            });
        let (fault, before) = (FAULTS[round % FAULTS.len()], epoch(&stage));
        let dead = [Dead::Both, Dead::ToServer, Dead::ToClient][usize::try_from(chance.below(3)).unwrap()];
        let since = Instant::now();
        match fault {
            Fault::Killed => stage.kill9(leader),
            Fault::Stopped => stage.signal(leader, Signal::SIGSTOP),
            Fault::CutOffFromPostgres => way(leader).postgres.cut(dead, Reach::All),
            Fault::CutOffFromNats => way(leader).nats.cut(dead, Reach::All),
        }
        // A leader that is cut off from one side only may still finish what it has.
        stage.until("the epoch to be raised", || (epoch(&stage) > before).then_some(()));
        let what = format!("{:2}. {leader:?} {fault:?} ({dead:?})", round + 1);
        took.push(take_over(&stage, &deeds.witness, since, &what));
        match fault {
            Fault::Killed => way(leader).start(&mut stage, leader),
            Fault::Stopped => {
                std::thread::sleep(stopped.saturating_sub(since.elapsed()));
                stage.signal(leader, Signal::SIGCONT);
            }
            Fault::CutOffFromPostgres => way(leader).postgres.heal(),
            Fault::CutOffFromNats => way(leader).nats.heal(),
        }
        stage.until("the old leader to stand by", || {
            let back = leads(&stage, other(leader)) && stage.http_ok(leader) && !leads(&stage, leader);
            back.then_some(())
        });
    }
    let tally = rivals.finish(&stage);
    let crossed = crowd.finish(&stage);
    judge::print_times(&format!("{rounds} take-overs: new commands committed after"), &mut took);
    println!(
        "{} people went the whole way, {} said hello; {} answers heard; {tally:?}",
        crossed.whole.len(),
        crossed.opened.len(),
        deeds.witness.answers().len(),
    );
    assert!(tally.refused > 0, "nobody was refused: nothing was tested");
    assert_true(&stage, &deeds);
    judge::assert_at_rest(&stage, &nats);
    judge::assert_whole_ways(&stage, &crossed.whole);
}
