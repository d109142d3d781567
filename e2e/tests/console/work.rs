//! What operators see of the work: services as they say they are, jobs in hand, broadcasts that they pause and end.

use e2e::deeds::{Deeds, rubles};
use e2e::raw::{Raw, of};
use e2e::{Role, Stage};
use proto_events::{AccountId, Producer};
use reqwest::StatusCode;
use serde_json::{Value, json};
use xtask::machine::Signal;

use crate::desk::{Answer, PASSWORD, Seat, hires, open};

fn shown(seat: &Seat<'_>, path: &str) -> Value {
    let answer = seat.gets(&format!("/api/v1{path}"));
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

/// Of each service its kind and state.
fn services(seat: &Seat<'_>) -> Vec<(String, String)> {
    let all = shown(seat, "/services")["services"].as_array().unwrap().clone();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    all.iter().map(|one| (word(&one["kind"]), word(&one["state"]))).collect()
}

fn has(services: &[(String, String)], kind: &str, state: &str) -> bool {
    services.iter().any(|(k, s)| (k.as_str(), s.as_str()) == (kind, state))
}

#[test]
fn services_are_as_they_say_and_unknown_when_they_say_nothing() {
    let mut stage = open();
    stage.start(Role::Standby, &[]).unwrap();
    stage.start(Role::Sandbox, &[]).unwrap();
    stage.start(Role::Generator, &[]).unwrap();
    {
        let admin = Seat::signed_in(&stage, "admin", PASSWORD);
        stage.until("two ledgers and a generator", || {
            let now = services(&admin);
            let wanted = [("ledger", "leads"), ("ledger", "ready"), ("generator", "ready")];
            wanted.iter().all(|(kind, state)| has(&now, kind, state)).then_some(())
        });
        let all = shown(&admin, "/services");
        // Nobody started these: nothing is said of them but that.
        assert_eq!(all["unheard"], json!(["telegram", "payments"]), "{all}");
        assert!(admin.gets("/services").text.contains("вестей не было: неизвестно"));
        let head = all["relay"]["head"].as_i64().unwrap();
        stage.until("the relay", || {
            (shown(&admin, "/services")["relay"]["told"].as_i64()? >= head).then_some(())
        });
        assert!(
            all["postgres"]["version"].as_str().unwrap().starts_with(|c: char| c.is_ascii_digit()),
            "{all}"
        );
        assert!(all["postgres"]["bytes"].as_i64().unwrap() > 1_000_000, "{all}");
        let consumers = || shown(&admin, "/services")["nats"]["consumers"].as_array().unwrap().clone();
        stage.until("the consumers", || {
            let all = consumers();
            (all.len() == 3 && all.iter().all(|one| one["state"]["pending"].is_u64())).then_some(())
        });
        // The log goes on past its last event, and none of that is for it; for the bot, which is not there, something is.
        stage.sql(sqlx::query("INSERT INTO consumers VALUES ('generator', 1)").execute(&stage.pool));
        stage.rt.block_on(Deeds::new(&stage).start(9)).unwrap();
        let is_idle = |consumer: &str| {
            let page = admin.gets("/services").text;
            let row =
                page.split(&format!("<code>{consumer}</code>")).nth(1)?.split("</tr>").next()?.to_owned();
            Some(row.contains(">ждёт</span>"))
        };
        stage.until("who is idle", || {
            (is_idle("generator") == Some(true) && is_idle("telegram") == Some(false)).then_some(())
        });
    }

    // One is told to stop and one is killed: the first says so, of the second nobody knows.
    assert!(stage.stop(Role::Standby));
    stage.kill9(Role::Generator);
    {
        let admin = Seat::signed_in(&stage, "admin", PASSWORD);
        stage.until("the silence", || {
            let now = services(&admin);
            let wanted = [("ledger", "ended"), ("generator", "silent"), ("ledger", "leads")];
            wanted.iter().all(|(kind, state)| has(&now, kind, state)).then_some(())
        });
    }
    // Without NATS its part is unknown, and the page is there.
    stage.nats.process().unwrap().signal(Signal::SIGSTOP);
    let without = Seat::signed_in(&stage, "admin", PASSWORD).gets("/services");
    stage.nats.process().unwrap().signal(Signal::SIGCONT);
    assert_eq!(without.status, StatusCode::OK, "{}", without.text);
    assert!(without.text.contains(">неизвестно<"), "{}", without.text);
}

#[test]
fn a_job_is_seen_with_its_worker_and_what_is_held_for_it() {
    let stage = open();
    hires(&stage, "ops", "operator");
    let ops = Seat::signed_in(&stage, "ops", PASSWORD);
    assert!(ops.gets("/jobs").text.contains("Сейчас ничего не делается"));
    let deeds = Deeds::new(&stage);
    let account = stage.rt.block_on(deeds.start(1)).unwrap();
    let payment = stage.rt.block_on(deeds.topup(1, "n1")).unwrap();
    stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap();
    let generation = stage.rt.block_on(deeds.request(1, 1)).unwrap();
    let job = shown(&ops, "/jobs")["jobs"][0].clone();
    assert_eq!(
        (&job["generation"], &job["state"], &job["attempt"], &job["worker"]),
        (&json!(generation.to_string()), &json!("waiting"), &json!(0), &Value::Null),
        "{job}"
    );
    assert_eq!(job["account_id"], json!(account));
    assert!(job["deadline_us"].as_i64().unwrap() > 60_000_000, "{job}");
    let body = json!({"generation": generation, "worker": "painter-7", "attempt": 1});
    let id = format!("claim:{generation}:1:painter-7");
    Raw::new(&stage).done(Producer::Generator, "generation_claim", &id, of(account), body);
    let job = shown(&ops, "/jobs")["jobs"][0].clone();
    assert_eq!(
        (&job["state"], &job["attempt"], &job["worker"]),
        (&json!("held"), &json!(1), &json!("painter-7")),
        "{job}"
    );
    assert!(job["until_us"].as_i64().unwrap() > 0, "{job}");
    assert!(ops.gets("/jobs").text.contains("painter-7"));
    stage.assert_verified();
}

struct Sent<'a> {
    stage: &'a Stage,
    raw: Raw,
}

