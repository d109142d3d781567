//! Sessions: seen and ended by their owner, ended by an administrator; whose address counts behind a proxy; how fast.

use e2e::{Role, Stage};
use reqwest::{Method, StatusCode};

use crate::desk::{PASSWORD, Seat, hires, open, open_with};

fn ids(stage: &Stage, name: &str) -> Vec<String> {
    let sql = "SELECT id::text FROM console_sessions WHERE name = $1 ORDER BY began_at";
    stage.sql(sqlx::query_scalar(sql).bind(name.to_owned()).fetch_all(&stage.pool))
}

fn is_in(seat: &Seat<'_>) -> bool {
    seat.gets("/me").status == StatusCode::OK
}

#[test]
fn sessions_are_seen_and_ended_by_whose_they_are() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let browsers = ["Firefox/1", "<b>Chrome</b>/2", "Safari/3"];
    let seats = browsers.map(|browser| {
        let seat = Seat::with_browser(&stage, browser);
        assert_eq!(seat.signs_in("fin", PASSWORD).to, "/");
        seat
    });
    let page = seats[0].gets("/me").text;
    for shown in ["Firefox/1", "&lt;b&gt;Chrome&lt;/b&gt;/2", "Safari/3", "127.0.0.1"] {
        assert!(page.contains(shown), "{shown}");
    }
    assert_eq!(page.matches(">этот<").count(), 1, "its own is marked");
    let (theirs, others) = (ids(&stage, "fin"), ids(&stage, "admin"));
    // Nobody ends what is another's.
    let ended = seats[0].posts("/me/sessions/end", &[("session", &others[0])]);
    assert_eq!((ended.to.as_str(), ids(&stage, "admin")), ("/me?done=ended", others));
    assert_eq!(
        seats[0].posts("/me/sessions/end", &[("session", "x")]).status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(ids(&stage, "fin").len(), 3, "what is not understood ends none");
    seats[0].posts("/me/sessions/end", &[("session", &theirs[1])]);
    assert_eq!([0, 1, 2].map(|n: usize| is_in(&seats[n])), [true, false, true]);
    seats[0].posts("/me/sessions/end", &[]);
    assert_eq!([0, 1, 2].map(|n: usize| is_in(&seats[n])), [true, false, false]);

    // An administrator ends all, and says why.
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    let form = |reason| [("name", "fin"), ("reason", reason)];
    assert_eq!(admin.posts("/staff/sessions/end", &form(" ")).status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(is_in(&seats[0]));
    assert_eq!(admin.posts("/staff/sessions/end", &form("lost a laptop")).to, "/staff?done=staff");
    assert!(!is_in(&seats[0]));
    let sql = "SELECT actor || payload FROM events WHERE payload LIKE '%sessions_end%'";
    let acts: Vec<String> = stage.sql(sqlx::query_scalar(sql).fetch_all(&stage.pool));
    assert_eq!(acts, [r#"operator:admin{"act":"sessions_end","reason":"lost a laptop","subject":"fin"}"#]);
    stage.assert_verified();
}

#[test]
fn behind_a_proxy_who_tries_is_who_the_proxy_says() {
    let stage = open_with(&[("TRUSTED_PROXY_HOPS", "1")]);
    let tries = |from: &str, name: &str| {
        let form = [("name", name), ("password", "wrong horse battery"), ("to", "/")];
        let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", from)];
        Seat::new(&stage).sends(Method::POST, "/sign-in", &form, &headers).status
    };
    // What stands before what our proxy wrote may be forged, and counts for nothing.
    let all: Vec<_> = (0..51).map(|n| tries(&format!("10.0.0.{n}, 203.0.113.7"), &format!("n{n}"))).collect();
    assert_eq!(all[..50], [StatusCode::UNAUTHORIZED; 50]);
    assert_eq!(all[50], StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(tries("203.0.113.7, 203.0.113.8", "other"), StatusCode::UNAUTHORIZED, "another client");
    let seat = Seat::new(&stage);
    let form = [("name", "admin"), ("password", PASSWORD), ("to", "/")];
    let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", "203.0.113.9")];
    assert_eq!(seat.sends(Method::POST, "/sign-in", &form, &headers).to, "/");
    assert!(seat.gets("/me").text.contains("203.0.113.9"));
}

#[test]
fn a_script_gone_wild_is_told_to_wait() {
    let stage = open();
    let wild = Seat::signed_in(&stage, "admin", PASSWORD);
    let path = "/assets/icon.svg";
    let told = (0..20_000).map(|_| wild.gets(path)).find(|answer| answer.status != StatusCode::OK).unwrap();
    assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(told.text.contains("Слишком много запросов"), "{}", told.text);
    assert_eq!(
        Seat::signed_in(&stage, "admin", PASSWORD).gets("/").status,
        StatusCode::OK,
        "another session"
    );
    let log = std::fs::read_to_string(stage.log_path(Role::Ledger)).unwrap();
    assert!(!log.contains("ERROR"));
}
