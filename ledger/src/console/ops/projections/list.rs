//! The page of all projections.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Line, READS, cells, goings_on, lines, state_name};
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::table::{Column, table};
use crate::console::view::{Read, Scene, View};

pub(super) struct List;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// Of the newest event.
    head: i64,
    instances: Vec<Line>,
}

impl Read for List {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/projections";
    const NEED: Need = READS;
    const ABOUT: &'static str = "All instances of projections, and how far they are";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let (head, instances) = lines(&console.pool, None).await?;
        Ok(Shown { head, instances })
    }
}

impl View for List {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-projections")
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let columns = [
            Column::Text("projection"),
            Column::Number("build"),
            Column::Text("state"),
            Column::Number("position"),
            Column::Number("behind"),
            Column::Number("behind-time"),
            Column::Text("goings-on"),
        ];
        let rows = html! {
            @for line in &shown.instances {
                tr {
                    th scope="row" { a href={"/projections/" (line.instance.name)} { code { (line.instance.name) } } }
                    td class="number" { (line.instance.instance) }
                    td { span class="chip" { (scene.t(state_name(line.instance.state))) } }
                    (cells(scene, line))
                    td { (goings_on(scene, line)) }
                }
            }
        };
        html! {
            p { (scene.t("log-position")) ": " (grouped(shown.head)) }
            (table(scene.words, &scene.t("menu-projections"), &columns, &rows, None))
        }
    }

    fn again_every(_: &Asked) -> Option<u8> {
        Some(2)
    }
}
