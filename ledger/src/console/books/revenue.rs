//! Money by day in Moscow: paid, earned, lapsed, given back, by origin.

use ledger_domain::Asset;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Serialize;

use super::READS;
use crate::books::revenue::{DayLine, by_day};
use crate::books::words::{amount, currency_of};
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::days::Days;
use crate::console::door::Need;
use crate::console::form::filters;
use crate::console::known::{Known, Places};
use crate::console::statistics::MONEY_BY;
use crate::console::table::{Column, number, sign, table};
use crate::console::view::{Read, Scene, View};

pub(super) struct Revenue;

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    #[serde(flatten)]
    known: Known,
    days: Vec<DayLine>,
}

impl Read for Revenue {
    type Asked = Days;
    type Shown = Shown;

    const PATH: &'static str = "/revenue";
    const NEED: Need = READS;
    const ABOUT: &'static str = "Money by day in Moscow";

    async fn read(console: &Console, asked: &Days) -> Result<Shown, Unfit> {
        let (from, to) = asked.ends()?;
        let places = Places::of(&console.pool, &[MONEY_BY]).await?;
        let (_, days) = by_day(&console.pool, from, to).await?;
        Ok(Shown { known: places.known(&console.pool).await?, days })
    }
}

impl View for Revenue {
    fn title(scene: &Scene<'_>, _: &Days, _: Option<&Shown>) -> String {
        scene.t("menu-revenue")
    }

    fn ask(scene: &Scene<'_>, asked: &Days) -> Markup {
        filters("/revenue", &asked.fields(scene), &scene.t("show"))
    }

    fn show(scene: &Scene<'_>, _: &Days, shown: &Shown) -> Markup {
        html! {
            (shown.known.told(scene))
            @for code in ["RUB", "XTR"] {
                @let lines: Vec<&DayLine> = shown.days.iter().filter(|line| line.currency == code).collect();
                @if !lines.is_empty() { h2 { (sign(currency_of(code))) } (days(scene, code, &lines)) }
            }
            @if shown.days.is_empty() && shown.known.is_live(MONEY_BY) { p class="lead" { (scene.t("no-money-then")) } }
        }
    }
}

/// The name of a column, and its figure of a line.
type Figure = (&'static str, fn(&DayLine) -> i64);

const FIGURES: [Figure; 6] = [
    ("paid-in", |line| line.paid),
    ("fees", |line| line.fees),
    ("recognised", |line| line.recognised),
    ("breakage", |line| line.breakage),
    ("refunded", |line| line.refunded - line.restored),
    ("paid-back", |line| line.paid_back),
];

fn days(scene: &Scene<'_>, code: &str, lines: &[&DayLine]) -> Markup {
    let asset = Asset::from(currency_of(code));
    let mut columns = vec![Column::Text("day"), Column::Text("origin")];
    columns.extend(FIGURES.map(|(name, _)| Column::Number(name)));
    let rows = html! {
        @for line in lines {
            tr {
                th scope="row" class="when" { (line.day) }
                td { code { (line.origin) } }
                @for (_, of) in FIGURES { (number(amount(of(line), asset))) }
            }
        }
    };
    let foot = html! {
        tr {
            th scope="row" colspan="2" { (scene.t("sum")) }
            @for (_, of) in FIGURES { (number(amount(lines.iter().map(|line| of(line)).sum(), asset))) }
        }
    };
    table(scene.words, sign(currency_of(code)), &columns, &rows, Some(&foot))
}
