//! Proofs over a real log: each kind of tampering is found and named; checkpoints are kept in three places;
//! an export verifies anywhere, also by a program in another language that was written from
//! docs/PROOFS.md alone.

use std::path::{Path, PathBuf};

use e2e::deeds::Deeds;
use e2e::{Role, Stage};
use ledger::log::Row;
use ledger::proofs::{SignedCheckpoint, notes_in, remote};
use ledger::verify::{Kind, Options, Report, verify_with};
use sqlx::PgConnection;

/// A log of two people, stopped, with a checkpoint at its end in all places.
fn played() -> Stage {
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

fn head(stage: &Stage) -> i64 {
    stage.rt.block_on(sqlx::query_scalar("SELECT position FROM log_head").fetch_one(&stage.pool)).unwrap()
}

fn notes(stage: &Stage) -> Vec<String> {
    let file = stage.checkpoints(Role::Ledger).join("checkpoints.txt");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    notes_in(&text).0.into_iter().map(str::to_owned).collect()
}

/// Waits until a checkpoint in the folder vouches for the whole log.
fn vouched(stage: &Stage) -> SignedCheckpoint {
    stage.until("a checkpoint of the whole log", || {
        let newest = SignedCheckpoint::open(notes(stage).last()?, &[Stage::vkey()]).unwrap();
        (newest.checkpoint.size == head(stage).unsigned_abs()).then_some(newest)
    })
}

/// As an auditor verifies: with the checkpoints of the folder, and the public key.
fn audit(stage: &Stage) -> Report {
    let outside = vec![("the folder".to_owned(), notes(stage))];
    let options = Options { keys: vec![Stage::vkey()], outside, ..Options::default() };
    stage.rt.block_on(verify_with(&stage.pool, &options, |_, _| {})).unwrap()
}

async fn run(connection: &mut PgConnection, statements: &[&'static str]) {
    for sql in statements {
        sqlx::raw_sql(*sql).execute(&mut *connection).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

/// Triggers and keys off for this session, as only a superuser can.
async fn as_superuser(stage: &Stage) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
    let mut connection = stage.pool.acquire().await.unwrap();
    run(&mut connection, &["SET session_replication_role = replica"]).await;
    connection
}

/// A payload is changed, and the row and all after it are hashed anew, with a new head.
async fn rehash(connection: &mut PgConnection, log: &[Row], from: i64) {
    let mut log = log.to_vec();
    let mut hash = [0; 32];
    for row in &mut log {
        if row.position == from {
            row.recorded_at += 1;
        }
        hash = if row.position >= from { row.chain(hash) } else { row.hash };
        sqlx::query("UPDATE events SET recorded_at = $1, prev_hash = $2, hash = $3 WHERE position = $4")
            .bind(row.recorded_at)
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
        &[(Kind::RowChanged, 5), (Kind::UnknownEvent, 5)],
    ),
    (
        "a balance",
        &["UPDATE projections.balances_1 SET available = available + 1 WHERE available > 0"],
        &[(Kind::Projection, 0)],
    ),
];

#[test]
fn each_kind_of_tampering_is_found_and_named() {
    let stage = played();
    let clean = audit(&stage);
    assert!(clean.verified, "{:#?}", clean.findings);
    let end = head(&stage);
    assert_eq!((clean.vouched.cast_signed(), clean.events), (end, end));
    assert!(clean.projections >= 2 && clean.signatures_checked);
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    stage.rt.block_on(async {
        let keep = [
            "CREATE TABLE kept AS TABLE events",
            "CREATE TABLE kept_head AS TABLE log_head",
            "CREATE TABLE kept_checkpoints AS TABLE checkpoints",
        ];
        run(&mut *as_superuser(&stage).await, &keep).await;
    });
    let undo = || {
        stage.rt.block_on(async {
            let back = [
                "TRUNCATE events, log_head, checkpoints, tree_nodes",
                "INSERT INTO events SELECT * FROM kept; INSERT INTO log_head SELECT * FROM kept_head",
                "INSERT INTO checkpoints SELECT * FROM kept_checkpoints",
            ];
            run(&mut *as_superuser(&stage).await, &back).await;
        });
    };
    let found = |what: &str, wanted: &[(Kind, i64)]| {
        let report = audit(&stage);
        assert!(!report.verified, "{what} was not found");
        for (kind, position) in wanted {
            let named = report.findings.iter().any(|f| f.kind == *kind && f.position == *position);
            assert!(named, "{what}: {kind:?} at {position} is not among {:#?}", report.findings);
        }
        println!("{what}: {}", report.findings[0]);
    };
    for (what, statements, wanted) in CASES {
        stage.rt.block_on(async { run(&mut *as_superuser(&stage).await, statements).await });
        found(what, wanted);
        undo();
        if *what == "a balance" {
            let back = "UPDATE projections.balances_1 SET available = available - 1 WHERE available > 0";
            stage.rt.block_on(async { run(&mut *as_superuser(&stage).await, &[back]).await });
        }
    }

    stage.rt.block_on(async {
        let cut = [
            "DELETE FROM events WHERE position > (SELECT max(position) - 4 FROM events)",
            "UPDATE log_head SET (position, hash, recorded_at) = \
             (SELECT position, hash, recorded_at FROM events ORDER BY position DESC LIMIT 1)",
            "DELETE FROM checkpoints",
        ];
        run(&mut *as_superuser(&stage).await, &cut).await;
    });
    let inside = stage.rt.block_on(verify_with(
        &stage.pool,
        &Options { log_only: true, ..Options::default() },
        |_, _| {},
    ));
    assert!(inside.unwrap().verified, "only what is kept outside can know of a tail that was cut off");
    found("a truncated tail", &[(Kind::TailMissing, end - 3)]);
    undo();

    stage.rt.block_on(async {
        let mut connection = as_superuser(&stage).await;
        rehash(&mut connection, &log, 6).await;
        run(&mut connection, &["DELETE FROM checkpoints"]).await;
    });
    let outside = audit(&stage);
    let rewritten = outside.findings.iter().find(|f| f.kind == Kind::HistoryRewritten);
    assert!(rewritten.is_some_and(|f| f.position <= 6), "{:#?}", outside.findings);
    println!("a row hashed anew with all after it: {}", rewritten.unwrap());
    undo();
    let clean = audit(&stage);
    assert!(clean.verified, "{:#?}", clean.findings);
}

#[test]
fn checkpoints_are_kept_in_three_places_and_prove_what_is_asked() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(deeds.whole_way(1)).unwrap();
    let first = vouched(&stage);
    stage.rt.block_on(deeds.whole_way(2)).unwrap();
    let newest = vouched(&stage);
    let stored: Vec<String> = stage
        .rt
        .block_on(sqlx::query_scalar("SELECT note FROM checkpoints ORDER BY size").fetch_all(&stage.pool))
        .unwrap();
    assert_eq!(stored, notes(&stage), "the database and the folder hold the same");
    let client = stage.client("ledger");
    stage.until("the newest in NATS", || {
        let found = stage.rt.block_on(remote::newest(&client)).unwrap();
        (found.as_deref() == Some(newest.note.as_str())).then_some(())
    });

    let vkey = Stage::vkey().to_string();
    let proof = stage.dir().join("proof.json");
    let (old, last) = (first.checkpoint.size.to_string(), newest.checkpoint.size.to_string());
    for args in [
        vec!["prove", "inclusion", "3", "--json"],
        vec!["prove", "inclusion", last.as_str(), "--json"],
        vec!["prove", "consistency", "--from", old.as_str(), "--json"],
    ] {
        let out = stage.cli(&args, &[]).unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        std::fs::write(&proof, &out.stdout).unwrap();
        let check = ["prove", "check", proof.to_str().unwrap(), "--vkey", &vkey];
        // Offline: no database is named.
        let checked = stage.cli(&check, &[("DATABASE_URL", "")]).unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        // One digit of a hash in the path, or of the event.
        let text = String::from_utf8(out.stdout).unwrap();
        let at = text.find("\"path\":[\"").unwrap() + 9;
        let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
        std::fs::write(&proof, format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
        assert_eq!(stage.cli(&check, &[]).unwrap().status.code(), Some(1), "a damaged proof passed");
    }
    let human = stage.cli(&["prove", "inclusion", "3"], &[]).unwrap();
    let human = String::from_utf8(human.stdout).unwrap();
    assert!(
        human.lines().filter(|l| !l.starts_with('\u{2014}')).all(|l| l.chars().count() <= 100),
        "{human}"
    );
    let beyond = stage.cli(&["prove", "inclusion", "99999"], &[]).unwrap();
    assert_eq!(beyond.status.code(), Some(2));
}

fn python(stage: &Stage, file: &Path) -> (Option<i32>, String) {
    let script = xtask::machine::paths::root().join("e2e/tests/verifier/verify.py");
    let out = std::process::Command::new("python3")
        .arg(script)
        .arg(file)
        .args(["--vkey", &Stage::vkey().to_string(), "--checkpoints"])
        .arg(stage.checkpoints(Role::Ledger).join("checkpoints.txt"))
        .output()
        .expect("this test needs python3 (3.9 or newer)");
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    (out.status.code(), said)
}

fn ours(stage: &Stage, file: &Path) -> (Option<i32>, String) {
    let (folder, vkey) = (stage.checkpoints(Role::Ledger), Stage::vkey().to_string());
    let args = [
        "verify",
        "--file",
        file.to_str().unwrap(),
        "--vkey",
        &vkey,
        "--checkpoints",
        folder.to_str().unwrap(),
    ];
    let out = stage.cli(&args, &[("DATABASE_URL", "")]).unwrap();
    (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
}

fn change_line(file: &Path, n: usize, change: impl FnOnce(&str) -> String) -> PathBuf {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let changed = change(&lines[n]);
    assert_ne!(changed, lines[n], "nothing was changed");
    lines[n] = changed;
    let to = file.with_extension("changed");
    std::fs::write(&to, lines.join("\n") + "\n").unwrap();
    to
}

#[test]
fn an_export_verifies_here_and_in_another_language_and_a_changed_one_does_not() {
    let stage = played();
    let file = stage.dir().join("log.ndjson");
    let out = stage.cli(&["export", "--ndjson", "-o", file.to_str().unwrap()], &[]).unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    for (who, (code, said)) in [("ours", ours(&stage, &file)), ("python", python(&stage, &file))] {
        assert_eq!(code, Some(0), "{who}: {said}");
        println!("{who}: {said}");
    }
    let lines = std::fs::read_to_string(&file).unwrap().lines().count();
    type Change = (&'static str, usize, fn(&str) -> String);
    let changes: [Change; 5] = [
        ("a column", 2, |l| l.replacen("\"version\":1,", "\"version\":2,", 1)),
        ("a payload", 3, |l| l.replace("welcome", "purchase")),
        ("a missing line", 5, |_| String::new()),
        ("a cut file", usize::MAX, |_| String::new()),
        ("a checkpoint", 0, |l| l.replacen("incarnation 1", "incarnation 3", 1)),
    ];
    for (what, n, change) in changes {
        let changed = change_line(&file, n.min(lines - 1), change);
        let text = std::fs::read_to_string(&changed).unwrap().replace("\n\n", "\n");
        std::fs::write(&changed, text).unwrap();
        for (who, (code, said)) in [("ours", ours(&stage, &changed)), ("python", python(&stage, &changed))] {
            assert_eq!(code, Some(1), "{who} passed {what}: {said}");
        }
    }
    // A part of the log has the tree before it, so its checkpoints are checked, too.
    let part = stage.dir().join("part.ndjson");
    let out = stage.cli(&["export", "--ndjson", "--from", "11", "-o", part.to_str().unwrap()], &[]).unwrap();
    assert!(out.status.success());
    for (who, (code, said)) in [("ours", ours(&stage, &part)), ("python", python(&stage, &part))] {
        assert_eq!(code, Some(0), "{who}: {said}");
    }
    // Without its last events the export is whole in itself; the folder knows better.
    let short = stage.dir().join("short.ndjson");
    let to = (head(&stage) - 2).to_string();
    let out = stage.cli(&["export", "--ndjson", "--to", &to, "-o", short.to_str().unwrap()], &[]).unwrap();
    assert!(out.status.success());
    for (who, (code, said)) in [("ours", ours(&stage, &short)), ("python", python(&stage, &short))] {
        assert_eq!(code, Some(1), "{who} passed a log without its tail: {said}");
    }
}