impl Sent<'_> {
    fn ask(&self, producer: Producer, verb: &str, body: Value) -> Value {
        self.raw.send(producer, verb, verb, of(AccountId::OPERATIONS), body)
    }

    /// One more is told.
    fn one(&self, outcome: &str) {
        let claimed = self.ask(Producer::Telegram, "broadcast_claim", json!({"claimant": "bot", "limit": 1}));
        let account = &claimed["result"]["recipients"][0]["account"];
        let body = json!({"broadcast": "b1", "claimant": "bot", "account": account, "outcome": outcome});
        assert_eq!(self.ask(Producer::Telegram, "broadcast_told", body)["status"], "done", "{claimed}");
    }
}

/// A form of the page, as a browser sends it.
fn does(seat: &Seat<'_>, deed: &str, fields: &[(&str, &str)]) -> Answer {
    let page = seat.gets("/broadcasts").text;
    let form = page.split(&format!("action=\"/broadcasts/b1/{deed}\"")).nth(1);
    let form = form.unwrap_or_else(|| panic!("{deed} is not offered: {page}"));
    let hidden = |name: &str| {
        let value = form.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        value.split('"').next().unwrap().to_owned()
    };
    let own = ["once", "recipients", "drafted_at"].map(|name| (name, hidden(name)));
    let own = own.each_ref().map(|(name, value)| (*name, value.as_str()));
    let all = [own.as_slice(), fields].concat();
    seat.posts(&format!("/broadcasts/b1/{deed}"), &all)
}

