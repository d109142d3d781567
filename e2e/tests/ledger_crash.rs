//! The ledger dies at each of its named points, as by kill -9, while people go their way; started
//! again, it finishes everything: nothing lost, nothing twice, no projection or stream astray.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use e2e::deeds::{Deeds, rubles};
use e2e::raw::{Raw, of, person};
use e2e::{Role, Stage, dice, judge, supervisor};
use proto_events::catalog::Catalog;
use proto_events::{AccountId, GenerationId, Position, Producer};
use serde_json::json;

/// Every point that the ledger names.
const POINTS: &[&str] = &[
    "ledger.append.before_commit",
    "ledger.append.committed",
    "ledger.append.inserted",
    "ledger.append.overlapped",
    "ledger.batch.decided",
    "ledger.checkpoint.stored",
    "ledger.console.acted",
    "ledger.follow_ups.bonus",
    "ledger.follow_ups.done",
    "ledger.follow_ups.erasing",
    "ledger.inbox.received",
    "ledger.projection.before_commit",
    "ledger.projection.committed",
    "ledger.proposal.decided",
    "ledger.proposal.sent",
    "ledger.relay.before_publish",
    "ledger.reconcile.compared",
    "ledger.relay.published",
    "ledger.replay.before_commit",
    "ledger.replay.committed",
    "ledger.replay.entered",
    "ledger.replay.entering",
    "ledger.replay.indexed",
    "ledger.replay.ready",
    "ledger.reply.sent",
    "ledger.republish.deleted",
    "ledger.republish.made",
    "ledger.swap.appended",
    "ledger.swap.before_commit",
    "ledger.swap.committed",
    "ledger.timer.broadcast_over",
    "ledger.timer.fired",
    "ledger.timer.lot_due",
    "ledger.timer.lots_expired",
    "ledger.timer.payment_due",
];
/// Come only when an operator asks: e2e/tests/ledger_republish.rs, e2e/tests/projections/deaths.rs,
/// e2e/tests/console/four_eyes.rs, e2e/tests/console/deaths.rs.
const ASKED_FOR: [&str; 5] =
    ["ledger.console", "ledger.proposal", "ledger.republish", "ledger.replay", "ledger.swap"];
/// Comes only when a deadline is over: a test of its own.
const TIMER: &str = "ledger.timer.fired";
const SIGNED: &str = "ledger.checkpoint.stored";
/// People who only say hello are numbered from here.
const VISITORS: i64 = 1_000_000;
/// Come only with lots that end, with referrals, with erasures: tests of their own.
const LOTS: [&str; 2] = ["ledger.timer.lot_due", "ledger.timer.lots_expired"];
/// Comes only when an adapter has uploaded a day: a test of its own.
const COMPARED: &str = "ledger.reconcile.compared";
/// Comes only when an invoice is past its end: a test of its own.
const ENDING: &str = "ledger.timer.payment_due";
/// Comes only when nobody of a broadcast is left: a test of its own.
const OVER: &str = "ledger.timer.broadcast_over";
const BONUSES: [&str; 2] = ["ledger.follow_ups.bonus", "ledger.follow_ups.done"];
const ERASING: &str = "ledger.follow_ups.erasing";
/// People who are under way when it dies.
const PEOPLE: i64 = 4;
/// So many that commands wait while a batch commits: for the points of a batch that overlaps another.
const CROWD: i64 = 32;
const OVERLAPPED: [&str; 2] = ["ledger.append.inserted", "ledger.append.overlapped"];

/// It dies when a point is reached for the first time, the third, and so on.
fn counts() -> impl Iterator<Item = usize> {
    (0..dice::rounds(2)).map(|round| 1 + 2 * round)
}

#[test]
fn every_point_in_the_source_is_tested() {
    fn scan(dir: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                scan(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let named = text.split("fail_point!(\"").skip(1);
                found.extend(named.map(|rest| rest.split('"').next().unwrap().to_owned()));
            }
        }
    }
    let mut found = BTreeSet::new();
    scan(&xtask::machine::paths::root().join("ledger/src"), &mut found);
    assert_eq!(found, POINTS.iter().map(|p| (*p).to_owned()).collect());
}

/// One death: where, and what it took.
struct Death {
    point: &'static str,
    at: usize,
    reached: usize,
    seconds: f64,
}

fn print(deaths: &[Death]) {
    println!("{:34} {:>6} {:>8} {:>8}", "crash point", "at", "reached", "seconds");
    for d in deaths {
        println!("{:34} {:>6} {:>8} {:>8.1}", d.point, d.at, d.reached, d.seconds);
    }
}

