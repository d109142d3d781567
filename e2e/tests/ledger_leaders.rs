//! Two ledgers: one leads, one stands by. The leader is stopped, woken, killed: no fork, no false
//! reply, and the other takes over.

use std::time::{Duration, Instant};

use e2e::crowd::Crowd;
use e2e::deeds::{Deeds, rubles};
use e2e::leaders::{
    assert_true, epoch, lead_and_stand_by, leads, other, take_over, two_ledgers, with_a_reservation,
};
use e2e::{Role, Stage, dice, judge};
use proto_events::catalog::Catalog;
use proto_events::commands::{Command, GenerationRequest, TopupOpen};
use proto_events::envelope::AccountRef;
use proto_events::events::GenerationKind;
use proto_events::{CommandEnvelope, Producer, Rail, Reply, subjects};
use serde_json::json;
use xtask::machine::Signal;

const LINES: usize = 3;
/// In a full run.
const STOPPED_LONG: Duration = Duration::from_secs(20);
/// The server cuts a client that stands still off after about 6 s.
const STOPPED_LONGER_THAN_NATS_WAITS: Duration = Duration::from_secs(9);

#[test]
fn a_stopped_leader_is_replaced_and_wakes_up_as_a_standby() {
    let mut stage = two_ledgers();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    let crowd = Crowd::start(&stage, &deeds, LINES, 1);
    let mut leader = Role::Ledger;
    // Short stops: it wakes with its connections to NATS and Postgres still there. The long one is last.
    let mut stops = vec![Duration::from_millis(3_000), Duration::from_millis(4_500)];
    let rounds = dice::rounds(2).max(2);
    stops.resize(rounds, Duration::from_millis(3_500));
    stops.push(if rounds > 2 { STOPPED_LONG } else { STOPPED_LONGER_THAN_NATS_WAITS });
    for stop in stops {
        std::thread::sleep(Duration::from_millis(700));
        let stopped = Instant::now();
        stage.signal(leader, Signal::SIGSTOP);
        take_over(&stage, &deeds.witness, stopped, &format!("SIGSTOP for {stop:?}"));
        std::thread::sleep(stop.saturating_sub(stopped.elapsed()));
        stage.signal(leader, Signal::SIGCONT);
        let longest = deeds.witness.longest_after(stopped).unwrap();
        println!("    the longest that a command waited: {:.2} s", longest.as_secs_f64());
        leader = other(leader);
        let woken = other(leader);
        stage.until("the woken one to stand by", || {
            (leads(&stage, leader) && stage.http_ok(woken) && !leads(&stage, woken)).then_some(())
        });
    }
    std::thread::sleep(Duration::from_millis(500));
    let killed = Instant::now();
    stage.kill9(leader);
    take_over(&stage, &deeds.witness, killed, "kill -9, taken over by the one that was woken");
    let crossed = crowd.finish(&stage);
    println!("{} people went the whole way, {} said hello", crossed.whole.len(), crossed.opened.len());
    assert_true(&stage, &deeds);
    judge::assert_at_rest(&stage, &nats);
    judge::assert_whole_ways(&stage, &crossed.whole);
}

/// A command whose answer is read from an inbox that stays, so that a late one is heard too.
async fn send_raw(
    client: &async_nats::Client,
    inbox: &str,
    id: &str,
    user: i64,
    command: impl Into<Command>,
) {
    let command = command.into();
    let envelope = CommandEnvelope {
        id: e2e::deeds::id(id),
        account: AccountRef::Telegram(user),
        actor: None,
        approval: None,
        causation: None,
        trace_id: None,
        ask: None,
        body: command.body().unwrap(),
    };
    let subject = subjects::command(Producer::Telegram, command.verb());
    let body = serde_json::to_vec(&envelope).unwrap();
    client.publish_with_reply(subject, inbox.to_owned(), body.into()).await.unwrap();
    client.flush().await.unwrap();
}

fn context() -> proto_events::commands::ChatContext {
    proto_events::commands::ChatContext { chat: 1, message: 1, status_message: None }
}

fn picture() -> GenerationRequest {
    GenerationRequest::new(GenerationKind::Picture, e2e::deeds::text("a leaf"), context())
}

fn topup() -> TopupOpen {
    TopupOpen {
        package: e2e::deeds::text("rub-100"),
        rail: Rail::Yookassa,
        context: context(),
        method: None,
        email: None,
    }
}

