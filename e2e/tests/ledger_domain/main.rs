//! The rest of the domain over real NATS and Postgres: credits given and taken, bans, refunds, quarantine,
//! referrals, lots that end, erasure; as raw messages, as another program would send them.

mod authority;
mod content;
mod credits;
mod erased_media;
mod erasure;
mod lots;
mod money;
mod referrals;
mod turns;

use e2e::Stage;
use e2e::deeds::{Deeds, rubles};
use proto_events::{AccountId, PaymentId, Position};

/// A person with 100 paid credits beside the 5 of the welcome.
fn payer(stage: &Stage, deeds: &Deeds, user: i64) -> (AccountId, PaymentId) {
    stage.rt.block_on(async {
        let account = deeds.start(user).await.unwrap();
        let payment = deeds.topup(user, &format!("n{user}")).await.unwrap();
        deeds.register(payment).await.unwrap();
        deeds.settle(payment, rubles(100)).await.unwrap();
        (account, payment)
    })
}

fn balance(stage: &Stage, deeds: &Deeds, user: i64) -> (i64, i64, i64) {
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    let head = Position::new(i64::try_from(log.len()).unwrap()).unwrap();
    stage.rt.block_on(deeds.balance(user, head)).unwrap()
}

fn count(stage: &Stage, table: &str, account: AccountId) -> i64 {
    let sql = format!("SELECT count(*) FROM {table} WHERE account_id = $1");
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(account.0);
    stage.rt.block_on(query.fetch_one(&stage.pool)).unwrap()
}
