//! The books of any position or time.

use std::collections::BTreeMap;

use ledger::books::{at, moscow::Day, statement, trial_balance};
use uuid::Uuid;

use crate::office::{Office, sums};

#[test]
fn the_books_of_any_position_are_the_fold_of_the_log_up_to_it() {
    let mut office = Office::open("as of", 6, 4_000, 3);
    let accounts = office.history.accounts();
    for position in office.positions(25) {
        let books =
            office.stage.rt.block_on(trial_balance::trial_balance(&office.stage.pool, position)).unwrap();
        assert!(books.unbalanced().is_empty());
        let found: BTreeMap<_, _> =
            books.lines().map(|l| ((l.asset, l.account.to_owned()), (l.debit, l.credit))).collect();
        assert_eq!(found, sums(&office.history.rows, position), "the books at {position}");
        let prefix = office.history.rows.iter().filter(|row| row.position <= position);
        let mut balances: BTreeMap<Uuid, [i64; 3]> = BTreeMap::new();
        for row in prefix {
            let sums = balances.entry(row.account_id).or_default();
            *sums = [sums[0] + row.available_delta, sums[1] + row.reserved_delta, sums[2] + row.debt_delta];
        }
        for account in &accounts {
            let found = office.stage.rt.block_on(statement::balance(&office.stage.pool, *account, position));
            let found = found.ok().map(|b| [b.available, b.reserved, b.debt]);
            assert_eq!(found, balances.get(&account.0).copied(), "{account} at {position}");
        }
        times_name_positions(&office, position);
    }
}

/// A time names the last event recorded by then, a day its last.
fn times_name_positions(office: &Office, position: i64) {
    let Some(row) = office.history.rows.iter().find(|row| row.position == position) else { return };
    let last = |by: i64| {
        let rows = office.history.rows.iter().filter(|row| row.recorded_at <= by);
        rows.map(|row| row.position).max().unwrap_or(0)
    };
    let ask = |at| office.stage.rt.block_on(at::until(&office.stage.pool, Some(at))).unwrap().position;
    assert_eq!(ask(at::At::Time(row.recorded_at)), last(row.recorded_at));
    assert_eq!(ask(at::At::Time(row.recorded_at - 1)), last(row.recorded_at - 1));
    let day = Day::of(row.recorded_at);
    assert_eq!(ask(at::At::Day(day)), last(day.end_us()));
    let since = office.stage.rt.block_on(at::since(&office.stage.pool, Some(at::At::Day(day)))).unwrap();
    assert_eq!(since, last(day.start_us() - 1) + 1);
}

/// The books on both sides of where chunks end, from the projection and without it; also from one that an earlier version
/// has made, whose chunks were longer.
#[test]
fn the_books_cross_the_edges_of_chunks_unharmed() {
    let office = Office::open("chunks", 40, 66_500, 6);
    let are_right_at = |positions: &[i64]| {
        for position in positions {
            let asked = trial_balance::trial_balance(&office.stage.pool, *position);
            let books = office.stage.rt.block_on(asked).unwrap();
            let found: BTreeMap<_, _> =
                books.lines().map(|l| ((l.asset, l.account.to_owned()), (l.debit, l.credit))).collect();
            assert_eq!(found, sums(&office.history.rows, *position), "the books at {position}");
        }
    };
    let positions = [1, 1_023, 1_024, 1_025, 2_048, 40_000, 65_535, 65_536, 65_537, office.head()];
    are_right_at(&positions);
    let table = office.table("trial_balance", "");
    let ends = office.rows::<(i64,)>(&format!("SELECT DISTINCT through FROM {table} ORDER BY 1"));
    let wanted: Vec<_> = (1..=(office.head() - 1) / 1_024 + 1).map(|n| (n * 1_024,)).collect();
    assert_eq!(ends, wanted);
    let earlier = format!(
        "DELETE FROM {table} WHERE through <> 65536; ALTER TABLE {table} RENAME through TO chunk; \
         UPDATE {table} SET chunk = 0; UPDATE projection_instances SET version = 1 WHERE name = 'trial_balance'"
    );
    office.stage.sql(sqlx::raw_sql(sqlx::AssertSqlSafe(earlier)).execute(&office.stage.pool));
    are_right_at(&[1_025, 65_535, 65_536, 65_537, office.head()]);
}
