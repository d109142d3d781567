//! Two batches under way at once: what is decided on top of a batch that has not committed yet is true
//! if that one commits, and gone without a trace if it does not.
//!
//! A test holds the row of the head: the first batch stands before its commit, and the next one is
//! inserted behind it.

use std::time::Duration;

use e2e::deeds::{Deeds, envelope, id, rubles, text};
use e2e::{Role, Stage, judge};
use ledger::inbox::Names;
use proto_events::commands::{AccountErase, AccountOpen, GenerationCancel, PaymentSettle};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, GenerationId, Producer, Rail};
use service::ledger::SendError;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};
use tokio::task::JoinHandle;

struct World {
    stage: Stage,
    deeds: Deeds,
}

/// Backends of the writer: before their commit, and with rows inserted.
const AT_THE_HEAD: &str = "wait_event_type = 'Lock' AND query LIKE '%log_append%'";
const INSERTED: &str = "state = 'idle in transaction' AND query LIKE '%log_insert%'";

async fn count(pool: &PgPool, which: &str) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'plantain-ledger' AND {which}"
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await.unwrap()
}

async fn until(pool: &PgPool, which: &str) {
    let looking = async {
        while count(pool, which).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looking).await.unwrap_or_else(|_| panic!("none: {which}"));
}

/// Transactions that were undone; a session tells of its own when it ends.
async fn rollbacks(pool: &PgPool) -> i64 {
    let sql = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

impl World {
    fn new() -> Self {
        let mut stage = Stage::new().unwrap();
        stage.start(Role::Ledger, &[("OVERLAP_FROM", "1")]).unwrap();
        let deeds = Deeds::new(&stage);
        Self { stage, deeds }
    }

    /// People with an account and 105 credits.
    fn people(&self, users: &[i64]) -> Vec<AccountId> {
        self.stage.rt.block_on(async {
            let mut accounts = Vec::new();
            for user in users {
                accounts.push(self.deeds.start(*user).await.unwrap());
                let payment = self.deeds.topup(*user, &format!("first{user}")).await.unwrap();
                self.deeds.settle(payment, rubles(100)).await.unwrap();
            }
            accounts
        })
    }

    fn hold(&self) -> Transaction<'static, Postgres> {
        self.stage.rt.block_on(async {
            let mut tx = self.stage.pool.begin().await.unwrap();
            sqlx::query("SELECT FROM log_head FOR UPDATE").execute(&mut *tx).await.unwrap();
            tx
        })
    }

    /// Which generation this person's message will ask for.
    fn generation_of(&self, account: AccountId, user: i64, message: i64) -> GenerationId {
        let key =
            self.stage.rt.block_on(ledger::store::service_key(&self.stage.pool, "command_ids")).unwrap();
        let sent = id(format!("msg:1:{user}:{message}"));
        let stored = Names::new(key).stored(Producer::Telegram, "generation_request", sent);
        GenerationId::derive(account, Producer::Telegram, &stored)
    }

    fn rows(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.stage.rt.block_on(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.stage.pool)).unwrap()
    }

    fn finish(self) {
        let log = self.stage.rt.block_on(Stage::log(&self.stage.pool));
        assert_eq!(self.deeds.witness.lies(&log), Vec::<String>::new());
        judge::assert_at_rest(&self.stage, &self.stage.client("ledger"));
    }
}

