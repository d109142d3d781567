//! What pages show, as JSON under `/api/v1`; what is not shown is told as a problem (RFC 9457).

pub(super) mod openapi;
mod stream;
pub(super) mod token;
mod tokens;

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use proto_events::commands::Role;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgPool;

use super::Console;
use super::door::Door;
use super::lang::{Lang, Texts};
use super::session;
use super::view::{Read, asked};
use crate::store::Session;

pub(super) const ROOT: &str = "/api/v1";

/// After all that is to be described.
pub(super) fn rooms(door: &mut Door) {
    stream::rooms(door);
    tokens::rooms(door);
    openapi::rooms(door);
}

/// Where a view is as JSON.
pub(super) fn path_of(page: &str) -> String {
    format!("{ROOT}{}", page.trim_end_matches('/'))
}

/// Who reads: a program by its token, or somebody by their session.
pub(super) async fn whose(pool: &PgPool, headers: &HeaderMap) -> Result<Option<Session>, sqlx::Error> {
    match token::sent(headers) {
        Some(token) => token::session(pool, token).await,
        None => session::of(pool, headers).await,
    }
}

/// Whether it is a program that asks. At a page only a token of ours says so: a proxy may have put another there.
pub(super) fn is_by_token(path: &str, headers: &HeaderMap) -> bool {
    token::sent(headers).is_some_and(|token| is_in(path) || token::is_ours(token))
}

pub(super) fn is_in(path: &str) -> bool {
    path == ROOT || path.strip_prefix(ROOT).is_some_and(|rest| rest.starts_with('/'))
}

/// Why there is no answer (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// The same as the answer's.
    status: u16,
    /// For programs: it stays as it is.
    code: String,
    /// For people, in English.
    title: String,
    /// The same: what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Problem {
    fn answer(self, status: StatusCode) -> Response {
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self)).into_response()
    }
}

pub(super) fn problem(texts: &Texts, status: StatusCode, code: &str) -> Response {
    let title = texts.of(Lang::En).t(code);
    Problem { status: status.as_u16(), code: code.to_owned(), title, detail: None }.answer(status)
}

/// Why a program is not let in; codes are those of people who are not.
pub(super) enum Lack<'a> {
    /// None was sent.
    Token,
    /// It is nobody's, was ended, or is over.
    GoodToken,
    /// It was sent to a page, or to an act.
    Path,
    Role {
        wanted: &'a [Role],
        has: &'a [Role],
    },
}

/// What a token lacks; `WWW-Authenticate` is RFC 6750's.
pub(super) fn lacking(texts: &Texts, lack: &Lack<'_>) -> Response {
    let words = texts.of(Lang::En);
    let roles = |roles: &[Role]| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
    let (status, code, name, asks) = match lack {
        Lack::Token => (StatusCode::UNAUTHORIZED, "sign-in-first", "token-missing", "Bearer"),
        Lack::GoodToken => {
            (StatusCode::UNAUTHORIZED, "sign-in-first", "token-not-good", "Bearer error=\"invalid_token\"")
        }
        Lack::Path => (StatusCode::UNAUTHORIZED, "sign-in-first", "token-not-here", "Bearer"),
        Lack::Role { .. } => {
            (StatusCode::FORBIDDEN, "not-for-you", "token-not-for", "Bearer error=\"insufficient_scope\"")
        }
    };
    let more = format!("{name}-more");
    let detail = match lack {
        Lack::Role { wanted, has } => {
            words.with(&more, [("wanted", roles(wanted).into()), ("has", roles(has).into())])
        }
        Lack::Token | Lack::GoodToken | Lack::Path => words.t(&more),
    };
    let title = words.t(name);
    let problem = Problem { status: status.as_u16(), code: code.to_owned(), title, detail: Some(detail) };
    let mut answer = problem.answer(status);
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(asks));
    answer
}

pub(super) async fn data<R: Read>(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    uri: Uri,
) -> Response {
    let Ok(asked) = asked::<R>(&params, &uri) else {
        return problem(&console.texts, StatusCode::UNPROCESSABLE_ENTITY, "address-unfit");
    };
    match R::read(&console, &asked).await {
        Ok(shown) => Json(shown).into_response(),
        Err(unfit) => {
            let (status, code) = unfit.told(R::PATH);
            problem(&console.texts, status, code)
        }
    }
}
