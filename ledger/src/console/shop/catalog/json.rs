//! The draft whole, as JSON: for what has no field of its own, and for who writes it elsewhere.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::catalog::Catalog;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EDITS, draft, in_force, now, written};
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::form::{hidden, long};
use crate::console::page::note;
use crate::console::session::Visitor;
use crate::console::view::{Read, Scene, View};

pub(super) struct Whole;

#[derive(Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// What was typed and is not saved.
    #[serde(skip)]
    typed: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    revision: i64,
    /// The draft's, or what is in force where there is none.
    catalog: Catalog,
}

impl Read for Whole {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/catalog/draft/json";
    const NEED: Need = EDITS;
    const ABOUT: &'static str =
        "The next catalog, or the one in force where none is written, and nothing about it";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let newest = in_force(&console.pool).await?;
        let (revision, draft) = written(&console.pool, &newest).await?;
        Ok(Shown { revision, catalog: draft.map_or(newest.catalog, |draft| draft.catalog) })
    }
}

impl View for Whole {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("draft-json")
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        now::ways(scene)
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        let there = || serde_json::to_string_pretty(&shown.catalog).unwrap_or_default();
        let text = asked.typed.clone().unwrap_or_else(there);
        html! {
            form method="post" action="/catalog/draft/json" class="card tall" {
                (hidden("revision", &shown.revision.to_string()))
                (long("json", &scene.t("draft-json"), Some(&scene.t("draft-json-more")), &text))
                button { (scene.t("draft-save")) }
            }
            p { a href="/catalog/draft" { "← " (scene.t("draft")) } }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    revision: i64,
    #[serde(default)]
    json: String,
}

pub(super) async fn save(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Given>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let words = console.words(&visitor);
    let catalog = match read(&given.json) {
        Ok(catalog) => catalog,
        Err(unfit) => {
            let values = [
                ("line", i64::try_from(unfit.line).unwrap_or(0).into()),
                ("place", unfit.place.into()),
                ("why", unfit.why.into()),
            ];
            let said = note("bad", &words.with("draft-json-unfit", values));
            let asked = Asked { typed: Some(given.json) };
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return console.shown::<Whole>(&visitor, &asked, status, Some(said)).await;
        }
    };
    let saved = async {
        let newest = in_force(&console.pool).await?;
        let (_, draft) = written(&console.pool, &newest).await?;
        let base = draft.map_or(newest.version, |draft| draft.base);
        draft::put(&console, given.revision, &catalog, base, &session.name).await.map_err(Unfit::Postgres)
    };
    match saved.await {
        Ok(true) => Redirect::to("/catalog/draft?done=draft-saved").into_response(),
        Ok(false) => {
            let said = note("bad", &words.t("draft-written-over"));
            let asked = Asked { typed: Some(given.json) };
            console.shown::<Whole>(&visitor, &asked, StatusCode::CONFLICT, Some(said)).await
        }
        Err(unfit) => {
            let (status, _) = unfit.told(&visitor.path);
            let said = note("bad", &words.t("draft-in-doubt"));
            console.shown::<Whole>(&visitor, &Asked { typed: Some(given.json) }, status, Some(said)).await
        }
    }
}

struct NoCatalog {
    line: usize,
    /// `packages[0].credits`
    place: String,
    why: String,
}

fn read(text: &str) -> Result<Catalog, NoCatalog> {
    let mut source = serde_json::Deserializer::from_str(text);
    let unfit = |place: String, error: &serde_json::Error| {
        let why = error.to_string();
        // The line is told by itself.
        let why = why.rsplit_once(" at line ").map_or(why.clone(), |(why, _)| why.to_owned());
        NoCatalog { line: error.line(), place, why }
    };
    let catalog = serde_path_to_error::deserialize(&mut source)
        .map_err(|error| unfit(error.path().to_string(), error.inner()))?;
    source.end().map_err(|error| unfit("end".to_owned(), &error))?;
    Ok(catalog)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(from: &str, to: &str) -> (usize, String, String) {
        let text = include_str!("../../../../../proto-events/catalog.default.json").replacen(from, to, 1);
        let unfit = read(&text).err().unwrap();
        (unfit.line, unfit.place, unfit.why)
    }

    #[test]
    fn what_is_no_catalog_is_told_with_its_place_and_what_is_allowed() {
        let (line, place, why) = refused("\"welcome\": 5", "\"welcome\": -5");
        assert_eq!(
            (place.as_str(), why.as_str()),
            ("bonuses.welcome", "credits must be 0 to 1000000000, not -5")
        );
        assert!(line > 200, "{line}");
        let (_, place, why) = refused("\"welcome\"", "\"wellcome\"");
        assert!(place.starts_with("bonuses") && why.contains("expected one of `welcome`"), "{place} {why}");
        let (_, place, why) = refused("\"RUB\"", "\"USD\"");
        assert!(place == "packages[0].price.currency" && why.contains("RUB"), "{place}: {why}");
        assert!(read("").is_err() && read("{} {}").is_err());
        let whole = serde_json::to_string(&Catalog::default_catalog().unwrap()).unwrap();
        assert!(read(&whole).is_ok() && read(&format!("{whole}{whole}")).is_err());
    }
}
