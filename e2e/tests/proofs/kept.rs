//! Checkpoints in three places, and what they prove.

use e2e::deeds::Deeds;
use e2e::{Role, Stage};
use ledger::proofs::remote;

use crate::auditor::vouched;

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
    assert_eq!(stored, stage.notes(Role::Ledger), "the database and the folder hold the same");
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
        let out = stage.ledger_command(&args).unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        std::fs::write(&proof, &out.stdout).unwrap();
        let check = ["prove", "check", proof.to_str().unwrap(), "--vkey", &vkey];
        // Offline: no database is named.
        let checked = stage.ledger_command_with(&check, &[("DATABASE_URL", "")]).unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        // One digit of a hash in the path, or of the event.
        let text = String::from_utf8(out.stdout).unwrap();
        let at = text.find("\"path\":[\"").unwrap() + 9;
        let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
        std::fs::write(&proof, format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
        assert_eq!(stage.ledger_command(&check).unwrap().status.code(), Some(1), "a damaged proof passed");
    }
    let human = stage.ledger_command(&["prove", "inclusion", "3"]).unwrap();
    let human = String::from_utf8(human.stdout).unwrap();
    assert!(
        human.lines().filter(|l| !l.starts_with("  \u{2014}")).all(|l| l.chars().count() <= 80),
        "{human}"
    );
    let beyond = stage.ledger_command(&["prove", "inclusion", "99999"]).unwrap();
    assert_eq!(beyond.status.code(), Some(2));
}
