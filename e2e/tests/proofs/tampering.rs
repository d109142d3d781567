//! Each kind of tampering is found and named: a test a kind, each on its own copy of one log.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use e2e::Stage;
use ledger::log::Row;
use ledger::proofs::merkle::Frontier;
use ledger::proofs::{Checkpoint, SecretKey, SignedCheckpoint};
use ledger::store::{self, Snapshot};
use ledger::verify::{Kind, Options, Report, verify_with};
use ledger_domain::{Account, evolve};
use proto_events::AccountId;
use sqlx::{PgConnection, PgPool};

use crate::auditor::{as_superuser, played, run};

/// A test a line: what is done to the log, and what must be found, (kind, position) among the findings.
macro_rules! tampering {
    ($($name:ident: [$($sql:expr),+ $(,)?] => [$(($kind:ident, $position:expr)),+];)+) => {$(
        #[test]
        fn $name() {
            let tampered = Tampered::new();
            tampered.run(&[$($sql),+]);
            tampered.found(stringify!($name), &[$((Kind::$kind, $position)),+]);
        }
    )+};
}

tampering! {
    a_payload_is_found: ["UPDATE events SET payload = replace(payload, '5', '9') WHERE position = 3"]
        => [(RowChanged, 3), (EffectChanged, 3)];
    a_typed_effect_is_found: ["UPDATE events SET available_delta = 500 WHERE position = 3"]
        => [(RowChanged, 3), (EffectChanged, 3)];
    a_position_is_found: ["UPDATE events SET position = 7000 WHERE position = 7"]
        => [(RowMissing, 7), (PositionChanged, 7000)];
    a_missing_row_is_found: ["DELETE FROM events WHERE position = 9"] => [(RowMissing, 9)];
    two_swapped_rows_are_found: [
        "UPDATE events SET position = 9000 WHERE position = 4",
        "UPDATE events SET position = 4 WHERE position = 8",
        "UPDATE events SET position = 8 WHERE position = 9000",
    ] => [(RowsSwapped, 4), (RowsSwapped, 8)];
    a_forged_checkpoint_is_found: [
        "UPDATE checkpoints SET note = replace(note, 'incarnation 1', 'incarnation 2')",
    ] => [(CheckpointForged, 0)];
    a_stored_node_of_the_tree_is_found: [
        "INSERT INTO tree_nodes VALUES (8, 0, decode(repeat('ab', 32), 'hex'))",
    ] => [(TreeChanged, 1)];
    an_event_of_the_future_is_found: ["UPDATE events SET type = 'CreditsTeleported' WHERE position = 5"]
        => [(UnknownEvent, 5), (RowChanged, 5)];
    a_newer_form_of_an_event_is_found: ["UPDATE events SET schema_version = 9 WHERE position = 6"]
        => [(UnknownEvent, 6), (RowChanged, 6)];
    a_balance_is_found: [
        "UPDATE projections.balances_1 SET available = available + 1 WHERE available > 0",
    ] => [(Projection, 0)];
    // The catalog was published at position 1, and never again.
    a_stored_state_is_found: [
        "UPDATE account_snapshots SET state = jsonb_set(state::jsonb, '{banned}', 'true')::text",
    ] => [(Snapshot, 1)];
    a_stored_state_that_can_not_be_read_is_found: ["UPDATE account_snapshots SET state = '{}'"]
        => [(Snapshot, 1)];
    a_stored_state_that_lags_is_found: ["UPDATE account_snapshots SET version = version - 1"]
        => [(Snapshot, 1)];
    a_missing_stored_state_is_found: ["DELETE FROM account_snapshots WHERE position > 20"]
        => [(Snapshot, 0)];
    a_stored_state_of_nobody_is_found: [
        "INSERT INTO account_snapshots SELECT gen_random_uuid(), 1, 1, format, state FROM account_snapshots LIMIT 1",
    ] => [(Snapshot, 1)];
    stored_states_of_a_longer_log_are_found: ["UPDATE snapshots_through SET position = 9999"]
        => [(Snapshot, 0)];
}

#[test]
fn a_truncated_tail_is_found() {
    let tampered = Tampered::new();
    tampered.run(&[
        "DELETE FROM events WHERE position > (SELECT max(position) - 4 FROM events)",
        "UPDATE log_head SET (position, hash, recorded_at) = \
         (SELECT position, hash, recorded_at FROM events ORDER BY position DESC LIMIT 1)",
        "DELETE FROM checkpoints",
    ]);
    let inside = tampered.log_alone(Options::default());
    assert!(inside.verified, "only what is kept outside can know of a tail that was cut off");
    tampered.found("a truncated tail", &[(Kind::TailMissing, tampered.end() - 3)]);
}

