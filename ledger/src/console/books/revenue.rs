//! Money by day in Moscow: paid, earned, lapsed, given back, by origin.

use std::time::{SystemTime, UNIX_EPOCH};

use ledger_domain::Asset;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::READS;
use crate::books::moscow::Day;
use crate::books::revenue::{DayLine, by_day};
use crate::books::words::{amount, currency_of, grouped};
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::form::{Field, filters};
use crate::console::table::{Column, number, table};
use crate::console::view::{Read, Scene, View};

/// Shown when nothing is said.
const LATELY: i32 = 30;
/// A year and a day: each has some lines.
const DAYS_MAX: i32 = 366;

pub(super) struct Revenue;

#[derive(Deserialize, JsonSchema)]
pub(in crate::console) struct Asked {
    /// The first day in Moscow, such as 2026-11-21; 30 days ago, if there is none.
    #[serde(default)]
    pub(in crate::console) from: String,
    /// The last; today, if there is none.
    #[serde(default)]
    pub(in crate::console) to: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// What happened after this position is not in it yet.
    through: i64,
    days: Vec<DayLine>,
}

impl Asked {
    /// A year at most.
    pub(in crate::console) fn days(&self) -> Result<(Day, Day), Unfit> {
        let day = |text: &str| match text.trim() {
            "" => Ok(None),
            text => Day::parse(text).map(Some).ok_or(Unfit::Field("day-unfit")),
        };
        let to = day(&self.to)?.unwrap_or_else(today);
        let from = day(&self.from)?.unwrap_or(Day(to.0.saturating_sub(LATELY - 1)));
        if from > to || to.0.saturating_sub(from.0) >= DAYS_MAX {
            return Err(Unfit::Field("days-unfit"));
        }
        Ok((from, to))
    }

    /// The two fields, with the days that are meant.
    pub(in crate::console) fn fields(&self, scene: &Scene<'_>) -> Markup {
        let (from, to) = match self.days() {
            Ok((from, to)) => (from.to_string(), to.to_string()),
            Err(_) => (self.from.clone(), self.to.clone()),
        };
        let [first, last] = ["first-day", "last-day"].map(|name| scene.t(name));
        let day = |name, label, value| Field { kind: "date", ..Field::wish(name, label, value) };
        html! { (day("from", &first, &from).show()) (day("to", &last, &to).show()) }
    }
}

fn today() -> Day {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Day::of(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

impl Read for Revenue {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/revenue";
    const NEED: Need = READS;
    const ABOUT: &'static str = "Money by day in Moscow";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let (from, to) = asked.days()?;
        let (through, days) = by_day(&console.pool, from, to).await?;
        Ok(Shown { through, days })
    }
}

impl View for Revenue {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-revenue")
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        filters("/revenue", &asked.fields(scene), &scene.t("show"))
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        html! {
            p { (scene.t("known-through")) " " a href={"/log/" (shown.through)} { (grouped(shown.through)) } }
            @for code in ["RUB", "XTR"] {
                @let lines: Vec<&DayLine> = shown.days.iter().filter(|line| line.currency == code).collect();
                @if !lines.is_empty() { h2 { (code) } (days(scene, code, &lines)) }
            }
            @if shown.days.is_empty() { p class="lead" { (scene.t("no-money-then")) } }
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
    table(scene.words, code, &columns, &rows, Some(&foot))
}
