//! Who may sign in is an act in the log, from the page and from the command line.

use reqwest::StatusCode;
use serde_json::Value;

use crate::desk::{PASSWORD, Seat, hires, open};

#[test]
fn who_signs_in_is_in_the_log_with_who_let_them_and_why() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let acts: Vec<(String, String)> = stage.sql(
        sqlx::query_as(
            "SELECT actor, payload::text FROM events WHERE type = 'OperatorActed' ORDER BY position",
        )
        .fetch_all(&stage.pool),
    );
    assert_eq!(acts.len(), 2);
    assert_eq!((acts[0].0.as_str(), acts[1].0.as_str()), ("system", "operator:admin"));
    let act: Value = serde_json::from_str(&acts[1].1).unwrap();
    assert_eq!(
        act,
        serde_json::json!({"act": "staff_put", "subject": "fin", "reason": "new here",
            "detail": "finance; another password"})
    );
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    stage.until("the act on its page", || {
        let page = fin.gets("/acts").text;
        (page.contains("new here") && page.contains(">admin<")).then_some(())
    });

    // Whoever is changed is out at once; what they may do is what they may do now.
    hires(&stage, "fin", "operator");
    assert_eq!(fin.gets("/acts").to, "/sign-in?to=/acts");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    assert!(fin.gets("/me").text.contains("Оператор"));

    // One's own password, for which the one before is needed.
    let form = |now, new, again| [("password", now), ("new", new), ("again", again)];
    let next = "CANARY another horse";
    for (now, new, again, status) in [
        ("wrong", next, next, StatusCode::FORBIDDEN),
        (PASSWORD, next, "CANARY other", StatusCode::UNPROCESSABLE_ENTITY),
        (PASSWORD, "short", "short", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(fin.posts("/me/password", &form(now, new, again)).status, status, "{now} {new}");
    }
    assert_eq!(fin.posts("/me/password", &form(PASSWORD, next, next)).to, "/sign-in");
    assert_eq!(Seat::new(&stage).signs_in("fin", PASSWORD).status, StatusCode::UNAUTHORIZED);
    Seat::signed_in(&stage, "fin", next);

    // The last administrator stays one, and what is not fit is refused in words.
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    for (form, words) in [
        (
            vec![("name", "admin"), ("finance", "on"), ("password", ""), ("reason", "r")],
            "больше администраторов нет",
        ),
        (
            vec![("name", "Жан"), ("finance", "on"), ("password", PASSWORD), ("reason", "r")],
            "имя или пароль не подходят",
        ),
        (
            vec![("name", "new"), ("finance", "on"), ("password", ""), ("reason", "r")],
            "имя или пароль не подходят",
        ),
        (
            vec![("name", "new"), ("finance", "on"), ("password", "short"), ("reason", "r")],
            "слишком короткий",
        ),
        (
            vec![("name", "new"), ("finance", "on"), ("password", PASSWORD), ("reason", "")],
            "напишите причину",
        ),
        (vec![("name", "fin"), ("password", ""), ("reason", "no role")], "отметьте хотя бы одну роль"),
        (
            vec![("name", "fin"), ("finance", "on"), ("no_role", "on"), ("password", ""), ("reason", "both")],
            "отметьте хотя бы одну роль",
        ),
    ] {
        let answer = admin.fills("/staff", "/staff", &form);
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
        assert!(answer.text.contains(words), "{form:?}: {}", answer.text);
    }
    // A form that comes twice is one act; with another password in it, another.
    let once = admin.gets("/staff").hidden("once");
    let acts = || -> i64 {
        let sql = "SELECT count(*) FROM events WHERE payload LIKE '%staff_put%' AND payload LIKE '%twice%'";
        stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
    };
    for (password, wanted) in [(PASSWORD, 1), (PASSWORD, 1), ("CANARY of eve", 2)] {
        let form = [
            ("once", once.as_str()),
            ("name", "eve"),
            ("finance", "on"),
            ("password", password),
            ("reason", "twice"),
        ];
        assert_eq!(admin.posts("/staff", &form).to, "/staff?done=staff");
        assert_eq!(acts(), wanted);
    }
    let eve = Seat::signed_in(&stage, "eve", "CANARY of eve");
    let out = [("name", "eve"), ("no_role", "on"), ("password", ""), ("reason", "left")];
    assert_eq!(admin.fills("/staff", "/staff", &out).to, "/staff?done=staff");
    assert_eq!(eve.gets("/").to, "/sign-in?to=/", "out at once");
    let told: Vec<String> = stage.sql(
        sqlx::query_scalar("SELECT payload::json->>'detail' FROM events WHERE payload LIKE '%\"subject\":\"eve\"%' ORDER BY position")
            .fetch_all(&stage.pool),
    );
    assert_eq!(told, ["finance; another password", "finance; another password", "no role"]);
    let secrets: i64 = stage.sql(
        sqlx::query_scalar(
            "SELECT count(*) FROM events e WHERE e::text LIKE '%CANARY%' OR e::text LIKE '%argon2%'",
        )
        .fetch_one(&stage.pool),
    );
    assert_eq!(secrets, 0, "a password is in the log");
    stage.assert_verified();
}

#[test]
fn the_command_line_lets_in_and_out() {
    let stage = open();
    let run = |args: &[&str]| {
        let output = stage.ledger_command(args).unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
    let add = ["operator", "add", "ops", "--role", "operator", "--reason", "nights", "--operator", "ann"];
    let (code, said) = run(&[&add[..], &["--yes", "--json"]].concat());
    assert_eq!(code, 0, "{said}");
    let drawn: Value = serde_json::from_str(&said).unwrap();
    let ops = Seat::signed_in(&stage, "ops", drawn["password"].as_str().unwrap());
    assert_eq!(run(&["operator", "list"]).1.lines().count(), 2);
    let remove = |name| run(&["operator", "remove", name, "--reason", "left", "--yes"]);
    let (code, said) = remove("ops");
    assert_eq!((code, said.starts_with("Done, at position ")), (0, true), "{said}");
    assert_eq!(ops.gets("/").to, "/sign-in?to=/", "out at once");
    let (code, said) = remove("nobody");
    assert_eq!((code, said.contains("nobody is called nobody")), (2, true), "{said}");
    let (code, said) = remove("admin");
    assert_eq!((code, said.contains("nobody else is an administrator")), (2, true), "{said}");
    stage.assert_verified();
}
