//! The supervisor over a real Postgres, a real nats-server and services that only know how to be ready.

use std::{
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use xtask::machine::{Plan, PortLease, Process, Scratch, Signal, lease_port, process};

/// Makes an empty key when it is the ledger and asked for one; else answers every GET with 200, says its
/// name, and ends when asked.
const SERVICE: &str = r#"#!/usr/bin/env python3
import http.server, os, signal, sys
if sys.argv[1:2] == ["checkpoint-key"]:
    open(sys.argv[2], "w").close()
    sys.exit(0)
variable = {"ledger": "PORT", "telegram-adapter": "TELEGRAM_PORT", "payments-adapter": "PAYMENTS_PORT",
            "generator": "GENERATOR_PORT", "sandbox": "SANDBOX_PORT"}[os.path.basename(sys.argv[0])]
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
signal.signal(signal.SIGTERM, lambda *_: (print("asked to stop", flush=True), sys.exit(0)))
print("serving", sys.argv[1:], os.path.basename(os.environ.get("NATS_NKEY_SEED_FILE", "no seed")), flush=True)
http.server.ThreadingHTTPServer.allow_reuse_address = True
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ[variable])), Ready).serve_forever()
"#;

/// A supervisor that is slow to be ready is slow on a busy machine, not wrong.
const READY: Duration = Duration::from_secs(180);

/// So that not every data folder gets a nats-server of its own from the network.
fn path_with_nats() -> String {
    let (_, nats) = xtask::machine::ensure().unwrap();
    format!("{}:{}", nats.path.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default())
}

struct Stage {
    // Dropped first, so that it cannot use the folder any more.
    supervisor: Option<Process>,
    env: Vec<(String, String)>,
    data: PathBuf,
    _leases: Vec<PortLease>,
    _scratch: Scratch,
}

impl Stage {
    fn new() -> Self {
        Self::within(Scratch::new("supervision").unwrap(), "data")
    }

