//! Four eyes: what one administrator wants above the owner's amount is done once another agrees, once, whoever dies when.

use e2e::deeds::Deeds;
use e2e::raw::{Raw, person};
use e2e::{Role, Stage};
use ledger::console::put_aside;
use proto_events::commands::{CreditsGrant, GrantSource};
use proto_events::envelope::AccountRef;
use proto_events::{CommandId, Producer, Text};
use reqwest::StatusCode;
use serde_json::json;

use crate::desk::{PASSWORD, Seat, hires, open};

const ABOVE: (&str, &str) = ("FOUR_EYES_ABOVE", "100");

/// Two administrators, and a person with an account; then the owner sets the amount.
pub fn two_of_them() -> Stage {
    let mut stage = open();
    hires(&stage, "bob", "administrator");
    hires(&stage, "fin", "finance");
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(deeds.start(1)).unwrap();
    restarts(&mut stage, &[]);
    stage.until("the amount in the log", || (count(&stage, "FourEyesChanged") == 1).then_some(()));
    stage
}

fn restarts(stage: &mut Stage, more: &[(&str, &str)]) {
    if stage.is_running(Role::Ledger) {
        assert!(stage.stop(Role::Ledger));
    }
    stage.start(Role::Ledger, &[&[ABOVE], more].concat()).unwrap();
}

fn count(stage: &Stage, event: &str) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE type = $1";
    stage.sql(sqlx::query_scalar(sql).bind(event.to_owned()).fetch_one(&stage.pool))
}

fn granted(stage: &Stage) -> i64 {
    let sql =
        "SELECT count(*) FROM events WHERE type = 'CreditsGranted' AND command_id LIKE 'credits_grant:%'";
    stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
}

/// As a page does what was refused for want of a second word; its id.
fn proposes(stage: &Stage, by: &str, name: &str) -> String {
    let id = CommandId::new(format!("credits_grant:{name}")).unwrap();
    let command = CreditsGrant {
        credits: serde_json::from_value(json!(150)).unwrap(),
        source: GrantSource::Admin,
        reason: Text::new("sorry").unwrap(),
        lasts_days: None,
        expires_at: None,
    };
    let account = AccountRef::Telegram(1);
    assert!(stage.rt.block_on(put_aside(&stage.pool, by, &id, account, &command.into())).unwrap());
    id.to_string()
}

fn state(stage: &Stage, id: &str) -> String {
    let sql = "SELECT state FROM proposals WHERE id = $1";
    stage.sql(sqlx::query_scalar(sql).bind(id.to_owned()).fetch_one(&stage.pool))
}

