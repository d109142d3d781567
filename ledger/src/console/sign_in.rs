//! Signing in and out, the language.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Console;
use super::asked::link;
use super::door::{Door, Need};
use super::form::Field;
use super::lang::{self, Lang};
use super::page::note;
use super::password;
use super::second;
use super::session::{self, Visitor};
use crate::store;

const NAME_BYTES_MAX: usize = 32;

/// A path of ours to go back to.
fn home_of(to: &str) -> &str {
    if to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n']) { to } else { "/" }
}

pub(super) fn rooms(door: &mut Door) {
    door.get("/sign-in", Need::Nothing, form);
    door.post("/sign-in", Need::Nothing, sign_in);
    door.get("/sign-in/code", Need::Nothing, code_form);
    door.post("/sign-in/code", Need::Nothing, take_code);
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
    headers: HeaderMap,
    Form(given): Form<SignIn>,
) -> Response {
    // Nobody has a longer one: what is kept of tries is bounded.
    let fits = |name: &String| name.len() <= NAME_BYTES_MAX && !name.contains('\0');
    let name = Some(given.name.trim().to_lowercase()).filter(fits).unwrap_or_default();
    let refused = |status, why| shown(&console, &visitor, &given.to, &name, Some((status, why)));
    if !console.attempts.may(&name, visitor.address) {
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
        tracing::warn!(address = %visitor.address, "a wrong name or password at the console");
        return refused(StatusCode::UNAUTHORIZED, "wrong-password");
    };
    match store::totp(&console.pool, &name).await {
        Ok(Some(known)) if known.is_on => return ask_code(&console, &visitor, &name, &hash, &given.to).await,
        Ok(_) => {}
        Err(error) => return console.away(&visitor, &error),
    }
    let from = session::origin(&visitor, &headers);
    match session::begin(&console.pool, &name, &hash, false, &from).await {
        Ok(Some(cookie)) => {
            console.attempts.succeeded(&name, None, visitor.address);
            metrics::counter!("ledger_console_sign_ins_total", "outcome" => "right").increment(1);
            tracing::info!(name, "signed in to the console");
            with_cookie(Redirect::to(home_of(&given.to)).into_response(), Some(cookie))
        }
        Ok(None) => refused(StatusCode::UNAUTHORIZED, "wrong-password"),
        Err(error) => console.away(&visitor, &error),
    }
}

/// What was tried under the name counts on: the password alone lets nobody in.
async fn ask_code(console: &Console, visitor: &Visitor, name: &str, hash: &str, to: &str) -> Response {
    match session::begin_half(&console.pool, name, hash).await {
        Ok(cookie) => {
            let to = link("/sign-in/code", &[("to", home_of(to))]);
            with_cookie(Redirect::to(&to).into_response(), cookie)
        }
        Err(error) => console.away(visitor, &error),
    }
}

async fn code_form(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(To { to }): Query<To>,
) -> Response {
    code_asked(&console, &visitor, &to, None)
}

fn code_asked(console: &Console, visitor: &Visitor, to: &str, bad: Option<(StatusCode, &str)>) -> Response {
    let words = console.words(visitor);
    let body = html! {
        @if let Some((_, why)) = bad { (note("bad", &words.t(why))) }
        form method="post" action="/sign-in/code" class="card narrow" {
            input type="hidden" name="to" value=(home_of(to));
            (second::code_field(words, "f-code"))
            button { (words.t("sign-in")) }
        }
        p { a href="/sign-in" { (words.t("sign-in-anew")) } }
    };
    let status = bad.map_or(StatusCode::OK, |(status, _)| status);
    console.page_with(status, visitor, &words.t("code"), &body)
}

#[derive(Deserialize)]
struct TakeCode {
    #[serde(default)]
    code: String,
    #[serde(default)]
    to: String,
}

async fn take_code(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Form(given): Form<TakeCode>,
) -> Response {
    let refused = |status, why| code_asked(&console, &visitor, &given.to, Some((status, why)));
    let (name, hash) = match session::half(&console.pool, &headers).await {
        Ok(Some(half)) => half,
        Ok(None) => return refused(StatusCode::UNPROCESSABLE_ENTITY, "sign-in-over"),
        Err(error) => return console.away(&visitor, &error),
    };
    if !console.attempts.may(&name, visitor.address) {
        metrics::counter!("ledger_console_sign_ins_total", "outcome" => "too_many").increment(1);
        return refused(StatusCode::TOO_MANY_REQUESTS, "too-many-tries");
    }
    match second::takes(&console.pool, &name, &given.code).await {
        Ok(true) => {}
        Ok(false) => {
            metrics::counter!("ledger_console_sign_ins_total", "outcome" => "wrong_code").increment(1);
            tracing::warn!(address = %visitor.address, "a wrong code at the console");
            return refused(StatusCode::UNPROCESSABLE_ENTITY, "wrong-code");
        }
        Err(error) => return console.away(&visitor, &error),
    }
    let from = session::origin(&visitor, &headers);
    let begun = async {
        let cookie = session::begin(&console.pool, &name, &hash, true, &from).await?;
        Ok((cookie, session::end_half(&console.pool, &headers).await?))
    };
    match begun.await {
        Ok((Some(cookie), over)) => {
            console.attempts.succeeded(&name, None, visitor.address);
            metrics::counter!("ledger_console_sign_ins_total", "outcome" => "right").increment(1);
            tracing::info!(name, "signed in to the console with a code");
            let response = with_cookie(Redirect::to(home_of(&given.to)).into_response(), Some(cookie));
            with_cookie(response, over)
        }
        Ok((None, _)) => refused(StatusCode::UNPROCESSABLE_ENTITY, "sign-in-over"),
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
