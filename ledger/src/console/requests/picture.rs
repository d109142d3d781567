//! A picture's bytes, for whoever has looked at its request lately: the look in the log is the ticket.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use proto_events::{Event, GenerationId};
use serde::Deserialize;

use super::content::objects;
use super::media::{self, Missing};
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::page::problem;
use crate::console::people::LOOKED;
use crate::console::session::Visitor;
use crate::store;

/// A page that is open is shown whole.
const LOOK_LASTS_US: i64 = 10 * 60_000_000;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// Where the look is in the log.
    #[serde(default)]
    look: i64,
}

pub(super) async fn picture(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((generation, n)): Path<(String, i16)>,
    Query(asked): Query<Asked>,
) -> Response {
    let refused = |status, why| problem(&console.texts, visitor.lang, status, why);
    let Ok(generation) = generation.parse::<GenerationId>() else {
        return refused(StatusCode::NOT_FOUND, "not-found");
    };
    let by = visitor.session.as_ref().map(|session| session.name.as_str()).unwrap_or_default();
    let looked = match looked(&console, by, generation, asked.look).await {
        Ok(looked) => looked,
        Err(unfit) => {
            let (status, why) = unfit.told(&visitor.path);
            return refused(status, why);
        }
    };
    if !looked {
        return refused(StatusCode::CONFLICT, "look-first");
    }
    let all = match objects(&console.pool, generation).await {
        Ok(all) => all,
        Err(error) => return console.away(&visitor, &error),
    };
    let found = all.into_iter().find(|object| object.ordinal == n);
    let Some((object, kind)) = found.and_then(|object| object.content_type().map(|kind| (object, kind)))
    else {
        return refused(StatusCode::NOT_FOUND, "not-found");
    };
    match media::fetch(&console.media, &object).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], bytes).into_response(),
        Err(Missing::Gone) => refused(StatusCode::GONE, "picture-gone"),
        Err(error) => {
            tracing::warn!(object = object.object, %error, "a picture can't be shown");
            refused(StatusCode::SERVICE_UNAVAILABLE, "picture-away")
        }
    }
}

/// Is this a look of theirs at this request, and not long ago?
async fn looked(console: &Console, by: &str, generation: GenerationId, at: i64) -> Result<bool, Unfit> {
    let Some(row) = store::event_at(&console.pool, at).await? else { return Ok(false) };
    let now: i64 = sqlx::query_scalar("SELECT now_us()").fetch_one(&console.pool).await?;
    let is_theirs = row.actor.strip_prefix("operator:") == Some(by);
    let is_of_it = match row.event()? {
        Event::OperatorActed(e) => e.act.as_str() == LOOKED && e.subject.as_str() == generation.to_string(),
        _ => false,
    };
    Ok(is_theirs && is_of_it && row.recorded_at > now - LOOK_LASTS_US)
}
