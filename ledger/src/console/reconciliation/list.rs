//! Which days were compared.

use maud::{Markup, html};
use proto_events::{Money, Provider};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::books::moscow::Day;
use crate::console::Console;
use crate::console::asked::{Unfit, link};
use crate::console::books::READS;
use crate::console::door::{Door, Need};
use crate::console::table::{Column, money_shown, number, position, table, when};
use crate::console::view::{Read, Scene, View};
use crate::reconcile::recorded;

/// How far back comparisons are listed.
const DAYS: i32 = 90;

pub(super) fn rooms(door: &mut Door) {
    door.view::<Comparisons>();
}

struct Comparisons;

#[derive(Deserialize, JsonSchema)]
struct Asked {}

#[derive(Serialize, JsonSchema)]
struct Shown {
    /// Of the last 90 days, the newest first; a day that was compared again is there again.
    comparisons: Vec<Comparison>,
}

#[derive(Serialize, JsonSchema)]
struct Comparison {
    position: i64,
    recorded_at: i64,
    provider: Provider,
    day: String,
    differences: u32,
    payments_here: Money,
    payments_there: Money,
}

impl Read for Comparisons {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/reconciliation";
    const NEED: Need = READS;
    const ABOUT: &'static str = "Which days were compared with the providers' books, and what differed";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let now: i64 = sqlx::query_scalar("SELECT now_us()").fetch_one(&console.pool).await?;
        let recorded = recorded::since(&console.pool, Day(Day::of(now).0 - DAYS)).await?;
        let shown = recorded.into_iter().rev().map(|one| Comparison {
            position: one.row.position,
            recorded_at: one.row.recorded_at,
            provider: one.finished.provider,
            day: Day(one.finished.day.get()).to_string(),
            differences: one.finished.differences,
            payments_here: one.finished.payments.ours.sum,
            payments_there: one.finished.payments.theirs.sum,
        });
        Ok(Shown { comparisons: shown.collect() })
    }
}

impl View for Comparisons {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-reconciliation")
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let columns = [
            Column::Text("day"),
            Column::Text("provider"),
            Column::Number("differences"),
            Column::Number("paid-here"),
            Column::Number("paid-there"),
            Column::Text("compared-at"),
            Column::Number("position"),
        ];
        let rows = html! {
            @for one in &shown.comparisons {
                @let pairs = [("provider", one.provider.as_str()), ("day", one.day.as_str())];
                tr {
                    th scope="row" class="when" { a href=(link("/reconciliation/day", &pairs)) { (one.day) } }
                    td { code { (one.provider.as_str()) } }
                    (number(one.differences))
                    (number(money_shown(one.payments_here)))
                    (number(money_shown(one.payments_there)))
                    (when(one.recorded_at))
                    (position(one.position))
                }
            }
        };
        html! {
            p { (scene.t("reconciliation-more")) }
            @if shown.comparisons.is_empty() { p class="lead" { (scene.t("nothing-compared")) } }
            @else { (table(scene.words, &scene.t("menu-reconciliation"), &columns, &rows, None)) }
        }
    }
}
