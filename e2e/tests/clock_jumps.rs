//! Postgres' clock jumps by an hour: nothing expires before somebody could look at it, whoever leads,
//! and a lease that was given before a jump back keeps nobody from taking over.

use std::time::{Duration, Instant};

use e2e::deeds::{Deeds, envelope, id};
use e2e::leaders::{assert_true, epoch, leads, other, take_over, with_a_reservation};
use e2e::raw::{Raw, of, person};
use e2e::{Role, Stage, dice, judge};
use proto_events::commands::GenerationAttempt;
use proto_events::envelope::AccountRef;
use proto_events::events::{Spent, Trouble};
use proto_events::queries::{AccountQuery, BalanceView, ClaimedJob, OpenJob};
use proto_events::{AccountId, Attempt, GenerationId, Position, Producer};
use serde_json::json;

const HOUR_US: i64 = 3_600_000_000;
/// Longer than this test takes, far shorter than an hour.
const HELD: Duration = Duration::from_secs(600);
/// The timer looks every 500 ms, a new leader's first after 1 s.
const LOOKS: Duration = Duration::from_secs(3);
/// For how long nothing expires after a jump.
const PAUSE: Duration = Duration::from_secs(60);

/// Two ledgers, one reservation of person 1 that nobody claims, and one lot of theirs that ends with it.
fn held(reservation: Duration) -> (Stage, Deeds) {
    let (stage, deeds) = with_a_reservation(reservation);
    let now: i64 = stage.rt.block_on(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool)).unwrap();
    let ends = now + i64::try_from(reservation.as_micros()).unwrap();
    let body = json!({"credits": 1, "source": "promo", "reason": "r", "expires_at": ends});
    Raw::new(&stage).operator("credits_grant", "grant:1", person(1), body);
    (stage, deeds)
}

/// From now on every reading of Postgres' clock is off by so much.
fn jump(stage: &Stage, off_us: i64) {
    let sql = format!(
        "CREATE OR REPLACE FUNCTION now_us() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE \
         RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + {off_us}"
    );
    stage.rt.block_on(sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&stage.pool)).unwrap();
}

fn expired(stage: &Stage) -> usize {
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    log.iter().filter(|r| ["ReservationExpired", "CreditsExpired"].contains(&r.event_type.as_str())).count()
}

fn leader(stage: &Stage) -> Role {
    stage.until("one leader", || [Role::Ledger, Role::Standby].into_iter().find(|role| leads(stage, *role)))
}

