//! One's own page: who one is, the password once more, another password.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Console;
use super::door::{Door, Need};
use super::form::Field;
use super::page::note;
use super::password;
use super::session::{self, Visitor};
use super::staff::{Change, put};
use crate::store;

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
    let good = (done == "proven").then(|| note("good", &console.words(&visitor).t("is-proven")));
    own_page(&console, &visitor, StatusCode::OK, good)
}

fn own_page(console: &Console, visitor: &Visitor, status: StatusCode, said: Option<Markup>) -> Response {
    let words = console.words(visitor);
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
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
            button { (words.t("prove-do")) }
        }
        h2 { (words.t("change-password")) }
        form method="post" action="/me/password" class="card narrow" {
            (Field::password("password", &now, "current-password").show())
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
}

/// What was given is not what is needed: the name of what is said of it.
fn unfit(console: &Console, visitor: &Visitor, status: StatusCode, why: &str) -> Response {
    own_page(console, visitor, status, Some(note("bad", &console.words(visitor).t(why))))
}

/// Whether this is the password of whoever is signed in.
async fn is_theirs(
    console: &Console,
    visitor: &Visitor,
    address: SocketAddr,
    given: &SecretString,
) -> Result<(), Response> {
    let name = visitor.session.as_ref().map(|session| session.name.clone()).unwrap_or_default();
    if !console.attempts.may(&name, address.ip()) {
        return Err(unfit(console, visitor, StatusCode::TOO_MANY_REQUESTS, "too-many-tries"));
    }
    let hash = store::password_hash(&console.pool, &name).await;
    let hash = hash.map_err(|error| console.away(visitor, &error))?;
    if password::is_right(given.expose_secret().to_owned(), hash).await {
        console.attempts.succeeded(&name, address.ip());
        return Ok(());
    }
    Err(unfit(console, visitor, StatusCode::FORBIDDEN, "wrong-own-password"))
}

async fn prove(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(given): Form<Prove>,
) -> Response {
    if let Err(refused) = is_theirs(&console, &visitor, address, &given.password).await {
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
    new: SecretString,
    again: SecretString,
}

async fn change_password(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Form(given): Form<ChangePassword>,
) -> Response {
    if let Err(refused) = is_theirs(&console, &visitor, address, &given.password).await {
        return refused;
    }
    let new = given.new.expose_secret();
    let bad = |why| unfit(&console, &visitor, StatusCode::UNPROCESSABLE_ENTITY, why);
    if new != given.again.expose_secret() {
        return bad("passwords-differ");
    }
    if !password::is_long_enough(new) {
        return bad("password-unfit");
    }
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let change = Change {
        name: session.name.clone(),
        roles: session.roles.clone(),
        password: Some(given.new.clone()),
        reason: "own password".to_owned(),
    };
    match put(&console, session, change).await {
        // All sessions are over with it.
        Ok(()) => Redirect::to("/sign-in").into_response(),
        Err(not) => own_page(&console, &visitor, not.status(), Some(not.say(console.words(&visitor)))),
    }
}
