//! Each kind of tampering is found and named.

use std::collections::BTreeMap;

use e2e::Stage;
use ledger::log::Row;
use ledger::proofs::merkle::Frontier;
use ledger::proofs::{Checkpoint, SecretKey, SignedCheckpoint};
use ledger::store::{self, Snapshot};
use ledger::verify::{Kind, Options, Report, verify_with};
use ledger_domain::{Account, evolve};
use proto_events::AccountId;
use sqlx::PgConnection;

use crate::auditor::{as_superuser, audit, audit_with, notes, played, run};

/// Who did it is changed, and the row and all after it are hashed anew, with a new head.
async fn rehash(connection: &mut PgConnection, log: &[Row], from: i64) {
    let mut log = log.to_vec();
    let mut hash = [0; 32];
    for row in &mut log {
        if row.position == from {
            row.actor = "operator:mallory".to_owned();
        }
        hash = if row.position >= from { row.chain(hash) } else { row.hash };
        sqlx::query("UPDATE events SET actor = $1, prev_hash = $2, hash = $3 WHERE position = $4")
            .bind(&row.actor)
            .bind(row.prev_hash.as_slice())
            .bind(row.hash.as_slice())
            .bind(row.position)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    let moved = sqlx::query("UPDATE log_head SET hash = $1").bind(hash.as_slice()).execute(connection).await;
    moved.unwrap();
}

/// What is done to the log, and what must be found: (kind, position) among the findings.
type Case = (&'static str, &'static [&'static str], &'static [(Kind, i64)]);

const CASES: &[Case] = &[
    (
        "a payload",
        &["UPDATE events SET payload = replace(payload, '5', '9') WHERE position = 3"],
        &[(Kind::RowChanged, 3), (Kind::EffectChanged, 3)],
    ),
    (
        "a typed effect",
        &["UPDATE events SET available_delta = 500 WHERE position = 3"],
        &[(Kind::RowChanged, 3), (Kind::EffectChanged, 3)],
    ),
    (
        "a position",
        &["UPDATE events SET position = 7000 WHERE position = 7"],
        &[(Kind::RowMissing, 7), (Kind::PositionChanged, 7000)],
    ),
    ("a missing row", &["DELETE FROM events WHERE position = 9"], &[(Kind::RowMissing, 9)]),
    (
        "two swapped rows",
        &[
            "UPDATE events SET position = 9000 WHERE position = 4",
            "UPDATE events SET position = 4 WHERE position = 8",
            "UPDATE events SET position = 8 WHERE position = 9000",
        ],
        &[(Kind::RowsSwapped, 4), (Kind::RowsSwapped, 8)],
    ),
    (
        "a forged checkpoint",
        &["UPDATE checkpoints SET note = replace(note, 'incarnation 1', 'incarnation 2')"],
        &[(Kind::CheckpointForged, 0)],
    ),
    (
        "a stored node of the tree",
        &["INSERT INTO tree_nodes VALUES (8, 0, decode(repeat('ab', 32), 'hex'))"],
        &[(Kind::TreeChanged, 1)],
    ),
    (
        "an event of the future",
        &["UPDATE events SET type = 'CreditsTeleported' WHERE position = 5"],
        &[(Kind::UnknownEvent, 5), (Kind::RowChanged, 5)],
    ),
    (
        "a newer form of an event",
        &["UPDATE events SET schema_version = 9 WHERE position = 6"],
        &[(Kind::UnknownEvent, 6), (Kind::RowChanged, 6)],
    ),
    (
        "a balance",
        &["UPDATE projections.balances_1 SET available = available + 1 WHERE available > 0"],
        &[(Kind::Projection, 0)],
    ),
    (
        "a stored state",
        &["UPDATE account_snapshots SET state = jsonb_set(state::jsonb, '{banned}', 'true')::text"],
        SNAPSHOT,
    ),
    ("a stored state that can't be read", &["UPDATE account_snapshots SET state = '{}'"], SNAPSHOT),
    ("a stored state that lags", &["UPDATE account_snapshots SET version = version - 1"], SNAPSHOT),
    (
        "a missing stored state",
        &["DELETE FROM account_snapshots WHERE position > 20"],
        &[(Kind::Snapshot, 0)],
    ),
    (
        "a stored state of nobody",
        &[
            "INSERT INTO account_snapshots SELECT gen_random_uuid(), 1, 1, format, state FROM account_snapshots LIMIT 1",
        ],
        &[(Kind::Snapshot, 1)],
    ),
    (
        "stored states of a longer log",
        &["UPDATE snapshots_through SET position = 9999"],
        &[(Kind::Snapshot, 0)],
    ),
];

/// The catalog was published at position 1, and never again.
const SNAPSHOT: &[(Kind, i64)] = &[(Kind::Snapshot, 1)];

/// What the ledger would keep of these accounts after some time.
fn keep_snapshots(stage: &Stage, log: &[Row]) {
    let mut states: BTreeMap<AccountId, (Account, i64)> = BTreeMap::new();
    for row in log {
        let (state, position) = states.entry(row.account()).or_default();
        (*state, *position) = (evolve(std::mem::take(state), &row.event().unwrap()), row.position);
    }
    let kept: Vec<Snapshot> = states
        .into_iter()
        .map(|(account, (state, position))| {
            let (version, state) = (state.version(), serde_json::to_string(&state).unwrap());
            Snapshot { account, version, position, state }
        })
        .collect();
    stage.rt.block_on(async {
        store::reset_snapshots(&stage.pool).await.unwrap();
        assert!(store::write_snapshots(&stage.pool, 0, log.len() as i64, &kept).await.unwrap());
    });
}

/// What tampering changes, and so what is put back after each.
const TABLES: [&str; 7] = [
    "events",
    "log_head",
    "checkpoints",
    "tree_nodes",
    "projections.balances_1",
    "account_snapshots",
    "snapshots_through",
];

struct Tampered {
    stage: Stage,
    log: Vec<Row>,
}

impl Tampered {
    fn new() -> Self {
        let stage = played();
        let log = stage.rt.block_on(Stage::log(&stage.pool));
        keep_snapshots(&stage, &log);
        let tampered = Self { stage, log };
        for (n, table) in TABLES.iter().enumerate() {
            tampered.run(&[&format!("CREATE TABLE kept_{n} AS TABLE {table}")]);
        }
        tampered
    }

    /// As a superuser with triggers off.
    fn run(&self, statements: &[&str]) {
        self.stage.rt.block_on(async { run(&mut *as_superuser(&self.stage).await, statements).await });
    }

    fn undo(&self) {
        for (n, table) in TABLES.iter().enumerate() {
            self.run(&[&format!("TRUNCATE {table}; INSERT INTO {table} SELECT * FROM kept_{n}")]);
        }
    }

    /// As an auditor sees it: each of these is among the findings; the first is printed.
    fn found(&self, what: &str, wanted: &[(Kind, i64)]) {
        let beside = wanted.iter().any(|(kind, _)| matches!(kind, Kind::Projection | Kind::Snapshot));
        let report = audit_with(&self.stage, !beside);
        assert!(!report.verified, "{what} was not found");
        for (kind, position) in wanted {
            let named = report.findings.iter().any(|f| f.kind == *kind && f.position == *position);
            assert!(named, "{what}: {kind:?} at {position} is not among {:#?}", report.findings);
        }
        let named = report
            .findings
            .iter()
            .find(|f| wanted.iter().any(|(kind, at)| (f.kind, f.position) == (*kind, *at)));
        println!("{what}: {}", named.unwrap_or(&report.findings[0]));
    }

    fn assert_clean(&self) -> Report {
        let clean = audit(&self.stage);
        assert!(clean.verified, "{:#?}", clean.findings);
        clean
    }
}

#[test]
fn each_kind_of_tampering_is_found_and_named() {
    let tampered = Tampered::new();
    let (clean, end) = (tampered.assert_clean(), tampered.log.len() as i64);
    assert_eq!((clean.vouched.cast_signed(), clean.events), (end, end));
    assert!(clean.projections == 11 && clean.snapshots >= 3 && clean.signatures_checked, "{clean:?}");
    for (what, statements, wanted) in CASES {
        tampered.run(statements);
        tampered.found(what, wanted);
        tampered.undo();
    }

    tampered.run(&[
        "DELETE FROM events WHERE position > (SELECT max(position) - 4 FROM events)",
        "UPDATE log_head SET (position, hash, recorded_at) = \
         (SELECT position, hash, recorded_at FROM events ORDER BY position DESC LIMIT 1)",
        "DELETE FROM checkpoints",
    ]);
    let inside = log_alone(&tampered.stage, Options::default());
    assert!(inside.verified, "only what is kept outside can know of a tail that was cut off");
    tampered.found("a truncated tail", &[(Kind::TailMissing, end - 3)]);
    tampered.undo();

    tampered.stage.rt.block_on(async {
        let mut connection = as_superuser(&tampered.stage).await;
        rehash(&mut connection, &tampered.log, 6).await;
        run(&mut connection, &["DELETE FROM checkpoints"]).await;
    });
    let inside = log_alone(&tampered.stage, Options::default());
    assert!(inside.verified, "{:#?}", inside.findings);
    // Also when one vouches for nothing, as of a log that was restored before its first event.
    let (keys, outside) =
        (vec![Stage::vkey()], vec![("the folder".to_owned(), nothing_and(&tampered.stage))]);
    let outside = log_alone(&tampered.stage, Options { keys, outside, ..Options::default() });
    let rewritten = outside.findings.iter().find(|f| f.kind == Kind::HistoryRewritten);
    assert!(rewritten.is_some_and(|f| f.position <= 6), "{:#?}", outside.findings);
    println!("a row hashed anew with all after it: {}", rewritten.unwrap());
    tampered.undo();

    // A range is verified on its own, from the tree before it.
    let range = |from, to| Options { from: Some(from), to: Some(to), ..Options::default() };
    let part = log_alone(&tampered.stage, range(5, 12));
    assert!(part.verified && (part.events, part.to) == (8, 12), "{part:?}");
    tampered.run(&["UPDATE events SET actor = 'operator:mallory' WHERE position = 9"]);
    let part = log_alone(&tampered.stage, range(5, 12));
    assert_eq!(
        part.findings.iter().map(|f| (f.kind, f.position)).collect::<Vec<_>>(),
        [(Kind::RowChanged, 9)]
    );
    assert!(log_alone(&tampered.stage, range(10, 12)).verified, "before the range");
    let beyond =
        tampered.stage.rt.block_on(verify_with(&tampered.stage.pool, &range(end + 1, end + 9), |_, _| {}));
    assert!(beyond.unwrap_err().to_string().contains(&format!("the log has 1 to {end}")));
    tampered.undo();

    // With room for one account in memory, it comes to the same.
    let options = Options { accounts_kept: 1, ..Options::default() };
    let report = tampered.stage.rt.block_on(verify_with(&tampered.stage.pool, &options, |_, _| {})).unwrap();
    assert!(report.verified && report.snapshots == clean.snapshots, "{:#?}", report.findings);
    tampered.assert_clean();
}

/// The folder's checkpoints, and one of size 0.
fn nothing_and(stage: &Stage) -> Vec<String> {
    let key = SecretKey::from_seed(Stage::vkey().name(), [7; 32]).unwrap();
    let (origin, root) = (key.public().name().to_owned(), Frontier::default().root());
    let nothing = Checkpoint { origin, size: 0, root, incarnation: 1, head: [0; 32], time: 0 };
    notes(stage).into_iter().chain([SignedCheckpoint::new(nothing, &key).note]).collect()
}

/// The log and the checkpoints in the database, without projections.
fn log_alone(stage: &Stage, options: Options) -> Report {
    let options = Options { log_only: true, ..options };
    stage.rt.block_on(verify_with(&stage.pool, &options, |_, _| {})).unwrap()
}
