//! A bulk log is what the ledger would have written: it verifies, and the ledger goes on with it.

use e2e::bulk::{Size, write};
use e2e::deeds::Deeds;
use e2e::{Role, Stage};

#[test]
fn a_bulk_log_verifies_and_is_continued() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    let size = Size { events: 3_000, accounts: 60 };
    let mut heard = 0;
    let position = stage.rt.block_on(write::write(&stage.database_url(), size, |events| heard = events))?;
    assert!(position >= 3_000, "{position}");
    assert_eq!(i64::try_from(heard)?, position);
    stage.assert_verified();
    assert_eq!(count(&stage, "jobs"), 0, "no work is left open");
    assert_eq!(count(&stage, "open_payments"), 0);
    assert_eq!(count(&stage, "deliveries"), 0);
    assert_eq!(count(&stage, "pg_indexes WHERE tablename = 'events'"), 3, "the indexes are there again");

    stage.start(Role::Ledger, &[])?;
    let deeds = Deeds::new(&stage);
    let last = stage.rt.block_on(deeds.whole_way(77))?;
    // The history's balances are read as those of an account that was used a moment ago.
    let (available, reserved, debt) = stage.rt.block_on(deeds.balance(write::FIRST_USER, last))?;
    assert_eq!((available, reserved, debt), (5, 0, 0));
    stage.assert_verified();
    Ok(())
}

fn count(stage: &Stage, what: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {what}"));
    stage.rt.block_on(sqlx::query_scalar(sql).fetch_one(&stage.pool)).expect("a count")
}
