//! All versions, the newest first.

use maud::{Markup, html};
use proto_events::AccountId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{READS, Version, now};
use crate::console::Console;
use crate::console::acts::who;
use crate::console::asked::{Unfit, link};
use crate::console::door::Need;
use crate::console::table::{Column, pages, position, table, when};
use crate::console::view::{Read, Scene, View};
use crate::store;

/// Each is a whole catalog in the log.
const PAGE: usize = 20;

pub(super) struct Versions;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// From this place in the catalog's stream downwards.
    next: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    versions: Vec<Row>,
    next: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
struct Row {
    version: i64,
    position: i64,
    /// µs
    at: i64,
    actor: String,
    producer: String,
    reason: Option<String>,
    models: usize,
    packages: usize,
}

impl Read for Versions {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/catalog/versions";
    const NEED: Need = READS;
    const ABOUT: &'static str = "All versions of the catalog, without what is in them";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let before = asked.next.unwrap_or(i64::MAX - 1).saturating_add(1);
        let max = PAGE as i64 + 1;
        let published = store::CATALOG_PUBLISHED;
        let mut rows =
            store::events_before(&console.pool, AccountId::CATALOG, published, before, max).await?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next = rows.last().filter(|_| more).map(|last| last.version - 1);
        let row = |row| Version::read(row).map(Row::from);
        Ok(Shown { versions: rows.iter().map(row).collect::<Result<_, _>>()?, next })
    }
}

impl From<Version> for Row {
    fn from(v: Version) -> Self {
        Self {
            version: v.version,
            position: v.position,
            at: v.at,
            actor: v.actor,
            producer: v.producer,
            reason: v.reason,
            models: v.catalog.models.len(),
            packages: v.catalog.packages.len(),
        }
    }
}

impl View for Versions {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("catalog-versions")
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        now::ways(scene)
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        let columns = [
            Column::Text("catalog-which"),
            Column::Number("position"),
            Column::Text("when"),
            Column::Text("who"),
            Column::Text("reason"),
            Column::Text("catalog-changed"),
        ];
        let rows = html! {
            @for row in &shown.versions {
                @let version = row.version.to_string();
                tr {
                    th scope="row" { a href=(link("/catalog", &[("version", &version)])) {
                        (scene.words.with("catalog-version", [("n", row.version.into())]))
                    } }
                    (position(row.position))
                    (when(row.at))
                    td { (who(&row.actor, &row.producer)) }
                    td { (row.reason.as_deref().unwrap_or_default()) }
                    td {
                        @if row.version > 1 {
                            @let before = (row.version - 1).to_string();
                            a href=(link("/catalog/compare", &[("from", &before), ("to", &version)])) {
                                (scene.words.with("catalog-compare-to", [("n", (row.version - 1).into())]))
                            }
                        }
                    }
                }
            }
        };
        let older = shown.next.map(|next| link("/catalog/versions", &[("next", &next.to_string())]));
        let newest = asked.next.map(|_| "/catalog/versions".to_owned());
        html! {
            (table(scene.words, &scene.t("catalog-versions"), &columns, &rows, None))
            (pages(scene.words, &[("newest", newest), ("older", older)]))
        }
    }
}