fn assert_nothing_expires(stage: &Stage, deeds: &Deeds, person: i64) {
    let end = Instant::now() + LOOKS;
    stage.rt.block_on(deeds.whole_way(person)).unwrap();
    while Instant::now() < end {
        assert_eq!(expired(stage), 0, "expired by a clock that had jumped");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(expired(stage), 0, "expired by a clock that had jumped");
}

#[test]
fn a_jump_ahead_expires_nothing_through_take_overs() {
    let (mut stage, deeds) = held(HELD);
    for round in 0..dice::rounds(1).min(5) {
        let person = 10 * (i64::try_from(round).unwrap() + 1);
        jump(&stage, HOUR_US * (i64::try_from(round).unwrap() + 1));
        assert_nothing_expires(&stage, &deeds, person);
        // The next one has never seen the clock as it was.
        let (old, before) = (leader(&stage), epoch(&stage));
        let killed = Instant::now();
        stage.kill9(old);
        take_over(&stage, &deeds_of(&stage, &deeds, person + 1), killed, "killed after a jump ahead");
        assert!(epoch(&stage) > before);
        assert_nothing_expires(&stage, &deeds, person + 2);
        stage.start(old, &[]).unwrap();
    }
    // Nobody ran when it jumped.
    for role in [Role::Standby, Role::Ledger] {
        stage.kill9(role);
    }
    jump(&stage, 9 * HOUR_US);
    stage.start(Role::Ledger, &[]).unwrap();
    assert_nothing_expires(&stage, &deeds, 5);
    let jumps = stage.metric(Role::Ledger, "ledger_clock_jumps_total");
    assert!(jumps.is_some_and(|n| n >= 1.0), "nobody was told: {jumps:?}");
    // Put right, it stays as it was.
    jump(&stage, 0);
    assert_nothing_expires(&stage, &deeds, 6);
    assert_true(&stage, &deeds);
    judge::assert_at_rest(&stage, &stage.client("ledger"));
}

/// Lets somebody knock, so that a take-over is heard of.
fn deeds_of(stage: &Stage, deeds: &Deeds, person: i64) -> e2e::witness::Witness {
    let deeds = deeds.clone();
    let witness = deeds.witness.clone();
    stage.rt.spawn(async move { deeds.start(person).await });
    witness
}

#[test]
fn a_jump_that_stays_expires_what_is_due_once_after_a_minute() {
    if dice::rounds(0) == 0 {
        println!("only in long runs (PLANTAIN_ROUNDS): it takes the minute");
        return;
    }
    let (stage, _deeds) = held(HELD);
    jump(&stage, HOUR_US);
    let since = Instant::now();
    let end = since + PAUSE + Duration::from_secs(20);
    while expired(&stage) < 2 {
        assert!(Instant::now() < end, "a deadline that is over by every clock is never acted on");
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("expired {:.1} s after the jump", since.elapsed().as_secs_f64());
    assert!(since.elapsed() > PAUSE - Duration::from_secs(2), "nobody had time to look");
    std::thread::sleep(LOOKS);
    assert_eq!(expired(&stage), 2);
    judge::assert_at_rest(&stage, &stage.client("ledger"));
}

#[test]
fn after_a_jump_back_somebody_takes_over_and_the_logs_time_does_not_go_back() {
    let (mut stage, deeds) = held(HELD);
    for round in 0..i64::try_from(dice::rounds(1)).unwrap().min(20) {
        // The leader is dead before it could renew its lease by the new clock.
        let old = leader(&stage);
        stage.signal(old, xtask::machine::Signal::SIGSTOP);
        jump(&stage, -HOUR_US * (round + 1));
        let killed = Instant::now();
        stage.kill9(old);
        let witness = deeds_of(&stage, &deeds, 100 + round);
        take_over(&stage, &witness, killed, "killed as the clock jumped back");
        assert_nothing_expires(&stage, &deeds, 200 + round);
        stage.start(old, &[]).unwrap();
        stage.until("it to stand by", || leads(&stage, other(old)).then_some(()));
    }
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    assert!(log.is_sorted_by_key(|row| row.recorded_at), "the log's time went back");
    assert_true(&stage, &deeds);
    judge::assert_at_rest(&stage, &stage.client("ledger"));
}

/// Person 3 has so many credits that end so many ms from now, in a picture that is under way; their account and it.
fn under_way(stage: &Stage, deeds: &Deeds, credits: i64, ends_in_ms: i64) -> (AccountId, GenerationId) {
    let account = stage.rt.block_on(deeds.start(3)).unwrap();
    let now: i64 = stage.rt.block_on(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool)).unwrap();
    let ends = now + ends_in_ms * 1_000;
    let body = json!({"credits": credits, "source": "promo", "reason": "r", "expires_at": ends});
    Raw::new(stage).operator("credits_grant", "grant:3", person(3), body);
    let generation = stage.rt.block_on(async {
        let generation = deeds.request(3, 1).await.unwrap();
        deeds.claim(generation, 1).await.unwrap();
        generation
    });
    (account, generation)
}

fn until_seen(stage: &Stage) {
    let jumps = |role| stage.metric(role, "ledger_clock_jumps_total").filter(|n| *n >= 1.0);
    // The lease has ended by the new clock: perhaps it is the other one's already.
    stage.until("the leader to see it", || jumps(Role::Ledger).or_else(|| jumps(Role::Standby)));
}

fn available(stage: &Stage, deeds: &Deeds) -> i64 {
    let account = AccountQuery { account: AccountRef::Telegram(3) };
    let head = stage.rt.block_on(ledger::store::head(&stage.pool)).unwrap().position;
    let balance = deeds.telegram.ask::<BalanceView>("balance", &account, Position::new(head).ok());
    stage.rt.block_on(balance).unwrap().available.get()
}

fn due_rows(stage: &Stage, account: AccountId) -> i64 {
    let sql = "SELECT count(*) FROM expiring_lots WHERE account_id = $1";
    stage.rt.block_on(sqlx::query_scalar(sql).bind(account.0).fetch_one(&stage.pool)).unwrap()
}

#[test]
fn what_comes_back_before_a_jump_ahead_is_trusted_does_not_expire() {
    let (mut stage, deeds) = with_a_reservation(HELD);
    let (_, generation) = under_way(&stage, &deeds, 7, 1_800_000);
    jump(&stage, HOUR_US);
    until_seen(&stage);
    stage.rt.block_on(deeds.fail(generation, 1)).unwrap();
    assert_eq!((available(&stage, &deeds), expired(&stage)), (12, 0));
    let again = stage.rt.block_on(deeds.request(3, 2)).expect("what came back can be spent");
    stage.rt.block_on(deeds.claim(again, 1)).unwrap();
    // The next one sees a log that is as late as the clock.
    let (old, killed) = (leader(&stage), Instant::now());
    stage.kill9(old);
    take_over(&stage, &deeds_of(&stage, &deeds, 4), killed, "killed after a jump ahead");
    stage.rt.block_on(deeds.fail(again, 1)).unwrap();
    assert_eq!((available(&stage, &deeds), expired(&stage)), (12, 0), "the next leader trusts the jump");
    jump(&stage, 0);
    assert!(stage.rt.block_on(deeds.request(3, 3)).is_ok(), "what came back can be spent");
    judge::assert_at_rest(&stage, &stage.client("ledger"));
}

#[test]
fn what_comes_back_of_a_lot_that_has_ended_is_asked_for_again_when_the_clock_was_set_back() {
    let (mut stage, deeds) = with_a_reservation(HELD);
    stage.kill9(Role::Standby);
    let (account, generation) = under_way(&stage, &deeds, 14, 1_500);
    stage.until("what is not held to expire", || (due_rows(&stage, account) == 0).then_some(()));
    assert_eq!((available(&stage, &deeds), expired(&stage)), (5, 1));
    jump(&stage, -HOUR_US);
    until_seen(&stage);
    stage.rt.block_on(deeds.fail(generation, 1)).unwrap();
    assert_eq!((available(&stage, &deeds), expired(&stage)), (15, 1), "by the calendar it has an hour");
    assert_eq!(due_rows(&stage, account), 1);
    if dice::rounds(0) > 0 {
        jump(&stage, 0);
        let end = Instant::now() + PAUSE + Duration::from_secs(20);
        while available(&stage, &deeds) != 5 {
            assert!(Instant::now() < end, "it ended, and nobody asks");
            std::thread::sleep(Duration::from_millis(200));
        }
        assert_eq!((expired(&stage), due_rows(&stage, account)), (2, 0));
    }
    judge::assert_at_rest(&stage, &stage.client("ledger"));
}

#[test]
fn after_a_jump_back_leases_and_waits_last_as_long_as_they_are_said_to() {
    let (mut stage, deeds) = with_a_reservation(HELD);
    // Nobody takes over: this is about the one who leads on.
    stage.kill9(Role::Standby);
    let generation = stage.rt.block_on(async {
        let generation = deeds.request(1, 2).await.unwrap();
        deeds.claim(generation, 1).await.unwrap();
        generation
    });
    jump(&stage, -HOUR_US);
    until_seen(&stage);
    let attempt = Attempt::new(1).unwrap();
    let command = GenerationAttempt {
        generation,
        attempt,
        outcome: Trouble::Overloaded,
        spent: Spent::default(),
        retry_after_ms: 1,
    };
    let tried = envelope(id("attempted:by-hand"), AccountRef::Id(generation.account()), command);
    stage.rt.block_on(deeds.send(Producer::Generator, tried)).unwrap();
    // The vendor asked to wait for a millisecond, not for an hour.
    stage.until("the job to be offered again", || {
        let limit = json!({"limit": 9});
        let open: Vec<OpenJob> = stage.rt.block_on(deeds.generator.ask("jobs", &limit, None)).unwrap();
        open.iter().any(|job| job.generation == generation).then_some(())
    });
    let claimed = stage.until("the job to be free", || stage.rt.block_on(deeds.claim(generation, 2)).ok());
    let claimed: ClaimedJob = claimed.result().unwrap();
    let body = json!({"generation": generation, "attempt": 2});
    let raw = Raw::new(&stage);
    let renew = raw.ask(Producer::Generator, "generation_renew", "renew:1", of(generation.account()), body);
    let renewed = stage.rt.block_on(renew);
    let until = renewed["result"]["lease_until"].as_i64().unwrap();
    assert!(until > claimed.lease_until.get(), "a lease is extended by the time that gave it: {renewed}");
}
