//! Those that wait, and those that somebody has seen to.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ACTS, Letter, state_of};
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::{Door, Need};
use crate::console::ops::stuck::{self, Stuck};
use crate::console::table::{self, Column, number, table, when};
use crate::console::view::{Read, Scene, View};
use crate::store;

/// Of each state, the newest.
const SHOWN_MAX: i64 = 100;

pub(super) fn rooms(door: &mut Door) {
    door.view::<List>();
}

struct List;

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Serialize, JsonSchema)]
struct Letters {
    /// All that are open; the newest of them follow.
    count: i64,
    open: Vec<Letter>,
    /// The newest that were sent again or dropped.
    closed: Vec<Letter>,
    /// All events that a service can't get done; the newest of them follow.
    stuck_count: i64,
    stuck: Vec<Stuck>,
    /// The newest that were dropped.
    stuck_dropped: Vec<Stuck>,
}

impl Read for List {
    type Asked = Nothing;
    type Shown = Letters;

    const PATH: &'static str = "/dead-letters";
    const NEED: Need = ACTS;
    const ABOUT: &'static str = "Commands that were refused and should not have been, without what they said; events that a service can't get done";

    async fn read(console: &Console, _: &Nothing) -> Result<Letters, Unfit> {
        let pool = &console.pool;
        let of = async |state: &str| -> Result<Vec<Letter>, sqlx::Error> {
            Ok(store::letters(pool, state, SHOWN_MAX).await?.into_iter().map(Letter::from).collect())
        };
        let mut closed = of("done").await?;
        closed.extend(of("dropped").await?);
        closed.sort_by_key(|one| std::cmp::Reverse(one.answered_at.unwrap_or(one.last_at)));
        let stuck = async |dropped: bool| -> Result<Vec<Stuck>, sqlx::Error> {
            Ok(store::stuck_events(pool, dropped, SHOWN_MAX).await?.into_iter().map(Stuck::from).collect())
        };
        Ok(Letters {
            count: store::open_letters(pool).await?,
            open: of("open").await?,
            closed,
            stuck_count: store::count_stuck_events(pool).await?,
            stuck: stuck(false).await?,
            stuck_dropped: stuck(true).await?,
        })
    }
}

impl View for List {
    fn title(scene: &Scene<'_>, _: &Nothing, _: Option<&Letters>) -> String {
        scene.t("menu-letters")
    }

    fn show(scene: &Scene<'_>, _: &Nothing, shown: &Letters) -> Markup {
        html! {
            @if shown.open.is_empty() { p class="lead" { (scene.t("letters-none")) } } @else {
                p { (scene.words.with("letters-wait", [("n", shown.count.into())])) }
                (lines(scene, &scene.t("letters-open"), &shown.open))
            }
            @if !shown.closed.is_empty() {
                h2 { (scene.t("letters-closed")) }
                (lines(scene, &scene.t("letters-closed"), &shown.closed))
            }
            h2 { (scene.t("stuck")) }
            @if shown.stuck.is_empty() { p { (scene.t("stuck-none")) } } @else {
                p { (scene.words.with("stuck-wait", [("n", shown.stuck_count.into())])) " " (scene.t("stuck-more")) }
                (stuck::lines(scene, &scene.t("stuck"), &shown.stuck))
            }
            @if !shown.stuck_dropped.is_empty() {
                h2 { (scene.t("stuck-dropped")) }
                (stuck::lines(scene, &scene.t("stuck-dropped"), &shown.stuck_dropped))
            }
        }
    }

    fn again_every(_: &Nothing) -> Option<u8> {
        Some(10)
    }
}

fn lines(scene: &Scene<'_>, label: &str, all: &[Letter]) -> Markup {
    let columns = [
        Column::Text("letter"),
        Column::Text("last-refused"),
        Column::Number("times-refused"),
        Column::Text("producer"),
        Column::Text("refusal"),
        Column::Text("account"),
        Column::Text("state"),
    ];
    let rows = html! {
        @for one in all {
            tr {
                th scope="row" { a href={"/dead-letters/" (one.letter)} { code { (one.verb) } } }
                (when(one.last_at))
                (number(grouped(one.times)))
                td { (one.producer) }
                td { code { (one.code) } }
                @match one.account { Some(account) => (table::account(account)), None => td {} }
                td { (state_of(scene, one)) }
            }
        }
    };
    table(scene.words, label, &columns, &rows, None)
}
