//! Telegram's book of Stars, handed over day by day.

use e2e::booth::{Booth, NEVER, OFTEN};
use e2e::people::Person;
use e2e::{Role, Stage};
use serde_json::Value;

const DAY_S: i64 = 24 * 3600;
/// Moscow's.
const AHEAD_S: i64 = 3 * 3600;

#[test]
fn a_finished_day_is_handed_over_whole_and_compared() {
    let dir = std::env::temp_dir().join(format!("plantain-book-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("sandbox.json");
    let state = file.display().to_string();
    let mut booth = Booth::open_with(&[("SANDBOX_STATE", &state)], &[], &[NEVER]).unwrap();
    let ada = Person(8301);
    booth.meet(ada);
    let charges: Vec<String> = (0..2).map(|_| booth.buy_stars(ada)).collect();
    assert!(booth.stage.stop(Role::Telegram) && booth.stage.stop(Role::Sandbox));
    // As if the bot were new: its first look has handed over a day on which nothing was paid.
    let forget = sqlx::query("DELETE FROM provider_days").execute(&booth.stage.pool);
    booth.stage.rt.block_on(forget).unwrap();
    // The first was paid yesterday noon in Moscow, and given back a minute later.
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
    let yesterday = (now + AHEAD_S - 3600).div_euclid(DAY_S) - 1;
    let noon = yesterday * DAY_S - AHEAD_S + DAY_S / 2;
    let first = &mut kept["telegram"]["charges"][0];
    assert_eq!(first["telegram_payment_charge_id"], *charges[0]);
    first["date"] = noon.into();
    first["refunded_at"] = (noon + 60).into();
    first["refund_row"] = 3.into();
    kept["telegram"]["rows"] = 3.into();
    std::fs::write(&file, kept.to_string()).unwrap();
    booth.stage.start(Role::Sandbox, &[("SANDBOX_STATE", &state)]).unwrap();
    booth.stage.start(Role::Telegram, &[OFTEN]).unwrap();
    let whole = "SELECT count(*) FROM provider_days WHERE provider = 'telegram'";
    booth.stage.until("the day", || (booth.scalar(whole) == 1).then_some(()));
    let sql = "SELECT day, kind, id, payment_id, amount_minor, at FROM provider_rows WHERE provider = 'telegram' \
               ORDER BY at";
    type Row = (i32, String, String, Option<String>, i64, i64);
    let rows: Vec<Row> = booth.stage.rt.block_on(sqlx::query_as(sql).fetch_all(&booth.stage.pool)).unwrap();
    let day = i32::try_from(yesterday).unwrap();
    let at = |seconds: i64| seconds * 1_000_000;
    let (id, of) = (charges[0].clone(), Some(charges[0].clone()));
    assert_eq!(
        rows,
        [
            (day, "payment".to_owned(), id.clone(), None, 75, at(noon)),
            (day, "refund".to_owned(), id, of, 75, at(noon + 60)),
        ]
    );
    // What was given back without a word is found on the way.
    booth.until_count(ada, "RefundSettled", 1);
    assert_eq!(booth.stage.balance_of(ada), (105, 0, 0));
    booth.stage.until_money_agrees();
    assert_compared(&booth.stage);
    std::fs::remove_dir_all(dir).unwrap();
}

fn assert_compared(stage: &Stage) {
    let sql = "SELECT count(*) FROM events WHERE type = 'ReconciliationFinished' AND strpos(payload, '\"telegram\"') > 0";
    stage.until("the comparison", || {
        let count: i64 = stage.rt.block_on(sqlx::query_scalar(sql).fetch_one(&stage.pool)).ok()?;
        (count > 0).then_some(())
    });
    stage.assert_verified();
}
