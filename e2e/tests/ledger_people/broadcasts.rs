//! Broadcasts: written down, sent by one instance at a time, ended once.

use e2e::Stage;
use e2e::deeds::{Deeds, rubles};
use e2e::raw::{of, person, types};
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

use crate::Desk;

fn draft(desk: &Desk<'_>, id: &str, segment: Value) -> i64 {
    let body = json!({"broadcast": id, "segment": segment, "content": {"text": "Hello"}});
    let reply = desk.raw.send(Producer::Console, "broadcast_draft", id, of(AccountId::OPERATIONS), body);
    reply["result"]["recipients"].as_i64().unwrap_or_else(|| panic!("{reply}"))
}

fn act(desk: &Desk<'_>, verb: &str, nonce: &str, body: Value) -> Value {
    desk.raw.send(Producer::Console, verb, &format!("{verb}:{nonce}"), of(AccountId::OPERATIONS), body)
}

fn start(desk: &Desk<'_>, nonce: &str, id: &str, recipients: i64) -> Value {
    act(desk, "broadcast_start", nonce, json!({"broadcast": id, "recipients": recipients}))
}

fn claim(desk: &Desk<'_>, claimant: &str, limit: u16) -> Value {
    let body = json!({"claimant": claimant, "limit": limit});
    desk.raw.send(Producer::Telegram, "broadcast_claim", "claim", of(AccountId::OPERATIONS), body)
}

fn chats(claimed: &Value) -> Vec<i64> {
    let recipients = claimed["result"]["recipients"].as_array().unwrap_or_else(|| panic!("{claimed}"));
    let mut chats: Vec<i64> = recipients.iter().map(|r| r["chat"].as_i64().unwrap()).collect();
    chats.sort_unstable();
    chats
}

fn told(desk: &Desk<'_>, id: &str, claimant: &str, account: &Value, outcome: &str) -> Value {
    let body = json!({"broadcast": id, "claimant": claimant, "account": account, "outcome": outcome});
    desk.raw.send(Producer::Telegram, "broadcast_told", "told", of(AccountId::OPERATIONS), body)
}

fn view(desk: &Desk<'_>, id: &str) -> Value {
    desk.ask("broadcast", json!({"broadcast": id}))
}

fn counts(desk: &Desk<'_>, id: &str) -> [i64; 4] {
    let view = view(desk, id);
    ["recipients", "sent", "failed", "blocked"].map(|name| view[name].as_i64().unwrap())
}

fn code(reply: &Value) -> &str {
    reply["refusal"]["code"].as_str().unwrap_or_else(|| panic!("not refused: {reply}"))
}

fn ban(desk: &Desk<'_>, user: i64) {
    desk.raw.operator("account_ban", &format!("ban:{user}"), person(user), json!({"reason": "r"}));
}

#[test]
fn recipients_are_those_who_are_meant_and_can_be_reached() {
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    for user in 1..8 {
        desk.start(user);
    }
    desk.done("profile_update", 2, json!({"language": "en"}));
    for user in [2, 3] {
        stage.rt.block_on(async {
            let payment = deeds.topup(user, &format!("n{user}")).await.unwrap();
            deeds.settle(payment, rubles(100)).await.unwrap();
        });
    }
    stage.rt.block_on(deeds.request(3, 1)).unwrap();
    for user in [4, 5] {
        ban(&desk, user);
    }
    desk.raw.operator("account_unban", "unban:5", person(5), json!({"reason": "r"}));
    desk.done("person_reach", 6, json!({"reachable": false}));
    desk.erase(7);
    // 1, 2, 3 and 5 are there.
    assert_eq!(draft(&desk, "all", json!("everybody")), 4);
    assert_eq!(draft(&desk, "english", json!({"language": "en"})), 1);
    stage.until("the projections", || (draft(&desk, "payers", json!("payers")) == 2).then_some(()));
    assert_eq!(draft(&desk, "never", json!("never_paid")), 2);
    stage.until("the projections", || {
        (draft(&desk, "active", json!({"active": {"days": 1}})) == 1).then_some(())
    });
    assert_eq!(draft(&desk, "quiet", json!({"quiet": {"days": 1}})), 3);
    let listed = desk.ask("broadcasts", json!({}));
    assert_eq!(listed.as_array().unwrap().len(), 6);
    assert_eq!(view(&desk, "quiet")["segment"], json!({"quiet": {"days": 1}}));
    assert_eq!(desk.not_answered("broadcast", json!({"broadcast": "none"})), "broadcast_not_found");
    // Once more under the same name: others.
    assert_eq!(draft(&desk, "all", json!({"language": "en"})), 1);
    let unfit = json!({"broadcast": "x", "segment": "everybody", "content": {}});
    assert_eq!(code(&act(&desk, "broadcast_draft", "x", unfit)), "content_unfit");
    let named = json!({"broadcast": "a b", "segment": "everybody", "content": {"text": "Hello"}});
    assert_eq!(code(&act(&desk, "broadcast_draft", "x", named)), "invalid");
}

