//! What programs read: by tokens of roles, as the description says, and the log as a stream of lines.

use std::collections::BTreeSet;

use e2e::{Role, Stage};
use futures_util::StreamExt as _;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

use crate::desk::{PASSWORD, Seat, open};
use crate::log::with_history;

/// A token that an administrator made.
pub fn token(stage: &Stage, name: &str, role: &str) -> String {
    let admin = Seat::signed_in(stage, "admin", PASSWORD);
    admin.proves(PASSWORD);
    let once = admin.gets("/tokens").hidden("once");
    let form = [("once", once.as_str()), ("name", name), (role, "on"), ("days", "30"), ("reason", "reads")];
    let made = admin.posts("/tokens", &form);
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let (_, token) = made.text.split_once("plantain_").unwrap_or_else(|| panic!("no token: {}", made.text));
    format!("plantain_{}", token.split('<').next().unwrap())
}

fn asks(stage: &Stage, token: &str, path: &str) -> Response {
    let url = format!("{}/api/v1{path}", stage.url(Role::Ledger));
    stage.rt.block_on(Client::new().get(url).bearer_auth(token).send()).unwrap()
}

pub fn reads(stage: &Stage, token: &str, path: &str) -> (StatusCode, Value) {
    let answer = asks(stage, token, path);
    let status = answer.status();
    (status, stage.rt.block_on(answer.json()).unwrap())
}

#[test]
fn a_program_reads_by_a_token_what_its_roles_may_until_it_is_ended() {
    let stage = open();
    let (fin, ops) = (token(&stage, "books.fin", "finance"), token(&stage, "watch", "operator"));
    assert_eq!(reads(&stage, &fin, "/books").0, StatusCode::OK);
    let (status, told) = reads(&stage, &ops, "/books");
    assert_eq!((status, told["code"].as_str()), (StatusCode::FORBIDDEN, Some("not-for-you")), "{told}");
    let lacks = "What it asks for wants one of these roles: finance, administrator. It has: operator.";
    assert_eq!(told["detail"], lacks, "{told}");
    for wrong in ["", "plantain_0", &fin[1..]] {
        let (status, told) = reads(&stage, wrong, "/books");
        assert_eq!(
            (status, told["code"].as_str()),
            (StatusCode::UNAUTHORIZED, Some("sign-in-first")),
            "{wrong}"
        );
        let lacks = if wrong.is_empty() { "No token was sent" } else { "This token is not good" };
        assert_eq!(told["title"], lacks, "{told}");
    }
    let none = Client::new().get(format!("{}/api/v1/books", stage.url(Role::Ledger)));
    let none = stage.rt.block_on(none.send()).unwrap();
    assert_eq!(
        (none.status(), &none.headers()["www-authenticate"]),
        (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap())
    );
    let told: Value = stage.rt.block_on(none.json()).unwrap();
    assert_eq!(told["title"], "No token was sent", "{told}");
    // It reads pages for programs alone, and does nothing.
    let url = |path: &str| format!("{}{path}", stage.url(Role::Ledger));
    let bare = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let page = stage.rt.block_on(bare.get(url("/books")).bearer_auth(&fin).send()).unwrap();
    assert_eq!(page.status(), StatusCode::UNAUTHORIZED);
    let told: Value = stage.rt.block_on(page.json()).unwrap();
    assert_eq!(told["title"], "A token reads nothing here", "{told}");
    let another = bare.get(url("/books")).bearer_auth("of.a.proxy").send();
    assert_eq!(
        stage.rt.block_on(another).unwrap().status(),
        StatusCode::SEE_OTHER,
        "a person behind a proxy"
    );
    let act = bare.post(url("/tokens/end")).bearer_auth(&fin).header("sec-fetch-site", "same-origin");
    assert_eq!(stage.rt.block_on(act.send()).unwrap().status(), StatusCode::UNAUTHORIZED);

    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    admin.proves(PASSWORD);
    let page = admin.gets("/tokens");
    assert!(!page.text.contains(&fin) && page.text.contains("books.fin"), "{}", page.text);
    let again = [
        ("once", page.hidden("once")),
        ("name", "watch".to_owned()),
        ("finance", "on".to_owned()),
        ("days", "30".to_owned()),
        ("reason", "again".to_owned()),
    ];
    let again: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(admin.posts("/tokens", &again).status, StatusCode::UNPROCESSABLE_ENTITY);
    for (field, value) in [("name", "A b"), ("days", "9999"), ("reason", " "), ("finance", "")] {
        let mut form = again.clone();
        form.iter_mut().filter(|(name, _)| *name == field).for_each(|pair| pair.1 = value);
        assert_eq!(admin.posts("/tokens", &form).status, StatusCode::UNPROCESSABLE_ENTITY, "{field}={value}");
    }
    let once = admin.gets("/tokens").hidden("once");
    let ended = admin.posts("/tokens/end", &[("once", &once), ("name", "books.fin")]);
    assert_eq!(ended.to, "/tokens?done=token-ended", "{}", ended.text);
    assert_eq!(reads(&stage, &fin, "/books").0, StatusCode::UNAUTHORIZED);
    stage.sql(sqlx::query("UPDATE api_tokens SET expires_at = now_us() - 1").execute(&stage.pool));
    assert_eq!(reads(&stage, &ops, "/log").0, StatusCode::UNAUTHORIZED, "it is over");
    let acts = stage.until("both acts", || {
        let acts = admin.reads("/acts")["acts"].to_string();
        ["api_token_made: books.fin", "api_token_ended: books.fin"]
            .iter()
            .all(|act| acts.contains(act))
            .then_some(acts)
    });
    assert!(acts.contains("operator:admin") && !acts.contains(&fin), "{acts}");
    for table in [
        "SELECT count(*) FROM events WHERE payload::text LIKE $1",
        "SELECT count(*) FROM api_tokens WHERE api_tokens::text LIKE $1",
    ] {
        let found: i64 = stage.sql(sqlx::query_scalar(table).bind(format!("%{fin}%")).fetch_one(&stage.pool));
        assert_eq!(found, 0, "the token itself is nowhere");
    }
    stage.assert_verified();
}

