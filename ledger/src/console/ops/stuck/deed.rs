//! The end of one, in the log before it is done. A telling ends here, whatever its service is at; a result that did not arrive ends in
//! the log, and what was charged comes back.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use proto_events::commands::DeliveryFail;
use proto_events::envelope::AccountRef;
use proto_events::events::DeliveryTrouble;
use proto_events::{GenerationId, Producer};
use serde::Deserialize;

use super::one::{Asked, One};
use super::path;
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::page::{note, problem};
use crate::console::session::Visitor;
use crate::console::view::Read as _;
use crate::store;
use crate::store::Session;

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
    let ended = match end_telling(&console, session, &asked).await {
        Ok(ended) => ended,
        Err(acted) => return unfit(acted.status(), acted.say(words, &[])).await,
    };
    match store::drop_stuck_event(&console.pool, &asked.consumer, position).await {
        Ok(true) => done(),
        // Its service knows by now, and has forgotten it.
        Ok(false) if ended => Redirect::to("/dead-letters?done=letter-drop").into_response(),
        // It was got done between the two.
        Ok(false) => problem(&console.texts, visitor.lang, StatusCode::NOT_FOUND, "not-found"),
        Err(error) => {
            tracing::warn!(%error, "an event could not be dropped");
            unfit(StatusCode::SERVICE_UNAVAILABLE, note("bad", &words.t("act-in-doubt"))).await
        }
    }
}

/// Nobody is told it any more: whether there was something to tell. `Err`: it is not ended, and the same form goes on.
async fn end_telling(console: &Console, by: &Session, asked: &Asked) -> Result<bool, Acted> {
    if asked.consumer != Producer::Telegram.as_str() {
        return Ok(false);
    }
    let not_kept = |error: sqlx::Error| {
        tracing::warn!(%error, "a telling could not be ended");
        Acted::NotKept
    };
    let Some(untold) = store::untold(&console.pool, asked.position).await.map_err(not_kept)? else {
        return Ok(false);
    };
    if untold.event_type == "GenerationSucceeded"
        && let Ok(generation) = untold.subject.parse::<GenerationId>()
    {
        let command = DeliveryFail { generation, reason: DeliveryTrouble::Refused, r#final: true };
        let account = AccountRef::Id(generation.account());
        let once = Once::of(&format!("undelivered:{generation}"));
        match console.act(by, Act { once, account, command: command.into() }).await {
            Acted::Done(_) => {}
            // It has arrived after all, or was given up.
            Acted::Refused(refusal) if refusal.code.as_str() == "generation_delivered" => {}
            acted => return Err(acted),
        }
    }
    store::end_delivery(&console.pool, asked.position).await.map_err(not_kept)?;
    Ok(true)
}
