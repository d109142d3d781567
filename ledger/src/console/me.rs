//! One's own page: who one is, the password once more, sessions, the second factor, another password.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Console;
use super::act::Once;
use super::door::{Door, Need};
use super::form::Field;
use super::page::note;
use super::password;
use super::second;
use super::session::{self, Visitor};
use super::sessions;
use super::staff::{Change, put};
use crate::store::{self, Session};

pub(super) fn rooms(door: &mut Door) {
    door.get("/me", Need::SignedIn, me);
    door.post("/me/prove", Need::SignedIn, prove);
    door.post("/me/password", Need::SignedIn, change_password);
}

#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    done: String,
}

async fn me(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(Done { done }): Query<Done>,
) -> Response {
    let said = match done.as_str() {
        "proven" => Some("is-proven"),
        "totp-off" => Some("totp-is-off"),
        "ended" => Some("session-ended"),
        _ => None,
    };
    let said = said.map(|text| note("good", &console.words(&visitor).t(text)));
    own_page(&console, &visitor, StatusCode::OK, said).await
}

pub(super) async fn own_page(
    console: &Console,
    visitor: &Visitor,
    status: StatusCode,
    said: Option<Markup>,
) -> Response {
    let words = console.words(visitor);
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let read = async {
        let all = session::all(&console.pool, &session.name).await?;
        let is_on = store::totp(&console.pool, &session.name).await?.is_some_and(|known| known.is_on);
        Ok((all, is_on, store::recovery_codes_left(&console.pool, &session.name).await?))
    };
    let (all, is_on, codes_left) = match read.await {
        Ok(read) => read,
        Err(error) => return console.away(visitor, &error),
    };
    let (now, new, again) = (words.t("password-now"), words.t("password-new"), words.t("password-again"));
    let hint = words.with("password-hint", [("n", password::PASSWORD_CHARS_MIN.into())]);
    let new = Field { hint: Some(&hint), ..Field::password("new", &new, "new-password") };
    let body = html! {
        @if let Some(said) = said { (said) }
        dl class="facts" {
            dt { (words.t("name")) } dd { (session.name) }
            dt { (words.t("roles")) }
            dd { @for role in &session.roles { span class="chip" { (words.t(&format!("role-{}", role.as_str()))) } " " } }
        }
        h2 { (words.t("prove")) }
        p { (words.t("prove-more")) }
        form method="post" action="/me/prove" class="card narrow" {
            (Field::password("password", &now, "current-password").show())
            @if is_on { (second::code_field(words, "f-code")) }
            button { (words.t("prove-do")) }
        }
        (sessions::section(words, session, &all))
        (second::section(words, session, is_on, codes_left))
        h2 { (words.t("change-password")) }
        form method="post" action="/me/password" class="card narrow" {
            (Field { id: "f-password-now", ..Field::password("password", &now, "current-password") }.show())
            @if is_on { (second::code_field(words, "f-change-code")) }
            (new.show())
            (Field::password("again", &again, "new-password").show())
            button { (words.t("change-password-do")) }
        }
    };
    console.page_with(status, visitor, &words.t("me"), &body)
}

#[derive(Deserialize)]
struct Prove {
    password: SecretString,
    #[serde(default)]
    code: String,
}

/// What was given is not what is needed: the name of what is said of it.
pub(super) async fn unfit(console: &Console, visitor: &Visitor, status: StatusCode, why: &str) -> Response {
    own_page(console, visitor, status, Some(note("bad", &console.words(visitor).t(why)))).await
}

/// Whether this is the password of whoever is signed in, and their code if they have a second factor; the code is spent.
pub(super) async fn is_theirs(
    console: &Console,
    visitor: &Visitor,
    given: &SecretString,
    code: &str,
) -> Result<(), Response> {
    let Some(Session { id, name, .. }) = &visitor.session else {
        return Err(Redirect::to("/sign-in").into_response());
    };
    if !console.attempts.may_prove(*id, visitor.address) {
        return Err(unfit(console, visitor, StatusCode::TOO_MANY_REQUESTS, "too-many-tries").await);
    }
    let hash = store::password_hash(&console.pool, name).await;
    let hash = hash.map_err(|error| console.away(visitor, &error))?;
    if !password::is_right(given.expose_secret().to_owned(), hash).await {
        return Err(unfit(console, visitor, StatusCode::FORBIDDEN, "wrong-own-password").await);
    }
    match second::takes(&console.pool, name, code).await {
        Ok(true) => {
            console.attempts.succeeded(name, Some(*id), visitor.address);
            Ok(())
        }
        Ok(false) => Err(unfit(console, visitor, StatusCode::FORBIDDEN, "wrong-code").await),
        Err(error) => Err(console.away(visitor, &error)),
    }
}

async fn prove(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Form(given): Form<Prove>,
) -> Response {
    if let Err(refused) = is_theirs(&console, &visitor, &given.password, &given.code).await {
        return refused;
    }
    let Some(token) = session::token_hash(&headers) else { return Redirect::to("/sign-in").into_response() };
    match store::prove_session(&console.pool, &token).await {
        Ok(()) => Redirect::to("/me?done=proven").into_response(),
        Err(error) => console.away(&visitor, &error),
    }
}

#[derive(Deserialize)]
struct ChangePassword {
    password: SecretString,
    #[serde(default)]
    code: String,
    new: SecretString,
    again: SecretString,
}

async fn change_password(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<ChangePassword>,
) -> Response {
    if let Err(refused) = is_theirs(&console, &visitor, &given.password, &given.code).await {
        return refused;
    }
    let new = given.new.expose_secret();
    let bad = |why| unfit(&console, &visitor, StatusCode::UNPROCESSABLE_ENTITY, why);
    if new != given.again.expose_secret() {
        return bad("passwords-differ").await;
    }
    if !password::is_long_enough(new) {
        return bad("password-unfit").await;
    }
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let change = Change {
        // All sessions end with it, so that the form does not come twice.
        once: Once::new(),
        name: session.name.clone(),
        roles: session.roles.clone(),
        password: Some(given.new.clone()),
        reason: "own password".to_owned(),
    };
    match put(&console, session, change).await {
        // All sessions are over with it.
        Ok(()) => Redirect::to("/sign-in").into_response(),
        Err(not) => own_page(&console, &visitor, not.status(), Some(not.say(console.words(&visitor)))).await,
    }
}
