//! A stage with a random history, and every projection at its end.

use std::collections::{BTreeMap, BTreeSet};

use e2e::Stage;
use e2e::dice::Dice;
use e2e::history::{self, History};
use ledger::log::Row;
use ledger::projections;
use ledger::tail::Tail;
use ledger_domain::{Asset, postings};
use proto_events::{Event, Position};
use sqlx::AssertSqlSafe;

/// A stage with a history in its log and every projection at its end. The log came in pieces, and each
/// piece found followers that had nothing in memory.
pub struct Office {
    pub stage: Stage,
    pub history: History,
    pub dice: Dice,
}

impl Office {
    pub fn open(what: &str, people: usize, events: usize, pieces: u64) -> Self {
        let stage = Stage::new().unwrap();
        let mut dice = Dice::new(what);
        let history = History::new(dice.fork(), people, events);
        let mut cuts: BTreeSet<usize> =
            (1..pieces).map(|_| usize::try_from(dice.below(history.rows.len() as u64)).unwrap()).collect();
        cuts.insert(history.rows.len());
        let mut from = 0;
        for cut in cuts {
            let piece = &history.rows[from..cut];
            stage.rt.block_on(async {
                history::append(&stage.pool, piece).await.unwrap();
                follow(&stage, i64::try_from(cut).unwrap()).await;
            });
            from = cut;
        }
        Self { stage, history, dice }
    }

    pub fn head(&self) -> i64 {
        i64::try_from(self.history.rows.len()).unwrap()
    }

    /// The table of a projection that is read.
    pub fn table(&self, name: &str, suffix: &str) -> String {
        let live = self.stage.rt.block_on(projections::live(&self.stage.pool, name)).unwrap();
        live.expect("it is live").0.table(suffix)
    }

    pub fn rows<T>(&self, sql: &str) -> Vec<T>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        let asked = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&self.stage.pool);
        self.stage.rt.block_on(asked).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub fn events(&self) -> impl Iterator<Item = (&Row, Event)> {
        self.history.rows.iter().map(|row| (row, row.event().unwrap()))
    }

    /// Some positions, the ends among them.
    pub fn positions(&mut self, count: usize) -> Vec<i64> {
        let head = self.head();
        let mut some: Vec<i64> =
            (0..count).map(|_| 1 + i64::try_from(self.dice.below(head as u64)).unwrap()).collect();
        some.extend([0, 1, head]);
        some
    }

    pub fn run(&self, args: &[&str]) -> (i32, String) {
        let output = self.stage.ledger_command(args).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.is_empty() || !output.status.success(), "{args:?} said {said}");
        (output.status.code().unwrap(), text + &said)
    }
}

/// Lets new followers of everything fold the log to its end.
async fn follow(stage: &Stage, head: i64) {
    let pool = projections::connect(&stage.database_url()).await.unwrap();
    let (_told, committed) = tokio::sync::watch::channel(Position::new(head).unwrap());
    let tail = Tail::new(stage.pool.clone(), committed);
    let mut followers = tokio::task::JoinSet::new();
    for follower in projections::followers(&pool, &tail) {
        followers.spawn(follower);
    }
    let sql = "SELECT count(*) FROM projection_instances WHERE state = 'live' AND position = $1";
    let failed = "SELECT name, failed_at, failure FROM projection_instances WHERE failure IS NOT NULL";
    let all = i64::try_from(projections::ALL.len()).unwrap();
    tokio::time::timeout(e2e::stage::PATIENCE, async {
        loop {
            let there: i64 = sqlx::query_scalar(sql).bind(head).fetch_one(&stage.pool).await.unwrap();
            if there == all {
                break;
            }
            let broken: Vec<(String, i64, String)> =
                sqlx::query_as(failed).fetch_all(&stage.pool).await.unwrap();
            assert!(broken.is_empty(), "{broken:?}");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the projections catch up");
    followers.shutdown().await;
    pool.close().await;
}

/// The postings of the events up to a position, summed by brute force.
pub fn sums(rows: &[Row], through: i64) -> BTreeMap<(Asset, String), (i64, i64)> {
    let mut sums: BTreeMap<(Asset, String), (i64, i64)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.position <= through) {
        for posting in postings(&row.event().unwrap()) {
            let (debit, credit) = sums.entry((posting.asset, posting.account.into_owned())).or_default();
            if posting.amount > 0 { *debit += posting.amount } else { *credit -= posting.amount }
        }
    }
    sums
}