#[test]
fn what_the_next_batch_saw_of_a_batch_in_flight_is_true_when_both_commit() {
    let world = World::new();
    let accounts = world.people(&[1, 2]);
    let generation = world.generation_of(accounts[0], 1, 1);
    let (paid, other) = world.stage.rt.block_on(async {
        (world.deeds.topup(1, "paid").await.unwrap(), world.deeds.topup(2, "other").await.unwrap())
    });
    let held = world.hold();
    let (deeds, pool) = (world.deeds.clone(), world.stage.pool.clone());
    world.stage.rt.block_on(async {
        // In flight: a request, and a payment settled.
        let asked = ask_at_the_head(&deeds, &pool).await;
        // On top of it: its claim, the same request again; a payment, and the same provider's id for another
        // person's.
        let again = tokio::spawn({
            let deeds = deeds.clone();
            async move { deeds.request(1, 1).await }
        });
        let claimed = tokio::spawn({
            let deeds = deeds.clone();
            async move { deeds.claim(generation, 1).await }
        });
        let settled = tokio::spawn({
            let deeds = deeds.clone();
            async move { deeds.settle_as(paid, "one-payment", rubles(100)).await }
        });
        until(&pool, INSERTED).await;
        drop(held);
        assert_eq!(asked.await.unwrap().unwrap(), generation);
        assert_eq!(again.await.unwrap().unwrap(), generation);
        claimed.await.unwrap().unwrap();
        settled.await.unwrap().unwrap();
        // Under an id of its own: under the adapter's own it would be a reused one.
        let command = PaymentSettle {
            payment: other,
            rail: Rail::Yookassa,
            provider_payment_id: text("one-payment"),
            amount: rubles(100),
            net: None,
            test: false,
            paid_at: None,
            context: None,
        };
        let settle = envelope(id("settle:by-hand"), AccountRef::Id(other.account()), command);
        let taken = deeds.send(Producer::Payments, settle).await.unwrap_err();
        assert_eq!(taken.code(), Some("provider_id_taken"));
        deeds.fail(generation, 1).await.unwrap();
    });
    assert_eq!(world.rows("jobs"), 0);
    world.finish();
}

/// Person 1 asks for a picture, in a batch that waits for the head of the log.
async fn ask_at_the_head(deeds: &Deeds, pool: &PgPool) -> JoinHandle<Result<GenerationId, SendError>> {
    let deeds = deeds.clone();
    let asked = tokio::spawn(async move { deeds.request(1, 1).await });
    until(pool, AT_THE_HEAD).await;
    asked
}

#[test]
fn a_row_that_a_batch_in_flight_inserts_is_changed_by_the_next_one() {
    let world = World::new();
    let accounts = world.people(&[1, 2]);
    let generation = world.generation_of(accounts[0], 1, 1);
    let held = world.hold();
    let (deeds, pool) = (world.deeds.clone(), world.stage.pool.clone());
    world.stage.rt.block_on(async {
        let asked = ask_at_the_head(&deeds, &pool).await;
        // Decided together, in this order: a queue gives each producer its turn.
        let claimed = tokio::spawn({
            let deeds = deeds.clone();
            async move { deeds.claim(generation, 1).await }
        });
        until(&pool, INSERTED).await;
        drop(held);
        assert_eq!(asked.await.unwrap().unwrap(), generation);
        claimed.await.unwrap().unwrap();
        // The claim's update of the job's row, which was not committed when it was decided, was not lost.
        let attempt: i16 = sqlx::query_scalar("SELECT attempt FROM jobs").fetch_one(&pool).await.unwrap();
        assert_eq!(attempt, 1);
        deeds.complete(generation, 1).await.unwrap();
    });
    assert_eq!(world.rows("jobs"), 0);
    world.finish();
}

#[test]
fn a_row_that_a_batch_in_flight_inserts_is_deleted_by_the_next_one() {
    let world = World::new();
    let accounts = world.people(&[1]);
    let generation = world.generation_of(accounts[0], 1, 1);
    let held = world.hold();
    let (deeds, pool) = (world.deeds.clone(), world.stage.pool.clone());
    world.stage.rt.block_on(async {
        let asked = ask_at_the_head(&deeds, &pool).await;
        let canceled = tokio::spawn({
            let (deeds, account) = (deeds.clone(), AccountRef::Id(accounts[0]));
            let cancel = envelope(id("cancel:1:tap"), account, GenerationCancel { generation });
            async move { deeds.send(Producer::Telegram, cancel).await }
        });
        until(&pool, INSERTED).await;
        drop(held);
        assert_eq!(asked.await.unwrap().unwrap(), generation);
        canceled.await.unwrap().unwrap();
    });
    assert_eq!(world.rows("jobs"), 0, "the row was not there yet when it was deleted");
    world.finish();
}

