//! The people side: what a person does with the bot or in a group with it, and what they see.

mod chat;
mod edits;
pub(crate) mod events;
mod groups;
pub(crate) mod kinds;
mod messages;
mod payments;
mod profile;
mod taps;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::FromRequest,
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::world::World;

/// A script's request is small; pictures go as multipart.
const JSON_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A JSON body, whatever the caller called it: `curl -d` says it is a form.
pub(crate) struct Said<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Said<T> {
    type Rejection = Refused;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, Refused> {
        let bytes = axum::body::to_bytes(request.into_body(), JSON_BYTES_MAX).await;
        let bytes =
            bytes.map_err(|_| Refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is too big".to_owned()))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Refused::bad(error.to_string()))
    }
}

/// A refusal in words a person can act on.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) StatusCode, pub(crate) String);

impl Refused {
    pub(crate) fn bad(why: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, why.into())
    }

    pub(crate) fn absent(why: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, why.into())
    }

    pub(crate) fn conflict(why: impl Into<String>) -> Self {
        Self(StatusCode::CONFLICT, why.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/people", get(profile::list))
        .route("/people/{user}", put(profile::put).get(profile::get))
        .route("/people/{user}/block", post(profile::block))
        .route("/people/{user}/unblock", post(profile::unblock))
        .route("/people/{user}/deactivate", post(profile::deactivate))
        .route("/people/{user}/messages", post(messages::write))
        .route("/people/{user}/edits", post(edits::edit))
        .route("/people/{user}/taps", post(taps::tap))
        .route("/people/{user}/payments", post(payments::pay))
        .route("/people/{user}/chat", get(chat::chat))
        .route("/people/{user}/events", get(events::stream))
        .route("/groups", get(groups::list))
        .route("/groups/{group}", put(groups::put))
        .route("/groups/{group}/chat", get(chat::group))
        .route("/groups/{group}/events", get(events::stream))
        .route("/chats", get(chat::list))
        .route("/events", get(events::all))
        .route("/files/{file_id}", get(chat::file))
}
