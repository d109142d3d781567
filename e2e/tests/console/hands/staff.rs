//! Whoever signs in, by hand: let in, given other roles, ended; the second factor, sessions, the password; tokens of programs.

use e2e::Stage;
use reqwest::StatusCode;

use super::hand::{Act, Hand, by_hand, counted, noted};
use crate::api::reads;
use crate::desk::{PASSWORD, open};
use crate::totp::{code, time_passes};

pub const ACTS: &[Act] = &[
    ("/staff", "staff"),
    ("/me/totp/begin", ""),
    ("/me/totp/confirm", ""),
    ("/me/totp/off", "totp-off"),
    ("/sign-in/code", ""),
    ("/sign-out", ""),
    ("/staff/totp/reset", "staff"),
    ("/me/password", ""),
    ("/me/sessions/end", "ended"),
    ("/staff/sessions/end", "staff"),
    ("/tokens", ""),
    ("/tokens/end", "token-ended"),
];

const NEXT: &str = "CANARY another horse";

/// The roles and whether there is a session.
fn known(stage: &Stage, name: &str) -> (Vec<String>, i64) {
    let roles = "SELECT roles FROM staff WHERE name = $1";
    let roles = stage.sql(sqlx::query_scalar(roles).bind(name.to_owned()).fetch_one(&stage.pool));
    (roles, counted(stage, "SELECT count(*) FROM console_sessions WHERE name = $1", name))
}

/// Gives the password once more.
fn proves(hand: &Hand<'_>) {
    hand.goes("/me");
    hand.fills("/me/prove", &[("password", PASSWORD)]);
}

/// The secret, and a code for who loses the telephone.
fn turns_on(hand: &Hand<'_>) -> (String, String) {
    hand.goes("/me");
    hand.fills("/me/totp/begin", &[]);
    hand.page.sees("main svg.qr", "");
    let secret = hand.page.texts("main .secret").remove(0);
    hand.fills("/me/totp/confirm", &[("code", &code(&secret, 0))]);
    hand.page.sees("main ol.codes li", "");
    hand.shot("recovery-codes");
    let codes = hand.page.texts("main ol.codes li");
    assert_eq!(codes.len(), 10, "{codes:?}");
    hand.presses("main a.button[href='/me']");
    (secret, codes[0].clone())
}

/// The window is nobody's any more.
fn is_out(hand: &Hand<'_>) {
    hand.goes("/me");
    hand.sees("h1", "Войти", "Sign in");
}

#[test]
fn staff_come_go_and_lose_their_telephones_by_hand() {
    let stage = open();
    by_hand(&stage, "console-hands-staff", ACTS, |hand| {
        let (stage, name) = (hand.stage, format!("fin.{}", hand.lang));
        let name = name.as_str();
        hand.is_admin();
        hand.goes("/staff");
        let new = [("name", name), ("finance", "on"), ("password", PASSWORD), ("reason", "new here")];
        hand.fills("/staff", &new);
        hand.says("Сделано", "Done");
        assert_eq!(known(stage, name), (vec!["finance".to_owned()], 0));

        // The second factor: on, asked for, off, on again, and the telephone is lost.
        let fin = hand.another();
        fin.signs_in(name);
        proves(&fin);
        let (secret, spare) = turns_on(&fin);
        fin.shot("factor-on");
        fin.presses("form[action='/sign-out'] button");
        is_out(&fin);
        time_passes(stage);
        fin.signs_in_as(name, PASSWORD);
        fin.fills("/sign-in/code", &[("code", &code(&secret, 0))]);
        fin.sees("h1", "Обзор", "Overview");
        fin.goes("/me");
        fin.fills("/me/totp/off", &[("password", PASSWORD), ("code", &spare)]);
        fin.says("больше не спрашивается", "no code any more");
        proves(&fin);
        turns_on(&fin);
        let (asked, reset) =
            ([("name", name), ("reason", "lost it")], "button[formaction='/staff/totp/reset']");
        hand.goes("/staff");
        hand.fills_by("/staff/sessions/end", "", reset, &asked);
        hand.says("Сделано", "Done");
        assert_eq!(noted(stage, "totp_reset", name, "lost it"), 1);
        is_out(&fin);

        // Sessions, one's own and another's; the password ends them all.
        fin.signs_in(name);
        let elsewhere = [fin.another(), fin.another()];
        elsewhere.iter().for_each(|window| window.signs_in(name));
        fin.goes("/me");
        fin.shot("sessions");
        fin.presses("main td form[action='/me/sessions/end'] button");
        fin.says("Сеансы закончены", "sessions are ended");
        assert_eq!(known(stage, name).1, 2);
        fin.presses("main form[action='/me/sessions/end']:not(:has([name=session])) button");
        assert_eq!(known(stage, name).1, 1);
        elsewhere.iter().for_each(is_out);
        fin.goes("/me");
        fin.fills("/me/password", &[("password", PASSWORD), ("new", NEXT), ("again", NEXT)]);
        fin.sees("h1", "Войти", "Sign in");
        fin.signs_in_as(name, NEXT);
        fin.sees("h1", "Обзор", "Overview");
        hand.goes("/staff");
        hand.fills_by("/staff/sessions/end", "", "button:not([formaction])", &asked);
        assert_eq!(noted(stage, "sessions_end", name, "lost it"), 1);
        is_out(&fin);

        hand.goes("/staff");
        hand.fills("/staff", &[("name", name), ("operator", "on"), ("reason", "another desk")]);
        assert_eq!(known(stage, name), (vec!["operator".to_owned()], 0));
        fin.signs_in_as(name, NEXT);
        fin.goes("/books");
        fin.sees("h1", "не для вашей роли", "not for your role");
        fin.shot("not-for-you");
        hand.goes("/staff");
        hand.fills("/staff", &[("name", name), ("no_role", "on"), ("reason", "has left")]);
        hand.shot("ended");
        assert_eq!(known(stage, name), (Vec::new(), 0));
        fin.signs_in_as(name, NEXT);
        fin.sees("main .bad", "не подходят", "not right");

        hand.goes("/tokens");
        let token = [("name", name), ("finance", "on"), ("days", "30"), ("reason", "a report")];
        hand.fills("/tokens", &token);
        let made = hand.page.texts("main pre").remove(0);
        assert_eq!(reads(stage, made.trim(), "/books").0, StatusCode::OK);
        hand.page.eval("document.querySelector('main pre').textContent = 'plantain_…'");
        hand.shot("token-made");
        hand.goes("/tokens");
        hand.fills("/tokens/end", &[]);
        hand.says("отозван", "is ended");
        hand.shot("token-ended");
        assert_eq!(reads(stage, made.trim(), "/books").0, StatusCode::UNAUTHORIZED);
    });
    stage.assert_verified();
}
