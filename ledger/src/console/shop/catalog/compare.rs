//! Two catalogs side by side: versions, the draft, and what waits for another administrator's word.

use maud::{Markup, html};
use proto_events::catalog::Catalog;
use proto_events::commands::CatalogPublish;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::changes::{Change, changes};
use super::words::{path_words, percent, value_words};
use super::{READS, Version, in_force, now, of_version, written};
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::form::{Field, filters};
use crate::console::page::note;
use crate::console::table::{Column, number, table};
use crate::console::view::{Read, Scene, View};
use crate::store;

/// The draft's name, where a version's number may stand.
const DRAFT: &str = "draft";
/// The verb that a proposal's id begins with.
const PROPOSED: &str = "catalog_publish:";

pub(super) struct Compare;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// A version; nothing: the one in force, or the one before it.
    #[serde(default)]
    from: String,
    /// A version, `draft`, or the id of a proposal; nothing: the draft, or what is in force.
    #[serde(default)]
    to: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// A version's number, `draft`, or a proposal's id.
    from: String,
    to: String,
    changes: Vec<Change>,
}

impl Read for Compare {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/catalog/compare";
    const NEED: Need = READS;
    const ABOUT: &'static str = "What differs between two versions of the catalog, or a draft of it";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let newest = in_force(&console.pool).await?;
        let draft = written(&console.pool, &newest).await?.1.map(|draft| draft.catalog);
        let to = match (asked.to.trim(), &draft) {
            ("", Some(_)) => DRAFT.to_owned(),
            ("", None) => newest.version.to_string(),
            (to, _) => to.to_owned(),
        };
        let from = match asked.from.trim() {
            "" if to == newest.version.to_string() => (newest.version - 1).max(1).to_string(),
            "" => newest.version.to_string(),
            from => from.to_owned(),
        };
        let (left, right) = (
            side(console, &newest, draft.as_ref(), &from).await?,
            side(console, &newest, draft.as_ref(), &to).await?,
        );
        let changes = changes(&left, &right).map_err(|_| Unfit::Broken("log-unread"))?;
        Ok(Shown { from, to, changes })
    }
}

async fn side(
    console: &Console,
    newest: &Version,
    draft: Option<&Catalog>,
    name: &str,
) -> Result<Catalog, Unfit> {
    if name == DRAFT {
        return draft.cloned().ok_or(Unfit::Field("draft-none"));
    }
    if name.starts_with(PROPOSED) {
        let proposal = store::proposal(&console.pool, name).await?;
        let body = proposal.and_then(|proposal| proposal.body).ok_or(Unfit::Nowhere)?;
        let command: CatalogPublish =
            serde_json::from_str(&body).map_err(|_| Unfit::Broken("draft-unread"))?;
        return Ok(command.catalog);
    }
    match name.parse() {
        Ok(version) if version == newest.version => Ok(newest.catalog.clone()),
        Ok(version) => Ok(of_version(&console.pool, version, newest.version).await?.catalog),
        Err(_) => Err(Unfit::Field("catalog-side-unfit")),
    }
}

impl View for Compare {
    fn title(scene: &Scene<'_>, _: &Asked, shown: Option<&Shown>) -> String {
        match shown {
            Some(shown) => {
                format!(
                    "{}: {} → {}",
                    scene.t("catalog-compare"),
                    side_words(scene, &shown.from),
                    side_words(scene, &shown.to)
                )
            }
            None => scene.t("catalog-compare"),
        }
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        let [from, to, hint] =
            ["catalog-compare-from", "catalog-compare-with", "catalog-side-hint"].map(|n| scene.t(n));
        let fields = html! {
            (Field { hint: Some(&hint), ..Field::wish("from", &from, &asked.from) }.show())
            (Field { hint: Some(&hint), ..Field::wish("to", &to, &asked.to) }.show())
        };
        html! { (now::ways(scene)) (filters("/catalog/compare", &fields, &scene.t("catalog-compare-do"))) }
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        table_of(scene, &shown.changes)
    }
}

fn side_words(scene: &Scene<'_>, side: &str) -> String {
    match side.parse::<i64>() {
        Ok(version) => scene.words.with("catalog-version", [("n", version.into())]),
        Err(_) if side == DRAFT => scene.t("draft"),
        Err(_) => scene.t("catalog-proposed"),
    }
}

pub(super) fn table_of(scene: &Scene<'_>, changes: &[Change]) -> Markup {
    if changes.is_empty() {
        return note("good", &scene.t("catalog-same"));
    }
    let columns = [
        Column::Text("what"),
        Column::Text("catalog-was"),
        Column::Text("catalog-becomes"),
        Column::Number("catalog-by-how-much"),
    ];
    let rows = html! {
        @for change in changes {
            tr {
                th scope="row" { (path_words(scene.words, &change.path)) }
                @for side in [&change.from, &change.to] {
                    td {
                        @match side {
                            Some(value) => (value_words(scene.words, &change.path, value)),
                            None => span class="dim" { (scene.t("catalog-nothing")) },
                        }
                    }
                }
                (number(change.more_per_mille.map(percent).unwrap_or_default()))
            }
        }
    };
    table(scene.words, &scene.t("catalog-changes"), &columns, &rows, None)
}
