//! Sessions: their owner sees them all and ends them, administrators end all of somebody's.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::commands::Role;
use serde::Deserialize;
use uuid::Uuid;

use super::Console;
use super::door::{Door, Need};
use super::lang::Words;
use super::session::Visitor;
use super::staff::{self, About};
use crate::books::moscow;
use crate::store::{self, Ended, Seen, Session};

/// The act's code in the log.
const SESSIONS_END: &str = "sessions_end";

pub(super) fn rooms(door: &mut Door) {
    door.post("/me/sessions/end", Need::SignedIn, end_own);
    door.post("/staff/sessions/end", Need::Proven(&[Role::Administrator]), end_all);
}

/// On one's own page.
pub(super) fn section(words: Words<'_>, session: &Session, all: &[Seen]) -> Markup {
    html! {
        h2 id="sessions" { (words.t("sessions")) }
        div class="scroll" tabindex="0" role="region" aria-labelledby="sessions" {
            table {
                thead { tr {
                    th scope="col" { (words.t("session-began")) }
                    th scope="col" { (words.t("session-seen")) }
                    th scope="col" { (words.t("session-address")) }
                    th scope="col" { (words.t("session-browser")) }
                    th scope="col" { (words.t("session-end")) }
                } }
                tbody {
                    @for one in all {
                        tr {
                            td class="when" { (moscow::date_time(one.began_at)) }
                            td class="when" { (moscow::date_time(one.seen_at)) }
                            td { code { (one.from.address) } }
                            td { (one.from.browser) }
                            td {
                                @if one.id == session.id { span class="chip" { (words.t("session-this")) } } @else {
                                    form method="post" action="/me/sessions/end" {
                                        input type="hidden" name="session" value=(one.id);
                                        button class="plain" { (words.t("session-end")) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if all.iter().any(|one| one.id != session.id) {
            form method="post" action="/me/sessions/end" { button { (words.t("sessions-end-others")) } }
        }
    }
}

#[derive(Deserialize)]
struct Which {
    /// Nothing: all but this one.
    session: Option<Uuid>,
}

async fn end_own(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(which): Form<Which>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let ended = which.session.map_or(Ended::AllBut(session.id), Ended::One);
    match store::end_sessions(&console.pool, &session.name, ended).await {
        Ok(count) => {
            tracing::info!(name = session.name, count, "ended sessions of their own");
            Redirect::to("/me?done=ended").into_response()
        }
        Err(error) => console.away(&visitor, &error),
    }
}

/// Written down first: what dies between is asked for again, and changes nothing twice.
async fn end_all(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(about): Form<About>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    if let Err(not) = about.record(&console, session, SESSIONS_END).await {
        return staff::refused(&console, &visitor, &not).await;
    }
    match store::end_sessions(&console.pool, &about.name, Ended::All).await {
        Ok(_) => Redirect::to("/staff?done=staff").into_response(),
        Err(error) => console.away(&visitor, &error),
    }
}
