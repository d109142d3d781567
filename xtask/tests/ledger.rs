//! `cargo xtask ledger` with nothing running: what needs no database becomes the ledger's program, the rest is refused.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use xtask::machine::Scratch;

/// Says what it was told.
const PROGRAM: &str =
    "#!/bin/sh\necho \"told $* by $CHECKPOINT_DIR, $CHECKPOINT_KEY_FILE, $DATABASE_URL.\"\n";

#[test]
fn what_needs_no_database_is_run_with_nothing_up() {
    let data = Scratch::new("ledger-alone").unwrap();
    std::fs::create_dir(data.path().join("bin")).unwrap();
    let program = data.path().join("bin/ledger");
    std::fs::write(&program, PROGRAM).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let run = |words: &[&str]| -> Output {
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        for name in ["CHECKPOINT_DIR", "CHECKPOINT_KEY_FILE", "DATABASE_URL"] {
            xtask.env_remove(name);
        }
        xtask.env("PLANTAIN_DATA", data.path()).arg("ledger").args(words).output().unwrap()
    };
    let said = |words: &[&str]| String::from_utf8(run(words).stdout).unwrap();
    assert_eq!(said(&["--help"]), "told --help by , , .\n");
    assert_eq!(said(&[]), "told --help by , , .\n");
    assert_eq!(said(&["verify", "--help"]), "told verify --help by , , .\n");
    // Who vouches for the log that was kept here is told.
    let (dir, key) = (data.path().join("ledger/checkpoints"), data.path().join("keys/checkpoint.key"));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(&key, "").unwrap();
    let wanted = format!("told verify --file log.ndjson by {}, {}, .\n", dir.display(), key.display());
    assert_eq!(said(&["verify", "--file", "log.ndjson"]), wanted);
    for words in [&["verify"][..], &["statement", "telegram:1"]] {
        let refused = run(words);
        assert!(!refused.status.success() && refused.stdout.is_empty());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("nothing is running; `cargo xtask up`"));
    }
}
