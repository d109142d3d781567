//! What the shop has done since midnight in Moscow: on the first page for those who may see money, and as JSON.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Console;
use super::asked::Unfit;
use super::books::READS;
use super::days::today;
use super::door::Need;
use super::known::Known;
use super::page::note;
use super::statistics::{self, MONEY_BY, OfDay, PEOPLE_BY, rubles, stars};
use super::view::{Read, Scene};
use crate::books::words::grouped;

pub(super) struct Today;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    #[serde(flatten)]
    figures: OfDay,
    #[serde(flatten)]
    known: Known,
}

impl Read for Today {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/today";
    const NEED: Need = READS;
    const ABOUT: &'static str = "The shop since midnight in Moscow, as its page of statistics counts it";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let today = today();
        let counted = statistics::counted(&console.pool, today, today).await?;
        let figures = counted.days.into_iter().next().unwrap_or_default();
        Ok(Shown { figures, known: counted.known })
    }
}

/// A figure: the name of its text, which projection counts it, what it is today, how it is written.
type Figure = (&'static str, &'static str, fn(&OfDay) -> i64, fn(i64) -> String);

const FIGURES: [Figure; 9] = [
    ("paid-rub", MONEY_BY, |day| day.paid_rub, rubles),
    ("paid-xtr", MONEY_BY, |day| day.paid_xtr, stars),
    ("earned-rub", MONEY_BY, |day| day.recognised_rub, rubles),
    ("payments", PEOPLE_BY, |day| day.payments, grouped),
    ("new-people", PEOPLE_BY, |day| day.new_people, grouped),
    ("active-people", PEOPLE_BY, |day| day.active_people, grouped),
    ("generations", PEOPLE_BY, |day| day.requested, grouped),
    ("ready", PEOPLE_BY, |day| day.pictures.saturating_add(day.answers), grouped),
    ("failed", PEOPLE_BY, |day| day.failed, grouped),
];

/// The figures, with what is not counted now, and where more is told.
pub(super) fn card(scene: &Scene<'_>, shown: &Shown) -> Markup {
    html! {
        section class="card today" {
            h2 { (scene.t("today")) ", " (shown.figures.day) }
            (shown.known.told(scene))
            dl class="figures" {
                @for (name, by, of, written) in FIGURES {
                    div { dt { (scene.t(name)) } dd { @if shown.known.is_live(by) { (written(of(&shown.figures))) } @else { "–" } } }
                }
            }
            p { a href="/statistics" { (scene.t("menu-statistics")) } " · " a href="/revenue" { (scene.t("menu-revenue")) } }
        }
    }
}

/// In the place of the figures, when they can't be read.
pub(super) fn unread(scene: &Scene<'_>, unfit: &Unfit) -> Markup {
    // Why, is in the log of this service.
    unfit.told(Today::PATH);
    html! {
        section class="card today" {
            h2 { (scene.t("today")) }
            (note("bad", &scene.t("figures-unread")))
        }
    }
}