fn reached(crashes: &Path, point: &str) -> usize {
    std::fs::read_to_string(crashes).unwrap_or_default().lines().filter(|line| *line == point).count()
}

fn crash_log(stage: &Stage, point: &str, at: usize) -> PathBuf {
    stage.dir().join(format!("{point}-{at}"))
}

/// Starts the ledger so that it will die at `point`, plays `deed`, and keeps the ledger alive
/// until the deed is done and the death has happened.
fn die_and_recover<T: Send + 'static>(
    stage: &mut Stage,
    (point, at): (&'static str, usize),
    extra: &[(&str, &str)],
    deed: impl Future<Output = T> + Send + 'static,
) -> (T, Death) {
    let start = Instant::now();
    let crashes = crash_log(stage, point, at);
    let armed = format!("{point}:{at}");
    // Two batches are under way at once though few people are.
    let arming =
        [("CRASH_AT", armed.as_str()), ("CRASH_LOG", crashes.to_str().unwrap()), ("OVERLAP_FROM", "1")];
    let with: Vec<_> = extra.iter().copied().chain(arming).collect();
    stage.spawn(Role::Ledger, &with).unwrap();
    let deed = stage.rt.spawn(deed);
    let what = format!("a death at {armed} and the way after it (are the binaries built with crash-points?)");
    let deaths = supervisor::watch(stage, Role::Ledger, extra, &what, |deaths| {
        deed.is_finished() && deaths > 0 && reached(&crashes, point) > 0
    });
    let outcome = stage.rt.block_on(deed).expect("everyone went the whole way");
    stage.until("the ledger to be up", || stage.http_ok(Role::Ledger).then_some(()));
    assert!(deaths == 1, "it died {deaths} times");
    let reached = reached(&crashes, point);
    assert_eq!(reached, 1, "{point} was to be reached once");
    (outcome, Death { point, at, reached, seconds: start.elapsed().as_secs_f64() })
}

fn die_at(points: &[&'static str]) {
    let mut stage = Stage::new().unwrap();
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    let (mut deaths, mut people): (Vec<_>, Vec<i64>) = (Vec::new(), Vec::new());
    for (point, at) in points.iter().flat_map(|point| counts().map(move |at| (*point, at))) {
        let count = if OVERLAPPED.contains(&point) { CROWD } else { PEOPLE };
        let new: Vec<i64> = (1..=count).map(|n| n + i64::try_from(people.len()).unwrap()).collect();
        let (deeds, walkers) = (deeds.clone(), new.clone());
        let crashes = crash_log(&stage, point, at);
        let ways = async move {
            let ways = walkers.iter().map(|user| deeds.whole_way(*user));
            for way in futures_util::future::join_all(ways).await {
                way.expect("a command was refused or never answered");
            }
            // A checkpoint is signed at most once a second, and batches overlap by chance: who comes meanwhile.
            let mut next = VISITORS;
            while (point == SIGNED || OVERLAPPED.contains(&point)) && reached(&crashes, point) == 0 {
                let visits = (next..next + CROWD).map(|visitor| deeds.start(visitor));
                for visit in futures_util::future::join_all(visits).await {
                    visit.expect("a start is answered");
                }
                next += CROWD;
            }
        };
        let ((), death) = die_and_recover(&mut stage, (point, at), &[], ways);
        deaths.push(death);
        people.extend(new);
        judge::assert_at_rest(&stage, &nats);
        judge::assert_whole_ways(&stage, &people);
        // Given back in order, so that the next ledger leads at once.
        assert!(stage.stop(Role::Ledger));
    }
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    assert_eq!(deeds.witness.lies(&log), Vec::<String>::new());
    assert_eq!(deeds.witness.not_done(), Vec::<String>::new());
    print(&deaths);
}

#[test]
fn a_death_in_an_append_loses_and_doubles_nothing() {
    die_at(&POINTS.iter().copied().filter(|p| p.starts_with("ledger.append.")).collect::<Vec<_>>());
}

#[test]
fn a_death_between_a_command_and_its_reply_loses_and_doubles_nothing() {
    let of = |p: &&'static str| {
        let is_asked_for = ASKED_FOR.iter().any(|asked| p.starts_with(asked));
        let elsewhere = [".append.", "relay", "projection", "timer", "follow_ups", "reconcile"];
        !elsewhere.iter().any(|part| p.contains(part)) && !is_asked_for
    };
    die_at(&POINTS.iter().copied().filter(of).collect::<Vec<_>>());
}

