//! An export verifies anywhere, here and in another language; a changed one does not.

use std::path::{Path, PathBuf};

use e2e::{Role, Stage};
use ledger::log::{Row, hex};
use ledger::proofs::export::{Footer, Header, Line};
use proto_events::AccountId;

use crate::auditor::{head, played};

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
    ours_with(stage, file, &[])
}

fn ours_with(stage: &Stage, file: &Path, more: &[&str]) -> (Option<i32>, String) {
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
    let args: Vec<&str> = args.iter().chain(more).copied().collect();
    let out = stage.ledger_command_with(&args, &[("DATABASE_URL", "")]).unwrap();
    (out.status.code(), flat(&String::from_utf8_lossy(&out.stdout)))
}

/// What is folded to 80 columns, on one line.
fn flat(text: &str) -> String {
    assert!(text.lines().all(|line| line.chars().count() <= 80 || !line.trim().contains(' ')), "{text}");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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

/// Who wrote this can hash, and writes events anew: all that the lines say about each other is true.
fn forge(file: &Path, header: impl FnOnce(&mut Header), rows: impl FnOnce(&mut Vec<Row>)) -> PathBuf {
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut forged_header: Header = serde_json::from_str(lines[0]).unwrap();
    header(&mut forged_header);
    let events = lines[1..lines.len() - 1].iter();
    let mut events: Vec<Row> =
        events.map(|line| serde_json::from_str::<Line>(line).unwrap().try_into().unwrap()).collect();
    rows(&mut events);
    let mut hash = ledger::log::from_hex(&forged_header.prev_hash).unwrap();
    events.iter_mut().for_each(|row| hash = row.chain(hash));
    let mut footer: Footer = serde_json::from_str(lines[lines.len() - 1]).unwrap();
    (footer.events, footer.head) = (events.len() as i64, hex(&hash));
    let mut written = vec![serde_json::to_string(&forged_header).unwrap()];
    written.extend(events.into_iter().map(|row| serde_json::to_string(&Line::from(row)).unwrap()));
    written.push(serde_json::to_string(&footer).unwrap());
    let to = file.with_extension("forged");
    std::fs::write(&to, written.join("\n") + "\n").unwrap();
    to
}

/// The catalog's one event once more: it changes no balance, so that it may stand anywhere.
fn once_more(rows: &mut Vec<Row>, before: usize, position: i64) {
    let first = rows.iter().position(|row| row.account() == AccountId::CATALOG).unwrap();
    let (version, recorded_at) = (rows[first].version + 1, rows[before - 1].recorded_at);
    rows.insert(before, Row { position, version, recorded_at, ..rows[first].clone() });
}

/// What puts the leaves out of their places, and so out of the checkpoints' sight.
#[test]
fn an_export_that_was_hashed_anew_does_not_hide_from_checkpoints_behind_its_positions() {
    let stage = played();
    let file = stage.dir().join("log.ndjson");
    let out = stage.ledger_command(&["export", "--ndjson", "-o", file.to_str().unwrap()]).unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    type Forge = (&'static str, fn(&mut Header), fn(&mut Vec<Row>), &'static str);
    let forgeries: [Forge; 5] = [
        ("a position twice", |_| {}, |rows| once_more(rows, 1, 1), "comes once, in order"),
        ("the same, far on", |_| {}, |rows| once_more(rows, 7, 7), "comes once, in order"),
        ("positions that fall back", |_| {}, |rows| once_more(rows, 7, 1), "comes once, in order"),
        (
            "an event behind the end",
            |_| {},
            |rows| once_more(rows, rows.len(), rows.len() as i64 + 1),
            "goes on after the position where its header says that it ends",
        ),
        ("an event before the first", |h| h.prev_hash = "ab".repeat(32), |_| {}, "before position 1"),
    ];
    for (what, header, rows, why) in forgeries {
        let forged = forge(&file, header, |log| {
            log[5].actor = "operator:mallory".to_owned();
            rows(log);
        });
        let (code, said) = ours(&stage, &forged);
        assert!(code == Some(1) && said.contains(why), "ours passed {what}: {said}");
        println!("{what}: {said}");
        let (code, said) = python(&stage, &forged);
        assert_eq!(code, Some(1), "python passed {what}: {said}");
    }
}

#[test]
fn an_export_verifies_here_and_in_another_language_and_a_changed_one_does_not() {
    let stage = played();
    let file = stage.dir().join("log.ndjson");
    let out = stage.ledger_command(&["export", "--ndjson", "-o", file.to_str().unwrap()]).unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    for (who, (code, said)) in [("ours", ours(&stage, &file)), ("python", python(&stage, &file))] {
        assert_eq!(code, Some(0), "{who}: {said}");
        println!("{who}: {said}");
    }
    let lines = std::fs::read_to_string(&file).unwrap().lines().count();
    type Change = (&'static str, usize, fn(&str) -> String);
    let changes: [Change; 6] = [
        ("a column", 2, |l| l.replacen("\"version\":1,", "\"version\":2,", 1)),
        ("a payload", 3, |l| l.replace("welcome", "purchase")),
        ("a missing line", 5, |_| String::new()),
        ("a cut file", usize::MAX, |_| String::new()),
        ("a line behind the last", usize::MAX, |l| format!("{l}\n{l}")),
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
    let out =
        stage.ledger_command(&["export", "--ndjson", "--from", "11", "-o", part.to_str().unwrap()]).unwrap();
    assert!(out.status.success());
    for (who, (code, said)) in [("ours", ours(&stage, &part)), ("python", python(&stage, &part))] {
        assert_eq!(code, Some(0), "{who}: {said}");
    }
    // Without its last events the export is whole in itself; the folder knows better. A part is one too, unless the
    // operator has said where it is meant to end.
    let to = (head(&stage) - 2).to_string();
    for from in ["1", "11"] {
        let short = stage.dir().join("short.ndjson");
        let args = ["export", "--ndjson", "--from", from, "--to", &to, "-o", short.to_str().unwrap()];
        assert!(stage.ledger_command(&args).unwrap().status.success());
        for (who, (code, said)) in [("ours", ours(&stage, &short)), ("python", python(&stage, &short))] {
            assert_eq!(code, Some(1), "{who} passed a log without its tail: {said}");
        }
        // Nothing contradicts it, and it is said what would do; where it is done, it is said that the log goes on.
        let (ends, known) =
            (format!("ends at position {to}"), format!("checkpoints know the log up to {}", head(&stage)));
        let (_, said) = ours(&stage, &short);
        for part in
            ["NOT VERIFIED: nothing contradicts the file", "SHORT", &ends, &known, &format!("--to {to}")]
        {
            assert!(said.contains(part) && !said.contains("WRONG"), "{part}: {said}");
        }
        println!("short: {said}");
        let (code, said) = ours_with(&stage, &short, &["--to", &to]);
        assert_eq!(code, Some(0), "{said}");
        let known = format!("the log goes on, checkpoints know it up to {}.", head(&stage));
        assert!(said.contains(&ends) && said.contains(&known), "{said}");
        println!("short, as was meant: {said}");
        // What lies behind the last checkpoint in it is nobody's word, and that is said, too.
        let vouched = said.contains(&format!("the last at position {to}"));
        assert_ne!(said.contains("could have been written anew"), vouched, "{said}");
        // A contradiction is none the less for that.
        let changed = change_line(&short, 3, |l| l.replacen("\"version\":", "\"version\":1", 1));
        let (code, said) = ours(&stage, &changed);
        assert!(code == Some(1) && said.contains("WRONG") && !said.contains("nothing contradicts"), "{said}");
    }
}

#[test]
fn who_vouches_is_known_where_the_ledger_is_kept_and_else_it_is_said_where_it_is() {
    let stage = played();
    let file = stage.dir().join("vouched.ndjson");
    let file = file.to_str().unwrap();
    let verify = |args: &[&str], env: &[(&str, &str)]| {
        let out = stage.ledger_command_with(args, env).unwrap();
        let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        println!("{said}");
        (out.status.code(), flat(&said))
    };
    assert_eq!(verify(&["export", "--ndjson", "-o", file], &[]).0, Some(0));
    let kept = stage.checkpoints(Role::Ledger).join("checkpoints.txt").display().to_string();
    for args in [&["verify", "--log-only"][..], &["verify", "--file", file]] {
        let (code, said) = verify(args, &[]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("also looked at: {kept}")) && !said.contains("give --"), "{said}");
    }
    let elsewhere = [("CHECKPOINT_KEY_FILE", ""), ("CHECKPOINT_DIR", ""), ("DATABASE_URL", "")];
    let (code, said) = verify(&["verify", "--file", file], &elsewhere);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "not checked: give --vkey KEY, which `ledger checkpoint-key",
        "folder CHECKPOINT_DIR of `ledger serve`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // Who names a key has another log in mind than the one that is kept here.
    let vkey = Stage::vkey().to_string();
    let (code, said) = verify(&["verify", "--file", file, "--vkey", &vkey], &[]);
    assert!(code == Some(0) && !said.contains("also looked at"), "{said}");
    // A log whose first checkpoint is not signed yet is verified without.
    let empty = stage.dir().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let (code, said) = verify(&["verify", "--file", file], &[("CHECKPOINT_DIR", empty.to_str().unwrap())]);
    assert!(code == Some(0) && said.contains("were not looked at"), "{said}");
}