#[test]
fn a_row_hashed_anew_with_all_after_it_is_found() {
    let tampered = Tampered::new();
    tampered.rt(async {
        let mut connection = as_superuser(&tampered.pool).await;
        rehash(&mut connection, &tampered.original.log, 6).await;
        run(&mut connection, &["DELETE FROM checkpoints"]).await;
    });
    let inside = tampered.log_alone(Options::default());
    assert!(inside.verified, "{:#?}", inside.findings);
    // Also when one vouches for nothing, as of a log that was restored before its first event.
    let mut with_nothing = tampered.original.stage.audit();
    with_nothing.outside.push(("another folder".to_owned(), vec![checkpoint_of_nothing()]));
    for options in [tampered.original.stage.audit(), with_nothing] {
        let outside = tampered.log_alone(options);
        let rewritten = outside.findings.iter().find(|f| f.kind == Kind::HistoryRewritten);
        assert!(rewritten.is_some_and(|f| f.position <= 6), "{:#?}", outside.findings);
        println!("a row hashed anew with all after it: {}", rewritten.unwrap());
    }
}

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

fn checkpoint_of_nothing() -> String {
    let key = SecretKey::from_seed(Stage::vkey().name(), [7; 32]).unwrap();
    let (origin, root) = (key.public().name().to_owned(), Frontier::default().root());
    let nothing = Checkpoint { origin, size: 0, root, incarnation: 1, head: [0; 32], time: 0 };
    SignedCheckpoint::new(nothing, &key).note
}

#[test]
fn a_range_is_verified_on_its_own_from_the_tree_before_it() {
    let tampered = Tampered::new();
    let range = |from, to| Options { from: Some(from), to: Some(to), ..Options::default() };
    let part = tampered.log_alone(range(5, 12));
    assert!(part.verified && (part.events, part.to) == (8, 12), "{part:?}");
    tampered.run(&["UPDATE events SET actor = 'operator:mallory' WHERE position = 9"]);
    let part = tampered.log_alone(range(5, 12));
    assert_eq!(
        part.findings.iter().map(|f| (f.kind, f.position)).collect::<Vec<_>>(),
        [(Kind::RowChanged, 9)]
    );
    assert!(tampered.log_alone(range(10, 12)).verified, "before the range");
    let end = tampered.end();
    let beyond = tampered.rt(verify_with(&tampered.pool, &range(end + 1, end + 9), |_, _| {}));
    assert!(beyond.unwrap_err().to_string().contains(&format!("the log has 1 to {end}")));
}

#[test]
fn the_log_itself_is_as_it_should_be_also_with_room_for_one_account_in_memory() {
    let tampered = Tampered::new();
    for accounts_kept in [0, 1] {
        let clean = tampered.verify(Options { accounts_kept, ..tampered.original.stage.audit() });
        assert!(clean.verified, "{:#?}", clean.findings);
        assert_eq!((clean.vouched.cast_signed(), clean.events), (tampered.end(), tampered.end()));
        assert!(
            clean.projections == ledger::projections::ALL.len()
                && clean.snapshots >= 3
                && clean.signatures_checked,
            "{clean:?}"
        );
    }
}

/// The log before anybody has tampered with it: played once for all tests that run at a time.
struct Original {
    stage: Stage,
    log: Vec<Row>,
    copies: AtomicU32,
}

static ORIGINAL: Mutex<Weak<Original>> = Mutex::new(Weak::new());

impl Original {
    fn get() -> Arc<Self> {
        let mut kept = ORIGINAL.lock().unwrap_or_else(PoisonError::into_inner);
        kept.upgrade().unwrap_or_else(|| {
            let stage = played();
            let log = stage.rt.block_on(Stage::log(&stage.pool));
            keep_snapshots(&stage, &log);
            // A database that somebody is connected with can't be copied.
            stage.rt.block_on(stage.pool.close());
            let original = Arc::new(Self { stage, log, copies: AtomicU32::new(0) });
            *kept = Arc::downgrade(&original);
            original
        })
    }

    fn copy(&self) -> PgPool {
        let name = format!("copy_{}", self.copies.fetch_add(1, Ordering::SeqCst));
        let (stage, postgres) = (&self.stage, &self.stage.postgres);
        let from = stage.database();
        postgres.query("postgres", &format!("CREATE DATABASE {name} TEMPLATE {from}")).unwrap();
        stage.rt.block_on(e2e::stage::as_superuser(&postgres.url(&name))).unwrap()
    }
}

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

/// A copy of its own.
struct Tampered {
    original: Arc<Original>,
    pool: PgPool,
}

impl Tampered {
    fn new() -> Self {
        let original = Original::get();
        Self { pool: original.copy(), original }
    }

    fn end(&self) -> i64 {
        self.original.log.len() as i64
    }

    fn rt<T>(&self, work: impl Future<Output = T>) -> T {
        self.original.stage.rt.block_on(work)
    }

    /// As a superuser with triggers off.
    fn run(&self, statements: &[&str]) {
        self.rt(async { run(&mut *as_superuser(&self.pool).await, statements).await });
    }

    fn verify(&self, options: Options) -> Report {
        self.rt(verify_with(&self.pool, &options, |_, _| {})).unwrap()
    }

    /// The log and its checkpoints, without projections.
    fn log_alone(&self, options: Options) -> Report {
        self.verify(Options { log_only: true, ..options })
    }

    /// As an auditor sees it: each of these is among the findings; the first is printed.
    fn found(&self, what: &str, wanted: &[(Kind, i64)]) {
        let beside = wanted.iter().any(|(kind, _)| matches!(kind, Kind::Projection | Kind::Snapshot));
        let report = self.verify(Options { log_only: !beside, ..self.original.stage.audit() });
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
}