#[test]
fn a_death_of_what_follows_the_log_leaves_projections_and_stream_exact() {
    let of = |p: &&'static str| p.contains("relay") || p.contains("projection");
    die_at(&POINTS.iter().copied().filter(of).collect::<Vec<_>>());
}

#[test]
fn a_death_when_a_deadline_is_over_releases_every_reservation_once() {
    let mut stage = Stage::new().unwrap();
    let mut catalog = serde_json::to_value(Catalog::default_catalog().unwrap()).unwrap();
    catalog["limits"]["reservation_ms"] = json!(1_000);
    let file = stage.dir().join("catalog.json");
    std::fs::write(&file, catalog.to_string()).unwrap();
    let extra = [("CATALOG_FILE", file.to_str().unwrap())];
    let (deeds, nats) = (Deeds::new(&stage), stage.client("ledger"));
    let (mut deaths, mut first) = (Vec::new(), 1);
    for at in counts() {
        let users: Vec<i64> = (first..first + i64::try_from(at).unwrap() + 1).collect();
        first += i64::try_from(users.len()).unwrap();
        let (walkers, by) = (users.clone(), deeds.clone());
        let reserve = async move {
            let mut generations: Vec<GenerationId> = Vec::new();
            for user in walkers {
                by.start(user).await.unwrap();
                let payment = by.topup(user, &format!("n{user}")).await.unwrap();
                by.settle(payment, rubles(100)).await.unwrap();
                // Nobody claims it.
                generations.push(by.request(user, 1).await.unwrap());
            }
            generations
        };
        let (generations, death) = die_and_recover(&mut stage, (TIMER, at), &extra, reserve);
        deaths.push(death);
        let expired = || {
            let log = stage.rt.block_on(Stage::log(&stage.pool));
            generations
                .iter()
                .map(|g| {
                    let id = format!("expire:{}", proto_events::ReservationId::of(*g));
                    log.iter().filter(|r| r.command_id == id && r.event_type == "ReservationExpired").count()
                })
                .collect::<Vec<_>>()
        };
        stage.until("every reservation to be released", || expired().iter().all(|n| *n > 0).then_some(()));
        // Long enough for another look of the timer.
        std::thread::sleep(Duration::from_secs(1));
        assert!(expired().iter().all(|n| *n == 1), "released more than once");
        for user in users {
            let balance = stage.rt.block_on(deeds.balance(user, Position::ZERO)).unwrap();
            assert_eq!(balance, (105, 0, 0));
        }
        judge::assert_at_rest(&stage, &nats);
        assert!(stage.stop(Role::Ledger));
    }
    print(&deaths);
}

