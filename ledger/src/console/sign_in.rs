//! Signing in and out, the language.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Console;
use super::door::{Door, Need};
use super::form::Field;
use super::lang::{self, Lang};
use super::page::note;
use super::password;
use super::session::{self, Visitor};
use crate::store;

/// A path of ours to go back to.
fn home_of(to: &str) -> &str {
    if to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n']) { to } else { "/" }
}

pub(super) fn rooms(door: &mut Door) {
    door.get("/sign-in", Need::Nothing, form);
    door.post("/sign-in", Need::Nothing, sign_in);
    door.post("/sign-out", Need::Nothing, sign_out);
    door.post("/language", Need::Nothing, choose_language);
}

#[derive(Deserialize)]
struct To {
    #[serde(default)]
    to: String,
}

async fn form(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(To { to }): Query<To>,
) -> Response {
    if visitor.session.is_some() {
        return Redirect::to(home_of(&to)).into_response();
    }
    shown(&console, &visitor, &to, "", None)
}

fn shown(
    console: &Console,
    visitor: &Visitor,
    to: &str,
    name: &str,
    bad: Option<(StatusCode, &str)>,
) -> Response {
    let words = console.words(visitor);
    let (name_label, password_label) = (words.t("name"), words.t("password"));
    let name = Field { value: name, complete: "username", ..Field::text("name", &name_label) };
    let body = html! {
        @if let Some((_, why)) = bad { (note("bad", &words.t(why))) }
        form method="post" action="/sign-in" class="card narrow" {
            input type="hidden" name="to" value=(home_of(to));
            (name.show())
            (Field::password("password", &password_label, "current-password").show())
            button { (words.t("sign-in")) }
        }
    };
    let status = bad.map_or(StatusCode::OK, |(status, _)| status);
    console.page_with(status, visitor, &words.t("sign-in"), &body)
}

#[derive(Deserialize)]
struct SignIn {
    name: String,
    password: SecretString,
    #[serde(default)]
    to: String,
}

async fn sign_in(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Form(given): Form<SignIn>,
) -> Response {
    let name = given.name.trim().to_lowercase();
    let refused = |status, why| shown(&console, &visitor, &given.to, &name, Some((status, why)));
    if !console.attempts.may(&name, address.ip()) {
        metrics::counter!("ledger_console_sign_ins_total", "outcome" => "too_many").increment(1);
        return refused(StatusCode::TOO_MANY_REQUESTS, "too-many-tries");
    }
    let hash = match store::password_hash(&console.pool, &name).await {
        Ok(hash) => hash,
        Err(error) => return console.away(&visitor, &error),
    };
    let right = password::is_right(given.password.expose_secret().to_owned(), hash.clone()).await;
    let (true, Some(hash)) = (right, hash) else {
        metrics::counter!("ledger_console_sign_ins_total", "outcome" => "wrong").increment(1);
        tracing::warn!(address = %address.ip(), "a wrong name or password at the console");
        return refused(StatusCode::UNAUTHORIZED, "wrong-password");
    };
    match session::begin(&console.pool, &name, &hash).await {
        Ok(Some(cookie)) => {
            console.attempts.succeeded(&name, address.ip());
            metrics::counter!("ledger_console_sign_ins_total", "outcome" => "right").increment(1);
            tracing::info!(name, "signed in to the console");
            with_cookie(Redirect::to(home_of(&given.to)).into_response(), Some(cookie))
        }
        Ok(None) => refused(StatusCode::UNAUTHORIZED, "wrong-password"),
        Err(error) => console.away(&visitor, &error),
    }
}

async fn sign_out(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    match session::end(&console.pool, &headers).await {
        Ok(cookie) => with_cookie(Redirect::to("/sign-in").into_response(), cookie),
        Err(error) => console.away(&visitor, &error),
    }
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[derive(Deserialize)]
struct Language {
    language: String,
    #[serde(default)]
    to: String,
}

async fn choose_language(Form(chosen): Form<Language>) -> Response {
    let code = Lang::of(&chosen.language).map_or("ru", Lang::code);
    let cookie = format!("{}={code}; Path=/; Max-Age=31536000; SameSite=Lax", lang::COOKIE);
    with_cookie(Redirect::to(home_of(&chosen.to)).into_response(), HeaderValue::from_str(&cookie).ok())
}