#[test]
fn a_broadcast_is_sent_by_one_at_a_time_paused_gone_on_with_and_finished_once() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    for user in 1..6 {
        desk.start(user);
    }
    assert_eq!(code(&claim(&desk, "a", 10)), "nothing_to_send");
    assert_eq!(code(&start(&desk, "0", "b1", 5)), "broadcast_not_found");
    assert_eq!(draft(&desk, "b1", json!("everybody")), 5);
    let wrong = start(&desk, "1", "b1", 4);
    assert_eq!((code(&wrong), &wrong["refusal"]["details"]["recipients"]), ("recipients_differ", &json!(5)));
    assert_eq!(code(&claim(&desk, "a", 10)), "nothing_to_send", "it was not started");
    assert_eq!(view(&desk, "b1")["changed"], 0);
    written_down_anew_is_told(&stage, &desk);
    assert_eq!(types(&start(&desk, "2", "b1", 5)), ["BroadcastStarted"]);
    assert!(is_held(&stage, "b1"));
    assert_eq!(types(&start(&desk, "2", "b1", 5)), ["BroadcastStarted"], "the same once more");
    assert_eq!(code(&start(&desk, "3", "b1", 5)), "broadcast_running");
    let again = json!({"broadcast": "b1", "segment": "everybody", "content": {"text": "Other"}});
    assert_eq!(code(&act(&desk, "broadcast_draft", "b1", again)), "broadcast_started");

    let first = claim(&desk, "a", 2);
    assert_eq!((chats(&first).len(), &first["result"]["content"]["text"]), (2, &json!("Hello")));
    assert_eq!(code(&claim(&desk, "b", 2)), "nothing_to_send", "another sends it");
    let accounts: Vec<Value> =
        first["result"]["recipients"].as_array().unwrap().iter().map(|r| r["account"].clone()).collect();
    assert_eq!(told(&desk, "b1", "a", &accounts[0], "sent")["status"], "done");
    // Twice, and with another word: the first counts.
    assert_eq!(told(&desk, "b1", "a", &accounts[0], "failed")["status"], "done");
    assert_eq!(counts(&desk, "b1"), [5, 1, 0, 0]);
    assert_eq!(code(&told(&desk, "b1", "b", &accounts[1], "sent")), "stale_claim");
    // The first dies: what it had not told of is given to another, and its word counts no more.
    stage.sql(sqlx::query("UPDATE broadcasts SET lease_until = 0").execute(&stage.pool));
    let second = claim(&desk, "b", 10);
    assert_eq!(chats(&second).len(), 4);
    assert_eq!(code(&told(&desk, "b1", "a", &accounts[1], "sent")), "stale_claim");
    assert_eq!(told(&desk, "b1", "b", &accounts[1], "blocked")["status"], "done");
    assert_eq!(counts(&desk, "b1"), [5, 1, 0, 1]);
    assert_eq!(desk.ask("account", json!({"account": {"id": accounts[1]}}))["away"], true);

    assert_eq!(
        types(&act(&desk, "broadcast_pause", "1", json!({"broadcast": "b1", "reason": "r"}))),
        ["BroadcastPaused"]
    );
    assert_eq!(code(&claim(&desk, "b", 10)), "nothing_to_send");
    let left: Vec<Value> = second["result"]["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["account"].clone())
        .filter(|account| *account != accounts[1])
        .collect();
    // It was under way when it was paused.
    assert_eq!(told(&desk, "b1", "b", &left[0], "sent")["status"], "done");
    assert_eq!((view(&desk, "b1")["state"].clone(), counts(&desk, "b1")), (json!("paused"), [5, 2, 0, 1]));
    // Its state is known by the event that brought it.
    let changed = |event_type: &'static str| -> i64 {
        let sql = "SELECT max(position) FROM events WHERE type = $1";
        stage.sql(sqlx::query_scalar(sql).bind(event_type).fetch_one(&stage.pool))
    };
    assert_eq!(view(&desk, "b1")["changed"], changed("BroadcastPaused"));
    assert_eq!(types(&start(&desk, "4", "b1", 5)), ["BroadcastStarted"]);
    assert_eq!(view(&desk, "b1")["changed"], changed("BroadcastStarted"));

    // Of the two that are left one is erased, one banned: nobody is left, and it ends by itself.
    let user_of = |account: &Value| {
        let recipients = second["result"]["recipients"].as_array().unwrap();
        recipients.iter().find(|r| r["account"] == *account).unwrap()["chat"].as_i64().unwrap()
    };
    ban(&desk, user_of(&left[1]));
    desk.erase(user_of(&left[2]));
    assert_eq!(code(&claim(&desk, "b", 10)), "nothing_to_send");
    stage.until("its end", || (view(&desk, "b1")["state"] == "finished").then_some(()));
    let finished = "SELECT count(*) FROM events WHERE type = 'BroadcastFinished'";
    assert_eq!(stage.sql(sqlx::query_scalar::<_, i64>(finished).fetch_one(&stage.pool)), 1);
    assert_eq!(code(&start(&desk, "5", "b1", 5)), "broadcast_finished");
    assert_eq!(view(&desk, "b1")["content"]["text"], "Hello", "what was said stays");
    stage.assert_verified();
}

