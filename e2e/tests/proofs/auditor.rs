//! A log to be audited, and who audits it.

use e2e::deeds::Deeds;
use e2e::{Role, Stage};
use ledger::proofs::{SignedCheckpoint, notes_in};
use ledger::verify::{Options, Report, verify_with};
use sqlx::PgConnection;

/// A log of two people, stopped, with a checkpoint at its end in all places.
pub fn played() -> Stage {
    let mut stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(async {
        for user in 1..=2 {
            deeds.whole_way(user).await.unwrap();
        }
    });
    vouched(&stage);
    assert!(stage.stop(Role::Ledger));
    stage
}

pub fn head(stage: &Stage) -> i64 {
    stage.rt.block_on(sqlx::query_scalar("SELECT position FROM log_head").fetch_one(&stage.pool)).unwrap()
}

pub fn notes(stage: &Stage) -> Vec<String> {
    let file = stage.checkpoints(Role::Ledger).join("checkpoints.txt");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    notes_in(&text).0.into_iter().map(str::to_owned).collect()
}

/// Waits until a checkpoint in the folder vouches for the whole log.
pub fn vouched(stage: &Stage) -> SignedCheckpoint {
    stage.until("a checkpoint of the whole log", || {
        let newest = SignedCheckpoint::open(notes(stage).last()?, &[Stage::vkey()]).unwrap();
        (newest.checkpoint.size == head(stage).unsigned_abs()).then_some(newest)
    })
}

/// As an auditor verifies: with the checkpoints of the folder, and the public key.
pub fn audit(stage: &Stage) -> Report {
    audit_with(stage, false)
}

/// The same, on request without projections and snapshots of accounts.
pub fn audit_with(stage: &Stage, log_only: bool) -> Report {
    let outside = vec![("the folder".to_owned(), notes(stage))];
    let options = Options { keys: vec![Stage::vkey()], outside, log_only, ..Options::default() };
    stage.rt.block_on(verify_with(&stage.pool, &options, |_, _| {})).unwrap()
}

pub async fn run(connection: &mut PgConnection, statements: &[&str]) {
    for sql in statements {
        sqlx::raw_sql(sqlx::AssertSqlSafe(*sql))
            .execute(&mut *connection)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

/// Triggers and keys off for this session, as only a superuser can.
pub async fn as_superuser(stage: &Stage) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
    let mut connection = stage.pool.acquire().await.unwrap();
    run(&mut connection, &["SET session_replication_role = replica"]).await;
    connection
}
