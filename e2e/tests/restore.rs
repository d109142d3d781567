//! An old database is restored under a system that went on: refused at the start by whoever remembers, and
//! after a person has accepted it, the log goes on as a new incarnation.

use std::path::Path;
use std::process::Command;

use e2e::deeds::Deeds;
use e2e::hearing::Hearing;
use e2e::people::{Person, said};
use e2e::{Role, Stage};
use ledger::proofs::SignedCheckpoint;
use proto_events::PublishedEvent;
use proto_events::subjects::{CONSUMERS, EVT_STREAM};
use xtask::machine::Stop;

/// With its owners: Postgres insists on them.
fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success(), "cp -a {} {}", from.display(), to.display());
}

fn notes(stage: &Stage) -> Vec<SignedCheckpoint> {
    let notes = stage.notes(Role::Ledger);
    notes.iter().map(|n| SignedCheckpoint::open(n, &[Stage::vkey()]).unwrap()).collect()
}

fn head(stage: &Stage) -> (i64, i64) {
    let sql = "SELECT position, incarnation FROM log_head";
    stage.rt.block_on(sqlx::query_as(sql).fetch_one(&stage.pool)).unwrap()
}

fn wait_vouched(stage: &Stage) {
    stage.until("a checkpoint of the whole log", || {
        let newest = notes(stage).pop()?.checkpoint;
        (newest.size == head(stage).0.unsigned_abs()).then_some(())
    });
}

/// The last event in EVT.
fn evt_end(stage: &Stage) -> Option<PublishedEvent> {
    let client = stage.client("ledger");
    stage.rt.block_on(async {
        let stream = async_nats::jetstream::new(client).get_stream(EVT_STREAM).await.ok()?;
        let last = stream.get_raw_message(stream.cached_info().state.last_sequence).await.ok()?;
        serde_json::from_slice(&last.payload).ok()
    })
}

/// It ends by itself; what it said.
fn refused(stage: &mut Stage, extra: &[(&str, &str)]) -> String {
    stage.spawn(Role::Ledger, extra).unwrap();
    stage.wait_ended(Role::Ledger).expect("it ends by itself");
    let log = std::fs::read_to_string(stage.log_path(Role::Ledger)).unwrap();
    let begin =
        log.rfind("the database is not the one").unwrap_or_else(|| panic!("it did not say why: {log}"));
    log[begin..].to_owned()
}