#[test]
fn of_two_the_one_that_was_started_first_is_sent_first_and_an_operator_may_end_it() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    for user in 1..4 {
        desk.start(user);
    }
    for id in ["b1", "b2"] {
        assert_eq!(draft(&desk, id, json!("everybody")), 3);
    }
    assert_eq!(types(&start(&desk, "1", "b2", 3)), ["BroadcastStarted"]);
    assert_eq!(types(&start(&desk, "2", "b1", 3)), ["BroadcastStarted"]);
    // Away since they were chosen: not told, and counted.
    desk.done("person_reach", 2, json!({"reachable": false}));
    let claimed = claim(&desk, "a", 10);
    assert_eq!((&claimed["result"]["broadcast"], chats(&claimed)), (&json!("b2"), vec![1, 3]));
    assert_eq!(counts(&desk, "b2"), [3, 0, 0, 1]);
    let finish = json!({"broadcast": "b2", "sent": 0, "failed": 0, "blocked": 1});
    assert_eq!(types(&act(&desk, "broadcast_finish", "1", finish)), ["BroadcastFinished"]);
    assert_eq!(claim(&desk, "a", 10)["result"]["broadcast"], "b1");
    stage.assert_verified();
}

/// Drafted anew between the look at it and the append: nothing is started that nobody has seen.
#[test]
fn a_start_that_meets_another_draft_is_not_in_the_log() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    for user in 1..4 {
        desk.start(user);
    }
    assert_eq!(draft(&desk, "b1", json!("everybody")), 3);
    // The row is changed and held: the look sees it as it was, the append finds it as it is.
    let mut held = stage.sql(stage.pool.begin());
    stage.sql(sqlx::query("UPDATE broadcasts SET recipients = 7").execute(&mut *held));
    let raw = desk.raw.clone();
    let body = json!({"broadcast": "b1", "recipients": 3});
    let started = stage.rt.spawn(async move {
        raw.ask(Producer::Console, "broadcast_start", "broadcast_start:1", of(AccountId::OPERATIONS), body)
            .await
    });
    stage.until("the append to wait", || {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        (stage.sql(sqlx::query_scalar::<_, i64>(waiting).fetch_one(&stage.pool)) > 0).then_some(())
    });
    stage.sql(held.commit());
    let reply = stage.rt.block_on(started).unwrap();
    assert_eq!(code(&reply), "recipients_differ");
    let events = "SELECT count(*) FROM events WHERE type = 'BroadcastStarted'";
    assert_eq!(stage.sql(sqlx::query_scalar::<_, i64>(events).fetch_one(&stage.pool)), 0);
    stage.assert_verified();
}

