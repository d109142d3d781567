//! The draft put in force: an act in the log, once for a draft as it was seen, whoever presses and how often.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::commands::CatalogPublish;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Producer, Text};
use serde::Deserialize;

use super::draft::{Asked, Draft, Shown};
use super::faults::faults;
use super::now::Now;
use super::{in_force, written};
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::asked::Unfit;
use crate::console::form::{Field, hidden};
use crate::console::page::note;
use crate::console::session::{Visitor, is_proven};
use crate::console::view::Scene;
use crate::store;

const DONE: &str = "/catalog?done=published";

/// What is expected of the log, and said of it.
const KNOWN: [(&str, &str); 2] =
    [("version_not_next", "draft-too-late"), ("catalog_invalid", "draft-invalid")];

/// Of a draft as it is, as the next version: the same for everybody who sees it so.
fn once_of(version: i64, revision: i64) -> Once {
    Once::of(&format!("catalog_publish:{version}:{revision}"))
}

/// The command's id, and the proposal's.
pub(super) fn id_of(version: i64, revision: i64) -> String {
    format!("catalog_publish:{}", once_of(version, revision).name())
}

pub(super) fn form(scene: &Scene<'_>, shown: &Shown) -> Markup {
    let (reason, hint) = (scene.t("reason"), scene.t("reason-hint"));
    let next = shown.in_force + 1;
    html! {
        h2 { (scene.t("draft-publish")) }
        @if scene.visitor.session.as_ref().is_some_and(is_proven) {
            form method="post" action="/catalog/publish" class="card narrow" {
                p { (scene.words.with("draft-publish-more", [("n", next.into())])) }
                (hidden("revision", &shown.revision.to_string()))
                (hidden("version", &next.to_string()))
                (Field { hint: Some(&hint), ..Field::text("reason", &reason) }.show())
                label class="check" {
                    input type="checkbox" name="sure" value="on" required;
                    span { (scene.t("draft-publish-sure")) }
                }
                button { (scene.words.with("draft-publish-do", [("n", next.into())])) }
            }
        } @else {
            p { (scene.t("prove-first-more")) " " a href="/me" { (scene.t("me")) } }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Given {
    /// Of the draft, as it was seen.
    #[serde(default)]
    revision: i64,
    /// That it is to be.
    #[serde(default)]
    version: i64,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    sure: String,
}

pub(super) async fn publish(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Given>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let refused = async |status, why: &str| {
        let said = note("bad", &console.words(&visitor).t(why));
        console.shown::<Draft>(&visitor, &Asked::default(), status, Some(said)).await
    };
    if given.sure != "on" {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "draft-not-sure").await;
    }
    let reason = Text::new(given.reason.trim()).ok().filter(|reason: &Text<500>| !reason.is_empty());
    let Some(reason) = reason else {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "reason-missing").await;
    };
    let command = match to_publish(&console, &given, reason).await {
        Ok(ToDo::Publish(command)) => command,
        Ok(ToDo::Nothing) => return Redirect::to(DONE).into_response(),
        Ok(ToDo::Refuse(status, why)) => return refused(status, why).await,
        Err(Unfit::Postgres(error)) => return console.away(&visitor, &error),
        Err(unfit) => {
            let (status, why) = unfit.told(&visitor.path);
            return refused(status, why).await;
        }
    };
    let once = once_of(given.version, given.revision);
    let act = Act { once, account: AccountRef::Id(AccountId::CATALOG), command: (*command).into() };
    let about = format!("version {}, draft {}", given.version, given.revision);
    match console.act_about(session, act, Some(about)).await {
        Acted::Done(_) => {
            // Who dies before this leaves a draft that is what is in force: it counts as none.
            let ended = store::put_catalog_draft(&console.pool, given.revision, None, 0, &session.name).await;
            if let Err(error) = ended {
                tracing::warn!(%error, "a draft of the catalog that was published is not ended");
            }
            Redirect::to(DONE).into_response()
        }
        acted @ Acted::PutAside => {
            let id = id_of(given.version, given.revision);
            match store::keep_publication(&console.pool, &id, given.revision).await {
                Ok(true) => {}
                Ok(false) => return refused(StatusCode::CONFLICT, "draft-changed-since").await,
                Err(error) => return console.away(&visitor, &error),
            }
            let said = acted.say(console.words(&visitor), &KNOWN);
            console.shown::<Now>(&visitor, &super::now::Asked::default(), acted.status(), Some(said)).await
        }
        acted => {
            let said = acted.say(console.words(&visitor), &KNOWN);
            console.shown::<Draft>(&visitor, &Asked::default(), acted.status(), Some(said)).await
        }
    }
}

enum ToDo {
    Publish(Box<CatalogPublish>),
    /// It is done already, by the same press.
    Nothing,
    /// The name of what is said.
    Refuse(StatusCode, &'static str),
}

/// The draft, if it is as it was seen and follows what is in force.
async fn to_publish(console: &Console, given: &Given, reason: Text<500>) -> Result<ToDo, Unfit> {
    let newest = in_force(&console.pool).await?;
    let (revision, draft) = written(&console.pool, &newest).await?;
    let id = id_of(given.version, given.revision);
    let is_next = given.version == newest.version + 1;
    let draft = draft.filter(|draft| revision == given.revision && is_next && draft.base == newest.version);
    let Some(draft) = draft else {
        let id = CommandId::new(id).map_err(|_| Unfit::Field("draft-form-unfit"))?;
        let done = store::first_answers(&console.pool, &[(Producer::Console, id)]).await?;
        let why = if is_next { "draft-changed-since" } else { "draft-too-late" };
        return Ok(if done.is_empty() { ToDo::Refuse(StatusCode::CONFLICT, why) } else { ToDo::Nothing });
    };
    if draft.catalog == newest.catalog {
        return Ok(ToDo::Refuse(StatusCode::CONFLICT, "draft-same"));
    }
    if !faults(&draft.catalog).is_empty() {
        return Ok(ToDo::Refuse(StatusCode::UNPROCESSABLE_ENTITY, "draft-invalid"));
    }
    // What was refused stays so: another draft is another proposal.
    let proposal = store::proposal(&console.pool, &id).await?;
    if proposal.is_some_and(|p| p.lapsed || !["open", "approving"].contains(&p.state.as_str())) {
        return Ok(ToDo::Refuse(StatusCode::CONFLICT, "draft-not-agreed"));
    }
    let command = CatalogPublish { version: given.version, catalog: draft.catalog, reason: Some(reason) };
    Ok(ToDo::Publish(Box::new(command)))
}