    fn within(scratch: Scratch, folder: &str) -> Self {
        let data = scratch.path().join(folder);
        std::fs::create_dir_all(data.join("bin")).unwrap();
        for name in ["ledger", "telegram-adapter", "payments-adapter", "generator", "sandbox"] {
            let program = data.join("bin").join(name);
            std::fs::write(&program, SERVICE).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let variables = [
            "PORT",
            "TELEGRAM_PORT",
            "PAYMENTS_PORT",
            "GENERATOR_PORT",
            "SANDBOX_PORT",
            "POSTGRES_PORT",
            "NATS_PORT",
            "NATS_MONITOR_PORT",
        ];
        let leases: Vec<PortLease> = variables.iter().map(|_| lease_port().unwrap()).collect();
        let ports =
            variables.iter().zip(&leases).map(|(name, lease)| ((*name).to_owned(), lease.port().to_string()));
        let mut env: Vec<(String, String)> = ports.collect();
        env.push(("PLANTAIN_DATA".into(), data.display().to_string()));
        env.push(("PATH".into(), path_with_nats()));
        Self { supervisor: None, env, data, _leases: leases, _scratch: scratch }
    }

    fn start(&mut self) {
        let plan = Plan::new("supervisor", env!("CARGO_BIN_EXE_xtask"), self.data.join("up.log"));
        let mut supervisor = Process::start(plan.args(["supervise"]).envs(self.env.clone())).unwrap();
        supervisor.wait_ready(READY, |_| self.state()["phase"] == "ready").unwrap();
        self.supervisor = Some(supervisor);
    }

    fn state(&self) -> serde_json::Value {
        let text = std::fs::read(self.data.join("state.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn pid_of(&self, name: &str) -> Option<u32> {
        let state = self.state();
        let record = state["processes"].as_array()?.iter().find(|p| p["name"] == name)?.clone();
        u32::try_from(record["pid"].as_u64()?).ok()
    }

    fn pids(&self) -> Vec<u32> {
        let state = self.state();
        let all = state["processes"].as_array().cloned().unwrap_or_default();
        all.iter().filter_map(|p| u32::try_from(p["pid"].as_u64()?).ok()).collect()
    }

    fn xtask(&self, task: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask")).arg(task).envs(self.env.iter().cloned()).output().unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("up.log")).unwrap()
    }
}

fn gone(pids: &[u32]) -> bool {
    process::until(Duration::from_secs(15), || {
        pids.iter().all(|pid| process::born(*pid).is_none()).then_some(())
    })
    .is_some()
}

fn kill(pid: u32) {
    let status = Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status().unwrap();
    assert!(status.success());
}

#[test]
fn killed_services_and_servers_come_back_and_down_stops_all() {
    let mut stage = Stage::new();
    stage.start();
    let first = stage.pids();
    assert_eq!(first.len(), 7);
    assert!(stage.xtask("status").status.success());

    let second = stage.xtask("up");
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && words.contains("running already"), "{words}");

    for name in ["generator", "postgres", "nats-server"] {
        let before = stage.pid_of(name).unwrap();
        kill(before);
        let back = || stage.pid_of(name).filter(|pid| *pid != before && process::born(*pid).is_some());
        assert!(process::until(Duration::from_secs(20), back).is_some(), "{name}: {}", stage.log());
    }
    assert!(
        stage.log().contains("generator ended (signal: 9")
            && stage.log().contains("starting it again in 1 s")
    );
    let ready = || stage.xtask("status").status.success().then_some(());
    assert!(process::until(Duration::from_secs(10), ready).is_some());

    let pids = stage.pids();
    let down = stage.xtask("down");
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    assert!(gone(&pids) && !stage.data.join("state.json").exists());
    let ledger = std::fs::read_to_string(stage.data.join("logs/ledger.log")).unwrap();
    assert!(
        ledger.contains("['serve', '--migrate'] ledger.nk") && ledger.contains("asked to stop"),
        "{ledger}"
    );
    assert!(String::from_utf8_lossy(&stage.xtask("down").stdout).contains("nothing is running"));
    assert!(!stage.xtask("status").status.success());
}

#[test]
fn down_says_whom_it_waits_for() {
    let mut stage = Stage::new();
    let patient = SERVICE
        .replace("sys.exit(0)))", "time.sleep(8), sys.exit(0)))")
        .replace("import http", "import time, http");
    std::fs::write(stage.data.join("bin/generator"), patient).unwrap();
    stage.env.push(("GENERATOR_DRAIN_SECONDS".into(), "100".into()));
    stage.start();
    let down = stage.xtask("down");
    let said = String::from_utf8_lossy(&down.stdout);
    assert!(
        down.status.success() && said.contains("not yet ended: ") && said.contains("generator"),
        "{said}"
    );
    let log = stage.log();
    assert!(log.contains("generator ends what is under way") && log.contains("at most 110 s"), "{log}");
    assert!(!log.contains("did not stop"), "{log}");
}

#[test]
fn when_the_supervisor_is_killed_nothing_stays_and_the_data_does() {
    let mut stage = Stage::new();
    stage.start();
    let pids = stage.pids();
    stage.supervisor.as_mut().unwrap().kill9();
    if xtask::machine::paths::in_path("setpriv").is_empty() {
        assert!(stage.xtask("down").status.success());
    }
    assert!(gone(&pids), "{:?}", stage.state());
    assert!(stage.xtask("down").status.success());
    // The next one starts on the same data.
    stage.start();
    stage.supervisor.as_mut().unwrap().signal(Signal::SIGTERM);
    assert!(
        stage.supervisor.as_mut().unwrap().wait(Duration::from_secs(30)).unwrap().success(),
        "{}",
        stage.log()
    );
    assert!(stage.log().contains("everything is stopped"));
}

#[test]
fn a_service_that_cannot_start_is_named_with_its_words_and_all_is_stopped() {
    let mut stage = Stage::new();
    std::fs::write(
        stage.data.join("bin/payments-adapter"),
        "#!/bin/sh\necho YOOKASSA_API_URL is no address\nexit 2\n",
    )
    .unwrap();
    let plan = Plan::new("supervisor", env!("CARGO_BIN_EXE_xtask"), stage.data.join("up.log"));
    let mut supervisor = Process::start(plan.args(["supervise"]).envs(stage.env.clone())).unwrap();
    let mut seen = Vec::new();
    let ended = process::until(READY, || {
        seen.extend(stage.pids());
        supervisor.ended()
    });
    assert_eq!(ended.unwrap().code(), Some(1));
    let log = stage.log();
    for part in
        ["payments-adapter ended at once", "YOOKASSA_API_URL is no address", "logs/payments-adapter.log"]
    {
        assert!(log.contains(part), "{part} in {log}");
    }
    assert!(gone(&seen));
    stage.supervisor = None;
}

#[test]
fn a_checkout_that_postgres_cannot_reach_gets_its_data_elsewhere() {
    let scratch = Scratch::new("unreachable").unwrap();
    std::fs::create_dir(scratch.path().join("home")).unwrap();
    std::fs::set_permissions(scratch.path().join("home"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut stage = Stage::within(scratch, "home/data");
    stage.start();
    let data = PathBuf::from(stage.state()["postgres_data"].as_str().unwrap());
    // Only root has to run Postgres as someone else.
    let moved = !data.starts_with(&stage.data);
    assert_eq!(moved, stage.log().contains("cannot reach"), "{}", stage.log());
    assert!(stage.xtask("down").status.success());
    assert!(data.join("PG_VERSION").exists());
    if moved {
        std::fs::remove_dir_all(data.parent().unwrap()).unwrap();
    }
}