/// The same where nothing held the draft: the append itself finds another one, for as many.
#[test]
fn a_draft_that_was_not_held_is_not_started_unseen() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    desk.start(1);
    assert_eq!(draft(&desk, "b1", json!("everybody")), 1);
    let seen = view(&desk, "b1")["drafted_at"].clone();
    let anew = "CREATE FUNCTION write_anew() RETURNS trigger LANGUAGE plpgsql AS \
                'BEGIN NEW.drafted_at := OLD.drafted_at + 1; RETURN NEW; END'; \
                CREATE TRIGGER write_anew BEFORE UPDATE OF starting_until ON broadcasts \
                FOR EACH ROW EXECUTE FUNCTION write_anew()";
    stage.sql(sqlx::raw_sql(anew).execute(&stage.pool));
    let body = json!({"broadcast": "b1", "recipients": 1, "drafted_at": seen});
    assert_eq!(code(&act(&desk, "broadcast_start", "1", body)), "draft_changed");
    let events = "SELECT count(*) FROM events WHERE type = 'BroadcastStarted'";
    assert_eq!(stage.sql(sqlx::query_scalar::<_, i64>(events).fetch_one(&stage.pool)), 0);
    // Whoever has seen the new one starts it.
    stage.sql(sqlx::query("DROP TRIGGER write_anew ON broadcasts").execute(&stage.pool));
    let body = json!({"broadcast": "b1", "recipients": 1, "drafted_at": view(&desk, "b1")["drafted_at"]});
    assert_eq!(types(&act(&desk, "broadcast_start", "2", body)), ["BroadcastStarted"]);
    stage.assert_verified();
}

