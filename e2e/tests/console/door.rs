//! Every page with every role, and what the door refuses.

use e2e::{Role, pages};
use ledger::console::{Need, Room};
use proto_events::commands::Role as As;
use reqwest::{Method, StatusCode};

use crate::desk::{PASSWORD, Seat, hires, open};

/// Who walks: what they have, and whether they have just given the password.
const WALKERS: [(&str, &[As], bool); 6] = [
    ("nobody", &[], false),
    ("fin", &[As::Finance], false),
    ("ops", &[As::Operator], false),
    ("boss", &[As::Administrator], false),
    ("fin", &[As::Finance], true),
    ("boss", &[As::Administrator], true),
];

/// A page of one thing that the address names, which the walk does not.
fn of_one(room: &Room) -> bool {
    room.path.contains('{') || room.path.ends_with("/cases/quarantine")
}

#[test]
fn every_page_is_for_whom_it_is_and_for_nobody_else() {
    let stage = open();
    for (name, role) in [("fin", "finance"), ("ops", "operator"), ("boss", "administrator")] {
        hires(&stage, name, role);
    }
    let _in_runtime = stage.rt.enter();
    let rooms = pages::rooms(&stage.pool, &stage.client("ledger")).unwrap();
    drop(_in_runtime);
    let mut walked = 0;
    for (name, roles, proven) in WALKERS {
        let sits = || {
            if roles.is_empty() {
                return Seat::new(&stage);
            }
            let seat = Seat::signed_in(&stage, name, PASSWORD);
            if !proven {
                let sql = "UPDATE console_sessions SET proven_at = 0";
                stage.sql(sqlx::query(sql).execute(&stage.pool));
            }
            seat
        };
        let mut seat = sits();
        for room in &rooms {
            let answer = match room.method {
                Method::GET => seat.gets(&filled(&room.path)),
                _ => seat.posts(&filled(&room.path), &[]),
            };
            let has = |wanted: &[As]| roles.iter().any(|role| wanted.contains(role));
            let wanted = match room.need {
                Need::Nothing => None,
                _ if roles.is_empty() && is_page(room) => Some(StatusCode::SEE_OTHER),
                _ if roles.is_empty() => Some(StatusCode::UNAUTHORIZED),
                Need::SignedIn => None,
                Need::One(wanted) => (!has(wanted)).then_some(StatusCode::FORBIDDEN),
                Need::Proven(wanted) => (!has(wanted) || !proven).then_some(StatusCode::FORBIDDEN),
            };
            let what = format!("{name}, proven: {proven}: {} {}: {}", room.method, room.path, answer.status);
            match wanted {
                Some(status) => assert_eq!(answer.status, status, "{what}"),
                // Let in; an empty form is not what an act needs.
                None if room.method == Method::GET => {
                    let fine = [
                        StatusCode::OK,
                        StatusCode::SEE_OTHER,
                        StatusCode::CONFLICT,
                        // Nothing is asked for.
                        StatusCode::UNPROCESSABLE_ENTITY,
                    ];
                    let nothing = answer.status == StatusCode::NOT_FOUND && of_one(room);
                    assert!(fine.contains(&answer.status) || nothing, "{what}");
                    assert!(!answer.to.starts_with("/sign-in"), "{what}");
                }
                None => {
                    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
                    assert!(!refused && !answer.status.is_server_error(), "{what}");
                }
            }
            // The same from another site changes nothing, whoever it is.
            if room.method == Method::POST {
                for from in
                    [&[][..], &[("sec-fetch-site", "cross-site")], &[("origin", "https://evil.example")]]
                {
                    let forged = seat.sends(Method::POST, &filled(&room.path), &[], from);
                    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{what}, from {from:?}");
                }
            }
            walked += 1;
            // Some pages end the session.
            if !roles.is_empty() && seat.gets("/me").status != StatusCode::OK {
                seat = sits();
            }
        }
    }
    println!("{walked} visits: {} pages, {} kinds of visitors", rooms.len(), WALKERS.len());
    assert!(rooms.len() >= 12, "only {} pages were found", rooms.len());
    let seat = Seat::new(&stage);
    for path in ["/nowhere", "/acts/", "/staff/ann", "/.env"] {
        assert_eq!(seat.gets(path).status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(seat.posts("/acts", &[]).status, StatusCode::NOT_FOUND, "it is no act");
    stage.assert_verified();
}

/// With somebody and something that are not there.
fn filled(path: &str) -> String {
    let account = "3f2b8a52-0c6e-4d1b-9d55-6a2f0e7c9a10";
    let generation = "g-3f2b8a520c6e4d1b9d556a2f0e7c9a10-0123456789abcdef";
    let names = [
        ("{position}", "1"),
        ("{name}", "balances"),
        ("{account}", account),
        ("{generation}", generation),
        ("{n}", "0"),
    ];
    names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
}

/// Whoever is not signed in is led to where they can.
fn is_page(room: &Room) -> bool {
    room.method == Method::GET && !room.path.starts_with("/api/")
}

#[test]
fn every_answer_tells_the_browser_to_be_careful() {
    let stage = open();
    let seat = Seat::signed_in(&stage, "admin", PASSWORD);
    for path in ["/", "/acts", "/sign-in", "/nowhere", "/assets/console.css"] {
        let answer = seat.gets(path);
        let header = |name: &str| answer.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default();
        let csp = header("content-security-policy");
        assert!(
            csp.contains("default-src 'none'") && csp.contains("frame-ancestors 'none'"),
            "{path}: {csp}"
        );
        assert!(!csp.contains("unsafe"), "{path}: {csp}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        let kept = if path.starts_with("/assets") { "immutable" } else { "no-store" };
        assert!(header("cache-control").contains(kept), "{path}");
        for inline in ["<script>", "style=", " onclick"] {
            assert!(!answer.text.contains(inline), "{path} has {inline}");
        }
    }
    let cookie = seat.signs_in("admin", PASSWORD).set_cookie;
    for part in ["__Host-session=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[test]
fn a_password_is_tried_so_often_and_a_session_ends_when_it_should() {
    let stage = open();
    let wrong = Seat::new(&stage);
    for (name, password) in [("admin", "wrong horse battery"), ("nobody", PASSWORD), ("admin", "")] {
        let answer = wrong.signs_in(name, password);
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert!(answer.set_cookie.is_empty(), "{name}");
    }
    let (ends, sql) = (
        ["seen_at = now_us() - 31::bigint * 60000000", "began_at = now_us() - 13::bigint * 3600000000"],
        "UPDATE console_sessions SET ",
    );
    for end in ends {
        let seat = Seat::signed_in(&stage, "admin", PASSWORD);
        assert_eq!(seat.gets("/acts").status, StatusCode::OK);
        stage.sql(sqlx::query(sqlx::AssertSqlSafe(format!("{sql}{end}"))).execute(&stage.pool));
        let answer = seat.gets("/acts");
        assert_eq!(
            (answer.status, answer.to.as_str()),
            (StatusCode::SEE_OTHER, "/sign-in?to=/acts"),
            "{end}"
        );
    }
    let seat = Seat::signed_in(&stage, "admin", PASSWORD);
    assert_eq!(seat.posts("/sign-out", &[]).to, "/sign-in");
    assert_eq!(seat.gets("/").to, "/sign-in?to=/");
    // Nobody is sent elsewhere by what stands in the address.
    for to in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let form = [("name", "admin"), ("password", PASSWORD), ("to", to)];
        assert_eq!(Seat::new(&stage).posts("/sign-in", &form).to, "/", "{to}");
    }
    let tries: Vec<_> = (0..11).map(|_| wrong.signs_in("ann", PASSWORD).status).collect();
    assert_eq!(tries[9..], [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS]);
    assert_eq!(wrong.signs_in("bob", PASSWORD).status, StatusCode::UNAUTHORIZED, "another name may be tried");
    let log = std::fs::read_to_string(stage.log_path(Role::Ledger)).unwrap();
    assert!(!log.contains("CANARY"), "a password is in the log file");
}
