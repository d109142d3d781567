//! Real servers: started, killed, started again, and gone afterwards.

use std::time::Duration;

use xtask::machine::{Nats, Postgres, Scratch, Signal, Stop, http, process};

#[test]
fn postgres_keeps_what_was_committed_through_every_kind_of_stop() {
    let mut postgres = Postgres::start_temporary_with(&[("fsync", "on")]).unwrap();
    assert!(postgres.major() >= 15);
    postgres.create_database("a \"b\"").unwrap();
    assert_eq!(postgres.query("a \"b\"", "SELECT current_database()").unwrap(), "a \"b\"");
    postgres.query("postgres", "CREATE TABLE kept (n int)").unwrap();
    for (n, how) in [Stop::Fast, Stop::Immediate, Stop::Kill].into_iter().enumerate() {
        postgres.query("postgres", &format!("INSERT INTO kept VALUES ({n})")).unwrap();
        postgres.stop(how).unwrap();
        assert!(postgres.query("postgres", "SELECT 1").is_err());
        postgres.restart().unwrap();
    }
    assert_eq!(postgres.query("postgres", "SELECT sum(n), count(*) FROM kept").unwrap(), "3|3");
}

#[test]
fn postgres_wants_its_password_and_leaves_nothing_behind() {
    let mut postgres = Postgres::start_temporary().unwrap();
    let psql = postgres.psql_path();
    let wrong =
        xtask::machine::postgres::query(&psql, postgres.port(), "postgres", "wrong", "postgres", "SELECT 1");
    assert!(format!("{:#}", wrong.unwrap_err()).contains("password authentication failed"));
    assert!(postgres.url("x").ends_with(&format!("@127.0.0.1:{}/x", postgres.port())));
    let (pid, data) = (postgres.process().unwrap().pid(), postgres.data().to_path_buf());
    let owner =
        std::process::Command::new("ps").args(["-o", "user=", "-p", &pid.to_string()]).output().unwrap();
    assert_ne!(String::from_utf8_lossy(&owner.stdout).trim(), "root");
    drop(postgres);
    assert!(process::born(pid).is_none() && !data.exists());
}

#[test]
fn two_postgres_live_side_by_side() {
    let (one, two) = (Postgres::start_temporary().unwrap(), Postgres::start_temporary().unwrap());
    one.create_database("only_here").unwrap();
    assert!(two.query("only_here", "SELECT 1").is_err());
}

const CONF: &str = r#"
jetstream { max_mem: 16MB, max_file: 64MB }
accounts {
  CORE: { jetstream: enabled, users: [ { nkey: $NATS_LEDGER_NKEY } ] }
}
"#;

#[test]
fn nats_starts_restarts_and_loses_its_store_when_told() {
    let scratch = Scratch::new("conf").unwrap();
    let conf = scratch.path().join("nats.conf");
    std::fs::write(&conf, CONF).unwrap();
    let mut nats = Nats::start_temporary(&conf, &[]).unwrap();
    assert!(nats.url().starts_with("nats://127.0.0.1:") && nats.seed_file("ledger").exists());
    let health = |nats: &Nats| http::get(nats.monitor_port(), "/healthz", Duration::from_secs(2));
    assert_eq!(health(&nats).unwrap().status, 200);

    let kept = nats.store().join("kept");
    std::fs::write(&kept, "x").unwrap();
    let (url, first) = (nats.url(), nats.process().unwrap().pid());
    nats.kill9();
    assert!(health(&nats).is_err() && process::born(first).is_none());
    nats.restart().unwrap();
    assert!(kept.exists());
    nats.wipe_store().unwrap();
    assert!(!kept.exists());
    assert_eq!((nats.url(), health(&nats).unwrap().status), (url, 200));

    nats.process().unwrap().signal(Signal::SIGSTOP);
    // A signal is on its way for a moment.
    assert!(process::until(Duration::from_secs(5), || health(&nats).err()).is_some());
    nats.process().unwrap().signal(Signal::SIGCONT);
    assert!(process::until(Duration::from_secs(5), || health(&nats).ok()).is_some());
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let scratch = Scratch::new("conf").unwrap();
    let conf = scratch.path().join("nats.conf");
    std::fs::write(&conf, "accounts { CORE: { users: [ { nkey: $NO_SUCH_VARIABLE } ] } }").unwrap();
    let error = Nats::start_temporary(&conf, &[]).unwrap_err().to_string();
    assert!(error.contains("NO_SUCH_VARIABLE") && error.contains("nats.log"), "{error}");
}
