//! What is in force, or was in a version.

use maud::{Markup, html};
use proto_events::catalog::Catalog;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{READS, in_force, is_owner, list, of_version};
use crate::books::moscow;
use crate::console::Console;
use crate::console::acts::who;
use crate::console::asked::{Unfit, link};
use crate::console::door::Need;
use crate::console::form::hidden;
use crate::console::page::note;
use crate::console::view::{Read, Scene, View};

pub(super) struct Now;

#[derive(Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// Nothing: what is in force.
    version: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    version: i64,
    /// The version in force.
    in_force: i64,
    position: i64,
    /// µs
    since: i64,
    /// `operator:NAME`, or `service` when nobody did it.
    actor: String,
    producer: String,
    reason: Option<String>,
    catalog: Catalog,
}

impl Read for Now {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/catalog";
    const NEED: Need = READS;
    const ABOUT: &'static str = "What is sold: the catalog in force, or of a version";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let newest = in_force(&console.pool).await?;
        let in_force = newest.version;
        let found = match asked.version.filter(|version| *version != in_force) {
            Some(version) => of_version(&console.pool, version, in_force).await?,
            None => newest,
        };
        let super::Version { version, position, at, actor, producer, reason, catalog } = found;
        Ok(Shown { version, in_force, position, since: at, actor, producer, reason, catalog })
    }
}

impl View for Now {
    fn title(scene: &Scene<'_>, asked: &Asked, _: Option<&Shown>) -> String {
        match asked.version {
            Some(version) => scene.words.with("catalog-version", [("n", version.into())]),
            None => scene.t("menu-catalog"),
        }
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        ways(scene)
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let is_in_force = shown.version == shown.in_force;
        let version = shown.version.to_string();
        html! {
            @if !is_in_force {
                (note("bad", &scene.words.with("catalog-not-in-force", [("n", shown.in_force.into())])))
                p { a href=(link("/catalog/compare", &[("from", &version), ("to", &shown.in_force.to_string())])) {
                    (scene.t("catalog-compare-with-now"))
                } }
            }
            dl class="facts" {
                dt { (scene.t("catalog-which")) }
                dd { (shown.version) " " @if is_in_force { span class="chip" { (scene.t("catalog-in-force")) } } }
                dt { (scene.t("catalog-since")) } dd { (moscow::date_time(shown.since)) }
                dt { (scene.t("position")) } dd { a href={"/log/" (shown.position)} { (shown.position) } }
                dt { (scene.t("who")) } dd { (who(&shown.actor, &shown.producer)) }
                @if let Some(reason) = &shown.reason { dt { (scene.t("reason")) } dd { (reason) } }
            }
            (list::catalog(scene, &shown.catalog))
            @if is_owner(scene) && !is_in_force { (again(scene, shown)) }
        }
    }
}

/// Prices as they were, to begin a draft with.
fn again(scene: &Scene<'_>, shown: &Shown) -> Markup {
    html! {
        h2 { (scene.t("draft-from-it")) }
        form method="post" action="/catalog/draft/begin" class="card narrow" {
            p { (scene.t("draft-from-it-more")) }
            (hidden("from", &shown.version.to_string()))
            button { (scene.t("draft-begin")) }
        }
    }
}

/// From page to page about the catalog.
pub(super) fn ways(scene: &Scene<'_>) -> Markup {
    let all = [
        ("/catalog", "catalog-in-force", true),
        ("/catalog/draft", "draft", is_owner(scene)),
        ("/catalog/compare", "catalog-compare", true),
        ("/catalog/versions", "catalog-versions", true),
    ];
    html! {
        nav class="pages" aria-label=(scene.t("menu-catalog")) {
            @for (path, name, _) in all.into_iter().filter(|(_, _, is_seen)| *is_seen) {
                a class="button" href=(path) aria-current=[(scene.visitor.path == path).then_some("page")] { (scene.t(name)) }
            }
        }
    }
}
