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

/// Chunks end at 65 536: the books on both sides of it, from the projection and without it.
#[test]
fn the_books_cross_the_edge_of_a_chunk_unharmed() {
    let office = Office::open("chunks", 40, 66_500, 6);
    for position in [65_535, 65_536, 65_537, office.head()] {
        let books =
            office.stage.rt.block_on(trial_balance::trial_balance(&office.stage.pool, position)).unwrap();
        let found: BTreeMap<_, _> =
            books.lines().map(|l| ((l.asset, l.account.to_owned()), (l.debit, l.credit))).collect();
        assert_eq!(found, sums(&office.history.rows, position), "the books at {position}");
    }
    let table = office.table("trial_balance", "");
    let chunks = office.rows::<(i64,)>(&format!("SELECT DISTINCT chunk FROM {table} ORDER BY 1"));
    assert_eq!(chunks, [(0,), (1,)]);
}
