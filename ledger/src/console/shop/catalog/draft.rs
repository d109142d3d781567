//! The draft: begun from what is in force or was, written by all administrators in turn, carried over when another version comes
//! into force meanwhile.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::AccountId;
use proto_events::catalog::Catalog;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::changes::{Change, changes};
use super::compare::table_of;
use super::faults::faults;
use super::fields::{Typed, Wrong, shelf};
use super::form::Desk;
use super::words::fault_words;
use super::{EDITS, Version, in_force, now, of_version, publish, written};
use crate::books::moscow;
use crate::console::Console;
use crate::console::asked::{Unfit, link};
use crate::console::door::Need;
use crate::console::form::hidden;
use crate::console::page::note;
use crate::console::session::Visitor;
use crate::console::view::{Read, Scene, View};
use crate::store;

/// Versions whose models can be turned on again.
const SHELF_VERSIONS: i64 = 10;

pub(super) struct Draft;

#[derive(Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// What was typed and is not saved.
    #[serde(skip)]
    typed: Option<Typed>,
    #[serde(skip)]
    wrong: Vec<Wrong>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// Who changes the draft names it.
    pub(super) revision: i64,
    /// The version in force.
    pub(super) in_force: i64,
    pub(super) draft: Option<About>,
    /// The draft's, or what is in force where there is none.
    catalog: Catalog,
    /// Models that were sold before.
    can_be_turned_on: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct About {
    /// The version that it is to follow.
    base: i64,
    edited_by: String,
    /// µs
    edited_at: i64,
    /// Against what is in force.
    changes: Vec<Change>,
    /// Why it can't be published as it is.
    problems: Vec<String>,
    /// What became of the proposal to publish it as it is: open, lapsed, approving, refusing, failed, refused.
    proposal: Option<String>,
}

impl About {
    const fn is_outdated(&self, in_force: i64) -> bool {
        self.base != in_force
    }
}

impl Read for Draft {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/catalog/draft";
    const NEED: Need = EDITS;
    const ABOUT: &'static str = "The next catalog while it is written";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let newest = in_force(&console.pool).await?;
        let (revision, draft) = written(&console.pool, &newest).await?;
        let on_shelf =
            shelf_of(console, draft.as_ref().map_or(&newest.catalog, |draft| &draft.catalog)).await?;
        let can_be_turned_on = on_shelf.iter().map(|model| model.name.to_string()).collect();
        let in_force = newest.version;
        let Some(draft) = draft else {
            return Ok(Shown { revision, in_force, draft: None, catalog: newest.catalog, can_be_turned_on });
        };
        let id = publish::id_of(draft.base + 1, revision);
        let proposal = store::proposal(&console.pool, &id).await?;
        let about = About {
            base: draft.base,
            edited_by: draft.by,
            edited_at: draft.at,
            changes: changes(&newest.catalog, &draft.catalog).map_err(|_| Unfit::Broken("draft-unread"))?,
            problems: faults(&draft.catalog).iter().map(ToString::to_string).collect(),
            proposal: proposal.map(|p| if p.lapsed { "lapsed".to_owned() } else { p.state }),
        };
        Ok(Shown { revision, in_force, draft: Some(about), catalog: draft.catalog, can_be_turned_on })
    }
}

/// Models of the last versions, and of the catalog that this program comes with.
async fn shelf_of(console: &Console, draft: &Catalog) -> Result<Vec<proto_events::catalog::Model>, Unfit> {
    let (stream, published) = (AccountId::CATALOG, store::CATALOG_PUBLISHED);
    let rows = store::events_before(&console.pool, stream, published, i64::MAX, SHELF_VERSIONS).await?;
    let mut all: Vec<Catalog> = Vec::new();
    for row in &rows {
        all.push(Version::read(row)?.catalog);
    }
    all.extend(Catalog::default_catalog().ok());
    Ok(shelf(&all.iter().collect::<Vec<_>>(), draft))
}

impl View for Draft {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("draft-title")
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        now::ways(scene)
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        let at_first = Typed::from_catalog(&shown.catalog);
        let desk = Desk {
            scene,
            typed: asked.typed.as_ref().unwrap_or(&at_first),
            under: &shown.catalog,
            shelf: &shown.can_be_turned_on,
            wrong: &asked.wrong,
            revision: shown.revision,
        };
        html! {
            @match &shown.draft {
                Some(about) => (about_it(scene, shown, about)),
                None => (none_yet(scene, shown)),
            }
            @if shown.draft.is_some() || asked.typed.is_some() {
                h2 { (scene.t("draft-edit")) }
                p { (scene.t("draft-edit-more")) " " a href="/catalog/draft/json" { (scene.t("draft-json")) } }
                (desk.show())
            }
            @if shown.draft.is_some() { (end_form(scene, shown)) }
        }
    }
}