#[test]
fn the_description_has_each_page_and_fits_what_is_answered() {
    let (stage, _) = with_history();
    let token = token(&stage, "all", "administrator");
    let (status, document) = reads(&stage, &token, "/openapi.json");
    assert_eq!((status, document["openapi"].as_str()), (StatusCode::OK, Some("3.1.0")));
    let described: BTreeSet<&str> =
        document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    for path in &described {
        let parameters = document["paths"][*path]["get"]["parameters"].as_array().unwrap();
        for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            assert!(parameters.iter().any(|p| p["name"] == part && p["in"] == "path"), "{path}");
        }
        // A page is there for each but what is for programs alone.
        let page = path.strip_prefix("/api/v1").unwrap();
        if !["/events", "/log/{position}/proof", "/today"].contains(&page) {
            let page = if page.is_empty() { "/" } else { page };
            assert_ne!(
                admin.gets(&page.replace("{position}", "1")).status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{page}"
            );
        }
    }
    assert!(described.len() > 12 && described.contains("/api/v1/log/{position}"), "{described:?}");
    // Each reference leads somewhere.
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let named: BTreeSet<&str> =
        text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(schemas.contains_key(name), "{name} is described nowhere");
    }
}

#[test]
fn the_log_is_streamed_from_any_position_and_on_and_on() {
    let (stage, history) = with_history();
    let token = token(&stage, "copy", "finance");
    let whole = |path: &str| -> Vec<Value> {
        let answer = asks(&stage, &token, path);
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
        let text = stage.rt.block_on(answer.text()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let last = history.rows.len();
    let lines = whole(&format!("/events?limit={last}"));
    assert_eq!(lines.len(), last);
    for (line, row) in lines.iter().zip(&history.rows) {
        assert_eq!(line["position"], row.position);
        assert_eq!(line["payload"], serde_json::from_str::<Value>(&row.payload).unwrap());
    }
    let part = whole("/events?from=1999&limit=3");
    assert_eq!(
        part.iter().map(|line| line["position"].as_i64().unwrap()).collect::<Vec<_>>(),
        [1999, 2000, 2001]
    );
    for bad in ["?from=0", "?from=x", "?limit=-1"] {
        assert_eq!(
            reads(&stage, &token, &format!("/events{bad}")).0,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{bad}"
        );
    }
    assert!(whole("/events?from=99999999").is_empty());
    // What comes later is there without asking again.
    let head: i64 = stage.sql(sqlx::query_scalar("SELECT max(position) FROM events").fetch_one(&stage.pool));
    let answer = asks(&stage, &token, &format!("/events?from={}&follow=true", head + 1));
    let mut followed = answer.bytes_stream();
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    admin.proves(PASSWORD);
    let form = [("name", "new"), ("finance", "on"), ("password", PASSWORD), ("reason", "followed")];
    assert_eq!(admin.fills("/staff", "/staff", &form).to, "/staff?done=staff");
    let came = stage.rt.block_on(async {
        let mut came = String::new();
        while !came.contains("followed") {
            let part = tokio::time::timeout(std::time::Duration::from_secs(60), followed.next()).await;
            came += std::str::from_utf8(&part.expect("the event in time").unwrap().unwrap()).unwrap();
        }
        came
    });
    assert!(came.lines().any(|line| line.contains("OperatorActed")), "{came}");
    // Whose token is ended reads no more, soon.
    let ended = admin.fills("/tokens", "/tokens/end", &[("name", "copy")]);
    assert_eq!(ended.to, "/tokens?done=token-ended", "{}", ended.text);
    let over = stage.rt.block_on(async {
        let rest = async { while followed.next().await.is_some() {} };
        tokio::time::timeout(std::time::Duration::from_secs(60), rest).await
    });
    assert!(over.is_ok(), "the stream goes on");
}
