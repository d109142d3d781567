//! The second factor: turned on and off by whose it is, asked for after the password, taken away by an administrator when a
//! telephone is lost.
//!
//! Each turn is an act in the log first, under an id made of the secret's own: who dies between asks again, and it is one act.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::commands::{OperatorAct, Role};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, Text};
use secrecy::SecretString;
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::Console;
use super::act::{Act, Acted, Once};
use super::door::{Door, Need};
use super::form::Field;
use super::lang::Words;
use super::me::{is_theirs, own_page, unfit};
use super::page::note;
use super::session::{Visitor, is_proven};
use super::staff::{self, About, NotPut};
use super::totp;
use crate::store::{self, Ended, Session, Totp};

/// The acts' codes in the log.
const TOTP_ON: &str = "totp_on";
const TOTP_OFF: &str = "totp_off";
pub const TOTP_RESET: &str = "totp_reset";

pub(super) fn rooms(door: &mut Door) {
    door.post("/me/totp/begin", Need::Proven(&Role::ALL), begin);
    door.post("/me/totp/confirm", Need::Proven(&Role::ALL), confirm);
    door.post("/me/totp/off", Need::SignedIn, turn_off);
    door.post("/staff/totp/reset", Need::Proven(&[Role::Administrator]), reset);
}

/// Takes a code, of the app or for recovery, once and for all. Whoever has none needs none.
pub(super) async fn takes(pool: &PgPool, name: &str, code: &str) -> Result<bool, sqlx::Error> {
    let Some(known) = store::totp(pool, name).await?.filter(|known| known.is_on) else { return Ok(true) };
    let code = totp::plain(code);
    match totp::step_of(&known.secret, &code, known.now_us) {
        Some(step) => store::spend_step(pool, name, known.id, step).await,
        None => store::spend_recovery_code(pool, name, &totp::recovery_hash(&code)).await,
    }
}

/// The field for it.
pub(super) fn code_field(words: Words<'_>, id: &str) -> Markup {
    let (label, hint) = (words.t("code"), words.t("code-hint"));
    Field { id, hint: Some(&hint), complete: "one-time-code", ..Field::text("code", &label) }.show()
}

/// On one's own page.
pub(super) fn section(words: Words<'_>, session: &Session, is_on: bool, codes_left: i64) -> Markup {
    let now = words.t("password-now");
    html! {
        h2 { (words.t("totp")) }
        @if is_on {
            p { (words.t("totp-is-on")) " " (words.with("recovery-left", [("n", codes_left.into())])) }
            form method="post" action="/me/totp/off" class="card narrow" {
                (Field { id: "f-off-password", ..Field::password("password", &now, "current-password") }.show())
                (code_field(words, "f-off-code"))
                button { (words.t("totp-off-do")) }
            }
        } @else {
            p { (words.t("totp-more")) }
            @if is_proven(session) {
                form method="post" action="/me/totp/begin" { button { (words.t("totp-begin")) } }
            } @else {
                p { (words.t("totp-prove-first")) }
            }
        }
    }
}

/// The secret is in this one answer and never shown again.
async fn begin(State(console): State<Arc<Console>>, Extension(visitor): Extension<Visitor>) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let (id, secret) = (Uuid::new_v4(), totp::new_secret());
    match store::begin_totp(&console.pool, &session.name, id, &secret).await {
        Ok(true) => {}
        Ok(false) => return unfit(&console, &visitor, StatusCode::CONFLICT, "totp-on-already").await,
        Err(error) => return console.away(&visitor, &error),
    }
    let words = console.words(&visitor);
    let shown = html! {
        p { (words.t("totp-scan")) }
        @if let Some(picture) = totp::picture(&secret, &session.name, &words.t("totp-picture")) { (picture) }
        p { (words.t("totp-type")) " " code class="secret" { (totp::text(&secret)) } }
    };
    confirming(&console, &visitor, StatusCode::OK, id, &shown)
}

fn confirming(
    console: &Console,
    visitor: &Visitor,
    status: StatusCode,
    id: Uuid,
    above: &Markup,
) -> Response {
    let words = console.words(visitor);
    let (label, hint) = (words.t("code"), words.t("totp-confirm-hint"));
    let field = Field { hint: Some(&hint), complete: "one-time-code", ..Field::text("code", &label) };
    let body = html! {
        (above)
        form method="post" action="/me/totp/confirm" class="card narrow" {
            input type="hidden" name="id" value=(id);
            (field.show())
            button { (words.t("totp-confirm")) }
        }
    };
    console.page_with(status, visitor, &words.t("totp"), &body)
}

