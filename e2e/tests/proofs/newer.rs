//! A log that a newer version has written on: this one refuses to guess, says which version knows it, and
//! serves whom it can.

use std::time::Duration;

use e2e::deeds::Deeds;
use e2e::{Role, Stage};
use ledger::verify::Kind;

use crate::auditor::{as_superuser, played, run};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn change(stage: &Stage, sql: &str) {
    stage.rt.block_on(async { run(&mut *as_superuser(&stage.pool).await, &[sql]).await });
}

/// What is not known, and that it takes the version that wrote it or a later one.
fn assert_says(said: &str, what: &str) {
    for part in [what, &format!("({VERSION})"), "later one can read on"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[test]
fn an_event_of_a_newer_version_stops_its_account_alone() {
    let mut stage = played();
    // The first person's account is written on by a version to come.
    let first = "(SELECT account_id FROM telegram_identities WHERE telegram_user_id = 1)";
    change(
        &stage,
        &format!("UPDATE events SET schema_version = 9 WHERE version = 2 AND account_id = {first}"),
    );
    let report = stage.verify();
    let unknown = report.findings.iter().find(|f| f.kind == Kind::UnknownEvent).expect("it is found");
    println!("verify: {unknown}");
    assert_says(&unknown.to_string(), "has schema version 9");

    stage.start(Role::Ledger, &[]).unwrap();
    let deeds = Deeds::new(&stage);
    // It may be read again after an upgrade, so who asks goes on asking; not here.
    let hasty = deeds.hasty(Duration::from_secs(8));
    let refused = stage.rt.block_on(hasty.topup(1, "after")).unwrap_err();
    println!("serve, to the one: {refused}");
    assert_says(&refused.to_string(), "has schema version 9");
    stage.rt.block_on(deeds.whole_way(3)).unwrap();
    assert!(stage.is_running(Role::Ledger) && stage.http_ok(Role::Ledger), "the others are served");
}

#[test]
fn a_newer_catalog_is_not_sold_from() {
    let mut stage = played();
    change(&stage, "UPDATE events SET type = 'CatalogReinvented' WHERE position = 1");
    stage.spawn(Role::Ledger, &[]).unwrap();
    let code = stage.wait_ended(Role::Ledger);
    assert_eq!(code, Some(2), "it ends by itself");
    let log = std::fs::read_to_string(stage.log_path(Role::Ledger)).unwrap();
    let said = log.lines().rfind(|line| line.contains("CatalogReinvented")).expect("it says why");
    println!("serve: {said}");
    assert_says(said, "CatalogReinvented");
}