/// Opens an account by a link of this inviter, and waits until its follow-ups are done.
async fn invited(raw: &Raw, pool: &sqlx::PgPool, user: i64, inviter: AccountId) {
    let body = json!({"language": "ru", "name": "Bo", "inviter": inviter});
    let id = format!("start:1:{user}:1");
    let reply = raw.ask(Producer::Telegram, "account_open", &id, person(user), body).await;
    let referral = reply["position"].as_i64().expect("a position");
    let end = Instant::now() + e2e::stage::PATIENCE;
    while ledger::store::followed_through(pool).await.unwrap() < referral {
        assert!(Instant::now() < end, "the follow-ups of {referral} don't come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_death_between_a_referral_and_its_bonuses_pays_each_side_once() {
    let mut stage = Stage::new().unwrap();
    let (deeds, raw, nats) = (Deeds::new(&stage), Raw::new(&stage), stage.client("ledger"));
    let (mut deaths, mut next) = (Vec::new(), 1);
    // Also while a bonus is in the log and its answer under way: its append is the third of the way.
    let moments = BONUSES.into_iter().chain(["ledger.append.committed", "ledger.append.before_commit"]);
    for (point, at) in moments.flat_map(|point| counts().map(move |at| (point, at))) {
        // Each referral reaches the first point twice, the second once, an append four times.
        let referrals = i64::try_from(at).unwrap();
        let (inviter, guests) = (next, next + 1..next + 1 + referrals);
        next = guests.end;
        let (by, wire, pool, users) = (deeds.clone(), raw.clone(), stage.pool.clone(), guests.clone());
        let way = async move {
            let account = by.start(inviter).await.unwrap();
            for user in users {
                invited(&wire, &pool, user, account).await;
            }
            account
        };
        let at = if point.starts_with("ledger.append") { at + 2 } else { at };
        let (account, death) = die_and_recover(&mut stage, (point, at), &[], way);
        deaths.push(death);
        let log = stage.rt.block_on(Stage::log(&stage.pool));
        let head = Position::new(i64::try_from(log.len()).unwrap()).unwrap();
        let balance = |user| stage.rt.block_on(deeds.balance(user, head)).unwrap();
        assert_eq!(balance(inviter), (5 + 5 * referrals, 0, 0), "{point}");
        assert!(guests.map(balance).all(|have| have == (10, 0, 0)), "{point}");
        let bonuses = log.iter().filter(|r| r.account() == account && r.causation.is_some());
        assert_eq!(i64::try_from(bonuses.count()).unwrap(), referrals, "{point}");
        judge::assert_at_rest(&stage, &nats);
        assert!(stage.stop(Role::Ledger));
    }
    print(&deaths);
}

#[test]
fn a_death_when_lots_end_ends_each_once() {
    let mut stage = Stage::new().unwrap();
    let (deeds, raw, nats) = (Deeds::new(&stage), Raw::new(&stage), stage.client("ledger"));
    let (mut deaths, mut next) = (Vec::new(), 1);
    for (point, at) in LOTS.into_iter().flat_map(|point| counts().map(move |at| (point, at))) {
        let user = next;
        next += 1;
        let (by, wire, pool) = (deeds.clone(), raw.clone(), stage.pool.clone());
        let way = async move {
            let account = by.start(user).await.unwrap();
            for n in 0..at {
                // One after the other, so that each has a look of its own.
                let ends = "SELECT now_us() + 200000";
                let ends: i64 = sqlx::query_scalar(ends).fetch_one(&pool).await.unwrap();
                let body = json!({"credits": 3, "source": "promo", "reason": "r", "expires_at": ends});
                let (id, to) = (format!("grant:{user}:{n}"), person(user));
                wire.ask(Producer::Console, "credits_grant", &id, to, body).await;
                until_gone(&pool, account).await;
            }
            account
        };
        let (account, death) = die_and_recover(&mut stage, (point, at), &[], way);
        deaths.push(death);
        let log = stage.rt.block_on(Stage::log(&stage.pool));
        let ended = log.iter().filter(|r| r.account() == account && r.event_type == "CreditsExpired");
        assert_eq!(ended.count(), at, "{point}");
        let head = Position::new(i64::try_from(log.len()).unwrap()).unwrap();
        let balance = stage.rt.block_on(deeds.balance(user, head)).unwrap();
        assert_eq!(balance, (5, 0, 0), "{point}");
        judge::assert_at_rest(&stage, &nats);
        assert!(stage.stop(Role::Ledger));
    }
    print(&deaths);
}

/// Waits until no lot of this account waits for its end.
async fn until_gone(pool: &sqlx::PgPool, account: AccountId) {
    let sql = "SELECT count(*) FROM expiring_lots WHERE account_id = $1";
    let end = Instant::now() + e2e::stage::PATIENCE;
    while sqlx::query_scalar::<_, i64>(sql).bind(account.0).fetch_one(pool).await.unwrap() > 0 {
        assert!(Instant::now() < end, "a lot does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_death_while_an_erased_accounts_content_is_deleted_leaves_none() {
    let mut stage = Stage::new().unwrap();
    let (deeds, raw, nats) = (Deeds::new(&stage), Raw::new(&stage), stage.client("ledger"));
    let way = async move {
        let end = deeds.whole_way(1).await;
        let account = deeds.start(1).await.unwrap();
        end.expect("a command was refused or never answered");
        raw.ask(Producer::Console, "account_erase", "erase:1", of(account), json!({"forfeit": true})).await;
        account
    };
    let (account, death) = die_and_recover(&mut stage, (ERASING, 1), &[], way);
    let erased = "SELECT max(position) FROM events WHERE type = 'AccountErased'";
    let erased: i64 = stage.rt.block_on(sqlx::query_scalar(erased).fetch_one(&stage.pool)).unwrap();
    stage.until("the follow-ups", || {
        let through = stage.rt.block_on(ledger::store::followed_through(&stage.pool)).unwrap();
        (through >= erased).then_some(())
    });
    for table in ["chat_contexts", "payment_links", "generation_contents", "generation_outputs"] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table} WHERE account_id = $1"));
        let left = sqlx::query_scalar::<_, i64>(sql).bind(account.0).fetch_one(&stage.pool);
        assert_eq!(stage.rt.block_on(left).unwrap(), 0, "{table}");
    }
    judge::assert_at_rest(&stage, &nats);
    print(&[death]);
}

#[test]
fn a_death_when_an_invoice_is_past_its_end_closes_it_once() {
    let mut stage = Stage::new().unwrap();
    let mut catalog = serde_json::to_value(Catalog::default_catalog().unwrap()).unwrap();
    catalog["limits"]["payment_ms"] = json!(1_000);
    let file = stage.dir().join("catalog.json");
    std::fs::write(&file, catalog.to_string()).unwrap();
    let extra = [("CATALOG_FILE", file.to_str().unwrap())];
    let (deeds, raw, nats) = (Deeds::new(&stage), Raw::new(&stage), stage.client("ledger"));
    let pool = stage.pool.clone();
    let way = async move {
        deeds.start(1).await.unwrap();
        let body = json!({"package": "xtr-100", "rail": "stars", "context": {"chat": 1, "message": 1}});
        let opened = raw.ask(Producer::Telegram, "topup_open", "topup:1:invoice", person(1), body).await;
        assert_eq!(opened["status"], "done", "{opened}");
        let end = Instant::now() + e2e::stage::PATIENCE;
        let open = "SELECT count(*) FROM open_payments";
        while sqlx::query_scalar::<_, i64>(open).fetch_one(&pool).await.unwrap() > 0 {
            assert!(Instant::now() < end, "an invoice does not end");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ((), death) = die_and_recover(&mut stage, (ENDING, 1), &extra, way);
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    assert_eq!(log.iter().filter(|r| r.event_type == "PaymentCanceled").count(), 1);
    judge::assert_at_rest(&stage, &nats);
    print(&[death]);
}

#[test]
fn a_death_while_a_day_is_compared_records_it_once() {
    let mut stage = Stage::new().unwrap();
    let (raw, nats, pool) = (Raw::new(&stage), stage.client("ledger"), stage.pool.clone());
    let way = async move {
        let nobody = json!({"id": AccountId::OPERATIONS});
        let body = json!({"provider": "yookassa", "day": 20_000});
        raw.ask(Producer::Payments, "provider_day_done", "books:1", nobody, body).await;
        let end = Instant::now() + e2e::stage::PATIENCE;
        let waiting = "SELECT count(*) FROM provider_days WHERE compared_at IS NULL";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() > 0 {
            assert!(Instant::now() < end, "a day is not compared");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ((), death) = die_and_recover(&mut stage, (COMPARED, 1), &[], way);
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    assert_eq!(log.iter().filter(|r| r.event_type == "ReconciliationFinished").count(), 1);
    judge::assert_at_rest(&stage, &nats);
    print(&[death]);
}

#[test]
fn a_death_when_nobody_of_a_broadcast_is_left_finishes_it_once() {
    let mut stage = Stage::new().unwrap();
    let (deeds, raw, nats) = (Deeds::new(&stage), Raw::new(&stage), stage.client("ledger"));
    let pool = stage.pool.clone();
    let way = async move {
        let account = deeds.start(1).await.unwrap();
        let nobody = || json!({"id": AccountId::OPERATIONS});
        let draft = json!({"broadcast": "b1", "segment": "everybody", "content": {"text": "Hello"}});
        let drafted = raw.ask(Producer::Console, "broadcast_draft", "draft", nobody(), draft).await;
        assert_eq!(drafted["result"]["recipients"], 1, "{drafted}");
        let start = json!({"broadcast": "b1", "recipients": 1});
        raw.ask(Producer::Console, "broadcast_start", "broadcast_start:1", nobody(), start).await;
        let claim = json!({"claimant": "a", "limit": 1});
        let claimed = raw.ask(Producer::Telegram, "broadcast_claim", "claim", nobody(), claim).await;
        assert_eq!(claimed["status"], "done", "{claimed}");
        let told = json!({"broadcast": "b1", "claimant": "a", "account": account, "outcome": "sent"});
        raw.ask(Producer::Telegram, "broadcast_told", "told", nobody(), told).await;
        let end = Instant::now() + e2e::stage::PATIENCE;
        let left = "SELECT count(*) FROM broadcasts WHERE state <> 'finished'";
        while sqlx::query_scalar::<_, i64>(left).fetch_one(&pool).await.unwrap() > 0 {
            assert!(Instant::now() < end, "a broadcast does not end");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ((), death) = die_and_recover(&mut stage, (OVER, 1), &[], way);
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    assert_eq!(log.iter().filter(|r| r.event_type == "BroadcastFinished").count(), 1);
    judge::assert_at_rest(&stage, &nats);
    print(&[death]);
}