/// What the woken leader is asked, alone: in one batch with the other, its fence would hide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// By the old state it has to be refused (5 credits); by the new one it is accepted (105).
    Refuses,
    /// By the old state it is accepted; its place in the log is taken.
    Accepts,
    /// The same, but nothing was written meanwhile: only the epoch tells.
    AcceptsWithoutChanges,
}

/// The old leader is the only one who gets the commands, wakes up with a state that is no longer
/// true, and must neither refuse nor accept on its ground. Answers what it said: nothing, if it
/// found itself replaced before it looked at them.
fn woken_with_old_state(test: Woken) -> Vec<Reply> {
    let mut stage = Stage::new().unwrap();
    // Credits are held so shortly that their release falls into the successor's time.
    let mut catalog = serde_json::to_value(Catalog::default_catalog().unwrap()).unwrap();
    if test == Woken::Accepts {
        catalog["limits"]["reservation_ms"] = json!(2_500);
    }
    let file = stage.dir().join("catalog.json");
    std::fs::write(&file, catalog.to_string()).unwrap();
    lead_and_stand_by(&mut stage, &[("CATALOG_FILE", file.to_str().unwrap())]);
    let (deeds, nats) = (Deeds::new(&stage), stage.client("telegram"));
    let payment = stage.rt.block_on(async {
        deeds.start(1).await.unwrap();
        deeds.topup(1, "a").await.unwrap()
    });
    if test == Woken::Accepts {
        stage.rt.block_on(async {
            deeds.settle(payment, rubles(100)).await.unwrap();
            deeds.request(1, 1).await.unwrap();
        });
    }
    let before = epoch(&stage);
    stage.signal(Role::Ledger, Signal::SIGSTOP);
    stage.until("the other to take over", || leads(&stage, Role::Standby).then_some(()));
    assert_eq!(epoch(&stage), before + 1);
    match test {
        Woken::Refuses => {
            stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap();
        }
        // The woken one must not hear of the change by a command, or it would look at that first.
        Woken::Accepts => stage.until("the successor to write", || {
            let log = stage.rt.block_on(Stage::log(&stage.pool));
            log.iter().any(|r| r.event_type == "ReservationExpired").then_some(())
        }),
        Woken::AcceptsWithoutChanges => {}
    }
    stage.signal(Role::Standby, Signal::SIGSTOP);
    let inbox = "_INBOX_telegram.kept".to_owned();
    let mut answers = stage.rt.block_on(async {
        let answers = nats.subscribe(inbox.clone()).await.unwrap();
        match test {
            Woken::Refuses => send_raw(&nats, &inbox, "msg:1:1:2", 1, picture()).await,
            _ => send_raw(&nats, &inbox, "topup:1:b", 1, topup()).await,
        }
        answers
    });
    let events = stage.rt.block_on(Stage::log(&stage.pool)).len();
    stage.signal(Role::Ledger, Signal::SIGCONT);
    // It steps down, and as the other one is stopped, leads again: with the state that is true.
    stage.until("the woken one to lead anew", || {
        (epoch(&stage) == before + 2 && leads(&stage, Role::Ledger)).then_some(())
    });
    let first = async {
        let mut said = Vec::new();
        while let Ok(Some(message)) =
            tokio::time::timeout(Duration::from_millis(300), futures_util::StreamExt::next(&mut answers))
                .await
        {
            said.push(serde_json::from_slice::<Reply>(&message.payload).unwrap());
        }
        said
    };
    let said = stage.rt.block_on(first);
    println!("{test:?}: the woken leader said {said:?}");
    for reply in &said {
        let harmless = matches!(reply, Reply::Failed { .. } | Reply::Busy { .. });
        assert!(harmless, "an answer on the ground of an old state: {reply:?}");
    }
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    assert_eq!(log.len(), events, "the old leader wrote after it was replaced");
    // Asked again, the same commands get the true answer.
    stage.rt.block_on(deeds.topup(1, "b")).unwrap();
    let asked = stage.rt.block_on(deeds.request(1, 2));
    match asked {
        Ok(_) => assert_ne!(test, Woken::AcceptsWithoutChanges),
        Err(error) => {
            assert!(test == Woken::AcceptsWithoutChanges, "{error}");
            assert_eq!(error.code(), Some("insufficient_credits"));
        }
    }
    // Now the other one wakes up with an old state.
    stage.signal(Role::Standby, Signal::SIGCONT);
    stage.rt.block_on(deeds.whole_way(2)).unwrap();
    stage.until("the other to stand by", || (!leads(&stage, Role::Standby)).then_some(()));
    judge::assert_at_rest(&stage, &stage.client("ledger"));
    said
}