#[test]
fn who_comes_again_behind_their_own_erasure_is_let_in() {
    let world = World::new();
    let (deeds, pool) = (world.deeds.clone(), world.stage.pool.clone());
    world.stage.rt.block_on(deeds.start(1)).unwrap();
    world.stage.rt.block_on(async {
        // The erasure stands before it deletes the person's row.
        let mut held = pool.begin().await.unwrap();
        sqlx::query("LOCK TABLE erased_fingerprints IN SHARE MODE").execute(&mut *held).await.unwrap();
        let erased = tokio::spawn({
            let deeds = deeds.clone();
            let erase = AccountErase { forfeit: true };
            let erase = envelope(id("erase:1"), AccountRef::Telegram(1), erase);
            async move { deeds.send(Producer::Telegram, erase).await }
        });
        until(&pool, AT_THE_HEAD).await;
        let undone = rollbacks(&pool).await;
        let opened = tokio::spawn({
            let deeds = deeds.clone();
            let open = AccountOpen { language: text("ru"), name: text("Ada"), inviter: None };
            let open = envelope(id("start:1:again"), AccountRef::Telegram(1), open);
            async move { deeds.send(Producer::Telegram, open).await }
        });
        // Its row meets the one that is about to be deleted.
        let met = async {
            while rollbacks(&pool).await == undone {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), met).await.expect("the two rows never met");
        drop(held);
        erased.await.unwrap().unwrap();
        opened.await.unwrap().expect("nobody has an account, and it is told that somebody has");
    });
    assert_eq!(world.rows("telegram_identities"), 1);
    world.finish();
}

#[test]
fn a_batch_on_top_of_one_that_fails_is_undone_and_nobody_is_told_what_was_not_so() {
    let world = World::new();
    let (deeds, pool) = (world.deeds.clone(), world.stage.pool.clone());
    // 5 credits of welcome: a picture costs 10.
    let payment = world.stage.rt.block_on(async {
        deeds.start(1).await.unwrap();
        deeds.start(2).await.unwrap();
        deeds.topup(1, "a").await.unwrap()
    });
    let held = world.hold();
    world.stage.rt.block_on(async {
        let settled = tokio::spawn({
            let deeds = deeds.clone();
            async move { deeds.settle(payment, rubles(100)).await }
        });
        until(&pool, AT_THE_HEAD).await;
        let asked = tokio::spawn({
            let deeds = deeds.clone();
            async move { deeds.request(1, 1).await }
        });
        until(&pool, INSERTED).await;
        // The backend that stands before its commit dies; nobody can know at once whether it committed.
        let sql = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {AT_THE_HEAD} \
             AND application_name = 'plantain-ledger'"
        );
        let ended: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
        assert!(ended > 0);
        drop(held);
        settled.await.unwrap().unwrap();
        // Sent again, it may have come before the payment was settled again: then it was refused, truly.
        match asked.await.unwrap() {
            Ok(_) => {}
            Err(refused) => {
                assert_eq!(refused.code(), Some("insufficient_credits"));
                deeds.request(1, 2).await.unwrap();
            }
        }
    });
    let log = std::fs::read_to_string(world.stage.log_path(Role::Ledger)).unwrap();
    assert!(log.contains("outcome is in doubt"), "no doubt was resolved");
    assert!(!log.contains("stepping down"), "the lead was lost");
    let last = world.stage.rt.block_on(Stage::log(&pool)).last().unwrap().position.try_into().unwrap();
    assert_eq!(world.stage.rt.block_on(deeds.balance(1, last)).unwrap(), (95, 10, 0));
    world.finish();
}

#[test]
fn a_fence_between_two_batches_stops_both() {
    let world = World::new();
    let (deeds, pool) = (world.deeds.clone(), world.stage.pool.clone());
    world.people(&[1, 2]);
    let mut held = world.hold();
    world.stage.rt.block_on(async {
        let first = tokio::spawn({
            let deeds = deeds.clone();
            async move { deeds.topup(1, "x").await }
        });
        until(&pool, AT_THE_HEAD).await;
        let second = tokio::spawn({
            let deeds = deeds.clone();
            async move { deeds.topup(2, "y").await }
        });
        until(&pool, INSERTED).await;
        // Another one leads, for an instant.
        sqlx::query("UPDATE log_head SET epoch = epoch + 1, lease_until = 0")
            .execute(&mut *held)
            .await
            .unwrap();
        held.commit().await.unwrap();
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
    });
    let log = std::fs::read_to_string(world.stage.log_path(Role::Ledger)).unwrap();
    assert_eq!(log.matches("stepping down").count(), 1, "it was not fenced");
    assert_eq!(world.rows("open_payments"), 2);
    world.finish();
}