#[derive(Deserialize)]
struct Confirm {
    id: Uuid,
    code: String,
}

async fn confirm(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Confirm>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let words = console.words(&visitor);
    let known = match store::totp(&console.pool, &session.name).await {
        Ok(Some(known)) if known.id == given.id && !known.is_on => known,
        Ok(_) => return unfit(&console, &visitor, StatusCode::CONFLICT, "totp-begin-again").await,
        Err(error) => return console.away(&visitor, &error),
    };
    if !console.attempts.may_prove(session.id, visitor.address) {
        return unfit(&console, &visitor, StatusCode::TOO_MANY_REQUESTS, "too-many-tries").await;
    }
    let Some(step) = totp::step_of(&known.secret, &totp::plain(&given.code), known.now_us) else {
        let wrong = note("bad", &words.t("wrong-code"));
        return confirming(&console, &visitor, StatusCode::UNPROCESSABLE_ENTITY, given.id, &wrong);
    };
    console.attempts.succeeded(&session.name, Some(session.id), visitor.address);
    let acted = record(&console, session, TOTP_ON, known.id).await;
    if !matches!(acted, Acted::Done(_)) {
        return own_page(&console, &visitor, acted.status(), Some(acted.say(words, &[]))).await;
    }
    let codes = totp::new_recovery_codes();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| totp::recovery_hash(&totp::plain(code))).collect();
    match store::turn_totp_on(&console.pool, &session.name, known.id, step, &hashes, session.id).await {
        Ok(true) => {}
        Ok(false) => return unfit(&console, &visitor, StatusCode::CONFLICT, "totp-begin-again").await,
        Err(error) => return console.away(&visitor, &error),
    }
    let body = html! {
        (note("good", &words.t("totp-is-on")))
        p { (words.t("recovery-more")) }
        ol class="card narrow codes" { @for code in &codes { li { code { (code) } } } }
        p { a class="button" href="/me" { (words.t("recovery-kept")) } }
    };
    console.page(&visitor, &words.t("recovery-codes"), &body)
}

/// An act about one's own second factor.
async fn record(console: &Console, by: &Session, act: &str, secret: Uuid) -> Acted {
    let command = OperatorAct {
        act: Text::lossy(act),
        subject: Text::lossy(&by.name),
        reason: Text::lossy("own second factor"),
    };
    // One secret is turned on once and off once.
    let once = Once::of(&format!("{act}:{secret}"));
    let account = AccountRef::Id(AccountId::OPERATIONS);
    console.act(by, Act { once, account, command: command.into() }).await
}

#[derive(Deserialize)]
struct TurnOff {
    password: SecretString,
    #[serde(default)]
    code: String,
}

async fn turn_off(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<TurnOff>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let id = match store::totp(&console.pool, &session.name).await {
        Ok(Some(Totp { id, is_on: true, .. })) => id,
        Ok(_) => return Redirect::to("/me").into_response(),
        Err(error) => return console.away(&visitor, &error),
    };
    if let Err(refused) = is_theirs(&console, &visitor, &given.password, &given.code).await {
        return refused;
    }
    let acted = record(&console, session, TOTP_OFF, id).await;
    if !matches!(acted, Acted::Done(_)) {
        let said = acted.say(console.words(&visitor), &[]);
        return own_page(&console, &visitor, acted.status(), Some(said)).await;
    }
    match store::forget_totp(&console.pool, &session.name, id).await {
        Ok(()) => Redirect::to("/me?done=totp-off").into_response(),
        Err(error) => console.away(&visitor, &error),
    }
}

/// Somebody's telephone is lost. One's own is turned off at one's own page, with a code.
async fn reset(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(about): Form<About>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    if about.name == session.name {
        return staff::refused(&console, &visitor, &NotPut::OwnTotp).await;
    }
    let id = match store::totp(&console.pool, &about.name).await {
        Ok(Some(known)) => known.id,
        Ok(None) => return staff::refused(&console, &visitor, &NotPut::NoTotp).await,
        Err(error) => return console.away(&visitor, &error),
    };
    if let Err(not) = about.record(&console, session, TOTP_RESET).await {
        return staff::refused(&console, &visitor, &not).await;
    }
    let done = async {
        store::forget_totp(&console.pool, &about.name, id).await?;
        store::end_sessions(&console.pool, &about.name, Ended::All).await
    };
    match done.await {
        Ok(_) => Redirect::to("/staff?done=staff").into_response(),
        Err(error) => console.away(&visitor, &error),
    }
}