fn none_yet(scene: &Scene<'_>, shown: &Shown) -> Markup {
    html! {
        p class="lead" { (scene.words.with("draft-none-yet", [("n", shown.in_force.into())])) }
        form method="post" action="/catalog/draft/begin" {
            (hidden("from", &shown.in_force.to_string()))
            button { (scene.t("draft-begin")) }
        }
    }
}

fn about_it(scene: &Scene<'_>, shown: &Shown, about: &About) -> Markup {
    html! {
        dl class="facts" {
            dt { (scene.t("draft-base")) } dd { (about.base) }
            dt { (scene.t("draft-edited")) } dd { (about.edited_by) ", " (moscow::date_time(about.edited_at)) }
        }
        @if about.is_outdated(shown.in_force) { (outdated(scene, shown, about)) }
        @if !about.problems.is_empty() {
            div class="note bad" {
                p { (scene.t("draft-problems")) }
                ul { @for fault in faults(&shown.catalog) { li { (fault_words(scene.words, &fault)) } } }
            }
        }
        h2 { (scene.t("draft-changes")) }
        (table_of(scene, &about.changes))
        @if let Some(state) = &about.proposal { (proposed(scene, state)) }
        @if !about.is_outdated(shown.in_force) && about.problems.is_empty() && !about.changes.is_empty() {
            (publish::form(scene, shown))
        }
    }
}

fn outdated(scene: &Scene<'_>, shown: &Shown, about: &About) -> Markup {
    let pairs = [("from", about.base.to_string()), ("to", shown.in_force.to_string())];
    let pairs = pairs.each_ref().map(|(name, value)| (*name, value.as_str()));
    html! {
        (note("bad", &scene.words.with("draft-outdated", [("base", about.base.into()), ("now", shown.in_force.into())])))
        form method="post" action="/catalog/draft/carry" class="card narrow" {
            p { a href=(link("/catalog/compare", &pairs)) { (scene.t("draft-outdated-look")) } }
            (hidden("revision", &shown.revision.to_string()))
            (hidden("version", &shown.in_force.to_string()))
            p class="hint" { (scene.t("draft-carry-more")) }
            button { (scene.words.with("draft-carry", [("n", shown.in_force.into())])) }
        }
    }
}

fn proposed(scene: &Scene<'_>, state: &str) -> Markup {
    let name = if ["open", "approving"].contains(&state) { "draft-proposed" } else { "draft-not-agreed" };
    html! {
        (note("bad", &scene.t(name)))
        p { a class="button" href="/proposals" { (scene.t("menu-proposals")) } }
    }
}

fn end_form(scene: &Scene<'_>, shown: &Shown) -> Markup {
    html! {
        h2 { (scene.t("draft-end")) }
        form method="post" action="/catalog/draft/end" class="card narrow" {
            (hidden("revision", &shown.revision.to_string()))
            label class="check" {
                input type="checkbox" name="sure" value="on" required;
                span { (scene.t("draft-end-sure")) }
            }
            button { (scene.t("draft-end")) }
        }
    }
}