#[test]
fn a_broadcast_is_started_paused_gone_on_with_and_ended() {
    let stage = open();
    hires(&stage, "ops", "operator");
    hires(&stage, "fin", "finance");
    let (ops, fin) = (Seat::signed_in(&stage, "ops", PASSWORD), Seat::signed_in(&stage, "fin", PASSWORD));
    let (deeds, sent) = (Deeds::new(&stage), Sent { stage: &stage, raw: Raw::new(&stage) });
    for user in 1..=4 {
        sent.stage.rt.block_on(deeds.start(user)).unwrap();
    }
    stage.until("the draft to find them", || {
        let body = json!({"broadcast": "b1", "segment": "everybody", "content": {"text": "Hello"}});
        let drafted = sent.ask(Producer::Console, "broadcast_draft", body);
        (drafted["result"]["recipients"] == 4).then_some(())
    });
    let counts = || {
        let one = shown(&ops, "/broadcasts")["broadcasts"][0].clone();
        let n = |name: &str| one[name].as_i64().unwrap();
        (one["state"].as_str().unwrap().to_owned(), n("sent"), n("failed"), n("blocked"))
    };
    let yes = [("confirmed", "on")];
    assert_eq!(fin.posts("/broadcasts/b1/start", &yes).status, StatusCode::FORBIDDEN);
    assert!(!fin.gets("/broadcasts").text.contains("/b1/start"));
    assert_eq!(does(&ops, "start", &[]).status, StatusCode::UNPROCESSABLE_ENTITY, "not meant");
    // For others than were shown.
    let drafted_at = shown(&ops, "/broadcasts")["broadcasts"][0]["drafted_at"].to_string();
    let others = [
        ("once", "0123456789abcdef0123456789abcdef"),
        ("drafted_at", drafted_at.as_str()),
        ("recipients", "3"),
        ("confirmed", "on"),
    ];
    let refused = ops.posts("/broadcasts/b1/start", &others);
    assert!(
        refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text.contains("заново"),
        "{}",
        refused.text
    );
    assert_eq!(does(&ops, "start", &yes).to, "/broadcasts?done=broadcast-start");
    sent.one("sent");
    assert_eq!(counts(), ("running".to_owned(), 1, 0, 0));
    assert_eq!(does(&ops, "pause", &[("reason", "")]).status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(does(&ops, "pause", &[("reason", "a typo")]).to, "/broadcasts?done=broadcast-pause");
    let nothing = sent.ask(Producer::Telegram, "broadcast_claim", json!({"claimant": "bot", "limit": 1}));
    assert_eq!(nothing["refusal"]["code"], "nothing_to_send", "{nothing}");
    assert_eq!(does(&ops, "start", &yes).to, "/broadcasts?done=broadcast-start");
    sent.one("failed");
    assert_eq!(counts(), ("running".to_owned(), 1, 1, 0));
    // Whatever whoever ends it has seen: the log has what was sent.
    let seen = json!({"broadcast": "b1", "sent": 9, "failed": 9, "blocked": 9});
    let ended =
        sent.raw.operator("broadcast_finish", "broadcast_finish:raw", of(AccountId::OPERATIONS), seen);
    assert_eq!(ended, ["BroadcastFinished"]);
    let recorded = "SELECT payload FROM events WHERE type = 'BroadcastFinished'";
    let recorded: String = stage.sql(sqlx::query_scalar(recorded).fetch_one(&stage.pool));
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    assert_eq!(
        (&recorded["sent"], &recorded["failed"], &recorded["blocked"]),
        (&json!(1), &json!(1), &json!(0)),
        "{recorded}"
    );
    assert_eq!(counts(), ("finished".to_owned(), 1, 1, 0));
    let over = ops.posts("/broadcasts/b1/pause", &[others[0], others[1], others[2], ("reason", "r")]);
    assert!(
        over.status == StatusCode::UNPROCESSABLE_ENTITY && over.text.contains("она завершена"),
        "{}",
        over.text
    );
    stage.until("the acts on their page", || {
        let page = fin.gets("/acts").text;
        let types = ["BroadcastStarted", "BroadcastPaused", "BroadcastFinished"];
        (types.iter().all(|name| page.contains(name)) && page.contains("a typo")).then_some(())
    });
    stage.assert_verified();
}
