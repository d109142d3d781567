//! A log to be audited, and who audits it.

use e2e::deeds::Deeds;
use e2e::{Role, Stage};
use ledger::proofs::SignedCheckpoint;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};

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

/// Waits until a checkpoint in the folder vouches for the whole log.
pub fn vouched(stage: &Stage) -> SignedCheckpoint {
    stage.until("a checkpoint of the whole log", || {
        let newest = SignedCheckpoint::open(stage.notes(Role::Ledger).last()?, &[Stage::vkey()]).unwrap();
        (newest.checkpoint.size == head(stage).unsigned_abs()).then_some(newest)
    })
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
pub async fn as_superuser(pool: &PgPool) -> PoolConnection<Postgres> {
    let mut connection = pool.acquire().await.unwrap();
    run(&mut connection, &["SET session_replication_role = replica"]).await;
    connection
}
