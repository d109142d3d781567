//! The end of one, in the log before it is done.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::one::{Asked, One};
use super::path;
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::page::{note, problem};
use crate::console::session::Visitor;
use crate::console::view::Read as _;
use crate::store;

#[derive(Deserialize)]
pub(super) struct Given {
    once: Once,
    #[serde(default)]
    reason: String,
}

/// A death after the act leaves the act alone; the same form goes on.
pub(super) async fn drop_it(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((consumer, position)): Path<(String, i64)>,
    Form(given): Form<Given>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let here = path(&consumer, position);
    let done = || Redirect::to(&format!("{here}?done=letter-drop")).into_response();
    let asked = Asked { consumer, position, sent: Some((given.once, given.reason.clone())) };
    match One::read(&console, &asked).await {
        // Pressed twice.
        Ok(one) if one.dropped => return done(),
        Ok(_) => {}
        Err(unfit) => {
            let (status, why) = unfit.told(&visitor.path);
            return problem(&console.texts, visitor.lang, status, why);
        }
    }
    let words = console.words(&visitor);
    let unfit = async |status, said| console.shown::<One>(&visitor, &asked, status, Some(said)).await;
    let subject = format!("{}/{position}", asked.consumer);
    let once = given.once.with(&[&subject, given.reason.trim()]);
    let Some(act) = Act::noted(once, "event_dropped", &subject, &given.reason) else {
        return unfit(StatusCode::UNPROCESSABLE_ENTITY, note("bad", &words.t("reason-missing"))).await;
    };
    match console.act(session, act).await {
        Acted::Done(_) => {}
        acted => return unfit(acted.status(), acted.say(words, &[])).await,
    }
    match store::drop_stuck_event(&console.pool, &asked.consumer, position).await {
        Ok(true) => done(),
        // It was got done between the two.
        Ok(false) => problem(&console.texts, visitor.lang, StatusCode::NOT_FOUND, "not-found"),
        Err(error) => {
            tracing::warn!(%error, "an event could not be dropped");
            unfit(StatusCode::SERVICE_UNAVAILABLE, note("bad", &words.t("act-in-doubt"))).await
        }
    }
}
