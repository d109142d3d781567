//! The first page: today in figures for those who may see money; where the log is, and whether what is read from it keeps
//! up, for everybody.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Console;
use super::asked::Unfit;
use super::door::{Door, Need};
use super::ops;
use super::table::{Column, number, table};
use super::today::{self, Today};
use super::view::{Read, Scene, View};
use crate::projections::registry;
use crate::store;

pub(super) fn rooms(door: &mut Door) {
    door.view::<Home>();
    door.data::<Today>();
}

struct Home;

#[derive(Deserialize, JsonSchema)]
struct Asked {}

#[derive(Serialize, JsonSchema)]
struct Overview {
    /// Of the newest event.
    position: i64,
    incarnation: i64,
    /// Live ones, by name.
    projections: Vec<Progress>,
    #[serde(flatten)]
    waiting: ops::Waiting,
}

#[derive(Serialize, JsonSchema)]
struct Progress {
    name: String,
    position: i64,
    /// Events of the log that it has not folded yet.
    behind: i64,
}

impl Read for Home {
    type Asked = Asked;
    type Shown = Overview;

    const PATH: &'static str = "/";
    const NEED: Need = Need::SignedIn;
    const ABOUT: &'static str = "Where the log is, and how far the projections are";

    async fn read(console: &Console, _: &Asked) -> Result<Overview, Unfit> {
        let head = store::head(&console.pool).await?;
        let all = registry::all(&console.pool).await?;
        let live = all.into_iter().filter(|instance| instance.state == registry::State::Live);
        let mut projections: Vec<Progress> = live
            .map(|instance| Progress {
                behind: head.position.saturating_sub(instance.position).max(0),
                name: instance.name,
                position: instance.position,
            })
            .collect();
        projections.sort_by(|a, b| a.name.cmp(&b.name));
        let waiting = ops::Waiting::read(&console.pool).await?;
        Ok(Overview { position: head.position, incarnation: head.incarnation, projections, waiting })
    }
}

impl View for Home {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Overview>) -> String {
        scene.t("menu-home")
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Overview) -> Markup {
        let rows = html! {
            @for one in &shown.projections {
                tr { th scope="row" { a href={"/projections/" (one.name)} { code { (one.name) } } } (number(one.position)) (number(one.behind)) }
            }
        };
        let columns = [Column::Text("projection"), Column::Number("position"), Column::Number("behind")];
        html! {
            (ops::waiting(scene, &shown.waiting))
            dl class="facts" {
                dt { (scene.t("log-position")) } dd class="number" { (shown.position) }
                dt { (scene.t("log-incarnation")) } dd class="number" { (shown.incarnation) }
            }
            h2 { (scene.t("projections")) }
            (table(scene.words, &scene.t("projections"), &columns, &rows, None))
        }
    }

    async fn beside(console: &Console, scene: &Scene<'_>) -> Result<Markup, Unfit> {
        let Need::One(roles) = Today::NEED else { return Ok(Markup::default()) };
        if !scene.is_one_of(roles) {
            return Ok(Markup::default());
        }
        // Where the log is, and what waits, is told even when this can't be.
        Ok(match Today::read(console, &today::Asked {}).await {
            Ok(shown) => today::card(scene, &shown),
            Err(unfit) => today::unread(scene, &unfit),
        })
    }

    fn again_every(_: &Asked) -> Option<u8> {
        Some(5)
    }
}