pub(super) async fn save(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let typed = Typed::of(pairs);
    let seen = typed.get("revision").parse().ok();
    let (newest, draft, on_shelf) = match before(&console).await {
        Ok(before) => before,
        Err(unfit) => return in_doubt(&console, &visitor, typed, &unfit).await,
    };
    let (under, base) = match draft {
        Some(draft) => (draft.catalog, draft.base),
        None => (newest.catalog, newest.version),
    };
    let Some(seen) = seen else { return said(&console, &visitor, "draft-form-unfit").await };
    match typed.read(&under, &on_shelf) {
        Err(wrong) => {
            let asked = Asked { typed: Some(typed), wrong };
            let said = note("bad", &console.words(&visitor).t("draft-not-saved"));
            console.shown::<Draft>(&visitor, &asked, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await
        }
        Ok(catalog) => match put(&console, seen, &catalog, base, &session.name).await {
            Ok(true) => Redirect::to("/catalog/draft?done=draft-saved").into_response(),
            Ok(false) => {
                let asked = Asked { typed: Some(typed), wrong: Vec::new() };
                changed(&console, &visitor, &asked).await
            }
            Err(error) => in_doubt(&console, &visitor, typed, &Unfit::Postgres(error)).await,
        },
    }
}

/// What was typed stays in the fields, for another try.
async fn in_doubt(console: &Console, visitor: &Visitor, typed: Typed, unfit: &Unfit) -> Response {
    let (status, _) = unfit.told(&visitor.path);
    let said = note("bad", &console.words(visitor).t("draft-in-doubt"));
    let asked = Asked { typed: Some(typed), wrong: Vec::new() };
    console.shown::<Draft>(visitor, &asked, status, Some(said)).await
}

type Before = (Version, Option<super::Written>, Vec<proto_events::catalog::Model>);

async fn before(console: &Console) -> Result<Before, Unfit> {
    let newest = in_force(&console.pool).await?;
    let draft = written(&console.pool, &newest).await?.1;
    let on_shelf = shelf_of(console, draft.as_ref().map_or(&newest.catalog, |draft| &draft.catalog)).await?;
    Ok((newest, draft, on_shelf))
}

/// In the place of the one that was seen.
pub(super) async fn put(
    console: &Console,
    seen: i64,
    catalog: &Catalog,
    base: i64,
    by: &str,
) -> Result<bool, sqlx::Error> {
    let text = serde_json::to_string(catalog).map_err(|error| sqlx::Error::Encode(error.into()))?;
    store::put_catalog_draft(&console.pool, seen, Some(&text), base, by).await
}

/// Somebody else was here first; what was typed stays on the page, over the draft as it is now.
pub(super) async fn changed(console: &Console, visitor: &Visitor, asked: &Asked) -> Response {
    let said = note("bad", &console.words(visitor).t("draft-written-over"));
    console.shown::<Draft>(visitor, asked, StatusCode::CONFLICT, Some(said)).await
}

async fn said(console: &Console, visitor: &Visitor, why: &str) -> Response {
    let said = note("bad", &console.words(visitor).t(why));
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    console.shown::<Draft>(visitor, &Asked::default(), status, Some(said)).await
}

#[derive(Deserialize)]
pub(super) struct Begun {
    #[serde(default)]
    from: String,
}

/// A draft that is there already is left as it is.
pub(super) async fn begin(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Begun>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let Ok(from) = given.from.trim().parse::<i64>() else {
        return said(&console, &visitor, "draft-form-unfit").await;
    };
    let begun = async {
        let newest = in_force(&console.pool).await?;
        let (revision, draft) = written(&console.pool, &newest).await?;
        if draft.is_some() {
            return Ok(false);
        }
        let base = newest.version;
        let from = if from == base { newest } else { of_version(&console.pool, from, base).await? };
        put(&console, revision, &from.catalog, base, &session.name).await.map_err(Unfit::Postgres)
    };
    match begun.await {
        Ok(true) => Redirect::to("/catalog/draft").into_response(),
        Ok(false) => {
            let said = note("bad", &console.words(&visitor).t("draft-there"));
            console.shown::<Draft>(&visitor, &Asked::default(), StatusCode::CONFLICT, Some(said)).await
        }
        Err(Unfit::Postgres(error)) => console.away(&visitor, &error),
        Err(unfit) => said(&console, &visitor, unfit.told(&visitor.path).1).await,
    }
}

#[derive(Deserialize)]
pub(super) struct Carried {
    #[serde(default)]
    revision: i64,
    /// The version in force, as it was seen.
    #[serde(default)]
    version: i64,
}

/// Onto a version that came into force meanwhile: the draft stays as it is, and is compared with that one.
pub(super) async fn carry(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Carried>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let carried = async {
        let newest = in_force(&console.pool).await?;
        let (_, draft) = written(&console.pool, &newest).await?;
        let Some(draft) = draft.filter(|_| newest.version == given.version) else { return Ok(false) };
        let by = &session.name;
        put(&console, given.revision, &draft.catalog, newest.version, by).await.map_err(Unfit::Postgres)
    };
    match carried.await {
        Ok(true) => Redirect::to("/catalog/draft?done=draft-carried").into_response(),
        Ok(false) => changed(&console, &visitor, &Asked::default()).await,
        Err(Unfit::Postgres(error)) => console.away(&visitor, &error),
        Err(unfit) => said(&console, &visitor, unfit.told(&visitor.path).1).await,
    }
}

#[derive(Deserialize)]
pub(super) struct Ended {
    #[serde(default)]
    revision: i64,
    #[serde(default)]
    sure: String,
}

pub(super) async fn end(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Ended>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    if given.sure != "on" {
        return said(&console, &visitor, "not-confirmed").await;
    }
    match store::put_catalog_draft(&console.pool, given.revision, None, 0, &session.name).await {
        Ok(true) => Redirect::to("/catalog?done=draft-ended").into_response(),
        Ok(false) => changed(&console, &visitor, &Asked::default()).await,
        Err(error) => console.away(&visitor, &error),
    }
}