#[test]
fn an_old_database_is_refused_until_it_is_accepted_and_then_is_a_new_incarnation() {
    let mut stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    let adapters: Vec<Hearing> =
        CONSUMERS.iter().map(|(producer, _)| Hearing::start(&stage, *producer)).collect();
    stage.rt.block_on(deeds.whole_way(1)).unwrap();
    wait_vouched(&stage);
    for adapter in &adapters {
        adapter.assert_all_once(&stage, 0);
        // The backup knows how far they are.
        adapter.until_reported(&stage);
    }
    let data = stage.postgres.data().to_path_buf();
    let backup = data.with_extension("backup");

    assert!(stage.stop(Role::Ledger));
    stage.postgres.stop(Stop::Fast).unwrap();
    copy(&data, &backup);
    stage.postgres.restart().unwrap();
    let (fork, _) = head(&stage);
    stage.start(Role::Ledger, &[]).unwrap();
    stage.rt.block_on(deeds.whole_way(2)).unwrap();
    wait_vouched(&stage);
    let (lost, _) = head(&stage);
    stage.until("the relay to publish it", || {
        evt_end(&stage).filter(|event| event.position.get() == lost).map(drop)
    });
    let acted: Vec<Vec<i64>> = adapters
        .iter()
        .map(|adapter| {
            adapter.assert_all_once(&stage, 0);
            adapter.positions()
        })
        .collect();

    assert!(stage.stop(Role::Ledger));
    stage.postgres.stop(Stop::Fast).unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    std::fs::remove_dir_all(&backup).unwrap();
    stage.postgres.restart().unwrap();
    assert_eq!(head(&stage), (fork, 1), "the old database");

    let said = refused(&mut stage, &[]);
    let missing = format!("{} events are missing", lost - fork);
    for part in
        ["is not the one that was led last", missing.as_str(), "CHECKPOINT", "EVT", "--accept-restore"]
    {
        let said = said.replace("checkpoints-Ledger", "CHECKPOINT");
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    // A folder that was lost, too: NATS remembers.
    let elsewhere = stage.dir().join("another-folder").display().to_string();
    let said = refused(&mut stage, &[("CHECKPOINT_DIR", &elsewhere)]);
    assert!(said.contains("in NATS knows the log up to") && !said.contains("checkpoints-Ledger"), "{said}");
    assert_eq!(head(&stage), (fork, 1), "nothing was changed");
    assert_eq!(evt_end(&stage).unwrap().position.get(), lost, "the stream was left alone");

    stage.spawn_with(Role::Ledger, &["serve", "--accept-restore", "the disk died"], &[]).unwrap();
    stage.wait_ready(Role::Ledger).unwrap();
    let done = stage.rt.block_on(deeds.whole_way(2)).unwrap();
    assert!(done.get() > fork);
    assert_eq!(head(&stage).1, 2);
    let end = stage.until("the new log in EVT", || {
        evt_end(&stage).filter(|event| event.incarnation == 2 && event.position.get() == head(&stage).0)
    });
    assert_eq!(end.incarnation, 2, "every envelope names the incarnation");
    wait_vouched(&stage);
    let kept = notes(&stage);
    let first = kept.iter().find(|c| c.checkpoint.incarnation == 2).unwrap();
    assert_eq!(first.checkpoint.size, fork.unsigned_abs(), "it says where the old log was left");
    assert!(kept.iter().any(|c| c.checkpoint.incarnation == 1 && c.checkpoint.size == lost.unsigned_abs()));

    // Positions that were told before are told again, since they are other events now; no event twice.
    for (adapter, acted) in adapters.into_iter().zip(acted) {
        let wanted = adapter.wanted(&stage, fork);
        stage.until("the adapters to be told of the new log", || {
            (adapter.positions_of(2).len() >= wanted.len()).then_some(())
        });
        assert_eq!((adapter.positions_of(1), adapter.positions_of(2)), (acted, wanted));
        adapter.finish(&stage);
    }

    // Started again without a word it goes on; and the old checkpoints are no complaint.
    assert!(stage.stop(Role::Ledger));
    stage.start(Role::Ledger, &[]).unwrap();
    stage.rt.block_on(deeds.whole_way(3)).unwrap();
    wait_vouched(&stage);
    let report = stage.verify();
    assert!(report.verified, "{:#?}", report.findings);
    assert!(report.superseded > 0 && report.vouched == head(&stage).0.unsigned_abs(), "{report:?}");
}

/// What the bot has heard of a log that was given up, it forgets, however short the new one is.
#[test]
fn a_running_bot_says_what_the_log_says_that_was_restored() {
    const ADA: Person = Person(7801);
    let mut stage = Stage::whole().unwrap();
    let sets = |stage: &Stage, key: &str, words: &str| {
        let set = stage.ledger_command(&["texts", "set", key, "en", words, "--yes"]).unwrap();
        assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    };
    let says = |stage: &Stage, command: &str, words: &str| {
        stage.until(words, || {
            let asked = stage.write(ADA, command);
            let answer = stage.wait_for(ADA, command, |m| m["message_id"].as_i64() > Some(asked));
            said(&answer, words).then_some(())
        });
    };
    stage.write(ADA, "/start");
    stage.wait_for(ADA, "the welcome", |_| true);
    stage.until("the bot's texts", || {
        let sql = "SELECT count(*) > 150 FROM builtin_texts";
        stage.sql::<bool>(sqlx::query_scalar(sql).fetch_one(&stage.pool)).then_some(())
    });
    sets(&stage, "unknown-command", "What was said before");
    wait_vouched(&stage);
    let data = stage.postgres.data().to_path_buf();
    let backup = data.with_extension("backup");
    assert!(stage.stop(Role::Ledger));
    stage.postgres.stop(Stop::Fast).unwrap();
    copy(&data, &backup);
    stage.postgres.restart().unwrap();
    stage.start(Role::Ledger, &[]).unwrap();
    for n in 0..20 {
        sets(&stage, "unknown-command", &format!("What is lost {n}"));
    }
    sets(&stage, "terms", "Lost terms");
    says(&stage, "/terms", "Lost terms");
    says(&stage, "/dance", "What is lost 19");
    wait_vouched(&stage);
    let (lost, _) = head(&stage);

    assert!(stage.stop(Role::Ledger));
    stage.postgres.stop(Stop::Fast).unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    std::fs::remove_dir_all(&backup).unwrap();
    stage.postgres.restart().unwrap();
    stage.spawn_with(Role::Ledger, &["serve", "--accept-restore", "the disk died"], &[]).unwrap();
    stage.wait_ready(Role::Ledger).unwrap();
    says(&stage, "/terms", "You buy credits");
    says(&stage, "/dance", "What was said before");
    sets(&stage, "unknown-command", "What is said now");
    says(&stage, "/dance", "What is said now");
    assert!(head(&stage).0 < lost, "the log is shorter than what the bot had heard of");
}

/// The process died between the acceptance and the end of the old stream, which was empty besides.
#[test]
fn an_empty_stream_of_an_incarnation_that_was_given_up_stops_neither_the_ledger_nor_its_relay() {
    let mut stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(deeds.whole_way(1)).unwrap();
    assert!(stage.stop(Role::Ledger));
    let (beyond, client) = (head(&stage).0 + 50, stage.client("ledger"));
    let end = stage.rt.block_on(async {
        let context = async_nats::jetstream::new(client);
        let mut old = context.get_stream(EVT_STREAM).await.unwrap().cached_info().config.clone();
        context.delete_stream(EVT_STREAM).await.unwrap();
        old.first_sequence = Some(beyond.unsigned_abs() + 1);
        context.create_stream(old).await.unwrap().cached_info().state.last_sequence
    });
    assert_eq!(end, beyond.unsigned_abs());
    let said = refused(&mut stage, &[]);
    assert!(said.contains("(now empty) event stream EVT knows the log up to"), "{said}");

    let accepted = sqlx::query("UPDATE log_head SET incarnation = 2").execute(&stage.pool);
    stage.rt.block_on(accepted).unwrap();
    stage.start(Role::Ledger, &[]).unwrap();
    stage.rt.block_on(deeds.whole_way(2)).unwrap();
    stage.until("the new log in EVT", || {
        evt_end(&stage).filter(|event| event.incarnation == 2 && event.position.get() == head(&stage).0)
    });
}

#[test]
fn a_key_that_is_missing_or_no_key_is_listed_with_all_else_that_is_wrong() {
    let stage = Stage::new().unwrap();
    let out = stage
        .ledger_command_with(&["serve"], &[("CHECKPOINT_KEY_FILE", ""), ("CHECKPOINT_EVERY_EVENTS", "0")])
        .unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2));
    for part in
        ["CHECKPOINT_KEY_FILE: is missing", "CHECKPOINT_EVERY_EVENTS: must be", "ledger checkpoint-key"]
    {
        assert!(said.contains(part), "{said}");
    }
    let file = stage.dir().join("made.key");
    let made = stage.ledger_command(&["checkpoint-key", file.to_str().unwrap(), "--json"]).unwrap();
    let again = stage.ledger_command(&["checkpoint-key", file.to_str().unwrap(), "--json"]).unwrap();
    let vkey = |out: &std::process::Output| {
        serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap()["vkey"].as_str().unwrap().to_owned()
    };
    assert_eq!(vkey(&made), vkey(&again), "a key that is there is shown, never replaced");
    assert!(!String::from_utf8(made.stdout).unwrap().contains("PRIVATE"));
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}
