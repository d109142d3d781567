//! What pages show, as JSON under `/api/v1`; what is not shown is told as a problem (RFC 9457).

pub(super) mod openapi;
mod stream;
pub(super) mod token;
mod tokens;

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
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
}

pub(super) fn problem(texts: &Texts, status: StatusCode, code: &str) -> Response {
    let title = texts.of(Lang::En).t(code);
    let problem = Problem { status: status.as_u16(), code: code.to_owned(), title };
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(problem)).into_response()
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