#[test]
fn operators_write_broadcasts_and_messages_at_the_command_line() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let account = desk.start(1);
    desk.start(2);
    let run = |args: &[&str]| {
        let out = stage.ledger_command(args).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (out.status.code().unwrap(), text(&out.stdout), text(&out.stderr))
    };
    let (status, out, err) =
        run(&["broadcast", "draft", "--to", "everybody", "--id", "news", "Hello, <b>all</b>"]);
    assert_eq!(status, 0, "{err}");
    assert!(
        out.contains("Written down for 2 recipients") && out.contains("ledger broadcast start news"),
        "{out}"
    );
    let (status, _, err) = run(&["broadcast", "start", "news"]);
    assert!(status == 2 && err.contains("It is sent to 2 recipients now. Say --yes"), "{err}");
    let (status, out, err) = run(&["broadcast", "start", "news", "--yes", "--json"]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["events"], json!(["BroadcastStarted"]));
    let (_, out, _) = run(&["broadcast", "list"]);
    assert!(
        out.lines().nth(2).is_some_and(|line| line.starts_with("news") && line.contains("running")),
        "{out}"
    );
    let (status, _, err) = run(&["broadcast", "pause", "news", "--reason", "a typo"]);
    assert_eq!(status, 0, "{err}");
    let (_, out, _) = run(&["broadcast", "show", "news"]);
    assert!(out.contains("paused: 0 of 2 sent") && out.contains("Hello, <b>all</b>"), "{out}");
    let (status, _, err) = run(&["broadcast", "finish", "news", "--yes"]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(view(&desk, "news")["state"], "finished");
    let (status, _, err) = run(&["broadcast", "start", "news", "--yes"]);
    assert!(status == 2 && err.contains("is finished"), "{err}");
    assert_eq!(run(&["broadcast", "show", "other"]).0, 2);

    let (status, _, err) =
        run(&["message", "telegram:1", "Hi", "--button", "Read=https://example.com", "--yes"]);
    assert_eq!(status, 0, "{err}");
    let (status, out, err) = run(&["message", &account.to_string(), "Hi again", "--yes", "--json"]);
    assert_eq!(status, 0, "{err}");
    assert!(serde_json::from_str::<Value>(&out).unwrap()["position"].is_i64());
    assert_eq!(desk.count("message_contents"), 2);
    for bad in [&["message", "telegram:9", "Hi"][..], &["message", "telegram:1"], &["message", "ada", "Hi"]] {
        let (status, _, err) = run(&[bad, &["--yes"]].concat());
        assert_eq!(status, 2, "{err}");
    }
    let names = "SELECT DISTINCT actor FROM events WHERE type IN ('BroadcastStarted', 'MessageRequested')";
    let actor: String = stage.sql(sqlx::query_scalar(names).fetch_one(&stage.pool));
    assert!(actor.starts_with("operator:"), "{actor}");
    stage.assert_verified();
}

/// Whoever starts or changes a draft has looked at it: of another one, both are refused.
fn written_down_anew_is_told(stage: &Stage, desk: &Desk<'_>) {
    let seen = |id: &str| view(desk, id)["drafted_at"].clone();
    let write = |text: &str, instead_of: &Value| {
        let mut body = json!({"broadcast": "twice", "segment": "everybody", "content": {"text": text}});
        body["instead_of"] = instead_of.clone();
        let reply =
            desk.raw.send(Producer::Console, "broadcast_draft", "twice", of(AccountId::OPERATIONS), body);
        if reply["status"] != "refused" {
            assert_eq!(reply["result"]["drafted_at"], seen("twice"), "a start can name it");
        }
        (reply["status"] == "refused").then(|| code(&reply).to_owned())
    };
    assert_eq!(write("first", &json!(0)), None);
    assert_eq!(write("another", &json!(0)).as_deref(), Some("draft_changed"), "the name is taken");
    let first = seen("twice");
    assert_eq!(write("second", &first), None);
    // The same again, by whoever got no answer; another, by whoever looked at the first.
    assert_eq!(write("second", &first), None);
    assert_eq!(write("third", &first).as_deref(), Some("draft_changed"));
    assert_eq!(view(desk, "twice")["content"]["text"], "second");
    let recipients = view(desk, "twice")["recipients"].clone();
    let body = json!({"broadcast": "twice", "recipients": recipients, "drafted_at": first});
    assert_eq!(code(&act(desk, "broadcast_start", "twice", body)), "draft_changed");
    // Between the look at it and the append it stays as it was looked at.
    assert!(!is_held(stage, "twice"), "a start that was refused holds nothing");
    let hold = "UPDATE broadcasts SET starting_until = 'infinity' WHERE broadcast = 'twice'";
    stage.sql(sqlx::query(hold).execute(&stage.pool));
    assert_eq!(write("fourth", &seen("twice")).as_deref(), Some("draft_changed"));
}

fn is_held(stage: &Stage, broadcast: &str) -> bool {
    let sql = "SELECT starting_until > clock_timestamp() FROM broadcasts WHERE broadcast = $1";
    stage.sql(sqlx::query_scalar(sql).bind(broadcast).fetch_one(&stage.pool))
}