/// It is a race whether the woken one looks at the commands first or at the lease.
fn until_it_looks(test: Woken) {
    const TRIES: usize = 20;
    let looked = (0..TRIES).any(|_| !woken_with_old_state(test).is_empty());
    assert!(looked, "in {TRIES} tries it never looked at the command: nothing was tested");
}

#[test]
fn a_woken_leader_refuses_nothing_by_a_state_that_has_changed() {
    until_it_looks(Woken::Refuses);
}

#[test]
fn a_woken_leader_accepts_nothing_where_its_successor_wrote() {
    until_it_looks(Woken::Accepts);
}

#[test]
fn a_woken_leader_is_fenced_by_the_epoch_alone() {
    until_it_looks(Woken::AcceptsWithoutChanges);
}

#[test]
fn leaders_are_killed_in_turn() {
    let mut stage = two_ledgers();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    let mut chance = dice::Dice::new("leaders_are_killed_in_turn");
    let crowd = Crowd::start(&stage, &deeds, LINES, 1);
    let (mut leader, mut took) = (Role::Ledger, Vec::new());
    for round in 1..=dice::rounds(10) {
        std::thread::sleep(chance.up_to(Duration::from_millis(400)));
        let killed = Instant::now();
        stage.kill9(leader);
        took.push(take_over(&stage, &deeds.witness, killed, &format!("kill -9, round {round}")));
        stage.start(leader, &[]).unwrap();
        leader = other(leader);
    }
    let crossed = crowd.finish(&stage);
    took.sort();
    println!(
        "{} kills of the leader: take-over min {:.2} s, median {:.2} s, max {:.2} s; {} people",
        took.len(),
        took[0].as_secs_f64(),
        took[took.len() / 2].as_secs_f64(),
        took[took.len() - 1].as_secs_f64(),
        crossed.whole.len()
    );
    assert_true(&stage, &deeds);
    judge::assert_at_rest(&stage, &nats);
    judge::assert_whole_ways(&stage, &crossed.whole);
}

/// As a rolling upgrade leaves it: the next version's migration has changed a type that this one writes, and this one leads.
#[test]
fn a_leader_whose_database_a_newer_version_has_migrated_ends_and_says_why() {
    let (mut stage, deeds) = with_a_reservation(Duration::from_secs(600));
    let count = |stage: &Stage, table: &str| -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
    };
    let migrate = "BEGIN; ALTER TYPE side_job ADD ATTRIBUTE of_the_future text; INSERT INTO _sqlx_migrations \
        (version, description, success, checksum, execution_time) VALUES (9999, 'the future', true, '', 1); COMMIT";
    stage.sql(sqlx::raw_sql(migrate).execute(&stage.pool));
    // What the change does not touch goes on.
    stage.rt.block_on(deeds.start(2)).unwrap();
    assert!(leads(&stage, Role::Ledger));
    let before = count(&stage, "events");
    let refused = stage.rt.block_on(deeds.hasty(Duration::from_secs(6)).request(1, 2)).unwrap_err();
    assert_eq!(refused.code(), None, "its outcome is in doubt, and it can be sent again: {refused}");
    // The standby is of the same version, and took over.
    for role in [Role::Ledger, other(Role::Ledger)] {
        assert_eq!(stage.wait_ended(role), Some(2), "{role:?}");
        let said = std::fs::read_to_string(stage.log_path(role)).unwrap();
        assert!(said.contains("a newer ledger has migrated the database to version 9999"), "{said}");
    }
    assert_eq!((count(&stage, "events"), count(&stage, "jobs")), (before, 1), "a batch was written in part");
    // Whoever knows the database takes over.
    let go_back = "BEGIN; ALTER TYPE side_job DROP ATTRIBUTE of_the_future; \
        DELETE FROM _sqlx_migrations WHERE version = 9999; COMMIT";
    stage.sql(sqlx::raw_sql(go_back).execute(&stage.pool));
    stage.start(Role::Ledger, &[]).unwrap();
    stage.rt.block_on(deeds.request(1, 2)).unwrap();
    stage.assert_verified();
}
