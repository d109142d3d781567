//! An export verifies anywhere, here and in another language; a changed one does not.

use std::path::{Path, PathBuf};

use e2e::{Role, Stage};

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