#[test]
fn what_is_above_the_amount_is_done_when_another_administrator_agrees() {
    let stage = two_of_them();
    let raw = Raw::new(&stage);
    let give = |credits: i64| json!({"credits": credits, "source": "admin", "reason": "sorry"});
    // The ledger itself refuses it, whichever way it comes.
    assert_eq!(raw.operator("credits_grant", "credits_grant:100", person(1), give(100)), ["CreditsGranted"]);
    let refused = raw.refused(Producer::Console, "credits_grant", "credits_grant:101", person(1), give(101));
    assert_eq!(refused, "needs_approval");
    let take = json!({"credits": 101, "reason": "r"});
    let refused = raw.refused(Producer::Console, "credits_revoke", "take:1", person(1), take);
    assert_eq!(refused, "needs_approval");

    let [admin, bob, fin] = ["admin", "bob", "fin"].map(|name| Seat::signed_in(&stage, name, PASSWORD));
    let id = proposes(&stage, "admin", "one");
    let form = |reason| [("proposal", id.as_str()), ("reason", reason)];
    for (seat, form, status) in [
        (&fin, form("fine"), StatusCode::FORBIDDEN),
        (&admin, form("fine"), StatusCode::UNPROCESSABLE_ENTITY),
        (&bob, form(" "), StatusCode::UNPROCESSABLE_ENTITY),
        (&bob, [("proposal", "credits_grant:nowhere"), ("reason", "fine")], StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(seat.posts("/proposals/approve", &form).status, status, "{form:?}");
    }
    assert_eq!((granted(&stage), state(&stage, &id).as_str()), (1, "open"), "nobody agreed");
    assert!(bob.gets("/proposals").text.contains("Согласиться"));
    let own = admin.gets("/proposals").text;
    assert!(
        own.contains("+150") && !own.contains("Согласиться"),
        "one's own is another's to agree to: {own}"
    );
    assert_eq!(bob.posts("/proposals/approve", &form("looked")).to, "/proposals?done=decided");
    assert_eq!((granted(&stage), state(&stage, &id).as_str()), (2, "done"));
    assert_eq!(bob.posts("/proposals/approve", &form("again")).status, StatusCode::UNPROCESSABLE_ENTITY);
    let names: Vec<(String, String)> = stage.sql(
        sqlx::query_as("SELECT actor, payload FROM events WHERE command_id = $1 AND type = 'ActApproved'")
            .bind(id.clone())
            .fetch_all(&stage.pool),
    );
    let both = ("operator:admin".to_owned(), r#"{"approver":"operator:bob","reason":"looked"}"#.to_owned());
    assert_eq!(names, [both]);

    // Refused, with a reason that stays; what lapsed is nobody's to agree to.
    let no = proposes(&stage, "bob", "two");
    let refuse = [("proposal", no.as_str()), ("reason", "too much")];
    assert_eq!(admin.posts("/proposals/refuse", &refuse).to, "/proposals?done=decided");
    assert_eq!(state(&stage, &no), "refused");
    let late = proposes(&stage, "bob", "three");
    stage.sql(sqlx::query("UPDATE proposals SET lapses_at = 1 WHERE state = 'open'").execute(&stage.pool));
    let agree = [("proposal", late.as_str()), ("reason", "fine")];
    let answer = admin.posts("/proposals/approve", &agree);
    assert!(answer.text.contains("срок предложения вышел"), "{}", answer.text);
    assert_eq!((granted(&stage), count(&stage, "ActApproved")), (2, 1));
    stage.until("the refusal among the acts", || {
        let acts = admin.reads("/acts")["acts"].to_string();
        (acts.contains("proposal_refused") && acts.contains("too much")).then_some(())
    });
    stage.assert_verified();
}

#[test]
fn nobody_makes_a_second_administrator_of_themselves() {
    let stage = two_of_them();
    let (admin, bob): (Seat, Seat) =
        (Seat::signed_in(&stage, "admin", PASSWORD), Seat::signed_in(&stage, "bob", PASSWORD));
    let once = admin.gets("/staff").hidden("once");
    let wants = |name| {
        let form = [
            ("once", once.as_str()),
            ("name", name),
            ("administrator", "on"),
            ("password", "CANARY of the puppet"),
            ("reason", "r"),
        ];
        admin.posts("/staff", &form)
    };
    for name in ["puppet", "bob", "puppet"] {
        let answer = wants(name);
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{name}");
        assert!(answer.text.contains("нужно согласие второго администратора"), "{}", answer.text);
    }
    let proposed: i64 =
        stage.sql(sqlx::query_scalar("SELECT count(*) FROM proposals").fetch_one(&stage.pool));
    assert_eq!(proposed, 2, "the same form waits once");
    // What was refused is not said to wait when its form comes again.
    let sql = "SELECT id FROM proposals WHERE subject LIKE 'bob%'";
    let of_bob: String = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
    let refuse = [("proposal", of_bob.as_str()), ("reason", "not me")];
    assert_eq!(bob.posts("/proposals/refuse", &refuse).to, "/proposals?done=decided");
    let again = wants("bob");
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    assert!(again.text.contains("уже решил это"), "{}", again.text);
    assert_eq!(Seat::new(&stage).signs_in("puppet", "CANARY of the puppet").status, StatusCode::UNAUTHORIZED);
    assert_eq!(Seat::new(&stage).signs_in("bob", "CANARY of the puppet").status, StatusCode::UNAUTHORIZED);
    let page = bob.gets("/proposals").text;
    assert!(page.contains("puppet: administrator; another password") && !page.contains("argon2"), "{page}");
    let sql = "SELECT id FROM proposals WHERE subject LIKE 'puppet%'";
    let id: String = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
    let form = [("proposal", id.as_str()), ("reason", "I know them")];
    assert_eq!(bob.posts("/proposals/approve", &form).to, "/proposals?done=decided");
    Seat::signed_in(&stage, "puppet", "CANARY of the puppet");
    // One's own password is one's own.
    let next = "CANARY another horse";
    let form = [("password", PASSWORD), ("new", next), ("again", next)];
    assert_eq!(bob.posts("/me/password", &form).to, "/sign-in");
    let add =
        ["operator", "add", "eve", "--role", "administrator", "--reason", "r", "--operator", "ann", "--yes"];
    let output = stage.ledger_command(&add).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("waits at /proposals"), "{said}");
    // The password that was drawn is the one they will have.
    let told = String::from_utf8(output.stdout).unwrap();
    let drawn = told.trim().rsplit(' ').next().unwrap().to_owned();
    let sql = "SELECT id FROM proposals WHERE subject LIKE 'eve%'";
    let id: String = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
    let bob = Seat::signed_in(&stage, "bob", next);
    bob.proves(next);
    let form = [("proposal", id.as_str()), ("reason", "I know them")];
    assert_eq!(bob.posts("/proposals/approve", &form).to, "/proposals?done=decided");
    Seat::signed_in(&stage, "eve", &drawn);
    stage.assert_verified();
}

#[test]
fn a_death_between_the_decision_and_its_end_does_it_once() {
    let mut stage = two_of_them();
    for (round, point) in (1..).zip(["ledger.proposal.decided", "ledger.proposal.sent"]) {
        let file = stage.dir().join(point);
        restarts(&mut stage, &[("CRASH_AT", &format!("{point}:1")), ("CRASH_LOG", file.to_str().unwrap())]);
        let id = proposes(&stage, "admin", point);
        let form = [("proposal", id.as_str()), ("reason", "fine")];
        Seat::signed_in(&stage, "bob", PASSWORD).dies_at("/proposals/approve", &form);
        assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), point);
        assert_eq!(stage.wait_ended(Role::Ledger), None, "it aborts");
        restarts(&mut stage, &[]);
        assert_eq!(state(&stage, &id), "approving");
        // Whoever comes by ends it.
        let admin = Seat::signed_in(&stage, "admin", PASSWORD);
        assert!(admin.gets("/proposals").text.contains("Довести до конца"), "{point}");
        let answer = admin.posts("/proposals/finish", &form);
        assert_eq!(answer.to, "/proposals?done=decided", "{point}: {}", answer.text);
        assert_eq!((granted(&stage), state(&stage, &id).as_str()), (round, "done"), "{point}");
        assert_eq!(admin.posts("/proposals/finish", &form).status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(count(&stage, "ActApproved"), 2);
    stage.assert_verified();
}

#[test]
fn what_was_agreed_to_and_not_done_in_time_is_not_done_later() {
    let mut stage = two_of_them();
    for (point, ended) in [("ledger.proposal.decided", "failed"), ("ledger.proposal.sent", "done")] {
        restarts(&mut stage, &[("CRASH_AT", &format!("{point}:1"))]);
        let id = proposes(&stage, "admin", point);
        let form = [("proposal", id.as_str()), ("reason", "fine")];
        Seat::signed_in(&stage, "bob", PASSWORD).dies_at("/proposals/approve", &form);
        assert_eq!(stage.wait_ended(Role::Ledger), None, "it aborts");
        stage.sql(sqlx::query("UPDATE proposals SET lapses_at = 1").execute(&stage.pool));
        // Who agreed may agree to nothing more: what was done stays done.
        let out = "UPDATE staff SET roles = '{finance}' WHERE name = 'bob'";
        stage.sql(sqlx::query(out).execute(&stage.pool));
        restarts(&mut stage, &[]);
        let admin = Seat::signed_in(&stage, "admin", PASSWORD);
        let before = granted(&stage);
        let answer = admin.posts("/proposals/finish", &form);
        let status = if ended == "done" { StatusCode::SEE_OTHER } else { StatusCode::UNPROCESSABLE_ENTITY };
        assert_eq!((answer.status, state(&stage, &id).as_str()), (status, ended), "{point}: {}", answer.text);
        assert_eq!(granted(&stage), before, "{point}");
        let back = "UPDATE staff SET roles = '{administrator}' WHERE name = 'bob'";
        stage.sql(sqlx::query(back).execute(&stage.pool));
    }
    assert_eq!(granted(&stage), 1, "only what was done before its time was over");
}
