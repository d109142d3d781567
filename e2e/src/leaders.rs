//! Two ledgers, and what is asked of them whoever leads.

use std::time::{Duration, Instant};

use proto_events::catalog::Catalog;
use serde_json::Value;

use crate::deeds::{Deeds, rubles};
use crate::stage::{Role, Stage};
use crate::witness::Witness;

pub fn other(role: Role) -> Role {
    if role == Role::Ledger { Role::Standby } else { Role::Ledger }
}

/// Does this ledger say that it leads? One that is stopped says nothing.
pub fn leads(stage: &Stage, role: Role) -> bool {
    let url = format!("{}/metrics", stage.url(role));
    let asked = async {
        let answer = stage.http.get(&url).timeout(Duration::from_millis(500)).send().await.ok()?;
        answer.text().await.ok()
    };
    let text = stage.rt.block_on(asked).unwrap_or_default();
    text.lines().any(|line| line.trim() == "ledger_leading 1")
}

/// Both run, the role `Ledger` leads.
pub fn two_ledgers() -> Stage {
    let mut stage =
        Stage::new().unwrap_or_else(|error| panic!("Postgres and nats-server should start: {error:?}"));
    lead_and_stand_by(&mut stage, &[]);
    stage
}

/// Starts both; the role `Ledger` leads, and has `extra` in its environment.
pub fn lead_and_stand_by(stage: &mut Stage, extra: &[(&str, &str)]) {
    stage.start(Role::Ledger, extra).unwrap_or_else(|error| panic!("the ledger should start: {error:?}"));
    stage.until("a leader", || leads(stage, Role::Ledger).then_some(()));
    stage.start(Role::Standby, &[]).unwrap_or_else(|error| panic!("the standby should start: {error:?}"));
}

/// Two ledgers, and person 1's credits reserved for so long, for a picture that nobody makes.
pub fn with_a_reservation(held: Duration) -> (Stage, Deeds) {
    let mut stage =
        Stage::new().unwrap_or_else(|error| panic!("Postgres and nats-server should start: {error:?}"));
    let catalog = Catalog::default_catalog().expect("a test of proto-events reads the default catalog");
    let mut catalog = serde_json::to_value(catalog).expect("a catalog's maps have strings for keys");
    catalog["limits"]["reservation_ms"] =
        Value::from(u64::try_from(held.as_millis()).expect("a test holds credits for less than ages"));
    let file = stage.dir().join("catalog.json");
    std::fs::write(&file, catalog.to_string())
        .unwrap_or_else(|error| panic!("{} should be writable: {error}", file.display()));
    lead_and_stand_by(&mut stage, &[("CATALOG_FILE", &file.to_string_lossy())]);
    let deeds = Deeds::new(&stage);
    let requested = async {
        deeds.start(1).await?;
        let payment = deeds.topup(1, "a").await?;
        deeds.settle(payment, rubles(100)).await?;
        deeds.request(1, 1).await
    };
    stage.rt.block_on(requested).unwrap_or_else(|error| panic!("a picture should be asked for: {error}"));
    (stage, deeds)
}

pub fn epoch(stage: &Stage) -> i64 {
    stage.sql(ledger::store::head(&stage.pool)).epoch
}

/// Waits for the first answer to a command sent after `since`; how long it took. The aim is 5 s: measured, not
/// asserted, since a machine shared with other tests may take longer.
pub fn take_over(stage: &Stage, witness: &Witness, since: Instant, what: &str) -> Duration {
    let took = stage.until("a command to be answered again", || witness.first_done_after(since));
    println!("{what}: first new command committed after {:.2} s", took.as_secs_f64());
    took
}

pub fn assert_true(stage: &Stage, deeds: &Deeds) {
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    assert_eq!(deeds.witness.lies(&log), Vec::<String>::new());
    assert_eq!(deeds.witness.not_done(), Vec::<String>::new());
}
